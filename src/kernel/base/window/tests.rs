//! Numbers of windows against a count, and the refusals.

use super::*;

/// Whether a window lies within the padded image (rounding down) or starts before its right padding (rounding up).
fn fits(axis: &Axis, window: usize, ceil: bool) -> bool {
    let start = window * axis.stride;
    let end = start + axis.dilation * (axis.kernel - 1) + 1;
    let padded = axis.before + axis.input + axis.after;
    let reached = |end: usize| end <= padded;
    // A window that reaches too far is kept if the one before it leaves pixels or padding over.
    let previous = window == 0 || reached(end - axis.stride) && end - axis.stride < padded;
    reached(end) || ceil && previous && start < axis.before + axis.input
}

fn sweep(mut visit: impl FnMut(Window, usize)) {
    for kernel in 1..5 {
        for (stride, dilation) in [(1, 1), (2, 1), (3, 1), (1, 2), (2, 3), (5, 2)] {
            for sides in [[0, 0], [1, 1], [0, 2], [3, 1]] {
                for ceil in [false, true] {
                    for input in 1..12 {
                        let window = Window {
                            kernel: [1, kernel],
                            stride: [1, stride],
                            padding: Padding::Sides([[0, 0], sides]),
                            dilation: [1, dilation],
                            ceil,
                        };
                        visit(window, input);
                    }
                }
            }
        }
    }
}

#[test]
fn the_number_of_windows_is_that_of_those_that_fit() {
    let mut placed = 0;
    sweep(|window, input| {
        let [before, after] = match window.padding {
            Padding::Sides([_, width]) => width,
            _ => unreachable!("a sweep of numbers"),
        };
        let extent = window.dilation[1] * (window.kernel[1] - 1) + 1;
        match window.place("pool", &[1, input]) {
            Ok(Placement { width, .. }) => {
                placed += 1;
                assert!(extent <= before + input + after);
                assert_eq!(
                    (width.input, width.before, width.after),
                    (input, before, after)
                );
                for o in 0..width.output {
                    assert!(fits(&width, o, window.ceil), "window {o} of {width:?}");
                }
                assert!(!fits(&width, width.output, window.ceil), "{width:?}");
            }
            Err(error) => {
                assert!(matches!(error, Error::Shape { .. }), "{error}");
                assert!(extent > before + input + after, "{error}");
            }
        }
    });
    assert!(placed > 1000);
}

#[test]
fn covers_is_that_each_window_has_a_pixel() {
    let mut uncovered = 0;
    sweep(|window, input| {
        let Ok(Placement { width: a, .. }) = window.place("pool", &[1, input]) else {
            return;
        };
        let on_pixel = |o: usize, j: usize| {
            let place = o * a.stride + j * a.dilation;
            (a.before..a.before + input).contains(&place)
        };
        let expected = (0..a.output).all(|o| (0..a.kernel).any(|j| on_pixel(o, j)));
        assert_eq!(a.covers(), expected, "{a:?}");
        uncovered += usize::from(!expected);
    });
    assert!(uncovered > 100);
}

#[test]
fn same_has_one_window_per_stride() {
    for kernel in 1..6 {
        for stride in 1..5 {
            for dilation in 1..4 {
                for input in 1..12 {
                    let window = Window {
                        stride: [stride; 2],
                        padding: Padding::Same,
                        dilation: [dilation; 2],
                        ..Window::new([kernel; 2])
                    };
                    let Placement { width, .. } = window.place("conv", &[3, input]).unwrap();
                    assert_eq!(width.output, input.div_ceil(stride), "{width:?}");
                    assert!(width.after - width.before <= 1, "{width:?}");
                    let back = window
                        .place_transposed("conv", &[3, input], [0, 0])
                        .unwrap();
                    assert_eq!(
                        (back.width.input, back.width.output),
                        (input * stride, input)
                    );
                }
            }
        }
    }
}

#[test]
fn a_transposed_window_is_that_of_its_result() {
    let mut lengthened = 0;
    sweep(|window, input| {
        let window = Window {
            ceil: false,
            ..window
        };
        let Ok(placed) = window.place("conv", &[1, input]) else {
            return;
        };
        // The pixels that no window reaches are the output padding.
        let w = placed.width;
        let span = (w.output - 1) * w.stride + w.dilation * (w.kernel - 1) + 1;
        let more = w.before + w.input + w.after - span;
        lengthened += usize::from(more > 0);
        let back = window.place_transposed("conv", &[1, w.output], [0, more]);
        assert_eq!(back.unwrap(), placed);
    });
    assert!(lengthened > 100);
}

#[test]
fn a_sequence_is_an_image_of_height_1() {
    let window = Window {
        stride: [2; 2],
        padding: 1.into(),
        dilation: [2; 2],
        ..Window::new([3; 2])
    };
    let line = window.place("conv", &[9]).unwrap();
    let height = Axis {
        input: 1,
        output: 1,
        kernel: 1,
        stride: 1,
        dilation: 1,
        before: 0,
        after: 0,
    };
    assert_eq!(line.height, height);
    assert_eq!(line.width, window.place("conv", &[9, 9]).unwrap().width);
    assert_eq!((line.pixels(), line.windows(), line.taps()), (9, 4, 3));
    // Neutral numbers for the height are the same; others would be lost.
    let neutral = Window {
        kernel: [1, 3],
        stride: [1, 2],
        padding: [0, 1].into(),
        dilation: [1, 2],
        ..window
    };
    assert_eq!(neutral.place("conv", &[9]).unwrap(), line);
    for lost in [
        Window {
            kernel: [2, 3],
            ..window
        },
        Window {
            stride: [3, 2],
            ..window
        },
        Window {
            padding: [2, 1].into(),
            ..window
        },
        Window {
            padding: [[0, 1], [1, 2]].into(),
            ..window
        },
        Window {
            dilation: [3, 1],
            ..window
        },
    ] {
        let error = lost.place("conv", &[9]).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
    let error = window.place_transposed("conv", &[9], [2, 1]).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}

#[test]
fn impossible_windows_are_refused() {
    let window = Window::new([3, 3]);
    let huge = usize::MAX;
    for (refused, image) in [
        (window, vec![2, 9]),
        (window, vec![9, 2]),
        (
            Window {
                dilation: [1, 5],
                ..window
            },
            vec![9, 10],
        ),
        (window, vec![0, 9]),
        (window, vec![]),
        (window, vec![9, 9, 9]),
        (window, vec![huge, 9]),
        (Window::new([0, 3]), vec![9, 9]),
        (Window::new([3, huge]), vec![9, 9]),
        (
            Window {
                stride: [0, 1],
                ..window
            },
            vec![9, 9],
        ),
        (
            Window {
                stride: [huge, 1],
                ..window
            },
            vec![9, 9],
        ),
        (
            Window {
                dilation: [1, 0],
                ..window
            },
            vec![9, 9],
        ),
        (
            Window {
                dilation: [1, huge],
                ..window
            },
            vec![9, 9],
        ),
        (
            Window {
                padding: huge.into(),
                ..window
            },
            vec![9, 9],
        ),
    ] {
        let error = refused.place("conv", &image).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    // Each number is allowed, but not the padded length.
    let long = (1 << 31) - 1;
    for window in [
        Window {
            padding: long.into(),
            ..window
        },
        Window {
            dilation: [long, long],
            padding: Padding::Same,
            ..window
        },
    ] {
        let error = window.place("conv", &[9, 9]).unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "{error}");
    }
    let wide = Window {
        stride: [long; 2],
        ..window
    };
    let error = wide
        .place_transposed("conv", &[long, long], [0, 0])
        .unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    for (refused, more) in [
        (
            Window {
                stride: [2, 2],
                ..window
            },
            [2, 2],
        ),
        (
            Window {
                padding: 2.into(),
                ..window
            },
            [0, 1],
        ),
        (
            Window {
                padding: Padding::Same,
                stride: [2, 2],
                ..window
            },
            [1, 1],
        ),
        (
            Window {
                padding: [[9, 9], [0, 0]].into(),
                ..window
            },
            [0, 0],
        ),
    ] {
        let error = refused.place_transposed("conv", &[3, 3], more).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
}
