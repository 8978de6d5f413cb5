//! Argmax of a row: the first column with the largest value, the guess of a classifier.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/argmax.wgsl");

pub(crate) fn find<T: PartialOrd>(x: &[T]) -> usize {
    let mut first = 0;
    for (j, value) in x.iter().enumerate() {
        if *value > x[first] {
            first = j;
        }
    }
    first
}
