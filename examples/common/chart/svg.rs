//! SVG text.

use super::scale::Tick;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A file under construction.
pub(super) struct Svg(String);

/// Light colours, and dark ones for readers who prefer a dark page. The series' colours are Okabe and Ito's without
/// yellow, which is too light for lines; beyond seven they repeat dashed.
const STYLE: &str = "\
:root{--paper:#fff;--ink:#1f2328;--muted:#59636e;--grid:#e4e7eb}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#f0f6fc;--muted:#9aa4af;--grid:#2b323b}}
text{font:14px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:var(--ink)}
.title{font-size:18px;font-weight:600}
.muted{fill:var(--muted)}
.over{stroke:var(--paper);stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.power{font-size:12px}
.paper{fill:var(--paper)}
.grid{stroke:var(--grid)}
.axis{stroke:var(--muted)}
polyline{fill:none;stroke-width:2px;stroke-linejoin:round}
.leader{stroke-width:1px}
.dashed{stroke-dasharray:6 4}
.c0{stroke:#0072b2;fill:#0072b2}
.c1{stroke:#d55e00;fill:#d55e00}
.c2{stroke:#009e73;fill:#009e73}
.c3{stroke:#cc79a7;fill:#cc79a7}
.c4{stroke:#e69f00;fill:#e69f00}
.c5{stroke:#56b4e9;fill:#56b4e9}
.c6{stroke:var(--ink);fill:var(--ink)}
polyline.c0,polyline.c1,polyline.c2,polyline.c3,polyline.c4,polyline.c5,polyline.c6{fill:none}
.cloud{stroke:none;fill-opacity:.6}
.frame{fill:none;stroke:var(--muted)}
.small{font-size:13px}
";

/// Number of colours.
const COLORS: usize = 7;

/// Estimated width of a text in pixels, rather too large than too small: fonts differ.
pub(super) fn width(text: &str) -> f64 {
    8.2 * text.chars().count() as f64
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Svg {
    pub(super) fn new([width, height]: [f64; 2], title: &str) -> Self {
        let title = escape(title);
        Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>\n"
        ))
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    fn add(&mut self, text: std::fmt::Arguments) {
        self.0.write_fmt(text).expect("a string takes any text");
        self.0.push('\n');
    }

    /// A text whose start, middle or end is at the point.
    pub(super) fn text(&mut self, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        self.add(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    /// The number at a tick.
    pub(super) fn tick(&mut self, tick: &Tick, anchor: &str, (x, y): (f64, f64)) {
        let mut text = tick.text.clone();
        if let Some(exponent) = &tick.exponent {
            text += &format!("<tspan class=\"power\" dy=\"-5\">{exponent}</tspan>");
        }
        self.add(format_args!(
            "<text class=\"muted\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    pub(super) fn curve(&mut self, color: usize, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<_> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let dashed = if color < COLORS { "" } else { " dashed" };
        self.add(format_args!(
            "<polyline class=\"c{}{dashed}\" points=\"{}\"/>",
            color % COLORS,
            points.join(" ")
        ));
    }

    /// The thin line from the end of a curve to its name.
    pub(super) fn leader(&mut self, color: usize, points: [(f64, f64); 4]) {
        let points = points.map(|(x, y)| format!("{x:.1},{y:.1}"));
        let dashed = if color < COLORS { "" } else { " dashed" };
        self.add(format_args!(
            "<polyline class=\"leader c{}{dashed}\" points=\"{}\"/>",
            color % COLORS,
            points.join(" ")
        ));
    }

    pub(super) fn cloud(&mut self, color: usize, points: impl Iterator<Item = (f64, f64)>) {
        let class = color % COLORS;
        self.add(format_args!("<g class=\"cloud c{class}\">"));
        for (x, y) in points {
            self.add(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
            ));
        }
        self.add(format_args!("</g>"));
    }

    /// Cells of a picture, row by row, from this corner: each a square of `side` pixels. Neighbours of one colour in a
    /// row are one rectangle, and the rectangles of one colour one path.
    pub(super) fn cells(
        &mut self,
        (x, y): (f64, f64),
        side: f64,
        columns: usize,
        cells: &[String],
    ) {
        let mut paths: BTreeMap<&str, String> = BTreeMap::new();
        for (row, cells) in cells.chunks(columns).enumerate() {
            let mut start = 0;
            for run in cells.chunk_by(|a, b| a == b) {
                let (path, length) = (paths.entry(&run[0]).or_default(), run.len());
                *path += &format!("M{start} {row}h{length}v1h-{length}z");
                start += length;
            }
        }
        self.add(format_args!(
            "<g class=\"tile\" shape-rendering=\"crispEdges\" transform=\"translate({x:.1} {y:.1}) scale({side:.3})\">"
        ));
        for (color, path) in paths {
            self.add(format_args!("<path fill=\"{color}\" d=\"{path}\"/>"));
        }
        self.add(format_args!("</g>"));
        let rows = cells.len().div_ceil(columns);
        let (width, height) = (columns as f64 * side, rows as f64 * side);
        self.add(format_args!(
            "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    /// The point that stands for a cloud before its name.
    pub(super) fn key(&mut self, color: usize, (x, y): (f64, f64)) {
        let class = color % COLORS;
        self.add(format_args!(
            "<circle class=\"c{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>"
        ));
    }
}
