//! Tensors whose values lie in this process's memory: worked on as slices, without a copy where
//! nobody else holds them.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// Elements that a thread takes at a time: their parts of four arrays fit the second-level cache.
pub(super) const CHUNK: usize = 1 << 14;

/// Whether the tensor's values are floats in this process's memory.
pub(super) fn holds<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_host(&tensor.device())
}

#[allow(unused_variables, deprecated)]
fn is_host(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    #[cfg(feature = "ndarray")]
    if *device == Device::ndarray() {
        return true;
    }
    false
}

/// The floats of a tensor that is on the host.
pub(super) fn floats(data: &TensorData) -> &[f32] {
    data.as_slice().expect(HOLDS_FLOATS)
}

/// The same, to be changed.
pub(super) fn floats_mut(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().expect(HOLDS_FLOATS)
}

const HOLDS_FLOATS: &str = "the tensor was asked for its element type";
