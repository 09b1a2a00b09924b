//! How often a receiver may be sent to.

/// So many attempts in a minute, a second's worth of them at once: as a bucket of permits that fills with time. What is
/// kept of it is until when they are spent; all times in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub u32);

impl Rate {
    fn interval(self) -> i64 {
        60_000_000 / i64::from(self.0.max(1))
    }

    /// How far ahead they may be spent.
    fn ahead(self) -> i64 {
        self.interval() * i64::from(self.0.div_ceil(60).max(1))
    }

    /// How many there are now.
    pub fn permits(self, spent_until: i64, now: i64) -> i64 {
        let ahead = spent_until.saturating_sub(now);
        // A clock that was set back leaves no debt of hours.
        let ahead = if ahead > self.ahead() { 0 } else { ahead.max(0) };
        (self.ahead() - ahead) / self.interval()
    }

    /// Until when they are spent once `used` more are.
    pub fn spend(self, spent_until: i64, now: i64, used: i64) -> i64 {
        let begins = if spent_until.saturating_sub(now) > self.ahead() { now } else { spent_until };
        begins.max(now).saturating_add(self.interval().saturating_mul(used))
    }
}
