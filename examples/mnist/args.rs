//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

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
    /// Units of the hidden layers
    #[arg(long, value_delimiter = ',', default_value = "512,512")]
    pub(crate) hidden: Vec<usize>,
    /// Epochs to train; 0 only evaluates
    #[arg(long, default_value_t = 8)]
    pub(crate) epochs: u32,
    /// Samples in a batch
    #[arg(long, default_value_t = 64)]
    pub(crate) batch: usize,
    /// Adam's learning rate, which falls to 0 along a cosine
    #[arg(long, default_value_t = 1e-3)]
    pub(crate) lr: f64,
    /// Seed of the initial weights and of the order of the samples
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Steps sent to a GPU at a time
    #[arg(long, default_value_t = 16)]
    pub(crate) steps_per_submit: usize,
    /// Write the weights to this safetensors file
    #[arg(long)]
    pub(crate) save: Option<PathBuf>,
    /// Start from the weights in this safetensors file
    #[arg(long)]
    pub(crate) load: Option<PathBuf>,
}

/// Kinds of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    Auto,
    Gpu,
    Software,
    Cpu,
}
