//! Keeps a line of libwayland's off the terminal while adapters are listed.
//!
//! A Vulkan layer that comes with Mesa and is always on (`VK_LAYER_MESA_device_select`) asks the Wayland compositor which
//! adapter is its own, whenever a program that could draw on a Wayland window lists the adapters; wgpu makes every program
//! one. In a session without a desktop, as on a server or in a container, libwayland then writes to the standard error:
//!
//! ```text
//! error: XDG_RUNTIME_DIR is invalid or not set in the environment.
//! ```
//!
//! It is no error: there is no compositor, and wgrad ranks the adapters itself. An environment variable prevents it, but
//! the environment must not be changed in a program that may have other threads. So where it would be written, the standard
//! error is led through a pipe for the milliseconds that the list takes, and all other lines are passed on.

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

/// How long to wait for the last lines. They are there at once, unless another process has got hold of the pipe; then they
/// are passed on later.
const LAST_LINES: Duration = Duration::from_millis(100);

/// What libwayland writes, now and in older versions.
const LINES: [&[u8]; 2] = [
    b"error: XDG_RUNTIME_DIR is invalid or not set in the environment.\n",
    b"error: XDG_RUNTIME_DIR not set in the environment.\n",
];

/// Lists adapters.
pub(super) fn without_waylands_line<R>(list: impl FnOnce() -> R) -> R {
    /// Two at a time would each take the other's pipe for the terminal.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if !is_written(var_os) {
        return list();
    }
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // Where there is no pipe or no thread to be had, the line is written.
    let _filter = Filter::start().ok();
    list()
}

/// Whether libwayland would miss the folder, by the environment: as in its `wl_display_connect`.
fn is_written(var: impl Fn(&'static str) -> Option<OsString>) -> bool {
    let is_absolute = |name| var(name).is_some_and(|path| path.as_bytes().starts_with(b"/"));
    !is_absolute("XDG_RUNTIME_DIR")
        && !is_absolute("WAYLAND_DISPLAY")
        && var("WAYLAND_SOCKET").is_none()
        && var("NODEVICE_SELECT").is_none()
}

/// The standard error led through a pipe, until it is dropped.
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
            // What the terminal refuses is lost, as it would be without the pipe.
            let _ = pass_on(reader, to);
            let _ = sender.send(());
        })?;
        // Rust writes a line in pieces, under this lock: so none is cut in two.
        let _whole_lines = io::stderr().lock();
        dup2_stderr(&writer)?;
        Ok(Filter { terminal, done })
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // Held until all is passed on, so that lines stay in order.
        let _whole_lines = io::stderr().lock();
        // It worked the other way a moment ago, and there is nobody to tell otherwise. This closes the pipe.
        let _ = dup2_stderr(&self.terminal);
        let _ = self.done.recv_timeout(LAST_LINES);
    }
}

/// Copies lines as they come, but for libwayland's.
fn pass_on(from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        // Before it there may be the beginning of a line that another thread is about to end.
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
