//! Readings: interpretations of a file's names as those of a network.

use crate::nn::file::{Header, Tensor};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A tensor that a file must contain.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// An interpretation of a file's names: for each wanted tensor, the index of a tensor in the file.
pub(super) struct Reading {
    /// The common prefix, for errors.
    pub(super) prefix: String,
    pub(super) found: Vec<Option<usize>>,
    /// Whether tensors of the prefix have no place in the network.
    pub(super) leftover: bool,
}

/// Maximum length of a name that is searched for a prefix.
const MAX_NAME: usize = 4096;

/// The reading by the network's names with this prefix.
pub(super) fn by_name(header: &Header, wanted: &[Wanted], prefix: &str) -> Reading {
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

/// Readings by the network's names with a common prefix.
pub(super) fn prefixed(header: &Header, present: &[usize], wanted: &[Wanted]) -> Vec<Reading> {
    let names: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    let mut prefixes: BTreeMap<&str, usize> = BTreeMap::new();
    for &i in present {
        let name = header.tensors[i].name.as_str();
        if name.len() > MAX_NAME {
            continue;
        }
        for (dot, _) in name.match_indices('.') {
            let (prefix, rest) = name.split_at(dot + 1);
            if names.contains(rest) {
                *prefixes.entry(prefix).or_default() += 1;
            }
        }
    }
    // Prefixes with all names; otherwise, for the error message, the one with the most names.
    let most = prefixes.values().copied().max().unwrap_or(0);
    let whole = prefixes.into_iter().filter(|&(_, count)| count == most);
    let readings = whole.map(|(prefix, _)| by_name(header, wanted, prefix));
    if most < names.len() {
        return readings.take(1).collect();
    }
    readings.collect()
}

/// The numbers in a name, outermost first, and the rest of the name.
type Place<'a> = (Vec<u64>, &'a str);

/// Tensors of each layer, by the last parts of their names.
type Layers<'a> = BTreeMap<Vec<u64>, BTreeMap<&'a str, usize>>;

/// Readings of numbered layers, one per prefix in the file; none if the network's names are not numbered.
pub(super) fn numbered(tensors: &[Tensor], present: &[usize], wanted: &[Wanted]) -> Vec<Reading> {
    let mut own = Layers::new();
    for (i, wanted) in wanted.iter().enumerate() {
        match place(&wanted.name) {
            Some(("layers.", (numbers, end))) if numbers.len() == 1 => {
                own.entry(numbers).or_default().insert(end, i);
            }
            _ => return Vec::new(),
        }
    }
    // For each prefix, its layers, and whether two names denote the same tensor, such as `0.w` and `00.w`.
    let mut parts: HashMap<&str, (Layers, bool)> = HashMap::new();
    for &i in present {
        if let Some((prefix, (numbers, end))) = place(&tensors[i].name) {
            let (layers, twice) = parts.entry(prefix).or_default();
            *twice |= layers.entry(numbers).or_default().insert(end, i).is_some();
        }
    }
    let mut parts: Vec<(&str, (Layers, bool))> = parts.into_iter().collect();
    parts.sort_by_key(|&(prefix, _)| prefix);
    // Prefixes with the right number of layers; otherwise, for the error message, the one with the most.
    if parts
        .iter()
        .any(|(_, (layers, _))| layers.len() == own.len())
    {
        parts.retain(|(_, (layers, _))| layers.len() == own.len());
    } else if let Some(most) = (0..parts.len()).max_by_key(|&i| parts[i].1.0.len()) {
        parts = vec![parts.swap_remove(most)];
    }
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

/// The reading by modules: the layer `layers.i.` is the one module, whatever its name, that has tensors of the same names
/// and shapes. None if a layer has no such module, or several. A module with a number for a name stands for its place in
/// a sequence, so none of them may be left over.
pub(super) fn by_modules(
    tensors: &[Tensor],
    present: &[usize],
    wanted: &[Wanted],
) -> Option<Reading> {
    /// Index of each tensor of a module, by the last part of its name and its shape.
    type Modules<'a> = BTreeMap<&'a str, BTreeMap<(&'a str, &'a [usize]), usize>>;
    let (mut own, mut theirs) = (Modules::new(), Modules::new());
    for (i, wanted) in wanted.iter().enumerate() {
        let (module, end) = wanted.name.rsplit_once('.')?;
        own.entry(module)
            .or_default()
            .insert((end, &wanted.shape), i);
    }
    for &i in present {
        let tensor = &tensors[i];
        let (module, end) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
        theirs
            .entry(module)
            .or_default()
            .insert((end, &tensor.shape), i);
    }
    let mut found = vec![None; wanted.len()];
    for layer in own.values() {
        let mut fitting = theirs
            .values()
            .filter(|module| module.keys().eq(layer.keys()));
        let module = fitting.next().filter(|_| fitting.next().is_none())?;
        for (key, &i) in layer {
            found[i] = module.get(key).copied();
        }
    }
    // Two equal layers would have found the same module.
    let distinct: BTreeSet<usize> = found.iter().flatten().copied().collect();
    let is_number = |module: &str| {
        let name = module.rsplit('.').next().unwrap_or(module);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
    };
    let leftover = theirs.iter().any(|(module, tensors)| {
        is_number(module) && tensors.values().any(|i| !distinct.contains(i))
    });
    (distinct.len() == wanted.len()).then_some(Reading {
        prefix: String::new(),
        found,
        leftover,
    })
}

/// A name as prefix, numbers and end: `net.0.2.weight` is `net.`, 0 and 2, `weight`; `fc1.bias` is `fc`, 1, `bias`.
fn place(name: &str) -> Option<(&str, Place<'_>)> {
    if name.len() > MAX_NAME {
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
        // A number that is a whole part of the name may follow other numbers.
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
