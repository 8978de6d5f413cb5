//! Suppression of a message of libwayland while adapters are listed.
//!
//! Mesa's Vulkan layer `VK_LAYER_MESA_device_select`, which is always on, asks the Wayland compositor for its adapter
//! whenever a program with Wayland support lists the adapters; wgpu has that support. Without a desktop, as on a
//! server or in a container, libwayland then writes to the standard error:
//!
//! ```text
//! error: XDG_RUNTIME_DIR is invalid or not set in the environment.
//! ```
//!
//! This is not an error: there is no compositor, and wgrad ranks the adapters itself. An environment variable would
//! prevent the message, but a program that may have other threads must not change the environment. So, if the message
//! would appear, the standard error goes through a pipe for the milliseconds that the listing takes, and all other
//! lines are forwarded.

use crate::threads;
use crate::time::Duration;
use rustix::stdio::dup2_stderr;
use std::env::var_os;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};

/// Longest wait for the last lines. They arrive at once, unless another process holds the pipe; then they are forwarded
/// later.
const LAST_LINES: Duration = Duration::from_millis(100);

/// The message of libwayland, now and in older versions.
const LINES: [&[u8]; 2] = [
    b"error: XDG_RUNTIME_DIR is invalid or not set in the environment.\n",
    b"error: XDG_RUNTIME_DIR not set in the environment.\n",
];

/// Runs `list` without the message.
pub(super) fn without_waylands_line<R>(list: impl FnOnce() -> R) -> R {
    /// Two concurrent filters would each mistake the other's pipe for the terminal.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if !is_written(var_os) {
        return list();
    }
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // If no pipe or thread can be created, the message appears.
    let _filter = Filter::start().ok();
    list()
}

/// Whether the message would be written in this environment: the conditions of libwayland's `wl_display_connect`.
fn is_written(var: impl Fn(&'static str) -> Option<OsString>) -> bool {
    let is_absolute = |name| var(name).is_some_and(|path| path.as_bytes().starts_with(b"/"));
    !is_absolute("XDG_RUNTIME_DIR")
        && !is_absolute("WAYLAND_DISPLAY")
        && var("WAYLAND_SOCKET").is_none()
        && var("NODEVICE_SELECT").is_none()
}

/// Sends the standard error through a pipe until it is dropped.
struct Filter {
    terminal: OwnedFd,
    done: Receiver<()>,
}

impl Filter {
    fn start() -> io::Result<Self> {
        let terminal = io::stderr().as_fd().try_clone_to_owned()?;
        let to = File::from(terminal.try_clone()?);
        let (reader, writer) = io::pipe()?;
        let (sender, done) = channel();
        threads::start("wgrad stderr", move || {
            // Lines that the terminal rejects are lost, as without the pipe.
            let _ = pass_on(reader, to);
            let _ = sender.send(());
        })?;
        // Rust writes a line in pieces under this lock, so no line is split.
        let _whole_lines = io::stderr().lock();
        dup2_stderr(&writer)?;
        Ok(Filter { terminal, done })
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // Held until all lines are forwarded, so that they stay in order.
        let _whole_lines = io::stderr().lock();
        // Restores the standard error, which closes the pipe. An error here could not be reported.
        let _ = dup2_stderr(&self.terminal);
        let _ = self.done.recv_timeout(LAST_LINES);
    }
}

/// Copies lines as they arrive, except for the message.
fn pass_on(from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        // The message may follow the beginning of a line that another thread has not finished.
        let own = LINES
            .iter()
            .find_map(|waylands| line.strip_suffix(*waylands));
        to.write_all(own.unwrap_or(&line))?;
        to.flush()?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waylands_line_is_left_out() {
        let line = "error: XDG_RUNTIME_DIR is invalid or not set in the environment.\n";
        let older = "error: XDG_RUNTIME_DIR not set in the environment.\n";
        let others =
            "a\n\nerror: XDG_RUNTIME_DIR is on fire\n\u{fffd}, and the last without an end";
        let mut passed = Vec::new();
        let text = format!("{line}{older}a{line}\n{line}{older}\n{}", &others[3..]);
        pass_on(text.as_bytes(), &mut passed).unwrap();
        assert_eq!(String::from_utf8(passed).unwrap(), others);
        let mut passed = Vec::new();
        pass_on(&b"\xff\n"[..], &mut passed).unwrap();
        assert_eq!(passed, b"\xff\n");
    }

    #[test]
    fn the_standard_error_is_left_alone_where_the_line_is_not_written() {
        let with = |set: &[(&str, &str)]| {
            is_written(|name| {
                let found = set.iter().find(|(wanted, _)| *wanted == name);
                found.map(|(_, value)| value.into())
            })
        };
        assert!(with(&[]));
        assert!(with(&[("XDG_RUNTIME_DIR", "")]));
        assert!(with(&[
            ("XDG_RUNTIME_DIR", "relative"),
            ("WAYLAND_DISPLAY", "wayland-1")
        ]));
        assert!(!with(&[("XDG_RUNTIME_DIR", "/run/user/1000")]));
        assert!(!with(&[("WAYLAND_DISPLAY", "/run/wayland-0")]));
        assert!(!with(&[("WAYLAND_SOCKET", "5")]));
        assert!(!with(&[("NODEVICE_SELECT", "1")]));
    }
}
