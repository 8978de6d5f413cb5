//! Text format of tunings, with their choices of [`Algorithm`].

use super::algorithm::Algorithm;
use super::call::Matmul;
use crate::error::clip;
use crate::kernel::base::product::Layout;
use crate::kernel::base::tuning::{HEADER, Product, Tuning};
use crate::{Error, Result};

impl Tuning {
    /// Parses the text of a tuning file strictly. `file` is the file's name in errors.
    ///
    /// # Errors
    /// [`Format`](Error::Format), with the line number, if the text differs from the [`Display`](std::fmt::Display)
    /// form; the products may be in any order.
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
            let (product, algorithm) = choice(line).map_err(|problem| bad(number, problem))?;
            if tuning.set(product, algorithm.to_string()) {
                return Err(bad(
                    number,
                    format!("a second choice for \"{}\"", clip(line)),
                ));
            }
        }
        Ok(tuning)
    }

    /// The tuning's choice for a product, if any.
    pub(crate) fn algorithm(&self, call: &Matmul) -> Option<Algorithm> {
        Algorithm::named(self.get(&product(call))?)
    }

    /// Sets the choice for a product.
    pub(crate) fn choose(&mut self, call: &Matmul, algorithm: Algorithm) {
        self.set(product(call), algorithm.to_string());
    }
}

fn product(call: &Matmul) -> Product {
    (call.layout, [call.m, call.n, call.k], call.matrices())
}

/// Parses a line of the file; the error is a description of the problem.
fn choice(line: &str) -> std::result::Result<(Product, Algorithm), String> {
    let fields: Vec<&str> = line.split(' ').collect();
    let (layout, [m, n, k], matrices, algorithm) = match *fields.as_slice() {
        [layout, m, n, k, algorithm] => (layout, [m, n, k], None, algorithm),
        [layout, m, n, k, matrices, algorithm] => (layout, [m, n, k], Some(matrices), algorithm),
        _ => {
            return Err(format!(
                "expected a layout, M, N, K, the number of products if it is not 1, and an algorithm, separated by \
                 single spaces, found \"{}\"",
                clip(line)
            ));
        }
    };
    let named = |of: &Layout| format!("{of:?}") == layout;
    let layout = Layout::ALL.into_iter().find(named);
    let layout =
        layout.ok_or_else(|| format!("expected NN, NT or TN, found \"{}\"", clip(fields[0])))?;
    let number = |text: &str| {
        // Only the form that is written here: no sign, no leading zeros.
        let parsed = text.parse::<usize>().ok();
        let parsed = parsed.filter(|number| number.to_string() == text);
        parsed.ok_or_else(|| format!("expected a number, found \"{}\"", clip(text)))
    };
    let shape = [number(m)?, number(n)?, number(k)?];
    let matrices = match matrices.map(number).transpose()? {
        Some(1) => return Err("expected no number of products for one product, found 1".into()),
        matrices => matrices.unwrap_or(1),
    };
    let algorithm = Algorithm::named(algorithm).ok_or_else(|| {
        let algorithms = Algorithm::all().map(|algorithm| algorithm.to_string());
        let algorithms = algorithms.collect::<Vec<_>>().join(", ");
        format!(
            "expected an algorithm ({algorithms}), found \"{}\"",
            clip(algorithm)
        )
    })?;
    Ok(((layout, shape, matrices), algorithm))
}
