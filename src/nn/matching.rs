//! Matching of the tensors in a file to the parameters of a network.
//!
//! A file may use these names, in order of preference:
//! 1. the network's own;
//! 2. the network's own behind one common prefix, as `module.` of PyTorch's `DataParallel`;
//! 3. those of a PyTorch `Sequential`, such as `net.0.weight` and `net.2.weight`: one common prefix, then numbers in
//!    the order of the network's layers. Layers without parameters have no tensors, so numbers may be missing;
//! 4. those of PyTorch modules with names, such as `lstm.weight_ih_l0` and `out.weight`, or of one module without a
//!    name, if the names and shapes of each layer's tensors are those of one module only.

mod reading;

pub(crate) use self::reading::Wanted;
use self::reading::{Reading, by_modules, by_name, numbered, prefixed};
use super::LoadOptions;
use super::file::{Header, Tensor, shape_text};
use crate::error::clip;
use crate::graph::names::{COUNTER, is_kept};
use crate::{Error, Result};
use std::collections::BTreeSet;

/// Names of each kind that an error lists.
const MAX_LISTED: usize = 8;

/// For each wanted tensor, the index of its tensor in the file. Refuses a file that lacks a tensor, has one of another
/// shape or type, or has further ones that the options do not allow.
pub(crate) fn matching(
    file: &str,
    header: &Header,
    wanted: &[Wanted],
    options: LoadOptions,
) -> Result<Vec<usize>> {
    // Checkpoints also contain the trainer's own tensors. PyTorch files also contain batch counters of batch
    // normalisations, which wgrad does not use.
    let checkpoint = header.is_checkpoint();
    let of_no_use =
        |name: &str| (checkpoint && is_kept(name)) || name.rsplit('.').next() == Some(COUNTER);
    let tensors = &header.tensors;
    let present: Vec<usize> = (0..tensors.len())
        .filter(|&i| !of_no_use(&tensors[i].name))
        .collect();
    let chosen = choose(file, header, &present, wanted)?;
    let used: BTreeSet<usize> = chosen.found.iter().flatten().copied().collect();
    let unexpected: Vec<&Tensor> = if options.allow_unexpected && !chosen.leftover {
        Vec::new()
    } else {
        let unused = present.iter().filter(|i| !used.contains(i));
        unused.map(|&i| &tensors[i]).collect()
    };
    match fits(&chosen, tensors, wanted) {
        Some(found) if unexpected.is_empty() => Ok(found),
        _ => Err(misfit(file, &chosen, tensors, wanted, &unexpected)),
    }
}

/// The reading that fits, or an error if several fit. If none fits, the closest one, for the error message.
fn choose(file: &str, header: &Header, present: &[usize], wanted: &[Wanted]) -> Result<Reading> {
    let tensors = &header.tensors;
    let exact = by_name(header, wanted, "");
    if fits(&exact, tensors, wanted).is_some() {
        return Ok(exact);
    }
    let mut readings = prefixed(header, present, wanted);
    readings.extend(numbered(tensors, present, wanted));
    readings.extend(by_modules(tensors, present, wanted));
    let (fitting, others): (Vec<Reading>, Vec<Reading>) = readings
        .into_iter()
        .partition(|reading| fits(reading, tensors, wanted).is_some());
    let mut distinct: Vec<Reading> = Vec::new();
    for reading in fitting {
        if !distinct.iter().any(|other| other.found == reading.found) {
            distinct.push(reading);
        }
        // Enough for the error message; a file with a million parts must not take long.
        if distinct.len() > MAX_LISTED {
            break;
        }
    }
    if distinct.len() > 1 {
        let prefixes = distinct.iter();
        let prefixes = listed(prefixes.map(|reading| format!("\"{}\"", clip(&reading.prefix))));
        let reason = format!(
            "several of its parts fit the network, those named {prefixes}: keep one of them in the file"
        );
        return Err(Error::format(file, reason));
    }
    if let Some(reading) = distinct.pop() {
        return Ok(reading);
    }
    let score = |reading: &Reading| {
        let pairs = reading.found.iter().zip(wanted);
        let good = pairs.filter(|(found, wanted)| {
            found.is_some_and(|i| same_shape(&tensors[i].shape, &wanted.shape))
        });
        (good.count(), reading.found.iter().flatten().count())
    };
    let better = |best: Reading, next: Reading| {
        if score(&next) > score(&best) {
            next
        } else {
            best
        }
    };
    Ok(others.into_iter().fold(exact, better))
}

/// The tensors with exactly these names; others are ignored. One error lists those that are missing or do not fit.
pub(crate) fn matching_by_name<'a>(
    file: &str,
    header: &'a Header,
    wanted: &[Wanted],
) -> Result<Vec<&'a Tensor>> {
    let reading = by_name(header, wanted, "");
    match fits(&reading, &header.tensors, wanted) {
        Some(found) => Ok(found.into_iter().map(|i| &header.tensors[i]).collect()),
        None => Err(misfit(file, &reading, &header.tensors, wanted, &[])),
    }
}

/// Indices of the tensors, if each wanted tensor has one of the right shape and type.
fn fits(reading: &Reading, tensors: &[Tensor], wanted: &[Wanted]) -> Option<Vec<usize>> {
    let pairs = reading.found.iter().zip(wanted);
    let fit = pairs.map(|(found, wanted)| {
        found.filter(|&i| tensors[i].is_float() && same_shape(&tensors[i].shape, &wanted.shape))
    });
    fit.collect::<Option<Vec<usize>>>()
        .filter(|_| !reading.leftover)
}

/// A single value may have one dimension or none.
fn same_shape(found: &[usize], wanted: &[usize]) -> bool {
    found == wanted || (found.is_empty() && wanted == [1])
}

/// The error for a file that does not fit. It lists everything missing, unexpected, or of another shape or type.
fn misfit(
    file: &str,
    reading: &Reading,
    tensors: &[Tensor],
    wanted: &[Wanted],
    unexpected: &[&Tensor],
) -> Error {
    let (mut missing, mut other) = (Vec::new(), Vec::new());
    for (found, wanted) in reading.found.iter().zip(wanted) {
        let Some(tensor) = found.map(|i| &tensors[i]) else {
            missing.push(format!(
                "{} {}",
                clip(&wanted.name),
                shape_text(&wanted.shape)
            ));
            continue;
        };
        let alias = if tensor.name == wanted.name {
            clip(&tensor.name)
        } else {
            format!("{} (for {})", clip(&tensor.name), clip(&wanted.name))
        };
        let (shape, expected) = (shape_text(&tensor.shape), shape_text(&wanted.shape));
        if !same_shape(&tensor.shape, &wanted.shape) {
            let reversed = tensor.shape.iter().rev().eq(&wanted.shape);
            let hint = if reversed { ", transposed" } else { "" };
            other.push(format!(
                "{alias} has shape {shape}, expected {expected}{hint}"
            ));
        } else if !tensor.is_float() {
            let types = super::file::TYPES.join(", ");
            other.push(format!(
                "{alias} holds {}, expected {types}",
                tensor.type_name()
            ));
        }
    }
    let unexpected: Vec<String> = unexpected
        .iter()
        .map(|tensor| format!("{} {}", clip(&tensor.name), shape_text(&tensor.shape)))
        .collect();
    let only_unexpected = missing.is_empty() && other.is_empty() && !reading.leftover;
    let kinds = [
        ("missing", missing),
        ("unexpected", unexpected),
        ("of another shape or type", other),
    ];
    let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    let kinds: Vec<String> = kinds
        .map(|(kind, names)| format!("{} {kind}: {}", names.len(), listed(names)))
        .collect();
    let advice = if only_unexpected {
        ". LoadOptions::allow_unexpected leaves out what is unexpected"
    } else {
        ""
    };
    Error::format(
        file,
        format!("it does not fit the network: {}{advice}", kinds.join("; ")),
    )
}

/// The first few items of a list, and the number of further ones.
fn listed(items: impl IntoIterator<Item = String>) -> String {
    let mut items = items.into_iter();
    let mut text: Vec<String> = items.by_ref().take(MAX_LISTED).collect();
    let more = items.count();
    if more > 0 {
        text.push(format!("and {more} more"));
    }
    text.join(", ")
}
