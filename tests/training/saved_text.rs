//! Text of settings in checkpoints. It keeps the words of the first version, so that files of every version load.

use super::common::devices::cpu;
use super::common::files::Parts;
use wgrad::{Criterion, Graph, Init, Layout, LossTarget, ReduceOnPlateau, Trainer};

#[test]
fn settings_that_were_renamed_keep_their_words_in_files() {
    let mut graph = Graph::new();
    let x = graph.input(1).unwrap();
    let w = graph.parameter("w", [1, 1], Init::Constant(1.0)).unwrap();
    let noise = graph.random_normal(1, 0.5, 2.0).unwrap();
    let sum = graph.add(x, noise).unwrap();
    let y = graph.matmul(sum, w, Layout::NT).unwrap();
    graph
        .loss("value", &[y], LossTarget::Batch, Criterion::Value)
        .unwrap();
    let trainer = Trainer::builder(graph.build(y, cpu(), 0).unwrap());
    let plateau = ReduceOnPlateau::new().min_fall(0.25);
    let mut trainer = trainer.reduce_on_plateau(plateau).build().unwrap();
    let saved = Parts::of(&pollster::block_on(trainer.to_bytes_async()).unwrap());
    let settings = &saved.metadata["wgrad.settings"];
    for words in ["Normal { mean: 0.5, deviation: 2.0 }", "least_fall: 0.25"] {
        assert!(settings.contains(words), "{words} in {settings}");
    }
    for renamed in ["std: ", "min_fall"] {
        assert!(!settings.contains(renamed), "{renamed} in {settings}");
    }
}
