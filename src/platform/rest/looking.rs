//! A look by a description: what may have arrived is asked for by the call that the description has for it.

use std::time::Duration;

use async_trait::async_trait;
use minijinja::value::merge_maps;
use minijinja::{Value, context};

use super::answer::{Verdict, field, items, judge, meets_nothing, scalar, speaks};
use super::description::Call;
use super::parts::window;
use crate::delivery::Outcome;
use crate::delivery::http::{Answer, TOO_LONG};
use crate::domain::delivery::answer::{Hearing, hearing};
use crate::domain::delivery::search::{Listed, Pages, Query, Reply, Subject, Ways};
use crate::domain::following::names_one;
use crate::platform::NoContact;
use crate::platform::look::{Question, unheard};

/// Who makes the description's calls.
#[async_trait]
pub(super) trait Caller: Sync {
    /// Whether a template names this.
    fn names(&self, template: &str, name: &str) -> bool;

    async fn call(&self, call: &Call, parts: &Value) -> Result<Answer, Outcome>;

    /// How old an answer was, by the campaign's clock.
    fn age(&self, answer: &Answer) -> Duration;
}

/// What the templates have of a thing that is asked for.
pub(super) type Parts<'p> = &'p (dyn Fn(&Subject) -> Value + Sync);

/// The call by which something is looked for.
pub(super) struct Looking<'l> {
    pub caller: &'l dyn Caller,
    pub call: &'l Call,
    /// What the description calls it.
    pub name: &'static str,
    pub parts: Parts<'l>,
    /// Whether what is found has a number of its own.
    pub numbered: bool,
}

impl Looking<'_> {
    fn names(&self, names: &[&str]) -> bool {
        let named = |template| names.iter().any(|name| self.caller.names(template, name));
        self.call.templates().any(named)
    }

    /// A pointer of the call's that doesn't fit the answers.
    fn misfit(&self, key: &str, at: Option<&String>) -> NoContact {
        let key = format!("[{}.answer] {key}", self.name);
        meets_nothing(&key, at.map(String::as_str).unwrap_or_default())
    }

    fn listed(&self, things: &[&serde_json::Value]) -> Result<Vec<Listed>, NoContact> {
        let rules = &self.call.answer;
        let met = |at: Option<&String>| {
            let meets =
                |thing: &&serde_json::Value| at.is_some_and(|at| thing.pointer(at).is_some());
            things.is_empty() || things.iter().any(meets)
        };
        if !met(rules.reference.as_ref()) {
            return Err(self.misfit("reference", rules.reference.as_ref()));
        }
        if self.numbered && !met(rules.id.as_ref()) {
            return Err(self.misfit("id", rules.id.as_ref()));
        }
        let listed = |thing: &&serde_json::Value| {
            let number = field(thing, rules.id.as_ref()).filter(|number| names_one(number));
            Listed {
                key: number.clone().unwrap_or_else(|| thing.to_string()),
                number,
                words: field(thing, rules.reference.as_ref()),
            }
        };
        Ok(things.iter().map(listed).collect())
    }
}

#[async_trait]
impl Question for Looking<'_> {
    fn ways(&self) -> Ways {
        let by_subject =
            if self.numbered { &["reference", "mark"][..] } else { &["reference", "mark", "id"] };
        Ways {
            by_subject: self.names(by_subject),
            pages: if self.names(&["page"]) { Pages::Always } else { Pages::None },
            window: self.names(&["from", "to", "from_local", "to_local"]),
            // The page of many a framework where none is asked for.
            shortest_cut: 10,
        }
    }

    async fn ask(&self, query: &Query) -> Result<Reply, NoContact> {
        let page = context! { page => query.page.unwrap_or(1) };
        let parts = merge_maps([(self.parts)(&query.subject), window(query.from, query.to), page]);
        let answer = match self.caller.call(self.call, &parts).await {
            Ok(answer) => answer,
            Err(Outcome::Unknown { reason }) if reason.starts_with(TOO_LONG) => {
                return Ok(Reply::TooLong);
            }
            Err(outcome) => return Err(outcome.into()),
        };
        let rules = &self.call.answer;
        match judge(rules, &answer) {
            Verdict::Done(value) => {
                let things =
                    items(rules, &value).map_err(|_| self.misfit("items", rules.items.as_ref()))?;
                let total = rules.total.as_ref().map(|at| {
                    let count = value.pointer(at).and_then(scalar);
                    count
                        .and_then(|count| count.parse().ok())
                        .ok_or_else(|| self.misfit("total", Some(at)))
                });
                let (things, total) = (self.listed(&things)?, total.transpose()?);
                Ok(Reply::Page { things, total, age: self.caller.age(&answer) })
            }
            // By its own code.
            Verdict::NotDone(Outcome::Refused { reason }) if answer.status.is_success() => {
                Ok(Reply::Refused { why: reason, by_itself: true })
            }
            Verdict::NotDone(outcome) => match hearing(answer.status.as_u16()) {
                Hearing::Refused => unheard(&answer, "", speaks(rules, &answer)),
                Hearing::Answered | Hearing::Failed => Err(outcome.into()),
            },
        }
    }
}
