//! How requests stand, what changed, and what the platform calls with: by the description's [status], [changes] and [push].

use std::collections::HashSet;
use std::time::Duration;

use minijinja::value::merge_maps;
use minijinja::{Value, context};

use super::Rest;
use super::answer::{Verdict, field, items, judge, list};
use super::description::{AnswerRules, Call, Description};
use super::examine::{NO_NUMBER, NOBODY};
use super::parts::{reference_parts, window};
use crate::clock::local_text;
use crate::delivery::Outcome;
use crate::delivery::json;
use crate::domain::referral::{PlatformUpdate, Told, meaning};
use crate::platform::freshness::as_of;
use crate::platform::interface::{
    Answers, CUTS, Changed, NoContact, Unanswered, Unread, read_from,
};

/// No list is read further than this many pages.
const MOST_PAGES: usize = 1000;

impl Rest {
    /// What the things of an answer tell.
    fn answers(&self, rules: &AnswerRules, things: &[&serde_json::Value], told: Told) -> Answers {
        let mut answers = Answers::default();
        for thing in things {
            let update = self.update(rules, thing, told, &mut answers.unread);
            answers.updates.extend(update);
        }
        if told == Told::Now {
            let shown = things.iter().filter_map(|thing| {
                let text = field(thing, rules.reference.as_ref())?;
                Some((field(thing, rules.id.as_ref())?, text))
            });
            answers.note_shown(shown, &self.shows_marks);
        }
        answers
    }

    fn update(
        &self,
        rules: &AnswerRules,
        thing: &serde_json::Value,
        told: Told,
        unread: &mut Vec<Unread>,
    ) -> Option<PlatformUpdate> {
        let named = |at: &Option<String>| at.clone().unwrap_or_default();
        let found = field(thing, rules.id.as_ref()).zip(field(thing, rules.status.as_ref()));
        let Some((remote_id, word)) = found else {
            let (id, status) = (named(&rules.id), named(&rules.status));
            let names: Vec<&str> =
                thing.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            unread.push(Unread {
                what: format!(
                    "平台的答复里有的没有编号（{id}）或状态（{status}）：请核对描述文件里的指针"
                ),
                sample: format!("只有 {}", names.join("、")),
            });
            return None;
        };
        let at = field(thing, rules.time.as_ref()).and_then(|written| {
            let at = self.times.read(&written, &rules.time_format);
            if at.is_none() {
                let what = format!(
                    "平台的时间（{}）读不懂：请核对描述文件里的 time_format",
                    named(&rules.time)
                );
                unread.push(Unread { what, sample: written.chars().take(40).collect() });
            }
            at
        });
        Some(PlatformUpdate {
            remote_id,
            status: meaning(&self.description.statuses, &word),
            word,
            text: field(thing, rules.text.as_ref()).unwrap_or_default(),
            successors: list(thing, rules.successors.as_ref()),
            at,
            update_id: field(thing, rules.update_id.as_ref()),
            told,
        })
    }

    /// How the requests of these numbers stand.
    pub(super) async fn standing(&self, remote_ids: &[String]) -> Result<Answers, Unanswered> {
        let Some(call) = &self.description.status else {
            return Ok(Answers::default());
        };
        let parts = context! { id => remote_ids.first(), ids => remote_ids };
        let (answers, age) = self.pages_of(call, &parts, Told::Now).await?;
        Ok(as_of(answers, age, self.clock.now())?)
    }

    /// Every page of a question, and how old the oldest was: until one is empty or only tells what one before it told.
    async fn pages_of(
        &self,
        call: &Call,
        parts: &Value,
        told: Told,
    ) -> Result<(Answers, Duration), Unanswered> {
        let mut oldest = Duration::ZERO;
        let (mut all, mut seen, mut pages) = (Answers::default(), HashSet::new(), HashSet::new());
        let has_pages = self.has_pages(call);
        for page in 1..=MOST_PAGES {
            let (value, age) = self.asked(call, &context! { page, ..parts.clone() }).await?;
            oldest = oldest.max(age);
            let things = items(&call.answer, &value)?;
            let page: Vec<String> =
                things.iter().map(|thing| told_by(&call.answer, thing)).collect();
            let new: Vec<_> =
                things.into_iter().filter(|thing| seen.insert(thing.to_string())).collect();
            let answers = self.answers(&call.answer, &new, told);
            all.updates.extend(answers.updates);
            all.unread.extend(answers.unread);
            all.shown.extend(answers.shown);
            // A last page that is given again may say in each of its rows when it was given.
            if !has_pages || new.is_empty() || !pages.insert(page) {
                return Ok((all, oldest));
            }
        }
        let reason = format!("too_many_pages: more than {MOST_PAGES}");
        Err(NoContact::because(reason).into())
    }

    /// Whether a call is made page by page.
    fn has_pages(&self, call: &Call) -> bool {
        call.templates().any(|template| self.templates.names(template, "page"))
    }

    /// One question, and how old its answer was; where it's refused, whether it's about what was asked.
    pub(super) async fn asked(
        &self,
        call: &Call,
        parts: &Value,
    ) -> Result<(serde_json::Value, Duration), Unanswered> {
        let answer = match self.call_with(call, parts, None).await {
            Ok(answer) => answer,
            Err(outcome) => return Err(NoContact::from(outcome).into()),
        };
        match judge(&call.answer, &answer) {
            Verdict::Done(value) => Ok((value, self.clock.in_real_time(answer.age))),
            Verdict::NotDone(Outcome::Refused { reason }) => Err(Unanswered::This(reason)),
            Verdict::NotDone(outcome) => {
                Err(Unanswered::of_status(answer.status, NoContact::from(outcome)))
            }
        }
    }

    /// What changed since a cursor.
    pub(super) async fn changed(&self, cursor: Option<&str>) -> Result<Changed, Unanswered> {
        let Some(changes) = &self.description.changes else {
            return Ok(Changed::default());
        };
        let (call, began) = (&changes.call, self.clock.now());
        let Some(next_at) = &changes.next_cursor else {
            let since = read_from(cursor, began, self.overlap);
            let parts = context! { cursor => since.to_string(), cursor_local => local_text(since) };
            let (answers, age) = self.pages_of(call, &parts, Told::Then).await?;
            let Answers { updates, unread, .. } = answers;
            let cursor = Some(began.to_string());
            // One that isn't given page by page may have been cut off; one that was kept by a cache may lack what is new.
            let unsure = !unread.is_empty()
                || age >= self.overlap
                || !self.has_pages(call) && CUTS.contains(&(updates.len() + unread.len()));
            return Ok(Changed { updates, unread, cursor, unsure, ..Changed::default() });
        };
        let parts =
            context! { cursor => cursor.unwrap_or_default(), cursor_local => "", page => 1 };
        let (value, _) = self.asked(call, &parts).await?;
        let things = items(&call.answer, &value)?;
        let Answers { updates, unread, .. } = self.answers(&call.answer, &things, Told::Then);
        let next = field(&value, Some(next_at));
        let more = !things.is_empty() && next.is_some() && next.as_deref() != cursor;
        let cursor = next.or(cursor.map(str::to_owned));
        let unsure = !unread.is_empty();
        Ok(Changed { updates, unread, cursor, more, unsure })
    }

    /// What the platform called us with.
    pub(super) fn pushed_body(&self, body: &str) -> Result<Answers, String> {
        let rules = self.description.push.as_ref().ok_or("描述文件里没有 [push]")?;
        let value = json::read(body)?;
        let things = items(rules, &value).map_err(|none| none.reason)?;
        Ok(self.answers(rules, &things, Told::Now))
    }

    /// Whether anything answers where it's asked, be it a no. What stands at its root may be nothing of its own.
    pub(super) async fn is_there(&self) -> Result<(), NoContact> {
        let Description { status, find, .. } = &self.description;
        let now = self.clock.now();
        let (call, parts) = match (status, find) {
            (Some(call), _) => (call, context! { id => NO_NUMBER, ids => [NO_NUMBER] }),
            (None, Some(call)) => (call, merge_maps([reference_parts(NOBODY), window(now, now)])),
            (None, None) => {
                let request = self.client.get(format!("{}/", self.endpoint));
                return Ok(self.ask(request).await.map(drop)?);
            }
        };
        let answer = self.call_with(call, &context! { page => 1, ..parts }, None).await;
        let answer = answer.map_err(NoContact::from)?;
        match answer.status.as_u16() {
            502..=504 => Err(NoContact::of_answer(&answer, "")),
            _ => Ok(()),
        }
    }
}

/// What a thing tells, but for when.
fn told_by(rules: &AnswerRules, thing: &serde_json::Value) -> String {
    let fields = [&rules.id, &rules.status, &rules.text, &rules.update_id];
    format!("{:?}", fields.map(|at| field(thing, at.as_ref())))
}
