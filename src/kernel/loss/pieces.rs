//! Shader source of a loss: the constants and pieces that a call needs.

use super::argmax;
use super::call::{Against, Output, RowLoss};
use crate::kernel::base::{Capabilities, matrix, row_reduce};

/// The loop around every criterion.
const SOURCE: &str = include_str!("../../../shaders/loss/loss.wgsl");
/// Running sums over long rows, in blocks.
pub(crate) const CHAIN: &str = include_str!("../../../shaders/loss/chain.wgsl");

/// Targets from labels: one-hot rows.
const LABELS: &str = include_str!("../../../shaders/loss/labels.wgsl");
/// Targets from a matrix, tested for NaN and infinity like the inputs.
const VALUES: &str = include_str!("../../../shaders/loss/values.wgsl");
/// One target for all elements, or none.
const CONSTANT: &str = include_str!("../../../shaders/loss/constant.wgsl");

/// Class weights of the columns.
const CLASS_WEIGHTS: &str = include_str!("../../../shaders/loss/class_weights.wgsl");
/// Class weights of criteria with two labels in every column.
const BINARY_WEIGHTS: &str = include_str!("../../../shaders/loss/binary_weights.wgsl");
/// Class weights that are all 1.
const NO_CLASS_WEIGHTS: &str = include_str!("../../../shaders/loss/no_class_weights.wgsl");

/// Gradients of the first, second and third input.
const FIRST: &str = include_str!("../../../shaders/loss/first_gradient.wgsl");
const SECOND: &str = include_str!("../../../shaders/loss/second_gradient.wgsl");
const THIRD: &str = include_str!("../../../shaders/loss/third_gradient.wgsl");
/// Losses of the rows.
const LOSSES: &str = include_str!("../../../shaders/loss/row_losses.wgsl");

/// Maximum number of terms that one invocation sums one after another.
const SHORT: usize = 64;

/// Empty definitions for calls that write no gradient, or no losses of rows.
const NO_FIRST: &str = "fn write_gradient(i: u32, value: vec4<f32>) {}\n";
const NO_SECOND: &str = "fn write_second_gradient(i: u32, value: vec4<f32>) {}\n";
const NO_THIRD: &str = "fn write_third_gradient(i: u32, value: vec4<f32>) {}\n";
const NO_LOSSES: &str = "fn write_loss(row: u32, loss: f32) {}\n";

/// `weight_of` a label and `weights_at` columns: the class weights, or 1 without class weights.
pub(crate) fn class_weights(any: bool) -> &'static str {
    if any { CLASS_WEIGHTS } else { NO_CLASS_WEIGHTS }
}

impl RowLoss {
    /// The `const` lines. The compiler removes the code that they switch off.
    pub(super) fn flags(&self, capabilities: &Capabilities) -> String {
        let labels = self.against == Against::Labels;
        let criterion = self.criterion;
        let spread = criterion.smooths() && !labels || criterion.is_smoothed();
        let mut flags = String::new();
        for (name, value) in [
            ("BINARY", criterion.is_binary(1)),
            ("CLOCK", self.clock),
            ("COUNTS", self.counts()),
            ("DENOMINATOR_READ", self.reads_denominator()),
            ("DIVIDES", self.divides()),
            ("GRADIENTS", self.output == Output::Gradients),
            ("IGNORES", labels && self.ignore.is_some()),
            ("LONG", row_reduce::turns(self.shape, capabilities) > SHORT),
            ("SCALED", self.scaled.is_some()),
            ("SPREAD", spread),
            ("TARGET_VALUES", self.against == Against::Values),
            ("WEIGHED_ROWS", self.weighs_rows()),
        ] {
            flags.push_str(&format!("const {name} = {value};\n"));
        }
        // Only 0, ½, 1 and −1, which have exact decimals.
        for (name, value) in [
            ("MIDDLE", self.middle()),
            ("OFF", criterion.off_target()),
            ("THRESHOLD", criterion.threshold()),
        ] {
            flags.push_str(&format!("const {name} = {value:?};\n"));
        }
        flags
    }

    pub(super) fn pieces(&self) -> Vec<&'static str> {
        let mut pieces = vec![matrix::SOURCE];
        pieces.extend(row_reduce::SOURCES);
        pieces.push(CHAIN);
        pieces.push(match self.against {
            Against::Labels => LABELS,
            Against::Values => VALUES,
            Against::Constant(_) | Against::Nothing => CONSTANT,
        });
        pieces.push(if self.class_weights && self.criterion.weighs_targets() {
            BINARY_WEIGHTS
        } else {
            class_weights(self.class_weights)
        });
        let inputs = self.criterion.inputs();
        let writes = |number| self.output == Output::Gradients && number <= inputs;
        for (number, source, none) in [
            (1, FIRST, NO_FIRST),
            (2, SECOND, NO_SECOND),
            (3, THIRD, NO_THIRD),
        ] {
            pieces.push(if writes(number) { source } else { none });
        }
        pieces.push(if self.output == Output::Rows {
            LOSSES
        } else {
            NO_LOSSES
        });
        pieces.push(argmax::SOURCE);
        pieces.extend(self.criterion.sources());
        pieces.push(SOURCE);
        pieces
    }
}
