//! A row or a column, repeated.

use super::{Backward, ColumnSum, Differentiable, Elementwise, Operation, RowSum, operands};
use crate::Result;
use crate::graph::{Graph, Rows, Shape, Value};
use crate::kernel;

/// A row [1, cols], repeated for so many rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RepeatRow {
    pub(crate) x: Value,
    pub(crate) rows: Rows,
}

/// A column [rows, 1], repeated for so many columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RepeatColumn {
    pub(crate) x: Value,
    pub(crate) cols: usize,
}

impl Operation for RepeatRow {
    operands!(x);

    fn name(&self) -> String {
        match self.rows {
            Rows::Batch => "RepeatRow batch".to_string(),
            Rows::Fixed(rows) => format!("RepeatRow {rows}"),
        }
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        graph.expect("a repeated row", self.x, Shape::row(shape.cols))?;
        let rows = self.rows;
        Ok(Shape { rows, ..shape })
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
        graph.expect("a repeated column", self.x, Shape { cols: 1, ..shape })?;
        let cols = self.cols;
        Ok(Shape { cols, ..shape })
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
