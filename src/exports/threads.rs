//! Work on threads of our own, and how its results reach the JavaScript thread that asked for it.
//!
//! Each JavaScript thread has one [`Threads`]. Results are collected there, and the thread is woken
//! for the first of them only: it takes all that have come by then in one call. TypeScript
//! (`lib/memory/threads.ts`) numbers the jobs and keeps the event loop alive while there are any.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Status;
use napi::bindgen_prelude::{Either, Float64Array, Float64ArraySlice};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use super::found::{Found, Reconciled};
use super::number::positive;
use crate::error::{Failure, Result};
use crate::memory::{PagedMap, Region, array_buffer};
use crate::pool::{self, Pool, Queue, Task};
use crate::search::scan;

/// Wakes a JavaScript thread, whose event loop it does not keep alive.
type Ring = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// What a job found out.
pub enum Answer {
    /// Nothing: it only did something.
    Done,
    /// The matches in a window.
    Found(scan::Found),
    /// How the matches of a window differ from what was guessed.
    Reconciled(scan::Reconciled),
    /// Numbers of line feeds.
    Counts(Vec<f64>),
}

/// Where the jobs of one JavaScript thread leave their results.
struct Outbox {
    ring: Ring,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The jobs whose results somebody waits for.
    awaited: HashMap<u64, Place>,
    settled: VecDeque<(u64, std::result::Result<Answer, String>)>,
}

/// Where a job waits for a thread.
struct Place {
    queue: Box<dyn Queue>,
    number: u64,
}

/// The last number in a queue.
static LAST: AtomicU64 = AtomicU64::new(0);

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job's claim to be awaited.
pub struct Ticket {
    outbox: Arc<Outbox>,
    id: u64,
}

impl Ticket {
    /// Whether anybody still waits for the result.
    fn is_awaited(&self) -> bool {
        !self.outbox.ring.aborted() && self.outbox.state().awaited.contains_key(&self.id)
    }

    /// Does the work, unless nobody waits for it any more, and settles.
    fn run(self, work: impl FnOnce() -> Result<Answer>) {
        if !self.is_awaited() {
            return;
        }
        let result = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(answer) => answer.map_err(|failure| failure.to_string()),
            Err(_) => Err("memmap panicked in a job".to_owned()),
        };
        self.settle(result);
    }

    fn settle(&self, result: std::result::Result<Answer, String>) {
        let mut state = self.outbox.state();
        if state.awaited.remove(&self.id).is_none() {
            return;
        }
        state.settled.push_back((self.id, result));
        let is_first = state.settled.len() == 1;
        drop(state);
        if is_first {
            // Fails only where the JavaScript thread has ended.
            let _: Status = self
                .outbox
                .ring
                .call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl Drop for Ticket {
    /// Where no thread can be had any more, a job is dropped that its caller waits for.
    fn drop(&mut self) {
        if self.is_awaited() {
            let refused = io::Error::new(io::ErrorKind::WouldBlock, "there is no thread for it");
            self.settle(Err(Failure::system("pthread_create")(refused).to_string()));
        }
    }
}

/// The threads that work for one JavaScript thread.
#[napi]
pub struct Threads(Arc<Outbox>);

/// What a job found out, or the line of its failure.
#[napi(object, object_from_js = false)]
pub struct Settled {
    /// The number of the job.
    pub id: f64,
    pub error: Option<String>,
    pub answer: Option<Either<Either<Found, Reconciled>, Float64Array>>,
}

/// Jobs that have settled.
#[napi(object, object_from_js = false)]
pub struct SettledGroup {
    /// How many only did something, and could.
    pub done: u32,
    /// The others.
    pub others: Vec<Settled>,
    /// Whether more have settled. The ring is not rung for those.
    pub more: bool,
}

#[napi]
impl Threads {
    /// `ring` is called once there is something for [`Threads::settled`] to take.
    #[napi(constructor, catch_unwind)]
    pub fn new(#[napi(ts_arg_type = "() => void")] ring: Ring) -> Self {
        Threads(Arc::new(Outbox {
            ring,
            state: Mutex::default(),
        }))
    }

    /// Takes jobs that have settled, at most as many as `done` has room for, in which it writes the numbers
    /// of those that only did something.
    #[napi(catch_unwind)]
    pub fn settled(&self, mut done: Float64ArraySlice<'_>) -> SettledGroup {
        let done = array_buffer::numbers(&mut done);
        let (settled, more) = {
            let mut state = self.0.state();
            let count = state.settled.len().min(done.len());
            let settled: Vec<_> = state.settled.drain(..count).collect();
            (settled, !state.settled.is_empty())
        };
        let mut group = SettledGroup {
            done: 0,
            others: Vec::new(),
            more,
        };
        for (id, result) in settled {
            let id = id as f64;
            let (error, answer) = match result {
                Ok(Answer::Done) => {
                    done[group.done as usize] = id;
                    group.done += 1;
                    continue;
                }
                Ok(Answer::Found(found)) => (None, Some(Either::A(Either::A(found.into())))),
                Ok(Answer::Reconciled(found)) => (None, Some(Either::A(Either::B(found.into())))),
                Ok(Answer::Counts(counts)) => (None, Some(Either::B(Float64Array::new(counts)))),
                Err(error) => (Some(error), None),
            };
            group.others.push(Settled { id, error, answer });
        }
        group
    }

    /// Ends the wait for a job: unless it is running already, it is dropped, and its memory with it.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: f64) {
        let place = self.0.state().awaited.remove(&(id as u64));
        if let Some(Place { queue, number }) = place {
            queue.withdraw(number);
        }
    }
}

impl Threads {
    /// Notes a job, and has `submit` put it in the queue under a number.
    fn submit(
        &self,
        id: f64,
        queue: impl Queue + 'static,
        submit: impl FnOnce(u64, Ticket) -> io::Result<()>,
    ) -> Result<()> {
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let place = Place {
            queue: Box::new(queue),
            number,
        };
        let ticket = Ticket {
            outbox: Arc::clone(&self.0),
            id: id as u64,
        };
        self.0.state().awaited.insert(ticket.id, place);
        submit(number, ticket).map_err(|error| {
            self.cancel(id);
            Failure::system("pthread_create")(error)
        })
    }

    /// Brings a large part of a map into memory.
    ///
    /// # Errors
    /// What the system refuses where a thread has to be started.
    pub fn prefetch(&self, id: f64, pages: PagedMap, start: usize, end: usize) -> Result<()> {
        self.submit(id, &PREFETCHES, |number, ticket| {
            let work = move || pages.prefetch(start, end).map(|()| Answer::Done);
            PREFETCHES.submit(number, Box::new(move || ticket.run(work)))
        })
    }

    /// Brings a small part of a map into memory, soon.
    ///
    /// # Errors
    /// As [`Threads::prefetch`].
    pub fn read(&self, id: f64, pages: PagedMap, start: usize, end: usize) -> Result<()> {
        self.submit(id, &READS, |number, ticket| {
            let read = Read {
                ticket,
                pages,
                start,
                end,
            };
            READS.submit(number, read)
        })
    }
}

/// The jobs of one search, of which at most so many are done at a time.
#[napi]
pub struct Lane {
    threads: Threads,
    lane: Arc<pool::Lane>,
}

#[napi]
impl Lane {
    /// At most `concurrency` (1 to 64) of the jobs are done at a time.
    #[napi(constructor, catch_unwind)]
    pub fn new(threads: &Threads, concurrency: f64) -> napi::Result<Self> {
        Ok(Lane {
            threads: Threads(Arc::clone(&threads.0)),
            lane: pool::Lane::new(&SEARCHES, positive(concurrency)?),
        })
    }
}

impl Lane {
    /// Runs a job on a map's memory that a core is kept busy with. Those that wait are begun in the order of
    /// their places.
    ///
    /// # Errors
    /// What the system refuses where a thread has to be started.
    pub fn submit(
        &self,
        id: f64,
        place: usize,
        region: Arc<Region>,
        work: impl FnOnce(&Region) -> Result<Answer> + Send + 'static,
    ) -> Result<()> {
        let work = move || {
            let answer = work(&region);
            region.report_losses();
            answer
        };
        let lane = Arc::clone(&self.lane);
        self.threads.submit(id, lane, |number, ticket| {
            let task = Box::new(move || ticket.run(work));
            self.lane.submit(place, number, task)
        })
    }
}

/// A small part of a map that somebody waits for.
struct Read {
    ticket: Ticket,
    pages: PagedMap,
    start: usize,
    end: usize,
}

impl Read {
    /// Has the disk begin with it.
    fn begin(&self) {
        if self.ticket.is_awaited() {
            self.pages.begin_reading(self.start, self.end);
        }
    }

    fn finish(self) {
        let Read {
            ticket,
            pages,
            start,
            end,
        } = self;
        ticket.run(|| pages.finish_reading(start, end).map(|()| Answer::Done));
    }
}

/// The most threads of a pool for which a caller names how many it wants: `concurrency` is at most
/// as large (`lib/base/arguments.ts`).
const MOST_THREADS: usize = 64;

static SEARCHES: Pool<Task> = Pool::new("memmap-search", MOST_THREADS, |task| task());
static PREFETCHES: Pool<Task> = Pool::new("memmap-prefetch", MOST_THREADS, |task| task());

/// The disk begins with many reads before a thread waits for the first: so few threads keep it busy, which
/// takes fewer turns of the scheduler, and leaves the event loop its core. As many as there can be work
/// where reads are slow.
static READS: Pool<Read> = Pool::new("memmap-read", 16, Read::finish).beginning(4, 16, Read::begin);

/// What the pools of searches, prefetches and reads do.
#[napi(object, object_from_js = false)]
pub struct PoolLoad {
    /// How many threads of our own work for promises or are about to end.
    pub threads: Vec<u32>,
    /// How many jobs no thread is at work on.
    pub waiting: Vec<u32>,
}

/// What the pools do now, for tests.
#[napi(catch_unwind)]
pub fn pool_load() -> PoolLoad {
    let threads = [
        SEARCHES.thread_count(),
        PREFETCHES.thread_count(),
        READS.thread_count(),
    ];
    let waiting = [
        SEARCHES.waiting_count(),
        PREFETCHES.waiting_count(),
        READS.waiting_count(),
    ];
    PoolLoad {
        threads: threads.map(|count| count as u32).to_vec(),
        waiting: waiting.map(|count| count as u32).to_vec(),
    }
}
