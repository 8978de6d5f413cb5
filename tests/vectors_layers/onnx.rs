//! ONNX's node tests of layers, forward. Their runners are in tests/common/onnx.rs.

use super::each;
use crate::common::onnx::layer_operator;

/// Operators whose layers do not exist yet.
const LATER: &[&str] = &["Attention", "Gather"];

#[test]
fn operators_are_onnxs() {
    each("onnx", |case| {
        let op = case.file.text("op");
        match layer_operator(op) {
            Some(run) => {
                assert!(!LATER.contains(&op), "{op} exists");
                run(case.file, case.device);
            }
            None => assert!(LATER.contains(&op), "{}: no test of {op}", case.name),
        }
    });
}
