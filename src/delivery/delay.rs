//! How long to wait before another attempt: the one place where the `backoff` crate is used, for its
//! delay policy alone.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// The longest wait after `attempts` earlier ones: doubles from `first` up to `cap`, and stays there.
pub(super) fn delay(attempts: i64, first: Duration, cap: Duration) -> Duration {
    let mut policy = ExponentialBackoff {
        current_interval: first,
        initial_interval: first,
        randomization_factor: 0.0,
        multiplier: 2.0,
        max_interval: cap,
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    // Sixty doublings reach any cap.
    let steps = attempts.clamp(0, 60) + 1;
    (0..steps).filter_map(|_| policy.next_backoff()).last().unwrap_or(cap).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_the_cap_and_stay() {
        let (first, cap) = (Duration::from_secs(5), Duration::from_secs(60));
        let delays: Vec<u64> = (0..7).map(|n| delay(n, first, cap).as_secs()).collect();
        assert_eq!(delays, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(delay(i64::MAX, first, cap), cap);
    }
}
