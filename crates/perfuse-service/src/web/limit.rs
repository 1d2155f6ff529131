//! How much one address may ask.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Addresses that are remembered; above, those that have their whole allowance are forgotten, then all.
const ADDRESSES: usize = 4096;

/// A rate in requests per second, and how many may come at once.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

/// All requests of this host: pages are there to be looked at by programs of it, too.
const HERE: Rate = Rate { per_second: 2000.0, burst: 4000.0 };
/// All requests of another host.
const ELSEWHERE: Rate = Rate { per_second: 50.0, burst: 200.0 };
/// Attempts to say who one is, of one address.
const LOGIN: Rate = Rate { per_second: 1.0 / 12.0, burst: 5.0 };
/// Attempts to say who one is, of all addresses together.
const LOGINS: Rate = Rate { per_second: 1.0, burst: 30.0 };

/// What is left of a rate.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { left: rate.burst, at: now }
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + seconds * rate.per_second).min(rate.burst);
        self.at = now;
    }

    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        self.fill(rate, now);
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

#[derive(Default)]
struct State {
    all: HashMap<IpAddr, Bucket>,
    logins: HashMap<IpAddr, Bucket>,
    together: Option<Bucket>,
}

/// The allowances of all addresses.
#[derive(Default)]
pub(super) struct Limits(Mutex<State>);

/// One network of IPv6 is one address: a host has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => six
            .to_ipv4_mapped()
            .map_or_else(|| IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))), IpAddr::V4),
    }
}

fn take(buckets: &mut HashMap<IpAddr, Bucket>, address: IpAddr, rate: Rate, now: Instant) -> bool {
    if buckets.len() >= ADDRESSES {
        buckets.retain(|_, bucket| {
            bucket.fill(rate, now);
            bucket.left < rate.burst
        });
        if buckets.len() >= ADDRESSES {
            buckets.clear();
        }
    }
    buckets.entry(address).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
}

impl Limits {
    /// Whether a request of this address is still allowed.
    pub(super) fn request(&self, address: IpAddr) -> bool {
        let rate = if address.is_loopback() { HERE } else { ELSEWHERE };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // All loopback addresses are this host.
        let address = if address.is_loopback() { IpAddr::V6(Ipv6Addr::LOCALHOST) } else { network(address) };
        take(&mut state.all, address, rate, Instant::now())
    }

    /// Whether this address may try to say who it is.
    pub(super) fn login(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut state.logins, network(address), LOGIN, now)
            && state.together.get_or_insert_with(|| Bucket::full(LOGINS, now)).take(LOGINS, now)
    }

    /// It was right: its attempts count no more.
    pub(super) fn welcome(&self, address: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).logins.remove(&network(address));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let rate = Rate { per_second: 2.0, burst: 3.0 };
        let start = Instant::now();
        let mut bucket = Bucket::full(rate, start);
        assert_eq!((0..5).map(|_| bucket.take(rate, start)).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert!(bucket.take(rate, start + Duration::from_millis(500)));
        assert!(!bucket.take(rate, start + Duration::from_millis(600)));
        bucket.fill(rate, start + Duration::from_secs(3600));
        assert!((bucket.left - 3.0).abs() < 1e-9);
    }

    #[test]
    fn logins_are_few_and_a_network_is_one_address() {
        let limits = Limits::default();
        let of = |last: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 1, 2, 3, last));
        let may = (0..9).filter(|last| limits.login(of(*last))).count();
        assert_eq!(may, 5);
        assert!(limits.login(IpAddr::from([192, 0, 2, 1])));
        limits.welcome(of(77));
        assert!(limits.login(of(78)));
    }

    #[test]
    fn addresses_are_forgotten_before_they_fill_the_memory() {
        let limits = Limits::default();
        for number in 0..20_000_u32 {
            limits.request(IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
        }
        assert!(limits.0.lock().unwrap().all.len() <= ADDRESSES);
    }
}
