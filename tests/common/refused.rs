//! Errors of refused tensor calls: the CPU returns them from the call, a GPU once from the next read of the tensor.

use wgrad::{Device, DeviceKind, Error, Result};

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub(crate) fn is_cpu(device: &Device) -> bool {
    device.report().adapter.kind == DeviceKind::Cpu
}

/// What the error of a refused call names.
pub(crate) fn named(name: &str, refused: Result<()>) -> String {
    match refused {
        Err(Error::NonFinite { step, tensor }) => {
            assert_eq!(step, Error::OUTSIDE_TRAINING, "{name}");
            tensor
        }
        Err(error) => panic!("{name}: {error}"),
        Ok(()) => panic!("{name}: nothing was refused"),
    }
}

/// Checks that a call was refused, and that each of these readings reports it once where the call does not. `what` is
/// in the names.
pub(crate) fn assert_refused(
    name: &str,
    device: &Device,
    call: Result<()>,
    readings: &[&dyn Fn() -> Result<()>],
    what: &str,
) {
    let name = format!("{name} on {}", device.report());
    let mut names = Vec::new();
    if is_cpu(device) {
        names.push(named(&name, call));
    } else {
        call.unwrap_or_else(|error| panic!("{name}: {error}"));
        names.extend(readings.iter().map(|reading| named(&name, reading())));
    }
    for found in &names {
        assert!(found.contains(what), "{name}: {found}, not {what}");
    }
    for reading in readings {
        reading().unwrap_or_else(|error| panic!("{name}, read again: {error}"));
    }
}
