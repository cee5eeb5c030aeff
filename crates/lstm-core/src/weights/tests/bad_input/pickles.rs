//! PyTorch's files that carry code, or claim more than they have.

use std::fs;
use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{golden, path, read, refused};

/// A pickle's string.
fn string(text: &str) -> Vec<u8> {
    let length = (text.len() as u32).to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// A pickle's number.
fn number(value: u64) -> Vec<u8> {
    [&[0x8a, 9][..], &value.to_le_bytes(), &[0]].concat()
}

/// A pickle's tuple of numbers.
fn tuple(values: &[u64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| number(*value)).collect();
    [b"(", &values[..], b"t"].concat()
}

/// A pickle of a dictionary with one tensor of 32-bit floats in storage 0, which is said to have
/// `elements` of them.
fn tensor(name: &str, elements: u64, shape: &[u64], stride: &[u64]) -> Vec<u8> {
    [
        b"\x80\x02}",
        &string(name)[..],
        b"ctorch._utils\n_rebuild_tensor_v2\n((",
        &string("storage"),
        b"ctorch\nFloatStorage\n",
        &string("0"),
        &string("cpu"),
        &number(elements),
        b"tQ",
        &number(0),
        &tuple(shape),
        &tuple(stride),
        b"\x89ccollections\nOrderedDict\n)RtRs.",
    ]
    .concat()
}

/// An archive as PyTorch writes it, of a pickle and storage 0.
fn archive(pickle: &[u8], storage: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, contents) in [("a/data.pkl", pickle), ("a/data/0", storage)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(contents).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn damaged(message: &str) -> String {
    format!("FILE is not a complete PyTorch file: {message}")
}

#[test]
fn code_is_not_run_and_named() {
    let expected = damaged(
        "it would run code where Python loads it: it names `posix.system` (which was not run here)",
    );
    assert_eq!(refused(&golden("code.pt")), expected);
    assert_eq!(refused(&golden("legacy_code.pt")), expected);
    assert_eq!(
        refused(&golden("only_code.pt")),
        damaged(
            "invalid PyTorch file format: Expected a dictionary at the root of the PyTorch file, found \
             posix.system"
        )
    );
}

#[test]
fn code_leaves_no_trace() {
    let (directory, file) = path("weights.pt");
    let trace = directory.path().join("trace");
    let command = string(&format!("touch {}", trace.display()));
    let value = string("a");
    for call in [
        [b"cposix\nsystem\n", &command[..], b"\x85R"].concat(),
        [b"cos\nsystem\n", &command[..], b"\x85R"].concat(),
        [b"csubprocess\ngetoutput\n", &command[..], b"\x85R"].concat(),
        [b"(", &command[..], b"iposix\nsystem\n"].concat(),
        [b"(cposix\nsystem\n", &command[..], b"o"].concat(),
        [
            &string("posix"),
            &string("system")[..],
            b"\x93",
            &command,
            b"\x85R",
        ]
        .concat(),
    ] {
        let pickle = [b"\x80\x04}", &value[..], &call, b"s."].concat();
        for bytes in [
            pickle.clone(),
            archive(&pickle, b"", CompressionMethod::Stored),
        ] {
            let message = super::without_path(&read(&file, &bytes).unwrap_err(), &file);
            assert!(message.starts_with(&damaged("")), "{message}");
        }
    }
    assert!(!trace.exists());
    // Objects that do nothing are no obstacle: see `checkpoint.pt`, which names a device.
}

#[test]
fn bombs_are_refused() {
    // A tuple of two of the tuple before, thirty times.
    let mut laughs = b"\x80\x02}".to_vec();
    laughs.extend(string("a"));
    laughs.extend(b"K\x00q\x00");
    for _ in 0..30 {
        laughs.extend(b"h\x00h\x00\x86q\x00");
    }
    laughs.extend(b"s.");
    // Lists in lists.
    let deep = [
        b"\x80\x02",
        &b"]".repeat(200_000)[..],
        &b"a".repeat(199_999),
        b".",
    ]
    .concat();
    let marks = [
        b"\x80\x02",
        &b"(".repeat(200_000)[..],
        &b"t".repeat(200_000),
        b".",
    ]
    .concat();
    // A string of 4 GiB that is not there.
    let string = b"\x80\x02X\xff\xff\xff\xffa.".to_vec();
    let bytes = b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fa.".to_vec();
    for pickle in [laughs, deep, marks, string, bytes] {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let message = refused(&archive(&pickle, b"", method));
            assert!(message.starts_with(&damaged("")), "{message}");
        }
        assert!(refused(&pickle).starts_with(&damaged("")));
    }
}

#[test]
fn a_pickle_that_grows_too_large_is_refused() {
    let zeros = vec![0; 101 << 20];
    let bytes = archive(&zeros, b"", CompressionMethod::Deflated);
    assert!(bytes.len() < 1 << 20);
    let message = refused(&bytes);
    assert!(
        message.contains("above the 104857600 byte limit"),
        "{message}"
    );
}

#[test]
fn tensors_far_larger_than_the_file_are_refused() {
    let stored = CompressionMethod::Stored;
    // One number, seen two thousand million times.
    let pickle = tensor("weight_hh_l0", 1, &[1 << 17, 1 << 14], &[0, 0]);
    let message = refused(&archive(&pickle, &[0; 4], stored));
    assert!(
        message.contains("its tensors would be 8589934592 bytes, but of the"),
        "{message}"
    );
    let pickle = tensor("weight_hh_l0", 1, &[1 << 13, 1 << 13], &[0, 0]);
    let message = refused(&archive(&pickle, &[0; 4], stored));
    assert!(
        message.contains("its tensors would be 268435456 bytes"),
        "{message}"
    );
    // A storage of which only a few bytes are there; many bytes, which the file has as a few.
    let pickle = tensor("weight_hh_l0", 1 << 26, &[1 << 13, 1 << 13], &[1 << 13, 1]);
    let message = refused(&archive(&pickle, &[0; 4], stored));
    assert!(
        message.contains("its tensors would be 268435456 bytes"),
        "{message}"
    );
    let zeros = vec![0; 268_435_456];
    let message = refused(&archive(&pickle, &zeros, CompressionMethod::Deflated));
    assert!(
        message.contains("its tensors would be 268435456 bytes"),
        "{message}"
    );
}

#[test]
fn tensors_that_do_not_fit_their_storage_are_refused() {
    let refused_tensor = |elements: u64, shape: &[u64], stride: &[u64]| {
        let pickle = tensor("weight_hh_l0", elements, shape, stride);
        refused(&archive(&pickle, &[0; 64], CompressionMethod::Stored))
    };
    for (elements, shape, stride) in [
        (16, [4, 5], [5, 1]),
        (16, [4, 4], [8, 1]),
        (16, [u64::MAX >> 1, u64::MAX >> 1], [1, 1]),
        (16, [4, 4], [u64::MAX >> 1, 1]),
        (u64::MAX >> 2, [1 << 40, 1 << 20], [1 << 20, 1]),
    ] {
        let message = refused_tensor(elements, &shape, &stride);
        assert!(message.starts_with(&damaged("")), "{message}");
    }
    let pickle = tensor("weight_hh_l0", 16, &[4, 4], &[4, 1]);
    let (_directory, file) = path("weights.pt");
    let short = archive(&pickle, &[0; 60], CompressionMethod::Stored);
    fs::write(&file, short).unwrap();
    let error = crate::weights::Checkpoint::open(&file)
        .unwrap()
        .read("weight_hh_l0");
    let message = super::without_path(&error.unwrap_err(), &file);
    assert!(
        message.starts_with(&damaged("tensor `weight_hh_l0`: ")),
        "{message}"
    );
}

#[test]
fn tar_archives_are_refused() {
    let mut bytes = vec![0; 1024];
    bytes[..4].copy_from_slice(b"data");
    bytes[257..262].copy_from_slice(b"ustar");
    assert_eq!(
        refused(&bytes),
        damaged("it is a tar archive, which PyTorch wrote before 0.1.10 of 2017")
    );
}
