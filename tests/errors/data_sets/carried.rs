//! States that cannot be carried from step to step.

use super::{assert_refused, cpu};
use wgrad::{Graph, Init, Trainer};

#[test]
fn states_that_cannot_be_carried_are_refused() {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [3, 2]).unwrap();
    let lengths = graph.lengths("l", x).unwrap();
    let h = graph.named_input("h", 4).unwrap();
    let other = graph.named_input("other", 4).unwrap();
    let gru = graph.recurrent(x, &wgrad::Recurrent::gru(4)).unwrap();
    let targets = graph.targets(4).unwrap();
    let made = graph.add(targets, other).unwrap();
    let still = graph.dropout(other, 0.5).unwrap();
    let both_ways = wgrad::Recurrent::gru(4).bidirectional();
    for (name, found, kind, part) in [
        (
            "no input",
            graph.carry(gru.last, gru.last),
            "Argument",
            "an input of the graph",
        ),
        (
            "lengths",
            graph.carry(lengths, lengths),
            "Argument",
            "other than lengths",
        ),
        (
            "with lengths",
            graph.carry(x, x),
            "Argument",
            "other than lengths",
        ),
        ("itself", graph.carry(h, h), "Argument", "a computed value"),
        (
            "another shape",
            graph.carry(h, gru.all),
            "Shape",
            "[batch, 4]",
        ),
        (
            "targets",
            graph.carry(h, made),
            "Argument",
            "not made of targets",
        ),
        (
            "both ways",
            graph.recurrent_carried(x, &both_ways, None).map(|_| ()),
            "Argument",
            "one direction",
        ),
    ] {
        assert_refused(name, found, kind, &[part]);
    }
    graph.carry(h, gru.last).unwrap();
    assert_refused(
        "twice",
        graph.carry(h, gru.last),
        "Argument",
        &["a second for h"],
    );
    // Without dropout, as in evaluation, it is an input again: allowed, as long as that one is not carried too.
    let mut swapped = graph.clone();
    swapped
        .carry(other, still)
        .expect_err("an input of its own");
    let next = graph.add(h, gru.last).unwrap();
    graph.carry(other, next).unwrap();
    let y = graph.dense(gru.last, 2, Init::default()).unwrap();
    let mut trainer = Trainer::builder(graph.build(y, cpu(), 1).unwrap())
        .build()
        .unwrap();
    assert_refused(
        "no state",
        trainer.state("x"),
        "Argument",
        &["carries one", "\"x\""],
    );
    assert_eq!(trainer.state("other").unwrap().len(), 64 * 4);
}
