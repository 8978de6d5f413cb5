//! Max and average pooling.

use super::along::MaxOutput;
use super::{Tensor, dimensions, same_device};
use crate::device::Operand;
use crate::kernel::reduction::pooling::{Images, check_taps};
use crate::kernel::{AveragePool, AveragePoolBackward, MaxPool, MaxPoolBackward, Pool};
use crate::{Error, Result, Shape};

/// The images of a pooling, and the shapes of its images and of its result.
struct Pooled {
    images: Images,
    pixels: Shape,
    windows: Shape,
}

impl Pooled {
    fn new(operation: &'static str, pixels: Shape, pool: Pool) -> Result<Self> {
        dimensions(pixels.clone())?;
        let (image, channels) = pixels.image(operation)?;
        let placement = pool.place(operation, &image)?;
        check_taps(&placement)?;
        Ok(Pooled {
            images: Images {
                samples: pixels.samples(1),
                channels,
                placement,
            },
            windows: pixels.with_image(&placement.result(&image), channels),
            pixels,
        })
    }

    /// Refuses a gradient, or taps, of another shape than the result's.
    fn expect(&self, operation: &'static str, operand: &str, found: &Tensor) -> Result<()> {
        let windows = self.windows.lengths();
        if found.dims == windows {
            return Ok(());
        }
        let expected = format!("{operand} {windows:?}");
        Err(Error::shape(
            operation,
            expected,
            format!("{:?}", found.dims),
        ))
    }
}

impl Tensor {
    /// Max pooling of images [N, H, W, C] or sequences [N, T, D] (PyTorch's `max_pool2d` and `max_pool1d`). `values`
    /// are the maxima, `places` the number of each one's tap in its window, row by row, for
    /// [`max_pool_backward`](Tensor::max_pool_backward). (PyTorch's indices are places in the image.) The first of
    /// equal maxima counts. A NaN is greater than any number, and the last of several counts, as in PyTorch. Padding is
    /// never the maximum.
    ///
    /// ```
    /// use wgrad::{Device, Pool, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [1, 2, 3, 1], &[1.0, 2.0, 8.0, 4.0, 3.0, 5.0])?;
    /// let max = x.max_pool(Pool::new(2).stride(1))?;
    /// assert_eq!((max.values.shape(), max.values.download()?), (&[1, 1, 2, 1][..], vec![4.0, 8.0]));
    /// assert_eq!(max.places.download()?, [2.0, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the tensor holds no images or sequences, the kernel is larger than the padded image,
    /// a setting is 0, or a window lies on padding only; [`Argument`](Error::Argument) if a setting of a sequence has a
    /// height of its own, or a window has more than 2²⁴ taps.
    pub fn max_pool(&self, pool: impl Into<Pool>) -> Result<MaxOutput> {
        let pooled = Pooled::new("max_pool", (&self.dims).into(), pool.into())?;
        let (dims, shape) = dimensions(pooled.windows)?;
        let mut values = Tensor::room(&self.device, shape)?.with_dims(dims.clone());
        let mut places = Tensor::room(&self.device, shape)?.with_dims(dims);
        let kernel = MaxPool {
            images: pooled.images,
            places: true,
        };
        self.device.run(
            kernel,
            &mut [
                Operand::Read(&self.memory),
                Operand::Write(&mut values.memory),
                Operand::Write(&mut places.memory),
            ],
        )?;
        Ok(MaxOutput { values, places })
    }

    /// Input gradient of [`max_pool`](Tensor::max_pool) from its output gradient dy (`self`) and the taps of the
    /// maxima, for images x of this shape: dx is, at each pixel, the sum of dy over the windows whose maximum it is.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; those of [`max_pool`](Tensor::max_pool).
    pub fn max_pool_backward(
        &self,
        places: &Tensor,
        pool: impl Into<Pool>,
        x: impl Into<Shape>,
    ) -> Result<Tensor> {
        let operation = "max_pool_backward";
        let pooled = Pooled::new(operation, x.into(), pool.into())?;
        pooled.expect(operation, "dy", self)?;
        pooled.expect(operation, "places", places)?;
        same_device(operation, &self.device, &[places])?;
        let (dims, shape) = dimensions(pooled.pixels)?;
        let images = pooled.images;
        let dx = Tensor::call(
            operation,
            MaxPoolBackward { images },
            &[self, places],
            shape,
        )?;
        Ok(dx.with_dims(dims))
    }

    /// Average pooling of images [N, H, W, C] or sequences [N, T, D] (PyTorch's `avg_pool2d` and `avg_pool1d`).
    ///
    /// # Errors
    /// Those of [`max_pool`](Tensor::max_pool).
    pub fn average_pool(&self, pool: impl Into<Pool>) -> Result<Tensor> {
        let pool = pool.into();
        let pooled = Pooled::new("average_pool", (&self.dims).into(), pool)?;
        let (dims, shape) = dimensions(pooled.windows)?;
        let kernel = AveragePool {
            images: pooled.images,
            include_pad: pool.count_include_pad,
        };
        Ok(Tensor::call("average_pool", kernel, &[self], shape)?.with_dims(dims))
    }

    /// Input gradient of [`average_pool`](Tensor::average_pool) from its output gradient dy (`self`), for images x of
    /// this shape.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; those of [`max_pool`](Tensor::max_pool).
    pub fn average_pool_backward(
        &self,
        pool: impl Into<Pool>,
        x: impl Into<Shape>,
    ) -> Result<Tensor> {
        let (operation, pool) = ("average_pool_backward", pool.into());
        let pooled = Pooled::new(operation, x.into(), pool)?;
        pooled.expect(operation, "dy", self)?;
        let (dims, shape) = dimensions(pooled.pixels)?;
        let kernel = AveragePoolBackward {
            images: pooled.images,
            include_pad: pool.count_include_pad,
        };
        Ok(Tensor::call(operation, kernel, &[self], shape)?.with_dims(dims))
    }

    /// The maximum of each channel over the whole image, [N, 1, 1, C], or sequence, [N, 1, D]:
    /// [`max_pool`](Tensor::max_pool) with one window.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the tensor holds no images or sequences, or empty ones.
    pub fn global_max_pool(&self) -> Result<MaxOutput> {
        let (image, _) = Shape::from(&self.dims).image("global_max_pool")?;
        self.max_pool(Pool::global(&image))
    }

    /// The average of each channel over the whole image, [N, 1, 1, C], or sequence, [N, 1, D]:
    /// [`average_pool`](Tensor::average_pool) with one window.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the tensor holds no images or sequences, or empty ones.
    pub fn global_average_pool(&self) -> Result<Tensor> {
        let (image, _) = Shape::from(&self.dims).image("global_average_pool")?;
        self.average_pool(Pool::global(&image))
    }
}
