//! Files and directories that are there completely or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file or directory that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct FileError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl FileError {
    /// For use with `map_err`.
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self {
            path: path.to_owned(),
            source,
        }
    }
}

/// Writes a file beside its place and renames it: whoever reads it sees the old contents or the
/// new ones. On an error the old file stays.
///
/// # Errors
///
/// A folder that cannot be written to, a full disk.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let failed = FileError::at(path);
    let mut file = tempfile::NamedTempFile::new_in(parent(path)).map_err(&failed)?;
    file.write_all(contents).map_err(&failed)?;
    file.as_file().sync_all().map_err(&failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_directory(parent(path)).map_err(failed)
}

/// Fills a directory beside its place with `fill` and renames it. A directory that is there
/// already is replaced: for an instant it stands aside as `NAME.old`. On an error it stays.
///
/// # Errors
///
/// An error of `fill`, a folder that cannot be written to, a full disk.
pub fn replace_directory<E: From<FileError>>(
    target: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let failed = FileError::at(target);
    let beside = tempfile::Builder::new()
        .prefix(".writing-")
        .tempdir_in(parent(target))
        .map_err(&failed)?;
    let parts = beside.path().join("parts");
    std::fs::create_dir(&parts).map_err(&failed)?;
    fill(&parts)?;
    for entry in std::fs::read_dir(&parts).map_err(&failed)? {
        let path = entry.map_err(&failed)?.path();
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(&failed)?;
    }
    sync_directory(&parts).map_err(&failed)?;
    if target.exists() {
        let mut old = target.as_os_str().to_owned();
        old.push(".old");
        std::fs::rename(target, &old).map_err(&failed)?;
        std::fs::rename(&parts, target).map_err(&failed)?;
        std::fs::remove_dir_all(&old).map_err(&failed)?;
    } else {
        std::fs::rename(&parts, target).map_err(&failed)?;
    }
    sync_directory(parent(target)).map_err(&failed)?;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename in this directory last.
fn sync_directory(path: &Path) -> io::Result<()> {
    // Windows cannot open a directory as a file, and does not need to.
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_replaced_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("bundle");
        let fill = |name: &'static str| {
            move |parts: &Path| std::fs::write(parts.join(name), name).map_err(FileError::at(parts))
        };
        replace_directory(&target, fill("first")).unwrap();
        replace_directory(&target, fill("second")).unwrap();
        let broken = replace_directory(&target, |parts| {
            std::fs::write(parts.join("third"), "half").map_err(FileError::at(parts))?;
            Err(FileError::at(parts)(io::ErrorKind::StorageFull.into()))
        });
        assert!(broken.is_err());
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["bundle"]);
        assert!(target.join("second").exists() && !target.join("first").exists());
    }

    #[test]
    fn a_file_in_a_missing_folder_is_named() {
        let error = write(Path::new("no/such/folder/file"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/such/folder/file"), "{error}");
    }
}
