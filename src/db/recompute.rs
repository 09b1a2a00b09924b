//! Does again, from the facts of the record, all that they made owed and paid: what the doctor holds the duties against.

use std::collections::HashSet;

use jiff::civil::Date;

use super::doctor::misprojected;
use super::duties::met_if;
use super::issue_duties::{Work, acknowledgement_of, ends, first_note};
use super::plans::read_plan;
use super::{Difference, NewDuty, Result, Tx};
use crate::domain::campaign::Campaign;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::issue::{Event, Issue};

/// The plans that were applied, oldest first, with the time of each.
struct Plans(Vec<(i64, Campaign)>);

impl Plans {
    /// The one in effect at an instant; before the first was applied, the first.
    fn at(&self, at: i64) -> Option<&Campaign> {
        let applied = self.0.iter().rev().find(|(from, _)| *from <= at);
        applied.or(self.0.first()).map(|(_, plan)| plan)
    }

    /// Since when the campaign is the present one: what was owed before it, but for issues, has ended.
    fn began(&self) -> i64 {
        let code = self.0.last().map(|(_, plan)| &plan.code);
        let other = self.0.iter().rposition(|(_, plan)| Some(&plan.code) != code);
        other.and_then(|other| self.0.get(other + 1)).map_or(i64::MIN, |(from, _)| *from)
    }
}

/// What duties rest on.
struct Grounds {
    plans: Plans,
    /// The keys of what somebody confirmed since the campaign began.
    confirmed: HashSet<String>,
    /// The keys of all that something in the record asks for.
    founded: HashSet<String>,
}

/// An issue whose duties are done again.
struct Case {
    id: String,
    number: String,
    area_id: String,
    created_at: i64,
}

from_row!(Case { id, number, area_id, created_at });

/// An event of it: its place among them, its time, and itself.
type DatedEvent = (i64, i64, Event);

/// What an issue's events made owed so far, and how it stands.
#[derive(Default)]
struct OfIssue(Vec<(NewDuty, DutyState)>);

impl OfIssue {
    fn open(&mut self, duty: NewDuty) {
        if self.0.iter().all(|(known, _)| known.key() != duty.key()) {
            self.0.push((duty, DutyState::Open));
        }
    }

    fn end(&mut self, issue: &str, event: &Event, after: &Issue) {
        for end in ends(issue, event, after) {
            self.close(end.state, |duty| duty.kind == end.kind);
        }
        if let Event::Acknowledged { role, .. } = event {
            let note = acknowledgement_of(issue, *role);
            self.close(DutyState::Met, |duty| duty.of == note);
        }
    }

    fn close(&mut self, state: DutyState, which: impl Fn(&NewDuty) -> bool) {
        let open = self.0.iter_mut().filter(|(_, state)| *state == DutyState::Open);
        open.filter(|(duty, _)| which(duty)).for_each(|(_, old)| *old = state);
    }
}

impl Tx {
    /// Makes every duty what the record says; returns which issues aren't what their events make of them.
    pub(super) async fn recompute(&mut self) -> Result<Vec<Difference>> {
        let mut grounds = self.grounds().await?;
        self.recompute_areas(&mut grounds).await?;
        self.recompute_subjects(&mut grounds).await?;
        self.recompute_residents(&mut grounds).await?;
        let misprojected = self.recompute_issues(&mut grounds).await?;
        self.cancel_all_but(&grounds.founded).await?;
        let plan = self.campaign().clone();
        self.move_dates(&plan).await?;
        Ok(misprojected)
    }

    async fn grounds(&mut self) -> Result<Grounds> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT applied_at, body FROM plans ORDER BY version")
                .fetch_all(&mut *self.db)
                .await?;
        let plans = rows.into_iter().map(|(at, body)| Ok((at, read_plan(body)?)));
        let plans = Plans(plans.collect::<Result<_>>()?);
        let confirmed: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT target FROM audit WHERE action = 'confirm' AND at >= $1",
        )
        .bind(plans.began())
        .fetch_all(&mut *self.db)
        .await?;
        Ok(Grounds { plans, confirmed: confirmed.into_iter().collect(), founded: HashSet::new() })
    }

    async fn recompute_areas(&mut self, grounds: &mut Grounds) -> Result<()> {
        for duty in self.owed_of_areas().await? {
            if duty.kind == DutyKind::SpotCheck {
                self.open_duty(&duty).await?;
                self.settle_spot_check(&duty.area_id).await?;
                grounds.founded.insert(duty.key());
            } else {
                self.hold_confirmed(&duty, grounds).await?;
            }
        }
        Ok(())
    }

    /// What someone confirms is met where the audit trail names them.
    async fn hold_confirmed(&mut self, duty: &NewDuty, grounds: &mut Grounds) -> Result<()> {
        let key = duty.key();
        self.hold_duty(duty, met_if(grounds.confirmed.contains(&key))).await?;
        grounds.founded.insert(key);
        Ok(())
    }

    async fn recompute_subjects(&mut self, grounds: &mut Grounds) -> Result<()> {
        for (subject, area, staff) in self.pairs().await? {
            let visit = NewDuty::visit(&subject, &area, &staff);
            self.open_duty(&visit).await?;
            self.return_duties(&subject, &staff).await?;
            self.settle_subject(&subject).await?;
            grounds.founded.insert(visit.key());
        }
        Ok(())
    }

    /// What is open of a subject's and isn't its visitor's goes to them.
    async fn return_duties(&mut self, subject: &str, staff: &str) -> Result<()> {
        let others: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT b.staff_id FROM duties d JOIN duty_groups b ON b.id = d.group_id
             WHERE d.subject_id = $1 AND d.state = 'open' AND b.staff_id <> $2",
        )
        .bind(subject.to_owned())
        .bind(staff.to_owned())
        .fetch_all(&mut *self.db)
        .await?;
        for other in others {
            self.hand_over_duties(subject, &other, staff).await?;
        }
        Ok(())
    }

    async fn recompute_residents(&mut self, grounds: &mut Grounds) -> Result<()> {
        let residents: Vec<String> =
            sqlx::query_scalar("SELECT id FROM residents").fetch_all(&mut *self.db).await?;
        for resident in residents {
            for (duty, met) in self.owed_for_resident(&resident).await? {
                self.hold_duty(&duty, met_if(met)).await?;
                grounds.founded.insert(duty.key());
            }
        }
        Ok(())
    }

    async fn recompute_issues(&mut self, grounds: &mut Grounds) -> Result<Vec<Difference>> {
        let cases: Vec<Case> =
            sqlx::query_as("SELECT id, number, area_id, created_at FROM issues ORDER BY number")
                .fetch_all(&mut *self.db)
                .await?;
        let mut wrong = Vec::new();
        for case in cases {
            let dated = self.dated_events(&case.id).await?;
            let events = dated.as_ref().map(|dated| dated.iter().map(|(.., event)| event));
            let found = self.issue(&case.id).await?;
            match (misprojected(&case.number, &found, events), dated) {
                (None, Some(dated)) => self.recompute_issue(&case, &dated, grounds).await?,
                // What is owed for it stays as it is until a person has looked at the issue.
                (difference, _) => {
                    wrong.extend(difference);
                    grounds.founded.extend(self.duties_of_issue(&case.id).await?);
                }
            }
        }
        Ok(wrong)
    }

    async fn duties_of_issue(&mut self, issue: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT duty_key FROM duties WHERE issue_id = $1")
            .bind(issue.to_owned())
            .fetch_all(&mut *self.db)
            .await?)
    }

    /// An issue's events; nothing where one of them can't be read.
    async fn dated_events(&mut self, issue: &str) -> Result<Option<Vec<DatedEvent>>> {
        let rows: Vec<(i64, i64, String)> = sqlx::query_as(
            "SELECT sequence, at, body FROM issue_events WHERE issue_id = $1 ORDER BY sequence",
        )
        .bind(issue.to_owned())
        .fetch_all(&mut *self.db)
        .await?;
        let event = |(sequence, at, body): (i64, i64, String)| {
            Some((sequence, at, serde_json::from_str(&body).ok()?))
        };
        Ok(rows.into_iter().map(event).collect())
    }

    async fn recompute_issue(
        &mut self,
        case: &Case,
        events: &[DatedEvent],
        grounds: &mut Grounds,
    ) -> Result<()> {
        let plans = &grounds.plans;
        for (duty, state) in self.owed_for_issue(case, events, plans).await? {
            if duty.kind.is_confirmed() {
                self.hold_confirmed(&duty, grounds).await?;
            } else {
                self.hold_duty(&duty, state).await?;
                grounds.founded.insert(duty.key());
            }
        }
        Ok(())
    }

    /// What an issue's events made owed, and how that stands after all of them.
    async fn owed_for_issue(
        &mut self,
        case: &Case,
        events: &[DatedEvent],
        plans: &Plans,
    ) -> Result<Vec<(NewDuty, DutyState)>> {
        let mut owed = OfIssue::default();
        if let Some((plan, on)) = self.plan_and_day(plans, case.created_at) {
            owed.open(first_note(plan, &self.context.workdays, &case.id, &case.area_id, on));
        }
        let mut issue = Issue::default();
        for (sequence, at, event) in events {
            // An issue whose events aren't all allowed doesn't come here.
            let Ok(after) = issue.apply(event) else { break };
            owed.end(&case.id, event, &after);
            let asks = matches!(event, Event::Classified { .. } | Event::Reopened { .. });
            let asked = after.class.filter(|_| asks).zip(self.plan_and_day(plans, *at));
            if let Some((class, (plan, on))) = asked {
                let (issue, area_id, sequence) = (&*case.id, &*case.area_id, *sequence);
                let work = Work { issue, area_id, class, sequence, on };
                for duty in self.work_owed(plan, &work).await? {
                    if duty.issue_id.is_some() || *at >= plans.began() {
                        owed.open(duty);
                    }
                }
            }
            issue = after;
        }
        Ok(owed.0)
    }

    /// The plan in effect at an instant, and the township's date of it.
    fn plan_and_day<'p>(&self, plans: &'p Plans, at: i64) -> Option<(&'p Campaign, Date)> {
        plans.at(at).zip(self.context.day_of(at))
    }

    /// Ends what is open and nothing asks for.
    async fn cancel_all_but(&mut self, founded: &HashSet<String>) -> Result<()> {
        let open: Vec<String> =
            sqlx::query_scalar("SELECT duty_key FROM duties WHERE state = 'open'")
                .fetch_all(&mut *self.db)
                .await?;
        for key in open.iter().filter(|key| !founded.contains(*key)) {
            self.set_duty(key, DutyState::Cancelled).await?;
        }
        Ok(())
    }
}
