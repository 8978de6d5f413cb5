//! Checkpoints: a loaded one goes on to the bit; one of other settings, or with a place that cannot be, is refused.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{data, network, temporary, trainer};
use wgrad::{Adam, Error, RmsProp, Sgd, TrainerBuilder};

#[test]
fn a_loaded_checkpoint_goes_on_to_the_bit() {
    let data = data();
    let file = temporary("checkpoint");
    for device in [cpu(), gpu()] {
        for make in [
            |t: TrainerBuilder| t.optimizer(Sgd::new(0.1).momentum(0.9)),
            |t: TrainerBuilder| t.optimizer(Adam::w(0.01).amsgrad(true)),
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
                &parameters(second.network()),
                &parameters(whole.network()),
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
    let mut bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    let (from, to) = (
        &br#""wgrad.position":"3""#[..],
        &br#""wgrad.position":"9999""#[..],
    );
    let place = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    // The header's length stands in its first eight bytes.
    bytes.splice(place..place + from.len(), to.iter().copied());
    let header =
        u64::from_le_bytes(bytes[..8].try_into().unwrap()) + (to.len() - from.len()) as u64;
    bytes[..8].copy_from_slice(&header.to_le_bytes());
    let mut other = trainer(cpu()).build().unwrap();
    let error = pollster::block_on(other.load_bytes_async("checkpoint", &bytes)).unwrap_err();
    assert!(error.to_string().contains("wgrad.position"), "{error}");
    assert_eq!(other.step_count(), 0);
}
