use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::*;

const WAIT: Duration = Duration::from_secs(30);

fn run(task: Task) {
    task();
}

/// Keeps one turn of a lane until the answer is dropped.
fn occupy(lane: &Arc<Lane>, number: u64) -> mpsc::Sender<()> {
    let (running, is_running) = mpsc::channel();
    let (sender, dropped) = mpsc::channel();
    let task = move || {
        running.send(()).unwrap();
        let _: Result<(), mpsc::RecvError> = dropped.recv();
    };
    lane.submit(0, number, Box::new(task)).unwrap();
    is_running.recv_timeout(WAIT).unwrap();
    sender
}

/// Submits a task that says its number.
fn add(lane: &Arc<Lane>, place: usize, number: u64, done: &mpsc::Sender<u64>) {
    let done = done.clone();
    let task = move || done.send(number).unwrap();
    lane.submit(place, number, Box::new(task)).unwrap();
}

#[test]
fn does_everything_once_and_no_more_at_a_time_than_it_may() {
    static POOL: Pool<Task> = Pool::new("test", 8, run);
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let lane = Lane::new(&POOL, 2);
    let (done, answers) = mpsc::channel();
    for number in 0..500 {
        let done = done.clone();
        let task = move || {
            let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(running, Ordering::SeqCst);
            std::thread::yield_now();
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            done.send(number).unwrap();
        };
        lane.submit(0, number, Box::new(task)).unwrap();
    }
    let mut numbers: Vec<u64> = answers.iter().take(500).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    assert!((1..=2).contains(&MOST.load(Ordering::SeqCst)));
}

#[test]
fn begins_in_the_order_of_the_places() {
    static POOL: Pool<Task> = Pool::new("test", 4, run);
    let lane = Lane::new(&POOL, 1);
    let busy = occupy(&lane, 0);
    let (done, answers) = mpsc::channel();
    for (place, number) in [(9, 1), (7, 2), (9, 3), (1, 4)] {
        add(&lane, place, number, &done);
    }
    assert_eq!(POOL.waiting_count(), 0);
    drop((busy, done));
    assert_eq!(answers.iter().collect::<Vec<_>>(), [4, 2, 1, 3]);
}

#[test]
fn a_thread_that_others_wait_for_does_what_came_first() {
    static POOL: Pool<Task> = Pool::new("test", 1, run);
    let (one, other) = (Lane::new(&POOL, 1), Lane::new(&POOL, 1));
    let busy = occupy(&one, 0);
    let (done, answers) = mpsc::channel();
    for number in 1..4 {
        add(&other, 0, 2 * number, &done);
        add(&one, 0, 2 * number + 1, &done);
    }
    drop((busy, done));
    assert_eq!(answers.iter().collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
}

#[test]
fn what_is_withdrawn_is_never_run_and_leaves_its_turn_to_the_next() {
    static POOL: Pool<Task> = Pool::new("test", 1, run);
    let (one, other) = (Lane::new(&POOL, 1), Lane::new(&POOL, 1));
    let busy = occupy(&one, 0);
    let (done, answers) = mpsc::channel();
    // The first has its turn, and waits for a thread.
    for number in 1..5 {
        add(&other, 0, number, &done);
    }
    assert_eq!(POOL.waiting_count(), 1);
    assert_eq!(other.waiting_count(), 3);
    for number in [1, 3, 3, 100] {
        other.withdraw(number);
    }
    assert_eq!(POOL.waiting_count(), 1);
    assert_eq!(other.waiting_count(), 1);
    drop((busy, done));
    assert_eq!(answers.iter().collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn a_panic_takes_no_turn() {
    static POOL: Pool<Task> = Pool::new("test", 1, run);
    let lane = Lane::new(&POOL, 1);
    let (done, answers) = mpsc::channel();
    lane.submit(0, 0, Box::new(|| panic!("expected"))).unwrap();
    add(&lane, 0, 1, &done);
    assert_eq!(answers.recv_timeout(WAIT), Ok(1));
}
