//! Attention. A causal mask and a cache are settings of wgrad's; other masks differ by head and query, and ONNX may cap the
//! scores or return them. For these, each query of each head is a sample of its own here, whose mask has a number for each
//! key: `Tensor::attention` computes all results.

use super::super::onnx_recurrent::place;
use super::masks::{Lengths, UNSEEN, bias, is_plain};
use super::{Vectors, compare, flag};
use wgrad::{Activation, Attention, Device, Layout, Tensor};

/// Positions of inputs and outputs.
const PAST_KEY: usize = 4;
const PAST_VALUE: usize = 5;
const PRESENT_KEY: usize = 1;
const PRESENT_VALUE: usize = 2;
const SCORES: usize = 3;

/// Values [samples, heads, length, width].
struct Sequences {
    dims: [usize; 4],
    values: Vec<f32>,
}

/// [a, b, c, d] as [a, c, b, d].
fn swapped([a, b, c, d]: [usize; 4], values: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for i in 0..a {
        for k in 0..c {
            for j in 0..b {
                out.extend_from_slice(&values[((i * b + j) * c + k) * d..][..d]);
            }
        }
    }
    out
}

impl Sequences {
    /// An input [samples, heads, length, width], or [samples, length, heads·width].
    fn read(file: &Vectors, input: &str, heads: &str) -> Self {
        let values = file.narrow(input);
        match *file.shape(input) {
            [samples, heads, length, width] => Sequences {
                dims: [samples, heads, length, width],
                values,
            },
            [samples, length, columns] => {
                let heads = file.size(heads);
                let width = columns / heads;
                Sequences {
                    dims: [samples, heads, length, width],
                    values: swapped([samples, length, heads, width], &values),
                }
            }
            ref shape => panic!("{}: {input} {shape:?}", file.name),
        }
    }

    fn tensor(&self, device: &Device) -> Tensor {
        Tensor::new(device, self.dims, &self.values).unwrap()
    }

    /// These behind those of a cache, which the output at this position holds then.
    fn behind(self, file: &Vectors, device: &Device, [past, present]: [usize; 2]) -> Self {
        let whole = match place(file, "inputs", past) {
            None => self,
            Some(past) => {
                let past = Sequences::read(file, &past, "kv_num_heads");
                let whole = past.tensor(device).concat(&self.tensor(device), 2).unwrap();
                Sequences {
                    dims: whole.shape().try_into().unwrap(),
                    values: whole.download().unwrap(),
                }
            }
        };
        check(file, device, present, &whole.values);
        whole
    }

    /// Each head `times` times, one after the other.
    fn repeated(self, times: usize) -> Self {
        let [samples, heads, length, width] = self.dims;
        let of_heads = self.values.chunks(length * width);
        Sequences {
            dims: [samples, heads * times, length, width],
            values: of_heads
                .flat_map(|head| std::iter::repeat_n(head, times).flatten())
                .copied()
                .collect(),
        }
    }

    /// As [samples, length, heads·width].
    fn columns(&self, device: &Device) -> Tensor {
        let [samples, heads, length, width] = self.dims;
        let values = swapped(self.dims, &self.values);
        Tensor::new(device, [samples, length, heads * width], &values).unwrap()
    }

    /// Those of each head `times` times, as [samples·heads·times, length, width].
    fn for_queries(&self, device: &Device, times: usize) -> Tensor {
        let [samples, heads, length, width] = self.dims;
        let of_heads = self.values.chunks(length * width);
        let values: Vec<f32> = of_heads
            .flat_map(|head| std::iter::repeat_n(head, times).flatten())
            .copied()
            .collect();
        Tensor::new(device, [samples * heads * times, length, width], &values).unwrap()
    }
}

/// Compares the output at a position, if the file has it.
fn check(file: &Vectors, device: &Device, position: usize, found: &[f32]) {
    if let Some(name) = place(file, "outputs", position) {
        let number = name.trim_start_matches("output_").parse().unwrap();
        compare(file, device, number, found);
    }
}

/// Attention of Q, K and V. Fewer heads of keys than of queries are repeated.
pub(super) fn attention(file: &Vectors, device: &Device) {
    let q = Sequences::read(file, "input_0", "q_num_heads");
    let k = Sequences::read(file, "input_1", "kv_num_heads");
    let v = Sequences::read(file, "input_2", "kv_num_heads");
    let own = k.dims[2];
    let k = k.behind(file, device, [PAST_KEY, PRESENT_KEY]);
    let v = v.behind(file, device, [PAST_VALUE, PRESENT_VALUE]);
    let [samples, heads, queries, width] = q.dims;
    let repeats = heads / k.dims[1];
    let (k, v) = (k.repeated(repeats), v.repeated(repeats));
    let lengths = Lengths {
        samples,
        heads,
        queries,
        keys: k.dims[2],
        past: k.dims[2] - own,
    };
    let cap = file.optional("softcap").unwrap_or(0.0) as f32;
    let scale = file.optional("scale").map(|scale| scale as f32);
    let wants_scores = place(file, "outputs", SCORES).is_some();
    let y = if is_plain(file) && cap == 0.0 {
        let attention = Attention::new(heads).causal(flag(file, "is_causal"));
        let attention = attention.past(lengths.past);
        let attention = scale.map_or(attention, |scale| attention.scale(scale));
        let [q, k, v] = [&q, &k, &v].map(|part| part.columns(device));
        let y = q.attention(&k, &v, None, attention).unwrap().y;
        swapped(
            [samples, queries, heads, v.shape()[2] / heads],
            &y.download().unwrap(),
        )
    } else {
        Vec::new()
    };
    if y.is_empty() || wants_scores {
        let scale = scale.unwrap_or((1.0 / (width as f64).sqrt()) as f32);
        let all = ByQuery::new(file, device, lengths, [&q, &k], scale, cap);
        if wants_scores {
            all.check_scores(file);
        }
        if y.is_empty() {
            let values = v.for_queries(device, queries);
            return finish(file, device, &v, queries, &all.weigh(&values));
        }
    }
    finish(file, device, &v, queries, &y);
}

/// Compares y [samples, heads, queries, width], whose layout in the file is that of Q.
fn finish(file: &Vectors, device: &Device, v: &Sequences, queries: usize, y: &[f32]) {
    let [samples, heads, _, width] = v.dims;
    if file.shape("output_0").len() == 4 {
        return check(file, device, 0, y);
    }
    check(
        file,
        device,
        0,
        &swapped([samples, heads, queries, width], y),
    );
}

/// Scores with each query of each head as a sample of its own.
struct ByQuery<'a> {
    device: &'a Device,
    rows: usize,
    keys: usize,
    /// The scores q·kᵀ times the scale; and with the cap.
    products: Vec<f32>,
    capped: Vec<f32>,
    /// What is added to them.
    bias: Vec<f32>,
}

impl<'a> ByQuery<'a> {
    fn new(
        file: &Vectors,
        device: &'a Device,
        lengths: Lengths,
        [q, k]: [&Sequences; 2],
        scale: f32,
        cap: f32,
    ) -> Self {
        let products = q.tensor(device).batch_matmul(&k.tensor(device), Layout::NT);
        let products = products.unwrap().scale(scale).unwrap();
        let capped = match cap {
            0.0 => products.download(),
            cap => {
                let shares = products.scale(1.0 / cap).unwrap();
                let shares = shares.activate(Activation::Tanh).unwrap();
                shares.scale(cap).unwrap().download()
            }
        };
        ByQuery {
            device,
            rows: lengths.samples * lengths.heads * lengths.queries,
            keys: lengths.keys,
            products: products.download().unwrap(),
            capped: capped.unwrap(),
            bias: bias(file, lengths),
        }
    }

    /// Softmax of the scores times values [rows, keys, width]: attention with a query of 1, and the scores as keys.
    fn weigh(&self, values: &Tensor) -> Vec<f32> {
        let tensor =
            |dims: &[usize], values: &[f32]| Tensor::new(self.device, dims, values).unwrap();
        let scores: Vec<f32> = self.capped.iter().zip(&self.bias).map(sum).collect();
        let seen = self.bias.iter().map(|&bias| f32::from(bias != UNSEEN));
        let q = tensor(&[self.rows, 1, 1], &vec![1.0; self.rows]);
        let k = tensor(&[self.rows, self.keys, 1], &scores);
        let mask = tensor(&[self.rows, self.keys], &seen.collect::<Vec<_>>());
        let y = q.attention(&k, values, Some(&mask), Attention::new(1).scale(1.0));
        y.unwrap().y.download().unwrap()
    }

    /// The output with the scores, as products, with the cap, with the bias, or as weights.
    fn check_scores(&self, file: &Vectors) {
        let found = match file.optional("qk_matmul_output_mode").unwrap_or(0.0) as u32 {
            0 => self.products.clone(),
            1 => self.capped.clone(),
            2 => self.capped.iter().zip(&self.bias).map(sum).collect(),
            3 => {
                let keys = self.keys;
                let one = (0..keys * keys).map(|i| f32::from(i / keys == i % keys));
                let one: Vec<f32> = one.collect();
                let all = one.repeat(self.rows);
                let all = Tensor::new(self.device, [self.rows, keys, keys], &all);
                self.weigh(&all.unwrap())
            }
            mode => panic!("{}: scores of mode {mode}", file.name),
        };
        check(file, self.device, SCORES, &found);
    }
}

fn sum((a, b): (&f32, &f32)) -> f32 {
    a + b
}
