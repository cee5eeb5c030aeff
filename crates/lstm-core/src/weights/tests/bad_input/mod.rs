//! Files that are not what they should be: each is an error that names the file, and soon.

mod layers;
mod pickles;
mod safetensors;

use std::fs;
use std::path::{Path, PathBuf};

use super::path;
use crate::weights::{Format, RecurrentWeights, WeightsError};

fn golden(file: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pytorch");
    fs::read(folder.join(file)).unwrap()
}

/// A PyTorch layer without a prefix in a file of these bytes.
fn read(path: &Path, bytes: &[u8]) -> Result<RecurrentWeights, WeightsError> {
    fs::write(path, bytes).unwrap();
    Format::PyTorch.open(path)?.read("")
}

/// What is wrong with a file of these bytes, less the file's name.
fn refused(bytes: &[u8]) -> String {
    let (_directory, path) = path("weights");
    let error = read(&path, bytes).expect_err("a file that should be refused");
    without_path(&error, &path)
}

/// An error's text without the file's name, which it must have.
fn without_path(error: &WeightsError, path: &Path) -> String {
    let message = error.to_string();
    let name = path.display().to_string();
    assert!(message.contains(&name), "{message} does not name {name}");
    message.replace(&name, "FILE")
}

/// Golden layers in every container, and a format that reads them.
fn containers() -> Vec<(&'static str, Format, Vec<u8>)> {
    let (_directory, path) = path("a.bpk");
    let mut files = vec![
        ("safetensors", Format::PyTorch, golden("lstm.safetensors")),
        (".pt", Format::PyTorch, golden("gru_cell.pt")),
        ("legacy .pt", Format::PyTorch, golden("legacy.pt")),
    ];
    let weights = read(&path, &golden("gru.safetensors")).unwrap();
    Format::Burn.write(&weights, &path, "").unwrap();
    files.push((".bpk", Format::Burn, fs::read(&path).unwrap()));
    files
}

/// Opens a file and reads all its layers.
fn read_all(format: Format, path: &Path) -> Result<Vec<RecurrentWeights>, WeightsError> {
    let file = format.open(path)?;
    let prefixes = file.prefixes();
    prefixes.iter().map(|prefix| file.read(prefix)).collect()
}

#[test]
fn a_file_that_is_cut_short_anywhere_is_refused() {
    for (container, format, bytes) in containers() {
        let (_directory, path) = path("weights");
        fs::write(&path, &bytes).unwrap();
        assert!(read_all(format, &path).is_ok(), "{container}");
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = read_all(format, &path);
            let Err(error) = error else {
                panic!("{container}: read with {length} of {} bytes", bytes.len());
            };
            without_path(&error, &path);
        }
    }
}

#[test]
fn a_file_with_any_other_byte_is_read_or_refused() {
    for (_, format, mut bytes) in containers() {
        let (_directory, path) = path("weights");
        for place in 0..bytes.len() {
            for other in [0, 0x80, 0xff] {
                let byte = std::mem::replace(&mut bytes[place], other);
                fs::write(&path, &bytes).unwrap();
                if let Err(error) = read_all(format, &path) {
                    without_path(&error, &path);
                }
                bytes[place] = byte;
            }
        }
    }
}

#[test]
fn what_is_no_file_of_weights_is_refused() {
    let known = "expected safetensors, PyTorch's .pt or .pth, NumPy's .npz, Keras' .weights.h5 or .keras, \
                 burn's .bpk, or of the format ONNX an .onnx model";
    assert_eq!(
        refused(b""),
        format!("FILE holds no weights that can be read: it is empty; {known}")
    );
    assert_eq!(
        refused(b"weight_ih_l0,0.5\n"),
        format!(
            "FILE holds no weights that can be read: it begins with `weight_ih_l0,0.5`; {known}"
        )
    );
}

#[test]
fn what_cannot_be_opened_is_refused() {
    let (directory, file) = path("weights");
    let error = |path: &Path| without_path(&read_all(Format::PyTorch, path).unwrap_err(), path);
    assert!(error(&file).starts_with("cannot read FILE: No such file"));
    assert!(error(directory.path()).starts_with("cannot read FILE: Is a directory"));
    fs::write(&file, golden("lstm.safetensors")).unwrap();
    assert!(error(&file.join("weights")).starts_with("cannot read FILE: Not a directory"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        // Nothing is unreadable for the superuser.
        if fs::File::open(&file).is_err() {
            assert!(error(&file).starts_with("cannot read FILE: Permission denied"));
        }
    }
}

#[test]
fn a_burnpack_that_lies_about_its_metadata_is_refused() {
    let (_, _, mut bytes) = containers().pop().unwrap();
    bytes[6..10].copy_from_slice(&90_000_000_u32.to_le_bytes());
    let follow = bytes.len() - 10;
    assert_eq!(
        refused(&bytes),
        format!(
            "FILE is not a complete burnpack file: its header claims 90000000 bytes of metadata, but \
             {follow} follow"
        )
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_written_through() {
    let (directory, file) = path("weights.safetensors");
    let (_other, source) = path("weights");
    let weights = read(&source, &golden("lstm.safetensors")).unwrap();
    fs::write(&file, "what was there").unwrap();
    let link = directory.path().join("link.safetensors");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    Format::PyTorch.write(&weights, &link, "").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read_all(Format::PyTorch, &file).is_ok());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let (directory, file) = path("missing/weights.safetensors");
    let (_other, source) = path("weights");
    let weights = read(&source, &golden("lstm.safetensors")).unwrap();
    let error = Format::PyTorch.write(&weights, &file, "").unwrap_err();
    assert!(without_path(&error, &file).starts_with("cannot write FILE: No such file"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
