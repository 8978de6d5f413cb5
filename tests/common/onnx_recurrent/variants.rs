//! Steps of ONNX's variants that PyTorch does not have, made of tensor calls.

use super::{Call, INITIAL_C, INITIAL_H, State, Weights};
use wgrad::{Activation, Layout, Tensor};

/// Rows of a gate, of G, of weights or biases: block `gate` along a dimension.
fn block(of: &Tensor, dimension: usize, gate: usize, hidden: usize) -> Tensor {
    of.slice(dimension, gate * hidden..(gate + 1) * hidden)
        .unwrap()
}

/// A GRU whose gate r multiplies h before the recurrent product of n.
pub(super) fn reset_first(weights: &Weights, x: &Tensor, state: &State) -> State {
    let h = &state[0];
    let hidden = h.shape()[1];
    let gate = |gate: usize, h: &Tensor, f: Activation| {
        let product = |x: &Tensor, weight: &Tensor, bias: &Tensor| {
            let product = x
                .matmul(&block(weight, 0, gate, hidden), Layout::NT)
                .unwrap();
            product.bias_add(&block(bias, 1, gate, hidden)).unwrap()
        };
        let [b, d] = &weights.biases;
        let z = product(x, &weights.input, b)
            .add(&product(h, &weights.recurrent, d))
            .unwrap();
        z.activate(f).unwrap()
    };
    let r = gate(0, h, Activation::Sigmoid);
    let z = gate(1, h, Activation::Sigmoid);
    let n = gate(2, &r.mul(h).unwrap(), Activation::Tanh);
    let away = h.add(&n.scale(-1.0).unwrap()).unwrap();
    vec![n.add(&z.mul(&away).unwrap()).unwrap()]
}

/// An LSTM whose gates i and f see c before the step, and o sees c after it, each with a weight per unit. These are in
/// ONNX's order, i, o, f.
pub(super) fn with_peepholes(
    weights: &Weights,
    peepholes: &Tensor,
    x: &Tensor,
    state: &State,
) -> State {
    let [h, c] = &state[..] else {
        panic!("an LSTM's state")
    };
    let hidden = h.shape()[1];
    let [b, d] = &weights.biases;
    let product = |x: &Tensor, weight: &Tensor, bias: &Tensor| {
        x.matmul(weight, Layout::NT)
            .unwrap()
            .bias_add(bias)
            .unwrap()
    };
    let z = product(x, &weights.input, b)
        .add(&product(h, &weights.recurrent, d))
        .unwrap();
    let gate = |number: usize, seen: Option<(usize, &Tensor)>, f: Activation| {
        let mut z = block(&z, 1, number, hidden);
        if let Some((number, c)) = seen {
            let row = block(peepholes, 1, number, hidden);
            let rows = (1..h.shape()[0]).fold(row.reshape([1, hidden]).unwrap(), |rows, _| {
                rows.concat(&row, 0).unwrap()
            });
            z = z.add(&rows.mul(c).unwrap()).unwrap();
        }
        z.activate(f).unwrap()
    };
    let i = gate(0, Some((0, c)), Activation::Sigmoid);
    let f = gate(1, Some((2, c)), Activation::Sigmoid);
    let g = gate(2, None, Activation::Tanh);
    let next = f.mul(c).unwrap().add(&i.mul(&g).unwrap()).unwrap();
    let o = gate(3, Some((1, &next)), Activation::Sigmoid);
    vec![
        o.mul(&next.activate(Activation::Tanh).unwrap()).unwrap(),
        next,
    ]
}

impl Call<'_> {
    /// The outputs [B, T, H] and the last state, step by step, with `step` from x [B, D] and the state to the next state. Past the length of a sample its
    /// state stays, and its outputs are 0.
    pub(super) fn unrolled(
        &self,
        x: &Tensor,
        direction: usize,
        reverse: bool,
        lengths: Option<&[usize]>,
        step: &dyn Fn(&Weights, &Tensor, &State) -> State,
    ) -> (Tensor, State) {
        let weights = self.weights(direction);
        let parts = [INITIAL_H, INITIAL_C].into_iter().take(self.cell.states());
        let rows = [self.batch, self.hidden];
        let mut state: State = parts
            .map(|position| self.tensor(&rows, &self.initial(position, direction)))
            .collect();
        let inputs = *x.shape().last().unwrap();
        let mut outputs: Vec<Tensor> = Vec::new();
        for number in 0..self.steps {
            let time = if reverse {
                self.steps - 1 - number
            } else {
                number
            };
            let x = x.slice(1, time..time + 1).unwrap();
            let next = step(&weights, &x.reshape([self.batch, inputs]).unwrap(), &state);
            let zeros = Tensor::zeros(self.device, rows).unwrap();
            let in_use = |next: &Tensor, other: &Tensor| match lengths {
                None => next.copy().unwrap(),
                Some(lengths) => {
                    let [next, other] = [next, other].map(|tensor| tensor.download().unwrap());
                    let of_next = |i: usize| time < lengths[i / self.hidden];
                    let rows_of = next.iter().zip(&other).enumerate();
                    let values = rows_of.map(|(i, (&a, &b))| if of_next(i) { a } else { b });
                    self.tensor(&rows, &values.collect::<Vec<_>>())
                }
            };
            let output = in_use(&next[0], &zeros);
            outputs.push(output.reshape([self.batch, 1, self.hidden]).unwrap());
            let pairs = next.iter().zip(&state);
            state = pairs.map(|(next, before)| in_use(next, before)).collect();
        }
        if reverse {
            outputs.reverse();
        }
        let join = |y: Tensor, next: Tensor| y.concat(&next, 1).unwrap();
        (outputs.into_iter().reduce(join).unwrap(), state)
    }
}
