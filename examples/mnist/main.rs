//! Training of a network that reads handwritten digits.
//!
//! ```text
//! cargo run --release --example mnist                              # the bundled sample, on the best device
//! cargo run --release --example mnist -- --data DIR --epochs 5     # the four files of MNIST, plain or .gz
//! cargo run --release --example mnist -- --network lenet           # a convolutional network
//! cargo run --release --example mnist -- --network deep            # a larger one, with augmentation
//! ```

mod args;
mod choices;
mod draw;
mod networks;
mod progress;

use args::Args;
use choices::Choice;
use clap::Parser;
use progress::Bar;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use wgrad::{
    Augmentation, Dataset, Device, GpuOptions, Loss, Mnist, Network, ParameterGroup, Trainer,
};

/// Mean and standard deviation of MNIST's grey values, of 0 to 1.
const MEAN: f32 = 0.1307;
const DEVIATION: f32 = 0.3081;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> wgrad::Result<()> {
    let device = open(args)?;
    println!("device: {}", device.report());

    let (train, test) = data(args)?;
    let layers = networks::layers(args, train.features(), train.classes());
    let mut network = layers.build(&device, args.seed)?;
    if let Some(file) = &args.load {
        network.load(file)?;
        println!("loaded {}", file.display());
    }
    println!(
        "{} training and {} test digits; {} parameters",
        train.len(),
        test.len(),
        network.parameter_count()
    );

    let steps = u64::from(args.epochs) * train.len().div_ceil(args.batch.max(1)) as u64;
    let mut trainer = trainer(args, network, steps)?;
    let start = Instant::now();
    for _ in 0..args.epochs {
        epoch(&mut trainer, &train)?;
    }
    let train_seconds = start.elapsed().as_secs_f64();

    // The evaluation uses the plain loss, and the averaged weights if there are some.
    let network = match args.average {
        Some(_) if args.epochs > 0 => trainer.averaged()?,
        _ => trainer.into_network(),
    };
    let mut trainer = Trainer::builder(network)
        .loss(Loss::default())
        .batch_size(args.batch)
        .build()?;
    let score = trainer.evaluate(&test)?;
    if let Some(file) = &args.save {
        trainer.network().save(file)?;
        println!("saved {}", file.display());
    }
    show(trainer.network_mut(), &test)?;
    if let Some(file) = &args.profile {
        let mut again = self::trainer(args, trainer.into_network(), steps)?;
        let profile = again.profile(&train, 20)?;
        write(file, &profile.to_trace())?;
        println!("{profile}trace in {}", file.display());
    }
    println!(
        "test_accuracy={:.4} test_loss={:.4} train_seconds={train_seconds:.1} device=\"{}\"",
        score.accuracy.unwrap_or(0.0),
        score.loss,
        device.report()
    );
    Ok(())
}

fn write(file: &Path, text: &str) -> wgrad::Result<()> {
    std::fs::write(file, text).map_err(|source| wgrad::Error::Io {
        path: file.to_path_buf(),
        source,
    })
}

/// Builds the trainer of the command line.
fn trainer(args: &Args, network: Network, steps: u64) -> wgrad::Result<Trainer> {
    let mut trainer = Trainer::builder(network)
        .loss(Loss::softmax_cross_entropy().label_smoothing(args.label_smoothing))
        .optimizer(args.optimizer.optimizer(args.lr, args.weight_decay))
        .schedule(args.schedule.schedule(steps))
        .batch_size(args.batch)
        .steps_per_submit(args.steps_per_submit)
        .seed(args.seed);
    if args.weight_decay > 0.0 {
        trainer = trainer.group(ParameterGroup::vectors().no_weight_decay());
    }
    if let Some(most) = args.clip_norm {
        trainer = trainer.clip_norm(most);
    }
    if let Some(decay) = args.average {
        trainer = trainer.average(decay);
    }
    if args.augment {
        let digits = Augmentation::new([28, 28])
            .shift(1.0)
            .rotate(10.0)
            .scale(0.1);
        trainer = trainer.augment(digits.elastic(2.5, 6));
    }
    trainer.build()
}

/// Opens the device of the command line.
fn open(args: &Args) -> wgrad::Result<Device> {
    let mut options = GpuOptions::default().only_software(args.device == Choice::Software);
    if let Some(name) = &args.adapter {
        options = options.name(name);
    }
    match args.device {
        Choice::Auto if args.adapter.is_none() => Device::auto(),
        Choice::Auto | Choice::Gpu | Choice::Software => Device::gpu(options),
        Choice::Cpu if args.adapter.is_some() => Err(wgrad::Error::Argument {
            what: "--adapter",
            expected: "left out with --device cpu".into(),
            found: args.adapter.clone().unwrap_or_default(),
        }),
        Choice::Cpu => Ok(Device::cpu()),
    }
}

/// The training and test digits, standardised: MNIST's files from a folder, or the bundled sample.
fn data(args: &Args) -> wgrad::Result<(Dataset, Dataset)> {
    macro_rules! bundled {
        ($kind:literal) => {
            Mnist::set(
                concat!($kind, " images"),
                include_bytes!(concat!("../data/", $kind, "-images-idx3-ubyte.gz")),
                concat!($kind, " labels"),
                include_bytes!(concat!("../data/", $kind, "-labels-idx1-ubyte.gz")),
            )
        };
    }
    let (train, test) = match &args.data {
        Some(dir) => {
            let mnist = Mnist::from_dir(dir)?;
            (mnist.train, mnist.test)
        }
        None => (bundled!("train")?, bundled!("t10k")?),
    };
    let (scale, shift) = (1.0 / (255.0 * DEVIATION), -MEAN / DEVIATION);
    Ok((train.scaled(scale, shift)?, test.scaled(scale, shift)?))
}

/// One epoch under a progress bar.
fn epoch(trainer: &mut Trainer, train: &Dataset) -> wgrad::Result<()> {
    let mut bar = Bar::new(trainer.epoch_number() + 1, train.len());
    let report = trainer.epoch_with(train, |progress| {
        let (loss, accuracy) = (progress.loss, progress.accuracy.unwrap_or(0.0));
        let message = format!("loss {loss:.4} accuracy {accuracy:.4}");
        bar.show(progress.samples, &message);
    });
    bar.clear();
    let report = report?;
    println!(
        "epoch {:>2}: loss {:.4}  accuracy {:.4}  {:.0} samples/s",
        report.epoch + 1,
        report.loss,
        report.accuracy.unwrap_or(0.0),
        report.samples_per_second()
    );
    Ok(())
}

/// Draws a few test digits with the classes that the network predicts.
fn show(network: &mut Network, test: &Dataset) -> wgrad::Result<()> {
    const SHOWN: usize = 4;
    let count = SHOWN.min(test.len());
    let mut samples = Vec::new();
    for i in 0..count {
        samples.push(test.sample(i)?);
    }
    let classes = network.classify(&samples.concat())?;
    let captions: Vec<String> = classes
        .iter()
        .zip(test.labels())
        .map(|(class, label)| format!("prediction {class}, truth {label}"))
        .collect();
    print!("{}", draw::digits(&samples, &captions));
    Ok(())
}
