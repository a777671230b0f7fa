//! The jobs of one caller, of which at most so many are done at a time.
//!
//! They wait in a [`Lane`], not in the pool: a thread that has done one goes on with the next at once,
//! where it would sleep until the caller has seen the result and thought of another.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Pool, Queue, Task};

/// A queue before a pool, in the order of the jobs' places.
pub struct Lane {
    pool: &'static Pool<Task>,
    most_at_work: usize,
    state: Mutex<State>,
}

struct State {
    /// How many turns there are.
    at_work: usize,
    /// What waits for a turn, by its place and its number.
    waiting: BTreeMap<(usize, u64), Task>,
}

impl Lane {
    /// A lane without jobs, of which `most_at_work` (not 0) are done at a time.
    pub fn new(pool: &'static Pool<Task>, most_at_work: usize) -> Arc<Lane> {
        Arc::new(Lane {
            pool,
            most_at_work,
            state: Mutex::new(State {
                at_work: 0,
                waiting: BTreeMap::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of jobs that wait for a turn.
    #[cfg(test)]
    fn waiting_count(&self) -> usize {
        self.state().waiting.len()
    }

    /// Has a thread do the task once those at lower places, as far as they are known by then, are begun.
    /// No other task in the pool has the number.
    ///
    /// # Errors
    /// As [`Pool::submit`].
    pub fn submit(self: &Arc<Self>, place: usize, number: u64, task: Task) -> io::Result<()> {
        let mut state = self.state();
        if state.at_work == self.most_at_work {
            state.waiting.insert((place, number), task);
            return Ok(());
        }
        state.at_work += 1;
        drop(state);
        self.start(number, task)
    }

    /// Gives a task that has its turn to the pool.
    fn start(self: &Arc<Self>, number: u64, task: Task) -> io::Result<()> {
        let turn = Turn(Arc::clone(self));
        self.pool.submit(number, Box::new(move || turn.work(task)))
    }
}

impl Queue for Arc<Lane> {
    fn withdraw(&self, number: u64) {
        let task = {
            let waiting = &mut self.state().waiting;
            let key = waiting.keys().find(|key| key.1 == number).copied();
            key.and_then(|key| waiting.remove(&key))
        };
        if task.is_none() {
            self.pool.withdraw(number);
        }
    }
}

/// The right to have one thread of the pool. It is handed on, whatever becomes of its task.
struct Turn(Arc<Lane>);

impl Turn {
    /// Does the task, and what waits in the lane, as long as nothing else waits for a thread.
    fn work(self, first: Task) {
        let mut next = Some(first);
        while let Some(task) = next {
            task();
            if self.0.pool.is_waited_for() {
                break;
            }
            next = self.0.state().waiting.pop_first().map(|(_, task)| task);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let Some(((_, number), task)) = state.waiting.pop_first() else {
            state.at_work -= 1;
            return;
        };
        drop(state);
        // Where the pool refuses it, dropping the task says so to the one that waits for it.
        let _ = self.0.start(number, task);
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
