//! Test cases of losses: every criterion with every kind of target that it takes, and batches for each.

use crate::common::criteria::{Inputs, Target, Weights, criteria, facts};
use crate::common::data::Random;
use crate::common::oracle::losses::{Batch, Goal};
use crate::common::oracle::widen;
use wgrad::{Criterion, Device, Indices, Loss, Tensor, TensorTarget};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Labels,
    Values,
    Constant,
    None,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) criterion: Criterion,
    pub(super) kind: Kind,
    pub(super) weights: bool,
    pub(super) ignore: bool,
}

/// Every criterion with every kind of target, weights and ignored label that it takes.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for criterion in criteria() {
        let facts = facts(criterion);
        let kinds: &[Kind] = match facts.target {
            Target::Nothing => &[Kind::None],
            Target::Labels => &[Kind::Labels],
            Target::Values | Target::OnePerRow => &[Kind::Labels, Kind::Values, Kind::Constant],
        };
        let takes_weights = facts.weights != Weights::Nothing;
        for &kind in kinds {
            for (weights, ignore) in [(false, false), (true, false), (false, true), (true, true)] {
                if (!weights || takes_weights) && (!ignore || kind == Kind::Labels) {
                    cases.push(Case {
                        criterion,
                        kind,
                        weights,
                        ignore,
                    });
                }
            }
        }
    }
    cases
}

/// Classes that labels name.
fn classes(criterion: Criterion, cols: usize) -> usize {
    let facts = facts(criterion);
    if facts.target == Target::OnePerRow || (cols == 1 && !facts.by_class) {
        2
    } else {
        cols
    }
}

/// A batch as `f32` holds it, and the same for the oracle.
pub(super) struct Data {
    pub(super) shape: [usize; 2],
    pub(super) inputs: Vec<Vec<f32>>,
    pub(super) labels: Vec<u32>,
    pub(super) values: Vec<f32>,
    class_weights: Vec<f32>,
    pub(super) oracle: Batch,
}

/// The label that is ignored: no class, as in PyTorch's default, or one of them.
fn ignored(classes: usize) -> u32 {
    if classes.is_multiple_of(2) {
        u32::MAX
    } else {
        0
    }
}

impl Data {
    pub(super) fn random(case: Case, shape @ [rows, cols]: [usize; 2]) -> Data {
        let mut random = Random::new((rows * 67 + cols) as u64);
        let count = rows * cols;
        let facts = facts(case.criterion);
        let mut input = || match facts.inputs {
            Inputs::Probabilities(low, high) => random.uniform(count, low, high),
            Inputs::Quarters => random.integers(count).iter().map(|i| i / 4.0).collect(),
            Inputs::Any => random.uniform(count, -4.0, 4.0),
        };
        let mut inputs: Vec<Vec<f32>> = (0..facts.count).map(|_| input()).collect();
        if case.criterion == Criterion::GaussianNll {
            inputs[1] = random.uniform(count, 0.1, 2.0);
        }
        Data::of(case, shape, inputs)
    }

    /// With random targets for these inputs.
    pub(super) fn of(case: Case, shape @ [rows, cols]: [usize; 2], inputs: Vec<Vec<f32>>) -> Data {
        let mut random = Random::new((rows * 71 + cols) as u64);
        let count = rows * cols;
        let classes = classes(case.criterion, cols);
        let mut labels = random.words(rows, classes);
        if case.ignore {
            for label in labels.iter_mut().step_by(3) {
                *label = ignored(classes);
            }
        }
        let facts = facts(case.criterion);
        let values: Vec<f32> = match facts.inputs {
            _ if facts.target == Target::OnePerRow => {
                let signs = random.words(rows, 3);
                signs.iter().map(|&s| s as f32 - 1.0).collect()
            }
            _ if facts.signs => {
                let signs = random.words(count, 2);
                signs.iter().map(|&s| s as f32 * 2.0 - 1.0).collect()
            }
            Inputs::Quarters => random.integers(count).iter().map(|i| i / 4.0).collect(),
            // Probabilities, some of them 0.
            _ => {
                let values = random.uniform(count, -0.2, 1.0);
                values.iter().map(|v| v.max(0.0)).collect()
            }
        };
        let class_weights = if case.weights {
            let binary = facts.weights == Weights::OfLabels;
            random.uniform(if binary { 2 } else { cols }, 0.5, 2.0)
        } else {
            Vec::new()
        };
        let oracle = Batch {
            criterion: case.criterion,
            cols,
            inputs: inputs.iter().map(|input| widen(input)).collect(),
            goal: match case.kind {
                Kind::Labels => Goal::Labels(labels.clone()),
                Kind::Values => Goal::Values(widen(&values)),
                Kind::Constant => Goal::Constant(1.0),
                Kind::None => Goal::None,
            },
            class_weights: widen(&class_weights),
            ignore: case.ignore.then(|| ignored(classes)),
        };
        Data {
            shape,
            inputs,
            labels,
            values,
            class_weights,
            oracle,
        }
    }

    pub(super) fn loss(&self, case: Case) -> Loss {
        let loss = Loss::from(case.criterion).class_weights(self.class_weights.clone());
        match self.oracle.ignore {
            Some(label) => loss.ignore_index(label),
            None => loss,
        }
    }

    /// Hands the tensors on `device` to a call.
    pub(super) fn with<R>(
        &self,
        case: Case,
        device: &Device,
        call: impl Fn(&Tensor, &[&Tensor], TensorTarget<'_>) -> R,
    ) -> R {
        let tensor = |values: &Vec<f32>| Tensor::new(device, self.shape, values).unwrap();
        let inputs: Vec<Tensor> = self.inputs.iter().map(tensor).collect();
        let others: Vec<&Tensor> = inputs[1..].iter().collect();
        let labels = Indices::new(device, &self.labels).unwrap();
        let [rows, _] = self.shape;
        let values = Tensor::new(device, [rows, self.values.len() / rows], &self.values).unwrap();
        let target = match case.kind {
            Kind::Labels => TensorTarget::from(&labels),
            Kind::Values => TensorTarget::from(&values),
            Kind::Constant => TensorTarget::from(1.0),
            Kind::None => TensorTarget::None,
        };
        call(&inputs[0], &others, target)
    }
}
