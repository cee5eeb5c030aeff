//! Initial parameters drawn on the host.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Shape, Tensor, TensorData};

use crate::random::{Purpose, RandomSource, RandomStream};

/// Draws initial parameters one after the other, in the order of the module tree, on the host:
/// the same seed gives the same model on every device.
#[derive(Debug)]
pub struct WeightDraws {
    /// None for placeholders.
    source: Option<RandomSource>,
    drawn: u64,
    device: Device,
}

impl WeightDraws {
    /// Draws for a model on `device`.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            source: Some(RandomSource::new(seed)),
            drawn: 0,
            device: device.clone(),
        }
    }

    /// Draws nothing: every parameter is a placeholder that has a shape, but takes no memory until
    /// it is first read, and is zero then. For a model whose weights come from a file: its shapes
    /// can be compared with the file's, however large they claim to be.
    pub fn placeholders(device: &Device) -> Self {
        Self {
            source: None,
            drawn: 0,
            device: device.clone(),
        }
    }

    /// The device that the parameters are put on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A parameter uniform in `±bound`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        self.drawn(shape, |draws| {
            let mut stream = draws.next_stream();
            let count = shape.iter().product();
            (0..count)
                .map(|_| (bound * (2.0 * stream.uniform() - 1.0)) as f32)
                .collect()
        })
    }

    /// A normally distributed parameter with mean 0.
    pub fn normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        standard_deviation: f64,
    ) -> Param<Tensor<D>> {
        self.drawn(shape, |draws| {
            let mut stream = draws.next_stream();
            let count = shape.iter().product();
            (0..count)
                .map(|_| (standard_deviation * stream.normal()) as f32)
                .collect()
        })
    }

    /// A parameter of given values in row-major order; draws nothing.
    pub fn parameter<const D: usize>(
        &self,
        shape: [usize; D],
        values: Vec<f32>,
    ) -> Param<Tensor<D>> {
        if self.source.is_none() {
            return self.placeholder(shape);
        }
        Param::from_tensor(Tensor::from_data(
            TensorData::new(values, shape),
            &self.device,
        ))
    }

    /// A parameter of the values that `draw` gives; a placeholder does not call it.
    pub(crate) fn drawn<const D: usize>(
        &mut self,
        shape: [usize; D],
        draw: impl FnOnce(&mut Self) -> Vec<f32>,
    ) -> Param<Tensor<D>> {
        if self.source.is_none() {
            return self.placeholder(shape);
        }
        let values = draw(self);
        self.parameter(shape, values)
    }

    fn placeholder<const D: usize>(&self, shape: [usize; D]) -> Param<Tensor<D>> {
        Param::uninitialized(
            ParamId::new(),
            move |device, require_grad| Tensor::zeros(shape, device).set_require_grad(require_grad),
            self.device.clone(),
            true,
            Shape::from(shape),
        )
    }

    /// The stream of the next parameter, or of the next part of one.
    pub(crate) fn next_stream(&mut self) -> RandomStream {
        self.drawn += 1;
        self.source
            .expect("a placeholder is not drawn")
            .stream(Purpose::named("initial weights"), self.drawn)
    }
}
