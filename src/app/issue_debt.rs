//! What is owed to the platform of one issue, as the centre decides of it on the issue's page: it goes now, or it doesn't.

use super::issues::{Happening, happen};
use super::problem::{About, Outcomes, Problem};
use crate::db::{Decision, IssueReferral, Result, Session, Tx, Upsert};
use crate::domain::issue::Event;
use crate::domain::staff::StaffMember;

/// The referral of an issue's present round, with how its outbox entry stands.
#[derive(Debug)]
pub struct Debt(IssueReferral);

impl Debt {
    /// Whether it waits for the centre's review.
    pub fn is_in_review(&self) -> bool {
        self.0.sending.as_ref().is_some_and(|sending| sending.state == "review")
    }

    /// Whether it was let go, by whoever reviewed it or by its time.
    pub fn has_gone(&self) -> bool {
        let stays = |state: &str| matches!(state, "review" | "held" | "cancelled" | "refused");
        self.0.sending.as_ref().is_some_and(|sending| !stays(&sending.state))
    }

    /// Whether nobody has it but us: not on its way, nor in a workbook that was written, nor there.
    pub fn is_unsent(&self) -> bool {
        let waits = |state: &str| matches!(state, "ready" | "review" | "held" | "cancelled");
        self.0.sending.as_ref().is_none_or(|sending| !sending.doubt && waits(&sending.state))
    }

    /// Whether it certainly hasn't left.
    pub fn is_here(&self) -> bool {
        let waits = |state: &str| matches!(state, "ready" | "review" | "held" | "handed");
        self.0.sending.as_ref().is_some_and(|sending| !sending.doubt && waits(&sending.state))
    }
}

/// What is owed to the platform of an issue in this round.
///
/// # Errors
/// Where the record can't be read.
pub async fn debt_of(session: &mut Session, issue: &str, round: i64) -> Result<Option<Debt>> {
    let referrals = session.issue_referrals(issue).await?;
    Ok(referrals.into_iter().find(|referral| referral.round == round).map(Debt))
}

/// The centre has reviewed it: it goes now.
///
/// # Errors
/// Where the record can't be written, or it may not go.
pub async fn release(
    tx: &mut Tx,
    person: &StaffMember,
    issue: &str,
    round: i64,
) -> Result<Outcomes> {
    let Some(Debt(referral)) = debt_of(tx, issue, round).await? else {
        let text = "这个问题现在没有等审核的上报";
        return Ok(vec![Err(Problem::new(About::State, text))]);
    };
    let key = format!("referral:{}", referral.reference);
    tx.decide_debt(&key, &Decision::Release, &person.numbered(), "审核通过").await?;
    Ok(vec![Ok(Upsert::Changed.into())])
}

/// It doesn't go, on the word of a person of ours: the platform never hears of it, and its issue comes back.
///
/// # Errors
/// Where the record can't be written.
pub async fn give_back(
    tx: &mut Tx,
    person: &StaffMember,
    issue: &str,
    (round, reason): (i64, &str),
) -> Result<Outcomes> {
    let Some(Debt(referral)) = debt_of(tx, issue, round).await? else {
        let text = "这个问题现在没有还没上报的";
        return Ok(vec![Err(Problem::new(About::State, text))]);
    };
    tx.settle_handed(&referral.id, "cancelled").await?;
    if let Some(issue_id) = tx.refuse_referral(&referral.id).await? {
        let event = Event::Refused { reason: reason.to_owned() };
        happen(tx, &[Happening { issue_id, event, actor: person.signed() }]).await?;
    }
    Ok(vec![Ok(Upsert::Changed.into())])
}
