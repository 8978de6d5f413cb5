//! Shared code of the benchmarks: the devices to compare, and random data.

use wgrad::{Device, DeviceKind, GpuOptions, Result};

/// The CPU and a GPU or software adapter. Prints their reports.
///
/// # Errors
/// If there is no adapter, since the two are compared in one run.
pub(crate) fn devices() -> Result<[Device; 2]> {
    let gpu = Device::gpu(GpuOptions::default().allow_software(true))?;
    let devices = [Device::cpu(), gpu];
    for device in &devices {
        println!("comparing: {}", device.report());
    }
    Ok(devices)
}

/// A short name of a device, for a column of results.
pub(crate) fn label(device: &Device) -> String {
    let report = device.report();
    match report.adapter.kind {
        DeviceKind::Cpu => report.to_string(),
        kind => {
            let name = report.adapter.name.split(" (").next();
            format!("{kind} {}", name.unwrap_or_default())
        }
    }
}

/// Integers from 0 to `end` − 1, the same on every run (SplitMix64; Steele, Lea and Flood 2014).
pub(crate) fn integers(seed: u64, count: usize, end: u64) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end) as u32
    };
    (0..count).map(|_| next()).collect()
}
