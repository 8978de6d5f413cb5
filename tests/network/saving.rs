//! Atomic saving under concurrency; links, permissions and names of any length; no leftover files.

use super::common::devices::cpu;
use std::path::{Path, PathBuf};
use wgrad::{Error, Network, Sequential};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wgrad-saving-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of all that is in it.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("removing the test's folder");
    }
}

/// A network all of whose parameters have one value.
fn constant(value: f32) -> Network {
    let mut network = Sequential::new(30).dense(20).build(cpu(), 0).unwrap();
    network
        .set_parameter("layers.0.weight", &[value; 600])
        .unwrap();
    network
        .set_parameter("layers.0.bias", &[value; 20])
        .unwrap();
    network
}

/// The one value in a file.
#[track_caller]
fn value(path: &Path) -> f32 {
    let mut network = constant(-1.0);
    network.load(path).unwrap();
    let all = ["layers.0.weight", "layers.0.bias"].map(|name| network.parameter(name).unwrap());
    let first = all[0][0];
    assert!(
        all.concat().iter().all(|&value| value == first),
        "two saves in one file"
    );
    first
}

#[track_caller]
fn refused(path: impl AsRef<Path>) -> Error {
    let path = path.as_ref();
    let error = constant(1.0).save(path).unwrap_err();
    let Error::Io { path: named, .. } = &error else {
        panic!("expected Error::Io, found {error:?}")
    };
    assert_eq!(named, path);
    error
}

#[test]
fn threads_may_save_to_one_path() {
    let folder = Folder::new("threads");
    let path = folder.path("weights.safetensors");
    constant(0.0).save(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let path = &path;
            scope.spawn(move || {
                let network = constant(thread.into());
                for _ in 0..40 {
                    network.save(path).expect("a save beside others");
                }
            });
        }
        // Files of another length, which no reader may mix up with the others.
        scope.spawn(|| {
            let other = Sequential::new(30).dense(25).build(cpu(), 0).unwrap();
            for _ in 0..40 {
                other.save(&path).expect("a save beside others");
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..80 {
                    let found = constant(-1.0)
                        .load(&path)
                        .map_err(|error| error.to_string());
                    let other =
                        |error: &String| error.contains("has shape [25, 30], expected [20, 30]");
                    assert!(
                        found.is_ok() || found.as_ref().is_err_and(other),
                        "{found:?}"
                    );
                }
            });
        }
    });
    assert_eq!(folder.names(), ["weights.safetensors"]);
    constant(5.0).save(&path).unwrap();
    assert_eq!(value(&path), 5.0);
}

#[test]
fn names_of_full_length_can_be_saved() {
    let folder = Folder::new("names");
    let long = "w".repeat(255);
    for name in ["w", long.as_str()] {
        constant(1.0).save(folder.path(name)).unwrap();
        constant(2.0).save(folder.path(name)).unwrap();
        assert_eq!(value(&folder.path(name)), 2.0);
    }
    refused(folder.path(&"w".repeat(256)));
    assert_eq!(folder.names(), ["w", long.as_str()]);
}

#[test]
fn a_path_that_cannot_be_written_is_refused_and_leaves_nothing() {
    let folder = Folder::new("refused");
    std::fs::create_dir(folder.path("a folder")).unwrap();
    std::fs::write(folder.path("a file"), "text").unwrap();
    for path in [
        "a folder",
        "a folder/",
        "a folder/.",
        "a folder/..",
        "new/",
        "no/such/folder",
        "a file/weights",
    ] {
        refused(folder.path(path));
    }
    for path in ["", ".", "..", "/"] {
        refused(path);
    }
    assert_eq!(folder.names(), ["a file", "a folder"]);
    assert_eq!(
        std::fs::read_dir(folder.path("a folder")).unwrap().count(),
        0
    );
    assert_eq!(std::fs::read(folder.path("a file")).unwrap(), b"text");
    for path in ["a folder", "none"] {
        let error = constant(1.0).load(folder.path(path)).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}

#[test]
fn a_relative_path_is_the_working_folders() {
    let name = format!("wgrad-saving-{}.safetensors", std::process::id());
    constant(3.0).save(&name).unwrap();
    let found = value(Path::new(&name));
    std::fs::remove_file(&name).unwrap();
    assert_eq!(found, 3.0);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn links_stay_links() {
        let folder = Folder::new("links");
        std::fs::create_dir(folder.path("inner")).unwrap();
        let file = folder.path("inner/weights");
        constant(1.0).save(&file).unwrap();
        // To the file, relative and absolute; to a link; to a folder on the way; to what is not there yet.
        symlink("inner/weights", folder.path("relative")).unwrap();
        symlink(&file, folder.path("absolute")).unwrap();
        symlink("relative", folder.path("chain")).unwrap();
        symlink("../inner/weights", folder.path("inner/back")).unwrap();
        symlink("inner", folder.path("outer")).unwrap();
        for (name, found) in [
            ("relative", 2.0),
            ("absolute", 3.0),
            ("chain", 4.0),
            ("outer/back", 5.0),
            ("outer/weights", 6.0),
        ] {
            constant(found).save(folder.path(name)).unwrap();
            assert_eq!(value(&file), found, "{name}");
            assert_eq!(value(&folder.path(name)), found, "{name}");
        }
        symlink("inner/new", folder.path("dangling")).unwrap();
        constant(7.0).save(folder.path("dangling")).unwrap();
        assert_eq!(value(&folder.path("inner/new")), 7.0);
        for name in [
            "relative",
            "absolute",
            "chain",
            "inner/back",
            "outer",
            "dangling",
        ] {
            assert!(folder.path(name).is_symlink(), "{name} is a link no more");
        }
        // In a circle, and to a folder.
        symlink("circle", folder.path("circle")).unwrap();
        refused(folder.path("circle"));
        refused(folder.path("outer"));
        assert_eq!(
            folder.names(),
            [
                "absolute", "chain", "circle", "dangling", "inner", "outer", "relative"
            ]
        );
        assert_eq!(std::fs::read_dir(folder.path("inner")).unwrap().count(), 3);
    }

    #[test]
    fn permissions_are_kept() {
        let folder = Folder::new("modes");
        let path = folder.path("weights");
        constant(1.0).save(&path).unwrap();
        std::fs::write(folder.path("usual"), "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(&path), mode(&folder.path("usual")));
        for kept in [0o600, 0o640, 0o666, 0o755, 0o444, 0o400] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).unwrap();
            constant(2.0).save(&path).unwrap();
            assert_eq!(format!("{:o}", mode(&path)), format!("{kept:o}"));
        }
        assert_eq!(folder.names(), ["usual", "weights"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_file_is_written_to_and_not_read() {
        constant(1.0).save("/dev/null").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        // The disk is full.
        refused("/dev/full");
        assert!(!std::fs::metadata("/dev/full").unwrap().is_file());
        // Not even the superuser can make a file here.
        refused("/proc/wgrad");
        for path in ["/dev/zero", "/dev/null"] {
            let error = constant(1.0).load(path).unwrap_err();
            assert!(matches!(error, Error::Io { .. }), "{error}");
        }
    }

    #[test]
    fn a_tuning_is_saved_the_same_way() {
        let folder = Folder::new("tuning");
        let text = "wgrad tuning 1\nadapter none\n";
        let tuning = wgrad::Tuning::parse("text", text).unwrap();
        std::fs::write(folder.path("file"), "old").unwrap();
        symlink("file", folder.path("link")).unwrap();
        tuning.save(folder.path("link")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path("file")).unwrap(), text);
        assert_eq!(folder.names(), ["file", "link"]);
        // A file with no end is not read to its end.
        let endless = std::fs::File::create(folder.path("endless")).unwrap();
        endless.set_len(1 << 40).unwrap();
        let error = wgrad::Tuning::load(folder.path("endless")).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error}");
        let error = constant(1.0).load(folder.path("endless")).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error}");
    }
}
