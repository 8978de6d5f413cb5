//! Reading files, and writing them so that a reader finds either the old file or the new one, whole.

use crate::{Error, Result};
use std::collections::hash_map::RandomState;
use std::fs::{File, Metadata, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Symbolic links that are followed at most, as on Linux.
const MOST_LINKS: usize = 40;

/// Replaces a file, or makes it. The bytes go to a temporary file of its own in the same folder, which then takes the
/// place of the old file in one step. So readers and other writers never see half a file, and a failure leaves the old
/// one as it was. Symbolic links stay links: their target is replaced. The old file's mode is kept, and its owner and group as
/// far as the system allows. Hard links keep the old file. Access control lists and extended attributes are not copied.
///
/// The temporary file of a process that was killed stays. Its name does not tell whether its writer is alive, and a number of
/// a process would not either: on a shared file system it may run on another machine.
///
/// What is not a regular file (a pipe, `/dev/stdout`) cannot be replaced, and is written to.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = follow(path)?;
    let old = match std::fs::metadata(&target) {
        Ok(old) if old.is_dir() => return Err(is_a_folder()),
        Ok(old) if !old.is_file() => {
            return OpenOptions::new()
                .write(true)
                .open(&target)?
                .write_all(bytes);
        }
        Ok(old) => Some(old),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (file, temporary) = create_temporary(folder, old.as_ref())?;
    let written =
        fill(file, bytes, old.as_ref()).and_then(|()| std::fs::rename(&temporary, &target));
    if written.is_err() {
        // If it cannot be removed either, the first error says more.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    sync_folder(folder)
}

/// The file that a path stands for, links followed. It need not exist.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        // `file_name` would see the `a` of `a/` and `a/.`, which only a folder can be.
        let text = target.as_os_str().as_encoded_bytes();
        let text = text
            .strip_suffix(b".")
            .filter(|_| text.len() > 1)
            .unwrap_or(text);
        let folder = text
            .last()
            .is_some_and(|&b| std::path::is_separator(b.into()));
        if target.file_name().is_none() || folder {
            return Err(if target.as_os_str().is_empty() {
                io::Error::new(ErrorKind::InvalidInput, "the path is empty; name a file")
            } else {
                is_a_folder()
            });
        }
        match std::fs::symlink_metadata(&target) {
            Ok(found) if found.is_symlink() => {
                let link = std::fs::read_link(&target)?;
                // A relative link starts at the folder that holds it; `join` takes an absolute one as it is.
                target = target.parent().unwrap_or(Path::new("")).join(link);
            }
            _ => return Ok(target),
        }
    }
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        format!("more than {MOST_LINKS} symbolic links, probably in a circle"),
    ))
}

fn is_a_folder() -> io::Error {
    io::Error::new(ErrorKind::IsADirectory, "is a folder; name a file")
}

/// A new file under a name that no other writer has, in any thread, process or machine. The name is short, so it fits
/// wherever the target's does.
fn create_temporary(folder: &Path, old: Option<&Metadata>) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // From the start no one may read more than they could read of the old file.
    #[cfg(unix)]
    if let Some(old) = old {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
        options.mode((old.mode() & 0o777) | 0o200);
    }
    #[cfg(not(unix))]
    let _ = old;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let random = RandomState::new().hash_one((std::process::id(), number));
        let temporary = folder.join(format!(".wgrad-{random:016x}"));
        match options.open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                let message = format!("no file can be made in its folder: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
        }
    }
}

/// Writes the temporary file, gives it the old one's owner and permissions, and waits until it is on the disk.
fn fill(mut file: File, bytes: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(old) = old {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let new = file.metadata()?;
        // Only the superuser may give files away; for others the file becomes the writer's.
        let group = old.gid() == new.gid() || fchown(&file, None, Some(old.gid())).is_ok();
        let owner = old.uid() == new.uid() || fchown(&file, Some(old.uid()), None).is_ok();
        let mode = match (owner, group) {
            (true, true) => old.mode() & 0o7777,
            // The set-user and set-group bits must not pass to another owner,
            (false, true) => old.mode() & 0o777,
            // nor the group's rights to another group: it has those of all others.
            _ => old.mode() & 0o707 | (old.mode() & 0o7) << 3,
        };
        if file.metadata()?.mode() & 0o7777 != mode {
            file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        }
    }
    #[cfg(not(unix))]
    let _ = old;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Waits until a folder's entries are on the disk, where the system has a call for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        // A folder may let its user make files, but not be opened itself.
        let Ok(folder) = File::open(folder) else {
            return Ok(());
        };
        match folder.sync_all() {
            // Some network file systems have no such call.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) => {}
            synced => return synced,
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Opens a regular file, and gives its length. Anything else may never end, or never begin.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64)> {
    let open = || {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(is_a_folder());
        }
        if !metadata.is_file() {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "is not a regular file",
            ));
        }
        // Its length is that of what was opened: another file may have taken the place of the first meanwhile.
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    };
    open().map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

/// Reads a file, but no more than `most` bytes: a longer one is refused.
pub(crate) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    let (file, length) = open_file(path)?;
    let too_long = |length: u64| {
        let reason = format!("has {length} bytes, expected at most {most}");
        Err(Error::format(path.display().to_string(), reason))
    };
    if length > most {
        return too_long(length);
    }
    let mut bytes = Vec::new();
    // One byte more shows if the file has grown meanwhile.
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })?;
    match bytes.len() as u64 {
        length if length > most => too_long(length),
        _ => Ok(bytes),
    }
}
