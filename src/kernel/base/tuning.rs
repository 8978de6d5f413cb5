//! Choices of kernels that were measured: plain data, and its text.

use super::product::Layout;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;

/// The first line of the text.
pub(crate) const HEADER: &str = "wgrad tuning 1";

/// The fastest algorithm of the matrix product for each shape that was measured on one adapter.
///
/// Nothing is ever measured unasked: without a tuning the choice is a function of the shape. A tuning is made by
/// [`Trainer::tune`](crate::Trainer::tune) or [`Network::tune`](crate::Network::tune), kept in a file, and given to
/// [`GpuOptions::tuning`](crate::GpuOptions::tuning). Shapes that it does not hold are computed as without it.
///
/// Algorithms differ in the order of their sums, so results under a tuning differ from those without by rounding. They
/// are the same bits, run after run, under the same tuning. A [`Trainer`](crate::Trainer)'s checkpoint names what the
/// tuning chose, and is refused under other choices.
///
/// Its [`Display`](fmt::Display) form is the file: a heading, the adapter, and a line for each product, with layout,
/// M, N, K and the algorithm. The algorithm is `direct`, or the rows × columns of the result that a workgroup
/// computes, × the invocations that share each part of it along K.
///
/// ```
/// let text = "wgrad tuning 1\nadapter Some GPU (discrete GPU, Vulkan, driver 1.2)\nNT 64 10 512 4x4x256\n";
/// let tuning = wgrad::Tuning::parse("the example", text)?;
/// assert_eq!((tuning.len(), tuning.to_string().as_str()), (1, text));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuning {
    adapter: String,
    /// The text of what was chosen: see `matmul/algorithm.rs`.
    choices: BTreeMap<Product, String>,
}

/// Layout, M, N, K.
pub(crate) type Product = (Layout, [usize; 3]);

impl Tuning {
    /// No choices yet, for an adapter as its report names it.
    pub(crate) fn new(adapter: &str) -> Self {
        Tuning {
            adapter: one_line(adapter),
            choices: BTreeMap::new(),
        }
    }

    /// The adapter that it was measured on, with its driver.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// How many products it has choices for.
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Whether it has no choice.
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Adds the choices of another tuning for the same adapter, for programs with several networks. Where both have
    /// one for a product, the other's stays.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if it is for another adapter.
    pub fn merge(&mut self, other: &Tuning) -> Result<()> {
        other.check_adapter(&self.adapter)?;
        let others = other.choices.iter();
        self.choices
            .extend(others.map(|(product, choice)| (*product, choice.clone())));
        Ok(())
    }

    /// Refuses an adapter that it was not made for.
    pub(crate) fn check_adapter(&self, adapter: &str) -> Result<()> {
        let adapter = one_line(adapter);
        if adapter == self.adapter {
            return Ok(());
        }
        let wanted = format!("{adapter}, which is to use it");
        Err(Error::argument(
            "the adapter of a tuning",
            wanted,
            &self.adapter,
        ))
    }

    pub(crate) fn get(&self, product: &Product) -> Option<&str> {
        self.choices.get(product).map(String::as_str)
    }

    /// Returns whether the product had a choice before.
    pub(crate) fn set(&mut self, product: Product, choice: String) -> bool {
        self.choices.insert(product, choice).is_some()
    }

    /// What tells its choices from others: a hash of them (FNV-1a, 64 bits). The adapter is not in it.
    pub(crate) fn identity(&self) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in self.lines().into_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }

    fn lines(&self) -> String {
        let choices = self.choices.iter();
        let line = |(&(layout, [m, n, k]), algorithm): (&Product, &String)| {
            format!("{layout:?} {m} {n} {k} {algorithm}\n")
        };
        choices.map(line).collect()
    }
}

/// Names of adapters and drivers come from outside; here they must take one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEADER}\nadapter {}\n{}", self.adapter, self.lines())
    }
}
