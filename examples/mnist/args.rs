//! The command line.

use crate::choices::{Choice, Course, Rule, Start, activation};
use crate::networks::Kind;
use clap::Parser;
use std::path::PathBuf;
use wgrad::Activation;

/// Trains a network to read handwritten digits.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Where to run: auto takes a hardware GPU if there is one, else the CPU
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    pub(crate) device: Choice,
    /// Only a GPU whose name holds this text (not with --device cpu)
    #[arg(long)]
    pub(crate) adapter: Option<String>,
    /// Folder with the four files of MNIST; the bundled sample by default
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Kind of network
    #[arg(long, value_enum, default_value_t = Kind::Mlp)]
    pub(crate) network: Kind,
    /// Units of the hidden dense layers; 120,84 for lenet, 128 for deep
    #[arg(long, value_delimiter = ',', default_value = "512,512")]
    #[arg(default_value_ifs([("network", "lenet", "120,84"), ("network", "deep", "128")]))]
    pub(crate) hidden: Vec<usize>,
    /// Epochs to train; 0 only evaluates. 12 for deep
    #[arg(long, default_value_t = 8, default_value_if("network", "deep", "12"))]
    pub(crate) epochs: u32,
    /// Samples in a batch; 100 for deep
    #[arg(long, default_value_t = 64, default_value_if("network", "deep", "100"))]
    pub(crate) batch: usize,
    /// Learning rate; 0.003 for lenet and deep
    #[arg(long, default_value_t = 1e-3)]
    #[arg(default_value_ifs([("network", "lenet", "3e-3"), ("network", "deep", "3e-3")]))]
    pub(crate) lr: f64,
    /// Optimizer
    #[arg(long, value_enum, default_value_t = Rule::Adam)]
    pub(crate) optimizer: Rule,
    /// How the learning rate changes over the run; one-cycle for lenet and deep
    #[arg(long, value_enum, default_value_t = Course::Cosine)]
    #[arg(default_value_ifs([("network", "lenet", "one-cycle"), ("network", "deep", "one-cycle")]))]
    pub(crate) schedule: Course,
    /// Weight decay: decoupled for adamw, amsgrad and lion, else an L2 penalty. Biases and gains have none
    #[arg(long, default_value_t = 0.0)]
    pub(crate) weight_decay: f64,
    /// Greatest norm of the gradient; not clipped by default
    #[arg(long)]
    pub(crate) clip_norm: Option<f64>,
    /// Activation of the hidden layers
    #[arg(long, default_value = "relu", value_parser = activation)]
    pub(crate) activation: Activation,
    /// How the weights start; what suits the activation by default
    #[arg(long, value_enum)]
    pub(crate) init: Option<Start>,
    /// Batch normalisation before each activation; always for deep
    #[arg(long, default_value_if("network", "deep", "true"))]
    pub(crate) batch_norm: bool,
    /// Dropout after each hidden dense layer, at this rate; 0.25 for lenet, 0.3 for deep
    #[arg(long, default_value_t = 0.0)]
    #[arg(default_value_ifs([("network", "lenet", "0.25"), ("network", "deep", "0.3")]))]
    pub(crate) dropout: f32,
    /// Label smoothing; 0.1 for deep
    #[arg(
        long,
        default_value_t = 0.0,
        default_value_if("network", "deep", "0.1")
    )]
    pub(crate) label_smoothing: f32,
    /// Evaluates the moving average of the weights with this decay instead of the last weights; 0.999 for deep
    #[arg(long, default_value_if("network", "deep", "0.999"))]
    pub(crate) average: Option<f64>,
    /// Moves the training digits at random: shift, rotation, scale and elastic displacement; the default for deep
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", default_value_t = false)]
    #[arg(default_value_if("network", "deep", "true"))]
    pub(crate) augment: bool,
    /// Seed of the initial weights and of the order of the samples
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Steps sent to a GPU at a time
    #[arg(long, default_value_t = 16)]
    pub(crate) steps_per_submit: usize,
    /// Profile twenty more steps at the end: write a Chrome trace to this file, and print a table
    #[arg(long)]
    pub(crate) profile: Option<PathBuf>,
    /// Write the weights to this safetensors file
    #[arg(long)]
    pub(crate) save: Option<PathBuf>,
    /// Start from the weights in this safetensors file
    #[arg(long)]
    pub(crate) load: Option<PathBuf>,
}
