//! Phases: alternating kinds of steps.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::oracle::widen;
use super::{FEATURES, data};
use wgrad::{
    Activation, Adam, Device, Error, Graph, Init, Layout, Loss, LossTarget, Network, Phase, Sgd,
    Trainer,
};

/// Two players: `g.w` makes something of the samples, `d.w` judges it and the samples.
fn players(device: &Device) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(FEATURES).unwrap();
    let g = graph
        .parameter("g.w", [FEATURES, FEATURES], Init::XavierNormal)
        .unwrap();
    let d = graph
        .parameter("d.w", [1, FEATURES], Init::XavierNormal)
        .unwrap();
    let made = graph.matmul(x, g, Layout::NT).unwrap();
    let made = graph.activation(made, Activation::Tanh).unwrap();
    let real = graph.matmul(x, d, Layout::NT).unwrap();
    let fake = graph.matmul(made, d, Layout::NT).unwrap();
    for (name, judged, truth) in [
        ("real", real, 1.0),
        ("fake", fake, 0.0),
        ("fooled", fake, 1.0),
    ] {
        let loss = Loss::binary_cross_entropy_with_logits();
        graph
            .loss(name, &[judged], LossTarget::Constant(truth), loss)
            .unwrap();
    }
    graph.build(made, device, 4).unwrap()
}

fn judge() -> Phase {
    Phase::new(Sgd::new(0.5))
        .loss("real")
        .loss("fake")
        .train("d.")
}

fn maker() -> Phase {
    Phase::new(Adam::new(0.01)).loss("fooled").train("g.")
}

#[test]
fn each_phase_trains_its_own_parameters_on_its_own_losses() {
    let data = data(32);
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(players(device))
            .phase(judge())
            .phase(maker())
            .batch_size(8)
            .build()
            .unwrap();
        let read = |trainer: &mut Trainer| {
            ["g.w", "d.w"].map(|name| trainer.network().parameter(name).unwrap())
        };
        let mut before = read(&mut trainer);
        for step in 0..6 {
            let report = trainer.steps(&data, 1).unwrap();
            let after = read(&mut trainer);
            let (still, moved) = if step % 2 == 0 { (0, 1) } else { (1, 0) };
            assert_same_bits("still", &before[still], &after[still]);
            assert_ne!(before[moved], after[moved]);
            let terms: Vec<bool> = report
                .terms
                .iter()
                .map(|term| term.loss.is_some())
                .collect();
            assert_eq!(terms, [step % 2 == 0, step % 2 == 0, step % 2 == 1]);
            before = after;
        }
    }
}

#[test]
fn a_phase_of_adam_counts_its_own_updates() {
    // The maker alone, with the judge frozen: what the maker does in phases if the judge learns nothing.
    let data = data(32);
    for device in [cpu(), gpu()] {
        let still = Phase::new(Sgd::new(0.0)).loss("real").train("d.");
        let mut in_turn = Trainer::builder(players(device))
            .phase(still)
            .phase(maker())
            .batch_size(32)
            .shuffle(false)
            .build()
            .unwrap();
        let mut alone = Trainer::builder(players(device))
            .phase(maker())
            .batch_size(32)
            .shuffle(false)
            .build()
            .unwrap();
        in_turn.steps(&data, 10).unwrap();
        alone.steps(&data, 5).unwrap();
        let found = in_turn.network().parameter("g.w").unwrap();
        let expected = alone.network().parameter("g.w").unwrap();
        assert_close("g.w", &found, &widen(&expected), Tolerance::absolute(1e-6));
        assert_eq!(in_turn.learning_rate(1), 0.01);
        assert_eq!(in_turn.learning_rate(0), 0.0);
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_named_by_the_phase_it_is_of() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.input(FEATURES).unwrap();
        let g = graph
            .parameter("g.w", [2, FEATURES], Init::Constant(1e-39))
            .unwrap();
        let d = graph.parameter("d.w", [1, 2], Init::Constant(1.0)).unwrap();
        let made = graph.matmul(x, g, Layout::NT).unwrap();
        let made = graph.activation(made, Activation::Tanh).unwrap();
        let judged = graph.matmul(made, d, Layout::NT).unwrap();
        let loss = Loss::half_squared_error();
        for name in ["a", "b"] {
            graph
                .loss(name, &[judged], LossTarget::Constant(9.0), loss.clone())
                .unwrap();
        }
        let network = graph.build(judged, device, 1).unwrap();
        let phase = |name, train| Phase::new(Sgd::new(0.0)).loss(name).train(train);
        let mut trainer = Trainer::builder(network)
            .phase(phase("a", "d."))
            .phase(phase("b", "g."))
            .build()
            .unwrap();
        // Samples so large that only what is multiplied with them overflows.
        let x = [3e38; 4 * FEATURES];
        trainer.step(&x, ()).unwrap();
        let result = trainer.step(&x, ());
        let Err(Error::NonFinite { step: 1, tensor }) = &result else {
            panic!("{result:?}");
        };
        assert_eq!(tensor, "the gradient of g.w");
    }
}

#[test]
fn phases_share_no_moments() {
    let build = |first: Phase, second: Phase| {
        Trainer::builder(players(cpu()))
            .phase(first)
            .phase(second)
            .build()
            .map(drop)
    };
    let adam = || Phase::new(Adam::new(0.1));
    let refused = build(adam().loss("real"), adam().loss("fake"));
    assert!(
        matches!(refused, Err(Error::Argument { .. })),
        "{refused:?}"
    );
    build(adam().loss("real"), Phase::new(Sgd::new(0.1)).loss("fake")).unwrap();
}

#[test]
fn names_that_nothing_has_are_refused() {
    let build = |phase| {
        Trainer::builder(players(cpu()))
            .phase(phase)
            .build()
            .map(drop)
    };
    for phase in [
        Phase::new(Sgd::new(0.1)).loss("nothing"),
        Phase::new(Sgd::new(0.1)).train("h."),
        // Its loss does not depend on what it trains.
        Phase::new(Sgd::new(0.1)).loss("real").train("g."),
        Phase::new(Sgd::new(-1.0)),
        Phase::new(Sgd::new(0.1)).loss("real").loss("real"),
    ] {
        let refused = build(phase.clone());
        assert!(matches!(refused, Err(Error::Argument { .. })), "{phase:?}");
    }
    let both = Trainer::builder(players(cpu()))
        .phase(judge())
        .phase(maker());
    assert!(matches!(
        both.accumulate(2).build(),
        Err(Error::Argument { .. })
    ));
}
