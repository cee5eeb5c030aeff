#![no_main]

use lstm_core::OnnxModel;
use lstm_core_fuzz::{read, written};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let name = "a.onnx";
    read(name, bytes);
    if let Ok(model) = OnnxModel::open(written(name, bytes)) {
        for node in model.nodes() {
            let _ = model.layer(node, &Default::default());
        }
    }
});
