//! ONNX's node tests of layers, forward. Their runners are in tests/common/onnx.rs.

use super::each;
use crate::common::onnx::layer_operator;

#[test]
fn operators_are_onnxs() {
    each("onnx", |case| {
        let op = case.file.text("op");
        let run = layer_operator(op).unwrap_or_else(|| panic!("{}: no test of {op}", case.name));
        run(case.file, case.device);
    });
}
