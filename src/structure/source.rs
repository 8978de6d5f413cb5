//! The crate's own source as a graph: which file uses which.
//!
//! A path is followed through the modules' re-exports to the file that defines what it names. Comments, strings and
//! test code are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One file of `src`.
struct File {
    /// Its module path, without `crate`.
    module: Vec<String>,
    /// What it re-exports: the name that it gives (`*` for a glob), and the path to it.
    exports: Vec<(String, Vec<String>)>,
    /// Paths that it uses, all from `crate` on.
    uses: BTreeSet<Vec<String>>,
    /// Paths into other crates.
    outside: BTreeSet<Vec<String>>,
    /// Its code without comments, literals and test code.
    code: String,
}

/// All files of `src`.
pub(super) struct Source {
    files: BTreeMap<String, File>,
    /// From module path to file.
    modules: BTreeMap<Vec<String>, String>,
}

impl Source {
    /// Reads a `src` folder.
    pub(super) fn read(root: &Path) -> Source {
        let mut paths = Vec::new();
        collect(root, &mut paths);
        let mut texts = BTreeMap::new();
        let mut modules = BTreeMap::new();
        for path in paths {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let name = name.replace('\\', "/");
            let code = without_tests(&without_text(&std::fs::read_to_string(&path).unwrap()));
            modules.insert(module_of(&name), name.clone());
            texts.insert(name, code);
        }
        let tests = test_modules(&texts);
        texts.retain(|name, _| !tests.iter().any(|test| module_of(name).starts_with(test)));
        modules.retain(|_, name| texts.contains_key(name));
        let files = texts.into_iter().map(|(name, code)| {
            let file = File::new(module_of(&name), code, &modules);
            (name, file)
        });
        Source {
            files: files.collect(),
            modules,
        }
    }

    /// The names of the files, with their code.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(name, file)| (name.as_str(), file.code.as_str()))
    }

    /// The paths into other crates, with the file that uses each.
    pub(super) fn paths_outside(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.files.iter().flat_map(|(name, file)| {
            let paths = file.outside.iter();
            paths.map(|path| (name.as_str(), path.iter().map(String::as_str).collect()))
        })
    }

    /// For each file the files that it uses.
    pub(super) fn graph(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let edges = |(name, file): (_, &File)| {
            let name: &String = name;
            let used = file.uses.iter().filter_map(|path| self.resolve(path, 0));
            let used = used.filter(|used| used != name).collect();
            (name.as_str(), used)
        };
        self.files.iter().map(edges).collect()
    }

    /// The file that defines what a path names. None if it names nothing of this crate's.
    fn resolve(&self, path: &[String], depth: usize) -> Option<&str> {
        assert!(depth < 20, "{path:?} leads in a circle");
        let mut at = Vec::new();
        for (i, segment) in path.iter().enumerate() {
            let mut child = at.clone();
            child.push(segment.clone());
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            let name = &self.modules[&at];
            let file = &self.files[name];
            for (exported, target) in &file.exports {
                let mut target = target.clone();
                if exported == "*" {
                    // A glob gives the name if the module there defines or re-exports it.
                    let Some(there) = self.resolve(&target, depth + 1) else {
                        continue;
                    };
                    if !self.gives(there, segment) {
                        continue;
                    }
                    target.push(segment.clone());
                } else if exported != segment {
                    continue;
                }
                target.extend_from_slice(&path[i + 1..]);
                return self.resolve(&target, depth + 1);
            }
            return Some(name);
        }
        Some(&self.modules[&at])
    }

    /// Whether a file gives a name: by a definition, a module, or a re-export.
    fn gives(&self, file: &str, name: &str) -> bool {
        let file = &self.files[file];
        let mut child = file.module.clone();
        child.push(name.to_string());
        self.modules.contains_key(&child)
            || file.exports.iter().any(|(exported, _)| exported == name)
            || words(&file.code).any(|word| word == name)
    }
}

impl File {
    fn new(module: Vec<String>, code: String, modules: &BTreeMap<Vec<String>, String>) -> File {
        let (uses, rest) = split_uses(&code);
        let absolute = |path: Vec<String>| absolute(&module, path, modules);
        let mut exports = Vec::new();
        let mut used = BTreeSet::new();
        let mut outside = BTreeSet::new();
        for (public, tree) in uses {
            for mut path in leaves(&tree) {
                let mut given = path.pop().unwrap();
                let mut rename = None;
                if let Some((name, new)) = given.split_once(" as ") {
                    rename = Some(new.trim().to_string());
                    given = name.trim().to_string();
                }
                if given != "self" && given != "*" {
                    path.push(given.clone());
                }
                let name = match (rename, given.as_str()) {
                    (Some(name), _) => name,
                    (None, "*") => "*".to_string(),
                    (None, _) => path.last().unwrap().clone(),
                };
                let Some(path) = absolute(path.clone()) else {
                    outside.insert(path);
                    continue;
                };
                if public {
                    // A file that only lists what others define does not use it.
                    if words(&rest).any(|word| word == name) {
                        used.insert(path.clone());
                    }
                    exports.push((name, path));
                } else {
                    used.insert(path);
                }
            }
        }
        for path in paths(&rest) {
            match absolute(path.clone()) {
                Some(path) => used.insert(path),
                None => outside.insert(path),
            };
        }
        File {
            module,
            exports,
            uses: used,
            outside,
            code,
        }
    }
}

/// A path from `crate` on, without that word. None if it is of another crate, or names something in scope.
fn absolute(
    module: &[String],
    path: Vec<String>,
    modules: &BTreeMap<Vec<String>, String>,
) -> Option<Vec<String>> {
    let first = path.first()?.as_str();
    let join = |at: &[String], rest: &[String]| Some([at, rest].concat());
    match first {
        "crate" | "$crate" => join(&[], &path[1..]),
        "self" => join(module, &path[1..]),
        "super" => {
            let up = path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            let kept = module.len().checked_sub(up)?;
            join(&module[..kept], &path[up..])
        }
        _ => {
            let child = join(module, &path[..1])?;
            modules
                .contains_key(&child)
                .then(|| [module, &path].concat())
        }
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}

/// `a/b.rs` and `a/b/mod.rs` are module a::b.
fn module_of(file: &str) -> Vec<String> {
    let mut module: Vec<String> = file
        .trim_end_matches(".rs")
        .split('/')
        .map(String::from)
        .collect();
    if matches!(module.last().unwrap().as_str(), "mod" | "lib") {
        module.pop();
    }
    module
}

/// The modules that [`without_tests`] marked.
fn test_modules(texts: &BTreeMap<String, String>) -> Vec<Vec<String>> {
    let mut tests = Vec::new();
    for (name, code) in texts {
        for rest in code.split(TEST_MODULE).skip(1) {
            let mut module = module_of(name);
            module.push(words(rest).next().unwrap().to_string());
            tests.push(module);
        }
    }
    tests
}

/// Stands where a module for tests was declared that has a file of its own.
const TEST_MODULE: &str = "\u{1}";

/// Blanks comments and the contents of string and character literals.
fn without_text(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").unwrap() + 2
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").unwrap() + 2
        } else if rest.starts_with("pub(in ") {
            // A path that is no use of what it names.
            out.push_str("pub");
            rest.find(')').unwrap() + 1
        } else if c == '"' {
            literal(rest, '"')
        } else if c == '\'' && is_character(rest) {
            literal(rest, '\'')
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        if c == '"' || c == 'r' {
            out.push_str("\"\"");
        }
        rest = &rest[skipped..];
    }
    out
}

/// Bytes of the literal at the beginning.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a `'` begins a character, and no lifetime.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

/// Leaves out what stands under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut parts = code.split("#[cfg(test)]");
    let mut out = parts.next().unwrap().to_string();
    for part in parts {
        // The item ends with its outermost brace, or with a semicolon before any.
        let mut depth = 0;
        let end = part.char_indices().find(|&(_, c)| {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            depth == 0 && (c == '}' || c == ';')
        });
        let end = end.map_or(part.len(), |(i, _)| i + 1);
        let item = part[..end].trim();
        let mut item = words(item).skip_while(|word| matches!(*word, "pub" | "crate" | "super"));
        if item.next() == Some("mod") && part[..end].ends_with(';') {
            out.push_str(TEST_MODULE);
            out.push_str(item.next().unwrap());
            out.push(';');
        }
        out.push_str(&part[end..]);
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

/// The `use` declarations, with whether each is public; and the rest of the code.
fn split_uses(code: &str) -> (Vec<(bool, String)>, String) {
    let mut uses = Vec::new();
    let mut rest = String::new();
    let mut lines = code.lines();
    let mut depth = 0;
    // The depths of the modules within the file that are open here.
    let mut inline: Vec<i32> = Vec::new();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        let mut before = words(trimmed).skip_while(|word| matches!(*word, "pub" | "crate"));
        if before.next() == Some("mod") && trimmed.ends_with('{') {
            inline.push(depth);
        }
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        if inline.last().is_some_and(|&open| depth <= open) {
            inline.pop();
        }
        let public = trimmed.starts_with("pub");
        let body = match trimmed.strip_prefix("use ") {
            Some(body) => Some(body),
            None if public => trimmed.split_once(" use ").map(|(_, body)| body),
            None => None,
        };
        let Some(body) = body else {
            // From a module within the file, `super` is the file.
            match inline.is_empty() {
                true => rest.push_str(line),
                false => rest.push_str(&line.replacen("super::", "self::", 1)),
            }
            rest.push('\n');
            continue;
        };
        let mut tree = body.to_string();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap());
        }
        let (tree, after) = tree.split_once(';').unwrap();
        rest.push_str(after);
        depth += tree.matches('{').count() as i32 - tree.matches('}').count() as i32;
        depth -= body.matches('{').count() as i32 - body.matches('}').count() as i32;
        // What a module within the file gives, the file itself does not.
        let mut tree = tree.to_string();
        for _ in &inline {
            tree = match tree.strip_prefix("super::") {
                Some(rest) => format!("self::{rest}"),
                None => tree,
            };
        }
        uses.push((public && inline.is_empty(), tree));
    }
    (uses, rest)
}

/// The paths of a tree `a::{b, c::{d, e}}`.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    let mut parts = Vec::new();
    for (i, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts.into_iter().map(str::trim).filter(|p| !p.is_empty()) {
        let segments = |text: &str| -> Vec<String> {
            let segments = text.split("::").map(str::trim);
            segments
                .filter(|s| !s.is_empty())
                .map(String::from)
                .collect()
        };
        match part.split_once('{') {
            Some((front, inner)) => {
                let front = segments(front);
                let inner = leaves(inner.trim_end().trim_end_matches('}').trim_end());
                found.extend(inner.into_iter().map(|leaf| [&front[..], &leaf].concat()));
            }
            None => found.push(segments(part)),
        }
    }
    found
}

/// Paths of several segments in code.
fn paths(code: &str) -> impl Iterator<Item = Vec<String>> {
    code.split(|c| !is_word(c) && c != ':' && c != '$')
        .filter(|text| text.contains("::"))
        .map(|text| {
            let segments = text.split("::").map(|s| s.trim_matches(':'));
            segments
                .filter(|s| !s.is_empty())
                .map(String::from)
                .collect()
        })
}
