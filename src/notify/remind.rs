//! The reconciler of reminders: which rungs are due today, who hears of them, one digest for each.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::{Date, DateTime, Time};
use tracing::warn;

use super::digest::{Item, body, title};
use crate::domain::campaign::{Hearer, Rung};
use crate::domain::staff::Role;
use crate::store::{AreaTree, DIGEST, DueRung, Holders, NewNotice, Store, StoreError, Tx};

/// When and by what people are told.
#[derive(Debug, Clone)]
pub struct ReminderRules {
    pub channels: Vec<String>,
    pub from: Time,
    pub until: Time,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reminded {
    pub people: usize,
    pub duties: usize,
    /// Rungs for which nobody holds the role.
    pub unheard: usize,
}

/// How many duties one run looks at; the rest is due again tomorrow.
const AT_MOST: i64 = 200_000;

/// Whoever stands above all, where a role is held by nobody.
const LAST_RESORT: Role = Role::LeadingGroup;

/// Writes the digests that are owed today, in one transaction with the ladder's next rungs: whatever
/// restarts lie between, nobody hears of the same rung twice and nobody gets two digests a day.
/// Outside working days and hours it does nothing; what is due then is due on the next.
pub async fn remind(store: &Store, rules: &ReminderRules) -> Result<Reminded, StoreError> {
    let now = store.around().clock.local();
    if !is_working_time(store, rules, now) {
        return Ok(Reminded::default());
    }
    let today = now.date();
    let mut tx = store.begin().await?;
    let due = tx.due_rungs(today, AT_MOST).await?;
    if due.is_empty() {
        tx.rollback().await?;
        return Ok(Reminded::default());
    }
    let tree = tx.area_tree().await?;
    let holders = Holders::new(tx.staff().await?);
    let mut round = Round {
        today,
        tree: &tree,
        holders: &holders,
        told: HashSet::new(),
        digests: BTreeMap::new(),
    };
    let mut reminded = Reminded { duties: due.len(), ..Reminded::default() };
    for duty in &due {
        reminded.unheard += round.tell(&mut tx, duty).await?;
    }
    reminded.people = round.digests.len();
    for (staff_id, items) in round.digests {
        let items = with_names(store, items.into_values().collect()).await?;
        for channel in &rules.channels {
            let (title, body) = (title(today, &items), body(today, &items));
            let (staff_id, channel) = (staff_id.clone(), channel.clone());
            let topic = DIGEST.to_owned();
            tx.put_notice(&NewNotice { staff_id, channel, on: today, topic, title, body }).await?;
        }
    }
    tx.commit().await?;
    Ok(reminded)
}

fn is_working_time(store: &Store, rules: &ReminderRules, now: DateTime) -> bool {
    store.around().workdays.is_workday(now.date())
        && rules.from <= now.time()
        && now.time() < rules.until
}

/// One day's telling.
struct Round<'r> {
    today: Date,
    tree: &'r AreaTree,
    holders: &'r Holders,
    /// Who already has a digest of today, from an earlier run.
    told: HashSet<String>,
    /// For each person, by duty: one that they owe and also watch over is mentioned once, as their own.
    digests: BTreeMap<String, BTreeMap<String, Item>>,
}

impl Round<'_> {
    /// Puts the duty's due rungs into the digests of those who hear, and moves its ladder on. Returns
    /// how many rungs nobody hears.
    async fn tell(&mut self, tx: &mut Tx, duty: &DueRung) -> Result<usize, StoreError> {
        let around = tx.around();
        let rungs = around.campaign.rungs(duty.kind).to_vec();
        let told_on: Vec<Date> =
            rungs.iter().map(|rung| rung.told_on(duty.due_on, &around.workdays)).collect();
        let first = usize::try_from(duty.next_rung).unwrap_or(0).min(rungs.len());
        let passed = told_on[first..].iter().take_while(|on| **on <= self.today).count();
        let (mut postponed, mut unheard) = (false, 0);
        for (rung, index) in latest_for_each(&rungs[first..first + passed], first) {
            let Some(person) = self.hearer(duty, rung.who) else {
                warn!(duty = %duty.id, kind = duty.kind.code(), who = ?rung.who, "nobody holds this role: nobody is told");
                unheard += 1;
                continue;
            };
            postponed |= !self.put(tx, duty, index, &person, rung.who).await?;
        }
        let next = first + passed;
        let (next, on) = if postponed {
            (first, self.today.tomorrow().ok())
        } else {
            (next, told_on.get(next).copied())
        };
        tx.move_rung(&duty.id, i64::try_from(next).unwrap_or(i64::MAX), on).await?;
        Ok(unheard)
    }

    /// False where the person already has today's digest: it waits for tomorrow's.
    async fn put(
        &mut self,
        tx: &mut Tx,
        duty: &DueRung,
        rung: usize,
        person: &str,
        who: Hearer,
    ) -> Result<bool, StoreError> {
        let known = self.told.contains(person) || self.digests.contains_key(person);
        if !known && tx.was_told(person, self.today).await? {
            self.told.insert(person.to_owned());
        }
        if self.told.contains(person) {
            return Ok(false);
        }
        let rung = i64::try_from(rung).unwrap_or(i64::MAX);
        if tx.put_notice_item(&duty.id, rung, person, self.today).await? {
            let own = who == Hearer::Owner;
            let area =
                self.tree.get(&duty.area_id).map(|area| area.name.clone()).unwrap_or_default();
            let (kind, due_on, subject_id) = (duty.kind, duty.due_on, duty.subject_id.clone());
            let item = Item { kind, area, due_on, own, subject_id, subject: None };
            let items = self.digests.entry(person.to_owned()).or_default();
            items.entry(duty.id.clone()).or_insert(item).own |= own;
        }
        Ok(true)
    }

    /// Who hears: the owner, or whoever holds the role over the place; else whoever stands above all.
    fn hearer(&self, duty: &DueRung, who: Hearer) -> Option<String> {
        let role = match who {
            Hearer::Owner => match &duty.staff_id {
                Some(owner) => return Some(owner.clone()),
                None => duty.role,
            },
            Hearer::Role(role) => role,
        };
        let holder = |role| self.holders.holder(self.tree, role, &duty.area_id);
        holder(role).or_else(|| holder(LAST_RESORT)).map(|person| person.id.clone())
    }
}

/// Of rungs that passed together (the service was down), the latest for each who hears.
fn latest_for_each(passed: &[Rung], first: usize) -> Vec<(&Rung, usize)> {
    let mut latest: Vec<(&Rung, usize)> = Vec::new();
    for (offset, rung) in passed.iter().enumerate() {
        latest.retain(|(earlier, _)| earlier.who != rung.who);
        latest.push((rung, first + offset));
    }
    latest
}

/// How many names a digest may need to open: a few for each village that it speaks of.
const NAMES: usize = 60;

async fn with_names(store: &Store, mut items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let wanted: Vec<String> =
        items.iter().filter_map(|item| item.subject_id.clone()).take(NAMES).collect();
    let names = store.masked_subject_names(&wanted).await?;
    for item in &mut items {
        item.subject = item.subject_id.as_ref().and_then(|subject| names.get(subject).cloned());
    }
    Ok(items)
}
