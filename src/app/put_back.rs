//! The clock was ahead, as after a night without power, and has been put right: what waited by it would rest for as long.

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::clock::local_text;
use crate::db::{Store, StoreError};

/// What is said of it.
const WAS_AHEAD: &str = "本机的时钟曾经快了，现已拨回：等着发送和查问的已按现在的时间重新安排，这段时间里写下的日期请核对；请检查对时设置和主板电池";
/// A feed is read again from so long before the clock was put back: nobody knows for how long it had been ahead.
const READ_AGAIN: SignedDuration = SignedDuration::from_hours(48);

/// Puts back what a clock wrote that was ahead by so many milliseconds.
///
/// # Errors
/// Where the record can't be read or written: it's seen at the next heartbeat again.
pub async fn put_back_times(store: &Store, ahead: i64) -> Result<(), StoreError> {
    let now = store.context().clock.now();
    warn!(
        event = "clock.put_back",
        seconds = ahead / 1_000,
        "the clock was ahead and has been put back"
    );
    let cursor = store.feed_cursor().await?.filter(|cursor| is_ahead(cursor, now));
    let mut tx = store.begin().await?;
    tx.put_back_times(ahead).await?;
    if cursor.is_some() {
        let again = now.saturating_sub(READ_AGAIN).unwrap_or(now);
        tx.keep_cursor(&again.to_string()).await?;
    }
    let was = now.saturating_add(SignedDuration::from_millis(ahead)).unwrap_or(now);
    let minutes = ahead / 60_000;
    let sample = format!(
        "快了大约 {} 天 {} 小时 {} 分，曾走到 {}",
        minutes / 1_440,
        minutes / 60 % 24,
        minutes % 60,
        local_text(was)
    );
    tx.note_platform(&[(WAS_AHEAD.to_owned(), sample)]).await?;
    tx.note_beat().await?;
    tx.commit().await
}

/// Whether a feed's cursor is a time that is still to come.
fn is_ahead(cursor: &str, now: Timestamp) -> bool {
    cursor.parse::<Timestamp>().is_ok_and(|at| at > now)
}
