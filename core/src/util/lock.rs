//! The locks of this crate: `parking_lot`'s. A page has one thread, in which a lock that waits is a
//! mistake, so there they are those of std, which are a hundredth of the code.

#[cfg(not(target_family = "wasm"))]
pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};

#[cfg(target_family = "wasm")]
pub(crate) use self::page::{Mutex, MutexGuard, RwLock};

#[cfg(target_family = "wasm")]
mod page {
    use std::sync::{self, PoisonError, RwLockReadGuard, RwLockWriteGuard};

    pub(crate) type MutexGuard<'a, T> = sync::MutexGuard<'a, T>;

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
