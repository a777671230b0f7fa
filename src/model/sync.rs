//! Atomics and locks whose every use is a step of the model.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{LockResult, PoisonError};

use super::{Object, Ready, current, step};

macro_rules! atomic {
    ($name:ident, $value:ty) => {
        /// As the one of std.
        #[derive(Default)]
        pub struct $name {
            pub(super) object: Object,
            value: std::sync::atomic::$name,
        }

        impl $name {
            pub const fn new(value: $value) -> Self {
                Self {
                    object: Object::new(),
                    value: std::sync::atomic::$name::new(value),
                }
            }

            pub fn load(&self, _: Ordering) -> $value {
                step(&[(&self.object, false)], |_| Ready::Always);
                self.peek()
            }

            /// The value, without a step.
            pub fn peek(&self) -> $value {
                self.value.load(Ordering::SeqCst)
            }

            pub fn store(&self, value: $value, _: Ordering) {
                step(&[(&self.object, true)], |_| Ready::Always);
                self.value.store(value, Ordering::SeqCst);
            }

            pub fn swap(&self, value: $value, _: Ordering) -> $value {
                step(&[(&self.object, true)], |_| Ready::Always);
                self.value.swap(value, Ordering::SeqCst)
            }
        }
    };
}

macro_rules! number {
    ($name:ident, $value:ty, $($method:ident)*) => {
        atomic!($name, $value);

        impl $name {
            $(pub fn $method(&self, value: $value, _: Ordering) -> $value {
                step(&[(&self.object, true)], |_| Ready::Always);
                self.value.$method(value, Ordering::SeqCst)
            })*

            pub fn compare_exchange(
                &self,
                expected: $value,
                value: $value,
                _: Ordering,
                _: Ordering,
            ) -> Result<$value, $value> {
                step(&[(&self.object, true)], |_| Ready::Always);
                self.value
                    .compare_exchange(expected, value, Ordering::SeqCst, Ordering::SeqCst)
            }
        }
    };
}

atomic!(AtomicBool, bool);
number!(AtomicI32, i32, fetch_add fetch_sub);
number!(AtomicU32, u32, fetch_add fetch_sub fetch_or fetch_and fetch_min fetch_max);
number!(AtomicU64, u64, fetch_add fetch_sub fetch_or fetch_and fetch_min fetch_max);
number!(AtomicUsize, usize, fetch_add fetch_sub fetch_or fetch_and fetch_min fetch_max);

/// As the one of std, but it is never poisoned.
#[derive(Default)]
pub struct Mutex<T> {
    object: Object,
    data: std::sync::Mutex<T>,
}

pub struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    data: Option<std::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub const fn new(data: T) -> Mutex<T> {
        Mutex {
            object: Object::new(),
            data: std::sync::Mutex::new(data),
        }
    }

    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        step(&[(&self.object, true)], |ids| Ready::Unlocked(ids[0]));
        self.set_locked(true);
        Ok(MutexGuard {
            lock: self,
            data: Some(self.data.lock().unwrap_or_else(PoisonError::into_inner)),
        })
    }

    fn set_locked(&self, locked: bool) {
        if let Some((run, _)) = current() {
            let id = self.object.id(&run);
            run.state().locked.insert(id, locked);
        }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        step(&[(&self.lock.object, true)], |_| Ready::Always);
        self.data = None;
        self.lock.set_locked(false);
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data.as_ref().expect("locked until it is dropped")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.data.as_mut().expect("locked until it is dropped")
    }
}
