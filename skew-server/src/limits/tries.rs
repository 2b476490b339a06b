//! How often one address may be wrong about a secret.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::addresses::{AddressKey, Addresses};
use crate::config::Rate;

/// Addresses that are remembered. Whoever has as many guesses as fast as he likes with each of them anyway.
const MAX_ADDRESSES: usize = 1 << 16;

/// Wrong credentials by address. A try is taken before credentials are looked at, so that many at once are no way around it, and
/// given back where they were right.
#[derive(Debug)]
pub(crate) struct Tries(Mutex<Addresses>);

impl Tries {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Addresses::new(MAX_ADDRESSES)))
    }

    /// Takes a try at `now`, in nanoseconds of a clock that never goes back.
    ///
    /// # Errors
    ///
    /// When the address has none left: how long it takes until it has. What it sends is not to be looked at before.
    pub(crate) fn take(&self, address: AddressKey, rate: &Rate, now: u64) -> Result<(), Duration> {
        self.lock().account(address, now).map_or(Ok(()), |account| account.bucket.take(rate, now))
    }

    /// Gives a try back: the credentials were right.
    pub(crate) fn give_back(&self, address: AddressKey, rate: &Rate) {
        if let Some(account) = self.lock().get_mut(address) {
            account.bucket.give_back(rate);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Addresses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_ones_are_slowed_and_right_ones_cost_nothing() {
        let (start, rate) = (7, Rate { per_second: 0.2, burst: 2 });
        let tries = Tries::new();
        let [one, other] = [1, 2].map(|last| AddressKey::of([203, 0, 113, last].into()).unwrap());
        for _ in 0..10 {
            assert_eq!(tries.take(one, &rate, start), Ok(()));
            tries.give_back(one, &rate);
        }
        assert_eq!([0, 1].map(|_| tries.take(one, &rate, start)), [Ok(()); 2]);
        assert_eq!(tries.take(one, &rate, start), Err(Duration::from_secs(5)));
        assert_eq!(tries.take(other, &rate, start), Ok(()), "another address is not slowed by it");
        assert_eq!(tries.take(one, &rate, start + 5_000_000_000), Ok(()));
    }
}
