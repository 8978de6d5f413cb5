//! Shared code of the numbered examples: command line, random data, charts.
#![allow(
    dead_code,
    unused_imports,
    reason = "no example uses all of it, and each compiles its own copy"
)]

mod chart;
mod digits;
mod random;

pub(crate) use chart::{Chart, Picture, Shade, Tile};
pub(crate) use digits::{PIXELS, SIDE, digits, digits_from, samples};
pub(crate) use random::Random;

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use wgrad::{Device, GpuOptions};

/// The result of an example: an error of wgrad or of a file.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A numbered example of wgrad.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Where to run: auto takes a hardware GPU if there is one, else the CPU
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    device: Choice,
    /// Folder for the charts
    #[arg(long, default_value = "target/charts")]
    charts: PathBuf,
}

/// Kinds of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    Auto,
    Gpu,
    Software,
    Cpu,
}

/// A numbered example of wgrad that is small by default.
#[derive(Debug, Parser)]
pub(crate) struct FullArgs {
    #[command(flatten)]
    pub(crate) common: Args,
    /// Run in full, which takes minutes
    #[arg(long)]
    pub(crate) full: bool,
}

/// A numbered example of wgrad on digits that is small by default.
#[derive(Debug, Parser)]
pub(crate) struct DigitArgs {
    #[command(flatten)]
    pub(crate) common: Args,
    /// Run in full, which takes minutes: with all digits, and more epochs
    #[arg(long)]
    pub(crate) full: bool,
    /// Folder with the four files of MNIST; the bundled sample by default
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
}

impl Args {
    /// Parses the command line and opens its device.
    pub(crate) fn open() -> Result<(Self, Device)> {
        let args = Args::parse();
        let device = args.device()?;
        Ok((args, device))
    }

    /// Opens the device of the command line.
    pub(crate) fn device(&self) -> Result<Device> {
        let device = match self.device {
            Choice::Auto => Device::auto()?,
            Choice::Gpu => Device::gpu(GpuOptions::default())?,
            Choice::Software => Device::gpu(GpuOptions::default().only_software(true))?,
            Choice::Cpu => Device::cpu(),
        };
        println!("device: {}", device.report());
        Ok(device)
    }
}
