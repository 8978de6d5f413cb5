//! Identity of a run: the settings that affect its bits, in the form of checkpoints, and their comparison.
//!
//! Settings are lines of `key: value`, with values in `Debug` form. They are compared part by part, not as text. A
//! setting that is newer than the file counts as not set, and an error names each part that differs.

use super::debug_text::Tree;
use super::setting_names::{shown, subject};

/// A setting that differs between a file and a trainer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Key of its line.
    pub(super) key: String,
    /// Path of fields and indices within the line's value.
    pub(super) path: Vec<String>,
    /// Its name in errors.
    subject: String,
    saved: String,
    here: String,
}

/// The settings of a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    lines: Vec<(String, Tree)>,
}

impl Identity {
    /// Parses the lines. A value that is not in `Debug` form becomes a single word.
    pub(super) fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (key, value) = line.split_once(": ").unwrap_or((line, ""));
            let tree = Tree::parse(value).unwrap_or_else(|| Tree::Leaf(value.to_string()));
            (
                key.to_string(),
                if key == "loss" { losses(tree) } else { tree },
            )
        };
        Identity {
            lines: text.lines().map(line).collect(),
        }
    }

    /// A line's value.
    pub(super) fn get(&self, key: &str) -> Option<&Tree> {
        self.lines
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, tree)| tree)
    }

    /// Differences from the settings of a trainer with these parameter names.
    pub(super) fn differences(&self, here: &Identity, parameters: &[&str]) -> Vec<Difference> {
        let mut found = Differences {
            key: "",
            path: Vec::new(),
            parameters,
            found: Vec::new(),
        };
        for (key, tree) in &here.lines {
            found.key = key;
            match self.get(key) {
                Some(saved) => found.compare(saved, tree),
                None if tree.is_unset() => {}
                None => found.add("not set".to_string(), shown(tree)),
            }
        }
        for (key, tree) in &self.lines {
            if here.get(key).is_none() && !tree.is_unset() {
                found.key = key;
                found.add(shown(tree), "not set".to_string());
            }
        }
        found.found
    }
}

impl Difference {
    /// Whether the setting is a nonzero number in both.
    pub(super) fn is_nonzero(&self) -> bool {
        let nonzero = |text: &str| text.parse::<f64>().is_ok_and(|number| number != 0.0);
        nonzero(&self.saved) && nonzero(&self.here)
    }

    /// Its sentence in an error.
    pub(super) fn sentence(&self) -> String {
        let (subject, saved, here) = (&self.subject, &self.saved, &self.here);
        format!("saved with {subject}: {saved}, expected {subject}: {here}")
    }
}

struct Differences<'a> {
    key: &'a str,
    path: Vec<String>,
    parameters: &'a [&'a str],
    found: Vec<Difference>,
}

impl Differences<'_> {
    fn add(&mut self, saved: String, here: String) {
        self.found.push(Difference {
            key: self.key.to_string(),
            path: self.path.clone(),
            subject: subject(self.key, &self.path, self.parameters),
            saved,
            here,
        });
    }

    fn within(&mut self, step: &str, compare: impl FnOnce(&mut Self)) {
        self.path.push(step.to_string());
        compare(self);
        self.path.pop();
    }

    fn compare(&mut self, saved: &Tree, here: &Tree) {
        if saved == here {
            return;
        }
        match (saved, here) {
            (Tree::Fields(a, saved_fields), Tree::Fields(b, fields)) if a == b => {
                for (name, here) in fields {
                    match saved.field(name) {
                        Some(saved) => self.within(name, |all| all.compare(saved, here)),
                        None if here.is_unset() => {}
                        None if name == VALUES => {
                            self.within(name, |all| all.compare(&NO_VALUES, here));
                        }
                        None => self.within(name, |all| all.add("not set".into(), shown(here))),
                    }
                }
                for (name, saved) in saved_fields {
                    // The computed operations follow from the other settings.
                    if here.field(name).is_none() && !saved.is_unset() && name != "computed" {
                        self.within(name, |all| all.add(shown(saved), "not set".into()));
                    }
                }
            }
            (Tree::Items(a, saved), Tree::Items(b, here))
                if a == b && saved.len() == here.len() =>
            {
                for (number, (saved, here)) in saved.iter().zip(here).enumerate() {
                    self.within(&number.to_string(), |all| all.compare(saved, here));
                }
            }
            // No values are values that are not set.
            (Tree::Items(_, items), Tree::Items(_, here)) if self.is_values(items) => {
                for (number, here) in here.iter().enumerate() {
                    self.within(&number.to_string(), |all| all.compare(&unset(here), here));
                }
            }
            (Tree::Items(_, saved), Tree::Items(_, items)) if self.is_values(items) => {
                for (number, saved) in saved.iter().enumerate() {
                    self.within(&number.to_string(), |all| all.compare(saved, &unset(saved)));
                }
            }
            // Missing factors equal factors of 1.
            (Tree::Items(some, items), Tree::Leaf(none)) if self.is_factors(some, none) => {
                for (number, saved) in items[0].items().iter().enumerate() {
                    self.within(&number.to_string(), |all| all.compare(saved, &ones(saved)));
                }
            }
            (Tree::Leaf(none), Tree::Items(some, items)) if self.is_factors(some, none) => {
                for (number, here) in items[0].items().iter().enumerate() {
                    self.within(&number.to_string(), |all| all.compare(&ones(here), here));
                }
            }
            _ => self.add(shown(saved), shown(here)),
        }
    }

    fn is_values(&self, items: &[Tree]) -> bool {
        items.is_empty() && self.path.last().is_some_and(|step| step == VALUES)
    }

    fn is_factors(&self, some: &str, none: &str) -> bool {
        some == "Some" && none == "None" && self.path.last().is_some_and(|step| step == "factors")
    }
}

/// Field of a phase with the values that parameter groups set, newer than the first version.
const VALUES: &str = "values";
const NO_VALUES: Tree = Tree::Items(String::new(), Vec::new());

/// The same structure with all factors 1.
fn ones(factors: &Tree) -> Tree {
    with_fields(factors, "1.0")
}

/// The same structure with no value set.
fn unset(values: &Tree) -> Tree {
    with_fields(values, "None")
}

/// The same structure with this word in every field.
fn with_fields(tree: &Tree, word: &str) -> Tree {
    match tree {
        Tree::Fields(name, fields) => {
            let same = |(name, _): &(String, Tree)| (name.clone(), Tree::Leaf(word.to_string()));
            Tree::Fields(name.clone(), fields.iter().map(same).collect())
        }
        other => other.clone(),
    }
}

/// The terms of a loss, `name Loss { … } of [9] against batch` each, with their parts.
fn losses(tree: Tree) -> Tree {
    let Tree::Items(name, items) = tree else {
        return tree;
    };
    let term = |tree: Tree| {
        let Tree::Text(text) = &tree else { return tree };
        let parts = text.find("Loss { ").and_then(|start| {
            let (loss, rest) = Tree::parse_start(&text[start..])?;
            let fields = match loss {
                Tree::Fields(_, fields) => fields,
                _ => return None,
            };
            let (inputs, target) = rest.trim_start_matches(" of ").split_once(" against ")?;
            let place = |name: &str, value: &str| (name.to_string(), Tree::Text(value.to_string()));
            let mut parts = vec![place("name", text[..start].trim_end())];
            parts.extend(fields);
            parts.push(place("inputs", inputs));
            parts.push(place("target", target));
            Some(parts)
        });
        match parts {
            Some(parts) => Tree::Fields("Loss".to_string(), parts),
            None => tree,
        }
    };
    Tree::Items(name, items.into_iter().map(term).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "format: 2\n\
        loss: [\"loss Loss { criterion: SoftmaxCrossEntropy { smoothing: 0.1 }, reduction: Mean, class_weights: [1.0, 2.0] } of [9] against batch\"]\n\
        optimizer and phases: [Steps { terms: [0], trained: [true, true], optimizer: Sgd(Sgd { learning_rate: 0.1, l1: 0.0 }), factors: None, computed: [true, false] }]\n\
        schedule: Cosine { steps: 4, floor: 0.0 }\n\
        clipping: Some(Norm(0.5))\n\
        seed: 3\n\
        operations: [\"Input\", \"LeakyRelu { slope: 0.01 } 4\"]";

    fn sentences(from: &str, to: &str) -> Vec<String> {
        let here = LINES.replacen(from, to, 1);
        assert_ne!(here, LINES, "{from}");
        let differences = Identity::parse(LINES).differences(&Identity::parse(&here), &["w", "b"]);
        differences.iter().map(Difference::sentence).collect()
    }

    #[test]
    fn each_difference_is_named_by_its_setting() {
        for (from, to, wanted) in [
            ("seed: 3", "seed: 4", "saved with seed: 3, expected seed: 4"),
            (
                "learning_rate: 0.1",
                "learning_rate: 0.2",
                "saved with learning rate of the optimizer: 0.1, expected learning rate of the optimizer: 0.2",
            ),
            (
                "Sgd(Sgd { learning_rate: 0.1, l1: 0.0 })",
                "Adam(Adam { learning_rate: 0.1 })",
                "saved with optimizer: sgd, expected optimizer: adam",
            ),
            (
                "Cosine { steps: 4, floor: 0.0 }",
                "Constant",
                "saved with schedule: cosine, expected schedule: constant",
            ),
            (
                "floor: 0.0",
                "floor: 0.5",
                "saved with floor of the schedule: 0.0, expected floor of the schedule: 0.5",
            ),
            (
                "Some(Norm(0.5))",
                "Some(Norm(0.25))",
                "saved with clipping: 0.5, expected clipping: 0.25",
            ),
            (
                "Some(Norm(0.5))",
                "None",
                "saved with clipping: norm 0.5, expected clipping: none",
            ),
            (
                "smoothing: 0.1",
                "smoothing: 0.2",
                "saved with smoothing of the criterion of the loss: 0.1, expected smoothing of the criterion of the loss: 0.2",
            ),
            (
                "[true, true], opt",
                "[true, false], opt",
                "saved with training of b: yes, expected training of b: no",
            ),
            (
                "factors: None",
                "factors: Some([Factors { rate: 1.0, l1: 1.0 }, Factors { rate: 0.5, l1: 1.0 }])",
                "saved with rate factor of b: 1.0, expected rate factor of b: 0.5",
            ),
            (
                "computed: [true, false]",
                "computed: [true, false], values: [Values { learning_rate: None, l1: None }, Values { learning_rate: Some(0.5), l1: None }]",
                "saved with learning rate of b: none, expected learning rate of b: 0.5",
            ),
            (
                "slope: 0.01 } 4",
                "slope: 0.01 } 5",
                "saved with operation 1 of the network: LeakyRelu (slope 0.01) 4, expected operation 1 of the network: LeakyRelu (slope 0.01) 5",
            ),
        ] {
            assert_eq!(sentences(from, to), [wanted]);
        }
    }

    #[test]
    fn what_a_version_did_not_know_counts_as_not_set() {
        for (from, to, differs) in [
            ("l1: 0.0", "l1: 0.0, maximize: false", false),
            ("l1: 0.0", "l1: 0.0, maximize: true", true),
            ("seed: 3", "seed: 3\ndrop last: false", false),
            ("seed: 3", "seed: 3\ndrop last: true", true),
            (", computed: [true, false]", "", false),
            ("computed: [true, false]", "values: []", false),
        ] {
            assert_eq!(!sentences(from, to).is_empty(), differs, "{to}");
        }
    }
}
