//! Reading files, and writing them so that an interrupted save leaves the old one whole.

use crate::{Error, Result};
use std::io::Write;
use std::path::Path;

/// Writes a file: first one beside the goal, then renamed over it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written =
        write_through(Path::new(&partial), bytes).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|source| {
        // What was written is of no use; if it cannot be removed either, the first error tells more.
        let _ = std::fs::remove_file(&partial);
        Error::Io {
            path: path.to_path_buf(),
            source,
        }
    })
}

/// Writes a file and waits until it is on the disk.
fn write_through(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}
