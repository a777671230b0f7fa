//! Threads of our own for what would keep libuv's few from the file operations of the process.
//!
//! A [`Pool`] starts threads as work comes in, up to its most, and lets them end when nothing has
//! come for a while. It never ends one that works: what a thread works on keeps its memory, so that
//! neither the end of a JavaScript thread nor closing a map has to wait for it.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread with nothing to do stays.
const LINGER: Duration = Duration::from_secs(1);

/// As much as a search takes; threads of Rust have 2 MiB unless told otherwise.
const STACK: usize = 512 * 1024;

/// A bounded number of threads and the work that waits for them, first come, first served.
pub struct Pool<T: 'static> {
    name: &'static str,
    most_threads: usize,
    /// How much one thread takes at once where much is waiting.
    most_at_once: usize,
    run: fn(Vec<T>),
    state: Mutex<State<T>>,
    work_came: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    threads: usize,
    /// Of the threads, those that wait for work.
    idle: usize,
    /// Whether a thread was woken or started for what waits, and has not looked yet.
    is_coming: bool,
}

impl<T: Send + 'static> Pool<T> {
    /// A pool without threads yet, whose threads call `run` with up to `most_at_once` items.
    pub const fn new(
        name: &'static str,
        most_threads: usize,
        most_at_once: usize,
        run: fn(Vec<T>),
    ) -> Pool<T> {
        Pool {
            name,
            most_threads,
            most_at_once,
            run,
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                threads: 0,
                idle: 0,
                is_coming: false,
            }),
            work_came: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of threads, for tests.
    pub fn thread_count(&self) -> usize {
        self.state().threads
    }

    /// Has a thread do the work once those before it are begun.
    ///
    /// # Errors
    /// What the system refuses where there is no thread yet and none can be started.
    pub fn submit(&'static self, item: T) -> io::Result<()> {
        let mut state = self.state();
        state.waiting.push_back(item);
        let called = self.call(&mut state);
        // Where there are threads already they do it later.
        if called.is_err() && state.threads > 0 {
            return Ok(());
        }
        called.inspect_err(|_| {
            state.waiting.pop_back();
        })
    }

    /// Has a thread come for what waits, unless one is coming: that one calls the next. So work that
    /// comes in one go costs one wake, and is taken together where that is allowed.
    fn call(&'static self, state: &mut State<T>) -> io::Result<()> {
        if state.is_coming || state.waiting.is_empty() {
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
        loop {
            state.is_coming = false;
            if !state.waiting.is_empty() {
                let count = state.waiting.len().min(self.most_at_once);
                let items = state.waiting.drain(..count).collect();
                // If the system refuses another thread, there is this one.
                let _ = self.call(&mut state);
                drop(state);
                // `run` catches the panics that it can explain. No other may take the thread, which
                // is counted.
                let _ = catch_unwind(AssertUnwindSafe(|| (self.run)(items)));
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, timeout) = self
                .work_came
                .wait_timeout(state, LINGER)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    type Task = Box<dyn FnOnce() + Send>;

    fn run(tasks: Vec<Task>) {
        for task in tasks {
            task();
        }
    }

    #[test]
    fn does_everything_once_on_no_more_threads_than_it_may_have() {
        static POOL: Pool<Task> = Pool::new("test", 3, 4, run);
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let (done, answers) = mpsc::channel();
        for number in 0..500 {
            let done = done.clone();
            let task = move || {
                let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
                MOST.fetch_max(running, Ordering::SeqCst);
                thread::yield_now();
                RUNNING.fetch_sub(1, Ordering::SeqCst);
                done.send(number).unwrap();
            };
            POOL.submit(Box::new(task)).unwrap();
        }
        let mut numbers: Vec<i32> = answers.iter().take(500).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
        assert!((1..=3).contains(&MOST.load(Ordering::SeqCst)));
        assert!(POOL.thread_count() <= 3);
    }

    #[test]
    fn begins_in_order_on_one_thread() {
        static POOL: Pool<Task> = Pool::new("test", 1, 2, run);
        let (done, answers) = mpsc::channel();
        for number in 0..100 {
            let done = done.clone();
            POOL.submit(Box::new(move || done.send(number).unwrap()))
                .unwrap();
        }
        let numbers: Vec<i32> = answers.iter().take(100).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn works_at_the_same_time_where_it_may() {
        static POOL: Pool<Task> = Pool::new("test", 2, 1, run);
        let (sent, received) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        // The first ends only after the second has begun.
        let first = answered.clone();
        POOL.submit(Box::new(move || {
            received.recv().unwrap();
            first.send(()).unwrap();
        }))
        .unwrap();
        POOL.submit(Box::new(move || sent.send(()).unwrap()))
            .unwrap();
        answers.recv_timeout(Duration::from_secs(30)).unwrap();
    }

    #[test]
    fn a_panic_takes_no_thread() {
        static POOL: Pool<Task> = Pool::new("test", 1, 1, run);
        let (done, answers) = mpsc::channel();
        POOL.submit(Box::new(|| panic!("expected"))).unwrap();
        POOL.submit(Box::new(move || done.send(1).unwrap()))
            .unwrap();
        assert_eq!(answers.recv_timeout(Duration::from_secs(30)), Ok(1));
        assert_eq!(POOL.thread_count(), 1);
    }

    #[test]
    fn threads_without_work_end() {
        static POOL: Pool<Task> = Pool::new("test", 4, 1, run);
        for _ in 0..10 {
            POOL.submit(Box::new(|| {})).unwrap();
        }
        let begun = Instant::now();
        while POOL.thread_count() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(50));
        }
    }
}
