//! The reconciler of reminders: which bundles' rungs are due today, who hears of them, one digest for each person.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use tracing::warn;

use super::digest::{Draft, Item};
use super::hearers::Hearers;
use super::links;
use super::messages::Messages;
use crate::domain::campaign::{Hearer, Rung};
use crate::domain::workdays::WorkingTime;
use crate::store::{Climb, DIGEST, DueBundle, Form, NewNotice, Store, StoreError, Telling, Tx};

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
    /// Duties of which nobody could be told at a rung.
    pub unheard: i64,
}

/// Writes the digests that are owed today, in one transaction with the ladder's next rungs: whatever
/// restarts lie between, nobody hears of the same rung twice and nobody gets two digests a day.
/// Outside working days and hours it does nothing; what is due then is due on the next.
pub async fn remind(store: &Store, rules: &ReminderRules) -> Result<Reminded, StoreError> {
    let now = store.around().clock.local();
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
    let mut on = tx.around().clock.today();
    for _ in 0..days {
        on = tx.around().workdays.on_or_after(on.tomorrow().unwrap_or(on));
        let (reminded, notices) = evaluate(tx, rules, on).await?;
        tx.put_notices(&notices).await?;
        let Reminded { people, duties, .. } = reminded;
        if people > 0 {
            all.push(Upcoming { on, people, duties });
        }
    }
    Ok(all)
}

/// How many bundles are held at once.
const PAGE: i64 = 4_000;

/// Tells every rung that is due by `day` and moves the bundles up; the notices are still to be put.
async fn evaluate(
    tx: &mut Tx,
    rules: &ReminderRules,
    day: Date,
) -> Result<(Reminded, Vec<NewNotice>), StoreError> {
    let mut page = tx.due_bundles(day, "", PAGE).await?;
    if page.is_empty() {
        return Ok(Default::default());
    }
    let hearers = Hearers::on(tx, day).await?;
    let mut round = Round {
        today: day,
        told_today: tx.told_on(day).await?,
        told_before: tx.told_of_due(day).await?,
        acknowledged: tx.acknowledged(day).await?,
        hearers: &hearers,
        tellings: Vec::new(),
        climbs: Vec::new(),
        digests: BTreeMap::new(),
        reminded: Reminded::default(),
    };
    while let Some(last) = page.last().map(|bundle| bundle.id.clone()) {
        for bundle in &page {
            round.tell(tx, bundle);
        }
        tx.put_tellings(&std::mem::take(&mut round.tellings), day).await?;
        tx.climb(&std::mem::take(&mut round.climbs)).await?;
        page = tx.due_bundles(day, &last, PAGE).await?;
    }
    let Round { digests, mut reminded, .. } = round;
    reminded.people = digests.len();
    let notices = write(tx, rules, day, &hearers, digests).await?;
    Ok((reminded, notices))
}

/// One day's telling.
struct Round<'r> {
    today: Date,
    hearers: &'r Hearers,
    /// Who already has a digest of today, from an earlier run.
    told_today: HashSet<String>,
    /// Who was told of a due rung on an earlier day, when another couldn't be told yet.
    told_before: HashSet<(String, i64, String)>,
    acknowledged: HashSet<(String, String, bool)>,
    tellings: Vec<Telling>,
    climbs: Vec<Climb>,
    /// What each person is told of.
    digests: BTreeMap<String, Vec<Item>>,
    reminded: Reminded,
}

impl Round<'_> {
    /// Puts the bundle's due rungs into the digests of those who hear, and moves it up the ladder.
    fn tell(&mut self, tx: &Tx, bundle: &DueBundle) {
        let (around, campaign) = (tx.around(), tx.campaign());
        let rungs = campaign.rungs(bundle.kind);
        let told_on: Vec<Date> =
            rungs.iter().map(|rung| rung.told_on(bundle.due_on, &around.workdays)).collect();
        let first = usize::try_from(bundle.next_rung).unwrap_or(0).min(rungs.len());
        let passed = told_on[first..].iter().take_while(|on| **on <= self.today).count();
        let mut postponed = false;
        if bundle.open > 0 {
            self.reminded.duties += bundle.open;
            for index in latest_for_each(&rungs[first..first + passed], first) {
                postponed |= !self.tell_rung(bundle, rungs, index);
            }
        }
        let next = first + passed;
        let (next, on) = if postponed {
            (first, self.today.tomorrow().ok())
        } else {
            (next, told_on.get(next).copied())
        };
        let next_rung = i64::try_from(next).unwrap_or(i64::MAX);
        self.climbs.push(Climb { bundle: bundle.id.clone(), next_rung, on });
    }

    /// False where whoever hears already has today's digest: it waits for tomorrow's.
    fn tell_rung(&mut self, bundle: &DueBundle, rungs: &[Rung], index: usize) -> bool {
        let Some(hearing) = self.hearers.hearer(bundle, rungs, index) else {
            warn!(bundle = %bundle.id, kind = bundle.kind.code(), who = ?rungs[index].who, "nobody can be told");
            self.reminded.unheard += bundle.open;
            return true;
        };
        let late = rungs[index].days > 0;
        let rung = i64::try_from(index).unwrap_or(i64::MAX);
        let person = hearing.person;
        if self.acknowledged.contains(&(bundle.id.clone(), person.clone(), late))
            || self.told_before.contains(&(bundle.id.clone(), rung, person.clone()))
        {
            return true;
        }
        if self.told_today.contains(&person) {
            return false;
        }
        if hearing.instead_of.is_some() {
            self.reminded.stood_in += bundle.open;
        }
        let own = rungs[index].who == Hearer::Owner;
        let items = self.digests.entry(person.clone()).or_default();
        Item::mention(items, bundle, own, hearing.instead_of.clone());
        self.tellings.push(Telling {
            bundle: bundle.id.clone(),
            rung,
            staff: person,
            instead_of: hearing.instead_of,
            duties: bundle.open,
        });
        true
    }
}

/// Of rungs that passed together (the service was down), the latest for each who hears, by their places in the ladder.
fn latest_for_each(passed: &[Rung], first: usize) -> Vec<usize> {
    let mut latest: Vec<(Hearer, usize)> = Vec::new();
    for (offset, rung) in passed.iter().enumerate() {
        latest.retain(|(earlier, _)| *earlier != rung.who);
        latest.push((rung.who, first + offset));
    }
    latest.into_iter().map(|(_, index)| index).collect()
}

/// Each person's digest, for each of their channels.
async fn write(
    tx: &mut Tx,
    rules: &ReminderRules,
    day: Date,
    hearers: &Hearers,
    digests: BTreeMap<String, Vec<Item>>,
) -> Result<Vec<NewNotice>, StoreError> {
    let mut notices = Vec::new();
    for (staff_id, items) in digests {
        let mut draft = Draft::new(hearers, &staff_id, items);
        draft.name(tx).await?;
        let around = tx.around();
        let link = links::digest(around, &rules.public_url, &staff_id, day);
        let digest = draft.digest(tx.campaign(), day, link);
        let body = rules.messages.render("digest.txt", &digest)?;
        for channel in hearers.routes(&staff_id) {
            let form = around.channel(channel).map(|channel| channel.form);
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
