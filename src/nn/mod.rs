//! What users build with: layers in sequence, and the network that comes of a graph.

mod file;
mod gradient_check;
mod network;
mod parameters;
mod sequential;

pub use gradient_check::{GradientCheck, ParameterCheck};
pub use network::{Gradients, Network};
pub use sequential::Sequential;

pub(crate) use file::{Entry, decode, encode, read_file, write_file};
pub(crate) use parameters::check_values;
