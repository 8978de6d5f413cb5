//! A generative adversarial network (Goodfellow et al. 2014): two networks trained against each other.
//!
//! The generator G maps noise to samples. The discriminator D maps a sample to the logit of the probability that it is
//! real. They take steps in turn, with σ the sigmoid:
//!
//! ```text
//! D minimises:  −log σ(D(x)) − log(1 − σ(D(G(noise))))      targets: real 1, fake 0
//! G minimises:  −log σ(D(G(noise)))                         target of fakes: 1
//! ```
//!
//! All of it is one graph. The weights of the discriminator are named parameters that two branches share, and three
//! losses are at the ends of the branches. Two phases alternate: the first trains the parameters named
//! `discriminator.`, the second those named `generator.`, whose gradient flows through the discriminator.
//!
//! The data are four clouds in the plane. The chart shows that the generator places its points where the clouds are,
//! although it never sees a real point, only the gradients of the discriminator.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{
    Activation, Adam, Dataset, Graph, Init, Layout, Loss, LossTarget, Phase, Trainer, Value,
};

const NOISE: usize = 4;
const UNITS: usize = 64;
const CENTRES: [[f32; 2]; 4] = [[-1., -1.], [-1., 1.], [1., -1.], [1., 1.]];
const DEVIATION: f32 = 0.2;
const SAMPLES: usize = 1024;
const STEPS: u64 = 3000;

/// The parameters of one of the two players: weights and bias of each layer.
struct Player(Vec<(Value, Value)>);

impl Player {
    fn new(graph: &mut Graph, name: &str, sizes: &[usize]) -> wgrad::Result<Self> {
        let mut layers = Vec::new();
        for (i, size) in sizes.windows(2).enumerate() {
            let weight = format!("{name}.{i}.weight");
            let weight = graph.parameter(&weight, [size[1], size[0]], Init::KaimingUniform)?;
            let bias = graph.vector(&format!("{name}.{i}.bias"), size[1], Init::Zeros)?;
            layers.push((weight, bias));
        }
        Ok(Player(layers))
    }

    /// Its output for x. A graph may contain it any number of times.
    fn of(&self, graph: &mut Graph, mut x: Value) -> wgrad::Result<Value> {
        for (i, &(weight, bias)) in self.0.iter().enumerate() {
            if i > 0 {
                x = graph.activation(x, Activation::LeakyRelu { slope: 0.2 })?;
            }
            let z = graph.matmul(x, weight, Layout::NT)?;
            x = graph.bias_add(z, bias)?;
        }
        Ok(x)
    }
}

fn main() -> Result {
    let (args, device) = Args::open()?;
    let mut graph = Graph::new();
    let real = graph.input(2)?;
    let noise = graph.random_normal(NOISE, 0.0, 1.0)?;
    let generator = Player::new(&mut graph, "generator", &[NOISE, UNITS, UNITS, 2])?;
    let discriminator = Player::new(&mut graph, "discriminator", &[2, UNITS, UNITS, 1])?;
    let fake = generator.of(&mut graph, noise)?;
    let on_real = discriminator.of(&mut graph, real)?;
    let on_fake = discriminator.of(&mut graph, fake)?;
    let loss = Loss::binary_cross_entropy_with_logits;
    graph.loss("real", &[on_real], LossTarget::Constant(1.0), loss())?;
    graph.loss("fake", &[on_fake], LossTarget::Constant(0.0), loss())?;
    graph.loss("fooled", &[on_fake], LossTarget::Constant(1.0), loss())?;

    let adam = Adam::new(1e-3).betas(0.5, 0.999);
    let detect = Phase::new(adam)
        .loss("real")
        .loss("fake")
        .train("discriminator.");
    let fool = Phase::new(adam).loss("fooled").train("generator.");
    let mut trainer = Trainer::builder(graph.build(fake, &device, 1)?)
        .phase(detect)
        .phase(fool)
        .batch_size(128)
        .build()?;

    let real = clouds();
    let data = Dataset::unlabelled(2, real.clone())?;
    let before = trainer.predict(&real)?;
    for part in 1..=5 {
        trainer.steps(&data, STEPS / 5)?;
        let fake = trainer.predict(&real)?;
        println!("step {:>4}: {}", part * STEPS / 5, Likeness::of(&fake));
    }
    // The output of the network is the generator's samples, one for each input row, whatever its values.
    let fake = trainer.predict(&real)?;

    let mut chart = Chart::new("Real and generated points", "x₁", "x₂");
    let points = |values: &[f32]| -> Vec<(f64, f64)> {
        values
            .chunks_exact(2)
            .map(|p| (p[0].into(), p[1].into()))
            .collect()
    };
    chart.cloud("before training", points(&before));
    chart.cloud("real", points(&real));
    chart.cloud("generated", points(&fake));
    chart.save(&args, "12_generative_adversarial")?;
    println!("of the real points: {}", Likeness::of(&real));
    println!("{}", Likeness::of(&fake));
    Ok(())
}

/// Points around four centres.
fn clouds() -> Vec<f32> {
    let mut random = Random::new(12);
    let point = |i: usize| CENTRES[i % 4].map(|centre| centre + DEVIATION * random.normal());
    (0..SAMPLES).flat_map(point).collect()
}

/// How points are spread.
struct Likeness {
    mean: [f64; 2],
    std: [f64; 2],
    /// Share of the points within four standard deviations of their nearest centre.
    close: f64,
    /// Share of the points that are nearest to the centre with the fewest.
    least: f64,
}

impl Likeness {
    fn of(points: &[f32]) -> Self {
        let count = points.len() as f64 / 2.0;
        let mean_of =
            |f: &dyn Fn(&[f32]) -> f64| points.chunks_exact(2).map(f).sum::<f64>() / count;
        let mean = [0, 1].map(|i| mean_of(&|p| p[i].into()));
        let std = [0, 1].map(|i| mean_of(&|p| (f64::from(p[i]) - mean[i]).powi(2)).sqrt());
        // One cloud in each quadrant.
        let distance = |p: &[f32]| (p[0].abs() - 1.0).hypot(p[1].abs() - 1.0);
        let close = mean_of(&|p| f64::from(u8::from(distance(p) <= 4.0 * DEVIATION)));
        let share = |centre: &[f32; 2]| {
            let in_quadrant = |p: &[f32]| p[0] * centre[0] > 0.0 && p[1] * centre[1] > 0.0;
            mean_of(&|p| f64::from(u8::from(in_quadrant(p))))
        };
        let least = CENTRES.iter().map(share).fold(1.0, f64::min);
        Likeness {
            mean,
            std,
            close,
            least,
        }
    }
}

impl std::fmt::Display for Likeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "mean_1={:.2} mean_2={:.2} deviation_1={:.2} deviation_2={:.2} close={:.3} least_cloud={:.3}",
            self.mean[0], self.mean[1], self.std[0], self.std[1], self.close, self.least
        )
    }
}
