//! Reminds: a day's due steps are told, and each person who heard is owed one digest of it.
//!
//! A day is told in short turns. Each takes some due groups, decides, and writes in one commit who was told, that they are
//! owed a digest, and each group's next step; then each digest is paid once. Whatever dies in between, the next run goes
//! on from there: nobody hears a step twice, nobody gets two digests a day, and nothing that was told is lost.

use std::collections::HashMap;

use jiff::civil::Date;
use tracing::warn;

use crate::db::{NewNotice, Said, Session, Store, StoreError, Tx};
use crate::domain::duty::DutyKind;
use crate::domain::escalation::{Away, Day, DueGroup, Late, Roster, Routes};
use crate::domain::staff::Holders;

/// How many groups a turn tells.
pub const GROUPS: i64 = 250;
/// How many reminders of an earlier day a turn moves to today's digests.
const CARRIED: i64 = 2_000;

/// What a turn did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Duties whose step was due.
    pub duties: i64,
    /// Of these, how many somebody heard in place of whoever was meant.
    pub stood_in: i64,
    /// Of how many nobody could be told at a step.
    pub unheard: i64,
}

impl std::ops::AddAssign for Told {
    fn add_assign(&mut self, more: Told) {
        self.duties += more.duties;
        self.stood_in += more.stood_in;
        self.unheard += more.unheard;
    }
}

/// Who is who on a day, by which channels they are told, and who is late with what.
///
/// # Errors
/// Where the record can't be read.
pub async fn roster(session: &mut Session, day: Date) -> Result<Roster, StoreError> {
    let (tree, staff) = (session.area_tree().await?, session.staff().await?);
    let dead = session.dead_addresses().await?;
    let context = session.context();
    let routes: Routes = staff
        .iter()
        .map(|person| (person.id.clone(), context.routes(person, &dead)))
        .filter(|(_, routes)| !routes.is_empty())
        .collect();
    let mut roster = Roster { tree, holders: Holders::new(staff), routes, late: Late::new() };
    roster.late = late(session, &roster, day).await?;
    Ok(roster)
}

/// Who of those who might be told of others' lateness is late with the same, on their own.
async fn late(session: &mut Session, roster: &Roster, day: Date) -> Result<Late, StoreError> {
    let above = roster.holders.all().into_iter().filter(|person| person.rank() > 0);
    let above: Vec<&str> = above.map(|person| person.id.as_str()).collect();
    let groups = session.late_groups(&above, day).await?;
    let plan = session.campaign();
    let owners = |group: &DueGroup| -> Vec<(DutyKind, String)> {
        let owners = roster.owners(group, plan).into_iter();
        owners.map(|owner| (group.kind, owner.id.clone())).collect()
    };
    Ok(groups.iter().flat_map(owners).collect())
}

/// What was told before `day` and never reached its reader goes into that day's digest.
///
/// # Errors
/// Where the record can't be written.
pub async fn carry_over(store: &Store, day: Date) -> Result<(), StoreError> {
    loop {
        let mut tx = store.begin().await?;
        let more = tx.carry_over(day, CARRIED).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
    }
}

/// Tells the steps that are due by `day` of some groups, at most `limit`, in one turn; `None` where nothing is due any
/// more.
///
/// # Errors
/// Where the record can't be read or written: nothing was told then.
pub async fn tell(
    store: &Store,
    roster: &Roster,
    away: &Away,
    day: Date,
    limit: i64,
) -> Result<Option<Told>, StoreError> {
    let mut tx = store.begin().await?;
    let groups = tx.some_due_groups(day, limit).await?;
    if groups.is_empty() {
        tx.rollback().await?;
        return Ok(None);
    }
    let (heard, told_today) = (tx.heard(&groups).await?, tx.told_on(day).await?);
    let (mut reminders, mut advances, mut told) = (Vec::new(), Vec::new(), Told::default());
    {
        let (plan, workdays) = (tx.campaign(), &tx.context().workdays);
        let day = Day { on: day, plan, workdays, roster, away, told_today: &told_today };
        for group in &groups {
            let decision = day.decide(group, &heard);
            for _ in &decision.unheard {
                warn!(event = "remind.nobody", group = %group.id, kind = group.kind.code(), "nobody can be told");
            }
            let instead = decision.reminders.iter().filter(|told| told.instead_of.is_some());
            told += Told {
                duties: decision.duties,
                stood_in: instead.map(|told| told.duties).sum(),
                unheard: group.open * i64::try_from(decision.unheard.len()).unwrap_or(0),
            };
            reminders.extend(decision.reminders);
            advances.push(decision.advance);
        }
    }
    tx.put_reminders(&reminders, day).await?;
    tx.advance(&advances).await?;
    tx.commit().await?;
    Ok(Some(told))
}

/// Pays the digests of these people, each with its notices, in one turn: those that aren't owed any more are left out.
/// A person without a notice has nothing left to hear of. How many people are told.
///
/// # Errors
/// Where the record can't be written: they are still owed then.
pub async fn pay_digests(
    store: &Store,
    digests: HashMap<String, Vec<NewNotice>>,
) -> Result<usize, StoreError> {
    let mut tx = store.begin().await?;
    let people = pay(&mut tx, digests).await?;
    tx.commit().await?;
    Ok(people)
}

async fn pay(tx: &mut Tx, digests: HashMap<String, Vec<NewNotice>>) -> Result<usize, StoreError> {
    let people: Vec<&str> = digests.keys().map(String::as_str).collect();
    let owed = tx.pay_digests(&people).await?;
    let owed = digests.into_iter().filter(|(person, _)| owed.contains(person));
    let owed: Vec<Vec<NewNotice>> = owed.map(|(_, notices)| notices).collect();
    let told = owed.iter().filter(|notices| !notices.is_empty()).count();
    tx.put_notices(&owed.into_iter().flatten().collect::<Vec<_>>()).await?;
    Ok(told)
}

/// Words anew what these people's digests of a day say, where they still wait: how many messages say less, and how many aren't
/// sent as nothing is left to say.
///
/// # Errors
/// Where the record can't be written: they say then what they said.
pub async fn reword(
    store: &Store,
    day: Date,
    people: &[&str],
    notices: &[NewNotice],
    said: &[Said],
) -> Result<(usize, usize), StoreError> {
    let mut tx = store.begin().await?;
    let done = tx.reword_digests(day, people, notices, said).await?;
    tx.commit().await?;
    Ok(done)
}
