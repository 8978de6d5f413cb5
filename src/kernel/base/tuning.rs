//! Tunings: measured choices of kernels, as plain data and as text.

use super::product::Layout;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;

/// The first line of the text.
pub(crate) const HEADER: &str = "wgrad tuning 1";

/// The fastest algorithm of the matrix product for each shape that was measured on one adapter.
///
/// wgrad measures only on request: without a tuning, the choice is a function of the shape.
/// [`Trainer::tune`](crate::Trainer::tune) or [`Network::tune`](crate::Network::tune) makes a tuning; it can be kept in
/// a file and passed to [`GpuOptions::tuning`](crate::GpuOptions::tuning). Shapes that are not in the tuning are
/// computed as without one.
///
/// Algorithms differ in the order of their sums, so results with a tuning differ from those without by rounding. Under
/// the same tuning, every run gives the same bits. A [`Trainer`](crate::Trainer)'s checkpoint records the tuning's
/// choices and is refused under other choices.
///
/// Its [`Display`](fmt::Display) form is the file: a heading, the adapter, and a line for each product, with layout,
/// M, N, K, the number of products if there are several, and the algorithm. The algorithm is `direct`, or the rows × columns of the result that a workgroup
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
    /// The chosen algorithm of each product, as text: see `matmul/algorithm.rs`.
    choices: BTreeMap<Product, String>,
}

/// Layout, M, N, K, and the number of products of a stack; 1 for a product of its own.
pub(crate) type Product = (Layout, [usize; 3], usize);

impl Tuning {
    /// An empty tuning for an adapter, named as in its report.
    pub(crate) fn new(adapter: &str) -> Self {
        Tuning {
            adapter: one_line(adapter),
            choices: BTreeMap::new(),
        }
    }

    /// The adapter that the tuning was measured on, with its driver.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Number of products with a choice.
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Whether the tuning has no choices.
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Adds the choices of another tuning for the same adapter, for programs with several networks. If both have a
    /// choice for a product, the other's choice is kept.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if `other` is for another adapter.
    pub fn merge(&mut self, other: &Tuning) -> Result<()> {
        other.check_adapter(&self.adapter)?;
        let others = other.choices.iter();
        self.choices
            .extend(others.map(|(product, choice)| (*product, choice.clone())));
        Ok(())
    }

    /// Refuses an adapter that the tuning was not made for.
    pub(crate) fn check_adapter(&self, adapter: &str) -> Result<()> {
        let adapter = one_line(adapter);
        if adapter == self.adapter {
            return Ok(());
        }
        let wanted = format!("{adapter}, the adapter in use");
        Err(Error::argument(
            "the adapter of a tuning",
            wanted,
            &self.adapter,
        ))
    }

    pub(crate) fn get(&self, product: &Product) -> Option<&str> {
        self.choices.get(product).map(String::as_str)
    }

    /// Sets the choice for a product, and returns whether it had one before.
    pub(crate) fn set(&mut self, product: Product, choice: String) -> bool {
        self.choices.insert(product, choice).is_some()
    }

    /// An identifier of the choices: their hash (FNV-1a, 64 bits), without the adapter.
    pub(crate) fn identity(&self) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in self.lines().into_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }

    fn lines(&self) -> String {
        let choices = self.choices.iter();
        let line = |(&(layout, [m, n, k], matrices), algorithm): (&Product, &String)| {
            let matrices = match matrices {
                1 => String::new(),
                _ => format!("{matrices} "),
            };
            format!("{layout:?} {m} {n} {k} {matrices}{algorithm}\n")
        };
        choices.map(line).collect()
    }
}

/// Joins the words of a text with single spaces: names of adapters and drivers are external text and must fit on one
/// line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEADER}\nadapter {}\n{}", self.adapter, self.lines())
    }
}
