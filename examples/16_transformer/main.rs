//! A Transformer (Vaswani et al. 2017) learns to add: a decoder writes the sum of two integers, digit by digit.
//!
//! Sums are text, with the lowest digit first, so that a carry is known before it is needed: 27 + 58 = 85 is the nine
//! tokens `72+85=580`. A causal decoder reads all tokens but the last, and at each predicts the next. In a layer,
//! every token attends to itself and those before it:
//!
//! ```text
//! A = softmax(q kᵀ/√d)        row t: how much token t takes from each token; 0 for later tokens
//! y = A v                     with q, k and v three linear maps of the tokens, for each of several heads
//! ```
//!
//! The loss is that of the answer alone: the labels of the question's tokens are ignored. A tenth of all sums is never
//! trained on. The network is judged by the answers to these that it writes by itself, where every digit must be right.
//!
//! The pictures show the attention of the trained network. Rows are the tokens that write the answer, columns those
//! that they attend to. Heads look for the two digits of the next place, or of the place before it, whence a carry
//! comes.

#[path = "../common/mod.rs"]
mod common;
mod heads;

use clap::Parser;
use common::{Chart, FullArgs, Random, Result};
use wgrad::{
    Activation, Adam, Generator, Inputs, Loss, Network, OneCycle, Sequential, Trainer,
    TransformerLayer,
};

const HEADS: usize = 4;
const LAYERS: usize = 2;
/// Tokens: ten digits, plus, equals.
const TOKENS: [char; 12] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '='];
const PLUS: u32 = 10;
const EQUALS: u32 = 11;
/// Label of the tokens of the question.
const IGNORED: u32 = 99;

/// Sums of two integers of so many digits, and what learns them.
struct Task {
    digits: usize,
    width: usize,
    batch: usize,
    steps: usize,
    rate: f64,
}

const SMALL: Task = Task {
    digits: 2,
    width: 32,
    batch: 64,
    steps: 750,
    rate: 5e-3,
};

const FULL: Task = Task {
    digits: 3,
    width: 64,
    batch: 128,
    steps: 4000,
    rate: 2e-3,
};

impl Task {
    /// Tokens that the network reads: question and answer without its last digit.
    fn length(&self) -> usize {
        self.question() + self.digits
    }

    /// Tokens of the question, with plus and equals.
    fn question(&self) -> usize {
        2 * self.digits + 2
    }

    /// Integers of so many digits.
    fn integers(&self) -> usize {
        10usize.pow(self.digits as u32)
    }

    /// Whether a sum is kept for the test: every tenth after multiplication with a number without common factors,
    /// which leaves no pattern in the digits.
    fn is_held_out(&self, [a, b]: [usize; 2]) -> bool {
        ((a * self.integers() + b) * 7919 % 10_007).is_multiple_of(10)
    }

    /// A random sum of either set.
    fn draw(&self, random: &mut Random, held_out: bool) -> [usize; 2] {
        loop {
            let mut below = || (random.unit() * self.integers() as f32) as usize;
            let sum = [below(), below()];
            if self.is_held_out(sum) == held_out {
                return sum;
            }
        }
    }

    /// All tokens of a sum.
    fn text(&self, [a, b]: [usize; 2]) -> Vec<u32> {
        let digits = |mut number: usize, count: usize| {
            (0..count).map(move |_| {
                let digit = number % 10;
                number /= 10;
                digit as u32
            })
        };
        let mut text: Vec<u32> = digits(a, self.digits).collect();
        text.push(PLUS);
        text.extend(digits(b, self.digits));
        text.push(EQUALS);
        text.extend(digits(a + b, self.digits + 1));
        text
    }

    /// The network: logits of the next token after each.
    fn layers(&self) -> Sequential {
        let layer = TransformerLayer::new(HEADS).causal(true).norm_first(true);
        let layer = layer.activation(Activation::Gelu);
        let mut layers = self.first_layers();
        for _ in 0..LAYERS {
            layers = layers.transformer_encoder(layer);
        }
        layers.layer_norm().dense(TOKENS.len())
    }

    fn first_layers(&self) -> Sequential {
        let tokens = Sequential::new(self.length());
        tokens
            .embedding(TOKENS.len(), self.width)
            .learned_positions()
    }
}

fn main() -> Result {
    let args = FullArgs::parse();
    let device = args.common.device()?;
    let task = if args.full { FULL } else { SMALL };
    let network = task.layers().build(&device, 1)?;
    println!("{} parameters", network.parameter_count());
    let mut trainer = Trainer::builder(network)
        .loss(Loss::softmax_cross_entropy().ignore_index(IGNORED))
        .optimizer(Adam::new(task.rate))
        .schedule(OneCycle::new(task.steps as u64))
        .clip_norm(1.0)
        .batch_size(task.batch)
        .build()?;

    let mut random = Random::new(16);
    let test: Vec<[usize; 2]> = (0..500).map(|_| task.draw(&mut random, true)).collect();
    let mut exact = vec![(0.0, 0.0)];
    let mut digits = vec![(0.0, 0.0)];
    for step in 1..=task.steps {
        let (mut tokens, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..task.batch {
            let text = task.text(task.draw(&mut random, false));
            tokens.extend(&text[..task.length()]);
            labels.extend(vec![IGNORED; task.question() - 1]);
            labels.extend(&text[task.question()..]);
        }
        let report = trainer.step(Inputs::tokens(&tokens), &labels)?;
        if step % (task.steps / 10) == 0 {
            let [answers, places] = judge(trainer.network(), &task, &test)?;
            println!(
                "step {step}: loss {:.4}, exact {answers:.3}, digits {places:.3}",
                report.loss
            );
            exact.push((step as f64, answers));
            digits.push((step as f64, places));
        }
    }
    let answer = exact[exact.len() - 1].1;
    let digit = digits[digits.len() - 1].1;
    let title = format!("Sums of {} digits that were never trained on", task.digits);
    let mut chart = Chart::new(&title, "step", "share that is right");
    chart.curve("answers", exact);
    chart.curve("digits", digits);
    chart.save(&args.common, "16_accuracy")?;

    // A sum with a carry from each place to the next.
    let number = task.integers() - 1;
    let shown = [number * 58 / 100, number * 67 / 100];
    heads::draw(trainer.network(), &task, shown, &device)?.save(&args.common, "16_attention")?;
    println!("exact={answer:.4} digits={digit:.4}");
    Ok(())
}

/// The answers that the network writes: the likeliest digit after each token, which it reads as the next. The generator
/// keeps the keys and values of the tokens so far, so that a digit costs one row of each layer.
fn answers(network: &Network, task: &Task, sums: &[[usize; 2]]) -> Result<Vec<Vec<u32>>> {
    let texts = sums.iter().map(|&sum| task.text(sum));
    let questions: Vec<u32> = texts
        .flat_map(|text| text[..task.question()].to_vec())
        .collect();
    let mut generator = Generator::new(network, sums.len())?;
    let mut logits = generator.push(&questions)?;
    let mut answers = vec![Vec::new(); sums.len()];
    loop {
        let rows = logits.chunks_exact(TOKENS.len());
        let written: Vec<u32> = rows.map(likeliest).collect();
        for (answer, &digit) in answers.iter_mut().zip(&written) {
            answer.push(digit);
        }
        if answers[0].len() > task.digits {
            return Ok(answers);
        }
        logits = generator.push(&written)?;
    }
}

fn likeliest(logits: &[f32]) -> u32 {
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    best.unwrap_or(0) as u32
}

/// The share of answers, and of their digits, that are right.
fn judge(network: &Network, task: &Task, sums: &[[usize; 2]]) -> Result<[f64; 2]> {
    let (mut exact, mut right) = (0, 0);
    for (&sum, answer) in sums.iter().zip(answers(network, task, sums)?) {
        let text = task.text(sum);
        let pairs = answer.iter().zip(&text[task.question()..]);
        let digits = pairs.filter(|(a, b)| a == b).count();
        right += digits;
        exact += usize::from(digits == answer.len());
    }
    let all = sums.len() as f64;
    Ok([
        exact as f64 / all,
        right as f64 / (all * (task.digits + 1) as f64),
    ])
}
