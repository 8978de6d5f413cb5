//! Pooling in plain loops over every tap of every window.

/// Images [n, height, width, channels] and the window that slides over them. Each axis is given as [height, width].
#[derive(Clone, Debug)]
pub(crate) struct Pooling {
    pub(crate) images: [usize; 4],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Before and after, of each axis.
    pub(crate) padding: [[usize; 2]; 2],
    pub(crate) ceil: bool,
}

/// One tap of a window: its number, and the element of x there, or `None` on padding.
type Tap = (usize, Option<usize>);

impl Pooling {
    /// The number of windows per axis: PyTorch's formula. The last one of a rounded-up number must start within the
    /// image or the padding before it.
    pub(crate) fn windows(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let [before, after] = self.padding[axis];
            let length = self.images[axis + 1];
            let span = self.dilation[axis] * (self.kernel[axis] - 1);
            let room = (length + before + after - span - 1) as f64 / self.stride[axis] as f64;
            let windows = if self.ceil { room.ceil() } else { room.floor() } as usize + 1;
            if (windows - 1) * self.stride[axis] >= length + before {
                windows - 1
            } else {
                windows
            }
        })
    }

    pub(crate) fn result_shape(&self) -> [usize; 4] {
        let [height, width] = self.windows();
        [self.images[0], height, width, self.images[3]]
    }

    /// Calls `visit(element of the result, taps, number of taps on image or padding)` for every window and channel.
    fn each(&self, mut visit: impl FnMut(usize, &[Tap], usize)) {
        let [samples, height, width, channels] = self.images;
        let [down, across] = self.windows();
        let mut element = 0;
        for n in 0..samples {
            for (o, u) in (0..down).flat_map(|o| (0..across).map(move |u| (o, u))) {
                for c in 0..channels {
                    let (mut taps, mut counted) = (Vec::new(), 0);
                    for j in 0..self.kernel[0] {
                        for k in 0..self.kernel[1] {
                            let y = o * self.stride[0] + j * self.dilation[0];
                            let x = u * self.stride[1] + k * self.dilation[1];
                            let [[top, bottom], [left, right]] = self.padding;
                            let inside = y < top + height + bottom && x < left + width + right;
                            counted += usize::from(inside);
                            let on_image = (top..top + height).contains(&y)
                                && (left..left + width).contains(&x);
                            let place =
                                || ((n * height + y - top) * width + x - left) * channels + c;
                            taps.push((j * self.kernel[1] + k, on_image.then(place)));
                        }
                    }
                    visit(element, &taps, counted);
                    element += 1;
                }
            }
        }
    }

    /// The element of x that is each window's maximum, and its tap: the first of equals, but the last NaN, which is above all.
    pub(crate) fn maxima(&self, x: &[f32]) -> Vec<(usize, usize)> {
        let mut maxima = Vec::new();
        self.each(|_, taps, _| {
            let mut best: Option<(usize, usize)> = None;
            for &(tap, place) in taps {
                let Some(place) = place else { continue };
                let greater =
                    |(so_far, _): (usize, usize)| x[place] > x[so_far] || x[place].is_nan();
                if best.is_none_or(greater) {
                    best = Some((place, tap));
                }
            }
            maxima.push(best.expect("a window with a pixel"));
        });
        maxima
    }

    /// The gradient of x, from that of the maxima.
    pub(crate) fn max_backward(&self, x: &[f32], dy: &[f32]) -> Vec<f64> {
        let mut dx = vec![0.0; x.len()];
        for ((place, _), &dy) in self.maxima(x).into_iter().zip(dy) {
            dx[place] += f64::from(dy);
        }
        dx
    }

    pub(crate) fn average(&self, x: &[f32], include_pad: bool) -> Vec<f64> {
        let mut y = Vec::new();
        self.each(|_, taps, counted| {
            let pixels: Vec<f64> = taps
                .iter()
                .filter_map(|tap| Some(x[tap.1?].into()))
                .collect();
            let count = if include_pad { counted } else { pixels.len() };
            y.push(pixels.iter().sum::<f64>() / count as f64);
        });
        y
    }

    pub(crate) fn average_backward(&self, dy: &[f32], include_pad: bool) -> Vec<f64> {
        let mut dx = vec![0.0; self.images.iter().product()];
        self.each(|element, taps, counted| {
            let pixels: Vec<usize> = taps.iter().filter_map(|tap| tap.1).collect();
            let count = if include_pad { counted } else { pixels.len() };
            for &place in &pixels {
                dx[place] += f64::from(dy[element]) / count as f64;
            }
        });
        dx
    }
}
