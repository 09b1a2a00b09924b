//! What the sandbox has received, and how each request goes on: a course fixed when it's stored, read
//! off by the clock.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::faults::{Fault, Faults};
use crate::clock::Chance;

/// What a form or a query carries.
pub type Fields = BTreeMap<String, String>;

/// One request as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    pub service_request_id: String,
    pub token: Option<String>,
    pub requested_datetime: Timestamp,
    pub form: Fields,
    #[serde(skip)]
    pub course: Vec<Step>,
}

/// What the kind of platform says of what it stores.
pub struct Rules<'r> {
    pub seed: u64,
    pub faults: &'r Faults,
    pub always_token: bool,
    pub reopens: bool,
    /// The number of the so manieth request.
    pub number: fn(usize) -> String,
}

/// From when a status holds.
#[derive(Debug, Clone)]
pub struct Step {
    pub from: Timestamp,
    pub word: &'static str,
    pub notes: &'static str,
}

/// A message about a request, as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub at: Timestamp,
    pub form: Fields,
}

/// One digest that arrived at the sandbox's webhook.
#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    pub webhook_id: String,
    pub body: serde_json::Value,
}

/// Everything received.
#[derive(Debug, Default)]
pub struct Ledger {
    /// How often it was asked something, and given something.
    pub asked: usize,
    pub given: usize,
    pub requests: Vec<Stored>,
    pub messages: Vec<Message>,
    pub notices: Vec<Notice>,
}

impl Stored {
    /// How it stands at `now`: the newest step and those before it.
    pub fn steps_until(&self, now: Timestamp) -> &[Step] {
        let count = self.course.iter().take_while(|step| step.from <= now).count();
        &self.course[..count.max(1)]
    }
}

impl Ledger {
    /// Stores a message. Returns its number.
    pub fn take_message(&mut self, form: Fields, at: Timestamp) -> usize {
        self.messages.push(Message { at, form });
        self.messages.len()
    }

    /// Stores a request and fixes its course by the seed and its description, so that the same matter
    /// goes the same way whatever the order of arrival.
    pub fn store(&mut self, form: Fields, now: Timestamp, rules: &Rules<'_>) -> Stored {
        let mut hasher = DefaultHasher::new();
        (rules.seed, form.get("description")).hash(&mut hasher);
        let chance = Chance::seeded(hasher.finish());
        let place = self.requests.len() + 1;
        let has_token = rules.faults.happens(Fault::Token, &chance) || rules.always_token;
        let stored = Stored {
            service_request_id: (rules.number)(place),
            token: has_token.then(|| format!("t-{place:07}")),
            requested_datetime: now,
            course: course(&form, now, &chance, rules),
            form,
        };
        self.requests.push(stored.clone());
        stored
    }
}

/// Received, accepted within a day, worked on within three more, closed within nine more; some are
/// refused instead, a matter at most once, so that every one ends. Where the platform reopens, what was closed is
/// worked on again a day later and closed again.
fn course(form: &Fields, now: Timestamp, chance: &Chance, rules: &Rules<'_>) -> Vec<Step> {
    let hours = |most: usize| SignedDuration::from_hours(1 + chance.below(most) as i64);
    let day = SignedDuration::from_hours(24);
    let accepted = now + hours(24);
    let started = accepted + hours(72);
    let ended = started + hours(9 * 24);
    let first_round = form.get("description").is_some_and(|text| text.contains("-R1]"));
    let step = |from, word, notes| Step { from, word, notes };
    let mut steps = vec![step(now, "open", "已收到")];
    if first_round && rules.faults.happens(Fault::Refuse, chance) {
        steps.push(step(accepted, "rejected", "情况不明，请补充后重报"));
        return steps;
    }
    steps.push(step(accepted, "accepted", "已转办至责任单位"));
    steps.push(step(started, "in_progress", "责任单位正在办理"));
    steps.push(step(ended, "closed", "已办结，请回访群众"));
    if rules.reopens {
        steps.push(step(ended + day, "in_progress", "复查未通过，重新办理"));
        steps.push(step(ended + day * 6, "closed", "已重新办结，请回访群众"));
    }
    steps
}
