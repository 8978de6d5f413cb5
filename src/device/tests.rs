//! What wgpu refuses, and where it panics.

use super::*;
use crate::Error;
use std::time::Duration;

/// wgpu's backend that does nothing, and a real adapter, which may be software.
fn gpus() -> [Gpu; 2] {
    let options = GpuOptions::default().allow_software(true);
    let open = async || {
        let noop = noop(wgpu::Limits::default()).await;
        [
            Gpu::on(&noop, &options).await.unwrap(),
            Gpu::open(&options).await.unwrap(),
        ]
    };
    pollster::block_on(open())
}

async fn noop(limits: wgpu::Limits) -> wgpu::Adapter {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    descriptor.backend_options.noop.limits = Some(limits);
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = instance.enumerate_adapters(wgpu::Backends::NOOP).await;
    adapters.swap_remove(0)
}

/// A submit that wgpu refuses: a copy beyond the end of a buffer.
fn refused(gpu: &Gpu, buffer: &Buffer) -> Result<wgpu::SubmissionIndex> {
    gpu.submit(|encoder| encoder.copy_buffer_to_buffer(buffer, 0, buffer, 1 << 20, 16))
}

#[track_caller]
fn assert_gpu_error<T>(result: Result<T>) {
    let result = result.map(drop);
    assert!(matches!(result, Err(Error::Gpu { .. })), "{result:?}");
}

/// Writes words, copies them and reads the copy back.
fn copies(gpu: &Gpu, words: &[u32]) -> Result<Vec<u32>> {
    let from = gpu.upload("from", words)?;
    let staging = gpu.staging(from.size())?;
    let submission = gpu.submit(|encoder| {
        encoder.copy_buffer_to_buffer(&from, 0, &staging, 0, from.size());
    })?;
    let readback = Readback::request(gpu, &staging, from.size(), submission)?;
    let read = readback.finish(gpu, <[u32]>::to_vec);
    Ok(pollster::block_on(read)?.0)
}

#[test]
fn what_wgpu_refuses_is_an_error_of_that_call_alone() {
    for gpu in gpus() {
        let buffer = gpu.allocate("buffer", 64).unwrap();
        let used = gpu.budget.used();
        let words = [1, 2, 3, 4];
        for _ in 0..3 {
            assert_gpu_error(refused(&gpu, &buffer));
            assert_gpu_error(gpu.write(&buffer, 1 << 20, &words));
            // A buffer that cannot be mapped, and one larger than the device allows.
            let submission = gpu.submit(|_| ()).unwrap();
            let readback = Readback::request(&gpu, &buffer, 64, submission);
            let read = |readback: Readback| readback.finish(&gpu, <[u32]>::to_vec);
            assert_gpu_error(readback.and_then(|readback| pollster::block_on(read(readback))));
            let usage = wgpu::BufferUsages::STORAGE;
            assert_gpu_error(gpu.buffer("too large", 1 << 60, usage));
            assert_eq!(gpu.budget.used(), used);
            // The device is fit for everything else.
            assert_eq!(copies(&gpu, &words).unwrap(), words);
        }
        assert_eq!(gpu.budget.used(), used);
    }
}

#[test]
fn what_one_thread_is_refused_no_other_thread_sees() {
    for gpu in gpus() {
        let (gpu, done) = (&gpu, &std::sync::atomic::AtomicBool::new(false));
        std::thread::scope(|scope| {
            let other = scope.spawn(move || {
                let buffer = gpu.allocate("buffer", 64).unwrap();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_gpu_error(refused(gpu, &buffer));
                }
            });
            for i in 0..100 {
                let words = [i, 7, i, 9];
                assert_eq!(copies(gpu, &words).unwrap(), words, "copy {i}");
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            other.join().unwrap();
        });
    }
}

#[test]
fn a_panic_within_wgpu_is_an_error() {
    for gpu in gpus() {
        let [other, _] = gpus();
        // wgpu panics when a submit is waited for that it has not taken.
        let indices = (0..100).map(|_| other.submit(|_| ()).unwrap());
        let index = indices.last().unwrap();
        assert_gpu_error(gpu.wait(index));
        assert_gpu_error(gpu.call("a test", 0, |_, _| -> () { panic!("of any kind") }));
        assert_gpu_error(gpu.submit(|_| panic!("while encoding")));
        assert_eq!(copies(&gpu, &[5, 6, 7, 8]).unwrap(), [5, 6, 7, 8]);
        // One that is caused by the loss of the device is the loss.
        let lost = gpu.call("a test", 0, |_, _| {
            gpu.faults.lose("a test".into());
            panic!("of any kind")
        });
        let lost: Result<()> = lost;
        assert!(matches!(lost, Err(Error::DeviceLost { .. })), "{lost:?}");
    }
}

#[test]
fn a_device_is_lost_once_nobody_reads_its_memory() {
    let [gpu, _] = gpus();
    let held = gpu.faults.hold_memory();
    std::thread::scope(|scope| {
        let destroyed = scope.spawn(|| gpu.destroy());
        // Every call sees the loss at once.
        while gpu.check().is_ok() {
            std::thread::yield_now();
        }
        assert!(matches!(copies(&gpu, &[1]), Err(Error::DeviceLost { .. })));
        std::thread::sleep(Duration::from_millis(5));
        assert!(!destroyed.is_finished());
        drop(held);
        destroyed.join().unwrap();
    });
}

#[test]
fn an_adapter_below_webgpus_limits_cannot_be_opened() {
    let limits = wgpu::Limits {
        max_compute_invocations_per_workgroup: 1,
        ..wgpu::Limits::default()
    };
    let opened = pollster::block_on(async {
        Gpu::on(&noop(limits).await, &GpuOptions::default())
            .await
            .map(drop)
    });
    assert!(
        matches!(opened, Err(Error::OpenDevice { .. })),
        "{opened:?}"
    );
}

#[test]
fn a_wait_that_takes_too_long_says_how_long_it_was() {
    let options = GpuOptions::default().allow_software(true);
    assert_eq!(options.timeout, Duration::from_secs(300));
    let zero = Device::gpu(options.clone().timeout(Duration::ZERO));
    assert!(matches!(zero, Err(Error::Argument { .. })), "{zero:?}");
    let options = options.timeout(Duration::from_millis(1500));
    let gpu = pollster::block_on(Gpu::open(&options)).unwrap();
    let late = gpu.waited(Ok(Err(wgpu::PollError::Timeout)));
    assert!(
        matches!(late, Err(Error::Timeout { seconds: 1.5 })),
        "{late:?}"
    );
    assert!(late.unwrap_err().to_string().contains("within 1.5 s"));
    // What was submitted goes on, and the device with it.
    assert_eq!(copies(&gpu, &[1, 2, 3, 4]).unwrap(), [1, 2, 3, 4]);
}
