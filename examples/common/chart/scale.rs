//! An axis: the range of values, and round numbers in it.

/// Maps values to positions on the axis: 0 at its start and 1 at its end.
pub(super) struct Scale {
    /// Logarithms, on a logarithmic axis.
    low: f64,
    high: f64,
    logarithmic: bool,
    pub(super) ticks: Vec<Tick>,
}

/// A value marked on an axis.
pub(super) struct Tick {
    pub(super) value: f64,
    /// The number, or 10 where there is an exponent.
    pub(super) text: String,
    pub(super) exponent: Option<String>,
}

impl Tick {
    pub(super) fn width(&self) -> f64 {
        let exponent = self.exponent.as_deref().unwrap_or_default();
        super::svg::width(&self.text) + super::svg::width(exponent)
    }
}

/// Most ticks of an axis.
const MAX_TICKS: f64 = 8.0;

impl Scale {
    /// An axis that contains these values, with room beyond them if `padded`. If `from_zero`, an axis of positive
    /// values starts at 0 where that costs at most half of its length.
    pub(super) fn linear(
        values: impl Iterator<Item = f64> + Clone,
        padded: bool,
        from_zero: bool,
    ) -> Self {
        let whole = values.clone().all(|value| value.fract() == 0.0);
        let (mut low, mut high) = range(values);
        let room = if padded { 0.04 * (high - low) } else { 0.0 };
        let at_zero = from_zero && low >= 0.0 && low <= 0.5 * high;
        low = if at_zero { 0.0 } else { low - room };
        high += room;
        Scale {
            low,
            high,
            logarithmic: false,
            ticks: round(low, high, whole),
        }
    }

    /// A logarithmic axis that contains these values, all above 0, with some room beyond them.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values.map(f64::log10));
        let room = 0.04 * (high - low);
        let (low, high) = (low - room, high + room);
        Scale {
            low,
            high,
            logarithmic: true,
            ticks: logarithmic_ticks(low, high),
        }
    }

    /// Position of a value on the axis.
    pub(super) fn part(&self, value: f64) -> f64 {
        let value = if self.logarithmic {
            value.log10()
        } else {
            value
        };
        (value - self.low) / (self.high - self.low)
    }
}

/// The range of the values, from minimum to maximum; never empty.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        (low - 0.5, high + 0.5)
    } else {
        (low, high)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten within the range; of 1 or more where values are whole numbers.
fn round(low: f64, high: f64, whole: bool) -> Vec<Tick> {
    let smallest = (high - low) / MAX_TICKS;
    let decade = 10f64.powf(smallest.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
    let step = steps.into_iter().find(|&step| step >= smallest);
    let mut step = step.unwrap_or(10.0 * decade);
    if whole {
        step = step.max(1.0);
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last)
        .map(|i| plain(i as f64 * step, decimals))
        .collect()
}

/// Powers of ten; on a short axis also 2 and 5 times a power of ten, or the round numbers of a linear axis.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<Tick> {
    let decades = low.ceil() as i32..=high.floor() as i32;
    if high - low >= 2.5 {
        let count = f64::from(decades.end() - decades.start() + 1);
        let every = (count / MAX_TICKS).ceil() as i32;
        // 0.001 to 1000 need no exponent.
        let short = *decades.start() >= -3 && *decades.end() <= 3;
        return decades
            .filter(|exponent| exponent % every == 0)
            .map(|exponent| {
                let value = 10f64.powi(exponent);
                if short {
                    plain(value, (-exponent).max(0) as usize)
                } else {
                    Tick {
                        value,
                        text: "10".into(),
                        exponent: Some(minus(exponent.to_string())),
                    }
                }
            })
            .collect();
    }
    let multiples = |exponent: i32| {
        [1.0, 2.0, 5.0]
            .map(|factor| plain(factor * 10f64.powi(exponent), (-exponent).max(0) as usize))
    };
    let ticks: Vec<_> = (low.floor() as i32..=high.floor() as i32)
        .flat_map(multiples)
        .filter(|tick| (low..=high).contains(&tick.value.log10()))
        .collect();
    if ticks.len() < 3 {
        return round(10f64.powf(low), 10f64.powf(high), false);
    }
    ticks
}

fn plain(value: f64, decimals: usize) -> Tick {
    Tick {
        value,
        text: minus(format!("{value:.decimals$}")),
        exponent: None,
    }
}

/// The number with a minus sign instead of a hyphen.
fn minus(text: String) -> String {
    text.replace('-', "−")
}
