//! Files of version 0.1.0, from before files had a version: they load, and training resumes from them.
//!
//! `NAME.safetensors` is the checkpoint of a recipe, `NAME.after.safetensors` the weights two steps later.

use super::common::compare::{Tolerance, assert_close};
use super::common::devices::{cpu, gpu};
use super::common::oracle::widen;
use super::recipes::{RECIPES, STEPS_AFTER, data, network, recipe};
use safetensors::SafeTensors;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/checkpoints");
    PathBuf::from(folder).join(format!("{name}.safetensors"))
}

/// The tensors of a file, in the order of their names.
fn tensors(name: &str) -> Vec<(String, Vec<f32>)> {
    let bytes = std::fs::read(file(name)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |bytes: &[u8]| {
        let chunks = bytes.chunks_exact(4);
        chunks
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    };
    let mut tensors: Vec<_> = tensors
        .iter()
        .map(|(name, view)| (name.to_string(), floats(view.data())))
        .collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(!tensors.is_empty());
    tensors
}

#[test]
fn checkpoints_of_the_first_version_go_on() {
    let data = data();
    // Two steps of at most 0.1 with moments near 1: sums in another order differ by a few roundings of 2⁻²⁴ each, which
    // a rule that divides by a small moment enlarges a hundred times.
    let near = Tolerance {
        relative: 1e-4,
        absolute: 1e-5,
    };
    for device in [cpu(), gpu()] {
        for &(name, steps) in RECIPES {
            let mut trainer = recipe(name, device).build().unwrap();
            trainer.load(file(name)).unwrap();
            assert_eq!(
                (trainer.step_count(), trainer.epoch_number()),
                (steps, u32::from(steps > 8))
            );
            for (parameter, values) in tensors(name) {
                if trainer
                    .network()
                    .parameter_names()
                    .contains(&parameter.as_str())
                {
                    assert_eq!(
                        trainer.network().parameter(&parameter).unwrap(),
                        values,
                        "{name}: {parameter}"
                    );
                }
            }
            trainer.steps(&data, STEPS_AFTER).unwrap();
            for (parameter, values) in tensors(&format!("{name}.after")) {
                let found = trainer.network().parameter(&parameter).unwrap();
                assert_close(
                    &format!("{name}: {parameter}"),
                    &found,
                    &widen(&values),
                    near,
                );
            }
        }
    }
}

#[test]
fn parameter_files_of_the_first_version_load() {
    let mut loaded = network(cpu());
    // One of a network alone, and one of a trainer, which holds more.
    for name in ["everything.after", "everything"] {
        loaded.load(file(name)).unwrap();
        let known = loaded.parameter_names().len() + 2;
        let mut found = 0;
        for (parameter, values) in tensors(name) {
            if parameter.starts_with("layers.") {
                assert_eq!(
                    loaded.parameter(&parameter).unwrap(),
                    values,
                    "{name}: {parameter}"
                );
                found += 1;
            }
        }
        assert_eq!(found, known);
    }
}
