//! The Neocognitron (Fukushima 1980): a hierarchy of feature detectors that organises itself, without labels.
//!
//! It alternates layers of two kinds of cells, after the simple and complex cells of the visual cortex. All S-cells of
//! a plane look for the same feature w, each in its own patch p of the layer below; C-cells blur a plane and take
//! every other place of it:
//!
//! ```text
//! S    s = max(0, (w·p/‖p‖ − θ)/(1 − θ))       ‖w‖ = 1: how well the patch fits, whatever its contrast
//! C    c = mean of s over a window              so that a feature may lie a little elsewhere
//! ```
//!
//! (‖p‖ is the inhibitory cell beside the S-cells. Fukushima's formula tends to such a ratio for strong inputs.)
//!
//! S-layers learn one after the other, by competition: of the cells that see a patch, the one that fits best wins, and
//! alone learns. Hebb's rule moves its weights towards the patch, w ← w + η(p − w), and their length is restored. So
//! each plane comes to stand for one kind of patch: strokes in the first layer, and bends, crossings and ends of
//! strokes in the second. A linear readout of the last C-layer is all that learns the labels.
//!
//! The title of the paper promises "pattern recognition unaffected by shift in position". So the chart shows the
//! accuracy on shifted test digits, which neither readout has seen: that of a readout of pixels falls far earlier.

mod common;

use clap::Parser;
use common::{Chart, DigitArgs, Picture, Random, Result, SIDE, Shade, Tile, digits_from, samples};
use wgrad::{
    Activation, Adam, Convolution, Dataset, Device, Graph, Init, Layout, Network, Pool, Schedule,
    Sequential, Tensor, Trainer, Value,
};

/// An S-layer and the C-layer above it.
#[derive(Clone, Copy)]
struct Stage {
    /// Side and channels of the layer below.
    side: usize,
    channels: usize,
    /// Planes of S-cells, the side of their patches, and their threshold θ.
    planes: usize,
    patch: usize,
    threshold: f32,
    /// Side of the windows of C-cells; they are two places apart.
    window: usize,
}

const FIRST: Stage = Stage {
    side: SIDE,
    channels: 1,
    planes: 16,
    patch: 5,
    threshold: 0.5,
    window: 4,
};

/// The second S-layer sees 12×12 pixels: three C-cells in a row, each of 8 pixels, two apart.
const SEEN: usize = 12;

const RATE: f32 = 0.05;
const BATCH: usize = 100;
/// Squared length below which a patch counts as blank; also added to ‖p‖², so that faint patches count less.
const BLANK: f32 = 1.0;
const SHIFTS: usize = 5;

impl Stage {
    fn s_side(self) -> usize {
        self.side - self.patch + 1
    }

    fn c_side(self) -> usize {
        (self.s_side() - self.window) / 2 + 1
    }

    /// The stage above, with other planes.
    fn next(self, planes: usize) -> Self {
        Stage {
            side: self.c_side(),
            channels: self.planes,
            planes,
            patch: 3,
            threshold: 0.6,
            window: 3,
        }
    }

    /// S-cells and C-cells [batch, side, side, planes] with these weights.
    fn build(self, weights: &[f32], device: &Device) -> wgrad::Result<[Network; 2]> {
        let network = |with_c: bool| {
            let mut graph = Graph::new();
            let x = graph.input([self.side, self.side, self.channels])?;
            let mut y = self.s_cells(&mut graph, x)?;
            if with_c {
                y = graph.average_pool(y, Pool::new(self.window).stride(2))?;
            }
            let mut network = graph.build(y, device, 1)?;
            network.set_parameter("layers.0.weight", weights)?;
            Ok(network)
        };
        Ok([network(false)?, network(true)?])
    }

    fn s_cells(self, graph: &mut Graph, x: Value) -> wgrad::Result<Value> {
        let kernel = |outputs| Convolution::new(outputs, self.patch).without_bias();
        let fit = graph.convolution(x, kernel(self.planes), Init::Zeros)?;
        // ‖p‖ of every patch, [batch, side, side, 1].
        let squares = graph.mul(x, x)?;
        let length = graph.convolution(squares, kernel(1), Init::Constant(1.0))?;
        let blank = graph.vector("blank", 1, Init::Constant(BLANK))?;
        let length = graph.bias_add(length, blank)?;
        let length = graph.sqrt(length)?;
        let fit = graph.div(fit, length)?;
        let threshold = Init::Constant(-self.threshold);
        let threshold = graph.vector("threshold", self.planes, threshold)?;
        let above = graph.bias_add(fit, threshold)?;
        let s = graph.activation(above, Activation::Relu)?;
        graph.scale(s, 1.0 / (1.0 - self.threshold))
    }

    /// Patches at random places of random images that are not blank, of length 1, and those places: image, row, column.
    fn patches(self, images: &[f32], count: usize, random: &mut Random) -> Patches {
        let size = self.side * self.side * self.channels;
        let mut patches = Patches::default();
        while patches.places.len() < count {
            let mut below = |n: usize| ((random.unit() * n as f32) as usize).min(n - 1);
            let image = below(images.len() / size);
            let (row, column) = (below(self.s_side()), below(self.s_side()));
            let lines = (row..row + self.patch).flat_map(|row| {
                let start = image * size + (row * self.side + column) * self.channels;
                &images[start..start + self.patch * self.channels]
            });
            let mut patch: Vec<f32> = lines.copied().collect();
            if normalise(&mut patch) >= BLANK {
                patches.values.extend(patch);
                patches.places.push([image, row, column]);
            }
        }
        patches
    }

    /// Learns weights [planes, patch·patch·channels] from patches, by competition.
    fn learn(self, patches: &Patches, device: &Device) -> Result<Vec<f32>> {
        let features = self.patch * self.patch * self.channels;
        // Cells start with a patch each, so that each wins some.
        let mut w = patches.values[..self.planes * features].to_vec();
        for batch in patches.values.chunks_exact(BATCH * features) {
            let x = Tensor::new(device, [BATCH, features], batch)?;
            let winners = self.winners(&x, &w, device)?;
            let mut won = vec![0.0; BATCH * self.planes];
            let mut wins = vec![0; self.planes];
            for (row, &winner) in winners.iter().enumerate() {
                won[row * self.planes + winner as usize] = 1.0;
                wins[winner as usize] += 1;
            }
            // Hebb's rule: the sum over the patches of the cell's output, 1 if it won, times the patch.
            let won = Tensor::new(device, [BATCH, self.planes], &won)?;
            let sums = won.matmul(&x, Layout::TN)?.download()?;
            let rows = w
                .chunks_exact_mut(features)
                .zip(sums.chunks_exact(features));
            for ((w, sums), &wins) in rows.zip(&wins).filter(|(_, wins)| **wins > 0) {
                // As many moves by η as patches.
                let part = 1.0 - (1.0 - RATE).powi(wins);
                for (w, sum) in w.iter_mut().zip(sums) {
                    *w += part * (sum / wins as f32 - *w);
                }
                normalise(w);
            }
        }
        Ok(w)
    }

    /// The plane whose weights fit each patch best.
    fn winners(self, x: &Tensor, w: &[f32], device: &Device) -> Result<Vec<u32>> {
        let w = Tensor::new(device, [self.planes, w.len() / self.planes], w)?;
        Ok(x.matmul(&w, Layout::NT)?.argmax()?)
    }
}

/// Patches one after the other, and where they lie.
#[derive(Default)]
struct Patches {
    values: Vec<f32>,
    places: Vec<[usize; 3]>,
}

/// Makes the length 1; returns the square of the length before.
fn normalise(values: &mut [f32]) -> f32 {
    let square: f32 = values.iter().map(|value| value * value).sum();
    if square > 0.0 {
        values.iter_mut().for_each(|value| *value /= square.sqrt());
    }
    square
}

fn main() -> Result {
    let args = DigitArgs::parse();
    let device = args.common.device()?;
    let (train, test, planes, patches, epochs) = if args.full {
        (usize::MAX, usize::MAX, 96, 40_000, 10)
    } else {
        (1500, 500, 32, 6000, 12)
    };
    let shape = [SIDE, SIDE, 1];
    let (train, test) = digits_from(args.data.as_deref(), shape, train, test)?;
    let x = samples(&train, train.len())?;
    let mut random = Random::new(14);

    // The second S-layer learns from the C-layer of the first, whose learning has ended.
    let of_first = FIRST.patches(&x, patches, &mut random);
    let w1 = FIRST.learn(&of_first, &device)?;
    let [s1, c1] = FIRST.build(&w1, &device)?;
    let second = FIRST.next(planes);
    let below = c1.predict(&x)?;
    let of_second = second.patches(&below, patches, &mut random);
    let w2 = second.learn(&of_second, &device)?;
    let [_, c2] = second.build(&w2, &device)?;

    let seen = c2.predict(&below)?;
    let readout = read_out(&seen, &train, epochs, &device)?;
    let of_pixels = read_out(&x, &train, epochs, &device)?;

    let x_test = samples(&test, test.len())?;
    let mut chart = Chart::new(
        "Readouts trained on centred digits",
        "shift in pixels",
        "test accuracy",
    );
    let mut accuracies = [Vec::new(), Vec::new()];
    for pixels in 0..SHIFTS {
        let shifted = shift(&x_test, pixels);
        let seen = c2.predict(&c1.predict(&shifted)?)?;
        accuracies[0].push(accuracy(&readout.classify(&seen)?, test.labels()));
        accuracies[1].push(accuracy(&of_pixels.classify(&shifted)?, test.labels()));
    }
    for (name, accuracies) in ["Neocognitron", "pixels"].iter().zip(&accuracies) {
        println!("{name}: accuracy by shift {accuracies:.3?}");
        chart.curve(
            name,
            accuracies.iter().enumerate().map(|(i, &y)| (i as f64, y)),
        );
    }
    chart.save(&args.common, "14_shifts")?;

    let tensor = Tensor::new(&device, [patches, w2.len() / planes], &of_second.values)?;
    let winners = second.winners(&tensor, &w2, &device)?;
    let means = second_features(&x, &of_second.places, &winners, planes);
    let digit = &x_test[..SIDE * SIDE];
    let maps = [s1.predict(digit)?, c1.predict(digit)?];
    draw(digit, &w1, &maps, &means).save(&args.common, "14_features")?;
    println!(
        "neocognitron={:.4} pixels={:.4} neocognitron_shifted={:.4} pixels_shifted={:.4}",
        accuracies[0][0], accuracies[1][0], accuracies[0][2], accuracies[1][2]
    );
    Ok(())
}

/// The standard deviation of all values.
fn deviation(x: &[f32]) -> f32 {
    let mean_of =
        |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(x.into())).sum::<f64>() / x.len() as f64;
    let mean = mean_of(&|x| x);
    mean_of(&|x| (x - mean).powi(2)).sqrt() as f32
}

/// A linear classifier of these features for the labels of a data set.
fn read_out(x: &[f32], labels: &Dataset, epochs: u32, device: &Device) -> Result<Network> {
    const BATCH: usize = 50;
    // It learns from features of deviation 1.
    let scale = 1.0 / deviation(x);
    let features = x.len() / labels.len();
    let (classes, labels) = (labels.classes(), labels.labels().to_vec());
    let data = Dataset::from_floats(features, x.to_vec(), labels, classes)?.scaled(scale, 0.0)?;
    let network = Sequential::new(features).dense(classes);
    let steps = u64::from(epochs) * data.len().div_ceil(BATCH) as u64;
    let mut trainer = Trainer::builder(network.build(device, 1)?)
        .optimizer(Adam::new(3e-3))
        .schedule(Schedule::Cosine { steps, floor: 0.0 })
        .batch_size(BATCH)
        .build()?;
    trainer.fit(&data, epochs)?;
    // The scale goes into the weights.
    let mut network = trainer.into_network();
    let name = "layers.0.weight";
    let weights = network.parameter(name)?;
    let weights: Vec<f32> = weights.iter().map(|w| w * scale).collect();
    network.set_parameter(name, &weights)?;
    Ok(network)
}

/// Digits moved to the right; their margin is blank.
fn shift(x: &[f32], pixels: usize) -> Vec<f32> {
    let rows = x.chunks_exact(SIDE);
    let shifted = rows.flat_map(|row| {
        let blank = std::iter::repeat_n(0.0, pixels);
        blank.chain(row[..SIDE - pixels].iter().copied())
    });
    shifted.collect()
}

fn accuracy(classes: &[u32], labels: &[u32]) -> f64 {
    let right = classes.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / labels.len() as f64
}

/// What each plane of the second layer stands for: the mean of the pixels that it saw when it won.
fn second_features(
    x: &[f32],
    places: &[[usize; 3]],
    winners: &[u32],
    planes: usize,
) -> Vec<Vec<f32>> {
    let mut means = vec![vec![0.0; SEEN * SEEN]; planes];
    let mut wins = vec![0.0; planes];
    for ([image, row, column], &winner) in places.iter().zip(winners) {
        let winner = winner as usize;
        wins[winner] += 1.0;
        for (i, line) in means[winner].chunks_exact_mut(SEEN).enumerate() {
            let start = (image * SIDE + 2 * row + i) * SIDE + 2 * column;
            for (mean, pixel) in line.iter_mut().zip(&x[start..]) {
                *mean += pixel;
            }
        }
    }
    for (mean, &wins) in means.iter_mut().zip(&wins) {
        mean.iter_mut().for_each(|sum| *sum /= f32::max(wins, 1.0));
    }
    means
}

/// The features of both layers, and the planes of the first for a digit.
fn draw(digit: &[f32], w1: &[f32], [s, c]: &[Vec<f32>; 2], means: &[Vec<f32>]) -> Picture {
    const SIZE: f64 = 75.0;
    let planes = |image: &[f32], side| -> Vec<Tile> {
        let plane = |i| Tile::channel(image, side, FIRST.planes, i);
        (0..FIRST.planes).map(plane).collect()
    };
    let mut picture = Picture::new("What the Neocognitron has found by itself");
    let features = w1.chunks_exact(FIRST.patch * FIRST.patch);
    picture.row(
        "First S-layer: 16 features of 5×5 pixels",
        Shade::Positive,
        SIZE,
        features
            .map(|w| Tile::new(FIRST.patch, w.to_vec()))
            .collect(),
    );
    let tile = Tile::new(SIDE, digit.to_vec());
    picture.row("A digit", Shade::Positive, SIZE, vec![tile]);
    picture.row(
        "Its S-cells: where each feature is",
        Shade::Positive,
        SIZE,
        planes(s, FIRST.s_side()),
    );
    picture.row(
        "Its C-cells: the same, blurred, at every other place",
        Shade::Positive,
        SIZE,
        planes(c, FIRST.c_side()),
    );
    picture.row(
        "Second S-layer: mean of the 12×12 pixels that each feature won",
        Shade::Positive,
        SIZE,
        means
            .iter()
            .take(16)
            .map(|mean| Tile::new(SEEN, mean.clone()))
            .collect(),
    );
    picture
}
