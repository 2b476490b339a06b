//! Whether one more stream, or one more socket, is let in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::addresses::{AddressKey, Addresses};
use crate::config::Limits;
use crate::metrics::Limit;

/// Addresses that are remembered. At 25 bytes each, in a table that may be half empty and is copied as it grows, they take 80 MB at most.
const MAX_ADDRESSES: usize = 1 << 20;

/// Counts the streams that are open, in all and by address; and another one the sockets.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Debug)]
struct State {
    open: usize,
    addresses: Addresses,
}

/// A stream's or a socket's place, which it gives back when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    /// Nothing where the address is not known, or not remembered.
    address: Option<AddressKey>,
}

impl Default for Gate {
    fn default() -> Self {
        Self(Mutex::new(State { open: 0, addresses: Addresses::new(MAX_ADDRESSES) }))
    }
}

impl Gate {
    /// Gives a stream a place, at `now` in nanoseconds of a clock that never goes back.
    ///
    /// # Errors
    ///
    /// When there is none: the limit that was reached.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: Option<AddressKey>,
        limits: &Limits,
        now: u64,
    ) -> Result<Permit, Limit> {
        let mut state = self.lock();
        if state.open >= limits.connections {
            return Err(Limit::Connections);
        }
        let account = address.and_then(|key| Some((key, state.addresses.account(key, now)?)));
        let address = match account {
            Some((_, account)) if account.open as usize >= limits.connections_by_address => {
                return Err(Limit::ConnectionsByAddress);
            }
            Some((key, account)) => {
                account.bucket.take(&limits.opens_by_address, now).map_err(|_| Limit::OpensByAddress)?;
                account.open += 1;
                Some(key)
            }
            None => None,
        };
        state.open += 1;
        Ok(Permit { gate: self.clone(), address })
    }

    /// Gives a socket a place that is no stream yet, or never becomes one. Nothing where as many of its address have one.
    pub(crate) fn let_in(self: &Arc<Self>, address: Option<AddressKey>, limits: &Limits, now: u64) -> Option<Permit> {
        let mut state = self.lock();
        let account = address.and_then(|key| Some((key, state.addresses.account(key, now)?)));
        let address = match account {
            Some((_, account)) if account.open as usize >= limits.connections_by_address => return None,
            Some((key, account)) => {
                account.open += 1;
                Some(key)
            }
            None => None,
        };
        state.open += 1;
        Some(Permit { gate: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.open -= 1;
        if let Some(key) = self.address
            && let Some(account) = state.addresses.get_mut(key)
        {
            account.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Rate;

    fn limits() -> Limits {
        let opens_by_address = Rate { per_second: 1.0, burst: 4 };
        Limits { connections: 5, connections_by_address: 3, opens_by_address, ..Limits::default() }
    }

    fn address(last: u8) -> Option<AddressKey> {
        AddressKey::of([203, 0, 113, last].into())
    }

    #[test]
    fn an_address_has_so_many_sockets_and_others_have_theirs() {
        let gate: Arc<Gate> = Arc::default();
        let places: Vec<_> = (0..3).map(|_| gate.let_in(address(1), &limits(), 7).unwrap()).collect();
        assert!(gate.let_in(address(1), &limits(), 7).is_none());
        assert!(gate.let_in(address(2), &limits(), 7).is_some() && gate.let_in(None, &limits(), 7).is_some());
        drop(places);
        assert!(gate.let_in(address(1), &limits(), 7).is_some());
    }

    struct Door(Arc<Gate>);

    impl Door {
        fn new() -> Self {
            Self(Arc::new(Gate::default()))
        }

        fn admit(&self, address: Option<AddressKey>, seconds: u64) -> Result<Permit, Limit> {
            self.0.admit(address, &limits(), 7 + seconds * 1_000_000_000)
        }
    }

    #[test]
    fn each_limit_is_held_and_named() {
        let door = Door::new();
        let mut places: Vec<Permit> = (0..3).map(|_| door.admit(address(1), 0).unwrap()).collect();
        assert_eq!(door.admit(address(1), 0).unwrap_err(), Limit::ConnectionsByAddress);
        places.pop();
        places.push(door.admit(address(1), 0).unwrap());
        places.pop();
        assert_eq!(door.admit(address(1), 0).unwrap_err(), Limit::OpensByAddress);
        places.push(door.admit(address(1), 1).unwrap());
        places.push(door.admit(address(2), 1).unwrap());
        places.push(door.admit(address(3), 1).unwrap());
        assert_eq!(door.admit(address(4), 1).unwrap_err(), Limit::Connections);
        drop(places);
        assert!(door.admit(address(4), 1).is_ok());
    }

    #[test]
    fn whose_address_is_not_known_is_held_to_the_number_of_all_alone() {
        let door = Door::new();
        let places: Vec<Permit> = (0..5).map(|_| door.admit(None, 0).unwrap()).collect();
        assert_eq!(door.admit(None, 0).unwrap_err(), Limit::Connections);
        drop(places);
        assert!((0..50).all(|_| door.admit(None, 0).is_ok()));
    }

    #[test]
    fn a_place_is_small_for_it_lives_as_long_as_its_stream() {
        assert_eq!(size_of::<Permit>(), 16);
    }

    proptest! {
        /// Whatever opens and closes, the gate knows who is there, and no limit is passed.
        #[test]
        fn places_always_come_back(steps in prop::collection::vec((0u8..6, 0u64..3, any::<prop::sample::Index>()), 1..200)) {
            let door = Door::new();
            let (mut places, mut seconds): (Vec<(u8, Permit)>, u64) = (Vec::new(), 0);
            for (who, wait, which) in steps {
                seconds += wait;
                let open = places.iter().filter(|(other, _)| *other == who).count();
                match door.admit(address(who).filter(|_| who > 0), seconds) {
                    Ok(place) => {
                        prop_assert!(places.len() < 5 && (who == 0 || open < 3));
                        places.push((who, place));
                    }
                    Err(Limit::Connections) => prop_assert_eq!(places.len(), 5),
                    Err(Limit::ConnectionsByAddress) => prop_assert_eq!(open, 3),
                    Err(limit) => prop_assert_eq!(limit, Limit::OpensByAddress),
                }
                if wait == 0 && !places.is_empty() {
                    let _ = places.swap_remove(which.index(places.len()));
                }
                prop_assert_eq!(door.0.lock().open, places.len());
            }
            places.clear();
            prop_assert_eq!(door.0.lock().open, 0);
            for who in 1..6 {
                let open = door.0.lock().addresses.get_mut(address(who).unwrap()).map_or(0, |account| account.open);
                prop_assert_eq!(open, 0);
            }
        }
    }
}
