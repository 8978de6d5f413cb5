//! PReLU with a slope for each column and with one for all, and its gradients.

use crate::common::data::Random;
use crate::common::precision::ulps;
use crate::{check, element_shapes};
use wgrad::{Device, Tensor};

#[test]
fn prelus_and_their_gradients() {
    for shape @ [rows, cols] in element_shapes() {
        let count = rows * cols;
        let mut random = Random::new((rows * 71 + cols) as u64);
        let (mut x, dy) = (random.normals(count), random.normals(count));
        // Where the branches meet, a counts.
        x.iter_mut().step_by(7).for_each(|x| *x = 0.0);
        for slopes in [cols, 1] {
            // Slopes of both signs: a slope may become negative by learning.
            let a = random.normals(slopes);
            let slope = |i: usize| f64::from(a[i % cols % slopes]);
            let is_above = |i: usize| x[i] > 0.0;
            let each = |f: &dyn Fn(usize) -> f64| (0..count).map(f).collect::<Vec<f64>>();
            let tensors = |d: &Device| {
                Ok::<_, wgrad::Error>([
                    Tensor::new(d, shape, &x)?,
                    Tensor::new(d, shape, &dy)?,
                    Tensor::new(d, [1, slopes], &a)?,
                ])
            };
            let name = format!("prelu {shape:?}, {slopes} slopes");
            let factor = |i: usize| if is_above(i) { 1.0 } else { slope(i) };
            // One product, correctly rounded.
            let y = each(&|i| factor(i) * f64::from(x[i]));
            check(
                &name,
                &y,
                |_| ulps(1.0),
                |d| {
                    let [x, _, a] = tensors(d)?;
                    x.prelu(&a)
                },
            );
            let dx = each(&|i| factor(i) * f64::from(dy[i]));
            check(
                &format!("{name}, dx"),
                &dx,
                |_| ulps(1.0),
                |d| {
                    let [x, dy, a] = tensors(d)?;
                    dy.prelu_backward(&x, &a)
                },
            );
            let terms = each(&|i| f64::from(dy[i]) * f64::from(x[i].min(0.0)));
            check(
                &format!("{name}, da"),
                &terms,
                |_| ulps(1.0),
                |d| {
                    let [x, dy, _] = tensors(d)?;
                    dy.prelu_slope(&x)
                },
            );
        }
    }
}
