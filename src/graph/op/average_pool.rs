//! Average pooling.

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::Pool;
use crate::kernel::base::window::Placement;

/// The average of each window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AveragePool {
    pub(crate) x: Value,
    pub(crate) placement: Placement,
    /// Whether the average counts the padding.
    pub(crate) include_pad: bool,
    /// Shape of the result.
    pub(crate) shape: Shape,
}

impl Operation for AveragePool {
    operands!(x);

    fn name(&self) -> String {
        format!(
            "AveragePool {} {}",
            self.placement,
            counted(self.include_pad)
        )
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

fn counted(include_pad: bool) -> &'static str {
    if include_pad {
        "padding counts"
    } else {
        "pixels count"
    }
}

impl Differentiable for AveragePool {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let dx = AveragePoolBackward {
            dy,
            placement: self.placement,
            include_pad: self.include_pad,
            shape: backward.shape(self.x),
        };
        backward.add(self.x, dx);
    }
}

/// The gradient of x: the sum of the shares of the windows with a tap on the pixel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AveragePoolBackward {
    pub(crate) dy: Value,
    pub(crate) placement: Placement,
    pub(crate) include_pad: bool,
    /// Shape of x.
    pub(crate) shape: Shape,
}

impl Operation for AveragePoolBackward {
    operands!(dy);

    fn name(&self) -> String {
        let counted = counted(self.include_pad);
        format!("AveragePoolBackward {} {counted}", self.placement)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Average pooling of images [batch, H, W, C] to [batch, H′, W′, C], or of sequences [batch, T, D] to [batch, T′,
    /// D]: the average of each window and channel (PyTorch's `AvgPool2d` and `AvgPool1d`). [`Pool`] has the settings
    /// and the formula of H′; a number is a kernel size, and its windows do not overlap.
    ///
    /// It takes one dispatch forward and one backward.
    ///
    /// ```
    /// use wgrad::{Device, Graph, Pool};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let sequence = graph.input([4, 1])?;
    /// let y = graph.average_pool(sequence, Pool::new(2).padding(1).count_include_pad(false))?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0])?, [1.0, 2.5, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Graph::max_pool`].
    pub fn average_pool(&mut self, x: Value, pool: impl Into<Pool>) -> Result<Value> {
        let pool = pool.into();
        let (placement, shape) = self.pooled("average_pool", x, pool)?;
        self.add_operation(AveragePool {
            x,
            placement,
            include_pad: pool.count_include_pad,
            shape,
        })
    }

    /// The average of each channel over the whole image or sequence: [`Graph::average_pool`] with one window, [batch,
    /// 1, 1, C] or [batch, 1, D] (PyTorch's `AdaptiveAvgPool2d(1)`). A [`flatten`](Graph::flatten) behind it is free.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if x is no batch of images or sequences.
    pub fn global_average_pool(&mut self, x: Value) -> Result<Value> {
        let (image, _) = self.known(x)?.image("global_average_pool")?;
        self.average_pool(x, Pool::global(&image))
    }
}
