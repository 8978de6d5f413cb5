//! Packed floats: the storage of operands of the element [`Packed`](Element::Packed) on adapters that run on a CPU.
//!
//! Such an adapter runs a loop over its lanes for every component that it loads or stores. So half as many components of
//! 64 bits take little more than half the time. The bits are the same.

use crate::kernel::base::{Binding, Capabilities, Element};

/// Piece for an update in chunks of eight parameters, which are four on other adapters.
pub(crate) const EIGHTS: &str = include_str!("../../../shaders/software/eights.wgsl");

/// The operands as stored for an adapter: four floats are two 64-bit words where that is faster.
pub(crate) fn for_adapter(bindings: Vec<Binding>, capabilities: &Capabilities) -> Vec<Binding> {
    if capabilities.loads64 {
        stored(bindings, Element::Words64)
    } else {
        bindings
    }
}

/// The operands with eight floats in an element.
pub(crate) fn in_eights(bindings: Vec<Binding>) -> Vec<Binding> {
    stored(bindings, Element::Eights)
}

fn stored(mut bindings: Vec<Binding>, element: Element) -> Vec<Binding> {
    for binding in &mut bindings {
        if binding.element == Element::Packed {
            binding.element = element;
        }
    }
    bindings
}
