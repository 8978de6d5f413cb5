//! Checks of the numbers of inputs: tokens of a vocabulary, and lengths of sequences.

use crate::graph::GraphInput;
use crate::{Error, Result};

/// Whether a number is a token of a vocabulary of this size.
pub(super) fn is_token(value: f32, vocabulary: usize) -> bool {
    value >= 0.0 && value < vocabulary as f32 && value.fract() == 0.0
}

/// Refuses numbers that are no tokens, if the input is tokens. The array begins with this sample.
pub(super) fn check_tokens(input: &GraphInput, array: &[f32], first: usize) -> Result<()> {
    let Some(vocabulary) = input.vocabulary else {
        return Ok(());
    };
    match array.iter().position(|&value| !is_token(value, vocabulary)) {
        None => Ok(()),
        Some(i) => {
            let width = input.sample.elements();
            Err(no_token(
                vocabulary,
                [first + i / width, i % width],
                array[i],
            ))
        }
    }
}

/// Whether a number is the length of a sequence of at most this many steps.
pub(super) fn is_length(value: f32, steps: usize) -> bool {
    (0.0..=steps as f32).contains(&value) && value.fract() == 0.0
}

/// Refuses the length of a sequence of this many steps if it is out of range.
pub(super) fn check_length(length: f32, steps: usize) -> Result<()> {
    if is_length(length, steps) {
        return Ok(());
    }
    Err(no_length(steps, length))
}

/// The error for a number that is no length of a sequence of at most this many steps.
pub(super) fn no_length(steps: usize, found: impl std::fmt::Display) -> Error {
    Error::argument(
        "the length of a sequence",
        format!("an integer from 0 to {steps}, the number of time steps"),
        found,
    )
}

/// The error for a number that is no token, in this sample and at this place of it.
pub(super) fn no_token(vocabulary: usize, [sample, place]: [usize; 2], value: f32) -> Error {
    Error::argument(
        "a token",
        format!("a whole number from 0 to below the size of the vocabulary, {vocabulary}"),
        format!("{value} in sample {sample}, at {place}"),
    )
}
