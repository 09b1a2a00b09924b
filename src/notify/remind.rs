//! The reconciler of reminders: which groups' steps are due today, who hears of them, one digest for each person.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use tracing::warn;

use super::digest::{Draft, Item};
use super::links;
use super::messages::Messages;
use super::recipients::Recipients;
use crate::db::{Advance, DIGEST, DueGroup, Form, NewNotice, Reminder, Store, StoreError, Tx};
use crate::domain::campaign::{EscalationStep, Recipient};
use crate::domain::workdays::WorkingTime;

/// When people are told, and in which words.
#[derive(Debug, Clone)]
pub struct ReminderRules {
    pub hours: WorkingTime,
    pub messages: Messages,
    /// The address under which readers reach this service's pages; empty where they can't.
    pub public_url: String,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reminded {
    pub people: usize,
    pub duties: i64,
    /// Duties of which somebody heard in place of whoever was meant.
    pub stood_in: i64,
    /// Duties of which nobody could be told at a step.
    pub unheard: i64,
}

/// Writes the digests that are owed today, in one transaction with the ladder's next steps: whatever
/// restarts lie between, nobody hears of the same step twice and nobody gets two digests a day.
/// Outside working days and hours it does nothing; what is due then is due on the next.
pub async fn remind(store: &Store, rules: &ReminderRules) -> Result<Reminded, StoreError> {
    let now = store.context().clock.local();
    if !rules.hours.contains(now) {
        return Ok(Reminded::default());
    }
    let mut tx = store.begin().await?;
    let (reminded, notices) = evaluate(&mut tx, rules, now.date()).await?;
    tx.put_notices(&notices).await?;
    tx.commit().await?;
    Ok(reminded)
}

/// What would be sent on `day` as things stand now; nothing is changed.
pub async fn preview(
    store: &Store,
    rules: &ReminderRules,
    day: Date,
) -> Result<Vec<NewNotice>, StoreError> {
    let mut tx = store.begin().await?;
    let (_, notices) = evaluate(&mut tx, rules, day).await?;
    tx.rollback().await?;
    Ok(notices)
}

/// What a day's run would tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    pub on: Date,
    pub people: usize,
    pub duties: i64,
}

/// What the next `days` workdays' runs would tell if nothing else happened, within a transaction that's then taken back.
pub async fn upcoming(
    tx: &mut Tx,
    rules: &ReminderRules,
    days: usize,
) -> Result<Vec<Upcoming>, StoreError> {
    let mut all = Vec::new();
    let mut on = tx.context().clock.today();
    for _ in 0..days {
        on = tx.context().workdays.on_or_after(on.tomorrow().unwrap_or(on));
        let (reminded, notices) = evaluate(tx, rules, on).await?;
        tx.put_notices(&notices).await?;
        let Reminded { people, duties, .. } = reminded;
        if people > 0 {
            all.push(Upcoming { on, people, duties });
        }
    }
    Ok(all)
}

/// How many groups are held at once.
const PAGE: i64 = 4_000;

/// Tells every step that is due by `day` and moves the groups up; the notices are still to be put.
async fn evaluate(
    tx: &mut Tx,
    rules: &ReminderRules,
    day: Date,
) -> Result<(Reminded, Vec<NewNotice>), StoreError> {
    let mut page = tx.due_groups(day, "", PAGE).await?;
    if page.is_empty() {
        return Ok(Default::default());
    }
    let recipients = Recipients::on(tx, day).await?;
    let mut round = Round {
        today: day,
        told_today: tx.told_on(day).await?,
        told_before: tx.told_of_due(day).await?,
        acknowledged: tx.acknowledged(day).await?,
        recipients: &recipients,
        reminders: Vec::new(),
        advances: Vec::new(),
        digests: BTreeMap::new(),
        reminded: Reminded::default(),
    };
    while let Some(last) = page.last().map(|group| group.id.clone()) {
        for group in &page {
            round.tell(tx, group);
        }
        tx.put_reminders(&std::mem::take(&mut round.reminders), day).await?;
        tx.advance(&std::mem::take(&mut round.advances)).await?;
        page = tx.due_groups(day, &last, PAGE).await?;
    }
    let Round { digests, mut reminded, .. } = round;
    reminded.people = digests.len();
    let notices = write(tx, rules, day, &recipients, digests).await?;
    Ok((reminded, notices))
}

/// One day's reminder.
struct Round<'r> {
    today: Date,
    recipients: &'r Recipients,
    /// Who already has a digest of today, from an earlier run.
    told_today: HashSet<String>,
    /// Who was told of a due step on an earlier day, when another couldn't be told yet.
    told_before: HashSet<(String, i64, String)>,
    acknowledged: HashSet<(String, String, bool)>,
    reminders: Vec<Reminder>,
    advances: Vec<Advance>,
    /// What each person is told of.
    digests: BTreeMap<String, Vec<Item>>,
    reminded: Reminded,
}

impl Round<'_> {
    /// Puts the group's due steps into the digests of those who hear, and moves it up the ladder.
    fn tell(&mut self, tx: &Tx, group: &DueGroup) {
        let (context, campaign) = (tx.context(), tx.campaign());
        let steps = campaign.steps(group.kind);
        let told_on: Vec<Date> =
            steps.iter().map(|step| step.told_on(group.due_on, &context.workdays)).collect();
        let first = usize::try_from(group.next_step).unwrap_or(0).min(steps.len());
        let passed = told_on[first..].iter().take_while(|on| **on <= self.today).count();
        let mut postponed = false;
        if group.open > 0 {
            self.reminded.duties += group.open;
            for index in latest_for_each(&steps[first..first + passed], first) {
                postponed |= !self.tell_step(group, steps, index);
            }
        }
        let next = first + passed;
        let (next, on) = if postponed {
            (first, self.today.tomorrow().ok())
        } else {
            (next, told_on.get(next).copied())
        };
        let next_step = i64::try_from(next).unwrap_or(i64::MAX);
        self.advances.push(Advance { group: group.id.clone(), next_step, on });
    }

    /// False where whoever hears already has today's digest: it waits for tomorrow's.
    fn tell_step(&mut self, group: &DueGroup, steps: &[EscalationStep], index: usize) -> bool {
        let Some(reached) = self.recipients.recipient(group, steps, index) else {
            warn!(group = %group.id, kind = group.kind.code(), who = ?steps[index].who, "nobody can be told");
            self.reminded.unheard += group.open;
            return true;
        };
        let late = steps[index].days > 0;
        let step = i64::try_from(index).unwrap_or(i64::MAX);
        let person = reached.person;
        if self.acknowledged.contains(&(group.id.clone(), person.clone(), late))
            || self.told_before.contains(&(group.id.clone(), step, person.clone()))
        {
            return true;
        }
        if self.told_today.contains(&person) {
            return false;
        }
        if reached.instead_of.is_some() {
            self.reminded.stood_in += group.open;
        }
        let own = steps[index].who == Recipient::Owner;
        let items = self.digests.entry(person.clone()).or_default();
        Item::mention(items, group, own, reached.instead_of.clone());
        self.reminders.push(Reminder {
            group: group.id.clone(),
            step,
            staff: person,
            instead_of: reached.instead_of,
            duties: group.open,
        });
        true
    }
}

/// Of steps that passed together (the service was down), the latest for each who hears, by their places in the ladder.
fn latest_for_each(passed: &[EscalationStep], first: usize) -> Vec<usize> {
    let mut latest: Vec<(Recipient, usize)> = Vec::new();
    for (offset, step) in passed.iter().enumerate() {
        latest.retain(|(earlier, _)| *earlier != step.who);
        latest.push((step.who, first + offset));
    }
    latest.into_iter().map(|(_, index)| index).collect()
}

/// Each person's digest, for each of their channels.
async fn write(
    tx: &mut Tx,
    rules: &ReminderRules,
    day: Date,
    recipients: &Recipients,
    digests: BTreeMap<String, Vec<Item>>,
) -> Result<Vec<NewNotice>, StoreError> {
    let mut notices = Vec::new();
    for (staff_id, items) in digests {
        let mut draft = Draft::new(recipients, &staff_id, items);
        draft.name(tx).await?;
        let context = tx.context();
        let link = links::digest(context, &rules.public_url, &staff_id, day);
        let digest = draft.digest(tx.campaign(), day, link);
        let body = rules.messages.render("digest.txt", &digest)?;
        for channel in recipients.routes(&staff_id) {
            let form = context.channel(channel).map(|channel| channel.form);
            let (body, html) = match form {
                Some(Form::Short) => (rules.messages.render("sms.txt", &digest)?, None),
                Some(Form::Mail) => {
                    (body.clone(), Some(rules.messages.render("digest.html", &digest)?))
                }
                _ => (body.clone(), None),
            };
            let (staff_id, channel) = (staff_id.clone(), channel.clone());
            let (topic, title) = (DIGEST.to_owned(), digest.title.clone());
            notices.push(NewNotice { staff_id, channel, on: day, topic, title, body, html });
        }
    }
    Ok(notices)
}
