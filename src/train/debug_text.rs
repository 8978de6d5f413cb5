//! Parser of settings in Rust's `Debug` form, for comparing them part by part.

/// A value in `Debug` form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A number, a word, a variant without fields.
    Leaf(String),
    /// Text between quotation marks.
    Text(String),
    /// `Name { field: value, … }`.
    Fields(String, Vec<(String, Tree)>),
    /// `Name(value, …)`, `(value, …)` or `[value, …]`; the latter two without a name.
    Items(String, Vec<Tree>),
}

/// Maximum nesting depth: more than any setting has.
const DEEPEST: usize = 32;

impl Tree {
    /// Parses a whole text, or returns `None`.
    pub(super) fn parse(text: &str) -> Option<Tree> {
        let (tree, rest) = Tree::parse_start(text)?;
        rest.is_empty().then_some(tree)
    }

    /// Parses a value, and returns the rest of the text.
    pub(super) fn parse_start(text: &str) -> Option<(Tree, &str)> {
        let mut reader = Reader { rest: text };
        let tree = reader.value(0)?;
        Some((tree, reader.rest))
    }

    /// The field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&Tree> {
        match self {
            Tree::Fields(_, fields) => fields.iter().find(|(n, _)| n == name).map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// The values of a list or tuple.
    pub(super) fn items(&self) -> &[Tree] {
        match self {
            Tree::Items(_, items) => items,
            _ => &[],
        }
    }

    /// The value of a leaf, or the name of a structure.
    pub(super) fn word(&self) -> &str {
        match self {
            Tree::Leaf(word) | Tree::Text(word) => word,
            Tree::Fields(name, _) | Tree::Items(name, _) => name,
        }
    }

    /// Whether it is the value of a setting that is not set.
    pub(super) fn is_unset(&self) -> bool {
        match self {
            Tree::Leaf(word) => word == "None" || word == "false",
            Tree::Items(name, items) => name.is_empty() && items.is_empty(),
            Tree::Text(_) | Tree::Fields(..) => false,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let after = self.rest.strip_prefix(token);
        if let Some(after) = after {
            self.rest = after;
        }
        after.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Tree> {
        if depth > DEEPEST {
            return None;
        }
        if self.eat("[") {
            return Some(Tree::Items(String::new(), self.list("]", depth)?));
        }
        if self.eat("(") {
            return Some(Tree::Items(String::new(), self.list(")", depth)?));
        }
        if self.eat("\"") {
            return self.quoted().map(Tree::Text);
        }
        let end = self.rest.find(|c: char| ",()[]{} \"".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if word.is_empty() {
            return None;
        }
        let word = word.to_string();
        self.rest = rest;
        if self.eat("(") {
            return Some(Tree::Items(word, self.list(")", depth)?));
        }
        if self.eat(" { ") {
            return Some(Tree::Fields(word, self.fields(depth)?));
        }
        Some(Tree::Leaf(word))
    }

    fn list(&mut self, end: &str, depth: usize) -> Option<Vec<Tree>> {
        let mut items = Vec::new();
        while !self.eat(end) {
            if !items.is_empty() && !self.eat(", ") {
                return None;
            }
            items.push(self.value(depth + 1)?);
        }
        Some(items)
    }

    fn fields(&mut self, depth: usize) -> Option<Vec<(String, Tree)>> {
        let mut fields = Vec::new();
        while !self.eat(" }") {
            if !fields.is_empty() && !self.eat(", ") {
                return None;
            }
            let (name, rest) = self.rest.split_once(": ")?;
            let name = name.to_string();
            self.rest = rest;
            fields.push((name, self.value(depth + 1)?));
        }
        Some(fields)
    }

    /// The rest of a text in quotation marks.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(characters.next()?.1),
                c => text.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adam, Clip, Optimizer, Schedule};

    #[test]
    fn settings_are_read_back() {
        let schedule = Schedule::sequence([
            (
                Schedule::Cosine {
                    steps: 3,
                    floor: 0.5,
                },
                3,
            ),
            (Schedule::Constant, 0),
        ]);
        let optimizer: Optimizer = Adam::new(1e-9).into();
        let all = (
            Some(Clip::Norm(0.25)),
            schedule,
            optimizer,
            vec!["a \"b\" { }", "c"],
        );
        let text = format!("{all:?}");
        let tree = Tree::parse(&text).unwrap();
        let [clip, schedule, optimizer, names] = tree.items() else {
            panic!("{tree:?}");
        };
        assert_eq!(clip.items()[0].items()[0].word(), "0.25");
        let first = &schedule.items()[0].items()[0].items()[0];
        assert_eq!(
            (first.word(), first.field("floor").unwrap().word()),
            ("Cosine", "0.5")
        );
        let rate = optimizer.items()[0].field("learning_rate").unwrap();
        assert_eq!(rate.word(), "1e-9");
        assert_eq!(names.items()[0], Tree::Text("a \"b\" { }".to_string()));
    }

    #[test]
    fn what_is_no_debug_text_is_none() {
        for text in ["", "[1", "a {", "a { b }", "[1 2]", "\"a", "(1, 2) 3", ")"] {
            assert_eq!(Tree::parse(text), None, "{text}");
        }
        assert_eq!(Tree::parse(&"[".repeat(100_000)), None);
        assert_eq!(Tree::parse("[]"), Some(Tree::Items(String::new(), vec![])));
    }
}
