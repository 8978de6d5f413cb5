//! Refused sums, averages and copies, whose result would not be finite: nothing changes, and the tensor reports the
//! error.

use crate::common::devices::{gpu, gpu_checked, gpu_without_extras, reducing_devices};
use crate::common::refused::{assert_refused, bits, is_cpu, named};
use wgrad::{Device, Error, Result, Tensor};

const COLS: usize = 133;
/// The first of a row, one in the middle, the last.
const PLACES: [usize; 3] = [0, 70, COLS - 1];

fn devices() -> Vec<&'static Device> {
    let mut devices = reducing_devices().to_vec();
    devices.extend([gpu_checked(), gpu_without_extras()]);
    devices
}

/// Three rows of one number, but for one value in the second.
fn tensor(device: &Device, other: f32, place: usize, value: f32) -> Tensor {
    let mut values = vec![other; 3 * COLS];
    values[COLS + place] = value;
    Tensor::new(device, [3, COLS], &values).unwrap()
}

fn read(tensor: &Tensor) -> Vec<f32> {
    tensor.download().unwrap()
}

#[test]
fn sums_averages_and_copies_that_are_not_finite_change_nothing() {
    type Call = fn(&mut Tensor, &Tensor) -> Result<()>;
    let add: Call = |a, b| a.accumulate(b, 1.0);
    let triple: Call = |a, b| a.accumulate(b, 3.0);
    let average: Call = |a, b| a.average(b, 0.25);
    let copy: Call = |a, b| a.copy_from(b);
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for device in devices() {
        for (number, (name, call, old, x)) in [
            ("the sum of accumulate", add, 3e38, 3e38),
            ("the sum of accumulate", add, -f32::MAX, -1e38),
            ("the sum of accumulate", triple, 0.0, 3e38),
            ("the sum of accumulate", add, nan, 1.0),
            ("the sum of accumulate", add, 1.0, nan),
            ("the moving average of average", average, 1.0, inf),
            ("the moving average of average", average, nan, 1.0),
            ("the moving average of average", average, 1.0, nan),
            ("the values of copy_from", copy, 1.0, nan),
            ("the values of copy_from", copy, 1.0, -inf),
        ]
        .into_iter()
        .enumerate()
        {
            let place = PLACES[number % PLACES.len()];
            let mut a = tensor(device, 0.5, place, old);
            let (before, x) = (bits(&read(&a)), tensor(device, 0.25, place, x));
            let refused = call(&mut a, &x);
            let named = format!("{name}, row 1, column {place}");
            let reading = || a.download().map(drop);
            assert_refused(name, device, refused, &[&reading], &named);
            assert_eq!(bits(&read(&a)), before, "{name} {old}");
            // It is fit to go on.
            a.copy_from(&tensor(device, 1.0, place, 2.0)).unwrap();
            a.accumulate(&tensor(device, 1.0, place, 2.0), 0.5).unwrap();
            let found = read(&a);
            assert_eq!((found[COLS + place], found[5]), (3.0, 1.5), "{name}");
        }
    }
}

#[test]
fn what_is_finite_is_done_whatever_its_size() {
    for device in devices() {
        for place in PLACES {
            let mut a = tensor(device, 0.5, place, 3e38);
            a.average(&tensor(device, 0.5, place, -3e38), 0.5).unwrap();
            assert_eq!(read(&a)[COLS + place], 0.0);
            let mut a = tensor(device, 0.5, place, 0.0);
            let most = tensor(device, 0.5, place, f32::MAX);
            a.accumulate(&most, 1.0).unwrap();
            a.average(&most, 0.5).unwrap();
            assert_eq!(read(&a)[COLS + place], f32::MAX);
            let least = tensor(device, 0.5, place, -1e-45);
            a.copy_from(&least).unwrap();
            assert_eq!(bits(&read(&a)), bits(&read(&least)));
        }
        // A tensor of no values, too.
        let mut empty = Tensor::zeros(device, [0, 5]).unwrap();
        empty
            .copy_from(&Tensor::zeros(device, [0, 5]).unwrap())
            .unwrap();
        assert!(read(&empty).is_empty());
    }
}

#[test]
fn running_statistics_that_are_not_finite_do_not_take_the_place_of_others() {
    for device in devices() {
        let cols = 5;
        let ones = Tensor::filled(device, [1, cols], 1.0).unwrap();
        let mut start = vec![0.5; cols];
        start.extend(vec![2.0; cols]);
        for (bad, what) in [(f32::MIN, "row 1, column 4"), (f32::NAN, "row 0, column 4")] {
            let mut running = Tensor::new(device, [2, cols], &start).unwrap();
            let mut values: Vec<f32> = (0..4 * cols).map(|i| i as f32).collect();
            let batch = Tensor::new(device, [4, cols], &values).unwrap();
            values[2 * cols + 4] = bad;
            let spoilt = Tensor::new(device, [4, cols], &values).unwrap();
            let norm = |x: &Tensor, running: &Tensor| {
                x.batch_norm(&ones, &ones, running, 1e-5, 0.1).unwrap()
            };
            let output = norm(&spoilt, &running);
            // In a tensor of its own it is what the formula gives.
            let place = if bad.is_nan() { 4 } else { cols + 4 };
            assert!(!read(&output.running)[place].is_finite());
            let refused = running.copy_from(&output.running);
            let reading = || running.download().map(drop);
            assert_refused("copy_from", device, refused, &[&reading], what);
            assert_eq!(read(&running), start);
            let output = norm(&batch, &running);
            running.copy_from(&output.running).unwrap();
            assert_eq!(read(&running), read(&output.running));
        }
    }
}

#[test]
fn only_the_tensor_itself_reports_it_and_only_once() {
    for device in devices() {
        if is_cpu(device) {
            continue;
        }
        let bad = tensor(device, 1.0, 7, f32::NAN);
        let other = tensor(device, 0.25, 7, 0.5);
        let mut a = tensor(device, 0.5, 7, 3e38);
        a.accumulate(&tensor(device, 0.5, 7, 3e38), 1.0).unwrap();
        a.average(&bad, 0.5).unwrap();
        a.copy_from(&bad).unwrap();
        // It goes on from the old values: the error stays.
        a.accumulate(&other, 2.0).unwrap();
        // Neither its operands nor what is made of it, nor anything on another thread, has to do with it.
        let copy = a.copy().unwrap();
        let product = a.mul(&other).unwrap();
        let operands = [&bad, &other, &copy, &product];
        std::thread::scope(|scope| {
            let there = scope.spawn(|| {
                let own = tensor(device, 2.0, 3, 4.0);
                let read = |tensor: &Tensor| tensor.download().map(|values| values[3]);
                let all = operands.into_iter().chain([&own]);
                all.map(read).collect::<Result<Vec<_>>>()
            });
            assert_eq!(
                there.join().unwrap().unwrap(),
                [1.0, 0.25, 1.0, 0.5 * 0.5, 2.0]
            );
        });
        for operand in operands {
            operand.download().unwrap();
        }
        assert_eq!(read(&copy)[0], 1.0);
        // Of several threads that read it, one has the error, which is that of the first refused call.
        let found: Vec<Result<Vec<f32>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| a.download())).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let (good, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
        assert_eq!((good.len(), refused.len()), (2, 1));
        for refused in refused {
            let found = named("accumulate", refused.map(drop));
            assert!(
                found.contains("the sum of accumulate, row 1, column 7"),
                "{found}"
            );
        }
        for good in good {
            let good = good.unwrap();
            assert_eq!((good[COLS + 7], good[0]), (3e38, 1.0));
        }
    }
}

#[test]
fn whatever_reads_numbers_of_the_tensor_reports_it() {
    type Reading = fn(&Tensor) -> Result<()>;
    let readings: [(&str, Reading); 6] = [
        ("download", |a| a.download().map(drop)),
        ("sum", |a| a.sum().map(drop)),
        ("norm", |a| a.norm().map(drop)),
        ("argmax", |a| a.argmax().map(drop)),
        ("statistics", |a| a.statistics().map(drop)),
        ("change_statistics", |a| {
            a.change_statistics(&a.copy()?).map(drop)
        }),
    ];
    for device in [gpu(), gpu_without_extras()] {
        let bad = tensor(device, 1.0, 0, f32::INFINITY);
        let mut a = tensor(device, 0.5, 0, 1.0);
        for (name, reading) in readings {
            for round in 0..2 {
                a.copy_from(&bad).unwrap();
                let found = named(name, reading(&a));
                assert!(found.contains("the values of copy_from"), "{found}");
                reading(&a).unwrap_or_else(|error| panic!("{name}, round {round}: {error}"));
            }
        }
        // A future that is dropped has reported nothing.
        a.copy_from(&bad).unwrap();
        drop(a.download_async());
        assert!(matches!(a.download(), Err(Error::NonFinite { .. })));
        assert_eq!(read(&a)[0], 0.5);
    }
}
