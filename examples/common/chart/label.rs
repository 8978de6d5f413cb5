//! Names at the ends of curves.

use super::svg::Svg;
use super::{Plot, TOP};

/// The end of a curve.
pub(super) struct End<'a> {
    pub(super) color: usize,
    pub(super) name: &'a str,
    pub(super) at_edge: bool,
    pub(super) at: (f64, f64),
}

/// Distance between the lines of two labels in pixels.
const SPACING: f64 = 18.0;

/// Length of the lines to the names of this many curves. Many names spread further from the ends of their curves.
pub(super) fn leader(curves: usize) -> f64 {
    24.0 + 3.0 * curves as f64
}

/// Draws each name as close to the height of its curve's end as other names allow: right of the plot, or beside the
/// end of a curve that ends within the plot.
pub(super) fn draw(svg: &mut Svg, ends: &[End], plot: &Plot) {
    let (mut outside, mut inside): (Vec<_>, Vec<_>) = ends.iter().partition(|end| end.at_edge);
    for group in [&mut outside, &mut inside] {
        group.sort_by(|a, b| a.at.1.total_cmp(&b.at.1));
        let wanted: Vec<f64> = group.iter().map(|end| end.at.1).collect();
        for (end, y) in group.iter().zip(spread(&wanted, TOP, plot.bottom)) {
            let (start, length) = if end.at_edge {
                (plot.right, plot.leader)
            } else {
                (end.at.0, 24.0)
            };
            let elbow = (start + 4.0, end.at.1);
            let tip = (start + length - 10.0, y);
            svg.leader(end.color, [end.at, elbow, tip, (tip.0 + 6.0, y)]);
            svg.text("over", "start", (start + length, y + 5.0), end.name);
        }
    }
}

/// Heights in the same order, at least [`SPACING`] apart, with the smallest squared distance from the wanted ones
/// (pooling of adjacent violators), moved into the plot.
fn spread(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    // In these coordinates labels that touch have the same place: sum and count of each group that touches.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for (i, y) in wanted.iter().enumerate() {
        let mut group = (y - i as f64 * SPACING, 1);
        while let Some(&(sum, count)) = groups.last() {
            if sum / (count as f64) < group.0 / (group.1 as f64) {
                break;
            }
            group = (group.0 + sum, group.1 + count);
            groups.pop();
        }
        groups.push(group);
    }
    let lowest = bottom - wanted.len().saturating_sub(1) as f64 * SPACING;
    let places = groups
        .iter()
        .flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    places
        .enumerate()
        .map(|(i, place)| place.min(lowest).max(top) + i as f64 * SPACING)
        .collect()
}
