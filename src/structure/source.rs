//! The crate's own source as a graph: which file uses which.
//!
//! A path is followed through the modules' re-exports to the file that defines what it names. Comments, strings and
//! test code are left out.

use super::text::{TEST_MODULE, without_tests, without_text, words};
use super::uses::{leaves, paths, split_uses};
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
