//! Recurrent layers: settings, and the stack of recurrences that they describe.

use super::build::positive;
use super::op::Recurrence;
use super::op::dropout::check_rate;
use super::op::recurrence::{LAST, STATE};
use super::{Graph, Init, Shape, Value};
use crate::kernel::Cell;
use crate::{Error, Result};

/// A stack of recurrent layers: cell, number of units, and how the layers are stacked (PyTorch's `RNN`, `LSTM` and
/// `GRU` with `batch_first=True`).
///
/// ```
/// use wgrad::{Device, Recurrent, Sequential};
/// # fn main() -> wgrad::Result<()> {
/// let layers = Recurrent::lstm(32).layers(2).bidirectional().dropout(0.1);
/// let network = Sequential::new([28, 28]).recurrent_last(layers).dense(10).build(&Device::cpu(), 1)?;
/// assert_eq!((network.input_features(), network.output_features()), (784, 10));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Recurrent {
    cell: Cell,
    /// Units per layer and direction.
    hidden: usize,
    layers: usize,
    bidirectional: bool,
    /// Rate of the dropout between layers.
    dropout: f32,
    bias: bool,
}

/// Results of [`Graph::recurrent`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecurrentValues {
    /// The outputs of the last layer at all times, [batch, T, units], units·2 if bidirectional: forward, then reverse. Past
    /// the length of a sample they are 0.
    pub all: Value,
    /// h of the last layer after its last step, [batch, units]: time T − 1, or the last within the length; of the
    /// reverse direction of a bidirectional layer, which follows in the columns, time 0.
    pub last: Value,
    /// The state after the last step, of every layer and direction in PyTorch's order (layer 0 forward, layer 0 reverse, …):
    /// h, [batch, 1, units], or h and c of an LSTM, [batch, 2, units]. It fits as the initial state of another batch.
    pub state: Vec<Value>,
}

impl Recurrent {
    /// One layer of this cell, in one direction, with biases.
    pub fn new(cell: Cell, hidden: usize) -> Self {
        Recurrent {
            cell,
            hidden,
            layers: 1,
            bidirectional: false,
            dropout: 0.0,
            bias: true,
        }
    }

    /// A simple recurrent network: [`Cell::Tanh`].
    pub fn rnn(hidden: usize) -> Self {
        Recurrent::new(Cell::Tanh, hidden)
    }

    /// [`Cell::Lstm`].
    pub fn lstm(hidden: usize) -> Self {
        Recurrent::new(Cell::Lstm, hidden)
    }

    /// [`Cell::Gru`].
    pub fn gru(hidden: usize) -> Self {
        Recurrent::new(Cell::Gru, hidden)
    }

    /// Sets the number of layers. Each reads the outputs of the one before. The default is 1.
    pub fn layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Adds to every layer a second set of weights that reads the sequence in reverse, each sample from the end of its
    /// length. The outputs of both are side by side.
    pub fn bidirectional(mut self) -> Self {
        self.bidirectional = true;
        self
    }

    /// Sets the rate of the dropout between layers: on the outputs of all layers but the last. The default is 0.
    pub fn dropout(mut self, rate: f32) -> Self {
        self.dropout = rate;
        self
    }

    /// Leaves out the biases.
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    pub(super) fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    pub(super) fn count(&self) -> usize {
        self.layers
    }

    /// The shape of the state of a layer and direction, for one sample.
    pub(super) fn state_shape(&self) -> [usize; 2] {
        [self.cell.states(), self.hidden]
    }
}

impl Graph {
    /// Recurrent layers over a batch of sequences x [batch, T, D], from a state of 0. See
    /// [`recurrent_with`](Graph::recurrent_with).
    ///
    /// # Errors
    /// Those of [`recurrent_with`](Graph::recurrent_with).
    pub fn recurrent(&mut self, x: Value, layers: &Recurrent) -> Result<RecurrentValues> {
        self.recurrent_with(x, layers, &[], None)
    }

    /// Recurrent layers over a batch of sequences x [batch, T, D], with an initial state and lengths.
    ///
    /// The parameters are PyTorch's: for layer l `weight_ih_ll` [G·units, D], `weight_hh_ll` [G·units, units],
    /// `bias_ih_ll` and `bias_hh_ll` [G·units], with G gates in the order of [`Cell`], and the same with `_reverse`; before
    /// them stands `layers.i.`. All are drawn from U(−1/√units, 1/√units), as in PyTorch.
    ///
    /// `initial` is empty, or has a state for each layer and direction, in the order and shape of
    /// [`RecurrentValues::state`]. Gradients flow to it, and from the state after the last step. For truncated
    /// backpropagation through time, [`recurrent_carried`](Graph::recurrent_carried) passes the state on from one batch to
    /// the next; no gradient flows from one batch to another.
    ///
    /// `lengths`, one number per sample ([`Graph::lengths`]), are the number of steps of each sample, in any order, from
    /// 0 to T. At later times the state stays as it is, outputs and gradients are 0, and x has no effect, even if it is
    /// NaN there. (PyTorch packs sequences for this; `pad_packed_sequence` gives the same zeros.)
    ///
    /// # Cost
    /// Per layer and direction: a forward pass takes one product for the inputs of all times, and one dispatch per step; a
    /// backward pass one dispatch per step, and three products, one each for the gradients of x and both weights, which
    /// also compute those of the biases. So T + 1 dispatches forward and T + 3 backward, and one more backward for the
    /// gradient of the initial state, or in the first layer if there are lengths, or for both. With up to 64 units, one
    /// dispatch runs all steps, so that these numbers do not depend on T: 2 forward and 4 backward (on software adapters one
    /// dispatch runs as many steps as fit in 65,535 loop iterations, hundreds or more). A bidirectional layer takes one more
    /// for its concatenation, and three more backward.
    ///
    /// Only an LSTM with an initial state and lengths, of which both `last` and `state` are read, takes more in training: one
    /// forward if it has biases, and two backward if both have gradients and `all` has too. Products of 16,384 rows and more
    /// may be split along them, into two dispatches each.
    ///
    /// For the backward pass a layer keeps, per sample, time and direction, the state before the step (units), and of an
    /// LSTM five, of a GRU four further values per unit. So an LSTM of 128 units keeps 4·(6 + 1)·128 = 3,584 bytes per
    /// sample and time, the outputs included, and needs 4·4·128 bytes for the inputs' product and as many for the gates'
    /// gradients.
    ///
    /// ```
    /// use wgrad::{Device, Graph, Recurrent};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([5, 3])?; // up to five steps of three features
    /// let lengths = graph.lengths("lengths", x)?;
    /// let gru = graph.recurrent_with(x, &Recurrent::gru(4), &[], Some(lengths))?;
    /// let network = graph.build(gru.last, &Device::cpu(), 1)?;
    /// let mut samples = vec![0.5; 2 * 5 * 3];
    /// let short = network.predict([("input", &samples[..]), ("lengths", &[5.0, 2.0][..])])?;
    /// samples[15 + 2 * 3..].fill(f32::NAN); // the second sample, past its length
    /// let padded = network.predict([("input", &samples[..]), ("lengths", &[5.0, 2.0][..])])?;
    /// assert_eq!(short, padded);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is no batch of sequences, or a state or the lengths have another shape;
    /// [`Argument`](Error::Argument) if the number of units or layers is 0, the dropout rate is not from 0 to below 1, or
    /// there are initial states, but not one for each layer and direction.
    pub fn recurrent_with(
        &mut self,
        x: Value,
        layers: &Recurrent,
        initial: &[Value],
        lengths: Option<Value>,
    ) -> Result<RecurrentValues> {
        positive("the number of units of a recurrent layer", layers.hidden)?;
        positive("the number of recurrent layers", layers.layers)?;
        check_rate(layers.dropout)?;
        let count = layers.layers.saturating_mul(layers.directions());
        if !initial.is_empty() && initial.len() != count {
            return Err(Error::argument(
                "the number of initial states",
                format!("{count}, one for each layer and direction, or none"),
                initial.len(),
            ));
        }
        let prefix = format!("layers.{}", self.layers);
        self.layers += 1;
        let (mut all, mut last, mut state) = (x, x, Vec::new());
        for layer in 0..layers.layers {
            let mut of_layer = Vec::new();
            for reverse in [false, true].into_iter().take(layers.directions()) {
                let end = if reverse { "_reverse" } else { "" };
                let name = |part: &str| format!("{prefix}.{part}_l{layer}{end}");
                let [weights, biases] = self.recurrent_parameters(all, layers, &name)?;
                let y = self.recurrence(Recurrence {
                    x: all,
                    weights,
                    biases,
                    initial: initial.get(state.len()).copied(),
                    lengths,
                    cell: layers.cell,
                    reverse,
                    masked: layer > 0,
                })?;
                let last = self.value(y.0 + LAST);
                state.push(match layers.cell {
                    Cell::Lstm => self.value(y.0 + STATE),
                    _ => {
                        let shape = Shape::batch_of(Shape::from([1, layers.hidden]));
                        self.reshape_to(last, shape)?
                    }
                });
                of_layer.push((y, last));
            }
            let (y, h): (Vec<Value>, Vec<Value>) = of_layer.into_iter().unzip();
            (all, last) = match (&y[..], &h[..]) {
                (&[y, reverse], &[h, of_reverse]) => (
                    self.concat(&[y, reverse], 2)?,
                    self.concat(&[h, of_reverse], 1)?,
                ),
                _ => (y[0], h[0]),
            };
            if layers.dropout != 0.0 && layer + 1 < layers.layers {
                all = self.dropout(all, layers.dropout)?;
            }
        }
        Ok(RecurrentValues { all, last, state })
    }

    /// The parameters of one layer and direction: weights, and biases if there are any.
    fn recurrent_parameters(
        &mut self,
        x: Value,
        layers: &Recurrent,
        name: &dyn Fn(&str) -> String,
    ) -> Result<[Vec<Value>; 2]> {
        let (hidden, inputs) = (layers.hidden, self.known(x)?.cols());
        let rows = layers.cell.gates().saturating_mul(hidden);
        let high = 1.0 / (hidden as f64).sqrt();
        let init = Init::Uniform { low: -high, high };
        let weights = vec![
            self.parameter(&name("weight_ih"), [rows, inputs], init)?,
            self.parameter(&name("weight_hh"), [rows, hidden], init)?,
        ];
        let mut biases = Vec::new();
        if layers.bias {
            for part in ["bias_ih", "bias_hh"] {
                biases.push(self.vector(&name(part), rows, init)?);
            }
        }
        Ok([weights, biases])
    }

    /// Adds an input with the length of each sample of the input `x`: the number of steps that are no padding, from 0 to
    /// T, in any order. For [`recurrent_with`](Graph::recurrent_with).
    ///
    /// Lengths are passed as floats under this name, see [`Inputs`](crate::Inputs). A call refuses lengths that are no
    /// integers, below 0 or above T. Past its length a sample may hold anything, NaN included.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if `x` is not an input of sequences [batch, T, D] or tokens [batch, T];
    /// [`Argument`](Error::Argument) if the name is taken or empty.
    pub fn lengths(&mut self, name: &str, x: Value) -> Result<Value> {
        let shape = self.known(x)?;
        let of = self.inputs.iter().position(|input| input.value == x);
        let Some(of) = of.filter(|_| [2, 3].contains(&shape.dims().len())) else {
            let expected = "an input of sequences [batch, T, D], or of tokens [batch, T]";
            return Err(Error::shape("lengths", expected, shape));
        };
        let lengths = self.named_input(name, 1)?;
        if let Some(input) = self.inputs.last_mut() {
            input.lengths_of = Some(of);
        }
        Ok(lengths)
    }
}
