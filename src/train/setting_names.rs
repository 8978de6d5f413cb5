//! Names and values of settings in errors.

use super::debug_text::Tree;
use std::fmt::Write;

/// Name of the setting at a path.
pub(super) fn subject(key: &str, path: &[String], parameters: &[&str]) -> String {
    let number = |step: &String| step.parse::<usize>().ok();
    let parameter = |step: &String| {
        let name = number(step).and_then(|number| parameters.get(number));
        name.map_or_else(|| format!("parameter {step}"), |name| name.to_string())
    };
    // The index of a variant with one field is not informative.
    let mut fields: Vec<String> = Vec::new();
    for step in path.iter().filter(|step| number(step).is_none()) {
        fields.push(step.replace('_', " "));
    }
    let mut subject = match key {
        "optimizer and phases" => {
            let mut subject = match path.get(1).map(String::as_str) {
                Some("trained") => match path.get(2) {
                    Some(step) => format!("training of {}", parameter(step)),
                    None => "trained parameters".to_string(),
                },
                Some("factors") => {
                    let factor = fields.get(1).map_or("", String::as_str);
                    let factor = match factor {
                        "l2" | "decoupled" => "weight decay",
                        other => other,
                    };
                    // The list is within Some.
                    let of = path.iter().skip(2).rfind(|step| number(step).is_some());
                    let of = of.map_or_else(|| "the parameters".to_string(), parameter);
                    format!("{factor} factor of {of}")
                }
                Some("values") => {
                    let value = match fields.get(1).map_or("", String::as_str) {
                        "l1" => "L1 coefficient",
                        other => other,
                    };
                    let of = path.get(2);
                    let of = of.map_or_else(|| "the parameters".to_string(), parameter);
                    format!("{value} of {of}")
                }
                Some("terms") => "loss terms".to_string(),
                Some("running_statistics") => {
                    "normalisations with running statistics in training".to_string()
                }
                Some(_) if fields.len() > 1 => format!("{} of the optimizer", fields[1]),
                Some(_) => "optimizer".to_string(),
                None => "number of phases".to_string(),
            };
            if let (Some(phase), Some(_)) = (path.first(), path.get(1))
                && phase != "0"
            {
                let _ = write!(subject, " in phase {phase}");
            }
            return subject;
        }
        "operations" => match path.first() {
            Some(number) => return format!("operation {number} of the network"),
            None => return "number of operations in the network".to_string(),
        },
        key => {
            fields.iter().rev().fold(String::new(), |subject, field| {
                format!("{subject}{field} of the ")
            }) + key
        }
    };
    let numbers: Vec<&String> = path.iter().filter(|step| number(step).is_some()).collect();
    match key {
        "schedule" if numbers.len() > 1 => {
            let _ = write!(subject, ", part {}", numbers[1]);
        }
        "loss" if numbers.first().is_some_and(|term| *term != "0") => {
            let _ = write!(subject, ", term {}", numbers[0]);
        }
        _ => {}
    }
    subject
}

/// Text of a setting in an error: a number or a word, never a whole structure. A file may contain anything, so long
/// words are truncated.
pub(super) fn shown(tree: &Tree) -> String {
    let word = match tree {
        Tree::Leaf(word) if word == "None" => "none",
        Tree::Leaf(word) if word == "true" => "yes",
        Tree::Leaf(word) if word == "false" => "no",
        Tree::Items(name, items) if name == "Some" && items.len() == 1 => return shown(&items[0]),
        Tree::Items(name, items) if name.is_empty() => return format!("{} entries", items.len()),
        Tree::Items(name, items) if items.len() == 1 => {
            let value = match &items[0] {
                Tree::Leaf(value) => format!(" {value}"),
                _ => String::new(),
            };
            return format!("{}{value}", split_words(name));
        }
        Tree::Text(text) => {
            return cut(&text
                .replace(" { ", " (")
                .replace(" }", ")")
                .replace(": ", " "));
        }
        other => return cut(&split_words(other.word())),
    };
    cut(word)
}

fn cut(word: &str) -> String {
    const MAX: usize = 60;
    match word.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_string(),
    }
}

/// The name of a variant in words: `CosineRestarts` is `cosine restarts`.
fn split_words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}
