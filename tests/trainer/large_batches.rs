//! Weighted means over so many rows that a separate dispatch sums the rows' weights: steps, gradients, evaluations.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::common::precision::{ULP, sum_ulps};
use wgrad::{Criterion, Dataset, Device, Graph, Init, Loss, LossTarget, Network, Sgd, Trainer};

/// Rows of a batch, of which the last batch of the epoch has fewer.
const BATCH: usize = 17_003;
const ROWS: usize = 2 * BATCH + 900;
const RATE: f64 = 1.5;
const WEIGHTS: [f32; 3] = [0.1, 3.0, 0.7];
const IGNORED: u32 = 1;

/// A bias alone, as the input is 0: every row has the same logits. The first term and the last are divided by what the
/// rows weigh, that in between by nothing.
fn biased(device: &Device) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(1).unwrap();
    let y = graph.dense(x, 3, Init::Zeros).unwrap();
    let plain = Loss::softmax_cross_entropy;
    let weighted = plain().class_weights(WEIGHTS);
    let small = Loss::mean_squared_error();
    let ignoring = Loss::from(Criterion::NegativeLogLikelihood)
        .class_weights(WEIGHTS)
        .ignore_index(IGNORED)
        .scaled(0.25);
    let terms = [
        ("weighted", LossTarget::Batch, weighted),
        ("small", LossTarget::Constant(0.0), small),
        ("ignoring", LossTarget::Batch, ignoring),
    ];
    for (name, target, loss) in terms {
        graph.loss(name, &[y], target, loss).unwrap();
    }
    graph.build(y, device, 3).unwrap()
}

fn label(row: usize) -> u32 {
    (row * 7 % 11 % 3) as u32
}

/// Loss and gradient of the logits that all rows share.
fn loss_and_gradient(logits: [f64; 3], rows: std::ops::Range<usize>) -> (f64, [f64; 3]) {
    let mut of_class = [0.0; 3];
    for row in rows {
        of_class[label(row) as usize] += f64::from(WEIGHTS[label(row) as usize]);
    }
    let share = |ignored: Option<usize>| {
        let mut shares = of_class;
        if let Some(class) = ignored {
            shares[class] = 0.0;
        }
        let sum: f64 = shares.iter().sum();
        shares.map(|weight| weight / sum)
    };
    let (of_all, of_some) = (share(None), share(Some(IGNORED as usize)));
    let sum: f64 = logits.iter().map(|z| z.exp()).sum();
    let mut loss = sum.ln();
    let mut gradient = [0.0; 3];
    for class in 0..3 {
        let z = logits[class];
        loss += -of_all[class] * z + z * z / 3.0 - 0.25 * of_some[class] * z;
        gradient[class] = z.exp() / sum - of_all[class] + 2.0 * z / 3.0 - 0.25 * of_some[class];
    }
    (loss, gradient)
}

#[test]
fn every_term_of_a_large_batch_is_divided_by_its_own_weights() {
    let labels: Vec<u32> = (0..ROWS).map(label).collect();
    let data = Dataset::from_floats(1, vec![0.0; ROWS], labels.clone(), 3).unwrap();
    // Column sums of 17,003 gradients, and the sums of weights that divide them; of magnitudes up to 1.
    let near = Tolerance::absolute(3.0 * (2.0 * sum_ulps(BATCH) + 40.0) * ULP * RATE);
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let name = device.report().to_string();
        let trainer = |submit: usize| {
            Trainer::builder(biased(device))
                .optimizer(Sgd::new(RATE))
                .batch_size(BATCH)
                .steps_per_submit(submit)
                .shuffle(false)
                .build()
                .unwrap()
        };
        let mut logits = [0.0; 3];
        for rows in [0..BATCH, BATCH..2 * BATCH, 2 * BATCH..ROWS] {
            let (_, gradient) = loss_and_gradient(logits, rows);
            logits = std::array::from_fn(|class| logits[class] - RATE * gradient[class]);
        }
        let mut whole = trainer(4);
        let report = whole.epoch(&data).unwrap();
        assert_eq!(report.steps, 3);
        let found = parameters(whole.network_mut());
        assert_close(&name, &found[found.len() - 3..], &logits, near);

        // The same bits for any split into submits.
        let mut single = trainer(1);
        single.epoch(&data).unwrap();
        assert_same_bits(&name, &parameters(single.network_mut()), &found);

        let (loss, gradient) = loss_and_gradient(logits, 0..ROWS);
        let evaluated = whole.evaluate(&data).unwrap();
        assert_close(&name, &[evaluated.loss as f32], &[loss], near);
        let gradients = whole
            .network_mut()
            .gradients(&vec![0.0; ROWS], &labels)
            .unwrap();
        assert_close(&name, &[gradients.loss], &[loss], near);
        let (_, found) = gradients.gradients.last().unwrap();
        assert_close(&name, found, &gradient, near);
    }
}
