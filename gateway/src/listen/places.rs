//! How many connections there may be at once, in all and from one address.
//!
//! **Invariant:** a place is given back when its connection ends, however it ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kolm_config::Listen;

/// The count.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: AtomicU64,
    by_ip: Mutex<HashMap<IpAddr, u64>>,
}

/// One connection's place, until dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    ip: Option<IpAddr>,
}

impl Places {
    /// How many connections there are.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// A place for a connection from `ip`, or the limit that leaves none.
    pub(super) fn take(self: &Arc<Self>, ip: IpAddr, listen: &Listen) -> Result<Place, &'static str> {
        let mut place = Place { places: Arc::clone(self), ip: None };
        if self.taken.fetch_add(1, Ordering::AcqRel) >= listen.max_connections {
            return Err("max_connections");
        }
        if listen.max_connections_per_ip > 0 {
            let ip = ip.to_canonical();
            let mut by_ip = self.by_ip.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = by_ip.entry(ip).or_default();
            if *taken >= listen.max_connections_per_ip {
                return Err("max_connections_per_ip");
            }
            *taken += 1;
            place.ip = Some(ip);
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::AcqRel);
        let Some(ip) = self.ip else { return };
        let mut by_ip = self.places.by_ip.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = by_ip.get_mut(&ip) {
            *taken -= 1;
            if *taken == 0 {
                by_ip.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(all: u64, per_ip: u64) -> Listen {
        let config = kolm_config::Config::embedded(&kolm_config::Outside::bare("/tmp")).unwrap();
        Listen { max_connections: all, max_connections_per_ip: per_ip, ..config.listen }
    }

    #[test]
    fn places_are_counted_and_come_back() {
        let (places, listen) = (Arc::new(Places::default()), listen(3, 2));
        let [one, mapped, two]: [IpAddr; 3] =
            ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        let first = places.take(one, &listen).unwrap();
        let second = places.take(mapped, &listen).unwrap();
        assert_eq!(places.take(one, &listen).unwrap_err(), "max_connections_per_ip");
        let third = places.take(two, &listen).unwrap();
        assert_eq!(places.take(two, &listen).unwrap_err(), "max_connections");
        drop(first);
        drop(places.take(one, &listen).unwrap());
        drop((second, third));
        assert_eq!(places.taken.load(Ordering::Acquire), 0);
        assert!(places.by_ip.lock().unwrap().is_empty());
    }
}
