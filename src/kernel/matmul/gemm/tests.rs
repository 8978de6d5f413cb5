//! Tiles of either height give the same bits.

use super::{
    Block, BroadcastOperand, Job, MAX_ROWS, MR, NR, PackedPanels, Task, WIDE_MR, group, k_block,
    pieces,
};

/// C of a job, computed in tiles of `ROWS` rows, or 0 for those of two panels. Without vector instructions, so that every
/// CPU can run it.
fn product<const ROWS: usize>(
    job: &Job<'_, f32, impl Fn(usize, usize, &mut [f32]) + Sync>,
) -> Vec<u32> {
    let ld = job.columns.next_multiple_of(4);
    let mut c = vec![f32::NAN; job.rows * ld];
    let (mut panels, mut micropanels, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    let task = Task {
        job,
        block: &mut Block::new(0, job.columns, &mut c, ld),
        panels: &mut panels,
        micropanels: &mut micropanels,
        sums: &mut sums,
    };
    if ROWS == 0 {
        task.wide_tiles::<true>();
    } else {
        task.tiles::<true, ROWS>();
    }
    c.into_iter().map(f32::to_bits).collect()
}

#[test]
fn tiles_of_either_height_give_the_same_bits() {
    assert_eq!((MR, WIDE_MR, NR), (6, 12, 16));
    let value = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 504.5 - 1.0;
    for (m, n, k) in [
        (1, 1, 1),
        (5, 17, 3),
        (7, 16, 16),
        (11, 31, 33),
        (12, 16, 40),
        (13, 33, 1),
        (30, 50, 1100),
        (25, 5, 2600),
        (40, 530, 600),
        (110, 20, 300),
    ] {
        let a: Vec<f32> = (0..m * k).map(value).collect();
        let b: Vec<f32> = (0..n * k).map(|i| value(i + 77)).collect();
        let finish = |_: usize, _: usize, _: &mut [f32]| {};
        let broadcasts = [
            BroadcastOperand::rows(&a, k),
            BroadcastOperand::columns(&a, m),
        ];
        for (broadcast, (transposed, in_place)) in broadcasts.into_iter().flat_map(|broadcast| {
            [(false, false), (false, true), (true, false)].map(|rest| (broadcast, rest))
        }) {
            let (rows, columns) = if transposed { (n, m) } else { (m, n) };
            // Longer blocks are cut before they come to a task.
            if rows > MAX_ROWS {
                continue;
            }
            let mut copies = Vec::new();
            let mut job = Job {
                k,
                k_block: k_block(k),
                group: group(k),
                rows,
                columns,
                broadcast,
                copies: None,
                panels: PackedPanels::columns(&b, n, in_place),
                transposed,
                finish: &finish,
            };
            let narrow = product::<MR>(&job);
            let name = format!("{m}x{n}x{k} transposed={transposed}");
            assert_eq!(narrow, product::<WIDE_MR>(&job), "{name}");
            if !in_place {
                assert_eq!(narrow, product::<0>(&job), "{name}, pairs of panels");
                if matches!(broadcast, BroadcastOperand::Rows { .. }) {
                    broadcast.copy(m, k, &mut copies);
                    job.copies = Some(&copies);
                    assert_eq!(narrow, product::<0>(&job), "{name}, rows copied");
                }
            }
            let ld = columns.next_multiple_of(4);
            for row in pieces(0..narrow.len(), ld) {
                let values = narrow[row].iter().map(|&bits| f32::from_bits(bits));
                assert!(values.into_iter().all(f32::is_finite), "{m}x{n}x{k}");
            }
        }
    }
}
