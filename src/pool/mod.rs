//! Threads of our own for what would keep libuv's few from the file operations of the process.
//!
//! A [`Pool`] starts threads as work comes in, up to its most, and lets them end when nothing has
//! come for a while. It never ends one that works: what a thread works on keeps its memory, so that
//! neither the end of a JavaScript thread nor closing a map has to wait for it.

mod lane;

pub use lane::Lane;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, iter, thread};

/// How long a thread with nothing to do stays.
const LINGER: Duration = Duration::from_secs(1);

/// After this long without progress another thread goes on with what one has begun.
const PATIENCE: Duration = Duration::from_millis(5);

/// As much as a search takes; threads of Rust have 2 MiB unless told otherwise.
const STACK: usize = 512 * 1024;

/// Work of any kind.
pub type Task = Box<dyn FnOnce() + Send>;

/// A bounded number of threads and the work that waits for them, first come, first served.
pub struct Pool<T: 'static> {
    name: &'static str,
    most_threads: usize,
    /// How many of them work as long as all gets on.
    most_at_work: usize,
    run: fn(T),
    /// How many items one thread begins at once where many are waiting.
    most_at_once: usize,
    begin: Option<fn(&T)>,
    state: Mutex<State<T>>,
    work_came: Condvar,
}

struct State<T> {
    /// What no thread has looked at, by its number.
    waiting: BTreeMap<u64, T>,
    /// What was begun, and is to be run.
    begun: BTreeMap<u64, T>,
    threads: usize,
    /// Of the threads, those that wait for work.
    idle: usize,
    /// Whether a thread was woken or started, and has not looked yet.
    is_coming: bool,
    /// Whether an idle thread looks whether all gets on.
    is_watched: bool,
}

impl<T> State<T> {
    fn at_work(&self) -> usize {
        self.threads - self.idle
    }

    /// The number of what is next.
    fn next(&self) -> Option<u64> {
        let begun = self.begun.first_key_value().map(|(number, _)| *number);
        begun.or_else(|| self.waiting.first_key_value().map(|(number, _)| *number))
    }
}

/// What items can be taken back from.
pub trait Queue: Send + Sync {
    /// Drops the item of that number, unless a thread is at work on it.
    fn withdraw(&self, number: u64);
}

impl<T: Send + 'static> Queue for &'static Pool<T> {
    fn withdraw(&self, number: u64) {
        let item = {
            let State { waiting, begun, .. } = &mut *self.state();
            waiting.remove(&number).or_else(|| begun.remove(&number))
        };
        // What it owns may take a while to drop.
        drop(item);
    }
}

impl<T: Send + 'static> Pool<T> {
    /// A pool without threads yet, of which each calls `run` with one item after the other.
    pub const fn new(name: &'static str, most_threads: usize, run: fn(T)) -> Pool<T> {
        Pool {
            name,
            most_threads,
            most_at_work: most_threads,
            run,
            most_at_once: 1,
            begin: None,
            state: Mutex::new(State {
                waiting: BTreeMap::new(),
                begun: BTreeMap::new(),
                threads: 0,
                idle: 0,
                is_coming: false,
                is_watched: false,
            }),
            work_came: Condvar::new(),
        }
    }

    /// Has a thread call `begin` with up to `most` items that are waiting before it runs the first. So
    /// `at_work` threads do, until nothing gets on: then others come for the rest.
    pub const fn beginning(mut self, at_work: usize, most: usize, begin: fn(&T)) -> Pool<T> {
        self.most_at_work = at_work;
        self.most_at_once = most;
        self.begin = Some(begin);
        self
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of threads, for tests.
    pub fn thread_count(&self) -> usize {
        self.state().threads
    }

    /// The number of items that no thread is at work on, for tests.
    pub fn waiting_count(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.begun.len()
    }

    /// Has a thread do the work once that of lower numbers is begun. No other item has the number.
    ///
    /// # Errors
    /// What the system refuses where there is no thread yet and none can be started.
    pub fn submit(&'static self, number: u64, item: T) -> io::Result<()> {
        let mut state = self.state();
        state.waiting.insert(number, item);
        let called = self.call(&mut state);
        // Where there are threads already they do it later.
        if called.is_err() && state.threads > 0 {
            return Ok(());
        }
        let refused = called.is_err().then(|| state.waiting.remove(&number));
        // What is dropped with it may submit something else.
        drop(state);
        drop(refused);
        called
    }

    /// Whether something waits for a thread.
    fn is_waited_for(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// Has a thread come for what waits, or to watch whether it gets on, unless one is coming: that one
    /// calls the next. So work that comes in one go costs one wake, and is begun together where that is
    /// allowed.
    fn call(&'static self, state: &mut State<T>) -> io::Result<()> {
        let is_work = !state.waiting.is_empty() && state.at_work() < self.most_at_work;
        let is_unwatched = !state.is_watched && state.next().is_some();
        if state.is_coming || !is_work && !is_unwatched {
            return Ok(());
        }
        if state.idle > 0 {
            self.work_came.notify_one();
        } else if state.threads < self.most_threads {
            thread::Builder::new()
                .name(self.name.to_owned())
                .stack_size(STACK)
                .spawn(|| self.serve())?;
            state.threads += 1;
        } else {
            return Ok(());
        }
        state.is_coming = true;
        Ok(())
    }

    fn serve(&'static self) {
        let mut state = self.state();
        // Whether it is needed although enough threads are at work.
        let mut is_needed = false;
        // A thread that comes leaves what was begun to those that began it.
        let mut helps = false;
        loop {
            state.is_coming = false;
            let mut has_run = false;
            if is_needed || state.at_work() <= self.most_at_work {
                let begun;
                (state, begun) = self.begin(state);
                for _ in 0..begun.max(usize::from(helps || is_needed)) {
                    let Some((_, item)) = state.begun.pop_first() else {
                        break;
                    };
                    // If the system refuses another thread, there is this one.
                    let _ = self.call(&mut state);
                    drop(state);
                    // `run` catches the panics that it can explain. No other may take the thread,
                    // which is counted.
                    let _ = catch_unwind(AssertUnwindSafe(|| (self.run)(item)));
                    state = self.state();
                    has_run = true;
                }
            }
            helps = has_run;
            is_needed = false;
            if !has_run {
                match self.rest(state) {
                    Some(rested) => (state, is_needed) = rested,
                    None => return,
                }
            }
        }
    }

    /// Begins as much of what waits as one thread may; how much that was.
    fn begin<'a>(
        &'static self,
        mut state: MutexGuard<'a, State<T>>,
    ) -> (MutexGuard<'a, State<T>>, usize) {
        let next = || state.waiting.pop_first();
        let items: Vec<(u64, T)> = iter::from_fn(next).take(self.most_at_once).collect();
        let count = items.len();
        if let Some(begin) = self.begin.filter(|_| count > 0) {
            // If the system refuses another thread, there is this one.
            let _ = self.call(&mut state);
            drop(state);
            for (_, item) in &items {
                let _ = catch_unwind(AssertUnwindSafe(|| begin(item)));
            }
            state = self.state();
        }
        state.begun.extend(items);
        (state, count)
    }

    /// Waits for work. Answers whether nothing gets on without this thread, or None where it is to end.
    fn rest<'a>(
        &self,
        mut state: MutexGuard<'a, State<T>>,
    ) -> Option<(MutexGuard<'a, State<T>>, bool)> {
        let watched = state.next().filter(|_| !state.is_watched);
        state.is_watched |= watched.is_some();
        state.idle += 1;
        let time = watched.map_or(LINGER, |_| PATIENCE);
        let (mut state, timeout) = self
            .work_came
            .wait_timeout(state, time)
            .unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        if watched.is_some() {
            state.is_watched = false;
            let is_stuck = timeout.timed_out() && watched == state.next();
            return Some((state, is_stuck));
        }
        // One that was called too late to be woken looks all the same.
        let is_done = timeout.timed_out() && state.waiting.is_empty() && !state.is_coming;
        if is_done {
            state.threads -= 1;
            return None;
        }
        Some((state, false))
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
