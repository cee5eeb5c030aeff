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
    write_with(path, |file| {
        file.write_all(contents).map_err(FileError::at(path))
    })
}

/// As [`write`](fn@write), with contents that `fill` writes as it goes.
///
/// # Errors
///
/// An error of `fill`, a folder that cannot be written to, a full disk.
pub fn write_with<E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let failed = FileError::at(path);
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        // A device or a pipe is written to, never replaced.
        let mut device = File::options().write(true).open(path).map_err(&failed)?;
        return fill(&mut device);
    }
    let mut file = temporary_file(parent(path)).map_err(&failed)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all().map_err(&failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(sync_directory(parent(path)).map_err(failed)?)
}

/// A file that has the permissions of any other new file once it is renamed.
fn temporary_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(WRITING);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
        builder.tempfile_in(folder)
    }
    #[cfg(not(unix))]
    builder.tempfile_in(folder)
}

/// How the names of unfinished files and directories begin.
const WRITING: &str = ".writing-";
/// How the name of a directory ends while another takes its place.
const OLD: &str = ".old";

/// Fills a directory beside its place with `fill` and renames it. A directory that is there
/// already is replaced: for an instant it stands aside as `NAME.old`, and [`recover`] puts it back
/// if the program ends just then. On an error it stays.
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
        .prefix(WRITING)
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
        old.push(OLD);
        if Path::new(&old).exists() {
            // An earlier replacement was done but for this.
            std::fs::remove_dir_all(&old).map_err(&failed)?;
        }
        std::fs::rename(target, &old).map_err(&failed)?;
        std::fs::rename(&parts, target)
            .or_else(|error| std::fs::rename(&old, target).and(Err(error)))
            .map_err(&failed)?;
        std::fs::remove_dir_all(&old).map_err(&failed)?;
    } else {
        std::fs::rename(&parts, target).map_err(&failed)?;
    }
    sync_directory(parent(target)).map_err(&failed)?;
    Ok(())
}

/// Clears away what interrupted writes left in a folder, and puts back a directory that was about
/// to be replaced.
///
/// # Errors
///
/// A folder that cannot be read or written to.
pub fn recover(folder: &Path) -> Result<(), FileError> {
    for entry in std::fs::read_dir(folder).map_err(FileError::at(folder))? {
        let path = entry.map_err(FileError::at(folder))?.path();
        let failed = FileError::at(&path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_unfinished(&name) {
            remove(&path).map_err(failed)?;
        } else if let Some(name) = name.strip_suffix(OLD) {
            let place = folder.join(name);
            match place.exists() {
                true => remove(&path),
                false => std::fs::rename(&path, place),
            }
            .map_err(failed)?;
        }
    }
    Ok(())
}

/// Whether an interrupted write left a file or directory of this name.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with(WRITING)
}

fn remove(path: &Path) -> io::Result<()> {
    match path.is_dir() {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    }
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
    fn a_replacement_that_was_cut_short_is_finished_or_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("bundle.old");
        let target = folder.path().join("bundle");
        let unfinished = folder.path().join(".writing-1234");

        // Between the two renames.
        std::fs::create_dir_all(old.join("first")).unwrap();
        std::fs::create_dir_all(unfinished.join("parts")).unwrap();
        recover(folder.path()).unwrap();
        assert!(target.join("first").exists() && !old.exists() && !unfinished.exists());

        // After them: the next replacement clears it away as well.
        std::fs::create_dir_all(old.join("half deleted")).unwrap();
        replace_directory(&target, |parts| {
            std::fs::create_dir(parts.join("first")).map_err(FileError::at(parts))
        })
        .unwrap();
        assert!(target.join("first").exists() && !old.exists());
        std::fs::create_dir_all(old.join("half deleted")).unwrap();
        recover(folder.path()).unwrap();
        assert!(target.join("first").exists() && !old.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_may_be_read_by_whoever_may_read_other_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        write(&ours, b"x").unwrap();
        std::fs::write(&other, b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&other));
    }

    #[test]
    #[cfg(unix)]
    fn a_device_is_written_to_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        let null = Path::new("/dev/null");
        write(null, b"gone").unwrap();
        assert!(null.metadata().unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_file_in_a_missing_folder_is_named() {
        let error = write(Path::new("no/such/folder/file"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/such/folder/file"), "{error}");
    }
}
