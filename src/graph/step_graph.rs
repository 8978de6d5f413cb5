//! Step graphs: a causal network of tokens with one time step in each row, for generating token by token.

mod steps;

use super::op::Op;
use super::{Graph, Init, Parameter, Value};
use crate::Result;
use crate::kernel::attention::Heads;
use steps::{Form, Steps, refused};

/// A graph whose rows are time steps instead of sequences. It has two inputs, a token and its position, and the
/// parameters and constants of the graph that it comes from. Attention has become [`CachedAttention`].
#[derive(Clone, Debug)]
pub(crate) struct StepGraph {
    pub(crate) graph: Graph,
    /// Output of a time step, [batch, 1, …].
    pub(crate) output: Value,
    /// Time steps of a sequence.
    pub(crate) length: usize,
    /// Tokens are below this number.
    pub(crate) vocabulary: usize,
}

impl Graph {
    /// The step graph of a causal network with this output.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if an operation is none that a time step can compute from itself and the ones
    /// before.
    pub(crate) fn step_graph(&self, output: Value) -> Result<StepGraph> {
        let needed = self.ancestors(std::iter::once(output));
        let [length, vocabulary] = self.tokens_of(&needed)?;
        let mut graph = Graph::new();
        let inputs = [
            graph.named_input("token", 1)?,
            graph.named_input("position", 1)?,
        ];
        for parameter in &self.parameters {
            let value = graph.add_operation(self.op(parameter.value).clone())?;
            graph.parameters.push(Parameter {
                value,
                // The values are copied.
                init: Init::Zeros,
                zero_row: None,
                ..parameter.clone()
            });
        }
        graph.constants.clone_from(&self.constants);
        let (graph, forms) = Steps::new(self, graph, inputs, length).add(&needed)?;
        match forms[output.0] {
            Form::Step(output) => Ok(StepGraph {
                graph,
                output,
                length,
                vocabulary,
            }),
            _ => Err(refused("an output without a row for each token")),
        }
    }

    /// Length of the sequence of tokens, and the size of its vocabulary.
    fn tokens_of(&self, needed: &[bool]) -> Result<[usize; 2]> {
        let mut read = self.inputs.iter().filter(|input| needed[input.flat.0]);
        let Some(input) = read.next() else {
            return Err(refused("an output that depends on no input"));
        };
        if let Some(other) = read.next() {
            let found = format!("the inputs {} and {}", input.name, other.name);
            return Err(refused(&found));
        }
        match (input.vocabulary, &input.sample.lengths()[..]) {
            (Some(vocabulary), &[length]) => Ok([length, vocabulary]),
            (Some(_), _) => {
                let found = format!("tokens {} instead of one sequence", input.sample);
                Err(refused(&found))
            }
            (None, _) => {
                let found = format!("the input {}, which no embedding reads", input.name);
                Err(refused(&found))
            }
        }
    }
}

impl StepGraph {
    /// Sets the number of samples, the new time steps of each, and the number of steps before them.
    pub(crate) fn set_steps(&mut self, samples: usize, steps: usize, past: usize) {
        for heads in self.heads_mut() {
            heads.samples = samples;
            heads.queries = steps;
            heads.causal = Some(past);
        }
    }

    fn heads_mut(&mut self) -> impl Iterator<Item = &mut Heads> {
        let nodes = self.graph.nodes.iter_mut();
        nodes.filter_map(|node| match &mut node.op {
            Op::CachedAttention(attention) => Some(&mut attention.heads),
            _ => None,
        })
    }

    /// The heads of each cache, in the order of the caches.
    pub(crate) fn caches(&self) -> impl Iterator<Item = &Heads> {
        let nodes = self.graph.nodes.iter();
        nodes.filter_map(|node| match &node.op {
            Op::CachedAttention(attention) => Some(&attention.heads),
            _ => None,
        })
    }
}
