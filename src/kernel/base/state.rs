//! Words of a step's state, of an entry of the step table, and of the record of refused calls: see [`crate::plan`].
//!
//! They are declared here once. The constants have the same names in shaders, which get those of an operand with the
//! operand: of the state with one named `state`, of the table with `table`, of the record with `refused`.

use super::bounds::{self, ALL_FINITE};

/// The words of a buffer, for the generator of shaders.
struct Words {
    /// Name, WGSL type and index of every word.
    words: &'static [(&'static str, &'static str, usize)],
    /// WGSL constants.
    constants: &'static str,
}

/// Declares the words of a buffer: their number and the index of each, as constants for Rust and WGSL.
macro_rules! words {
    ($(#[$list_doc:meta])* $list:ident, $(#[$count_doc:meta])* $count:ident = $length:literal:
        $($(#[$doc:meta])* $name:ident: $type:ty = $index:literal),* $(,)?) => {
        $(#[$count_doc])* pub(crate) const $count: usize = $length;
        $($(#[$doc])* pub(crate) const $name: usize = $index;)*

        $(#[$list_doc])*
        const $list: Words = Words {
            words: &[$((stringify!($name), stringify!($type), $index)),*],
            constants: concat!(
                "const ", stringify!($count), " = ", $length, "u;\n",
                $("const ", stringify!($name), " = ", $index, "u;\n"),*
            ),
        };
    };
}

words! {
    STATE,
    /// Number of words of the state. In accumulating steps the scales follow.
    STATE_WORDS = 12:
    /// The low half of the step counter, A.
    STEP: u32 = 0,
    /// A + 1, from the loss.
    NEXT_STEP: u32 = 1,
    /// The guard: the id of the first tensor that is not finite, or [`ALL_FINITE`]. See [`guard`](super::guard).
    FIRST_NON_FINITE: u32 = 2,
    /// 1 if the next steps need care, else 0.
    CARE: atomic<u32> = 3,
    /// The step's four values for the update, which the gather copies from the step table.
    VALUES: vec4<f32> = 4,
    /// The high half of the step counter, for random numbers. The host writes it.
    STEP_HIGH: u32 = 8,
}

words! {
    TABLE,
    /// Number of words of an entry of the step table.
    ENTRY_WORDS = 8:
    /// The step's four values for the update.
    ENTRY_VALUES: vec4<u32> = 0,
    /// The first sample of the step's batch, as an index into the order of samples.
    ENTRY_OFFSET: u32 = 4,
}

words! {
    REFUSED,
    /// Number of words of a record of refused tensor calls.
    REFUSED_WORDS = 4:
    /// Total number of refused calls.
    REFUSED_CALLS: u32 = 0,
    /// Number of the first refused call that the host has not reported.
    REFUSED_FIRST: u32 = 1,
    /// The guard of that call.
    REFUSED_GUARD: u32 = 2,
}

/// Number of words of the state that the host reads after a submit: those before the step's values.
pub(crate) const STATUS_WORDS: usize = VALUES;

/// The state at a step counter, with the guard clear.
pub(crate) fn state_at(step: u64) -> [u32; STATE_WORDS] {
    let mut state = [0; STATE_WORDS];
    (state[STEP], state[NEXT_STEP]) = (step as u32, step as u32);
    state[STEP_HIGH] = (step >> 32) as u32;
    state[FIRST_NON_FINITE] = ALL_FINITE;
    state
}

/// The WGSL constants for an operand with this name.
pub(super) fn constants_of(operand: &str) -> &'static [&'static str] {
    match operand {
        "state" => &[STATE.constants, bounds::CONSTANTS],
        "table" => &[TABLE.constants],
        "refused" => &[REFUSED.constants],
        _ => &[],
    }
}

/// Appends the WGSL struct of the state, whose fields have the names of the words in lower case.
pub(super) fn declare_struct(atomic_guard: bool, source: &mut String) {
    source.push_str("struct State {\n");
    for &(name, ty, index) in STATE.words {
        let ty = match index {
            FIRST_NON_FINITE if atomic_guard => "atomic<u32>",
            _ => ty,
        };
        source.push_str(&format!("    {}: {ty},\n", name.to_ascii_lowercase()));
    }
    source.push_str("}\n");
}

/// Name in lower case and index of every word of the state.
#[cfg(test)]
pub(crate) fn words() -> Vec<(String, usize)> {
    let words = STATE.words.iter();
    words
        .map(|&(name, _, index)| (name.to_ascii_lowercase(), index))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lie_apart_and_within_their_buffer() {
        for (list, length) in [
            (STATE, STATE_WORDS),
            (TABLE, ENTRY_WORDS),
            (REFUSED, REFUSED_WORDS),
        ] {
            let mut next = 0;
            for &(name, ty, index) in list.words {
                assert!(index >= next, "{name} overlaps the word before");
                next = index + if ty.starts_with("vec4") { 4 } else { 1 };
                let line = format!("const {name} = {index}u;\n");
                assert!(list.constants.contains(&line), "{}", list.constants);
            }
            assert!(next <= length);
        }
    }
}
