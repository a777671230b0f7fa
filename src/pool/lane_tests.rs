use std::sync::mpsc;

use super::super::tests::{WAIT, does_everything_once, occupy, run};
use super::*;

/// Keeps one turn of a lane until the answer is dropped.
fn take_turn(lane: &Arc<Lane>) -> mpsc::Sender<()> {
    occupy(|task| lane.submit(0, 0, task).unwrap())
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
    let lane = Lane::new(&POOL, 2);
    does_everything_once(2, |number, task| lane.submit(0, number, task).unwrap());
}

#[test]
fn begins_in_the_order_of_the_places() {
    static POOL: Pool<Task> = Pool::new("test", 4, run);
    let lane = Lane::new(&POOL, 1);
    let busy = take_turn(&lane);
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
    let busy = take_turn(&one);
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
    let busy = take_turn(&one);
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
