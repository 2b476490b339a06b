//! What is remembered of client addresses, and for how long.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU64;

use super::bucket::Bucket;

/// Whom a limit by address takes for one client: an IPv4 address, or an IPv6 network of 64 bits, of which every household has one and a
/// client has all the addresses it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(NonZeroU64);

impl AddressKey {
    /// Nothing for the addresses that begin with 64 zero bits, which are no client's on any network.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        let key = match address.to_canonical() {
            // No IPv6 network begins so: all that is in use begins with 0x0064 or more.
            IpAddr::V4(v4) => (1 << 32) | u64::from(v4.to_bits()),
            IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
        };
        NonZeroU64::new(key).map(Self)
    }
}

/// Of one address.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) bucket: Bucket,
    /// Connections that are open.
    pub(super) open: u32,
}

/// Addresses of which there is something to be remembered: one with connections, or whose bucket is not full yet.
///
/// It never grows past its cap. There the next address is not remembered, and so not limited by itself: whoever has so many addresses is not
/// held by limits by address anyway, and a visitor who comes meanwhile is not refused for it.
#[derive(Debug)]
pub(super) struct Addresses {
    accounts: HashMap<AddressKey, Account>,
    cap: usize,
    /// When those are looked for that can be forgotten. A look at a million takes 10 ms.
    sweep_at: u64,
}

/// Fewer than these are not worth a look.
const FEW: usize = 1024;

const SWEEP_NANOS: u64 = 5_000_000_000;

impl Addresses {
    pub(super) fn new(cap: usize) -> Self {
        Self { accounts: HashMap::new(), cap, sweep_at: 0 }
    }

    /// What is known of an address. Nothing where there is no room to remember it.
    pub(super) fn account(&mut self, key: AddressKey, now: u64) -> Option<&mut Account> {
        if self.accounts.len() >= FEW.min(self.cap) && now >= self.sweep_at {
            self.sweep(now);
        }
        if self.accounts.len() >= self.cap {
            return self.accounts.get_mut(&key);
        }
        Some(self.accounts.entry(key).or_default())
    }

    pub(super) fn get_mut(&mut self, key: AddressKey) -> Option<&mut Account> {
        self.accounts.get_mut(&key)
    }

    fn sweep(&mut self, now: u64) {
        self.accounts.retain(|_, account| account.open > 0 || !account.bucket.is_full(now));
        let enough = 2 * self.accounts.len().max(FEW);
        if self.accounts.capacity() > 4 * enough {
            self.accounts.shrink_to(enough);
        }
        self.sweep_at = now.saturating_add(SWEEP_NANOS);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rate;

    fn key(n: u64) -> AddressKey {
        AddressKey(NonZeroU64::new(n + 1).unwrap())
    }

    #[test]
    fn one_client_is_an_ipv4_address_or_an_ipv6_network() {
        let of = |text: &str| AddressKey::of(text.parse().unwrap());
        assert_eq!(of("203.0.113.9"), of("::ffff:203.0.113.9"));
        assert_ne!(of("203.0.113.9"), of("203.0.113.8"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!((of("::1"), of("::")), (None, None));
    }

    #[test]
    fn what_is_remembered_of_an_address_is_small() {
        assert_eq!(size_of::<(AddressKey, Account)>(), 24);
        let mut addresses = Addresses::new(1 << 16);
        let used = allocation_counter::measure(|| {
            for n in 0..1 << 16 {
                addresses.account(key(n), 0).unwrap().open = 1;
            }
        });
        assert!(used.bytes_max <= (1 << 16) * 80, "{used:?}");
    }

    #[test]
    fn it_never_grows_past_its_cap_and_takes_newcomers_again_when_others_are_idle() {
        let rate = Rate { per_second: 1.0, burst: 1 };
        let mut addresses = Addresses::new(3000);
        for n in 0..10_000 {
            if let Some(account) = addresses.account(key(n), 0) {
                account.bucket.take(&rate, 0).unwrap();
            }
        }
        assert_eq!(addresses.len(), 3000);
        assert!(addresses.account(key(7), 0).unwrap().bucket.take(&rate, 0).is_err(), "who is known stays known");
        assert!(addresses.account(key(9999), 0).is_none());
        // By then all buckets are full.
        assert!(addresses.account(key(9999), SWEEP_NANOS).is_some());
        assert_eq!(addresses.len(), 1);
    }

    #[test]
    fn an_address_with_connections_is_not_forgotten() {
        let mut addresses = Addresses::new(usize::MAX);
        addresses.account(key(0), 0).unwrap().open = 1;
        for n in 1..2 * FEW as u64 {
            addresses.account(key(n), 1);
        }
        addresses.account(key(5000), u64::MAX);
        assert_eq!((addresses.len(), addresses.get_mut(key(0)).unwrap().open), (2, 1));
    }
}
