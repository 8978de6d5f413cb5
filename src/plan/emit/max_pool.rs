//! Lowering of max pooling and its gradient.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::base::window::Placement;
use crate::kernel::reduction::pooling::Images;
use crate::kernel::{MaxPool, MaxPoolBackward};

/// The images of a pooling with this result.
pub(super) fn images(emitter: &Emitter<'_>, value: Value, placement: Placement) -> Images {
    Images {
        samples: emitter.graph.shape(value).samples(emitter.spec.batch),
        channels: emitter.shape(value).cols,
        placement,
    }
}

impl Lower for op::MaxPool {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.x, value]);
        // Only the gradient reads the taps of the maxima.
        let mut places = emitter.outputs(value);
        places.retain(|places| emitter.fusion.is_needed(places.0));
        operands.extend(emitter.operands(&places));
        let kernel = MaxPool {
            images: images(emitter, value, self.placement),
            places: !places.is_empty(),
        };
        emitter.push(kernel, operands);
    }
}

impl Lower for op::MaxPoolBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.dy, self.places, value]);
        let images = images(emitter, value, self.placement);
        emitter.push(MaxPoolBackward { images }, operands);
    }
}
