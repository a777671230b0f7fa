//! Work on threads of our own, and how its results reach the JavaScript thread that asked for it.
//!
//! Each JavaScript thread has one [`Threads`]. Results are collected there, and the thread is woken
//! for the first of them only: it takes all that have come by then in one call. TypeScript
//! (`lib/memory/threads.ts`) numbers the jobs and keeps the event loop alive while there are any.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Status;
use napi::bindgen_prelude::{Either, Float64Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use super::found::{Found, Reconciled};
use crate::error::{Failure, Result};
use crate::memory::{PagedMap, Region};
use crate::pool::Pool;
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
    /// The jobs whose results somebody waits for; the numbers are integers.
    awaited: HashSet<u64>,
    settled: Vec<(u64, std::result::Result<Answer, String>)>,
}

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
        !self.outbox.ring.aborted() && self.outbox.state().awaited.contains(&self.id)
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
        let mut state = self.outbox.state();
        if !state.awaited.remove(&self.id) {
            return;
        }
        state.settled.push((self.id, result));
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

/// The jobs that have settled since the last look.
#[napi(object, object_from_js = false)]
pub struct AllSettled {
    /// The numbers of those that only did something, and could.
    pub done: Float64Array,
    /// The others.
    pub others: Vec<Settled>,
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

    /// Takes what has settled.
    #[napi(catch_unwind)]
    pub fn settled(&self) -> AllSettled {
        let settled = std::mem::take(&mut self.0.state().settled);
        let mut done = Vec::new();
        let mut others = Vec::new();
        for (id, result) in settled {
            let id = id as f64;
            let (error, answer) = match result {
                Ok(Answer::Done) => {
                    done.push(id);
                    continue;
                }
                Ok(Answer::Found(found)) => (None, Some(Either::A(Either::A(found.into())))),
                Ok(Answer::Reconciled(found)) => (None, Some(Either::A(Either::B(found.into())))),
                Ok(Answer::Counts(counts)) => (None, Some(Either::B(Float64Array::new(counts)))),
                Err(error) => (Some(error), None),
            };
            others.push(Settled { id, error, answer });
        }
        AllSettled {
            done: Float64Array::new(done),
            others,
        }
    }

    /// Ends the wait for a job: unless it is running already, it is not begun.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: f64) {
        self.0.state().awaited.remove(&(id as u64));
    }
}

impl Threads {
    fn ticket(&self, id: f64) -> Ticket {
        let id = id as u64;
        self.0.state().awaited.insert(id);
        Ticket {
            outbox: Arc::clone(&self.0),
            id,
        }
    }

    fn submit<T: Send + 'static>(
        &self,
        id: f64,
        pool: &'static Pool<T>,
        job: impl FnOnce(Ticket) -> T,
    ) -> Result<()> {
        let submitted = pool.submit(job(self.ticket(id)));
        submitted.map_err(|error| {
            self.cancel(id);
            Failure::system("pthread_create")(error)
        })
    }

    /// Runs a job on a map's memory that a core is kept busy with.
    ///
    /// # Errors
    /// What the system refuses where a thread has to be started.
    pub fn search(
        &self,
        id: f64,
        region: Arc<Region>,
        work: impl FnOnce(&Region) -> Result<Answer> + Send + 'static,
    ) -> Result<()> {
        let work = move || {
            let answer = work(&region);
            region.report_losses();
            answer
        };
        self.submit(id, &SEARCHES, |ticket| {
            Box::new(move || ticket.run(work)) as Task
        })
    }

    /// Brings a large part of a map into memory.
    ///
    /// # Errors
    /// As [`Threads::search`].
    pub fn prefetch(&self, id: f64, pages: PagedMap, start: usize, end: usize) -> Result<()> {
        self.submit(id, &PREFETCHES, |ticket| {
            Box::new(move || ticket.run(|| pages.prefetch(start, end).map(|()| Answer::Done)))
                as Task
        })
    }

    /// Brings a small part of a map into memory, soon.
    ///
    /// # Errors
    /// As [`Threads::search`].
    pub fn read(&self, id: f64, pages: PagedMap, start: usize, end: usize) -> Result<()> {
        self.submit(id, &READS, |ticket| Read {
            ticket,
            pages,
            start,
            end,
        })
    }
}

type Task = Box<dyn FnOnce() + Send>;

fn run_tasks(tasks: Vec<Task>) {
    for task in tasks {
        task();
    }
}

/// A small part of a map that somebody waits for.
struct Read {
    ticket: Ticket,
    pages: PagedMap,
    start: usize,
    end: usize,
}

/// Has the disk begin with all before it waits for the first, which takes fewer turns of the
/// scheduler than a thread for each.
fn run_reads(reads: Vec<Read>) {
    for read in &reads {
        if read.ticket.is_awaited() {
            read.pages.begin_reading(read.start, read.end);
        }
    }
    for read in reads {
        let Read {
            ticket,
            pages,
            start,
            end,
        } = read;
        ticket.run(|| pages.finish_reading(start, end).map(|()| Answer::Done));
    }
}

/// The most threads of a pool for which a caller names how many it wants: `concurrency` is at most
/// as large (`lib/base/arguments.ts`).
const MOST_THREADS: usize = 64;

static SEARCHES: Pool<Task> = Pool::new("memmap-search", MOST_THREADS, 1, run_tasks);
static PREFETCHES: Pool<Task> = Pool::new("memmap-prefetch", MOST_THREADS, 1, run_tasks);
static READS: Pool<Read> = Pool::new("memmap-read", 16, 16, run_reads);

/// How many threads of our own work for promises or are about to end: searches, prefetches, reads.
#[napi(catch_unwind)]
pub fn pool_threads() -> Vec<u32> {
    [
        SEARCHES.thread_count(),
        PREFETCHES.thread_count(),
        READS.thread_count(),
    ]
    .map(|count| count as u32)
    .to_vec()
}
