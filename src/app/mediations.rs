//! 矛盾调解 (三(三) 化解矛盾纠纷): who was heard and what they agreed on, of an issue; and whether they keep to it.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::casework::{Files, From, RuleBook};
use super::issues::no_issue;
use super::problem::{About, Outcome, Outcomes, Problem, all_well};
use crate::db::personal;
use crate::db::{
    FollowedRow, IssueRow, MediationRow, NewMediationRow, Result, Session, Tx, Upsert,
};
use crate::domain::campaign::Campaign;

/// What a row tells of the mediation of an issue on a day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mediation {
    pub issue: String,
    pub on: Date,
    pub mediator: String,
    pub parties: String,
    /// Nothing where they didn't agree.
    pub agreement: Option<String>,
    /// When it's seen to again.
    pub follow_up_on: Option<Date>,
    pub followed: Option<Followed>,
    /// Who recorded it, as they sign.
    pub by: String,
}

/// What was seen at the visit afterwards.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Followed {
    pub on: Date,
    pub by: String,
    pub kept: bool,
    pub text: String,
}

/// What these rows would do.
pub async fn check(session: &mut Session, rows: &[Mediation]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Records mediations, and what came of them. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[Mediation]) -> Result<Outcomes> {
    let decided = decide(tx, rows).await?;
    if !all_well(&decided.outcomes) {
        return Ok(decided.outcomes);
    }
    tx.add_mediations(&decided.added).await?;
    tx.put_followed(&decided.followed).await?;
    for (act, number, by) in &decided.acts {
        tx.audit(by, act, number, &serde_json::json!({})).await?;
    }
    let subjects: Vec<&str> = decided.subjects.iter().map(String::as_str).collect();
    if !subjects.is_empty() {
        let book = RuleBook::read(tx).await?;
        Files::load(tx, &subjects, From::Row, &book).await?.write(tx, &book, "mediation").await?;
    }
    Ok(decided.outcomes)
}

/// Records what was seen afterwards of the mediation of that day, as a row of the table does.
pub async fn follow_up(
    tx: &mut Tx,
    issue: &IssueRow,
    of: Date,
    followed: Followed,
) -> Result<Outcomes> {
    let Some(known) = of_day(tx, &issue.id, of).await?.filter(MediationRow::is_open) else {
        let text = format!("{of} 没有约定了回访、还没有回访的调解，请看过最新的情况再登记");
        return Ok(vec![Err(Problem::new(About::Mediation, text))]);
    };
    let said = known.open(tx.context())?;
    let row = Mediation {
        issue: issue.number.clone(),
        on: of,
        mediator: said.mediator,
        parties: said.parties,
        agreement: said.agreement,
        follow_up_on: known.follow_up_on()?,
        by: followed.by.clone(),
        followed: Some(followed),
    };
    put(tx, &[row]).await
}

/// Whether just this is recorded of the mediation of its day.
pub async fn is_recorded(session: &mut Session, issue_id: &str, row: &Mediation) -> Result<bool> {
    let Some(known) = of_day(session, issue_id, row.on).await? else { return Ok(false) };
    let said = known.open(session.context())?;
    Ok(said.parties == row.parties
        && said.mediator == row.mediator
        && said.agreement == row.agreement
        && known.follow_up_on()? == row.follow_up_on)
}

/// Whether just this is recorded as seen after the mediation of that day.
pub async fn is_followed(
    session: &mut Session,
    issue_id: &str,
    of: Date,
    followed: &Followed,
) -> Result<bool> {
    let Some(known) = of_day(session, issue_id, of).await? else { return Ok(false) };
    Ok(known.followed_on == Some(followed.on.to_string())
        && known.kept == Some(i64::from(followed.kept))
        && known.open(session.context())?.followed.as_ref() == Some(&followed.text))
}

async fn of_day(session: &mut Session, issue_id: &str, on: Date) -> Result<Option<MediationRow>> {
    let rows = session.mediations_of_issues(&[issue_id]).await?;
    Ok(rows.into_iter().find(|row| row.mediated_on == on.to_string()))
}

/// What rows would do.
#[derive(Default)]
struct Decided {
    outcomes: Outcomes,
    added: Vec<NewMediationRow>,
    followed: Vec<FollowedRow>,
    acts: Vec<(&'static str, String, String)>,
    subjects: Vec<String>,
}

async fn decide(session: &mut Session, rows: &[Mediation]) -> Result<Decided> {
    let numbers: Vec<&str> = rows.iter().map(|row| row.issue.as_str()).collect();
    let issues = session.issues_numbered(&numbers).await?;
    let by_number: HashMap<&str, &IssueRow> =
        issues.iter().map(|row| (row.number.as_str(), row)).collect();
    let ids: Vec<&str> = issues.iter().map(|row| row.id.as_str()).collect();
    let known = session.mediations_of_issues(&ids).await?;
    let known: HashMap<(&str, &str), &MediationRow> =
        known.iter().map(|row| ((row.issue_id.as_str(), row.mediated_on.as_str()), row)).collect();
    let mut decided = Decided::default();
    for row in rows {
        let Some(issue) = by_number.get(row.issue.as_str()) else {
            decided.outcomes.push(Err(no_issue(&row.issue)));
            continue;
        };
        let on = row.on.to_string();
        let known = known.get(&(issue.id.as_str(), on.as_str())).copied();
        let outcome = decided.take(session, row, issue, known)?;
        decided.outcomes.push(outcome);
    }
    Ok(decided)
}

impl Decided {
    fn take(
        &mut self,
        session: &Session,
        row: &Mediation,
        issue: &IssueRow,
        known: Option<&MediationRow>,
    ) -> Result<Outcome> {
        if let Err(problem) = row.fits(session.campaign(), session.today()) {
            return Ok(Err(problem));
        }
        let context = session.context();
        let id = known.map_or_else(|| context.id(), |known| known.id.clone());
        if let Some(known) = known {
            let said = known.open(context)?;
            let same = said.parties == row.parties
                && said.mediator == row.mediator
                && (row.agreement.is_none() || said.agreement == row.agreement)
                && known.follow_up_on()? == row.follow_up_on;
            if !same {
                return Ok(Err(row.differs()));
            }
        } else {
            self.added.push(NewMediationRow {
                id: id.clone(),
                issue_id: issue.id.clone(),
                mediated_on: row.on.to_string(),
                mediator_sealed: context.seal(personal::MEDIATION_MEDIATOR, &id, &row.mediator)?,
                parties_sealed: context.seal(personal::MEDIATION_PARTIES, &id, &row.parties)?,
                agreement_sealed: context.seal_optional(
                    personal::MEDIATION_AGREEMENT,
                    &id,
                    row.agreement.as_deref(),
                )?,
                follow_up_on: row.follow_up_on.map(|on| on.to_string()),
                created_at: session.now(),
            });
            self.acts.push(("mediate", row.issue.clone(), row.by.clone()));
        }
        let is_followed = known.is_some_and(|known| known.followed_on.is_some());
        let news = row.followed.as_ref().filter(|_| !is_followed);
        if let Some(Followed { on, by, kept, text }) = news {
            let followed_by = context.seal(personal::MEDIATION_FOLLOWED_BY, &id, by)?;
            let followed_sealed = context.seal(personal::MEDIATION_FOLLOWED, &id, text)?;
            self.followed.push(FollowedRow {
                id,
                followed_on: on.to_string(),
                followed_by,
                kept: i64::from(*kept),
                followed_sealed,
            });
            self.acts.push(("follow_up_mediation", row.issue.clone(), by.clone()));
        }
        if known.is_some() && news.is_none() {
            return Ok(Ok(Upsert::Same.into()));
        }
        self.subjects.push(issue.subject_id.clone());
        Ok(Ok(if known.is_none() { Upsert::Added.into() } else { Upsert::Changed.into() }))
    }
}

impl Mediation {
    /// What is recorded of that day says something else.
    fn differs(&self) -> Problem {
        let text = format!(
            "「{}」{} 的调解已登记，调解人、当事人、协议或约定的回访日期与这里不同：不能改写，另一次调解请填另外的日期",
            self.issue, self.on
        );
        Problem::new(About::Mediation, text)
    }

    /// Whether its days can be.
    fn fits(&self, plan: &Campaign, today: Date) -> std::result::Result<(), Problem> {
        let wrong = |about, text: String| Err(Problem::new(about, text));
        if let Err(why) = plan.has_been(self.on, today) {
            return wrong(About::Date, format!("调解{why}"));
        }
        if let Some(Err(why)) = self.follow_up_on.map(|on| plan.may_come(on)) {
            return wrong(About::FollowUp, format!("约定回访的{why}"));
        }
        if self.agreement.is_some() && self.follow_up_on.is_none() {
            let text = "达成了协议，要约定回访日期（看协议履行得怎样）";
            return wrong(About::FollowUp, text.to_owned());
        }
        if let Some(on) = self.follow_up_on.filter(|on| *on < self.on) {
            return wrong(About::FollowUp, format!("约定的回访日期 {on} 早于调解日期"));
        }
        match &self.followed {
            Some(followed) if followed.on < self.on || followed.on > today => {
                wrong(About::Date, format!("回访日期 {} 早于调解日期，或还没有到", followed.on))
            }
            _ => Ok(()),
        }
    }
}
