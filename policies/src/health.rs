//! What a row of health checks says: healthy or not, with a threshold in both directions.
//!
//! **Invariant:** a pure function of what was and what was seen; a single check in between flips nothing unless
//! the threshold is 1.

/// How many checks in a row flip the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Failed checks that make it unhealthy.
    pub unhealthy_after: u16,
    /// Good checks that make it healthy again.
    pub healthy_after: u16,
}

/// The verdict so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether it is to be asked. Before the first check it is.
    pub healthy: bool,
    /// Checks in a row that say otherwise.
    pub against: u16,
}

impl Default for Health {
    fn default() -> Self {
        Self { healthy: true, against: 0 }
    }
}

impl Health {
    /// Takes note of one check; true if that flipped the verdict.
    pub fn observe(self, thresholds: &Thresholds, good: bool) -> (Self, bool) {
        if good == self.healthy {
            return (Self { against: 0, ..self }, false);
        }
        let needed = if good { thresholds.healthy_after } else { thresholds.unhealthy_after };
        let against = self.against.saturating_add(1);
        if against >= needed {
            return (Self { healthy: good, against: 0 }, true);
        }
        (Self { against, ..self }, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_flips_after_so_many_in_a_row() {
        let thresholds = Thresholds { unhealthy_after: 3, healthy_after: 2 };
        for (checks, verdicts) in [
            ("xxx", "++-"),
            ("xx.xx.", "++++++"),
            ("xxx..", "++--+"),
            ("xxx.x..", "++----+"),
            ("xxxxxx", "++----"),
        ] {
            let (mut health, mut said, mut flips) = (Health::default(), String::new(), 0);
            for check in checks.chars() {
                let (next, flipped) = health.observe(&thresholds, check == '.');
                assert_eq!(flipped, next.healthy != health.healthy);
                flips += u32::from(flipped);
                health = next;
                said.push(if health.healthy { '+' } else { '-' });
            }
            assert_eq!(said, verdicts, "{checks}");
            assert!(flips <= 2, "{checks}");
        }
    }
}
