//! The structure of the source: which module may use which, and what is used in one place only.

mod source;
mod text;
mod uses;

use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

/// The modules from the lowest level to the highest. A module uses those of lower levels; within a level only `error`
/// is used.
const LEVELS: [&[&str]; 8] = [
    &["error", "random", "file", "time", "threads"],
    &["kernel"],
    &["shape"],
    &["graph", "device", "data"],
    &["plan"],
    &["executor"],
    &["nn"],
    &["train"],
];

/// Modules beside the levels, and what each uses above the lowest level.
const BESIDE: [(&str, &[&str]); 2] = [
    ("optim", &["kernel", "plan"]),
    ("tensor", &["kernel", "shape", "device", "executor"]),
];

/// Who uses modules beside the levels.
const USES_OPTIM: [&str; 2] = ["nn", "train"];

/// Modules that only re-export.
const LISTS: [&str; 3] = ["loss", "init", "prelude"];

/// The families of kernels, each after those that it uses.
const FAMILIES: [&str; 17] = [
    "base",
    "step",
    "random",
    "gather",
    "movement",
    "activation",
    "normalization",
    "reduction",
    "software",
    "matmul",
    "convolution",
    "recurrent",
    "attention",
    "embedding",
    "elementwise",
    "loss",
    "update",
];

/// Folders whose files may use each other in circles: the gradient of an operation of the graph is made of other
/// operations.
const UNITS: [&str; 1] = ["graph"];

/// The source, read once.
static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    let source = Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(source.files().count() > 250);
    source
});

/// The first part of a file's path, below a folder.
fn part<'a>(file: &'a str, folder: &str) -> &'a str {
    let rest = file.strip_prefix(folder).unwrap();
    rest.split('/').next().unwrap().trim_end_matches(".rs")
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

fn may_use(user: &str, used: &str) -> bool {
    let lowest = level(used) == Some(0);
    match (level(user), level(used)) {
        _ if user == used => true,
        (Some(0), _) => used == "error",
        (Some(user), Some(used)) => used < user,
        (Some(_), None) => used == "optim" && USES_OPTIM.contains(&user),
        (None, _) => {
            let beside = BESIDE.iter().find(|(name, _)| *name == user);
            let (_, uses) = beside.unwrap_or_else(|| panic!("{user} has no place in the order"));
            lowest || uses.contains(&used)
        }
    }
}

#[test]
fn modules_use_those_before_them() {
    let mut checked = BTreeSet::new();
    for (file, used) in SOURCE.graph() {
        let user = part(file, "");
        if user == "lib" || LISTS.contains(&user) {
            continue;
        }
        for other in used {
            let module = part(other, "");
            assert!(may_use(user, module), "{file} uses {other}");
            checked.insert((user, module));
        }
    }
    // The parser sees what there is to see.
    for known in [
        ("kernel", "threads"),
        ("plan", "graph"),
        ("train", "optim"),
        ("tensor", "device"),
    ] {
        assert!(checked.contains(&known), "{known:?}");
    }
}

#[test]
fn lists_of_names_define_nothing() {
    for (file, code) in SOURCE.files() {
        if LISTS.contains(&part(file, "")) {
            let defines =
                |line: &str| ["fn ", "struct ", "enum ", "impl "].map(|item| line.contains(item));
            let defines = code.lines().any(|line| defines(line).contains(&true));
            assert!(!defines, "{file} does more than re-export");
        }
    }
}

#[test]
fn clocks_and_threads_have_one_place_each() {
    let mut places = BTreeSet::new();
    for (file, path) in SOURCE.paths_outside() {
        let place = match path.as_slice() {
            ["std" | "core", "time", ..] | ["web_time", ..] => "time.rs",
            ["std", "thread", ..] | ["rayon", ..] => "threads.rs",
            _ => continue,
        };
        assert_eq!(file, place, "{} belongs in {place}", path.join("::"));
        places.insert(place);
    }
    assert_eq!(places, BTreeSet::from(["threads.rs", "time.rs"]));
}

#[test]
fn families_of_kernels_use_those_before_them() {
    let place = |family: &str| {
        let place = FAMILIES.iter().position(|known| *known == family);
        place.unwrap_or_else(|| panic!("{family} has no place in the order of families"))
    };
    let mut checked = BTreeSet::new();
    for (file, used) in SOURCE.graph() {
        let is_member = |file: &str| file.starts_with("kernel/") && file != "kernel/mod.rs";
        for other in used.into_iter().filter(|_| is_member(file)) {
            assert_ne!(other, "kernel/mod.rs", "{file} uses the list of families");
            if is_member(other) {
                let (user, used) = (part(file, "kernel/"), part(other, "kernel/"));
                assert!(place(user) >= place(used), "{file} uses {other}");
                checked.insert(user);
            }
        }
    }
    assert_eq!(checked, BTreeSet::from(FAMILIES));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let unit = |file: &'static str| match part(file, "") {
        folder if UNITS.contains(&folder) => folder,
        _ => file,
    };
    let mut left: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, used) in SOURCE.graph() {
        let used = used
            .into_iter()
            .map(unit)
            .filter(|used| *used != unit(file));
        left.entry(unit(file)).or_default().extend(used);
    }
    // Takes out what uses nothing that is left, or is used by nothing that is, until circles are left, or nothing.
    loop {
        let used: BTreeSet<&str> = left.values().flatten().copied().collect();
        let is_free = |(file, uses): &(&&str, &BTreeSet<&str>)| {
            !used.contains(**file) || !uses.iter().any(|used| left.contains_key(used))
        };
        let free: BTreeSet<&str> = left.iter().filter(is_free).map(|(file, _)| *file).collect();
        if free.is_empty() {
            break;
        }
        left.retain(|file, _| !free.contains(file));
    }
    assert!(left.is_empty(), "there is a circle among {:?}", left.keys());
}
