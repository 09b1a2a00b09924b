//! Digests that wait for a channel: what was met since they were written is taken out before they are sent.

use std::time::Duration;

use super::ReminderRules;
use super::remind::{Heard, Links, notices, recipients_on};
use crate::app::remind;
use crate::clock::span_millis;
use crate::db::{Open, Said, Store, StoreError, ToldGroup};

/// What has waited for so long is looked at again.
pub const WAITED: Duration = Duration::from_secs(600);
/// How many people's digests are worded anew in a turn.
const PEOPLE: i64 = 100;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reworded {
    /// Messages that say less now.
    pub worded: usize,
    /// Messages that aren't sent: all that they told of was met.
    pub dropped: usize,
}

/// Words anew the digests that wait, where something that they tell of isn't open any more. What may have been sent, or
/// is being sent, stays as it is.
///
/// # Errors
/// Where the record can't be read or written, or a template can't be filled in: the next run goes on from there.
pub async fn reword(store: &Store, rules: &ReminderRules) -> Result<Reworded, StoreError> {
    let before = store.context().clock.millis() - span_millis(WAITED);
    let mut all = Reworded::default();
    loop {
        let mut snapshot = store.snapshot().await?;
        let Some((day, waiting)) = snapshot.outdated_digests(before, PEOPLE).await? else {
            snapshot.end().await?;
            return Ok(all);
        };
        let recipients = recipients_on(&mut snapshot, rules, day).await?;
        let people: Vec<String> = waiting.keys().cloned().collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        let on = day.to_string();
        let told = snapshot.told_to_each(&people, &on, Open::Now).await?;
        let said: Vec<Said> = told.iter().flat_map(|(person, told)| said(person, told)).collect();
        let words = snapshot.words_of(&people, &on).await?;
        let heard = Heard { told, words, waiting: Some(waiting) };
        let notices =
            notices(&mut snapshot, store, rules, &recipients, day, heard, Links::Given).await?;
        snapshot.end().await?;
        let (worded, dropped) = remind::reword(store, day, &people, &notices, &said).await?;
        all.worded += worded;
        all.dropped += dropped;
    }
}

fn said<'t>(person: &'t str, told: &'t [ToldGroup]) -> impl Iterator<Item = Said> + use<'t> {
    told.iter().map(|told| Said {
        group_id: told.group.id.clone(),
        step: told.step,
        staff: person.to_owned(),
        duties: told.group.open,
    })
}
