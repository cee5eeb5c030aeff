//! NumPy's archives.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{damage, damaged, keras_file, path, read_all};
use crate::weights::{Checkpoint, ElementType, WeightsError};

/// The bytes of an array's file with this header.
fn npy_of(header: &str, values: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

/// The bytes of an array's file, as NumPy writes it.
pub fn npy(descr: &str, fortran_order: bool, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let order = if fortran_order { "True" } else { "False" };
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
    npy_of(&header, values)
}

/// Writes an archive of arrays' files by the arrays' names.
pub fn write_npz(path: &Path, arrays: BTreeMap<String, Vec<u8>>, deflated: bool) {
    let method = match deflated {
        true => CompressionMethod::Deflated,
        false => CompressionMethod::Stored,
    };
    let options = SimpleFileOptions::default().compression_method(method);
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// An archive of one array `a`.
fn write_one(path: &Path, npy: Vec<u8>, deflated: bool) {
    write_npz(path, BTreeMap::from([("a".to_owned(), npy)]), deflated);
}

fn open_error(path: &Path) -> String {
    let error = Checkpoint::open(path).err().expect("it is damaged");
    error.to_string()
}

#[test]
fn every_float_and_order_is_read() {
    let (_directory, path) = path("a.npz");
    // 2 rows and 3 columns, row by row: 0, 1, … 5.
    let rows = [0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0];
    let columns = [0.0_f32, 3.0, 1.0, 4.0, 2.0, 5.0];
    for deflated in [false, true] {
        for (fortran_order, order) in [(false, rows), (true, columns)] {
            let bytes = |encode: &dyn Fn(f32) -> Vec<u8>| -> Vec<u8> {
                order.iter().flat_map(|value| encode(*value)).collect()
            };
            let half = |value: f32| half::f16::from_f32(value);
            let cases = [
                ("<f2", bytes(&|value| half(value).to_le_bytes().into())),
                (">f2", bytes(&|value| half(value).to_be_bytes().into())),
                ("<f4", bytes(&|value| value.to_le_bytes().into())),
                (">f4", bytes(&|value| value.to_be_bytes().into())),
                ("<f8", bytes(&|value| f64::from(value).to_le_bytes().into())),
                (">f8", bytes(&|value| f64::from(value).to_be_bytes().into())),
            ];
            for (descr, values) in cases {
                write_one(&path, npy(descr, fortran_order, &[2, 3], &values), deflated);
                let array = Checkpoint::open(&path).unwrap().read("a").unwrap();
                assert_eq!(array.shape, [2, 3]);
                assert_eq!(
                    array.values, rows,
                    "{descr}, columns first: {fortran_order}"
                );
            }
        }
    }
}

#[test]
fn three_dimensions_of_which_the_first_runs_fastest_are_read() {
    let (_directory, path) = path("a.npz");
    // [i, j, k] is 100 i + 10 j + k.
    let number = |i: usize, j: usize, k: usize| (100 * i + 10 * j + k) as f32;
    let mut values = Vec::new();
    for k in 0..4 {
        for j in 0..3 {
            for i in 0..2 {
                values.extend(number(i, j, k).to_le_bytes());
            }
        }
    }
    write_one(&path, npy("<f4", true, &[2, 3, 4], &values), false);
    let array = Checkpoint::open(&path).unwrap().read("a").unwrap();
    let places = (0..2).flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| (i, j, k))));
    let expected: Vec<f32> = places.map(|(i, j, k)| number(i, j, k)).collect();
    assert_eq!(array.values, expected);
}

#[test]
fn what_is_no_float_is_listed_and_refused() {
    let (_directory, path) = path("a.npz");
    let pickle = b"\x80\x04cos\nsystem\n(S'true'\ntR.";
    for (descr, values, named) in [
        ("<i8", &[0; 16][..], "i64"),
        ("|u1", &[0; 2], "u8"),
        ("|b1", &[0; 2], "b1"),
        ("<c8", &[0; 16], "c8"),
        ("<U3", &[0; 24], "U3"),
        ("|V2", &[0; 4], "V2"),
        ("|O", pickle, "object (a pickle, which is never read)"),
    ] {
        write_one(&path, npy(descr, false, &[2], values), false);
        let checkpoint = Checkpoint::open(&path).unwrap();
        let element = &checkpoint.entries()["a"].element;
        assert_eq!(*element, ElementType::Other(named.to_owned()));
        let error = checkpoint.read("a").unwrap_err();
        assert!(matches!(error, WeightsError::Element { .. }), "{error}");
    }
    let structure = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n";
    write_one(&path, npy_of(structure, &[0; 4]), false);
    let error = Checkpoint::open(&path).unwrap().read("a").unwrap_err();
    assert!(matches!(error, WeightsError::Element { .. }), "{error}");
}

#[test]
fn headers_that_lie_are_errors() {
    let (_directory, path) = path("a.npz");
    let shaped = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n");
        npy_of(&header, &[0; 24])
    };
    for (npy, expected) in [
        (shaped("2, 4"), "24 bytes of values follow"),
        (shaped("2, 2"), "24 bytes of values follow"),
        (shaped("1000000000000, 4"), "24 bytes of values follow"),
        // The product is 6 if it overflows.
        (
            shaped("9223372036854775811, 2"),
            "24 bytes of values follow",
        ),
        (shaped("18446744073709551616,"), "is not known"),
        (shaped("-2, -3"), "is not known"),
        (shaped("2, x"), "is not known"),
        (
            npy_of("{'descr': '<f4', 'shape': (6,)}", &[0; 24]),
            "is not known",
        ),
        (npy_of("{'descr': '<f4", &[]), "is not known"),
        (npy_of("", &[]), "is not known"),
        (b"\x93NUMPY\x01\x00\x01\x00\xff".to_vec(), "utf-8"),
        (b"\x93NUMPY\x01\x00\xff\x00{".to_vec(), "cut short"),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(),
            "claims 4294967295 bytes",
        ),
        (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "claims 65535 bytes"),
        (b"\x93NUMPY\x02\x00\xff".to_vec(), "cut short"),
        (b"\x93NUMPY\x01".to_vec(), "cut short"),
        (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "version 9"),
        (b"\x93NUMPY".to_vec(), "cut short"),
        (b"# a table".to_vec(), "it is not NumPy's"),
        (Vec::new(), "it is not NumPy's"),
    ] {
        write_one(&path, npy, true);
        let error = open_error(&path);
        assert!(error.contains(expected), "{error}, expected {expected}");
        assert!(
            error.contains("a.npz is not a complete NumPy .npz file: entry `a.npy`"),
            "{error}"
        );
    }
}

#[test]
fn a_bomb_is_refused() {
    let (_directory, path) = path("a.npz");
    // 256 MiB of zeros, in a quarter of a megabyte.
    let zeros = vec![0; 1 << 28];
    write_one(&path, npy("<f4", false, &[1 << 13, 1 << 13], &zeros), true);
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
    let read = Checkpoint::open(&path).and_then(|checkpoint| checkpoint.read("a"));
    let error = read.unwrap_err().to_string();
    assert!(error.contains("268435"), "{error}");
}

#[test]
fn archives_that_are_nobodys_say_so() {
    let (_directory, path) = path("a.zip");
    let mut archive = ZipWriter::new(File::create(&path).unwrap());
    archive
        .start_file("readme.txt", SimpleFileOptions::default())
        .unwrap();
    archive.finish().unwrap();
    let error = open_error(&path);
    assert!(
        error.contains("neither `data.pkl` (PyTorch), `model.weights.h5` (Keras) nor `….npy`"),
        "{error}"
    );
    assert!(error.contains("readme.txt"), "{error}");
}

#[test]
fn cut_files_are_errors_wherever_they_end() {
    let (_directory, path) = path("a.npz");
    let bytes = std::fs::read(keras_file("layers.npz")).unwrap();
    for end in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let error = Checkpoint::open(&path).err().expect("it is cut");
        assert!(error.to_string().contains("a.npz"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_archives_never_panic((bytes, end) in damage(), deflated: bool) {
        let (_directory, path) = path("a.npz");
        let values: Vec<u8> = (0..=255).collect();
        let arrays = BTreeMap::from([
            ("lstm/lstm_cell/kernel".to_owned(), npy("<f4", true, &[4, 16], &values)),
            ("lstm/lstm_cell/recurrent_kernel".to_owned(), npy(">f4", false, &[4, 16], &values)),
            ("lstm/lstm_cell/bias".to_owned(), npy("<f8", false, &[16], &values[..128])),
        ]);
        write_npz(&path, arrays, deflated);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, damaged(&whole, &bytes, end)).unwrap();
        read_all(&path);
    }
}
