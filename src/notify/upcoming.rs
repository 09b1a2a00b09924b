//! What the coming days would tell by another plan, without changing anything.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::civil::Date;

use super::recipients::Recipients;
use super::remind::PAGE;
use crate::app::plan::Preview;
use crate::db::{Session, StoreError};
use crate::domain::escalation::{Away, Day, DueGroup, Heard, Reminder};
use crate::domain::obligations::GroupKey;
use crate::domain::workdays::Workdays;

/// What a day's run would tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    pub on: Date,
    pub people: usize,
    pub duties: i64,
}

/// A day that is to come, and what it would tell.
struct Coming {
    on: Date,
    away: Away,
    told_today: HashSet<String>,
    people: BTreeSet<String>,
    duties: i64,
}

impl Coming {
    /// Tells a group's due steps in mind: moves it up the ladder, and remembers who heard.
    fn tell(
        &mut self,
        group: &mut DueGroup,
        heard: &mut Heard,
        people: &Recipients,
        workdays: &Workdays,
    ) {
        let Recipients { roster, plan, .. } = people;
        let Coming { on, away, told_today, .. } = self;
        let day = Day { on: *on, plan, workdays, roster, away, told_today };
        let decision = day.decide(group, heard);
        group.next_step = decision.advance.next_step;
        self.duties += decision.duties;
        for Reminder { group, step, staff, .. } in decision.reminders {
            heard.told.insert((group, step, staff.clone()));
            self.people.insert(staff);
        }
    }
}

/// What the next `days` workdays' runs would tell by the plan that the snapshot supposes, if nothing else happened.
///
/// # Errors
/// Where the record can't be read.
pub async fn upcoming(
    snapshot: &mut Session,
    days: usize,
    preview: Preview,
) -> Result<Vec<Upcoming>, StoreError> {
    let mut coming = coming_days(snapshot, days).await?;
    let Some(last) = coming.last().map(|day| day.on) else { return Ok(Vec::new()) };
    let recipients = Recipients::on(snapshot, last).await?;
    let mut moves = preview.moves;
    let mut holders = HashMap::new();
    let mut after = String::new();
    loop {
        let groups = snapshot.open_groups(&after, PAGE).await?;
        let Some((_, group)) = groups.last() else { break };
        after.clone_from(&group.id);
        let due: Vec<DueGroup> = groups.iter().map(|(_, group)| group.clone()).collect();
        let mut heard = snapshot.heard(&due).await?;
        let workdays = &snapshot.context().workdays;
        for (key, mut group) in groups {
            group.open = moves.of(&key, group.open);
            for day in &mut coming {
                day.tell(&mut group, &mut heard, &recipients, workdays);
            }
            if let Some(issue) = key.issue_id {
                holders.insert(issue, (group.holder, group.category));
            }
        }
    }
    let workdays = &snapshot.context().workdays;
    for (key, open) in moves.into_new() {
        let of_issue = key.issue_id.as_ref().and_then(|issue| holders.get(issue));
        let (holder, category) = of_issue.copied().unwrap_or_default();
        let mut group = new_group(key, open);
        (group.holder, group.category) = (holder, category);
        let mut heard = Heard::default();
        for day in &mut coming {
            day.tell(&mut group, &mut heard, &recipients, workdays);
        }
    }
    let told = coming.into_iter().filter(|day| !day.people.is_empty());
    let day = |Coming { on, people, duties, .. }| Upcoming { on, people: people.len(), duties };
    Ok(told.map(day).collect())
}

/// A group that isn't in the record yet, so it has no number.
fn new_group(key: GroupKey, open: i64) -> DueGroup {
    let GroupKey { kind, staff_id, role, area_id, due_on, next_step, .. } = key;
    let (id, holder, category) = (String::new(), None, None);
    DueGroup { id, kind, staff_id, role, area_id, due_on, next_step, open, holder, category }
}

async fn coming_days(session: &mut Session, days: usize) -> Result<Vec<Coming>, StoreError> {
    let mut coming = Vec::with_capacity(days);
    let today = session.context().clock.today();
    // This morning still comes, where nobody was reminded yet.
    let mut next =
        if session.reminded_on(today).await? { today.tomorrow().unwrap_or(today) } else { today };
    for _ in 0..days {
        let on = session.context().workdays.on_or_after(next);
        next = on.tomorrow().unwrap_or(on);
        let (away, told_today) = (session.away_on(on).await?, session.told_on(on).await?);
        coming.push(Coming { on, away, told_today, people: BTreeSet::new(), duties: 0 });
    }
    Ok(coming)
}
