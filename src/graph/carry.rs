//! State that a trainer carries from step to step, for truncated backpropagation through time.

use super::{Graph, Op, Recurrent, RecurrentValues, Shape, Value};
use crate::{Error, Result};

/// An input whose values in a step are another value of the step before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Carried {
    /// Index into [`Graph::inputs`].
    pub(crate) input: usize,
    /// The value for the next step, flat: one row per sample, like the input's.
    pub(crate) next: Value,
}

impl Graph {
    /// Carries a state from step to step: in training and evaluation, `input` has in each row of a batch the values that
    /// `next` had in the same row of the batch before. For recurrent layers, `input` is the initial state and `next` the
    /// [state after the last step](RecurrentValues::state); [`recurrent_carried`](Graph::recurrent_carried) sets up
    /// both. The input takes no gradient, so backpropagation ends where a window begins (truncated backpropagation
    /// through time, Williams and Peng 1990; PyTorch's `h.detach()`).
    ///
    /// # Data sets
    /// The samples are windows of one long sequence, or of several ([`Dataset::with_sequences`](
    /// crate::Dataset::with_sequences)), in their order, without an array for `input`. An epoch puts the sequences one
    /// after the other, in a new order if the trainer shuffles, and cuts the row of windows into as many streams of
    /// equal length as a batch has samples; the first streams are one window longer if they cannot be equal. Batch t has
    /// window t of each stream. The state is 0 at the start of an epoch, and where a sequence starts. A sequence that
    /// continues in the next stream starts there with a state of 0.
    ///
    /// Evaluation takes batches of the training's size, or of the evaluation batch size that was set; here the size
    /// matters, since it is the number of streams.
    ///
    /// # Batches of your own
    /// [`Trainer::step`](crate::Trainer::step) may leave out the array of `input`: row i then continues row i of the
    /// step before. [`Trainer::reset_state`](crate::Trainer::reset_state) sets the state to 0. An array that is given
    /// replaces the state. Prediction and gradients carry nothing: an array that is left out is 0.
    ///
    /// # State and errors
    /// A step that is refused leaves the state as it was. Checkpoints hold the state, so that a run resumed in the
    /// middle of an epoch has the same bits. Carrying takes one dispatch a step for each input, and one more if the data
    /// set has several sequences.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if `input` is no input, carries already, or is or has lengths; if `next` is a
    /// carried input itself, or made of target values; [`Shape`](Error::Shape) if the shapes differ.
    pub fn carry(&mut self, input: Value, next: Value) -> Result<()> {
        let refused =
            |expected: &str, found: &str| Err(Error::argument("a carried state", expected, found));
        let shape = self.known(input)?;
        let place = self.inputs.iter().position(|i| i.value == input);
        let Some(number) = place else {
            let found = format!("a value of shape {shape}");
            return refused("an input of the graph (`Graph::named_input`)", &found);
        };
        let name = self.inputs[number].name.clone();
        if self.carried.iter().any(|carried| carried.input == number) {
            return refused("one value for each input", &format!("a second for {name}"));
        }
        let is_sequence = self.inputs.iter().any(|i| i.lengths_of == Some(number));
        if is_sequence || self.inputs[number].lengths_of.is_some() {
            return refused("an input other than lengths and their sequences", &name);
        }
        self.expect("carry", next, &shape)?;
        if self.depends_on_targets()[next.0] {
            return refused("a value not made of targets", "one made of targets");
        }
        let flat = self.reshape_to(next, Shape::batch(shape.elements()))?;
        let mut carried = self.carried.clone();
        carried.push(Carried {
            input: number,
            next: flat,
        });
        // A copy of one state to another would depend on the order of the copies.
        let source = |carried: &Carried| self.source(carried.next);
        let is_state = |source: Option<usize>| {
            source.is_some_and(|source| carried.iter().any(|c| c.input == source))
        };
        if carried.iter().map(source).any(is_state) {
            return refused("a computed value", &format!("a carried input, for {name}"));
        }
        self.carried = carried;
        Ok(())
    }

    /// Recurrent layers over windows [batch, W, D] of sequences, from the state in which the window before ended: those
    /// of [`recurrent_with`](Graph::recurrent_with), with an input for the initial state of each layer, which
    /// [`carry`](Graph::carry) feeds. The inputs are named like parameters: `layers.i.state_l0` for the first layer.
    ///
    /// ```
    /// use wgrad::{Dataset, Device, Graph, Init, Recurrent, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([4, 2])?; // windows of four steps
    /// let lstm = graph.recurrent_carried(x, &Recurrent::lstm(8), None)?;
    /// let y = graph.dense(lstm.all, 3, Init::default())?;
    ///
    /// // A sequence of 40 steps is ten windows. Two streams of five windows are read side by side.
    /// let data = Dataset::named("input", [4, 2], vec![0.5; 40 * 2])?.with_labels(vec![1; 40], 3)?;
    /// let network = graph.build(y, &Device::cpu(), 1)?;
    /// let mut trainer = Trainer::builder(network).batch_size(2).build()?;
    /// assert_eq!(trainer.epoch(&data)?.steps, 5);
    /// // The state after the last window: h and c of 8 units, for each stream.
    /// assert_eq!(trainer.state("layers.0.state_l0")?.len(), 2 * 2 * 8);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`recurrent_with`](Graph::recurrent_with); [`Argument`](Error::Argument) if the layers are
    /// bidirectional, since the reverse direction would start at the end of the sequence.
    pub fn recurrent_carried(
        &mut self,
        x: Value,
        layers: &Recurrent,
        lengths: Option<Value>,
    ) -> Result<RecurrentValues> {
        if layers.directions() != 1 {
            return Err(Error::argument(
                "the layers that carry a state",
                "of one direction",
                "bidirectional ones",
            ));
        }
        // On error, the graph stays as it was.
        let mut graph = self.clone();
        let mut initial = Vec::new();
        for layer in 0..layers.count() {
            let name = format!("layers.{}.state_l{layer}", graph.layers);
            initial.push(graph.named_input(&name, layers.state_shape())?);
        }
        let values = graph.recurrent_with(x, layers, &initial, lengths)?;
        for (&input, &next) in initial.iter().zip(&values.state) {
            graph.carry(input, next)?;
        }
        *self = graph;
        Ok(values)
    }

    /// The input that a value is only another form of.
    fn source(&self, mut value: Value) -> Option<usize> {
        loop {
            value = match self.op(value) {
                Op::Input(input) => return Some(input.number),
                Op::Reshape(reshape) => reshape.x,
                op => op.alias(true)?,
            };
        }
    }
}
