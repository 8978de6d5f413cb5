//! Memory of long training runs: it does not grow with the number of steps, for any width of the network.
//!
//! Mesa's lavapipe recompiles a shader at every bind, and keeps the result, if a small uniform bounds one of its loops:
//! about 1 MB per step.

use super::common::data::clusters;
use super::common::devices::open;
use wgrad::{Adam, GpuOptions, Sequential, Trainer};

/// Set for the process that measures itself: other tests would allocate meanwhile.
const ALONE: &str = "WGRAD_TEST_MEMORY";
const NAME: &str = "memory::small_networks_leave_memory_flat";

/// Steps of each network before and after its memory is first looked at.
const WARM: usize = 8;
const STEPS: usize = 104;

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = statm.split(' ').nth(1).unwrap();
    pages.parse::<usize>().unwrap() * 4096
}

/// Trains networks of widths 1 to 17, and some of reported shapes, 2,080 steps in all. A leak on every step would show
/// as 100 MB for each network, and more than 1 GB in all.
fn train_small_networks() {
    let device = open(GpuOptions::default());
    let widths = (1..=17).map(|width| vec![width, width, 2]);
    let reported = [vec![1, 8, 2], vec![2, 8, 2], vec![30, 8, 8, 2]];
    for widths in widths.chain(reported) {
        let mut layers = Sequential::new(widths[0]);
        for &width in &widths[1..widths.len() - 1] {
            layers = layers.dense(width).relu();
        }
        let network = layers.dense(2).build(&device, 1).unwrap();
        let trainer = Trainer::builder(network).optimizer(Adam::new(0.01));
        let mut trainer = trainer.batch_size(16).build().unwrap();
        let data = clusters(3, 16 * WARM, widths[0], 2);
        trainer.epoch(&data).unwrap();
        let before = resident();
        for _ in 0..STEPS / WARM {
            assert_eq!(trainer.epoch(&data).unwrap().steps, WARM as u64);
        }
        let grown = resident().saturating_sub(before);
        assert!(
            grown < 8 << 20,
            "{widths:?}: {grown} bytes more after {STEPS} steps"
        );
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc")]
fn small_networks_leave_memory_flat() {
    if std::env::var_os(ALONE).is_some() {
        return train_small_networks();
    }
    let program = std::env::current_exe().unwrap();
    let mut alone = std::process::Command::new(program);
    let alone = alone.args(["--exact", NAME]).env(ALONE, "1");
    let output = alone.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}
