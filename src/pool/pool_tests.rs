//! Threads that come, go and work together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::*;

pub const WAIT: Duration = Duration::from_secs(30);

pub fn run(task: Task) {
    task();
}

/// Submits a task that lasts until the answer is dropped, and waits for its beginning.
pub fn occupy(submit: impl FnOnce(Task)) -> mpsc::Sender<()> {
    let (running, is_running) = mpsc::channel();
    let (sender, dropped) = mpsc::channel();
    submit(Box::new(move || {
        running.send(()).unwrap();
        let _: Result<(), mpsc::RecvError> = dropped.recv();
    }));
    is_running.recv_timeout(WAIT).unwrap();
    sender
}

/// Submits 500 tasks, and asserts that each is done once and no more than `most` at a time.
pub fn does_everything_once(most: usize, submit: impl Fn(u64, Task)) {
    let running = Arc::new(AtomicUsize::new(0));
    let highest = Arc::new(AtomicUsize::new(0));
    let (done, answers) = mpsc::channel();
    for number in 0..500 {
        let (running, highest) = (Arc::clone(&running), Arc::clone(&highest));
        let done = done.clone();
        let task = move || {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            highest.fetch_max(now, Ordering::SeqCst);
            thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            done.send(number).unwrap();
        };
        submit(number, Box::new(task));
    }
    let mut numbers: Vec<u64> = answers.iter().take(500).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    assert!((1..=most).contains(&highest.load(Ordering::SeqCst)));
}

impl Pool<Task> {
    fn add(&'static self, number: u64, task: impl FnOnce() + Send + 'static) {
        self.submit(number, Box::new(task)).unwrap();
    }

    /// Keeps a thread busy until the answer is dropped.
    fn occupy(&'static self, number: u64) -> mpsc::Sender<()> {
        occupy(|task| self.submit(number, task).unwrap())
    }
}

#[test]
fn does_everything_once_on_no_more_threads_than_it_may_have() {
    static POOL: Pool<Task> = Pool::new("test", 3, run).beginning(3, 4, |_| {});
    does_everything_once(3, |number, task| POOL.submit(number, task).unwrap());
    assert!(POOL.thread_count() <= 3);
}

#[test]
fn runs_in_order_on_one_thread() {
    static POOL: Pool<Task> = Pool::new("test", 1, run).beginning(1, 2, |_| {});
    let (done, answers) = mpsc::channel();
    for number in 0..100 {
        let done = done.clone();
        POOL.add(number, move || done.send(number).unwrap());
    }
    let numbers: Vec<u64> = answers.iter().take(100).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

#[test]
fn works_at_the_same_time_where_it_may() {
    static POOL: Pool<Task> = Pool::new("test", 2, run);
    let (sent, received) = mpsc::channel();
    let (answered, answers) = mpsc::channel();
    // The first ends only after the second has begun.
    POOL.add(0, move || {
        received.recv().unwrap();
        answered.send(()).unwrap();
    });
    POOL.add(1, move || sent.send(()).unwrap());
    answers.recv_timeout(WAIT).unwrap();
}

/// Adds two, of which the first ends only after the second, and tells of its end.
fn add_dependent(pool: &'static Pool<Task>) -> mpsc::Receiver<()> {
    let (sent, received) = mpsc::channel();
    let (answered, answers) = mpsc::channel();
    pool.add(2, move || {
        received.recv().unwrap();
        answered.send(()).unwrap();
    });
    pool.add(3, move || sent.send(()).unwrap());
    answers
}

#[test]
fn what_is_slow_holds_back_nothing_that_was_begun_with_it() {
    static POOL: Pool<Task> = Pool::new("test", 2, run).beginning(2, 4, |_| {});
    let (one, other) = (POOL.occupy(0), POOL.occupy(1));
    let answers = add_dependent(&POOL);
    drop(one);
    // It has begun both and is at work on the first.
    while POOL.waiting_count() != 1 {
        thread::yield_now();
    }
    drop(other);
    answers.recv_timeout(WAIT).unwrap();
}

#[test]
fn a_thread_comes_for_what_does_not_get_on() {
    static ARE_BUSY: AtomicUsize = AtomicUsize::new(0);
    static POOL: Pool<Task> = Pool::new("test", 2, run).beginning(2, 4, |_| {
        // Until the other thread has nothing to do.
        while ARE_BUSY.load(Ordering::SeqCst) == 2 && POOL.state().idle == 0 {
            thread::yield_now();
        }
    });
    let (one, other) = (POOL.occupy(0), POOL.occupy(1));
    ARE_BUSY.store(2, Ordering::SeqCst);
    let answers = add_dependent(&POOL);
    drop(one);
    while POOL.waiting_count() != 0 {
        thread::yield_now();
    }
    drop(other);
    answers.recv_timeout(WAIT).unwrap();
}

#[test]
fn more_threads_work_only_where_nothing_gets_on() {
    static POOL: Pool<Task> = Pool::new("test", 3, run).beginning(1, 2, |_| {});
    let busy = POOL.occupy(0);
    let (done, answers) = mpsc::channel();
    for number in 1..9 {
        let done = done.clone();
        POOL.add(number, move || done.send(number).unwrap());
    }
    // The only one that works is held up, so another comes for all.
    let numbers: Vec<u64> = answers.iter().take(8).collect();
    assert_eq!(numbers, (1..9).collect::<Vec<_>>());
    drop(busy);
}

#[test]
fn what_is_withdrawn_is_dropped_at_once_and_never_run() {
    static POOL: Pool<Task> = Pool::new("test", 1, run).beginning(1, 4, |_| {});
    let busy = POOL.occupy(0);
    let owned = Arc::new(());
    let (done, answers) = mpsc::channel();
    for number in 1..10 {
        let (owned, done) = (Arc::clone(&owned), done.clone());
        POOL.add(number, move || {
            drop(owned);
            done.send(number).unwrap();
        });
    }
    assert_eq!(POOL.waiting_count(), 9);
    for number in [2, 3, 9, 3, 100] {
        (&POOL).withdraw(number);
    }
    assert_eq!(Arc::strong_count(&owned), 7);
    assert_eq!(POOL.waiting_count(), 6);
    drop((busy, done));
    assert_eq!(answers.iter().collect::<Vec<_>>(), [1, 4, 5, 6, 7, 8]);
}

#[test]
fn a_panic_takes_no_thread() {
    static POOL: Pool<Task> = Pool::new("test", 1, run);
    let (done, answers) = mpsc::channel();
    POOL.add(0, || panic!("expected"));
    POOL.add(1, move || done.send(1).unwrap());
    assert_eq!(answers.recv_timeout(WAIT), Ok(1));
    assert_eq!(POOL.thread_count(), 1);
}

#[test]
fn threads_without_work_end() {
    static POOL: Pool<Task> = Pool::new("test", 4, run).beginning(2, 2, |_| {});
    for number in 0..10 {
        POOL.add(number, || {});
    }
    let begun = Instant::now();
    while POOL.thread_count() > 0 {
        assert!(begun.elapsed() < 2 * WAIT);
        thread::sleep(Duration::from_millis(50));
    }
}
