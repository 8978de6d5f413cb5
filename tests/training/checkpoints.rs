//! Checkpoints: they resume bit-exactly, and are refused if settings differ or their position is impossible.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::files::{Parts, with_metadata};
use super::common::networks::parameters;
use super::recipes::{self, RECIPES, recipe};
use super::{data, network, temporary, trainer};
use wgrad::{Adam, AdamW, Dataset, Error, Loss, RmsProp, Sequential, Sgd, Trainer, TrainerBuilder};

#[test]
fn a_loaded_checkpoint_goes_on_to_the_bit() {
    let data = data();
    let file = temporary("checkpoint");
    for device in [cpu(), gpu()] {
        for make in [
            |t: TrainerBuilder| t.optimizer(Sgd::new(0.1).momentum(0.9)),
            |t: TrainerBuilder| t.optimizer(AdamW::new(0.01).amsgrad(true)),
            |t: TrainerBuilder| t.optimizer(RmsProp::new(0.01).momentum(0.5).centered(true)),
        ] {
            let build = || make(trainer(device)).build().unwrap();
            let mut whole = build();
            whole.steps(&data, 40).unwrap();

            // 13 steps end within the second epoch.
            let mut first = build();
            first.steps(&data, 13).unwrap();
            first.save(&file).unwrap();
            let mut second = build();
            second.steps(&data, 2).unwrap();
            second.load(&file).unwrap();
            assert_eq!((second.step_count(), second.epoch_number()), (13, 1));
            // The rest of the epoch, then two more.
            assert_eq!(second.epoch(&data).unwrap().steps, 7);
            second.steps(&data, 20).unwrap();
            assert_same_bits(
                "resumed",
                &parameters(second.network_mut()),
                &parameters(whole.network_mut()),
            );
        }
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_checkpoint_of_other_settings_is_refused() {
    let file = temporary("settings");
    let mut saved = trainer(cpu()).build().unwrap();
    saved.save(&file).unwrap();
    let mut other = trainer(cpu()).seed(4).build().unwrap();
    let error = other.load(&file).unwrap_err();
    assert!(
        matches!(error, Error::Format { .. })
            && error
                .to_string()
                .ends_with(": saved with seed: 3, expected seed: 4"),
        "{error}"
    );
    // A file of weights alone is no checkpoint, but a checkpoint is a file of weights.
    assert!(network(cpu()).load(&file).is_ok());
    saved.network().save(&file).unwrap();
    assert!(matches!(other.load(&file), Err(Error::Format { .. })));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_checkpoint_with_a_place_past_its_epoch_is_refused() {
    let mut saved = trainer(cpu()).build().unwrap();
    saved.steps(&data(), 3).unwrap();
    let bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    let bytes = with_metadata(&bytes, "wgrad.position", "9999");
    let mut other = trainer(cpu()).build().unwrap();
    let error = pollster::block_on(other.load_bytes_async("checkpoint", &bytes)).unwrap_err();
    assert!(error.to_string().contains("wgrad.position"), "{error}");
    assert_eq!(other.step_count(), 0);
}

/// What a trainer has come to: all of it is in its checkpoint.
fn bytes(trainer: &mut Trainer) -> Vec<u8> {
    pollster::block_on(trainer.to_bytes_async()).unwrap()
}

/// A trainer of three parameters in a file of 3 kB: two steps done, moments, an average, in mid-epoch.
fn small() -> Trainer {
    let network = Sequential::new(2).dense(1).build(cpu(), 1).unwrap();
    let builder = Trainer::builder(network)
        .loss(Loss::mean_squared_error())
        .optimizer(Adam::new(0.1))
        .average(0.9)
        .batch_size(1);
    let mut trainer = builder.build().unwrap();
    let data = Dataset::regression(2, vec![1.0; 8], 1, vec![2.0; 4]).unwrap();
    trainer.steps(&data, 2).unwrap();
    trainer
}

#[test]
fn no_flipped_bit_is_loaded() {
    let saved = bytes(&mut small());
    let mut trainer = small();
    trainer.step(&[1.0, 2.0], &[0.0]).unwrap();
    let before = bytes(&mut trainer);
    assert_ne!(before, saved);
    for bit in 0..8 * saved.len() {
        let mut damaged = saved.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = pollster::block_on(trainer.load_bytes_async("file", &damaged));
        assert!(
            matches!(error, Err(Error::Format { .. })),
            "bit {bit}: {error:?}"
        );
        let error = trainer.network_mut().load_bytes("file", &damaged);
        assert!(
            matches!(error, Err(Error::Format { .. })),
            "bit {bit}: {error:?}"
        );
    }
    for length in 0..saved.len() {
        let error = pollster::block_on(trainer.load_bytes_async("file", &saved[..length]));
        assert!(
            matches!(error, Err(Error::Format { .. })),
            "cut at {length}"
        );
    }
    assert_eq!(
        bytes(&mut trainer),
        before,
        "a refused file has changed something"
    );
    pollster::block_on(trainer.load_bytes_async("file", &saved)).unwrap();
    assert_eq!(bytes(&mut trainer), saved);
}

#[test]
fn equal_states_are_equal_bytes() {
    let saved = bytes(&mut small());
    for _ in 0..5 {
        assert_eq!(bytes(&mut small()), saved);
    }
    // The metadata and the tensors lie in the order of their names.
    let text = String::from_utf8_lossy(&saved).into_owned();
    let places = |names: &mut dyn Iterator<Item = &String>| {
        let places: Vec<usize> = names
            .map(|name| text.find(&format!("\"{name}\":")).unwrap())
            .collect();
        assert!(places.len() > 2 && places.is_sorted(), "{places:?}");
    };
    let parts = Parts::of(&saved);
    places(&mut parts.metadata.keys());
    places(&mut parts.tensors.keys());
}

#[test]
fn what_no_trainer_can_have_saved_is_refused() {
    let saved = bytes(&mut small());
    let mut trainer = small();
    trainer.step(&[1.0, 2.0], &[0.0]).unwrap();
    let before = bytes(&mut trainer);
    let mut refused = |parts: &Parts, expected: &str| {
        let error =
            pollster::block_on(trainer.load_bytes_async("file", &parts.bytes())).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let parts = Parts::of(&saved);
    // The second moments of Adam are means of squares; the first may have any sign.
    let name = "moments.1.layers.0.weight";
    refused(
        &parts.clone().with(name, &[1, 2], &[0.5, -0.25]),
        "moments.1.layers.0.weight holds -0.25, expected at least 0",
    );
    for name in parts.tensors.keys() {
        let [shape, len] = [
            &parts.tensors[name].1,
            &vec![parts.tensors[name].2.len() / 4],
        ];
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let values = vec![bad; len[0]];
            refused(
                &parts.clone().with(name, shape, &values),
                &format!("{name} holds {bad}"),
            );
        }
        // Every tensor is needed.
        let mut fewer = parts.clone();
        fewer.tensors.remove(name);
        refused(&fewer, &format!("missing: {name}"));
    }
    // Marks of the version: none can be left out while another is there.
    for key in ["wgrad.version", "wgrad.checksum"] {
        let mut without = parts.clone();
        without.metadata.remove(key);
        refused(&without, &format!("no {key}"));
    }
    for version in ["1", "2", "4", "", "3 "] {
        let mut other = parts.clone();
        other
            .metadata
            .insert("wgrad.version".to_string(), version.to_string());
        refused(&other, "wgrad.version is");
    }
    assert_eq!(
        bytes(&mut trainer),
        before,
        "a refused file has changed something"
    );
    // Put together again it loads.
    let first = Parts::of(&saved).with("moments.0.layers.0.weight", &[1, 2], &[-0.5, -0.25]);
    pollster::block_on(trainer.load_bytes_async("file", &first.bytes())).unwrap();
}

#[test]
fn moments_that_are_means_of_squares_are_never_negative() {
    // By recipe and the first letter of the parameter's name: the moments that may not be.
    let squares = |recipe: &str, parameter: &str| match (recipe, &parameter[..1]) {
        // The last is not used in the phases' Adam, and stays 0.
        ("everything", _) | ("phases", "g") => vec![1, 2],
        ("adagrad", _) | ("phases", "d") => vec![0],
        ("adadelta", _) => vec![0, 1],
        ("adamax" | "nadam" | "radam", _) => vec![1],
        _ => vec![],
    };
    let mut refusals = 0;
    for &(name, steps) in RECIPES {
        let build = || recipe(name, cpu()).build().unwrap();
        let mut trainer = build();
        trainer.steps(&recipes::data(), steps).unwrap();
        let parts = Parts::of(&bytes(&mut trainer));
        for (tensor, (_, shape, values)) in &parts.tensors {
            let Some((moment, parameter)) = tensor
                .strip_prefix("moments.")
                .and_then(|rest| rest.split_once('.'))
            else {
                continue;
            };
            let mut negative = vec![0.0; values.len() / 4];
            *negative.last_mut().unwrap() = -1e-30;
            let bytes = parts.clone().with(tensor, shape, &negative).bytes();
            let loaded = pollster::block_on(build().load_bytes_async("file", &bytes));
            let refused = squares(name, parameter).contains(&moment.parse().unwrap());
            assert_eq!(loaded.is_err(), refused, "{name}: {tensor}: {loaded:?}");
            refusals += usize::from(refused);
        }
    }
    assert!(refusals > 20, "{refusals}");
}
