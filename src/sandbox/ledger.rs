//! What the sandbox has received, and how each request goes on: a course fixed when it's stored, read
//! off by the clock.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::faults::{Fault, Faults};
use crate::clock::Chance;

/// One request as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    pub service_request_id: String,
    pub token: Option<String>,
    pub requested_datetime: Timestamp,
    pub form: BTreeMap<String, String>,
    #[serde(skip)]
    pub course: Vec<Step>,
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
    pub form: BTreeMap<String, String>,
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

    /// Whether the number that follows a token is there yet.
    pub fn is_numbered(&self, now: Timestamp) -> bool {
        now >= self.requested_datetime + SignedDuration::from_mins(30)
    }
}

impl Ledger {
    /// Stores a message. Returns its number.
    pub fn take_message(&mut self, form: BTreeMap<String, String>, at: Timestamp) -> usize {
        self.messages.push(Message { at, form });
        self.messages.len()
    }

    /// Stores a request and fixes its course by `seed` and its description, so that the same matter
    /// goes the same way whatever the order of arrival.
    pub fn store(
        &mut self,
        form: BTreeMap<String, String>,
        now: Timestamp,
        seed: u64,
        faults: &Faults,
    ) -> Stored {
        let mut hasher = DefaultHasher::new();
        (seed, form.get("description")).hash(&mut hasher);
        let chance = Chance::seeded(hasher.finish());
        let number = self.requests.len() + 1;
        let stored = Stored {
            service_request_id: format!("{number:07}"),
            token: faults.happens(Fault::Token, &chance).then(|| format!("t-{number:07}")),
            requested_datetime: now,
            course: course(&form, now, &chance, faults),
            form,
        };
        self.requests.push(stored.clone());
        stored
    }
}

/// Received, accepted within a day, worked on within three more, closed within nine more; some are
/// refused instead, a matter at most once, so that every one ends.
fn course(
    form: &BTreeMap<String, String>,
    now: Timestamp,
    chance: &Chance,
    faults: &Faults,
) -> Vec<Step> {
    let hours = |most: usize| SignedDuration::from_hours(1 + chance.below(most) as i64);
    let accepted = now + hours(24);
    let started = accepted + hours(72);
    let ended = started + hours(9 * 24);
    let first_round = form.get("description").is_some_and(|text| text.trim_end().ends_with("-R1]"));
    let mut steps = vec![Step { from: now, word: "open", notes: "已收到" }];
    if first_round && faults.happens(Fault::Refuse, chance) {
        steps.push(Step {
            from: accepted, word: "rejected", notes: "情况不明，请补充后重报"
        });
        return steps;
    }
    steps.push(Step { from: accepted, word: "accepted", notes: "已转办至责任单位" });
    steps.push(Step { from: started, word: "in_progress", notes: "责任单位正在办理" });
    steps.push(Step { from: ended, word: "closed", notes: "已办结，请回访群众" });
    steps
}
