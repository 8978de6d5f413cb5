//! Attention in plain loops over every query and every key, with all scores at once.

/// Sequences q [samples, queries, heads·width], k [samples, keys, heads·width], v [samples, keys, heads·value width].
#[derive(Clone, Debug)]
pub(crate) struct Attending {
    pub(crate) samples: usize,
    pub(crate) heads: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) width: usize,
    pub(crate) value_width: usize,
    pub(crate) scale: f64,
    /// With a causal mask, the keys before that of the first query.
    pub(crate) causal: Option<usize>,
    /// One number for each sample and key; 0 leaves the key out.
    pub(crate) mask: Option<Vec<f32>>,
}

/// y, and the gradients of q, k and v.
pub(crate) struct Attended {
    pub(crate) y: Vec<f64>,
    pub(crate) dq: Vec<f64>,
    pub(crate) dk: Vec<f64>,
    pub(crate) dv: Vec<f64>,
}

impl Attending {
    pub(crate) fn of_q(&self) -> [usize; 3] {
        [self.samples, self.queries, self.heads * self.width]
    }

    pub(crate) fn of_k(&self) -> [usize; 3] {
        [self.samples, self.keys, self.heads * self.width]
    }

    pub(crate) fn of_v(&self) -> [usize; 3] {
        [self.samples, self.keys, self.heads * self.value_width]
    }

    pub(crate) fn of_y(&self) -> [usize; 3] {
        [self.samples, self.queries, self.heads * self.value_width]
    }

    fn sees(&self, sample: usize, query: usize, key: usize) -> bool {
        let in_past = self.causal.is_none_or(|past| key <= query + past);
        let kept = self.mask.as_ref();
        in_past && kept.is_none_or(|mask| mask[sample * self.keys + key] != 0.0)
    }

    /// The result and the gradients for the gradient dy of the result.
    pub(crate) fn run(&self, operands: [&[f32]; 4]) -> Attended {
        let weights = self.samples * self.heads * self.queries * self.keys;
        self.run_dropped(operands, &vec![1.0; weights])
    }

    /// The same where the weights are multiplied by factors [samples·heads·queries, keys].
    pub(crate) fn run_dropped(&self, [q, k, v, dy]: [&[f32]; 4], factors: &[f64]) -> Attended {
        let of = |x: &[f32], i: usize| f64::from(x[i]);
        let mut out = Attended {
            y: vec![0.0; self.of_y().iter().product()],
            dq: vec![0.0; q.len()],
            dk: vec![0.0; k.len()],
            dv: vec![0.0; v.len()],
        };
        let (d, e) = (self.width, self.value_width);
        for sample in 0..self.samples {
            for head in 0..self.heads {
                let query_at = |i: usize| ((sample * self.queries + i) * self.heads + head) * d;
                let key_at = |j: usize| ((sample * self.keys + j) * self.heads + head) * d;
                let y_at = |i: usize| ((sample * self.queries + i) * self.heads + head) * e;
                let value_at = |j: usize| ((sample * self.keys + j) * self.heads + head) * e;
                for i in 0..self.queries {
                    let seen: Vec<usize> = (0..self.keys)
                        .filter(|&j| self.sees(sample, i, j))
                        .collect();
                    let scores: Vec<f64> = seen
                        .iter()
                        .map(|&j| {
                            let terms =
                                (0..d).map(|c| of(q, query_at(i) + c) * of(k, key_at(j) + c));
                            self.scale * terms.sum::<f64>()
                        })
                        .collect();
                    let maximum = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let terms: Vec<f64> = scores.iter().map(|s| (s - maximum).exp()).collect();
                    let sum: f64 = terms.iter().sum();
                    let weights: Vec<f64> = terms.iter().map(|t| t / sum).collect();
                    let row = (sample * self.heads + head) * self.queries + i;
                    let factor = |j: usize| factors[row * self.keys + j];
                    for (&j, weight) in seen.iter().zip(&weights) {
                        let kept = weight * factor(j);
                        for c in 0..e {
                            out.y[y_at(i) + c] += kept * of(v, value_at(j) + c);
                            out.dv[value_at(j) + c] += kept * of(dy, y_at(i) + c);
                        }
                    }
                    let dweights: Vec<f64> = seen
                        .iter()
                        .map(|&j| {
                            let terms =
                                (0..e).map(|c| of(dy, y_at(i) + c) * of(v, value_at(j) + c));
                            factor(j) * terms.sum::<f64>()
                        })
                        .collect();
                    let mean: f64 = weights.iter().zip(&dweights).map(|(w, dw)| w * dw).sum();
                    for ((&j, weight), dweight) in seen.iter().zip(&weights).zip(&dweights) {
                        let dscore = self.scale * weight * (dweight - mean);
                        for c in 0..d {
                            out.dq[query_at(i) + c] += dscore * of(k, key_at(j) + c);
                            out.dk[key_at(j) + c] += dscore * of(q, query_at(i) + c);
                        }
                    }
                }
            }
        }
        out
    }
}
