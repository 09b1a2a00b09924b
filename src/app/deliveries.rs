//! Deliveries are settled, and claimed: what it means for a referral, a message, a photo or a notice that it arrived, was
//! refused, or isn't owed any more; and what a named person decides of one.

use std::collections::HashMap;

use async_trait::async_trait;
use tracing::error;

use super::issues::referral_refused;
use super::receive_updates::{referrals_delivered, referrals_numbered};
use crate::db::{Act, Decision, Store, StoreError, Tx};
use crate::domain::delivery::{
    Claim, Entry, Kept, Receipt, Settlement, Withdrawal, arrived_late, keep, number_taken,
    of_the_debt,
};
use crate::domain::referral::is_a_number;

/// A claimed entry with how its claim ended.
pub type Ended = (Entry, Settlement);

/// The outbox, as whoever delivers needs it.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Writes how claims ended and takes the next entries, in one turn: all of it is kept or nothing. Writing the same
    /// ends again changes nothing more.
    ///
    /// # Errors
    /// Where it may not have been kept: the same ends are to be written again.
    async fn settle_and_claim(
        &self,
        claim: &Claim<'_>,
        ended: &[Ended],
    ) -> Result<Vec<Entry>, StoreError>;

    /// When the lane's next entry may be taken, if it has one.
    ///
    /// # Errors
    /// Where the record can't be read.
    async fn next_attempt(&self, lane: &str) -> Result<Option<i64>, StoreError>;

    /// Which of these entries, by their ids, aren't owed any more, and why.
    ///
    /// # Errors
    /// Where the record can't be read.
    async fn withdrawn(&self, ids: &[&str]) -> Result<HashMap<String, Withdrawal>, StoreError>;
}

/// The record's outbox.
#[derive(Debug, Clone)]
pub struct Deliveries {
    store: Store,
}

impl Deliveries {
    pub const fn new(store: Store) -> Deliveries {
        Deliveries { store }
    }

    async fn turn(&self, claim: &Claim<'_>, ended: &[Ended]) -> Result<Vec<Entry>, StoreError> {
        let mut tx = self.store.begin().await?;
        tx.settle(claim, ended).await?;
        if let Some(held) = claim.holds {
            tx.release_all_but(claim, held).await?;
        }
        let claimed = if claim.limit > 0 {
            tx.refuse_older().await?;
            tx.claim(claim).await?
        } else {
            Vec::new()
        };
        tx.commit().await?;
        Ok(claimed)
    }

    /// One end that can't be written for a reason of its own stops no other: each is written in a turn of its own, and
    /// that one is held for a person.
    async fn settle_each(&self, claim: &Claim<'_>, ended: &[Ended]) -> Result<(), StoreError> {
        let alone = Claim { limit: 0, holds: None, ..*claim };
        for end in ended {
            let end = std::slice::from_ref(end);
            let Err(error) = self.turn(&alone, end).await else { continue };
            if !error.is_of_the_data() {
                return Err(error);
            }
            let mut tx = self.store.begin().await?;
            tx.hold_unsettled(&alone, end, &error).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Holds one whose end the record can't take.
const UNKEPT: &str = "可能已送达，结果却记不下来：请核实后认定下落，并告诉程序维护人员";

#[async_trait]
impl Outbox for Deliveries {
    async fn settle_and_claim(
        &self,
        claim: &Claim<'_>,
        ended: &[Ended],
    ) -> Result<Vec<Entry>, StoreError> {
        match self.turn(claim, ended).await {
            Err(error) if error.is_of_the_data() && !ended.is_empty() => {
                self.settle_each(claim, ended).await?;
                self.turn(claim, &[]).await
            }
            done => done,
        }
    }

    async fn next_attempt(&self, lane: &str) -> Result<Option<i64>, StoreError> {
        self.store.next_attempt(lane).await
    }

    async fn withdrawn(&self, ids: &[&str]) -> Result<HashMap<String, Withdrawal>, StoreError> {
        self.store.withdrawn(ids).await
    }
}

impl Tx {
    /// Writes how claims ended, and what follows. A lease that was lost meanwhile is another's to settle: it will look
    /// first. An entry that isn't owed any more is settled by that.
    async fn settle(&mut self, claim: &Claim<'_>, ended: &[Ended]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let ids: Vec<&str> = ended.iter().map(|(entry, _)| entry.id.as_str()).collect();
        let held = self.held_by(claim.owner, &ids).await?;
        // A lease that was lost gives nothing, no number either.
        let ours = ended.iter().filter(|(entry, _)| held.contains_key(&entry.id));
        let taken = self.taken_numbers(&ours.cloned().collect::<Vec<_>>()).await?;
        let own: Vec<(&Entry, Settlement, Kept)> = ended
            .iter()
            .filter_map(|(entry, settlement)| {
                let withdrawn = *held.get(&entry.id)?;
                let settlement = match taken.get(&entry.id) {
                    Some((number, other)) => number_taken(number, other),
                    None => of_the_debt(entry, settlement.clone(), withdrawn, now),
                };
                let mut kept = keep(entry, &settlement, withdrawn, now);
                if let Some((number, _)) = taken.get(&entry.id) {
                    kept.unknown_since = kept.unknown_since.or(Some(now));
                    kept.accepted_at = kept.accepted_at.or(Some(now));
                    kept.given_number = Some(number.clone());
                }
                Some((entry, settlement, kept))
            })
            .collect();
        let kept: Vec<(&Entry, Kept)> =
            own.iter().map(|(entry, _, kept)| (*entry, kept.clone())).collect();
        self.write_kept(&kept).await?;
        self.follow(&own).await?;
        self.mark_contacts(claim.lane, ended).await
    }

    /// Which of these arrived under a number that the record knows as another's, by their entries: the number, and whose
    /// it is. One number is one referral's.
    async fn taken_numbers(
        &mut self,
        ended: &[Ended],
    ) -> Result<HashMap<String, (String, String)>, StoreError> {
        let arrived: Vec<(&Entry, &str)> = ended
            .iter()
            .filter(|(entry, _)| entry.kind == "referral")
            .filter_map(|(entry, settlement)| match settlement {
                Settlement::Delivered(receipt) => Some((entry, receipt.remote_id.as_deref()?)),
                _ => None,
            })
            .collect();
        let those: Vec<(&str, &str)> =
            arrived.iter().map(|(entry, number)| (&*entry.target_id, *number)).collect();
        let others = self.numbers_of_others(&those).await?;
        let mut first: HashMap<&str, &Entry> = HashMap::new();
        let mut taken = HashMap::new();
        for (entry, number) in arrived {
            let earlier = first.get(number).filter(|earlier| earlier.target_id != entry.target_id);
            let other = others.get(&entry.target_id).cloned();
            match other.or(earlier.map(|earlier| earlier.debt_key.clone())) {
                Some(other) => drop(taken.insert(entry.id.clone(), (number.to_owned(), other))),
                None => drop(first.insert(number, entry)),
            }
        }
        Ok(taken)
    }

    /// What follows for what the entries carried.
    async fn follow(&mut self, own: &[(&Entry, Settlement, Kept)]) -> Result<(), StoreError> {
        let (mut referred, mut cancelled) = (Vec::new(), Vec::new());
        for (entry, settlement, _) in own {
            let target = entry.target_id.as_str();
            match (entry.kind.as_str(), settlement) {
                ("referral", Settlement::Delivered(receipt)) => referred.push((target, receipt)),
                ("referral", Settlement::Cancelled { .. }) => cancelled.push(target),
                ("referral", Settlement::Refused { reason }) => {
                    referral_refused(self, target, reason).await?;
                }
                ("notice", Settlement::Refused { reason }) => {
                    self.notice_refused(target, reason).await?;
                }
                (kind, Settlement::Delivered(_)) => self.arrived(kind, target).await?,
                _ => {}
            }
        }
        referrals_delivered(self, &referred).await?;
        if !cancelled.is_empty() {
            self.referrals_cancelled(&cancelled).await?;
        }
        Ok(())
    }

    /// What isn't a referral has arrived.
    async fn arrived(&mut self, kind: &str, target_id: &str) -> Result<(), StoreError> {
        match kind {
            "message" => self.message_delivered(target_id).await,
            "photo" => self.photo_delivered(target_id).await,
            _ => self.notice_delivered(target_id).await,
        }
    }

    /// Holds for a person what ended in a way that the record can't take.
    async fn hold_unsettled(
        &mut self,
        claim: &Claim<'_>,
        ended: &[Ended],
        error: &StoreError,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let ids: Vec<&str> = ended.iter().map(|(entry, _)| entry.id.as_str()).collect();
        let held = self.held_by(claim.owner, &ids).await?;
        let mut kept = Vec::new();
        for (entry, settlement) in ended.iter().filter(|(entry, _)| held.contains_key(&entry.id)) {
            let (outcome, error) = (settlement.code(), error.for_log());
            error!(event = "delivery.unkept", outcome, error, "how it ended can't be kept");
            let reason = UNKEPT.to_owned();
            let mut keeps = keep(entry, &Settlement::Held { reason }, None, now);
            if settlement.is_attempt() {
                keeps.unknown_since = keeps.unknown_since.or(Some(now));
            }
            kept.push((entry, keeps));
        }
        self.write_kept(&kept).await
    }

    /// Carries out a person's decision of a debt, and audits it. What isn't owed any more is only looked for, or cancelled
    /// where the person has seen that it isn't there.
    ///
    /// # Errors
    /// A debt that is in flight, or settled already, can't be decided.
    pub async fn decide_debt(
        &mut self,
        debt_key: &str,
        decision: &Decision,
        by: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let debt = self.debt_to_decide(debt_key, decision).await?;
        if let Decision::Arrived { remote_id: Some(number) } = decision {
            is_a_number(number).map_err(StoreError::Rule)?;
        }
        // That two go by one number is so only where the receiver and a person both say it: it has joined them.
        if let Decision::Arrived { remote_id: Some(number) } = decision
            && debt.given_number.as_ref() != Some(number)
            && let Some(other) =
                self.numbers_of_others(&[(&debt.target_id, number)]).await?.values().next()
        {
            return Err(StoreError::Rule(format!(
                "编号 {number} 已经是 {other} 的：一个编号只能属于一件，请再核对平台上的编号"
            )));
        }
        let note = match (decision, debt.withdrawn) {
            (Decision::Absent, Some(why)) => Some(format!("{why}；经人核实没有送达，不再发送")),
            (Decision::Arrived { .. }, Some(why)) => Some(arrived_late(why)),
            _ => None,
        };
        self.write_decision(&debt, decision, note.as_deref()).await?;
        match decision {
            Decision::Arrived { remote_id: Some(number) } if debt.lacks_a_number => {
                referrals_numbered(self, &[(&debt.target_id, number)]).await?;
            }
            Decision::Arrived { remote_id } if debt.kind == "referral" => {
                if let Some(joined) = remote_id.as_ref().filter(|_| debt.given_number.is_some()) {
                    self.hear_again(joined).await?;
                }
                let receipt = Receipt { remote_id: remote_id.clone(), token: None };
                referrals_delivered(self, &[(&debt.target_id, &receipt)]).await?;
            }
            Decision::Arrived { .. } => self.arrived(&debt.kind, &debt.target_id).await?,
            Decision::Absent if debt.withdrawn.is_some() && debt.kind == "referral" => {
                self.referrals_cancelled(&[&debt.target_id]).await?;
            }
            _ => {}
        }
        let number = match decision {
            Decision::Arrived { remote_id } => remote_id.as_deref(),
            _ => None,
        };
        self.audit_act(Act {
            by,
            action: decision.code(),
            target: debt_key,
            detail: &serde_json::json!({"reason": reason, "number": number}),
            was: Some(&serde_json::json!({"state": debt.state})),
            became: None,
        })
        .await
    }
}
