//! The device that `--device` names.

use burn::tensor::Device;

/// A device that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is no backend of this name.
    #[error("there is no backend `{name}`; the backends are {}", BACKENDS.join(", "))]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// The backend is not part of this program.
    #[error(
        "the backend `{name}` is not compiled into this program; this builds it in: cargo xtask \
         --backend {name} …"
    )]
    NotCompiled {
        /// The backend's name.
        name: String,
    },
    /// What follows the colon is not a number.
    #[error("`{device}` is not a device: after the colon comes its index, such as in cuda:1")]
    Index {
        /// The device that was given.
        device: String,
    },
}

/// All backends, compiled in or not.
pub const BACKENDS: [&str; 7] = ["flex", "ndarray", "wgpu", "vulkan", "metal", "cuda", "rocm"];

/// The backend that is used where none is named: the first that is compiled in.
pub fn default_name() -> &'static str {
    let compiled = [
        ("flex", cfg!(feature = "flex")),
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("metal", cfg!(feature = "metal")),
        ("cuda", cfg!(feature = "cuda")),
        ("rocm", cfg!(feature = "rocm")),
    ];
    compiled
        .into_iter()
        .find_map(|(name, is_in)| is_in.then_some(name))
        .unwrap_or(BACKENDS[0])
}

/// The device of a name such as `flex`, `wgpu` or `cuda:1`.
///
/// # Errors
///
/// An unknown backend, or one that is not compiled in.
pub fn parse(device: &str) -> Result<Device, DeviceError> {
    let (name, index) = match device.split_once(':') {
        None => (device, None),
        Some((name, index)) => match index.parse::<usize>() {
            Ok(index) => (name, Some(index)),
            Err(_) => {
                return Err(DeviceError::Index {
                    device: device.to_owned(),
                });
            }
        },
    };
    construct(name, index).ok_or_else(|| {
        let name = name.to_owned();
        if BACKENDS.contains(&name.as_str()) {
            DeviceError::NotCompiled { name }
        } else {
            DeviceError::Unknown { name }
        }
    })
}

/// The device if its backend is compiled in. Constructed by name: burn's default device would
/// silently be another one when several backends are built in.
#[allow(unused_variables, deprecated)]
fn construct(name: &str, index: Option<usize>) -> Option<Device> {
    #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
    let kind = match index {
        None => burn::tensor::DeviceKind::DefaultDevice,
        Some(index) => burn::tensor::DeviceKind::DiscreteGpu(index),
    };
    match name {
        #[cfg(feature = "flex")]
        "flex" => Some(Device::flex()),
        #[cfg(feature = "ndarray")]
        "ndarray" => Some(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(Device::wgpu(kind)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Some(Device::vulkan(kind)),
        #[cfg(feature = "metal")]
        "metal" => Some(Device::metal(kind)),
        #[cfg(feature = "cuda")]
        "cuda" => Some(Device::cuda(index.unwrap_or(0))),
        #[cfg(feature = "rocm")]
        "rocm" => Some(Device::rocm(index.unwrap_or(0))),
        _ => None,
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_cannot_be_had_says_why() {
        assert!(parse("flex").is_ok());
        let message = |device| parse(device).unwrap_err().to_string();
        assert!(message("abacus").contains("no backend `abacus`"));
        assert!(message("cuda:first").contains("index"));
        if !cfg!(feature = "cuda") {
            assert!(message("cuda:1").contains("--backend cuda"));
        }
    }
}
