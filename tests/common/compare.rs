//! Comparator of arrays, element by element. A mean or sum of errors would hide a few wrong elements.

/// An element passes if |actual − expected| ≤ max(relative · |expected|, absolute).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
}

impl Tolerance {
    pub(crate) const EXACT: Tolerance = Tolerance {
        relative: 0.0,
        absolute: 0.0,
    };

    #[allow(dead_code, reason = "not every test target compares so")]
    pub(crate) fn relative(relative: f64) -> Self {
        Tolerance {
            relative,
            absolute: 0.0,
        }
    }

    pub(crate) fn absolute(absolute: f64) -> Self {
        Tolerance {
            relative: 0.0,
            absolute,
        }
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        Tolerance {
            relative: factor * self.relative,
            absolute: factor * self.absolute,
        }
    }

    /// NaN matches NaN alone, an infinity only itself.
    fn accepts(self, actual: f64, expected: f64) -> bool {
        if expected.is_nan() {
            return actual.is_nan();
        }
        if !expected.is_finite() || !actual.is_finite() {
            return actual == expected;
        }
        (actual - expected).abs() <= self.limit(expected)
    }

    fn limit(self, expected: f64) -> f64 {
        (self.relative * expected.abs()).max(self.absolute)
    }
}

/// Compares with one tolerance for all elements. The error names the worst element and counts the bad ones.
pub(crate) fn compare(
    name: &str,
    actual: &[f32],
    expected: &[f64],
    tolerance: Tolerance,
) -> Result<(), String> {
    compare_each(name, actual, expected, |_| tolerance)
}

/// Compares with a tolerance for each index.
pub(crate) fn compare_each(
    name: &str,
    actual: &[f32],
    expected: &[f64],
    tolerance: impl Fn(usize) -> Tolerance,
) -> Result<(), String> {
    let (found, wanted) = (actual.len(), expected.len());
    if found != wanted {
        return Err(format!("{name}: {found} elements, expected {wanted}"));
    }
    // How many times its limit an element is off; infinite where the difference is no number.
    let excess = |i: usize| {
        let ratio = (f64::from(actual[i]) - expected[i]).abs()
            / tolerance(i).limit(expected[i]).max(1e-300);
        if ratio.is_nan() { f64::INFINITY } else { ratio }
    };
    let bad: Vec<usize> = (0..wanted)
        .filter(|&i| !tolerance(i).accepts(actual[i].into(), expected[i]))
        .collect();
    match bad
        .iter()
        .copied()
        .max_by(|&i, &j| excess(i).total_cmp(&excess(j)))
    {
        None => Ok(()),
        Some(i) => Err(format!(
            "{name}: {} of {wanted} elements are wrong, the worst at {i}: {:e}, expected {:e}, {:?}",
            bad.len(),
            actual[i],
            expected[i],
            tolerance(i),
        )),
    }
}

/// [`compare`], asserted.
#[track_caller]
pub(crate) fn assert_close(name: &str, actual: &[f32], expected: &[f64], tolerance: Tolerance) {
    compare(name, actual, expected, tolerance).unwrap_or_else(|error| panic!("{error}"));
}

/// [`compare_each`], asserted.
#[track_caller]
pub(crate) fn assert_each_close(
    name: &str,
    actual: &[f32],
    expected: &[f64],
    tolerance: impl Fn(usize) -> Tolerance,
) {
    compare_each(name, actual, expected, tolerance).unwrap_or_else(|error| panic!("{error}"));
}

/// Asserts the same bits.
#[track_caller]
pub(crate) fn assert_same_bits(name: &str, first: &[f32], second: &[f32]) {
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert!(bits(first) == bits(second), "{name}: two runs differ");
}
