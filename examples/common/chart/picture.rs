//! Pictures: rows of tiles, whose cells are coloured by value.

use super::svg::{Svg, width};
use super::{Args, MARGIN, Result, SIZE, write};

/// How values are coloured. Both scales can be read without colour vision, and on light and dark pages.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shade {
    /// White at 0, through blue, to nearly black at the greatest value.
    Positive,
    /// Blue below 0, orange above, and nearly white at 0.
    Signed,
}

/// Colours at equal distances of the scale.
const POSITIVE: [[u8; 3]; 4] = [[255, 255, 255], [134, 190, 230], [0, 98, 160], [0, 18, 34]];
const SIGNED: [[u8; 3]; 5] = [
    [0, 62, 110],
    [86, 160, 214],
    [247, 247, 247],
    [238, 150, 80],
    [140, 50, 0],
];

/// Steps of a scale on either side of 0: equal colours are drawn together.
const STEPS: f64 = 24.0;

/// A matrix as an image.
pub(crate) struct Tile {
    values: Vec<f32>,
    columns: usize,
    caption: String,
    names: Option<[Vec<String>; 2]>,
}

impl Tile {
    /// Values row by row.
    pub(crate) fn new(columns: usize, values: impl IntoIterator<Item = f32>) -> Self {
        Tile {
            values: values.into_iter().collect(),
            columns,
            caption: String::new(),
            names: None,
        }
    }

    /// One channel of an image [height, width, channels].
    pub(crate) fn channel(image: &[f32], width: usize, channels: usize, channel: usize) -> Self {
        Tile::new(width, image.iter().skip(channel).step_by(channels).copied())
    }

    /// Sets the text below it.
    pub(crate) fn caption(mut self, text: &str) -> Self {
        self.caption = text.to_string();
        self
    }

    /// Sets the names of rows and columns: a character each.
    pub(crate) fn names(mut self, rows: Vec<String>, columns: Vec<String>) -> Self {
        self.names = Some([rows, columns]);
        self
    }

    fn rows(&self) -> usize {
        self.values.len().div_ceil(self.columns.max(1))
    }

    /// Width left of the cells, and height above them, for the names.
    fn margin(&self) -> f64 {
        if self.names.is_some() { 20.0 } else { 0.0 }
    }
}

/// Tiles with a common scale.
struct Row {
    label: String,
    shade: Shade,
    /// Width of the cells of a tile in pixels.
    size: f64,
    tiles: Vec<Tile>,
}

/// Rows of tiles below a title.
pub(crate) struct Picture {
    title: String,
    rows: Vec<Row>,
}

impl Picture {
    pub(crate) fn new(title: &str) -> Self {
        Picture {
            title: title.to_string(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of tiles, each `size` pixels wide, in as many lines as they need.
    pub(crate) fn row(&mut self, label: &str, shade: Shade, size: f64, tiles: Vec<Tile>) {
        self.rows.push(Row {
            label: label.to_string(),
            shade,
            size,
            tiles,
        });
    }

    /// Writes `name.svg` into the folder for charts, and prints its path.
    pub(crate) fn save(&self, args: &Args, name: &str) -> Result {
        write(args, name, &self.draw())
    }

    /// The text of the file. The height follows from the rows, so they are drawn onto a copy first.
    fn draw(&self) -> String {
        let bottom = self.draw_rows(&mut Svg::new(SIZE, &self.title));
        let mut svg = Svg::new([SIZE[0], bottom], &self.title);
        svg.text("title", "start", (MARGIN, 30.0), &self.title);
        self.draw_rows(&mut svg);
        svg.finish()
    }

    /// Draws the rows; returns the height.
    fn draw_rows(&self, svg: &mut Svg) -> f64 {
        let mut top = 44.0;
        for row in &self.rows {
            top = row.draw(svg, top);
        }
        top
    }
}

impl Row {
    /// Draws label, scale and tiles from this height; returns the height below them.
    fn draw(&self, svg: &mut Svg, top: f64) -> f64 {
        let greatest = self.greatest();
        svg.text("", "start", (MARGIN, top + 16.0), &self.label);
        self.draw_scale(svg, greatest, top + 16.0);
        let mut corner = (MARGIN, top + 26.0);
        let mut below = corner.1;
        for tile in &self.tiles {
            let margin = tile.margin();
            if corner.0 + margin + self.size > SIZE[0] - MARGIN {
                corner = (MARGIN, below + 8.0);
            }
            let at = (corner.0 + margin, corner.1 + margin);
            let side = self.size / tile.columns as f64;
            let colors: Vec<String> = tile
                .values
                .iter()
                .map(|&v| self.color(v, greatest))
                .collect();
            svg.cells(at, side, tile.columns, &colors);
            if let Some([rows, columns]) = &tile.names {
                for (i, name) in rows.iter().enumerate() {
                    let y = at.1 + (i as f64 + 0.5) * side + 4.5;
                    svg.text("small", "middle", (at.0 - 10.0, y), name);
                }
                for (i, name) in columns.iter().enumerate() {
                    let x = at.0 + (i as f64 + 0.5) * side;
                    svg.text("small", "middle", (x, at.1 - 6.0), name);
                }
            }
            let mut end = at.1 + tile.rows() as f64 * side;
            if !tile.caption.is_empty() {
                end += 18.0;
                svg.text(
                    "muted small",
                    "middle",
                    (at.0 + self.size / 2.0, end - 3.0),
                    &tile.caption,
                );
            }
            below = below.max(end);
            corner.0 = at.0 + self.size + 10.0;
        }
        below + 14.0
    }

    /// The scale at the right: its ends, and the colours between them.
    fn draw_scale(&self, svg: &mut Svg, greatest: f32, base: f64) {
        const CELLS: usize = 16;
        const SIDE: f64 = 6.0;
        let least = if self.shade == Shade::Signed {
            -greatest
        } else {
            0.0
        };
        let [low, high] = [least, greatest].map(|end| number(end.into()));
        let right = SIZE[0] - MARGIN - width(&high);
        svg.text("muted small", "start", (right, base), &high);
        let left = right - 6.0 - CELLS as f64 * SIDE;
        let part = |i: usize| i as f32 / (CELLS - 1) as f32;
        let line = (0..CELLS).map(|i| self.color(least + (greatest - least) * part(i), greatest));
        let line: Vec<String> = line.collect();
        svg.cells(
            (left, base - 11.0),
            SIDE,
            CELLS,
            &[&line[..], &line[..]].concat(),
        );
        svg.text("muted small", "end", (left - 6.0, base), &low);
    }

    /// The greatest magnitude of the row's values.
    fn greatest(&self) -> f32 {
        let values = self.tiles.iter().flat_map(|tile| &tile.values);
        let greatest = values.fold(0.0f32, |most, value| most.max(value.abs()));
        if greatest > 0.0 { greatest } else { 1.0 }
    }

    fn color(&self, value: f32, greatest: f32) -> String {
        let part = (f64::from(value / greatest) * STEPS).round() / STEPS;
        let (stops, place) = match self.shade {
            Shade::Positive => (&POSITIVE[..], part.clamp(0.0, 1.0) * 3.0),
            Shade::Signed => (&SIGNED[..], (part.clamp(-1.0, 1.0) + 1.0) * 2.0),
        };
        let first = (place as usize).min(stops.len() - 2);
        let mixed = |i: usize| {
            let [a, b] = [stops[first][i], stops[first + 1][i]].map(f64::from);
            (a + (b - a) * (place - first as f64)).round() as u8
        };
        format!("#{:02x}{:02x}{:02x}", mixed(0), mixed(1), mixed(2))
    }
}

/// A number of two digits after the point, with a minus sign.
fn number(value: f64) -> String {
    let text = if value == value.round() {
        format!("{value}")
    } else {
        format!("{value:.2}")
    };
    text.replace('-', "−")
}
