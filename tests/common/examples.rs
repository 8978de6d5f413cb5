//! Runner of the numbered examples, which parses the numbers of their last lines.

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
        let file = file.display().to_string();
        if svg.contains("class=\"tile\"") {
            check_picture(&svg, &file);
        } else {
            check_chart(&svg, &file);
        }
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

/// A picture holds at least four tiles and scales, most of which have several colours, and its numbers are numbers.
#[track_caller]
fn check_picture(svg: &str, file: &str) {
    let tiles: Vec<&str> = svg.split("<g class=\"tile\"").skip(1).collect();
    let colors = |tile: &&str| {
        tile.split("</g>")
            .next()
            .unwrap_or("")
            .matches("<path")
            .count()
    };
    let colored = tiles.iter().filter(|tile| colors(tile) >= 3).count();
    assert!(
        svg.ends_with("</svg>\n") && tiles.len() >= 4 && 4 * colored >= 3 * tiles.len(),
        "{file}: {colored} of {} tiles have several colours",
        tiles.len()
    );
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{file}");
}

/// A chart holds at least two curves or a cloud of points; its numbers are numbers; no label of a curve overlaps
/// another; and ticks are whole numbers where the axis counts something.
#[track_caller]
fn check_chart(svg: &str, file: &str) {
    let curves = svg.matches("<polyline class=\"c").count();
    let points = svg.matches("<circle").count();
    assert!(
        svg.ends_with("</svg>\n") && (curves >= 2 || points >= 100),
        "{file} holds no chart: {curves} curves, {points} points"
    );
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{file}");

    let labels = texts(svg, "over", "start");
    for (i, a) in labels.iter().enumerate() {
        for b in &labels[i + 1..] {
            let apart = (a.y - b.y).abs() >= 17.0 || (a.x - b.x).abs() >= 150.0;
            assert!(apart, "{file}: {} and {} overlap", a.text, b.text);
        }
    }
    assert_eq!(labels.len(), curves, "{file}: every curve has its name");

    let axes = texts(svg, "muted", "middle");
    let (name, ticks) = axes.split_last().expect("an axis has a name");
    assert!(ticks.len() >= 4, "{file}: {} ticks", ticks.len());
    if [
        "epoch",
        "step",
        "layer",
        "hidden layer",
        "samples seen",
        "row of the digit",
        "shift in pixels",
        "steps back in time",
    ]
    .contains(&name.text)
    {
        for tick in ticks {
            let whole = tick.text.parse::<u32>().is_ok();
            assert!(whole, "{file}: {} is a tick of {}", tick.text, name.text);
        }
    }
}

/// A text of a chart, and where it stands.
struct Text<'a> {
    x: f64,
    y: f64,
    text: &'a str,
}

/// The texts of a class and anchor.
fn texts<'a>(svg: &'a str, class: &str, anchor: &str) -> Vec<Text<'a>> {
    let start = format!("<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"");
    let parse = |line: &'a str| {
        let (x, rest) = line.strip_prefix(&start)?.split_once("\" y=\"")?;
        let (y, rest) = rest.split_once("\">")?;
        Some(Text {
            x: x.parse().ok()?,
            y: y.parse().ok()?,
            text: rest.strip_suffix("</text>")?,
        })
    };
    svg.lines().filter_map(parse).collect()
}
