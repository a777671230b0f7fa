//! Which thread goes next: the search through all decisions, or one at random.

use std::collections::BTreeMap;
use std::time::Duration;

/// An object that threads share, by the order in which one run first touches it.
pub type Id = usize;

/// The objects that a step touches, and whether it changes them.
pub type Accesses = Vec<(Id, bool)>;

fn depend(one: &Accesses, other: &Accesses) -> bool {
    one.iter()
        .any(|&(a, changes)| other.iter().any(|&(b, also)| a == b && (changes || also)))
}

/// When a thread's next step can be taken.
#[derive(Clone)]
pub enum Ready {
    Always,
    /// The lock is free.
    Unlocked(Id),
    /// The object was changed since it had this version.
    Changed(Id, u64),
    /// A futex was woken; or a time out.
    Woken,
}

#[derive(Clone)]
pub struct Step {
    pub accesses: Accesses,
    pub ready: Ready,
}

/// A thread, and whether its step is to time out.
pub type Choice = (usize, bool);

/// One decision and what is left to try of it.
pub struct Node {
    pub choices: Vec<(Choice, Accesses)>,
    pub current: usize,
    /// What would only repeat an order that was seen.
    pub asleep: Vec<(Choice, Accesses)>,
}

#[derive(Default)]
pub struct State {
    /// The next step of each thread; None where it runs or has ended.
    pub steps: Vec<Option<Step>>,
    pub running: Option<usize>,
    pub ended: usize,
    pub timed_out: bool,
    pub versions: Vec<u64>,
    pub locked: BTreeMap<Id, bool>,
    /// The objects that a thread sleeps on, and which of them woke it.
    pub sleeping: BTreeMap<usize, (Vec<Id>, Option<Id>)>,
    pub last_read: BTreeMap<usize, (Id, u64)>,
    pub now: Duration,
    pub timeouts: BTreeMap<usize, Duration>,
    pub early_timeouts: usize,
    pub trail: Vec<Node>,
    pub depth: usize,
    pub asleep: Vec<(Choice, Accesses)>,
    /// Whether all that follows was seen before.
    pub repeats: bool,
    /// The state of a generator of random numbers, where decisions are drawn and not searched.
    pub random: Option<u64>,
    pub failure: Option<String>,
}

impl State {
    fn is_ready(&self, thread: usize, step: &Step) -> bool {
        match step.ready {
            Ready::Always => true,
            Ready::Unlocked(id) => !self.locked.get(&id).copied().unwrap_or(false),
            Ready::Changed(id, version) => self.versions[id] != version,
            Ready::Woken => self.sleeping[&thread].1.is_some(),
        }
    }

    /// The steps that can be taken now.
    fn choices(&self) -> Vec<(Choice, Accesses)> {
        let steps = || {
            self.steps
                .iter()
                .enumerate()
                .filter_map(|(thread, step)| Some((thread, step.as_ref()?)))
        };
        let mut choices: Vec<_> = steps()
            .filter(|(thread, step)| self.is_ready(*thread, step))
            .map(|(thread, step)| ((thread, false), step.accesses.clone()))
            .collect();
        if choices.is_empty() || self.early_timeouts > 0 {
            let first = self.timeouts.values().min();
            choices.extend(
                steps()
                    .filter(|(thread, step)| {
                        matches!(step.ready, Ready::Woken)
                            && !self.is_ready(*thread, step)
                            && self.timeouts.get(thread) == first
                    })
                    .map(|(thread, step)| {
                        // Time passes for every thread.
                        let all = (0..self.versions.len()).map(|id| (id, true));
                        (
                            (thread, true),
                            step.accesses.iter().copied().chain(all).collect(),
                        )
                    }),
            );
        }
        choices
    }

    /// Decides which thread runs next.
    pub fn decide(&mut self) {
        let choices = self.choices();
        self.running = None;
        if choices.is_empty() {
            if self.ended < self.steps.len() && self.failure.is_none() {
                self.failure = Some("all threads are blocked".to_owned());
            }
            return;
        }
        let (choice, accesses) = if self.repeats {
            choices[0].clone()
        } else if let Some(random) = &mut self.random {
            // Xorshift: Marsaglia, "Xorshift RNGs", 2003.
            *random ^= *random << 13;
            *random ^= *random >> 7;
            *random ^= *random << 17;
            choices[(*random % choices.len() as u64) as usize].clone()
        } else {
            if self.depth == self.trail.len() {
                let asleep = std::mem::take(&mut self.asleep);
                let choices: Vec<_> = choices
                    .iter()
                    .filter(|(choice, _)| asleep.iter().all(|(other, _)| other != choice))
                    .cloned()
                    .collect();
                self.trail.push(Node {
                    choices,
                    current: 0,
                    asleep,
                });
            }
            let node = &self.trail[self.depth];
            match node.choices.get(node.current) {
                None => {
                    // It ends in any order, so that its threads end.
                    self.trail.pop();
                    self.repeats = true;
                    choices[0].clone()
                }
                Some((choice, accesses)) => {
                    let seen = node.asleep.iter().chain(&node.choices[..node.current]);
                    let independent = |other: &&(Choice, Accesses)| {
                        other.0.0 != choice.0 && !depend(&other.1, accesses)
                    };
                    self.asleep = seen.filter(independent).cloned().collect();
                    self.depth += 1;
                    assert!(
                        choices.iter().any(|(other, _)| other == choice),
                        "the scenario is not the same each time"
                    );
                    (*choice, accesses.clone())
                }
            }
        };
        for &(id, changes) in &accesses {
            self.versions[id] += u64::from(changes);
        }
        let (thread, timed_out) = choice;
        self.timed_out = timed_out;
        if timed_out {
            self.early_timeouts = self.early_timeouts.saturating_sub(1);
            self.now = self.now.max(self.timeouts[&thread]);
        }
        self.steps[thread] = None;
        self.running = Some(thread);
    }

    /// Goes on to the next order; false where all were seen.
    pub fn advance(trail: &mut Vec<Node>) -> bool {
        while let Some(node) = trail.last_mut() {
            node.current += 1;
            if node.current < node.choices.len() {
                return true;
            }
            trail.pop();
        }
        false
    }
}
