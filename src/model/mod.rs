//! For tests only: runs a few threads in every order that can make a difference.
//!
//! [`explore`] runs a scenario again and again. Its threads are real, but one runs at a time, and
//! before each access to what they share ([`sync`], [`futex`]) the scheduler decides which goes
//! next. It searches all decisions depth first; orders that differ only in accesses that do not
//! depend on each other count as one (sleep sets: Godefroid, "Partial-Order Methods for the
//! Verification of Concurrent Systems", 1996). A thread that spins waits until what it has read
//! changes, and time passes only as `early_timeouts` and a standstill of all threads let it.
//!
//! `loom` would not do: it takes sequentially consistent accesses for weaker ones, which makes the
//! table's protocol (announce, then look whether the other side has announced) fail where the
//! hardware's cannot, and it has neither static locks nor futexes. The price: every access counts as
//! sequentially consistent here, so a wrong `Ordering` is not found.

mod decisions;
pub mod futex;
pub mod sync;
pub mod thread;
pub mod time;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use decisions::{Id, Node, Ready, State, Step};

/// What a thread of a scenario does.
pub type Task = Box<dyn FnOnce() + Send>;

/// The threads of a scenario, and what must hold when all have ended.
pub struct Scenario {
    /// They start together.
    pub threads: Vec<Task>,
    /// Runs after the last thread, outside the model.
    pub check: Box<dyn FnOnce()>,
}

/// Where an object keeps its number: of the run, and within it.
#[derive(Default)]
pub struct Object(AtomicU64);

impl Object {
    /// Not touched yet.
    pub const fn new() -> Object {
        Object(AtomicU64::new(0))
    }

    fn id(&self, run: &Run) -> Id {
        let known = self.0.load(Ordering::Relaxed);
        if known >> 32 == run.number {
            return (known & 0xffff_ffff) as Id;
        }
        let mut state = run.state();
        let id = state.versions.len();
        state.versions.push(0);
        self.0
            .store(run.number << 32 | id as u64, Ordering::Relaxed);
        id
    }
}

/// One execution of a scenario.
struct Run {
    number: u64,
    state: Mutex<State>,
    turn: Condvar,
}

thread_local! {
    static CURRENT: RefCell<Option<(Arc<Run>, usize)>> = const { RefCell::new(None) };
}

fn current() -> Option<(Arc<Run>, usize)> {
    // A thread that unwinds takes no more steps.
    if std::thread::panicking() {
        return None;
    }
    CURRENT.with(|current| current.borrow().clone())
}

impl Run {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is this thread's turn to take the step; whether it timed out.
    fn take(&self, thread: usize, step: Step) -> bool {
        let mut state = self.state();
        state.steps[thread] = Some(step);
        state.decide();
        self.turn.notify_all();
        self.wait(state, thread)
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, thread: usize) -> bool {
        while state.running != Some(thread) {
            if state.failure.is_some() {
                drop(state);
                resume_unwind(Box::new("the run has failed"));
            }
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.timed_out
    }

    fn spawn(self: &Arc<Run>, task: Task) -> std::thread::JoinHandle<()> {
        let mut state = self.state();
        let thread = state.steps.len();
        state.steps.push(Some(Step {
            accesses: Vec::new(),
            ready: Ready::Always,
        }));
        drop(state);
        let run = Arc::clone(self);
        std::thread::spawn(move || {
            CURRENT.with(|current| *current.borrow_mut() = Some((Arc::clone(&run), thread)));
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                run.wait(run.state(), thread);
                task();
            }));
            let mut state = run.state();
            state.ended += 1;
            if let Err(panic) = outcome
                && state.failure.is_none()
            {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into()));
                state.failure = Some(text.unwrap_or_else(|| "a thread panicked".to_owned()));
            }
            if state.failure.is_none() {
                state.decide();
            }
            run.turn.notify_all();
        })
    }
}

/// Takes a step of a thread of a model; outside of one, nothing happens.
fn step(objects: &[(&Object, bool)], ready: impl FnOnce(&[Id]) -> Ready) {
    if let Some((run, thread)) = current() {
        let ids: Vec<Id> = objects.iter().map(|(object, _)| object.id(&run)).collect();
        let accesses = ids
            .iter()
            .copied()
            .zip(objects.iter().map(|(_, changes)| *changes));
        run.take(
            thread,
            Step {
                accesses: accesses.collect(),
                ready: ready(&ids),
            },
        );
        if let [id] = ids[..] {
            let mut state = run.state();
            let version = state.versions[id];
            state.last_read.insert(thread, (id, version));
        }
    }
}

/// Runs what `scenario` makes in every order, with up to `early_timeouts` waits of each run timing
/// out although something else could happen. Returns the number of runs.
///
/// # Panics
/// Where a thread panics, a check fails, all threads are blocked, or there are more than
/// `most_runs` orders.
pub fn explore(most_runs: usize, early_timeouts: usize, scenario: impl Fn() -> Scenario) -> usize {
    let mut trail = Vec::new();
    for runs in 1..=most_runs {
        trail = run(runs, trail, early_timeouts, None, &scenario);
        if !State::advance(&mut trail) {
            return runs;
        }
    }
    panic!("there are more than {most_runs} orders");
}

/// As [`explore`], for scenarios with too many orders: runs a number of them, drawn at random but
/// the same each time.
///
/// # Panics
/// As `explore`, other than for the number of orders.
pub fn sample(runs: usize, early_timeouts: usize, scenario: impl Fn() -> Scenario) {
    for number in 1..=runs {
        let seed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        run(number, Vec::new(), early_timeouts, Some(seed), &scenario);
    }
}

/// Runs a scenario once, with the decisions of `trail` first. Returns all decisions.
fn run(
    runs: usize,
    trail: Vec<Node>,
    early_timeouts: usize,
    random: Option<u64>,
    scenario: &impl Fn() -> Scenario,
) -> Vec<Node> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let Scenario { threads, check } = scenario();
    let run = Arc::new(Run {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        state: Mutex::new(State {
            trail,
            early_timeouts,
            random,
            ..State::default()
        }),
        turn: Condvar::new(),
    });
    let handles: Vec<_> = threads.into_iter().map(|task| run.spawn(task)).collect();
    run.state().decide();
    run.turn.notify_all();
    for handle in handles {
        let _ = handle.join();
    }
    // Threads that the scenario's threads have started.
    let mut state = run.state();
    while state.ended < state.steps.len() && state.failure.is_none() {
        state = run.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    let order: Vec<_> = state
        .trail
        .iter()
        .map(|node| node.choices[node.current].0)
        .collect();
    if let Some(failure) = &state.failure {
        panic!("run {runs}: {failure}; the order: {order:?}");
    }
    let trail = std::mem::take(&mut state.trail);
    drop(state);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(check)) {
        eprintln!("run {runs}: the order: {order:?}");
        resume_unwind(panic);
    }
    trail
}

#[path = "model_tests.rs"]
mod tests;
