//! Recurrent layers as tensor calls.

use super::calls::expect;
use super::{Tensor, same_device};
use crate::device::Operand;
use crate::kernel::{
    Cell, Layout, MaskRows, MatrixShape, RecurrentBackward, RecurrentForward, Sequence,
};
use crate::{Error, Result};

/// A recurrent layer in one direction, for [`Tensor::recurrent`]: its weights, and the settings of a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecurrentLayer<'a> {
    /// The cell.
    pub cell: Cell,
    /// Input weights W, [G·H, D] for the cell's G gates, in PyTorch's order (`weight_ih_l0`).
    pub input_weight: &'a Tensor,
    /// Recurrent weights V, [G·H, H] (`weight_hh_l0`).
    pub recurrent_weight: &'a Tensor,
    /// Their biases, [1, G·H] each (`bias_ih_l0` and `bias_hh_l0`).
    pub biases: Option<[&'a Tensor; 2]>,
    /// The initial state, [B, 1, H], or h and c of an LSTM, [B, 2, H]; 0 by default.
    pub initial: Option<&'a Tensor>,
    /// The number of steps of each sample, from 0 to T; T by default.
    pub lengths: Option<&'a [usize]>,
    /// Whether the sequence is read in reverse, each sample from the end of its length.
    pub reverse: bool,
}

impl<'a> RecurrentLayer<'a> {
    /// A layer of these weights without biases, from a state of 0, over all steps, forward.
    pub fn new(cell: Cell, input_weight: &'a Tensor, recurrent_weight: &'a Tensor) -> Self {
        RecurrentLayer {
            cell,
            input_weight,
            recurrent_weight,
            biases: None,
            initial: None,
            lengths: None,
            reverse: false,
        }
    }
}

/// Result of [`Tensor::recurrent`].
#[derive(Debug)]
#[non_exhaustive]
pub struct RecurrentOutput {
    /// The outputs h, [B, T, H]; 0 past the length of a sample.
    pub y: Tensor,
    /// The state after the last step of each sample, [B, 1, H], or h and c of an LSTM, [B, 2, H].
    pub state: Tensor,
    /// The state before each step, [B·T, H].
    before: Option<Tensor>,
    /// Saved values of the cell.
    saved: Option<Tensor>,
    /// The lengths, as floats.
    lengths: Option<Tensor>,
}

/// Gradients of [`Tensor::recurrent_backward`].
#[derive(Debug)]
#[non_exhaustive]
pub struct RecurrentGradients {
    /// Gradient of the input, [B, T, D]; 0 past the length of a sample.
    pub dx: Tensor,
    /// Gradient of the input weights, [G·H, D].
    pub dinput_weight: Tensor,
    /// Gradient of the recurrent weights, [G·H, H].
    pub drecurrent_weight: Tensor,
    /// Gradients of the biases, [1, G·H] each. They are computed even for a layer without biases.
    pub dbiases: [Tensor; 2],
    /// Gradient of the initial state, with its shape. It is computed even where the initial state is 0.
    pub dinitial: Tensor,
}

impl Tensor {
    /// A recurrent layer over a batch of sequences x (`self`), [B, T, D]. The formulas are those of [`Cell`]. It takes
    /// one call for the inputs of all steps, then one per step, or one for many steps up to 64 units, as
    /// [`Graph::recurrent_with`](crate::Graph::recurrent_with) explains.
    ///
    /// ```
    /// use wgrad::{Cell, Device, RecurrentLayer, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let x = Tensor::new(&device, [1, 3, 1], &[1.0, 1.0, 1.0])?;
    /// let one = Tensor::new(&device, [1, 1], &[1.0])?;
    /// let layer = RecurrentLayer::new(Cell::Relu, &one, &one); // h = max(0, x + h)
    /// let output = x.recurrent(&layer)?;
    /// assert_eq!(output.y.download()?, [1.0, 2.0, 3.0]);
    /// assert_eq!(output.state.download()?, [3.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, x is no batch of sequences, or it has no time step;
    /// [`Argument`](Error::Argument) if a length is above T.
    pub fn recurrent(&self, layer: &RecurrentLayer<'_>) -> Result<RecurrentOutput> {
        let sequence = self.sequence("recurrent", layer)?;
        let RecurrentLayer { cell, .. } = *layer;
        let (device, hidden) = (&self.device, sequence.hidden);
        let [batch, steps] = [sequence.batch, sequence.steps];
        let lengths = self.lengths(layer)?;
        let inputs = self.matmul(layer.input_weight, Layout::NT)?;
        let inputs = match layer.biases {
            Some([bias, _]) => inputs.bias_add(bias)?,
            None => inputs,
        };
        let mut y = Tensor::room(device, sequence.outputs())?.with_dims(vec![batch, steps, hidden]);
        let states = MatrixShape::new(batch * cell.states(), hidden);
        let dims = vec![batch, cell.states(), hidden];
        let mut state = Tensor::room(device, states)?.with_dims(dims);
        let saved_shape = MatrixShape::new(batch * steps, Sequence::saved_cols(cell, hidden));
        let mut saved = match cell.saved() {
            0 => None,
            _ => Some(Tensor::room(device, saved_shape)?),
        };
        let mut before = match cell.saved() {
            0 => Some(Tensor::room(device, sequence.outputs())?),
            _ => None,
        };
        let lstm = cell == Cell::Lstm;
        for steps in sequence.forward_calls() {
            let mut operands = vec![
                Operand::Read(&inputs.memory),
                Operand::Read(&layer.recurrent_weight.memory),
            ];
            let bias = layer.biases.map(|[_, bias]| bias);
            for optional in [bias, layer.initial, lengths.as_ref()] {
                operands.extend(optional.map(|tensor| Operand::Read(&tensor.memory)));
            }
            operands.push(Operand::Write(&mut y.memory));
            operands.extend(
                saved
                    .as_mut()
                    .map(|saved| Operand::Write(&mut saved.memory)),
            );
            operands.extend(
                before
                    .as_mut()
                    .map(|before| Operand::Write(&mut before.memory)),
            );
            operands.push(Operand::Write(&mut state.memory));
            let call = RecurrentForward {
                sequence,
                steps,
                before: cell.saved() == 0,
                last: !lstm,
                state: lstm,
            };
            device.run(call, &mut operands)?;
        }
        Ok(RecurrentOutput {
            y,
            state,
            before,
            saved,
            lengths,
        })
    }

    /// Gradients of [`recurrent`](Tensor::recurrent) from the gradient of its outputs, dy (`self`), its input x, its
    /// output, and the gradient of the state after the last step, if it has one.
    ///
    /// # Errors
    /// Those of [`recurrent`](Tensor::recurrent), and [`Argument`](Error::Argument) if the output is of a layer with
    /// another cell, or with lengths where this one has none.
    pub fn recurrent_backward(
        &self,
        layer: &RecurrentLayer<'_>,
        x: &Tensor,
        output: &RecurrentOutput,
        dstate: Option<&Tensor>,
    ) -> Result<RecurrentGradients> {
        let name = "recurrent_backward";
        let sequence = x.sequence(name, layer)?;
        let RecurrentLayer { cell, .. } = *layer;
        let (device, lstm) = (&self.device, cell == Cell::Lstm);
        expect(name, "dy", self.shape, sequence.outputs())?;
        expect(name, "y", output.y.shape, sequence.outputs())?;
        let states = MatrixShape::new(sequence.batch * cell.states(), sequence.hidden);
        if let Some(dstate) = dstate {
            expect(name, "the gradient of the state", dstate.shape, states)?;
            same_device(name, device, &[dstate])?;
        }
        same_device(name, device, &[x, &output.y])?;
        let saved = cell.saved() > 0;
        if saved != output.saved.is_some() || layer.lengths.is_some() != output.lengths.is_some() {
            let what = "the output of a recurrent layer";
            return Err(Error::argument(what, "of this layer", "of another"));
        }
        let saved = output.saved.as_ref().unwrap_or(&output.y);
        let lengths = output.lengths.as_ref();
        let mut dz = Tensor::room(device, sequence.gates())?;
        let mut carry = Tensor::room(device, sequence.vectors())?;
        let mut of_inputs = match cell {
            Cell::Gru => Some(Tensor::room(device, sequence.gates())?),
            _ => None,
        };
        let (dlast, of_state) = (dstate.filter(|_| !lstm), dstate.filter(|_| lstm));
        let mut call = RecurrentBackward {
            sequence,
            steps: 0..0,
            dy: true,
            dlast: dlast.is_some(),
            dstate: of_state.is_some(),
            masked: 0,
        };
        let weight = layer.recurrent_weight;
        for steps in sequence.backward_calls() {
            let initial = layer.initial.filter(|_| lstm);
            let mut operands = Vec::new();
            for optional in [
                Some(self),
                dlast,
                of_state,
                initial,
                lengths,
                Some(weight),
                Some(saved),
            ] {
                operands.extend(optional.map(|tensor| Operand::Read(&tensor.memory)));
            }
            operands.push(Operand::Write(&mut dz.memory));
            if cell.carries() {
                operands.push(Operand::Write(&mut carry.memory));
            }
            operands.extend(
                of_inputs
                    .as_mut()
                    .map(|tensor| Operand::Write(&mut tensor.memory)),
            );
            call.steps = steps;
            device.run(call.clone(), &mut operands)?;
        }
        let dims = vec![sequence.batch, cell.states(), sequence.hidden];
        let mut dinitial = Tensor::room(device, states)?.with_dims(dims);
        let mut operands = Vec::new();
        let carry = Some(&carry).filter(|_| cell.carries());
        for optional in [dlast, of_state, lengths, Some(weight), Some(&dz), carry] {
            operands.extend(optional.map(|tensor| Operand::Read(&tensor.memory)));
        }
        operands.push(Operand::Write(&mut dinitial.memory));
        call = RecurrentBackward {
            steps: 0..0,
            dy: false,
            ..call
        };
        device.run(call, &mut operands)?;
        let dinputs = of_inputs.as_ref().unwrap_or(&dz);
        let before = match &output.before {
            Some(before) => before,
            // Saved values are there if `before` is not.
            None => &saved.slice_columns(Sequence::before_columns(cell, sequence.hidden))?,
        };
        // 0·NaN is NaN, so what x holds past the lengths may not meet the zeros of dz.
        let masked = match lengths {
            None => None,
            Some(lengths) => {
                let call = MaskRows {
                    shape: x.shape,
                    steps: sequence.steps,
                };
                Some(Tensor::call(name, call, &[x, lengths], x.shape)?)
            }
        };
        let dx = dinputs.matmul(layer.input_weight, Layout::NN)?;
        Ok(RecurrentGradients {
            dx: dx.with_dims(x.dims.clone()),
            dinput_weight: dinputs.matmul(masked.as_ref().unwrap_or(x), Layout::TN)?,
            drecurrent_weight: dz.matmul(before, Layout::TN)?,
            dbiases: [dinputs.column_sum()?, dz.column_sum()?],
            dinitial,
        })
    }

    /// The shape of a call, after checks of all operands.
    fn sequence(&self, name: &'static str, layer: &RecurrentLayer<'_>) -> Result<Sequence> {
        let (batch, steps, inputs) = match self.dims[..] {
            [batch, steps, inputs] if steps > 0 => (batch, steps, inputs),
            _ => {
                let expected = "a batch of sequences [B, T, D] with at least one time step";
                return Err(Error::shape(name, expected, format!("{:?}", self.dims)));
            }
        };
        let RecurrentLayer { cell, .. } = *layer;
        let hidden = layer.recurrent_weight.shape.cols;
        if hidden == 0 {
            let found = "recurrent weights without columns";
            return Err(Error::shape(name, "at least one unit", found));
        }
        let rows = cell.gates() * hidden;
        let shape = MatrixShape::new;
        expect(
            name,
            "input weights",
            layer.input_weight.shape,
            shape(rows, inputs),
        )?;
        expect(
            name,
            "recurrent weights",
            layer.recurrent_weight.shape,
            shape(rows, hidden),
        )?;
        let mut others = vec![layer.input_weight, layer.recurrent_weight];
        for bias in layer.biases.iter().flatten() {
            expect(name, "bias", bias.shape, shape(1, rows))?;
            others.push(bias);
        }
        if let Some(initial) = layer.initial {
            let states = [batch, cell.states(), hidden];
            if initial.dims != states {
                let expected = format!("an initial state {states:?}");
                return Err(Error::shape(name, expected, format!("{:?}", initial.dims)));
            }
            others.push(initial);
        }
        if let Some(lengths) = layer.lengths {
            if lengths.len() != batch {
                let expected = format!("{batch} lengths, one per sample");
                return Err(Error::shape(
                    name,
                    expected,
                    format!("{} lengths", lengths.len()),
                ));
            }
            if let Some(&length) = lengths.iter().find(|&&length| length > steps) {
                let expected = format!("from 0 to {steps}, the number of time steps");
                return Err(Error::argument(
                    "the length of a sequence",
                    expected,
                    length,
                ));
            }
        }
        same_device(name, &self.device, &others)?;
        let widest = rows.max(Sequence::saved_cols(cell, hidden));
        super::element_count(batch * steps, widest)?;
        Ok(Sequence {
            cell,
            batch,
            steps,
            hidden,
            reverse: layer.reverse,
            bias: layer.biases.is_some(),
            initial: layer.initial.is_some(),
            lengths: layer.lengths.is_some(),
        })
    }

    /// The lengths of the samples as floats.
    fn lengths(&self, layer: &RecurrentLayer<'_>) -> Result<Option<Tensor>> {
        let Some(lengths) = layer.lengths else {
            return Ok(None);
        };
        let floats: Vec<f32> = lengths.iter().map(|&length| length as f32).collect();
        Tensor::new(&self.device, [lengths.len(), 1], &floats).map(Some)
    }
}
