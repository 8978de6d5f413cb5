//! Guarded calls of wgpu: reported errors and panics become an [`Error`].

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
    /// Whether a panic on this thread will be caught here, and need not be printed.
    static CAUGHT_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call`. A panic within becomes its message, without reaching the program's panic hook.
///
/// The hook is global to the program. The one set here, once, forwards every panic to the previous hook except those
/// that are caught here. A hook that the program sets later replaces it, and then also receives these.
pub(super) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    // A hook cannot be set while the thread panics, for example when unwinding drops a device.
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

/// Like [`catch`], for a future.
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

/// A wgpu handle whose drop may panic: dropping a queue waits for its device.
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
        // No caller could receive the error; `catch` has logged it.
        let _ = catch(move || drop(handle));
    }
}

thread_local! {
    /// The first error reported for each call to wgpu that is in progress on this thread, the innermost call last.
    static REPORTED: RefCell<Vec<Option<wgpu::Error>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `call` and returns the first error that wgpu reports meanwhile, by way of [`collect`]. wgpu reports an error
/// on the thread of the failing call, before the call returns. wgpu's error scopes do the same, but they allocate.
pub(super) fn collecting<R>(call: impl FnOnce() -> R) -> (Result<R, String>, Option<wgpu::Error>) {
    REPORTED.with_borrow_mut(|calls| calls.push(None));
    let called = catch(call);
    let reported = REPORTED.with_borrow_mut(Vec::pop);
    (called, reported.flatten())
}

/// Records an error for the call in progress on this thread; returns it if there is none.
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
