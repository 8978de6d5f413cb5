//! Which tensor of a file each parameter takes its values from.
//!
//! The names in the file are, in this order of preference:
//! 1. the network's own;
//! 2. the network's own behind one common prefix, as `module.` of PyTorch's `DataParallel`;
//! 3. those of a PyTorch `Sequential`, as `net.0.weight` and `net.2.weight`: one common prefix, then numbers, whose order
//!    is that of the network's layers. Layers without parameters have no tensors, so numbers may be missing.

use super::LoadOptions;
use super::file::{Header, Tensor, clip, shape_text};
use crate::graph::names::{COUNTER, is_kept};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A tensor that a file must hold.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// A way to read a file's names: for each wanted tensor the number of the file's.
struct Reading {
    /// The common prefix, for errors.
    prefix: String,
    found: Vec<Option<usize>>,
    /// Whether tensors of the prefix have no place in the network.
    leftover: bool,
}

/// Longest name that is looked at for a prefix.
const MOST_NAME: usize = 4096;

/// Names of each kind that an error lists.
const MOST_LISTED: usize = 8;

/// For each wanted tensor the number of the one in the file. Refuses a file that lacks one, has one of another shape or
/// type, or (unless the options allow them) has more.
pub(crate) fn matching(
    file: &str,
    header: &Header,
    wanted: &[Wanted],
    options: LoadOptions,
) -> Result<Vec<usize>> {
    // A trainer's own tensors are in its checkpoints beside the parameters. PyTorch counts the batches of a batch
    // normalisation, which nothing here reads.
    let checkpoint = header.is_checkpoint();
    let of_no_use =
        |name: &str| (checkpoint && is_kept(name)) || name.rsplit('.').next() == Some(COUNTER);
    let tensors = &header.tensors;
    let present: Vec<usize> = (0..tensors.len())
        .filter(|&i| !of_no_use(&tensors[i].name))
        .collect();
    let exact = by_name(header, wanted, "");
    let chosen = if fits(&exact, tensors, wanted).is_some() {
        exact
    } else {
        let mut readings = prefixed(header, &present, wanted);
        readings.extend(numbered(tensors, &present, wanted));
        let fitting = readings
            .iter()
            .filter(|reading| fits(reading, tensors, wanted).is_some());
        let mut distinct: Vec<&Reading> = Vec::new();
        for reading in fitting {
            if !distinct.iter().any(|other| other.found == reading.found) {
                distinct.push(reading);
            }
        }
        if distinct.len() > 1 {
            let prefixes = distinct
                .iter()
                .map(|reading| format!("{:?}", clip(&reading.prefix)));
            let prefixes = listed(prefixes);
            return Err(Error::format(
                file,
                format!(
                    "several of its parts fit the network, those named {prefixes}: keep one of them in the file"
                ),
            ));
        }
        match readings
            .iter()
            .position(|reading| fits(reading, tensors, wanted).is_some())
        {
            Some(place) => readings.swap_remove(place),
            // None fits: the error is that of the one that fits best.
            None => {
                let score = |reading: &Reading| {
                    let pairs = reading.found.iter().zip(wanted);
                    let good = pairs.filter(|(found, wanted)| {
                        found.is_some_and(|i| same_shape(&tensors[i].shape, &wanted.shape))
                    });
                    (good.count(), reading.found.iter().flatten().count())
                };
                let best = |best: Reading, next: Reading| {
                    if score(&next) > score(&best) {
                        next
                    } else {
                        best
                    }
                };
                readings.into_iter().fold(exact, best)
            }
        }
    };
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

/// The tensors of just these names, whatever else there is. One error lists those that are missing or do not fit.
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

/// The numbers of the tensors, if there is one of the right shape and type for each.
fn fits(reading: &Reading, tensors: &[Tensor], wanted: &[Wanted]) -> Option<Vec<usize>> {
    let pairs = reading.found.iter().zip(wanted);
    let fit = pairs.map(|(found, wanted)| {
        found.filter(|&i| tensors[i].is_float() && same_shape(&tensors[i].shape, &wanted.shape))
    });
    fit.collect::<Option<Vec<usize>>>()
        .filter(|_| !reading.leftover)
}

/// One value may have one dimension or none.
fn same_shape(found: &[usize], wanted: &[usize]) -> bool {
    found == wanted || (found.is_empty() && wanted == [1])
}

fn by_name(header: &Header, wanted: &[Wanted], prefix: &str) -> Reading {
    let number = |wanted: &Wanted| {
        let name = format!("{prefix}{}", wanted.name);
        header
            .tensors
            .binary_search_by(|tensor| tensor.name.cmp(&name))
            .ok()
    };
    Reading {
        prefix: prefix.to_string(),
        found: wanted.iter().map(number).collect(),
        leftover: false,
    }
}

/// The readings with a common prefix in front of the network's names.
fn prefixed(header: &Header, present: &[usize], wanted: &[Wanted]) -> Vec<Reading> {
    let names: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    let mut prefixes: BTreeMap<&str, usize> = BTreeMap::new();
    for &i in present {
        let name = header.tensors[i].name.as_str();
        if name.len() > MOST_NAME {
            continue;
        }
        for (dot, _) in name.match_indices('.') {
            let (prefix, rest) = name.split_at(dot + 1);
            if names.contains(rest) {
                *prefixes.entry(prefix).or_default() += 1;
            }
        }
    }
    // Those that hold the most names, so that a file of many prefixes takes no long time.
    let mut prefixes: Vec<(usize, &str)> = prefixes
        .into_iter()
        .map(|(prefix, count)| (count, prefix))
        .collect();
    prefixes.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
    let most = prefixes.into_iter().take(MOST_LISTED);
    most.map(|(_, prefix)| by_name(header, wanted, prefix))
        .collect()
}

/// The numbers in a name, from the outermost; and what comes after them.
type Place<'a> = (Vec<u64>, &'a str);

/// The tensors of each layer, by the ends of their names.
type Layers<'a> = BTreeMap<Vec<u64>, BTreeMap<&'a str, usize>>;

/// The readings of numbered layers, one for each prefix in the file; none if the network has names of another kind.
fn numbered(tensors: &[Tensor], present: &[usize], wanted: &[Wanted]) -> Vec<Reading> {
    let mut own = Layers::new();
    for (i, wanted) in wanted.iter().enumerate() {
        match place(&wanted.name) {
            Some(("layers.", (numbers, end))) if numbers.len() == 1 => {
                own.entry(numbers).or_default().insert(end, i);
            }
            _ => return Vec::new(),
        }
    }
    // Per prefix its layers, and whether two names stand for one place, as `0.w` and `00.w`.
    let mut parts: HashMap<&str, (Layers, bool)> = HashMap::new();
    for &i in present {
        if let Some((prefix, (numbers, end))) = place(&tensors[i].name) {
            let (layers, twice) = parts.entry(prefix).or_default();
            *twice |= layers.entry(numbers).or_default().insert(end, i).is_some();
        }
    }
    let mut parts: Vec<(&str, (Layers, bool))> = parts.into_iter().collect();
    parts.sort_by_key(|&(prefix, _)| prefix);
    let readings = parts.into_iter().map(|(prefix, (layers, twice))| {
        let mut found = vec![None; wanted.len()];
        let mut leftover = twice || layers.len() != own.len();
        for (own, theirs) in own.values().zip(layers.values()) {
            for (end, &i) in own {
                found[i] = theirs.get(end).copied();
            }
            leftover |= theirs.keys().any(|end| !own.contains_key(end));
        }
        Reading {
            prefix: prefix.to_string(),
            found,
            leftover,
        }
    });
    readings.collect()
}

/// A name as prefix, numbers and end: `net.0.2.weight` is `net.`, 0 and 2, `weight`; `fc1.bias` is `fc`, 1, `bias`.
fn place(name: &str) -> Option<(&str, Place<'_>)> {
    if name.len() > MOST_NAME {
        return None;
    }
    let (mut head, end) = name.rsplit_once('.')?;
    let mut numbers = Vec::new();
    loop {
        let digits = head.len() - head.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            break;
        }
        let (rest, number) = head.split_at(head.len() - digits);
        numbers.push(number.parse().ok()?);
        head = rest;
        // A number that is a whole part of the name may have others in front.
        match rest.strip_suffix('.') {
            Some(outer) if outer.ends_with(|c: char| c.is_ascii_digit()) => head = outer,
            _ => break,
        }
    }
    if numbers.is_empty() {
        return None;
    }
    numbers.reverse();
    Some((head, (numbers, end)))
}

/// The one error for a file that does not fit: all that is missing, unexpected, or of another shape or type.
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

/// The first few of a list, and how many more there are.
fn listed(items: impl IntoIterator<Item = String>) -> String {
    let mut items = items.into_iter();
    let mut text: Vec<String> = items.by_ref().take(MOST_LISTED).collect();
    let more = items.count();
    if more > 0 {
        text.push(format!("and {more} more"));
    }
    text.join(", ")
}
