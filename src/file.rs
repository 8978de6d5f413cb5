//! File access: bounded reads, and atomic replacement.

use crate::{Error, Result};
use std::collections::hash_map::RandomState;
use std::fs::{File, Metadata, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Most symbolic links that are followed for one path, as on Linux.
const MAX_LINKS: usize = 40;

/// Writes a file, atomically if it exists. The bytes go to a new temporary file in the same folder, which is then
/// renamed to the target. So readers and other writers see the whole old file or the whole new one, and a failure
/// leaves the old file unchanged. A symbolic link stays a link: its target is replaced. The new file keeps the mode of
/// the old one, and its owner and group as far as the system allows. Hard links keep the old file. Access control
/// lists and extended attributes are not copied.
///
/// A killed process leaves its temporary file behind. Nothing removes such files: neither a name nor a process number
/// shows whether the writer is alive, since it may run on another machine that shares the file system.
///
/// A file that is not regular (a pipe, `/dev/stdout`) cannot be replaced, so the bytes are written to it.
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
        // If removing it fails too, the first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    sync_folder(folder)
}

/// The path with symbolic links resolved. The file need not exist.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        // `file_name` returns `a` for `a/` and `a/.`, which can only be folders.
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
                // A relative link is relative to its folder; `join` returns an absolute one unchanged.
                target = target.parent().unwrap_or(Path::new("")).join(link);
            }
            _ => return Ok(target),
        }
    }
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        format!("more than {MAX_LINKS} symbolic links, probably a cycle"),
    ))
}

fn is_a_folder() -> io::Error {
    io::Error::new(ErrorKind::IsADirectory, "is a folder; name a file")
}

/// A new file with a name that no other writer uses, in any thread, process or machine. The name is short, so it is
/// valid wherever the target's name is.
fn create_temporary(folder: &Path, old: Option<&Metadata>) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // The file must never be readable by anyone who could not read the old one.
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
                let message = format!("cannot create a file in its folder: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
        }
    }
}

/// Sets owner and permissions of the temporary file to those of the old one, writes it, and syncs it to the disk.
fn fill(mut file: File, bytes: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(old) = old {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let new = file.metadata()?;
        // Only the superuser may change the owner; otherwise the writer owns the file.
        let group = old.gid() == new.gid() || fchown(&file, None, Some(old.gid())).is_ok();
        let owner = old.uid() == new.uid() || fchown(&file, Some(old.uid()), None).is_ok();
        let mode = match (owner, group) {
            (true, true) => old.mode() & 0o7777,
            // Another owner must not inherit the set-user and set-group bits,
            (false, true) => old.mode() & 0o777,
            // and another group must not inherit the group's rights: it gets those of all others.
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

/// Syncs the entries of a folder to the disk, where the system supports it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        // A folder may be writable but not readable.
        let Ok(folder) = File::open(folder) else {
            return Ok(());
        };
        match folder.sync_all() {
            // Some network file systems do not support it.
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

/// Opens a regular file and returns its length. Other files may block or never end.
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
        // The length of the opened file, since another file may have replaced the first one meanwhile.
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    };
    open().map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

/// Reads a file of at most `most` bytes. A longer file is an error.
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
    // One extra byte reveals a file that has grown meanwhile.
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
