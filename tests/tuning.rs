//! Matmul algorithms with every epilogue, within networks, and tunings, which choose among them.

mod common;

use common::compare::{Tolerance, assert_close, assert_same_bits};
use common::data::Random;
use common::devices::{ALGORITHMS, cpu, gpu, gpu_hardware_kernels, gpu_with, open, tuning};
use wgrad::{
    Activation, Adam, Dataset, Device, Error, GpuOptions, Layout, Network, Sequential, Tensor,
    Trainer, Tuning,
};

/// Inputs, hidden layers and outputs: one, primes, around the sizes of tiles and depths.
const WIDTHS: [&[usize]; 3] = [&[1, 1, 2], &[7, 33, 17, 5], &[70, 2, 130, 10]];
const BATCHES: [usize; 3] = [1, 37, 261];

/// A network whose activations go through: from y, from z, none.
fn network(device: &Device, widths: &[usize]) -> Network {
    let mut layers = Sequential::new(widths[0]);
    let (last, hidden) = widths[1..].split_last().unwrap();
    for (i, width) in hidden.iter().enumerate() {
        let f = [Activation::Tanh, Activation::Gelu][i % 2];
        layers = layers.dense(*width).activation(f);
    }
    layers.dense(*last).build(device, 3).unwrap()
}

/// M, N and K of all products of such a network's training, in whatever layout.
fn products(widths: &[usize], batch: usize) -> Vec<[usize; 3]> {
    let layers = widths.windows(2).flat_map(|pair| {
        let (inputs, outputs) = (pair[0], pair[1]);
        [
            [batch, outputs, inputs],
            [batch, inputs, outputs],
            [outputs, inputs, batch],
        ]
    });
    layers.collect()
}

fn batch(rows: usize, widths: &[usize]) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random::new(rows as u64);
    let classes = widths[widths.len() - 1];
    (
        random.normals(rows * widths[0]),
        random.words(rows, classes),
    )
}

#[test]
fn gradients_in_every_way_are_those_on_the_cpu() {
    let all: Vec<[usize; 3]> = WIDTHS
        .iter()
        .flat_map(|widths| BATCHES.map(|batch| products(widths, batch)))
        .flatten()
        .collect();
    for algorithm in ALGORITHMS {
        let device = gpu_with(algorithm, &all);
        for widths in WIDTHS {
            let (mut on_gpu, mut on_cpu) = (network(&device, widths), network(cpu(), widths));
            for rows in BATCHES {
                let (x, labels) = batch(rows, widths);
                let found = on_gpu.gradients(&x, &labels).unwrap();
                let expected = on_cpu.gradients(&x, &labels).unwrap();
                // Sums of up to 261 rows in f32, in another order.
                let tolerance = Tolerance {
                    relative: 1e-4,
                    absolute: 2e-6,
                };
                for ((name, found), (_, expected)) in
                    found.gradients.iter().zip(&expected.gradients)
                {
                    let expected: Vec<f64> = expected.iter().map(|&v| v.into()).collect();
                    let name = format!("{algorithm}, {widths:?}, {rows} rows: {name}");
                    assert_close(&name, found, &expected, tolerance);
                }
                let again = on_gpu.gradients(&x, &labels).unwrap();
                for ((name, first), (_, second)) in found.gradients.iter().zip(&again.gradients) {
                    assert_same_bits(name, first, second);
                }
            }
        }
    }
}

#[test]
fn gradients_that_are_not_finite_are_found_with_every_algorithm() {
    for algorithm in ALGORITHMS {
        let device = gpu_with(algorithm, &[[2, 2, 1], [2, 1, 2], [2, 1, 1], [1, 1, 2]]);
        let layers = Sequential::new(1).dense(1).dense(2);
        for (x, wanted) in [
            // dz of the first layer is 3e38·(½ + ½)/2 in each of the two rows. With samples of 0 only its sum is too
            // large.
            ([0.0, 0.0], "the gradient of layers.0.bias"),
            ([0.3, 2.1], "the gradient of layers.0.weight"),
        ] {
            let mut network = layers.clone().build(&device, 0).unwrap();
            let set = |network: &mut Network, name: &str, values: &[f32]| {
                network.set_parameter(name, values).unwrap();
            };
            set(&mut network, "layers.0.weight", &[0.0]);
            set(&mut network, "layers.1.weight", &[3.4e38, -3.4e38]);
            set(&mut network, "layers.1.bias", &[-90.0, 90.0]);
            let mut trainer = Trainer::builder(network).build().unwrap();
            let error = trainer.step(&x, &[0u32; 2]).unwrap_err();
            let found = matches!(&error, Error::NonFinite { tensor, .. } if tensor == wanted);
            assert!(found, "{algorithm}: {error}, expected {wanted}");
        }
    }
}

#[test]
fn a_tuning_is_read_back_as_it_was_written() {
    let written = tuning("32x32x4", &[[1, 2, 3], [64, 512, 784]]);
    assert_eq!(written.len(), 6);
    let path = std::env::temp_dir().join(format!("wgrad-test-{}.tuning", std::process::id()));
    written.save(&path).unwrap();
    assert_eq!(Tuning::load(&path).unwrap(), written);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, written.to_string());
    // An editor's line ends, and another order.
    let mut lines: Vec<&str> = text.lines().collect();
    lines[2..].reverse();
    let edited = lines.join("\r\n");
    assert_eq!(Tuning::parse("edited", &edited).unwrap(), written);
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(Tuning::load(&path), Err(Error::Format { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Tuning::load(&path), Err(Error::Io { .. })));
    let folder = path.join("nowhere");
    assert!(matches!(written.save(folder), Err(Error::Io { .. })));
}

#[test]
fn a_tuning_that_was_not_written_here_is_refused_by_line() {
    for (text, line, wanted) in [
        ("", 1, "wgrad tuning 1"),
        ("wgrad tuning 12\nadapter a\n", 1, "\"2\" after"),
        ("wgrad tuning 2\nadapter a\n", 1, "wgrad tuning 1"),
        ("wgrad tuning 1\n", 2, "adapter"),
        ("wgrad tuning 1\nNN 1 2 3 32x32\n", 2, "adapter"),
        ("wgrad tuning 1\nadapter a\n\n", 3, "a layout"),
        ("wgrad tuning 1\nadapter a\nNN 1 2 32x32\n", 3, "a layout"),
        (
            "wgrad tuning 1\nadapter a\nNN 1 2 3 32x32 \n",
            3,
            "a number",
        ),
        (
            "wgrad tuning 1\nadapter a\nNN 1 2 3 1 32x32\n",
            3,
            "no number of products",
        ),
        ("wgrad tuning 1\nadapter a\nNN 1  2 32x32\n", 3, "a number"),
        (
            "wgrad tuning 1\nadapter a\nTT 1 2 3 32x32\n",
            3,
            "NN, NT or TN",
        ),
        (
            "wgrad tuning 1\nadapter a\nNN 1 -2 3 32x32\n",
            3,
            "a number",
        ),
        (
            "wgrad tuning 1\nadapter a\nNN 1 02 3 32x32\n",
            3,
            "a number",
        ),
        (
            "wgrad tuning 1\nadapter a\nNN 1 2 99999999999999999999999 32x32\n",
            3,
            "a number",
        ),
        (
            "wgrad tuning 1\nadapter a\nNN 1 2 3 32x32x1\n",
            3,
            "4x4x256",
        ),
        (
            "wgrad tuning 1\nadapter a\nNN 1 2 3 32x32\nNN 1 2 3 64x64\n",
            4,
            "second",
        ),
    ] {
        let error = Tuning::parse("some file", text).unwrap_err();
        assert!(matches!(error, Error::Format { .. }));
        let error = error.to_string();
        let place = format!("some file: line {line}: ");
        assert!(
            error.starts_with(&place) && error.contains(wanted),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn a_tuning_for_another_adapter_is_refused_with_both_names() {
    let other = Tuning::parse("a file", "wgrad tuning 1\nadapter Voodoo 2\n").unwrap();
    let options = GpuOptions::default().allow_software(true);
    let error = Device::gpu(options.tuning(other.clone())).unwrap_err();
    let here = gpu().report().adapter.to_string();
    assert!(matches!(error, Error::Argument { .. }));
    let error = error.to_string();
    assert!(
        error.contains("Voodoo 2") && error.contains(&here),
        "{error}"
    );

    let mut merged = tuning("32x32", &[[1, 2, 3]]);
    assert!(matches!(merged.merge(&other), Err(Error::Argument { .. })));
    merged
        .merge(&tuning("64x64", &[[1, 2, 3], [4, 5, 6]]))
        .unwrap();
    assert_eq!(merged, tuning("64x64", &[[1, 2, 3], [4, 5, 6]]));
}

#[test]
fn a_device_computes_as_its_tuning_says() {
    let shape @ [m, n, k] = [33, 65, 300];
    let mut random = Random::new(1);
    let (a, b) = (random.normals(m * k), random.normals(k * n));
    let product = |device: &Device| {
        let a = Tensor::new(device, [m, k], &a).unwrap();
        let b = Tensor::new(device, [k, n], &b).unwrap();
        a.matmul(&b, Layout::NN).unwrap().download().unwrap()
    };
    let mut different: Vec<Vec<f32>> = Vec::new();
    for algorithm in ["32x32", "32x32x4", "16x16x16", "4x4x256"] {
        let first = product(&gpu_with(algorithm, &[shape]));
        assert_same_bits(algorithm, &first, &product(&gpu_with(algorithm, &[shape])));
        // Their sums are in different orders.
        assert!(!different.contains(&first), "{algorithm}");
        different.push(first);
    }
    // Another shape is computed as without a tuning.
    let untouched = product(&gpu_with("4x4x256", &[[m, n, k + 1]]));
    assert_same_bits("no choice", &untouched, &product(gpu()));
}

fn trainer(device: &Device) -> Trainer {
    let network = Sequential::new(6).dense(19).relu().dense(3);
    let network = network.build(device, 1).unwrap();
    let trainer = Trainer::builder(network).optimizer(Adam::new(0.01));
    trainer.batch_size(21).build().unwrap()
}

#[test]
fn what_is_tuned_is_every_product_of_training_and_of_evaluation() {
    let tuned = trainer(gpu()).tune().unwrap();
    assert_eq!(tuned.adapter(), gpu().report().adapter.to_string());
    let text = tuned.to_string();
    let lines = text.lines().skip(2);
    let shapes: Vec<String> = lines
        .map(|line| line.rsplit_once(' ').unwrap().0.to_string())
        .collect();
    let expected = [
        "NN 21 19 3",
        "NT 21 3 19",
        "NT 21 19 6",
        // Evaluation takes batches of 32 here: more would take more memory than training does.
        "NT 32 3 19",
        "NT 32 19 6",
        "TN 3 19 21",
        "TN 19 6 21",
    ];
    assert_eq!(shapes, expected);
    // Prediction takes powers of two.
    let network = trainer(gpu()).into_network();
    let text = network.tune(5).unwrap().to_string();
    assert!(
        text.contains("\nNT 8 3 19 ") && text.contains("\nTN 19 6 5 "),
        "{text}"
    );

    // Where the default algorithm is one for hardware, the others for hardware are its rivals.
    let text = trainer(gpu_hardware_kernels()).tune().unwrap().to_string();
    assert!(
        text.lines().count() == 2 + expected.len() && !text.contains("direct"),
        "{text}"
    );

    let refused = trainer(cpu()).tune().unwrap_err();
    assert!(matches!(refused, Error::Argument { .. }), "{refused}");
    let refused = network.tune(0).unwrap_err();
    assert!(matches!(refused, Error::Argument { .. }), "{refused}");
}

#[test]
fn a_run_goes_on_under_the_tuning_it_began_with_and_no_other() {
    let mut random = Random::new(9);
    let (x, labels) = (random.normals(6 * 50), random.words(50, 3));
    let data = Dataset::from_floats(6, x, labels, 3).unwrap();
    // As measured on this adapter, through a file's text.
    let measured = trainer(gpu()).tune().unwrap();
    let measured = Tuning::parse("a file", &measured.to_string()).unwrap();
    let tuned = || open(GpuOptions::default().tuning(measured.clone()));
    let weights = |trainer: &mut Trainer| {
        let network = trainer.network();
        let names = ["layers.0.weight", "layers.0.bias", "layers.1.weight"];
        names.map(|name| network.parameter(name).unwrap()).concat()
    };
    let mut whole = trainer(&tuned());
    whole.steps(&data, 11).unwrap();
    let expected = weights(&mut whole);

    let mut before = trainer(&tuned());
    before.steps(&data, 4).unwrap();
    let bytes = pollster::block_on(before.to_bytes_async()).unwrap();
    let load = |trainer: &mut Trainer, bytes: &[u8]| {
        pollster::block_on(trainer.load_bytes_async("a checkpoint", bytes))
    };
    let mut after = trainer(&tuned());
    load(&mut after, &bytes).unwrap();
    after.steps(&data, 7).unwrap();
    assert_same_bits("resumed", &weights(&mut after), &expected);

    // The same arithmetic to rounding.
    let mut untuned = trainer(gpu());
    untuned.steps(&data, 11).unwrap();
    let wide: Vec<f64> = weights(&mut untuned).iter().map(|&v| v.into()).collect();
    let near = Tolerance {
        relative: 1e-3,
        absolute: 1e-4,
    };
    assert_close("tuned", &expected, &wide, near);

    let other = tuning("64x64x2", &[[21, 19, 6]]);
    let mut other = trainer(&open(GpuOptions::default().tuning(other)));
    for trainer in [&mut untuned, &mut other] {
        let error = load(trainer, &bytes).unwrap_err();
        assert!(matches!(error, Error::Format { .. }));
        assert!(error.to_string().contains("saved with tuning: "), "{error}");
    }
    let plain = pollster::block_on(untuned.to_bytes_async()).unwrap();
    assert!(load(&mut after, &plain).is_err());
}
