//! Charts as SVG files: curves labelled at their ends, clouds of points named in a key above the plot.
//!
//! A chart is plain SVG text with styles for light and dark pages. Text is at least 13 px at the size of the file. The
//! colours are those of Okabe and Ito (2008), which colour-blind readers can distinguish.

mod label;
mod picture;
mod scale;
mod svg;

use super::{Args, Result};
pub(crate) use picture::{Picture, Shade, Tile};
use scale::Scale;
use svg::Svg;

/// Width and height of the file in pixels.
const SIZE: [f64; 2] = [720.0, 440.0];
/// Margin of the file in pixels.
const MARGIN: f64 = 16.0;
/// Top of the plot, below the title and the name of the y axis.
const TOP: f64 = 70.0;
/// Height of the ticks and the name of the x axis, below the plot.
const FOOT: f64 = 56.0;

/// Curves and clouds of points over two axes, whose ranges fit the data.
pub(crate) struct Chart {
    title: String,
    x_label: String,
    y_label: String,
    log_y: bool,
    series: Vec<Series>,
}

struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    joined: bool,
}

/// Edges of the plot in pixels.
struct Plot {
    left: f64,
    right: f64,
    bottom: f64,
    /// Length of the line that leads from the end of a curve to its label.
    leader: f64,
    x: Scale,
    y: Scale,
}

/// Whether a curve's name is right of the plot; else it is beside the curve's end, within the plot.
fn ends_at_edge(x: &Scale, curve: &Series) -> bool {
    curve.points.last().is_some_and(|end| x.part(end.0) > 0.9)
}

impl Plot {
    /// Pixels of a point.
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            self.left + self.x.part(x) * (self.right - self.left),
            self.bottom - self.y.part(y) * (self.bottom - TOP),
        )
    }
}

/// Writes `name.svg` into the folder for charts, and prints its path.
fn write(args: &Args, name: &str, svg: &str) -> Result {
    std::fs::create_dir_all(&args.charts)?;
    let path = args.charts.join(name).with_extension("svg");
    std::fs::write(&path, svg)?;
    println!("chart: {}", path.display());
    Ok(())
}

impl Chart {
    pub(crate) fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Chart {
            title: title.to_string(),
            x_label: x_label.to_string(),
            y_label: y_label.to_string(),
            log_y: false,
            series: Vec::new(),
        }
    }

    /// A logarithmic y axis. Points that are not above 0 are left out.
    pub(crate) fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Adds a curve.
    pub(crate) fn curve(&mut self, name: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.add(name, points, true);
    }

    /// Adds a cloud of points.
    pub(crate) fn cloud(&mut self, name: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.add(name, points, false);
    }

    fn add(&mut self, name: &str, points: impl IntoIterator<Item = (f64, f64)>, joined: bool) {
        let can_be_drawn =
            |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (y > 0.0 || !self.log_y);
        let points = points.into_iter().filter(can_be_drawn).collect();
        self.series.push(Series {
            name: name.replace('_', " "),
            points,
            joined,
        });
    }

    /// Writes `name.svg` into the folder for charts, and prints its path.
    pub(crate) fn save(&self, args: &Args, name: &str) -> Result {
        write(args, name, &self.draw())
    }

    /// The text of the file.
    fn draw(&self) -> String {
        let plot = self.plot();
        let mut svg = Svg::new(SIZE, &self.title);
        svg.text("title", "start", (MARGIN, 30.0), &self.title);
        svg.text("muted", "start", (MARGIN, 54.0), &self.y_label);
        self.axes(&mut svg, &plot);
        let (curves, clouds): (Vec<_>, Vec<_>) = self
            .series
            .iter()
            .enumerate()
            .filter(|(_, series)| !series.points.is_empty())
            .partition(|(_, series)| series.joined);
        for (color, cloud) in &clouds {
            svg.cloud(*color, cloud.points.iter().map(|&point| plot.at(point)));
        }
        for (color, curve) in &curves {
            svg.curve(*color, curve.points.iter().map(|&point| plot.at(point)));
        }
        // The names of the clouds, from right to left above the plot.
        let mut left = SIZE[0] - MARGIN;
        for (color, cloud) in clouds.iter().rev() {
            left -= svg::width(&cloud.name);
            svg.text("", "start", (left, 54.0), &cloud.name);
            svg.key(*color, (left - 11.0, 49.0));
            left -= 32.0;
        }
        let ends: Vec<_> = curves
            .iter()
            .map(|(color, curve)| label::End {
                color: *color,
                name: &curve.name,
                at_edge: ends_at_edge(&plot.x, curve),
                at: plot.at(curve.points[curve.points.len() - 1]),
            })
            .collect();
        label::draw(&mut svg, &ends, &plot);
        svg.finish()
    }

    /// The axes, and the room that their ticks and the labels of the curves leave for the plot.
    fn plot(&self) -> Plot {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let cloudy = self.series.iter().any(|series| !series.joined);
        let x = Scale::linear(points().map(|point| point.0), cloudy, false);
        let y = if self.log_y {
            Scale::logarithmic(points().map(|point| point.1))
        } else {
            Scale::linear(points().map(|point| point.1), true, !cloudy)
        };
        let widest = |names: &mut dyn Iterator<Item = f64>| names.fold(0.0, f64::max);
        let ticks = widest(&mut y.ticks.iter().map(|tick| tick.width()));
        let curves = || self.series.iter().filter(|series| series.joined);
        let leader = label::leader(curves().count());
        let outside = curves().filter(|curve| ends_at_edge(&x, curve));
        let labels = widest(&mut outside.map(|curve| leader + svg::width(&curve.name)));
        Plot {
            left: MARGIN + ticks + 10.0,
            right: SIZE[0] - MARGIN - labels,
            bottom: SIZE[1] - FOOT,
            leader,
            x,
            y,
        }
    }

    /// Grid, ticks and the name of the x axis.
    fn axes(&self, svg: &mut Svg, plot: &Plot) {
        let (left, right, bottom) = (plot.left, plot.right, plot.bottom);
        for tick in &plot.y.ticks {
            let y = bottom - plot.y.part(tick.value) * (bottom - TOP);
            svg.line("grid", (left, y), (right, y));
            svg.tick(tick, "end", (left - 8.0, y + 5.0));
        }
        for tick in &plot.x.ticks {
            let x = left + plot.x.part(tick.value) * (right - left);
            svg.line("axis", (x, bottom), (x, bottom + 5.0));
            svg.tick(tick, "middle", (x, bottom + 21.0));
        }
        svg.line("axis", (left, bottom), (right, bottom));
        let middle = ((left + right) / 2.0, SIZE[1] - 12.0);
        svg.text("muted", "middle", middle, &self.x_label);
    }
}
