//! Repetition of a row, a column or a dimension of length 1.

use super::{
    Backward, ColumnSum, Differentiable, DimensionSum, Elementwise, Operation, RowSum, operands,
};
use crate::graph::{Graph, Rows, Shape, Value};
use crate::kernel::{self, Along};
use crate::{Error, Result};

/// A row [1, cols], repeated for the rows of a shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RepeatRow {
    pub(crate) x: Value,
    pub(crate) like: Shape,
}

/// A column [rows, 1], repeated for a number of columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RepeatColumn {
    pub(crate) x: Value,
    pub(crate) cols: usize,
}

/// A dimension of length 1, repeated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Repeat {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Position of the result's dimension in its matrix.
    pub(crate) along: Along,
}

impl Operation for RepeatRow {
    operands!(x);

    fn name(&self) -> String {
        match self.like.rows() {
            Rows::PerSample(1) => "RepeatRow batch".to_string(),
            Rows::PerSample(rows) => format!("RepeatRow batch of {rows}"),
            Rows::Fixed(rows) => format!("RepeatRow {rows}"),
        }
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        if shape.rows() != Rows::Fixed(1) {
            let expected = Shape::row(shape.cols());
            return Err(Error::shape("a repeated row", expected, shape));
        }
        Ok(self.like.with_col_dims(shape.col_dims()))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Operation for RepeatColumn {
    operands!(x);

    fn name(&self) -> String {
        format!("RepeatColumn {}", self.cols)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        graph.expect("a repeated column", self.x, &shape.with_cols(1))?;
        Ok(shape.with_cols(self.cols))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Operation for Repeat {
    operands!(x);

    fn name(&self) -> String {
        format!("Repeat {} for {}", self.dimension, self.along.length)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        graph.expect(
            "a repeated dimension",
            self.x,
            &shape.with_length(self.dimension, 1),
        )?;
        Ok(shape.with_length(self.dimension, self.along.length))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for RepeatRow {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::RepeatRow
    }
}

impl Elementwise for RepeatColumn {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::RepeatColumn
    }
}

impl Differentiable for RepeatRow {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add(self.x, ColumnSum { x: dy });
    }
}

impl Differentiable for RepeatColumn {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add(self.x, RowSum { x: dy });
    }
}

impl Differentiable for Repeat {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let Repeat {
            x,
            dimension,
            along,
        } = *self;
        let sum = DimensionSum {
            x: dy,
            dimension,
            along,
        };
        backward.add(x, sum);
    }
}
