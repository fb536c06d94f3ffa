//! Buckets and samples: keyed hashes of who asks, never of what is asked or how busy we are.
//!
//! **Invariant:** a bucket depends on the route's salt and the caller alone, so a greater weight only adds
//! callers.

use hmac::{Hmac, Mac};
use kolm_core::{Arm, Ppm, Timestamp, Weight};
use sha2::Sha256;

/// What a caller is recognized by, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// The conversation.
    Conversation,
    /// The `user` field.
    User,
    /// The API key.
    Key,
}

impl CallerKind {
    /// The word in the hash.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::User => "user",
            Self::Key => "key",
        }
    }
}

/// The first 8 bytes of an HMAC-SHA256 as a number.
fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> u64 {
    // HMAC fills a short key with zeros up to the block; `new` takes the block and cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as Mac>::new((&block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// The bucket of a caller, 0..10,000. The salt lives as long as the route.
pub fn bucket(salt: &[u8; 32], kind: CallerKind, id: &str) -> u16 {
    let parts = [b"kolm-bucket/1\n", kind.as_str().as_bytes(), b"\n", id.as_bytes()];
    (keyed(salt, &parts) % 10_000) as u16
}

/// Who answers this bucket at this weight.
pub fn arm(bucket: u16, weight: Weight) -> Arm {
    if bucket < weight.0 { Arm::Student } else { Arm::Teacher }
}

/// Whether a unit is in the day's sample; redrawn daily, so that no frequent prompt is left out for good.
pub fn sampled(key: &[u8; 32], unit: &str, at: Timestamp, rate: Ppm) -> bool {
    let day = at.0.div_euclid(86_400_000);
    keyed(key, &[unit.as_bytes(), &day.to_be_bytes()]) % 1_000_000 < u64::from(rate.0)
}

/// Rate of the reverse shadow: `min(1, max(0.05, 0.05 / weight))`.
pub fn reverse_rate(weight: Weight) -> Ppm {
    match u32::from(weight.0) {
        0 => Ppm(0),
        bp => Ppm((500_000_000 / bp).clamp(50_000, 1_000_000)),
    }
}

/// Rate of the double primary among shadow units: each one until 100 pairs are known (control against control first:
/// github/scientist `README`), `early` until 400, then 50,000 ppm; with an `early` of 0 there are none.
pub fn double_rate(early: Ppm, pairs: u64) -> Ppm {
    match pairs {
        _ if early == Ppm(0) => early,
        0..100 => Ppm::ONE,
        100..400 => early,
        _ => Ppm(early.0.min(50_000)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn salt() -> [u8; 32] {
        std::array::from_fn(|i| 0x40 + i as u8)
    }

    #[test]
    fn vector() {
        let got = ["conv-1", "conv-2", "conv-3"].map(|id| bucket(&salt(), CallerKind::Conversation, id));
        assert_eq!(got, [7305, 3277, 4086]);
        assert_ne!(bucket(&salt(), CallerKind::User, "conv-1"), 7305);
    }

    #[test]
    fn share_is_the_weight_within_four_sigma() {
        let n = 200_000;
        for weight in [100u16, 2_500, 5_000] {
            let p = f64::from(weight) / 1e4;
            let hit = (0..n)
                .filter(|i| {
                    arm(bucket(&salt(), CallerKind::User, &i.to_string()), Weight(weight)) == Arm::Student
                })
                .count() as f64;
            let sigma = (f64::from(n) * p * (1.0 - p)).sqrt();
            assert!((hit - f64::from(n) * p).abs() < 4.0 * sigma, "{weight}: {hit}");
        }
    }

    #[test]
    fn samples_are_redrawn_daily_at_their_rate() {
        let hits = |day: i64, rate| {
            (0..20_000)
                .filter(|i| sampled(&salt(), &format!("u{i}"), Timestamp(day * 86_400_000 + 5), Ppm(rate)))
                .collect::<Vec<_>>()
        };
        let (first, second) = (hits(20_000, 100_000), hits(20_001, 100_000));
        assert!((1_830..2_170).contains(&first.len()), "{}", first.len());
        assert_ne!(first, second);
        assert_eq!(hits(1, 0).len(), 0);
        assert_eq!(hits(1, 1_000_000).len(), 20_000);
    }

    #[test]
    fn rates_keep_the_extra_calls_low() {
        let got = [0, 100, 500, 2_500, 5_000, 10_000].map(|bp| reverse_rate(Weight(bp)).0);
        assert_eq!(got, [0, 1_000_000, 1_000_000, 200_000, 100_000, 50_000]);
        assert_eq!(double_rate(Ppm(200_000), 99), Ppm::ONE);
        assert_eq!(double_rate(Ppm(200_000), 100), Ppm(200_000));
        assert_eq!([0, 500].map(|pairs| double_rate(Ppm(0), pairs)), [Ppm(0); 2]);
        assert_eq!(double_rate(Ppm(200_000), 399), Ppm(200_000));
        assert_eq!(double_rate(Ppm(200_000), 400), Ppm(50_000));
        assert_eq!(double_rate(Ppm(10_000), 400), Ppm(10_000));
    }

    proptest! {
        #[test]
        fn raising_the_weight_moves_no_one_back(id in ".{0,40}", low in 0u16..=10_000, more in 0u16..=10_000, salt in any::<[u8; 32]>()) {
            let high = Weight(low.saturating_add(more).min(10_000));
            let bucket = bucket(&salt, CallerKind::Conversation, &id);
            prop_assert!(bucket < 10_000);
            if arm(bucket, Weight(low)) == Arm::Student {
                prop_assert_eq!(arm(bucket, high), Arm::Student);
            }
            prop_assert_eq!(arm(bucket, Weight::FULL), Arm::Student);
            prop_assert_eq!(arm(bucket, Weight::ZERO), Arm::Teacher);
        }
    }
}
