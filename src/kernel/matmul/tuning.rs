//! Choices of kernels that were measured: plain data, and its text.

use super::{Blocking, Layout, Matmul};
use crate::error::clip;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;

/// The first line of the text.
const HEADER: &str = "wgrad tuning 1";

/// Which way of computing a matrix product is fastest, for each shape that was measured on one adapter.
///
/// Nothing is ever measured unasked: without a tuning the choice is a function of the shape. A tuning is made by
/// [`Trainer::tune`](crate::Trainer::tune) or [`Network::tune`](crate::Network::tune), kept in a file, and given to
/// [`GpuOptions::tuning`](crate::GpuOptions::tuning). Shapes that it does not hold are computed as without it.
///
/// Ways differ in the order of their sums, so results under a tuning differ from those without by rounding. They are the
/// same bits, run after run, under the same tuning. A [`Trainer`](crate::Trainer)'s checkpoint names what the tuning
/// chose, and is refused under other choices.
///
/// Its [`Display`](fmt::Display) form is the file: a heading, the adapter, and a line for each product, with layout, M, N,
/// K and the way. The way is `direct`, or the rows × columns of the result that a workgroup computes, × the invocations
/// that share each part of it along K.
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
    choices: BTreeMap<Product, Blocking>,
}

/// Layout, M, N, K.
type Product = (Layout, [usize; 3]);

impl Tuning {
    /// No choices yet, for an adapter as its report names it.
    pub(crate) fn new(adapter: &str) -> Self {
        Tuning {
            adapter: one_line(adapter),
            choices: BTreeMap::new(),
        }
    }

    /// The text of a file, read strictly. `file` stands in errors.
    ///
    /// # Errors
    /// [`Format`](Error::Format), with the number of the line, if it is not as [`Display`](fmt::Display) writes it; the
    /// order of the products does not matter.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let bad = |line: usize, problem: String| {
            Error::format(file, format!("line {}: {problem}", line + 1))
        };
        let mut lines = text.lines().enumerate();
        let mut next = |wanted: &str| {
            let (number, line) = lines.next().unwrap_or((text.lines().count(), ""));
            let rest = line.strip_prefix(wanted);
            rest.ok_or_else(|| {
                let found = clip(line);
                bad(number, format!("expected {wanted:?}, found \"{found}\""))
            })
        };
        let rest = next(HEADER)?;
        if !rest.is_empty() {
            return Err(bad(0, format!("\"{}\" after {HEADER:?}", clip(rest))));
        }
        let mut tuning = Tuning::new(next("adapter ")?);
        for (number, line) in lines {
            let (product, blocking) = choice(line).map_err(|problem| bad(number, problem))?;
            if tuning.choices.insert(product, blocking).is_some() {
                return Err(bad(
                    number,
                    format!("a second choice for \"{}\"", clip(line)),
                ));
            }
        }
        Ok(tuning)
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

    /// Adds the choices of another tuning for the same adapter, for programs with several networks. Where both have one for
    /// a product, the other's stays.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if it is for another adapter.
    pub fn merge(&mut self, other: &Tuning) -> Result<()> {
        other.check_adapter(&self.adapter)?;
        self.choices.extend(&other.choices);
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

    pub(crate) fn get(&self, call: &Matmul) -> Option<Blocking> {
        self.choices.get(&product(call)).copied()
    }

    pub(crate) fn set(&mut self, call: &Matmul, blocking: Blocking) {
        self.choices.insert(product(call), blocking);
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
        let line = |(&(layout, [m, n, k]), blocking): (&Product, &Blocking)| {
            format!("{layout:?} {m} {n} {k} {blocking}\n")
        };
        choices.map(line).collect()
    }
}

fn product(call: &Matmul) -> Product {
    (call.layout, [call.m, call.n, call.k])
}

/// A line of the file, or what is wrong with it.
fn choice(line: &str) -> std::result::Result<(Product, Blocking), String> {
    let fields: Vec<&str> = line.split(' ').collect();
    let &[layout, m, n, k, blocking] = fields.as_slice() else {
        return Err(format!(
            "expected a layout, M, N, K and a way with single spaces between, found \"{}\"",
            clip(line)
        ));
    };
    let named = |of: &Layout| format!("{of:?}") == layout;
    let layout = Layout::ALL.into_iter().find(named);
    let layout =
        layout.ok_or_else(|| format!("expected NN, NT or TN, found \"{}\"", clip(fields[0])))?;
    let number = |text: &str| {
        // As it is written here: no sign, no zeros in front.
        let parsed = text.parse::<usize>().ok();
        let parsed = parsed.filter(|number| number.to_string() == text);
        parsed.ok_or_else(|| format!("expected a number, found \"{}\"", clip(text)))
    };
    let shape = [number(m)?, number(n)?, number(k)?];
    let blocking = Blocking::named(blocking).ok_or_else(|| {
        let ways = Blocking::all().map(|way| way.to_string());
        let ways = ways.collect::<Vec<_>>().join(", ");
        format!("expected a way ({ways}), found \"{}\"", clip(blocking))
    })?;
    Ok(((layout, shape), blocking))
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
