//! The matrix of a shape, and the limits of its products.

use super::*;

#[test]
fn the_boundary_between_rows_and_columns_makes_the_matrix() {
    let images = Shape::batch_of([28, 24, 3].into());
    assert_eq!(images.to_string(), "[batch, 28, 24, 3]");
    assert_eq!(images.at(5), MatrixShape::new(5 * 28 * 24, 3));
    assert_eq!((images.elements(), images.row_dims()), (28 * 24 * 3, 3));
    let flat = images.clone().with_row_dims(1).unwrap();
    assert_eq!(flat.at(5), MatrixShape::new(5, 28 * 24 * 3));
    assert!(!flat.same_matrix(&images));
    assert_eq!(Shape::from(7).at(5), MatrixShape::new(1, 7));
    assert_eq!(Shape::from([]).at(5), MatrixShape::new(1, 1));
    let error = images.clone().with_row_dims(0).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
    assert!(images.with_row_dims(5).is_err());
}

#[test]
fn a_dimension_divides_its_side_of_the_matrix() {
    let shape = Shape::batch_of([28, 24, 3].into())
        .with_row_dims(2)
        .unwrap();
    let along = |dimension| {
        let Along {
            side,
            length,
            inner,
        } = shape.along(dimension);
        (side, length, inner)
    };
    assert_eq!(along(0), (Side::Rows, 1, 28));
    assert_eq!(along(1), (Side::Rows, 28, 1));
    assert_eq!(along(2), (Side::Columns, 24, 3));
    assert_eq!(along(3), (Side::Columns, 3, 1));
}

#[test]
fn products_are_checked_in_64_bits() {
    let large = 1 << 24;
    assert_eq!(Shape::from([large, large]).padded(), Some(MAX_ELEMENTS));
    assert_eq!(Shape::from([large, large + 1]).padded(), None);
    // One column is padded to four.
    assert_eq!(Shape::from([1 << 47, 1]).padded(), None);
    for lengths in [vec![usize::MAX, 2], vec![usize::MAX; 5], vec![1 << 32; 4]] {
        let shape = Shape::from(lengths);
        assert_eq!(shape.padded(), None);
        let error = shape.check("a value").unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "{error}");
    }
}

#[test]
fn images_have_one_or_two_lengths_and_channels() {
    let images = Shape::batch_of([28, 24, 3].into());
    assert_eq!(images.image("pool").unwrap(), (vec![28, 24], 3));
    let tensor = Shape::from([5, 7, 2]);
    assert_eq!(tensor.image("pool").unwrap(), (vec![7], 2));
    assert_eq!(
        images.with_image(&[14, 12], 8),
        Shape::batch_of([14, 12, 8].into())
    );
    for other in [
        Shape::batch(784),
        Shape::from([]),
        Shape::batch_of([2, 28, 24, 3].into()),
        images.with_row_dims(1).unwrap(),
    ] {
        let error = other.image("pool").unwrap_err();
        assert!(
            error.to_string().contains(".reshape([28, 28, 1])"),
            "{error}"
        );
    }
}
