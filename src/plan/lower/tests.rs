//! Plans as data, run on the CPU.

use super::*;
use crate::Activation;
use crate::executor::CpuExecutor;
use crate::graph::{Init, Supervision};
use crate::kernel::base::scale::norm;
use crate::kernel::base::state::{VALUES, state_at};
use crate::kernel::reduction::squares::PAIR;
use crate::kernel::{Layout, Loss, Optimizer, Sum};
use crate::optim::Adam;
use crate::plan::{Arena, Clock};

/// A graph of three layers, and its logits.
fn graph() -> (Graph, Value) {
    let mut graph = Graph::new();
    let mut h = graph.input(12).unwrap();
    for units in [16, 16] {
        h = graph.dense(h, units, Init::KaimingUniform).unwrap();
        h = graph.activation(h, Activation::Gelu).unwrap();
    }
    let logits = graph.dense(h, 3, Init::KaimingUniform).unwrap();
    (graph, logits)
}

/// The graph's arena, in segments that fit this limit, and its training plan.
fn plan(graph: &Graph, logits: Value, max_binding_bytes: u64) -> (Arena, Plan) {
    let sizes = graph.parameters.iter().map(|p| (p.name.clone(), p.shape));
    let arena = Arena::new(sizes, max_binding_bytes).unwrap();
    let plan = lower(&PlanSpec {
        graph,
        arena: &arena,
        output: logits,
        terms: &[Term::of_output(logits, Loss::default())],
        supervision: Supervision {
            labels: true,
            targets: false,
        },
        batch: 8,
        task: Task::Train(Training {
            terms: &[0],
            trained: &vec![true; graph.parameters.len()],
            moves: &vec![true; graph.running.len()],
            fixed: &vec![false; graph.running.len()],
            computed: &vec![true; graph.nodes.len()],
            optimizer: Adam::new(0.01).into(),
            gradient_norm: true,
            clip: None,
            grouped: false,
            phase: 0,
            accumulates: false,
            opens: true,
            updates: true,
            average: None,
            inspect: false,
            careful: false,
        }),
        gather: None,
        seed: 0,
        table_steps: 4,
        ring_batch: 8,
    });
    (arena, plan)
}

/// Three steps on the CPU: the number of segments, all parameters, and the squared norms of the gradients.
fn train(max_binding_bytes: u64) -> (usize, Vec<f32>, Vec<f64>) {
    let (graph, logits) = graph();
    let (arena, plan) = plan(&graph, logits, max_binding_bytes);
    let mut executor = CpuExecutor::<f32>::default();
    let id = executor.add(&plan).unwrap();
    let mut write = |role, offset, words: &[u32]| executor.write(role, offset, words).unwrap();
    for (number, (parameter, place)) in graph.parameters.iter().zip(&arena.places).enumerate() {
        let values = parameter
            .init
            .draw(1, number, parameter.shape, parameter.fans);
        let padded = place.shape.pad(&values);
        let role = Role::Parameters(place.segment);
        write(role, place.offset, bytemuck::cast_slice(&padded));
    }
    let x: Vec<f32> = (0..8 * 12).map(|i| (i as f32).sin()).collect();
    write(Role::Input(0), 0, bytemuck::cast_slice(&x));
    write(Role::Labels, 0, &[0, 1, 2, 0, 1, 2, 0, 1]);
    // Without a gather, the test writes the step's values.
    let mut state = state_at(0);
    let values = Optimizer::from(Adam::new(0.01)).step_values(1, 0.01);
    state[VALUES..][..4].copy_from_slice(&values.words());
    write(Role::State(Clock::Training), 0, &state);
    executor.run(&[id, id, id]).unwrap();

    let mut parameters = Vec::new();
    for place in &arena.places {
        let floats = executor.floats(Role::Parameters(place.segment));
        parameters.extend(
            place
                .shape
                .unpad(&floats[place.offset..][..place.shape.floats()]),
        );
    }
    let parts: usize = arena
        .segments
        .iter()
        .map(|&floats| Sum::parts(floats))
        .sum();
    let norms = executor.floats(Role::GradientNorms)[..3 * PAIR * parts].chunks(PAIR * parts);
    let norms = norms.map(norm::<f32>);
    (arena.segments.len(), parameters, norms.collect())
}

#[test]
fn cutting_the_arena_into_segments_changes_no_parameter() {
    let (one, whole, whole_norms) = train(u64::MAX);
    // Room for 256 floats a segment.
    let (several, cut, cut_norms) = train(256 * 12);
    assert!(one == 1 && several > 2, "{one} {several}");
    assert!(whole.iter().any(|&v| v != 0.0));
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&whole), bits(&cut));
    // The norm's partial sums follow the segments, so they may round differently.
    for (a, b) in whole_norms.iter().zip(&cut_norms) {
        assert!(*a > 0.0);
        approx::assert_relative_eq!(a, b, max_relative = 1e-5);
    }
}

#[test]
fn no_call_writes_a_buffer_that_it_also_reads() {
    let (graph, logits) = graph();
    let (_, plan) = plan(&graph, logits, u64::MAX);
    assert!(plan.calls.len() > 9);
    for call in &plan.calls {
        let bindings = call.kernel.bindings();
        let of = |is_written| {
            let used = bindings.iter().zip(&call.args);
            let used = used.filter(move |(binding, _)| binding.is_written() == is_written);
            used.map(|(_, arg)| arg.buffer).collect::<Vec<_>>()
        };
        let (read, written) = (of(false), of(true));
        let label = call.kernel.label();
        assert!(
            written.iter().all(|buffer| !read.contains(buffer)),
            "{label}"
        );
    }
}

/// An unrolled recurrent network: `steps` times the same weights, a bias, an activation, and a sum with the state.
fn unrolled(steps: usize) -> (Graph, Value) {
    let mut graph = Graph::new();
    let x = graph.input(4).unwrap();
    let weight = graph.parameter("w", [4, 4], Init::KaimingUniform).unwrap();
    let bias = graph.vector("b", 4, Init::Zeros).unwrap();
    let mut state = x;
    for _ in 0..steps {
        let h = graph.matmul(state, weight, Layout::NT).unwrap();
        let h = graph.bias_add(h, bias).unwrap();
        let h = graph.activation(h, Activation::Tanh).unwrap();
        state = graph.add(h, state).unwrap();
    }
    (graph, state)
}

/// Every pass reads each node a bounded number of times, so twice the nodes cost twice the reads.
#[test]
fn the_passes_over_a_graph_of_20_000_nodes_are_linear() {
    let cost = |steps| {
        let (graph, state) = unrolled(steps);
        let nodes = graph.nodes.len();
        let before = crate::graph::op::reads();
        let (_, plan) = plan(&graph, state, u64::MAX);
        (nodes, plan.calls.len(), crate::graph::op::reads() - before)
    };
    let (nodes, calls, reads) = cost(5_000);
    assert_eq!(nodes, 20_003);
    // Per step: two calls forward; backward the derivative, two products and a column sum, plus the sums of gradients.
    assert!(calls > 30_000 && calls < 50_000, "{calls}");
    assert!(reads < 60 * nodes, "{reads} reads of {nodes} nodes");
    let (_, half_calls, half_reads) = cost(2_500);
    assert!(calls.abs_diff(2 * half_calls) < 20, "{calls} {half_calls}");
    assert!(reads.abs_diff(2 * half_reads) < 200, "{reads} {half_reads}");
}
