//! Calling wgpu: whatever it refuses, and any panic within it, becomes an [`Error`].

use crate::Error;
use crate::threads::is_panicking;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// Whether a panic on this thread will be caught here, so that nobody need see it on the terminal.
    static CAUGHT_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Calls, and gives the words of a panic within, which the program's panic hook does not see.
///
/// A hook is the whole program's. This one, set once, leaves every panic to the hook before it, but those that are caught
/// here. A hook that the program sets later takes its place, and then sees these too.
pub(super) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    // A hook cannot be set while its thread panics, as where a device is dropped then.
    if !is_panicking() {
        HOOK.call_once(|| {
            let previous = take_hook();
            set_hook(Box::new(move |panic| {
                if !CAUGHT_HERE.get() {
                    previous(panic);
                }
            }));
        });
    }
    let outer = CAUGHT_HERE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    CAUGHT_HERE.set(outer);
    result.map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        let words = words.unwrap_or_else(|| "no message".into());
        log::error!("wgpu panicked: {words}");
        words
    })
}

/// Awaits, and gives the words of a panic within.
pub(super) async fn catch_async<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(
        move |context| match catch(|| future.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(words) => Poll::Ready(Err(words)),
        },
    )
    .await
}

/// The error for a panic within wgpu.
pub(super) fn panicked(words: &str) -> Error {
    Error::Gpu {
        message: format!("it panicked: {}", words.trim_end()),
    }
}

/// A handle of wgpu's whose drop may panic: a queue waits for its device there.
#[derive(Debug)]
pub(super) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    pub(super) fn new(handle: T) -> Self {
        Guarded(Some(handle))
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(handle) => handle,
            None => unreachable!("it is there until it is dropped"),
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        let handle = self.0.take();
        // Nobody is there to hear of it; `catch` has logged it.
        let _ = catch(move || drop(handle));
    }
}

thread_local! {
    /// Of every call to wgpu on this thread that is under way, the innermost last: the first error that was reported.
    static REPORTED: RefCell<Vec<Option<wgpu::Error>>> = const { RefCell::new(Vec::new()) };
}

/// Calls wgpu, and gives the first error that it reports meanwhile: not to the device's handler, which could not tell whose
/// it is, but to [`collect`]. wgpu reports an error on the thread whose call it refuses, before that returns. Its own error
/// scopes do the same, but allocate.
pub(super) fn collecting<R>(call: impl FnOnce() -> R) -> (Result<R, String>, Option<wgpu::Error>) {
    REPORTED.with_borrow_mut(|calls| calls.push(None));
    let called = catch(call);
    let reported = REPORTED.with_borrow_mut(Vec::pop);
    (called, reported.flatten())
}

/// Keeps an error for the call that is under way on this thread; gives it back if there is none.
pub(super) fn collect(error: wgpu::Error) -> Option<wgpu::Error> {
    REPORTED.with_borrow_mut(|calls| match calls.last_mut() {
        Some(call) => {
            call.get_or_insert(error);
            None
        }
        None => Some(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words() {
        assert_eq!(catch(|| 7), Ok(7));
        let text = catch(|| -> () { panic!("wgpu: {}", 5) });
        assert_eq!(text, Err("wgpu: 5".into()));
        assert_eq!(catch(|| -> () { panic!("static") }), Err("static".into()));
        let other = catch(|| -> () { std::panic::panic_any(5) });
        assert_eq!(other, Err("no message".into()));
        // One within another, which goes on after it, and is still silent.
        let nested = catch(|| {
            assert_eq!(catch(|| -> () { panic!("inner") }), Err("inner".into()));
            assert!(CAUGHT_HERE.get());
            7
        });
        assert_eq!((nested, CAUGHT_HERE.get()), (Ok(7), false));
        let future = catch_async(async { panic!("awaited") });
        let awaited: Result<(), String> = pollster::block_on(future);
        assert_eq!(awaited, Err("awaited".into()));
    }

    #[test]
    fn a_panic_in_a_drop_ends_there() {
        struct Throws;
        impl Drop for Throws {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        drop(Guarded::new(Throws));
    }
}
