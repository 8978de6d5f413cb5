//! The wall time of a training step on random data.
//!
//! ```text
//! cargo run --release --example step_time -- --dims 784,512,512,10 --batch 64 --steps 40 --device software
//! ```

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use wgrad::{
    Activation, Adam, Convolution, Dataset, Device, GpuOptions, Optimizer, Recurrent, Sequential,
    Sgd, Trainer, TransformerLayer,
};

#[derive(Parser)]
struct Args {
    /// Features, hidden units of each layer, classes.
    #[arg(long, value_delimiter = ',', default_value = "784,512,512,10")]
    dims: Vec<usize>,
    /// A convolutional, recurrent or attention network, in place of the dense one.
    #[arg(long, value_enum)]
    network: Option<Layers>,
    /// Samples in a batch.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Steps to time; only the second half counts.
    #[arg(long, default_value_t = 40)]
    steps: usize,
    /// Where to run.
    #[arg(long, value_enum, default_value_t = Where::Gpu)]
    device: Where,
    /// Part of the adapter's name.
    #[arg(long)]
    adapter: Option<String>,
    /// Steps in one submit; each submit is waited for.
    #[arg(long, default_value_t = 1)]
    steps_per_submit: usize,
    /// The optimizer.
    #[arg(long, value_enum, default_value_t = Rule::Adam)]
    optimizer: Rule,
    /// A folder to keep the driver's compiled pipelines in.
    #[arg(long)]
    pipeline_cache: Option<PathBuf>,
    /// Print the plan.
    #[arg(long)]
    plan: bool,
    /// Afterwards time each kernel over 20 steps: a table, and a trace for Perfetto in this file.
    #[arg(long)]
    profile: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Where {
    Gpu,
    Software,
    Cpu,
}

#[derive(Clone, Copy, ValueEnum)]
enum Layers {
    /// Convolution 5×5×6 with padding 2, pooling, convolution 5×5×16, pooling, dense 120, 84, 10, all with ReLU.
    Lenet,
    /// Convolutions 3×3×32 and 3×3×64, pooling, dense 128, 10, all with ReLU.
    Cnn,
    /// An LSTM of 128 units over 28 steps of 28 features, whose last output goes to a dense layer of 10.
    Lstm,
    /// Two encoder layers of a causal Transformer of width 64 over 32 tokens of 64 kinds: learned positions, four heads, the
    /// norm first, GELU, hidden layers of 256; a label for every token.
    Transformer,
}

impl Layers {
    fn layers(self) -> Sequential {
        let image = Sequential::new([28, 28, 1]);
        match self {
            Layers::Lenet => image
                .convolution(Convolution::new(6, 5).padding(2))
                .relu()
                .max_pool(2)
                .convolution((16, 5))
                .relu()
                .max_pool(2)
                .flatten()
                .dense(120)
                .relu()
                .dense(84)
                .relu()
                .dense(10),
            Layers::Cnn => image
                .convolution((32, 3))
                .relu()
                .convolution((64, 3))
                .relu()
                .max_pool(2)
                .flatten()
                .dense(128)
                .relu()
                .dense(10),
            Layers::Lstm => Sequential::new([28, 28])
                .recurrent_last(Recurrent::lstm(128))
                .dense(10),
            Layers::Transformer => {
                let layer = TransformerLayer::new(4)
                    .feed_forward(256)
                    .activation(Activation::Gelu)
                    .norm_first(true)
                    .causal(true);
                Sequential::new(TOKENS)
                    .embedding(KINDS, 64)
                    .learned_positions()
                    .transformer_encoder(layer)
                    .transformer_encoder(layer)
                    .dense(KINDS)
            }
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Rule {
    Adam,
    Sgd,
}

/// Tokens of a sample of the Transformer, and their kinds.
const TOKENS: usize = 32;
const KINDS: usize = 64;

/// Approximate size of the data set. It is rounded to whole batches, so that no shorter batch is timed.
const SAMPLES: usize = 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let args = Args::parse();
    let [inputs, hidden @ .., classes] = args.dims.as_slice() else {
        return Err("--dims needs at least two numbers".into());
    };
    if args.batch == 0 || args.steps == 0 {
        return Err("--batch and --steps must be at least 1".into());
    }
    let mut options = GpuOptions::default().only_software(matches!(args.device, Where::Software));
    if let Some(name) = args.adapter {
        options = options.name(name);
    }
    if let Some(folder) = args.pipeline_cache {
        options = options.pipeline_cache(folder);
    }
    let device = match args.device {
        Where::Cpu => Device::cpu(),
        Where::Gpu | Where::Software => Device::gpu(options)?,
    };
    let (inputs, classes, layers) = match args.network {
        Some(Layers::Transformer) => (TOKENS, KINDS, Layers::Transformer.layers()),
        Some(network) => (784, 10, network.layers()),
        None => {
            let layers = hidden
                .iter()
                .fold(Sequential::new(*inputs), |layers, &units| {
                    layers.dense(units).relu()
                });
            (*inputs, *classes, layers.dense(*classes))
        }
    };
    let network = layers.build(&device, 0)?;
    let optimizer: Optimizer = match args.optimizer {
        Rule::Adam => Adam::new(1e-3).into(),
        Rule::Sgd => Sgd::new(1e-2).into(),
    };
    let mut trainer = Trainer::builder(network)
        .optimizer(optimizer)
        .batch_size(args.batch)
        .steps_per_submit(args.steps_per_submit)
        .build()?;
    if args.plan {
        println!("{}", trainer.plan());
    }
    let per_epoch = (SAMPLES / args.batch).max(1);
    let samples = per_epoch * args.batch;
    let data = match args.network {
        Some(Layers::Transformer) => random_tokens(samples)?,
        _ => random_data(inputs, classes, samples)?,
    };
    let per_epoch = per_epoch as u64;
    let steps_per_submit = trainer.steps_per_submit() as u64;
    let (mut times, mut first, mut loss, mut submits) = (Vec::new(), 0.0, 0.0, 0);
    let mut done = 0;
    while done < args.steps as u64 {
        let steps = steps_per_submit
            .min(per_epoch - done % per_epoch)
            .min(args.steps as u64 - done);
        let before = trainer.submits();
        let clock = Instant::now();
        loss = trainer.steps(&data, steps)?.loss;
        times.push(clock.elapsed().as_secs_f64() * 1e3 / steps as f64);
        submits += trainer.submits() - before;
        if done == 0 {
            first = start.elapsed().as_secs_f64();
        }
        done += steps;
    }
    if let Some(file) = &args.profile {
        let profile = trainer.profile(&data, 20)?;
        std::fs::write(file, profile.to_trace())?;
        println!("{profile}trace in {}", file.display());
    }
    let mut late = times.split_off(times.len() / 2);
    late.sort_by(f64::total_cmp);
    println!(
        "median_ms={:.3} min_ms={:.3} first_step_s={first:.3} dispatches_per_step={} submits={submits} loss={loss:.4} \
         device=\"{}\"",
        late[late.len() / 2],
        late[0],
        trainer.dispatches_per_step(),
        device.report()
    );
    Ok(())
}

/// Uniform samples and cyclic labels.
fn random_data(features: usize, classes: usize, samples: usize) -> wgrad::Result<Dataset> {
    let mut state = 1u32;
    let values = (0..samples * features).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    });
    let labels = (0..samples).map(|i| (i % classes) as u32).collect();
    Dataset::from_floats(features, values.collect(), labels, classes)
}

/// Random tokens; the label of each is the next token of its sample, that of the last one the first.
fn random_tokens(samples: usize) -> wgrad::Result<Dataset> {
    let mut state = 1u32;
    let tokens: Vec<u32> = (0..samples * TOKENS)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 26
        })
        .collect();
    let next = (0..tokens.len()).map(|i| tokens[i - i % TOKENS + (i + 1) % TOKENS]);
    let floats = tokens.iter().map(|&token| token as f32).collect();
    Dataset::unlabelled(TOKENS, floats)?.with_labels(next.collect(), KINDS)
}
