//! All use of threads: work shared out to those of a pool of wgrad's own, never the caller's, and threads for one
//! purpose.
//!
//! A thread of a rayon pool that waits runs other tasks of its pool meanwhile. In a pool of the caller's these would
//! be the caller's tasks, which may want a lock that the waiting thread holds: a deadlock. Therefore
//!
//! - parallel work runs on threads that run nothing else. Outside them, the functions of this module run their work in
//!   order, on the calling thread;
//! - the calling thread blocks until the pool is done, and runs nothing meanwhile.
//!
//! The number of threads changes no bit of any result.

use crate::{Error, Result};
use std::cell::Cell;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};
use std::{io, thread};

/// Floating-point operations of a kernel from which it is shared out to several threads. Work without any such kernel
/// stays on the thread that asks for it: waking another takes longer.
const LARGE_FLOPS: u64 = 1 << 20;

/// The same in elements that a kernel writes, for those that hardly compute.
const LARGE_WRITES: usize = 1 << 18;

thread_local! {
    /// Whether this thread belongs to one of wgrad's pools.
    static IN_POOL: Cell<bool> = const { Cell::new(false) };
}

/// The pool of all devices and data sets that have none of their own. None where the system gives no threads.
static SHARED: LazyLock<Option<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = build(rayon::ThreadPoolBuilder::new());
    // One thread besides the calling one, which waits, would only cost the way there.
    pool.ok().filter(|pool| pool.current_num_threads() > 1)
});

fn build(
    builder: rayon::ThreadPoolBuilder,
) -> std::result::Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    builder
        .thread_name(|i| format!("wgrad {i}"))
        .start_handler(|_| IN_POOL.set(true))
        .build()
}

/// The threads of a CPU device: those of the shared pool, or of one of the device's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Option<Arc<Own>>);

/// A device's own pool. None for a single thread: that is the calling one.
#[derive(Debug)]
struct Own(Option<rayon::ThreadPool>);

impl Threads {
    pub(crate) fn new(count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::argument("the number of threads", "at least 1", 0));
        }
        if count == 1 {
            return Ok(Threads(Some(Arc::new(Own(None)))));
        }
        let pool = build(rayon::ThreadPoolBuilder::new().num_threads(count)).map_err(|error| {
            Error::OpenDevice {
                adapter: format!("CPU ({count} threads)"),
                message: error.to_string(),
            }
        })?;
        Ok(Threads(Some(Arc::new(Own(Some(pool))))))
    }

    fn pool(&self) -> Option<&rayon::ThreadPool> {
        match &self.0 {
            Some(own) => own.0.as_ref(),
            None => SHARED.as_ref(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.pool()
            .map_or(1, rayon::ThreadPool::current_num_threads)
    }

    pub(crate) fn is_same(&self, other: &Threads) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Does the work: what is large on a thread of the pool, where its parts are shared out; anything else here and in
    /// order.
    pub(crate) fn run<R: Send>(&self, large: bool, work: impl FnOnce() -> R + Send) -> R {
        let pool = match self.pool() {
            Some(pool) if large && !IN_POOL.get() => pool,
            _ => return work(),
        };
        let (mut work, mut result) = (Some(work), None);
        wait_for(pool, &mut || result = work.take().map(|work| work()));
        done(result)
    }
}

/// Runs the work on a pool and blocks until it is done.
fn wait_for(pool: &rayon::ThreadPool, work: &mut (dyn FnMut() + Send)) {
    if rayon::current_thread_index().is_none() {
        // Of no pool: rayon has nothing to run here, and blocks.
        return pool.install(work);
    }
    // Of a pool of the caller's: rayon would run the caller's tasks here. It cannot see that thread behind another one.
    let courier = thread::scope(|scope| {
        let courier = thread::Builder::new()
            .name("wgrad courier".into())
            .spawn_scoped(scope, || pool.install(&mut *work));
        courier.ok().map(thread::ScopedJoinHandle::join)
    });
    match courier {
        Some(Ok(())) => {}
        Some(Err(panic)) => resume_unwind(panic),
        // The system gave no thread.
        None => work(),
    }
}

/// The result of work that has run to its end.
fn done<R>(result: Option<R>) -> R {
    match result {
        Some(result) => result,
        None => unreachable!("the work has run"),
    }
}

/// Threads that share the work of the calling one.
pub(crate) fn count() -> usize {
    if IN_POOL.get() {
        rayon::current_num_threads()
    } else {
        1
    }
}

/// Starts a thread for one purpose, which ends by itself.
pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(work).map(drop)
}

/// Whether the calling thread unwinds after a panic.
pub(crate) fn is_panicking() -> bool {
    thread::panicking()
}

/// Both, in parallel within a pool.
pub(crate) fn join<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut a, mut b) = (Some(a), Some(b));
    let (mut first, mut second) = (None, None);
    join_both(&mut || first = a.take().map(|a| a()), &mut || {
        second = b.take().map(|b| b())
    });
    (done(first), done(second))
}

/// [`join`] for any closures. rayon's scheduling is compiled for each type of closure that it gets. With one type for
/// all, the library compiles in much less time.
fn join_both(a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
    if IN_POOL.get() {
        rayon::join(a, b);
    } else {
        a();
        b();
    }
}

/// Calls `each(i, chunk)` for every chunk of this length (the last may be shorter), in parallel within a pool. A task
/// takes at least so many chunks.
pub(crate) fn for_chunks<T: Send>(
    values: &mut [T],
    length: usize,
    min_chunks: usize,
    each: impl Fn(usize, &mut [T]) + Sync,
) {
    for_chunks_with(
        values,
        length,
        min_chunks,
        || (),
        |(), i, chunk| each(i, chunk),
    );
}

/// The same with something that each task makes for itself.
pub(crate) fn for_chunks_with<T: Send, S>(
    values: &mut [T],
    length: usize,
    min_chunks: usize,
    init: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, usize, &mut [T]) + Sync,
) {
    let task = |first: usize, values: &mut [T]| {
        let mut state = init();
        for (i, chunk) in values.chunks_mut(length).enumerate() {
            each(&mut state, first + i, chunk);
        }
    };
    if !values.is_empty() {
        let chunks = Chunks::new(values.len().div_ceil(length), min_chunks);
        let split = |values, middle| split_at(values, middle * length);
        share(values, chunks, &split, &task);
    }
}

/// Calls `each(i, chunk i of a, chunk i of b)` for every chunk of two slices, which have as many chunks of these
/// lengths, like [`for_chunks`].
pub(crate) fn for_chunk_pairs<T: Send>(
    a: &mut [T],
    b: &mut [T],
    lengths: [usize; 2],
    min_chunks: usize,
    each: impl Fn(usize, &mut [T], &mut [T]) + Sync,
) {
    let task = |first: usize, (a, b): (&mut [T], &mut [T])| {
        let pairs = a.chunks_mut(lengths[0]).zip(b.chunks_mut(lengths[1]));
        for (i, (a, b)) in pairs.enumerate() {
            each(first + i, a, b);
        }
    };
    if !a.is_empty() {
        let chunks = Chunks::new(a.len().div_ceil(lengths[0]), min_chunks);
        let split = |(a, b), middle| {
            let (a, after_a) = split_at(a, middle * lengths[0]);
            let (b, after_b) = split_at(b, middle * lengths[1]);
            ((a, b), (after_a, after_b))
        };
        share((a, b), chunks, &split, &task);
    }
}

fn split_at<T>(values: &mut [T], index: usize) -> (&mut [T], &mut [T]) {
    values.split_at_mut(index)
}

/// Consecutive chunks.
#[derive(Clone, Copy)]
struct Chunks {
    /// Number of the first.
    first: usize,
    count: usize,
    /// Number of chunks that a task takes at least.
    min: usize,
}

/// Tasks for each thread, so that no thread waits long for the last task of another.
const TASKS: usize = 4;

impl Chunks {
    /// So many chunks, from the first on.
    fn new(count: usize, min_chunks: usize) -> Self {
        let min = match self::count() {
            1 => count,
            threads => (count / (TASKS * threads)).max(min_chunks).max(1),
        };
        Chunks {
            first: 0,
            count,
            min,
        }
    }
}

/// Divides chunks of `values` among tasks: `task(number of its first chunk, its values)`. `split` splits values before
/// a chunk.
fn share<V: Send>(
    values: V,
    chunks: Chunks,
    split: &(dyn Fn(V, usize) -> (V, V) + Sync),
    task: &(dyn Fn(usize, V) + Sync),
) {
    if chunks.count < 2 * chunks.min {
        return task(chunks.first, values);
    }
    let middle = chunks.count / 2;
    let (left, right) = split(values, middle);
    let before = Chunks {
        count: middle,
        ..chunks
    };
    let after = Chunks {
        first: chunks.first + middle,
        count: chunks.count - middle,
        ..chunks
    };
    join(
        || share(left, before, split, task),
        || share(right, after, split, task),
    );
}

/// Whether a call is worth several threads: by its operations, or by the elements it writes where it only moves data.
pub(crate) fn is_large(flops: u64, written: usize) -> bool {
    flops >= LARGE_FLOPS || written >= LARGE_WRITES
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn outside_a_pool_everything_runs_on_the_calling_thread_in_order() {
        let here = thread::current().id();
        let on_this_thread = || assert_eq!(thread::current().id(), here);
        assert_eq!(count(), 1);
        join(on_this_thread, on_this_thread);
        let mut values = [0; 10];
        for_chunks(&mut values, 4, 1, |i, chunk| {
            on_this_thread();
            chunk.fill(i + 1);
        });
        assert_eq!(values, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
        // Small work, and any work of a single thread, does not leave it either.
        Threads::default().run(false, on_this_thread);
        Threads::new(1).unwrap().run(true, on_this_thread);
        Threads::new(2).unwrap().run(false, on_this_thread);
    }

    #[test]
    fn large_work_runs_in_the_pool_wherever_it_is_called() {
        let (two, three) = (Threads::new(2).unwrap(), Threads::new(3).unwrap());
        let in_two = || two.run(true, count);
        assert_eq!(in_two(), 2);
        // From a task of the caller's, and from within another pool of wgrad's: there it stays.
        let callers = rayon::ThreadPoolBuilder::new().num_threads(4);
        assert_eq!(callers.build().unwrap().install(in_two), 2);
        assert_eq!(three.run(true, in_two), 3);
        let mut values = [0; 100];
        two.run(true, || {
            for_chunks(&mut values, 7, 2, |i, chunk| chunk.fill(i))
        });
        assert!(values.iter().enumerate().all(|(i, &value)| value == i / 7));
    }

    #[test]
    fn a_panic_in_the_pool_reaches_the_caller() {
        let two = Threads::new(2).unwrap();
        let fail = || two.run(true, || resume_unwind(Box::new("a panic")));
        let callers = rayon::ThreadPoolBuilder::new().num_threads(1);
        let callers = callers.build().unwrap();
        for caught in [
            catch_unwind(AssertUnwindSafe(fail)),
            catch_unwind(AssertUnwindSafe(|| callers.install(fail))),
        ] {
            let panic: Box<dyn std::any::Any + Send> = caught.unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"a panic"));
        }
        assert_eq!(two.run(true, count), 2);
    }
}
