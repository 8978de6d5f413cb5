//! Networks: gradients against central differences and between devices, prediction, files.

mod common;

use common::compare::{Tolerance, assert_close, assert_same_bits};
use common::data::Random;
use common::devices::{cpu, gpu, gpu_checked, gpu_hardware_kernels};
use wgrad::{
    Activation, Criterion, Device, Error, Graph, Init, Layout, Loss, LossTarget, Network,
    Reduction, Sequential, Value,
};

const CLASSES: usize = 5;
const INPUTS: usize = 7;

/// Builds one network of each kind on a device.
type Case = (&'static str, fn(&mut Graph, Value) -> wgrad::Result<Value>);

/// Graphs that reach every operation, every fusion and every way a gradient is summed.
const GRAPHS: &[Case] = &[
    ("one dense layer", |g, x| {
        g.dense(x, CLASSES, Init::XavierUniform)
    }),
    ("without bias", |g, x| {
        let h = g.dense_without_bias(x, 6, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        g.dense_without_bias(h, CLASSES, Init::XavierNormal)
    }),
    ("without bias, z kept", |g, x| {
        let h = g.dense_without_bias(x, 6, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Gelu)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("residual sum", |g, x| {
        let h = g.dense(x, 9, Init::KaimingNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let r = g.dense(h, 9, Init::KaimingNormal)?;
        let r = g.activation(r, Activation::Sigmoid)?;
        let sum = g.add(h, r)?;
        g.dense(sum, CLASSES, Init::KaimingNormal)
    }),
    ("shared weights", |g, x| {
        let w = g.parameter("w", [INPUTS, INPUTS], Init::XavierUniform)?;
        let b = g.vector("b", INPUTS, Init::Constant(0.1))?;
        let mut h = x;
        for layout in [Layout::NT, Layout::NN, Layout::NT] {
            h = g.matmul(h, w, layout)?;
            h = g.bias_add(h, b)?;
            h = g.activation(h, Activation::Tanh)?;
        }
        g.dense(h, CLASSES, Init::XavierUniform)
    }),
    ("sum of two parameters", |g, x| {
        let u = g.parameter("u", [CLASSES, INPUTS], Init::XavierUniform)?;
        let v = g.parameter("v", [CLASSES, INPUTS], Init::XavierUniform)?;
        let scaled = g.scale(v, -2.5)?;
        let w = g.add(u, scaled)?;
        g.matmul(x, w, Layout::NT)
    }),
    ("a parameter added to itself", |g, x| {
        let u = g.parameter("u", [CLASSES, INPUTS], Init::XavierUniform)?;
        let w = g.add(u, u)?;
        g.matmul(x, w, Layout::NT)
    }),
    ("product of parameters", |g, x| {
        let u = g.parameter("u", [INPUTS, 4], Init::XavierUniform)?;
        let v = g.parameter("v", [INPUTS, CLASSES], Init::XavierUniform)?;
        let w = g.matmul(u, v, Layout::TN)?;
        let h = g.matmul(x, u, Layout::NN)?;
        g.matmul(h, w, Layout::NN)
    }),
    ("gate", |g, x| {
        let h = g.dense(x, 8, Init::XavierUniform)?;
        let s = g.dense(x, 8, Init::XavierUniform)?;
        let s = g.activation(s, Activation::Sigmoid)?;
        let gated = g.hadamard(h, s)?;
        let squared = g.hadamard(gated, gated)?;
        g.dense(squared, CLASSES, Init::XavierUniform)
    }),
    ("z read before and after its activation", |g, x| {
        let z = g.dense(x, 8, Init::XavierUniform)?;
        let before = g.scale(z, 0.5)?;
        let y = g.activation(z, Activation::Gelu)?;
        let sum = g.add(before, y)?;
        let z_again = g.add(sum, z)?;
        g.dense(z_again, CLASSES, Init::XavierUniform)
    }),
    ("softmax within", |g, x| {
        let h = g.dense(x, 6, Init::XavierUniform)?;
        let h = g.softmax(h)?;
        let h = g.dense(h, 6, Init::XavierUniform)?;
        let h = g.log_softmax(h)?;
        g.dense(h, CLASSES, Init::XavierUniform)
    }),
];

/// Layers with state, random numbers or moved columns, and losses other than one on the output.
const LAYERS: &[Case] = &[
    ("dropout", |g, x| {
        let h = g.dropout(x, 0.2)?;
        let h = g.dense(h, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.dropout(h, 0.5)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("batch normalisation", |g, x| {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.batch_norm(h)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.dense_without_bias(h, CLASSES, Init::XavierNormal)?;
        g.batch_norm_with(h, 1e-3, 0.2)
    }),
    ("layer normalisation", |g, x| {
        let h = g.layer_norm(x)?;
        let h = g.dense(h, 9, Init::XavierNormal)?;
        let h = g.layer_norm_with(h, 1e-3)?;
        let h = g.activation(h, Activation::Tanh)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("parametric ReLU", |g, x| {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.prelu(h, true)?;
        let h = g.dense(h, 6, Init::XavierNormal)?;
        let h = g.prelu(h, false)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("gated units", |g, x| {
        let h = g.dense(x, 18, Init::XavierNormal)?;
        let h = g.glu(h)?;
        let h = g.dense(h, 10, Init::XavierNormal)?;
        let h = g.swiglu(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("columns and concatenation", |g, x| {
        let a = g.columns(x, 1..4)?;
        let a = g.dense(a, 5, Init::XavierNormal)?;
        let both = g.concatenate(a, x)?;
        let h = g.activation(both, Activation::Tanh)?;
        let twice = g.concatenate(h, h)?;
        let part = g.columns(twice, 3..14)?;
        g.dense(part, CLASSES, Init::XavierNormal)
    }),
    ("noise and a stopped gradient", |g, x| {
        let noise = g.random_normal(INPUTS, 0.0, 0.5)?;
        let noisy = g.add(x, noise)?;
        let h = g.dense(noisy, 6, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Sigmoid)?;
        // Nothing that a parameter changes may be stopped here: differences see it.
        let p = g.random_uniform(6, 0.0, 1.0)?;
        let stopped = g.stop_gradient(p)?;
        let sample = g.bernoulli(stopped)?;
        let sum = g.add(sample, stopped)?;
        let sum = g.hadamard(sum, h)?;
        g.dense(sum, CLASSES, Init::XavierNormal)
    }),
    ("an auxiliary loss", |g, x| {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let early = g.dense(h, CLASSES, Init::XavierNormal)?;
        let loss = Loss::softmax_cross_entropy().scaled(0.3);
        g.loss("early", &[early], LossTarget::Batch, loss)?;
        let h = g.dense(h, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let logits = g.dense(h, CLASSES, Init::XavierNormal)?;
        g.loss(
            "late",
            &[logits],
            LossTarget::Batch,
            Loss::softmax_cross_entropy(),
        )?;
        Ok(logits)
    }),
    ("losses of several inputs", |g, x| {
        let embed = |g: &mut Graph| {
            let h = g.dense(x, CLASSES, Init::XavierNormal)?;
            g.activation(h, Activation::Tanh)
        };
        let (a, p, n) = (embed(g)?, embed(g)?, embed(g)?);
        let triplet = Criterion::TripletMargin { margin: 1.0 };
        g.loss("triplet", &[a, p, n], LossTarget::Batch, triplet)?;
        let cosine = Criterion::CosineEmbedding { margin: 0.1 };
        g.loss("alike", &[a, p], LossTarget::Constant(1.0), cosine)?;
        g.loss("unlike", &[a, n], LossTarget::Constant(-1.0), cosine)?;
        let some = g.columns(x, 1..6)?;
        let variance = g.activation(
            n,
            Activation::Softplus {
                beta: 1.0,
                threshold: 20.0,
            },
        )?;
        g.loss(
            "normal",
            &[p, variance],
            LossTarget::Value(some),
            Criterion::GaussianNll,
        )?;
        let sum = Loss::from(Criterion::Value)
            .reduction(Reduction::Sum)
            .scaled(-0.1);
        g.loss("sum", &[a], LossTarget::Batch, sum)?;
        // The same value in two terms, and one that is only reported.
        g.loss(
            "small",
            &[a],
            LossTarget::Constant(0.0),
            Loss::squared_error(),
        )?;
        g.loss(
            "reported",
            &[a],
            LossTarget::Batch,
            Loss::softmax_cross_entropy().scaled(0.0),
        )?;
        Ok(a)
    }),
    ("reconstruction", |g, x| {
        let h = g.dense(x, 3, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let y = g.dense(h, INPUTS, Init::XavierNormal)?;
        g.loss("x", &[y], LossTarget::Value(x), Loss::mean_squared_error())?;
        Ok(y)
    }),
];

fn networks(device: &Device) -> Vec<(String, Network)> {
    let mut networks = Vec::new();
    for (name, build) in GRAPHS.iter().chain(LAYERS) {
        let mut graph = Graph::new();
        let x = graph.input(INPUTS).unwrap();
        let logits = build(&mut graph, x).unwrap();
        networks.push((name.to_string(), graph.build(logits, device, 3).unwrap()));
    }
    for f in Activation::ALL {
        let layers = Sequential::new(INPUTS)
            .dense(9)
            .activation(f)
            .dense(8)
            .activation(f)
            .dense(CLASSES);
        networks.push((
            format!("two layers of {f}"),
            layers.build(device, 4).unwrap(),
        ));
    }
    networks
}

fn batch(rows: usize) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random::new(rows as u64);
    (random.normals(rows * INPUTS), random.words(rows, CLASSES))
}

#[test]
fn gradients_agree_with_central_differences() {
    let (x, labels) = batch(13);
    for (name, mut network) in networks(cpu()) {
        let check = network.gradient_check(&x, &labels, 1).unwrap();
        assert_eq!(check.parameters.len(), network.parameter_names().len());
        let worst = check.worst().unwrap();
        // Central differences in f64 with step 1e-5 err by about 1e-10 in derivatives of about 1e-2.
        assert!(worst.relative_error() < 1e-6, "{name}: {worst:?}");
        assert!(
            check.parameters.iter().any(|p| p.analytic.abs() > 1e-4),
            "{name}: all gradients vanish"
        );
    }
}

#[test]
fn the_gradient_check_names_a_gradient_that_differs() {
    // Leaky ReLU's kink: exactly at 0 the difference sees the mean of both slopes, backpropagation one of them.
    let layers = Sequential::new(1).dense(1).leaky_relu().dense(2);
    let mut network = layers.build(cpu(), 0).unwrap();
    network.set_parameter("layers.0.weight", &[0.0]).unwrap();
    let check = network.gradient_check(&[1.0], &[0], 1).unwrap();
    let worst = check.worst().unwrap();
    assert!(
        worst.relative_error() > 0.1 && worst.name.starts_with("layers.0"),
        "{check:?}"
    );
    assert!(!check.passes(1e-6));
}

#[test]
fn a_network_whose_output_depends_on_no_parameter_predicts_and_has_a_loss() {
    for device in [cpu(), gpu()] {
        let mut network = Sequential::new(3).relu().build(device, 0).unwrap();
        let x = [1.0, -2.0, 3.0];
        assert_eq!(network.predict(&x).unwrap(), [1.0, 0.0, 3.0]);
        assert_eq!(network.classify(&x).unwrap(), [2]);
        let gradients = network.gradients(&x, &[0]).unwrap();
        assert!(gradients.gradients.is_empty() && gradients.correct == 0 && gradients.loss > 2.0);
        assert!(
            network
                .gradient_check(&x, &[0], 0)
                .unwrap()
                .worst()
                .is_none()
        );
    }
}

#[test]
fn a_graph_whose_rows_depend_on_each_other_sees_zeros_in_the_filled_rows() {
    // x·(xᵀ·x): the inner product sums over the batch.
    let build = |device| {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let covariance = graph.matmul(x, x, Layout::TN).unwrap();
        let y = graph.matmul(x, covariance, Layout::NN).unwrap();
        graph.build(y, device, 0).unwrap()
    };
    for device in [cpu(), gpu()] {
        let mut network = build(device);
        network.predict(&[9.0; 8]).unwrap();
        // Three rows are filled up to four.
        let x = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        assert_eq!(network.predict(&x).unwrap(), [2.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    }
}

#[test]
fn numeric_names_are_taken_as_they_are() {
    let build = |seed| {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let w = graph.parameter("3.w", [2, 2], Init::XavierUniform).unwrap();
        let y = graph.matmul(x, w, Layout::NN).unwrap();
        graph.build(y, cpu(), seed).unwrap()
    };
    let file = std::env::temp_dir().join(format!("wgrad-numeric-{}", std::process::id()));
    let (mut saved, mut loaded) = (build(0), build(1));
    saved.save(&file).unwrap();
    loaded.load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_same_bits(
        "3.w",
        &loaded.parameter("3.w").unwrap(),
        &saved.parameter("3.w").unwrap(),
    );
}

#[test]
fn gradients_on_the_gpu_are_those_on_the_cpu() {
    for (rows, device) in [
        (1, gpu()),
        (13, gpu()),
        (130, gpu()),
        (70, gpu_hardware_kernels()),
        (9, gpu_checked()),
    ] {
        let (x, labels) = batch(rows);
        for ((name, mut on_gpu), (_, mut on_cpu)) in
            networks(device).into_iter().zip(networks(cpu()))
        {
            let (found, expected) = (
                on_gpu.gradients(&x, &labels).unwrap(),
                on_cpu.gradients(&x, &labels).unwrap(),
            );
            assert_eq!(found.correct, expected.correct, "{name}");
            assert_eq!(found.gradients.len(), expected.gradients.len());
            // Sums of up to 130 rows in f32, in another order.
            let tolerance = Tolerance {
                relative: 1e-4,
                absolute: 2e-6,
            };
            assert_close(
                &format!("{name}: loss"),
                &[found.loss],
                &[expected.loss.into()],
                tolerance,
            );
            for ((parameter, found), (_, expected)) in
                found.gradients.iter().zip(&expected.gradients)
            {
                let expected: Vec<f64> = expected.iter().map(|&v| v.into()).collect();
                assert_close(&format!("{name}: {parameter}"), found, &expected, tolerance);
            }
        }
    }
}

#[test]
fn predictions_agree_between_devices_and_between_batch_sizes() {
    let (x, _) = batch(300);
    for ((name, mut on_gpu), (_, mut on_cpu)) in networks(gpu()).into_iter().zip(networks(cpu())) {
        let found = on_gpu.predict(&x).unwrap();
        let expected: Vec<f64> = on_cpu
            .predict(&x)
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect();
        assert_eq!(found.len(), 300 * on_gpu.outputs());
        assert_close(
            &name,
            &found,
            &expected,
            Tolerance {
                relative: 1e-4,
                absolute: 5e-6,
            },
        );
        assert_same_bits(
            &name,
            &on_gpu.predict(&x[..3 * INPUTS]).unwrap(),
            &found[..3 * on_cpu.outputs()],
        );
        assert!(on_gpu.predict(&[]).unwrap().is_empty());
    }
}

#[test]
fn initial_values_are_a_function_of_the_seed_alone() {
    let build = |device, seed| {
        Sequential::new(20)
            .dense(30)
            .relu()
            .dense(4)
            .build(device, seed)
            .unwrap()
    };
    for name in ["layers.0.weight", "layers.1.weight"] {
        let first = build(cpu(), 5).parameter(name).unwrap();
        assert_same_bits(name, &first, &build(gpu(), 5).parameter(name).unwrap());
        assert_ne!(first, build(cpu(), 6).parameter(name).unwrap());
    }
    assert_eq!(
        build(gpu(), 5).parameter("layers.0.bias").unwrap(),
        [0.0; 30]
    );
}

#[test]
fn weights_survive_a_file_on_either_device() {
    let folder = std::env::temp_dir().join(format!("wgrad-network-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let layers = Sequential::new(5).dense(6).tanh().dense(3);
    for (from, to) in [(cpu(), gpu()), (gpu(), cpu())] {
        let file = folder.join("weights.safetensors");
        let (mut saved, mut loaded) =
            (layers.build(from, 1).unwrap(), layers.build(to, 2).unwrap());
        saved.save(&file).unwrap();
        loaded.load(&file).unwrap();
        for name in [
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "layers.1.bias",
        ] {
            assert_same_bits(
                name,
                &saved.parameter(name).unwrap(),
                &loaded.parameter(name).unwrap(),
            );
        }
        // PyTorch's layout: weights [outputs, inputs], biases of one dimension.
        let bytes = std::fs::read(&file).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("layers.0.weight").unwrap().shape(), [6, 5]);
        assert_eq!(tensors.tensor("layers.1.bias").unwrap().shape(), [3]);
        // Nothing else is left behind.
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn pytorchs_sequential_names_are_taken_by_order() {
    use safetensors::tensor::{Dtype, TensorView};
    let values: Vec<Vec<f32>> = vec![
        (0..12).map(|i| i as f32).collect(),
        vec![7.0; 4],
        vec![2.0; 8],
        vec![3.0; 2],
    ];
    let shapes = [vec![4, 3], vec![4], vec![2, 4], vec![2]];
    let views: Vec<_> = ["0.weight", "0.bias", "10.weight", "10.bias"]
        .into_iter()
        .zip(shapes.iter().zip(&values))
        .map(|(name, (shape, values))| {
            let bytes = bytemuck::cast_slice(values);
            (
                name,
                TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
            )
        })
        .collect();
    let file = std::env::temp_dir().join(format!("wgrad-torch-{}.safetensors", std::process::id()));
    std::fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
    let mut network = Sequential::new(3)
        .dense(4)
        .relu()
        .dense(2)
        .build(cpu(), 0)
        .unwrap();
    network.load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(network.parameter("layers.0.weight").unwrap(), values[0]);
    assert_eq!(network.parameter("layers.1.bias").unwrap(), values[3]);
}

#[test]
fn bad_files_are_refused_and_change_nothing() {
    let folder = std::env::temp_dir().join(format!("wgrad-bad-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut network = Sequential::new(3).dense(2).build(cpu(), 0).unwrap();
    let before = network.parameter("layers.0.weight").unwrap();
    let file = folder.join("weights.safetensors");

    let error = network.load(&file).unwrap_err();
    assert!(
        matches!(error, Error::Io { .. }) && error.to_string().contains("weights.safetensors"),
        "{error}"
    );
    std::fs::write(&file, b"not safetensors").unwrap();
    assert!(matches!(network.load(&file), Err(Error::Format { .. })));
    Sequential::new(4)
        .dense(2)
        .build(cpu(), 0)
        .unwrap()
        .save(&file)
        .unwrap();
    let error = network.load(&file).unwrap_err().to_string();
    assert!(
        error.contains("[2, 4]") && error.contains("[2, 3]"),
        "{error}"
    );
    Sequential::new(3)
        .dense_without_bias(2)
        .build(cpu(), 0)
        .unwrap()
        .save(&file)
        .unwrap();
    let error = network.load(&file).unwrap_err().to_string();
    assert!(error.contains("layers.0.bias"), "{error}");
    assert!(matches!(
        network.save(folder.join("no/such/folder")),
        Err(Error::Io { .. })
    ));

    assert_eq!(network.parameter("layers.0.weight").unwrap(), before);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_network_describes_itself() {
    let network = Sequential::new(784)
        .dense(512)
        .relu()
        .dense(10)
        .build(cpu(), 0)
        .unwrap();
    assert_eq!((network.inputs(), network.outputs()), (784, 10));
    assert_eq!(network.parameter_count(), 784 * 512 + 512 + 512 * 10 + 10);
    let summary = network.summary();
    for part in ["layers.0.weight", "[512, 784]", "401408", "[10]", "407050"] {
        assert!(summary.contains(part), "{summary}");
    }
}

#[test]
fn bad_graphs_are_refused() {
    let mut graph = Graph::new();
    assert!(matches!(graph.input(0), Err(Error::Argument { .. })));
    let x = graph.input(3).unwrap();
    assert!(matches!(graph.input(3), Err(Error::Argument { .. })));
    let w = graph.parameter("w", [2, 4], Init::Zeros).unwrap();
    assert!(matches!(
        graph.parameter("w", [2, 4], Init::Zeros),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.parameter("v", [0, 4], Init::Zeros),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.vector("v", 4, Init::Constant(f32::NAN)),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.dense(x, 0, Init::Zeros),
        Err(Error::Argument { .. })
    ));
    let error = graph.matmul(x, w, Layout::NT).unwrap_err();
    assert!(
        error.to_string().contains("[batch, 3]") && error.to_string().contains("[2, 4]"),
        "{error}"
    );
    for bad in [graph.add(x, w), graph.hadamard(w, x), graph.bias_add(x, w)] {
        assert!(matches!(bad, Err(Error::Shape { .. })));
    }
    assert!(matches!(
        graph.scale(x, f32::NAN),
        Err(Error::Argument { .. })
    ));
    // Values of another graph, whether or not their numbers fit.
    let mut other = Graph::new();
    let y = other.input(3).unwrap();
    for bad in [
        graph.softmax(y),
        graph.add(x, y),
        other.matmul(y, w, Layout::NT),
    ] {
        let error = bad.unwrap_err();
        assert!(error.to_string().contains("another graph"), "{error}");
    }
    let slope = Activation::LeakyRelu { slope: -1.0 };
    assert!(matches!(
        graph.activation(x, slope),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.clone().build(w, cpu(), 0),
        Err(Error::Argument { .. })
    ));
    let mut no_input = Graph::new();
    let w = no_input.parameter("w", [2, 4], Init::Zeros).unwrap();
    assert!(matches!(
        no_input.build(w, cpu(), 0),
        Err(Error::Argument { .. })
    ));
}

#[test]
fn bad_batches_are_refused() {
    for device in [cpu(), gpu()] {
        let mut network = Sequential::new(3).dense(2).build(device, 0).unwrap();
        assert!(matches!(
            network.predict(&[0.0; 4]),
            Err(Error::Shape { .. })
        ));
        let error = network
            .predict(&[0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0])
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::NonFiniteData {
                    row: 1,
                    column: 1,
                    ..
                }
            ),
            "{error}"
        );
        assert!(matches!(
            network.gradients(&[0.0; 6], &[0]),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            network.gradients(&[], &[0u32; 0]),
            Err(Error::Shape { .. })
        ));
        let error = network.gradients(&[0.0; 6], &[0, 2]).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Label {
                    row: 1,
                    label: 2,
                    classes: 2
                }
            ),
            "{error}"
        );
        assert!(matches!(
            network.parameter("none"),
            Err(Error::Argument { .. })
        ));
        assert!(matches!(
            network.set_parameter("layers.0.bias", &[0.0]),
            Err(Error::Shape { .. })
        ));
        let infinite = network.set_parameter("layers.0.bias", &[0.0, f32::INFINITY]);
        assert!(matches!(infinite, Err(Error::NonFiniteData { .. })));
    }
}

#[test]
fn the_weights_default_to_what_suits_the_activation() {
    use wgrad::Activation::{Relu, Selu, Sigmoid};
    // U(−√(6/100), √(6/100)); N(0, 1/100), which leaves that interval; U(−√(6/500), √(6/500)).
    for (f, most, least) in [
        (Relu, 0.245, 0.24),
        (Selu, 0.6, 0.26),
        (Sigmoid, 0.1096, 0.107),
    ] {
        let layers = Sequential::new(100).dense(400).activation(f).dense(2);
        let weights = layers
            .build(cpu(), 1)
            .unwrap()
            .parameter("layers.0.weight")
            .unwrap();
        let greatest = weights
            .iter()
            .fold(0.0f32, |greatest, w| greatest.max(w.abs()));
        assert!((least..most).contains(&greatest), "{f}: {greatest}");
    }
}

#[test]
fn short_methods_stand_for_their_activations() {
    let base = || Sequential::new(2).dense(2);
    for (short, f) in [
        (base().relu(), Activation::Relu),
        (base().leaky_relu(), Activation::LeakyRelu { slope: 0.01 }),
        (base().relu6(), Activation::Relu6),
        (base().elu(), Activation::Elu { alpha: 1.0 }),
        (base().selu(), Activation::Selu),
        (base().sigmoid(), Activation::Sigmoid),
        (base().tanh(), Activation::Tanh),
        (base().softsign(), Activation::Softsign),
        (base().silu(), Activation::Silu),
        (base().hard_swish(), Activation::HardSwish),
        (base().mish(), Activation::Mish),
        (base().gelu(), Activation::Gelu),
        (base().gelu_tanh(), Activation::GeluTanh),
    ] {
        assert_eq!(short, base().activation(f));
    }
}

/// The output need not read the input: a generator's comes from noise alone.
#[test]
fn a_network_whose_output_does_not_read_its_input_predicts() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.input(3).unwrap();
        let noise = graph.random_normal(4, 0.0, 1.0).unwrap();
        let fake = graph.dense(noise, 2, Init::default()).unwrap();
        let z = graph.dense(x, 1, Init::default()).unwrap();
        let target = LossTarget::Constant(1.0);
        graph
            .loss("x", &[z], target, Loss::mean_squared_error())
            .unwrap();
        graph
            .loss("fake", &[fake], target, Loss::mean_squared_error())
            .unwrap();
        let mut network = graph.build(fake, device, 1).unwrap();
        let samples = network.predict(&[0.0; 5 * 3]).unwrap();
        assert_eq!(samples.len(), 5 * 2);
        assert_ne!(samples[..2], samples[2..4]);
    }
}

/// Nor need a loss.
#[test]
fn a_loss_that_does_not_read_the_input_has_a_gradient() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        graph.input(3).unwrap();
        let noise = graph.random_normal(4, 0.0, 1.0).unwrap();
        let y = graph.dense(noise, 2, Init::default()).unwrap();
        let loss = Loss::mean_squared_error();
        graph
            .loss("y", &[y], LossTarget::Constant(1.0), loss)
            .unwrap();
        let mut network = graph.build(y, device, 1).unwrap();
        let x = [0.0; 5 * 3];
        assert_eq!(network.gradients(&x, ()).unwrap().gradients.len(), 2);
        let check = network.gradient_check(&x, (), 1).unwrap();
        assert!(check.passes(1e-6), "{check:?}");
    }
}
