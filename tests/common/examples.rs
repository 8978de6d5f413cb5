//! Runs the numbered examples, and reads the numbers of their last lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The numbers of an example's last line.
pub(crate) struct Results(pub(crate) HashMap<String, f64>);

impl Results {
    /// One of them.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(&value) => value,
            None => panic!("no {name} among {:?}", self.0),
        }
    }

    /// Asserts bounds, both included. NaN is in none.
    #[track_caller]
    pub(crate) fn within(&self, name: &str, low: f64, high: f64) {
        let value = self.get(name);
        assert!(
            value >= low && value <= high,
            "{name} is {value}, not in {low}..={high}"
        );
    }
}

/// Where cargo puts the binary of an example: beside the folder of the tests.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    let profile = test.ancestors().nth(2).expect("target/<profile>/deps/test");
    let mut file = profile.join("examples").join(name);
    file.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        file.exists(),
        "{} is not there: run `cargo build --examples`",
        file.display()
    );
    file
}

/// Runs an example on the CPU device; it must succeed, and write these charts and no others.
#[track_caller]
pub(crate) fn run(name: &str, charts: &[&str]) -> Results {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an older run has left must not count.
    let _ = std::fs::remove_dir_all(&folder);
    let output = Command::new(binary(name))
        .args(["--device", "cpu", "--charts"])
        .arg(&folder)
        .output()
        .expect("the example starts");
    let text = String::from_utf8(output.stdout).expect("its output is text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed:\n{text}{errors}");

    let written = std::fs::read_dir(&folder).map_or(0, |entries| entries.count());
    assert_eq!(written, charts.len(), "files in {}", folder.display());
    for chart in charts {
        let file = folder.join(format!("{chart}.svg"));
        let svg = std::fs::read_to_string(&file).expect("a chart of this name");
        let marks = ["<circle", "<polyline", "<rect"].map(|mark| svg.matches(mark).count());
        // The frame, the legend and the axes alone are fewer.
        assert!(
            svg.ends_with("</svg>\n") && marks[0] + marks[1] >= 3,
            "{} holds no chart: {marks:?}",
            file.display()
        );
        assert!(!svg.contains("NaN"), "NaN in {}", file.display());
    }

    let last = text.lines().last().unwrap_or_default();
    let pairs = last.split_whitespace().map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((key.to_string(), value.parse().ok()?))
    });
    let numbers: Option<HashMap<_, _>> = pairs.collect();
    match numbers {
        Some(numbers) if !numbers.is_empty() => Results(numbers),
        _ => panic!("the last line of {name} is not key=number pairs: {last}"),
    }
}
