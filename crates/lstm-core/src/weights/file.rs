//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::error::WeightsError;

/// Writes a file beside its place and renames it, so that an interruption leaves the old one, or none.
/// A device or a pipe is written to, never replaced.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), WeightsError> {
    // What a link leads to is replaced, and not the link.
    let place = std::fs::canonicalize(path);
    let place = place.as_deref().unwrap_or(path);
    let written = if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        File::options()
            .write(true)
            .open(path)
            .and_then(|mut device| device.write_all(contents))
    } else {
        replace(place, contents)
    };
    written.map_err(|source| WeightsError::Write {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        // Those of any new file, less what the user's mask forbids.
        builder.permissions(std::fs::Permissions::from_mode(0o666))
    };
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
