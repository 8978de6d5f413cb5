//! Tensors that are too large for a 32-bit count or for a binding of the device.

use super::common::devices::{cpu, gpu};
use super::zeros;
use wgrad::{Device, Error, GpuOptions, Layout, Result, Sequential, Tensor};

#[test]
fn tensors_that_no_device_can_count_are_refused() {
    for device in [cpu(), gpu()] {
        for shape in [
            [usize::MAX, 2],
            [2, usize::MAX],
            [1 << 16, 1 << 16],
            [1 << 30, 1],
        ] {
            let result = Tensor::zeros(device, shape);
            assert!(
                matches!(result, Err(Error::Argument { .. })),
                "{shape:?}: {result:?}"
            );
        }
        let column = zeros(device, 1 << 17, 1);
        let result = column.matmul(&column, Layout::NT);
        assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
    }
}

#[track_caller]
fn assert_limit(result: Result<Tensor>, most: u64) {
    let Err(Error::Limit { needed, limit, .. }) = &result else {
        panic!("{result:?}");
    };
    assert_eq!(*limit, most);
    assert!(*needed > most, "{needed}");
    let message = result.unwrap_err().to_string();
    assert!(message.contains(&most.to_string()), "{message}");
}

#[test]
fn a_result_over_the_binding_limit_is_refused_with_both_numbers() {
    // Without sentinels the host holds none of it.
    let device = Device::gpu(GpuOptions::default().allow_software(true)).unwrap();
    let report = device.report();
    let most = report.max_binding_bytes.min(report.max_buffer_bytes);
    // The outer product of two columns, of just more elements than fit, if 32 bits can count them.
    let side = (((most / 4) as f64).sqrt() as usize + 4)
        .next_multiple_of(4)
        .min(65_532);
    assert!(
        (side * side) as u64 * 4 > most,
        "the limit is out of reach: {most}"
    );
    let column = zeros(&device, side, 1);
    assert_limit(column.matmul(&column, Layout::NT), most);
    // The device is still of use.
    assert_eq!(zeros(&device, 1, 1).sum().unwrap(), 0.0);
}

#[test]
fn an_upload_over_the_binding_limit_is_refused_with_both_numbers() {
    let device = Device::gpu(GpuOptions::default().allow_software(true)).unwrap();
    let report = device.report();
    let most = report.max_binding_bytes.min(report.max_buffer_bytes);
    // The host holds the values twice: 2 GiB at most.
    let cols = (most / 4) as usize + 1;
    if most <= 1 << 30 {
        assert_limit(Tensor::zeros(&device, [1, cols]), most);
    } else {
        println!(
            "not tried: it would take {} bytes of the host's memory",
            2 * most
        );
    }
    assert_eq!(zeros(&device, 1, 1).sum().unwrap(), 0.0);
}

#[test]
fn parameters_that_no_device_can_count_are_refused() {
    for device in [cpu(), gpu()] {
        for [inputs, outputs] in [[1 << 30, 1 << 33], [usize::MAX, 1], [1, usize::MAX]] {
            let result = Sequential::new(inputs).dense(outputs).build(device, 0);
            let Err(Error::Limit { needed, limit, .. }) = result else {
                panic!("{inputs} to {outputs} is not refused");
            };
            assert!(needed > limit, "{needed} {limit}");
        }
    }
}

#[test]
fn parameters_that_no_memory_holds_are_refused() {
    // 2⁴⁸ bytes.
    let result = Sequential::new(1 << 23).dense(1 << 23).build(cpu(), 0);
    let Err(Error::OutOfMemory { needed, .. }) = result else {
        panic!("not refused");
    };
    assert!(needed >= 1 << 48, "{needed}");
}
