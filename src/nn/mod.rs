//! Networks: `Sequential`, the `Network` built from a graph, and parameter files.

mod batch;
mod checks;
mod data;
mod file;
mod generator;
mod gradient_check;
mod gradients;
mod inputs;
mod jacobian;
mod load_options;
mod losses;
mod matching;
mod moved_loss;
mod network;
mod parameters;
mod plans;
mod predict;
mod prepare;
mod running;
mod sequential;
mod statistics;
mod tune;

pub use crate::kernel::{Activation, Convolution, Padding, PerAxis, Pool};
pub use generator::Generator;
pub use gradient_check::{GradientCheck, ParameterCheck};
pub use gradients::Gradients;
pub use inputs::Inputs;
pub use load_options::LoadOptions;
pub use network::Network;
pub use sequential::Sequential;

pub(crate) use file::{Entry, Header, Tensor, decode, encode, read_tensors};
pub(crate) use losses::Losses;
pub(crate) use matching::{Wanted, matching, matching_by_name};
pub(crate) use plans::{PlanKey, Purpose};
