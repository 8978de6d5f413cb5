//! Charts as SVG files.

use super::{Args, Result};
use plotters::prelude::*;

/// Points and curves over two axes, which fit what is drawn.
pub(crate) struct Chart {
    title: String,
    x_label: String,
    y_label: String,
    /// Draws log₁₀ y.
    log_y: bool,
    series: Vec<Series>,
}

struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    joined: bool,
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

    /// A logarithmic y axis. What is not above 0 is left out.
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
        self.series.push(Series {
            name: name.to_string(),
            points: points.into_iter().collect(),
            joined,
        });
    }

    /// Writes `name.svg` into the folder for charts, and says so.
    pub(crate) fn save(&self, args: &Args, name: &str) -> Result {
        std::fs::create_dir_all(&args.charts)?;
        let path = args.charts.join(name).with_extension("svg");
        let drawing = SVGBackend::new(&path, (800, 500)).into_drawing_area();
        drawing.fill(&WHITE)?;

        let scaled = |&(x, y): &(f64, f64)| (x, if self.log_y { y.log10() } else { y });
        let drawn = |series: &Series| -> Vec<(f64, f64)> {
            let points = series.points.iter().map(scaled);
            points
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .collect()
        };
        let all: Vec<_> = self.series.iter().flat_map(drawn).collect();
        let mut chart = ChartBuilder::on(&drawing)
            .caption(&self.title, ("sans-serif", 20))
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(
                // Room for the legend to the right of all points.
                range(all.iter().map(|point| point.0), 0.3),
                range(all.iter().map(|point| point.1), 0.05),
            )?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .y_label_formatter(&|&y| {
                if self.log_y {
                    format!("{:.1e}", 10f64.powf(y))
                } else {
                    format!("{y:.3}")
                }
            })
            .draw()?;
        for (i, series) in self.series.iter().enumerate() {
            let hue = i as f64 / self.series.len() as f64;
            let color = HSLColor(hue, 0.8, 0.42).to_rgba();
            let points = drawn(series);
            if series.joined {
                chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?
            } else {
                let dots = points
                    .into_iter()
                    .map(|at| Circle::new(at, 2, color.filled()));
                chart.draw_series(dots)?
            }
            .label(&series.name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 2), (x + 16, y + 2)], color.filled()));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        drawing.present()?;
        println!("chart: {}", path.display());
        Ok(())
    }
}

/// From the least to the greatest, a little more below, and this part of their distance more above.
fn range(values: impl Iterator<Item = f64>, above: f64) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    let length = (high - low).max(1e-9);
    low - 0.05 * length..high + above * length
}
