//! A lost device: every call on it, from any thread, returns the error, and another device can be opened.

use super::common::devices::{cpu, open};
use super::{indices, state, zeros};
use std::process::Command;
use std::time::Duration;
use wgrad::{
    Dataset, Device, Error, GpuOptions, Indices, Layout, Sequential, Tensor, Trainer, wgpu,
};

#[test]
fn every_call_on_a_lost_device_says_so() {
    let device = open(GpuOptions::default());
    let x = Tensor::new(&device, [2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let labels = indices(&device, &[0, 1]);
    let mut w = zeros(&device, 2, 2);
    let mut w_state = state(&w);
    assert_eq!(x.sum().unwrap(), 10.0);
    device.simulate_loss();
    // Twice, since a loss is for good.
    for round in 0..2 {
        let calls = [
            ("download", x.download().map(drop)),
            ("add", x.add(&x).and_then(|y| y.download()).map(drop)),
            (
                "matmul",
                x.matmul(&x, Layout::NN)
                    .and_then(|y| y.download())
                    .map(drop),
            ),
            ("sum", x.sum().map(drop)),
            ("cross_entropy", x.cross_entropy(&labels).map(drop)),
            (
                "update",
                w.update(&x, &mut w_state)
                    .and_then(|()| w.download())
                    .map(drop),
            ),
            (
                "Tensor::new",
                Tensor::new(&device, [1, 1], &[1.0])
                    .and_then(|y| y.download())
                    .map(drop),
            ),
            ("Indices::new", Indices::new(&device, &[1]).map(drop)),
        ];
        for (name, result) in calls {
            assert!(
                matches!(result, Err(Error::DeviceLost { .. })),
                "{name}, round {round}: {result:?}"
            );
        }
    }
    // What is left of it can be let go, and another one opened.
    drop((x, labels, w, w_state, device));
    assert_eq!(
        zeros(&open(GpuOptions::default()), 2, 2).sum().unwrap(),
        0.0
    );
}

#[test]
fn losing_the_cpu_does_nothing() {
    cpu().simulate_loss();
    assert_eq!(zeros(cpu(), 2, 2).sum().unwrap(), 0.0);
}

/// Rounds of a test that destroys a device while it works, each a little later than the one before.
const ROUNDS: u32 = 20;

/// The adapter of wgpu's backend that does nothing, where only the host's part shows.
fn noop() -> Device {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::NOOP));
    Device::on_adapter(&adapters.swap_remove(0), GpuOptions::default()).unwrap()
}

/// Works until it fails, while another thread destroys the device a while after the start; gives the error.
fn error_when_destroyed(
    device: &Device,
    round: u32,
    mut work: impl FnMut() -> wgrad::Result<()>,
) -> Error {
    std::thread::scope(|scope| {
        let (start, started) = std::sync::mpsc::channel();
        scope.spawn(move || {
            started.recv().unwrap();
            std::thread::sleep(Duration::from_micros(150) * round);
            device.simulate_loss();
        });
        start.send(()).unwrap();
        loop {
            if let Err(error) = work() {
                return error;
            }
        }
    })
}

fn lose_in_mid_epoch(open: impl Fn() -> Device, rounds: u32) {
    let data = Dataset::from_floats(4, vec![0.5; 4 * 64], vec![1; 64], 2).unwrap();
    for round in 0..rounds {
        let device = open();
        let network = Sequential::new(4).dense(2).build(&device, 0).unwrap();
        let mut trainer = Trainer::builder(network)
            .batch_size(2)
            .steps_per_submit(1)
            .build()
            .unwrap();
        trainer.steps(&data, 1).unwrap();
        let error = error_when_destroyed(&device, round, || trainer.epoch(&data).map(drop));
        assert!(
            matches!(error, Error::DeviceLost { .. }),
            "round {round}: {error}"
        );
        // So does everything after it.
        let calls = [
            ("epoch", trainer.epoch(&data).map(drop)),
            ("evaluate", trainer.evaluate(&data).map(drop)),
            ("predict", trainer.network().predict(&[0.5; 4]).map(drop)),
            (
                "parameter",
                trainer.network().parameter("layers.0.weight").map(drop),
            ),
            (
                "build",
                Sequential::new(4).dense(2).build(&device, 0).map(drop),
            ),
        ];
        for (name, result) in calls {
            assert!(
                matches!(result, Err(Error::DeviceLost { .. })),
                "{name}: {result:?}"
            );
        }
    }
}

fn lose_between_tensor_calls(open: impl Fn() -> Device, rounds: u32) {
    for round in 0..rounds {
        let device = open();
        let x = Tensor::filled(&device, [4, 4], 1.0).unwrap();
        let error = error_when_destroyed(&device, round, || {
            let y = x.matmul(&x, Layout::NN)?;
            let z = Tensor::new(&device, [4, 4], &y.download()?)?;
            z.add(&x)?.sum().map(drop)
        });
        assert!(
            matches!(error, Error::DeviceLost { .. }),
            "round {round}: {error}"
        );
    }
}

#[test]
fn a_device_that_another_thread_destroys_in_mid_epoch_is_lost() {
    lose_in_mid_epoch(|| open(GpuOptions::default()), ROUNDS);
    lose_in_mid_epoch(noop, 5 * ROUNDS);
}

#[test]
fn a_device_that_another_thread_destroys_between_tensor_calls_is_lost() {
    lose_between_tensor_calls(|| open(GpuOptions::default()), ROUNDS / 2);
    lose_between_tensor_calls(noop, 5 * ROUNDS);
}

#[test]
fn threads_that_share_a_lost_device_all_see_it_as_lost() {
    for device in [open(GpuOptions::default()), noop()] {
        let (device, barrier) = (&device, &std::sync::Barrier::new(4));
        std::thread::scope(|scope| {
            let workers = [0, 1, 2].map(|_| {
                scope.spawn(move || {
                    let x = Tensor::filled(device, [64, 64], 1.0).unwrap();
                    barrier.wait();
                    loop {
                        let sum = x.add(&x).and_then(|y| y.sum());
                        if let Err(error) = sum {
                            return error;
                        }
                    }
                })
            });
            barrier.wait();
            std::thread::sleep(Duration::from_millis(3));
            device.simulate_loss();
            for worker in workers {
                let error = worker.join().unwrap();
                assert!(matches!(error, Error::DeviceLost { .. }), "{error}");
            }
        });
    }
}

/// Runs one of the ignored tests below in a process of its own, and gives what it wrote to its standard error.
fn stderr_of(test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env_remove("RUST_LOG")
        // Then libwayland complains where adapters are listed, as on a server.
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("1 passed"), "{stdout}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn losing_a_device_writes_nothing_to_the_terminal() {
    let written = stderr_of("lost::in_a_process_of_its_own_devices_are_lost");
    assert_eq!(written, "");
}

#[test]
fn a_panic_of_the_programs_own_is_still_written_to_the_terminal() {
    let written = stderr_of("lost::in_a_process_of_its_own_the_program_panics");
    assert!(written.contains("the program's own panic"), "{written}");
    assert!(!written.contains("XDG_RUNTIME_DIR"), "{written}");
    // Every line of the other thread's, whole and in order.
    let lines = written
        .lines()
        .filter(|line| line.contains("of another thread"));
    let lines: Vec<&str> = lines.collect();
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("line {i} of another thread"));
    }
    let all = format!("{} lines in all", lines.len());
    assert!(lines.len() >= 100 && written.ends_with(&(all + "\n")));
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn in_a_process_of_its_own_devices_are_lost() {
    lose_in_mid_epoch(|| open(GpuOptions::default()), 3);
    lose_in_mid_epoch(noop, ROUNDS);
    lose_between_tensor_calls(noop, ROUNDS);
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn in_a_process_of_its_own_the_program_panics() {
    lose_in_mid_epoch(noop, 1);
    let thread = std::thread::spawn(|| panic!("the program's own panic"));
    thread.join().unwrap_err();
    // While adapters are listed, what other threads write is passed on.
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut line = 0;
            while line < 100 || !done.load(std::sync::atomic::Ordering::Relaxed) {
                eprintln!("line {line} of another thread");
                line += 1;
                std::thread::sleep(Duration::from_micros(50));
            }
            eprintln!("{line} lines in all");
        });
        (0..3).for_each(|_| drop(Device::adapters()));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
