//! The search for MNIST's four files in a folder, under all names that are in use.

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Subfolders to search: the folder itself, torchvision's, and that of EMNIST's archive.
const FOLDERS: [&str; 5] = ["", "raw", "MNIST/raw", "MNIST", "gzip"];

/// The usual names: training images and labels, test images and labels.
const USUAL: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Candidates for each of the four files, all with one prefix.
type Group = [Vec<PathBuf>; 4];

/// The four files, in the order of [`USUAL`].
pub(super) fn find(dir: &Path) -> Result<[PathBuf; 4]> {
    // The file that the error names as missing.
    let mut missing = dir.join(USUAL[0]);
    let mut best = 0;
    for folder in FOLDERS {
        let folder = if folder.is_empty() {
            dir.to_path_buf()
        } else {
            dir.join(folder)
        };
        let mut groups = match groups(&folder) {
            Ok(groups) => groups,
            Err(_) if folder != dir => continue,
            Err(source) => {
                return Err(Error::Io {
                    path: dir.join(USUAL[0]),
                    source,
                });
            }
        };
        // Names without a prefix come first.
        if let Some(files) = groups.get_mut("").and_then(complete) {
            return Ok(files);
        }
        let mut whole: Vec<(String, [PathBuf; 4])> = Vec::new();
        for (prefix, group) in &mut groups {
            let found = group.iter().filter(|files| !files.is_empty()).count();
            if found > best {
                best = found;
                let absent = group.iter().position(Vec::is_empty).unwrap_or(0);
                missing = folder.join(format!("{prefix}{}", USUAL[absent]));
            }
            whole.extend(complete(group).map(|files| (prefix.clone(), files)));
        }
        if whole.len() > 1 {
            let prefixes = whole.iter().map(|(prefix, _)| prefix.as_str());
            let prefixes = prefixes.collect::<Vec<_>>().join(", ");
            return Err(Error::format(
                folder.display().to_string(),
                format!(
                    "expected one data set, found several: {prefixes}. Give each a folder of its own"
                ),
            ));
        }
        if let Some((_, files)) = whole.pop() {
            return Ok(files);
        }
    }
    Err(Error::Io {
        path: missing,
        source: io::Error::new(
            io::ErrorKind::NotFound,
            "no such file under any of its usual names, plain or gzip",
        ),
    })
}

/// The best candidate for each of the four files; `None` if one has no candidate.
fn complete(group: &mut Group) -> Option<[PathBuf; 4]> {
    let best = |files: &Vec<PathBuf>, usual: &str| {
        let rank = |path: &&PathBuf| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let packed = strip_gzip(&name.to_ascii_lowercase()).is_some();
            (name != usual, packed, path.to_path_buf())
        };
        files.iter().min_by_key(rank).cloned()
    };
    let [a, b, c, d] = std::array::from_fn(|i| best(&group[i], USUAL[i]));
    Some([a?, b?, c?, d?])
}

/// The files of a folder that have one of the names, grouped by prefix.
fn groups(folder: &Path) -> io::Result<BTreeMap<String, Group>> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (name, path) in entries(folder)? {
        let Some((prefix, number)) = kind(&name) else {
            continue;
        };
        let files = &mut groups.entry(prefix.clone()).or_default()[number];
        if path.is_file() {
            files.push(path);
        } else if let Ok(inner) = entries(&path) {
            // Some archives unpack each file into a folder of the same name.
            let same = |(name, path): &(String, PathBuf)| {
                kind(name) == Some((prefix.clone(), number)) && path.is_file()
            };
            files.extend(inner.into_iter().filter(same).map(|(_, path)| path));
        }
    }
    Ok(groups)
}

fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| {
        let entry = entry?;
        // A name that is not Unicode is none of the names.
        Ok(entry
            .file_name()
            .into_string()
            .ok()
            .map(|name| (name, entry.path())))
    });
    entries.filter_map(io::Result::transpose).collect()
}

/// Splits a name into a prefix such as `emnist-digits-` and the index of one of the four files. After the prefix comes
/// `train`, `t10k` or `test`, then `images` or `labels`, then optionally `idx3` or `idx1`, `ubyte` and `gz`: in upper
/// or lower case, with hyphens, dots or underscores between.
fn kind(name: &str) -> Option<(String, usize)> {
    let name = name.to_ascii_lowercase();
    let name = strip_gzip(&name)
        .unwrap_or(&name)
        .replace(['.', '_', ' '], "-");
    let name = name.strip_suffix("-ubyte").unwrap_or(&name);
    let ranks = ["-idx3", "-idx1", "-idx"];
    let stem = ranks
        .iter()
        .find_map(|rank| name.strip_suffix(rank))
        .unwrap_or(name);
    let (stem, part) = [("-images", 0), ("-labels", 1)]
        .into_iter()
        .find_map(|(end, part)| Some((stem.strip_suffix(end)?, part)))?;
    let (prefix, set) = [("train", 0), ("t10k", 2), ("test", 2)]
        .into_iter()
        .find_map(|(end, set)| Some((stem.strip_suffix(end)?, set)))?;
    let whole_word = prefix.is_empty() || prefix.ends_with('-');
    whole_word.then(|| (prefix.to_string(), set + part))
}

fn strip_gzip(lower: &str) -> Option<&str> {
    lower
        .strip_suffix(".gz")
        .or_else(|| lower.strip_suffix(".gzip"))
}
