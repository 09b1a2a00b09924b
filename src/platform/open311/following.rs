//! How requests stand, and what happened to them: GET requests, by their numbers, and GET tokens.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use super::Open311;
use crate::clock::township_zone;
use crate::delivery::http::{Answer, TOO_LONG};
use crate::domain::number_form::is_same;
use crate::domain::referral::{PlatformUpdate, Told, meaning};
use crate::platform::encode::{encode, is_segment};
use crate::platform::freshness::as_of;
use crate::platform::interface::{Answers, CUTS, NoContact, Unanswered, Unread};
use crate::platform::records::{Record, read_list};
use crate::platform::times::TimeFormat;
/// No server gives fewer at once.
const SMALLEST_PAGE: usize = 10;

/// No window is read in more parts; what isn't seen then is found by the nightly sweep.
const MOST_SPANS: usize = 300;
/// So many windows that hold more than is read at once are halved in one reading.
const MOST_TOO_LONG: usize = 24;

/// No longer window is asked for at once, but where the overlap is longer.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(6);

/// What a window of the feed holds.
enum Window {
    Read(Vec<Record>),
    /// More than is read at once.
    TooLong(NoContact),
}

impl Window {
    /// Whether both hold the same, as far as was read.
    fn is_like(&self, other: &Window) -> bool {
        match (self, other) {
            (Window::Read(one), Window::Read(other)) => one == other,
            (Window::TooLong(_), Window::TooLong(_)) => true,
            _ => false,
        }
    }

    fn records(&self) -> &[Record] {
        match self {
            Window::Read(records) => records,
            Window::TooLong(_) => &[],
        }
    }
}

/// A number with a comma would be two in a list, and a long one makes its address too long for others.
pub(super) fn can_list(remote_id: &str) -> bool {
    !remote_id.contains(',') && remote_id.len() <= 100
}

impl Open311 {
    /// What records tell.
    pub(super) fn answers(&self, records: &[Record], told: Told) -> Answers {
        let mut answers = Answers::default();
        for record in records {
            let update = self.update(record, told, &mut answers.unread);
            answers.updates.extend(update);
        }
        answers
    }

    fn update(
        &self,
        record: &Record,
        told: Told,
        unread: &mut Vec<Unread>,
    ) -> Option<PlatformUpdate> {
        let field = |name: &str| record.get(name).filter(|value| !value.is_empty());
        let (Some(remote_id), Some(word)) = (field("service_request_id"), field("status")) else {
            let names: Vec<&str> = record.keys().map(String::as_str).collect();
            unread.push(Unread {
                what: "平台的答复里有的没有编号（service_request_id）或状态（status）".to_owned(),
                sample: format!("只有 {}", names.join("、")),
            });
            return None;
        };
        let update_id = field("update_id").cloned();
        // An update of the extension has its words in its description; a request has what we wrote there.
        let words = ["status_notes", "description"].into_iter();
        let words = words.filter(|name| *name == "status_notes" || update_id.is_some());
        let text = words.filter_map(field).next().cloned().unwrap_or_default();
        let text = if update_id.is_some() { with_media(text, record) } else { text };
        let times = ["updated_datetime", "requested_datetime"];
        let written = times.into_iter().find_map(|name| Some((name, field(name)?)));
        // How it stands now isn't as old as the request itself: that is no more than the day before which it can't have been.
        let is_undated =
            told == Told::Now && update_id.is_none() && field("updated_datetime").is_none();
        let at = written.and_then(|(name, written)| {
            let at = self.times.read(written, &TimeFormat::Usual);
            if at.is_none() {
                let sample = written.chars().take(40).collect();
                unread
                    .push(Unread { what: format!("平台的时间（{name}）读不懂"), sample });
            }
            if is_undated { at.map(beginning_of_day) } else { at }
        });
        Some(PlatformUpdate {
            remote_id: remote_id.clone(),
            status: meaning(&self.statuses, word),
            word: word.clone(),
            text,
            at,
            // GeoReport has no word for it.
            successors: Vec::new(),
            told: if update_id.is_some() { Told::Then } else { told },
            update_id,
        })
    }

    /// How the requests of these numbers stand. One alone is asked for by its own address, and where there's none, in a list.
    pub(super) async fn standing(&self, remote_ids: &[String]) -> Result<Answers, Unanswered> {
        let [one] = remote_ids else {
            return self.listed(remote_ids).await;
        };
        let alone = match is_segment(one) {
            true => self.asked(&format!("requests/{}", encode(one)), &[]).await,
            false => self.listed(remote_ids).await,
        };
        match alone {
            Err(Unanswered::This(reason)) if is_segment(one) && can_list(one) => {
                // Some have no address for each.
                match self.listed(remote_ids).await {
                    Ok(answers) if answers.updates.iter().any(|u| is_same(&u.remote_id, one)) => {
                        Ok(answers)
                    }
                    _ => Err(Unanswered::This(reason)),
                }
            }
            alone => alone,
        }
    }

    async fn listed(&self, remote_ids: &[String]) -> Result<Answers, Unanswered> {
        self.asked("requests", &[("service_request_id", &remote_ids.join(","))]).await
    }

    async fn asked(&self, path: &str, query: &[(&str, &str)]) -> Result<Answers, Unanswered> {
        let answer = self.answer_to(self.get(path, query)).await?;
        let age = self.clock.in_real_time(answer.age);
        let records = read_list(&answer.body, self.format).map_err(NoContact::because)?;
        let mut answers = as_of(self.answers(&records, Told::Now), age, self.clock.now())?;
        let shown = records.iter().filter_map(|record| {
            let text = record.get("description")?.clone();
            Some((record.get("service_request_id")?.clone(), text))
        });
        answers.note_shown(shown, &self.shows_marks);
        Ok(answers)
    }

    /// The updates between two instants, and whether there may be others. How many a server gives at once isn't known: the
    /// most that it ever gave may have been all or not, and what holds as many is read again in halves.
    pub(super) async fn updates_between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(Vec<Record>, bool), Unanswered> {
        let whole = self.updates_of(from, to).await?;
        let mut updates: BTreeSet<Record> = whole.records().iter().cloned().collect();
        let (mut spans, mut too_long, mut unsure) = (vec![(from, to, whole)], 0, false);
        for _ in 0..MOST_SPANS {
            let Some((from, to, whole)) = spans.pop() else { break };
            let short = to.duration_since(from) <= SignedDuration::from_secs(2);
            let may_be_cut = match &whole {
                Window::TooLong(none) if short || too_long >= MOST_TOO_LONG => {
                    return Err(none.clone().into());
                }
                Window::TooLong(_) => true,
                Window::Read(records) => self.may_be_cut(records),
            };
            too_long += usize::from(matches!(whole, Window::TooLong(_)));
            if !may_be_cut || short {
                unsure |= may_be_cut && CUTS.contains(&whole.records().len());
                continue;
            }
            let (mut narrows, mut halved) = (false, Vec::new());
            for (from, to) in halves(from, to) {
                let half = self.updates_of(from, to).await?;
                narrows |= !half.is_like(&whole);
                updates.extend(half.records().iter().cloned());
                halved.push((from, to, half));
            }
            // A server that doesn't go by the window says the same of each half.
            if narrows || matches!(whole, Window::TooLong(_)) {
                spans.extend(halved);
            } else {
                unsure |= CUTS.contains(&whole.records().len());
            }
        }
        Ok((updates.into_iter().collect(), unsure || !spans.is_empty()))
    }

    fn may_be_cut(&self, records: &[Record]) -> bool {
        let most = self.most_updates.fetch_max(records.len(), Ordering::Relaxed);
        records.len() >= most.max(SMALLEST_PAGE)
    }

    /// How far a reading of the feed goes that begins at `since`: what lies behind is read next, and so an outage's worth of
    /// updates is read piece by piece.
    pub(super) fn next_stop(&self, since: Timestamp) -> Timestamp {
        let overlap = SignedDuration::try_from(self.overlap).unwrap_or(SignedDuration::MAX);
        let reach = LONGEST_WINDOW.max(overlap.saturating_mul(2));
        since.saturating_add(reach).unwrap_or(Timestamp::MAX)
    }

    async fn updates_of(&self, from: Timestamp, to: Timestamp) -> Result<Window, Unanswered> {
        let query =
            [("start_date", self.times.written(from)), ("end_date", self.times.written(to))];
        let query = query.each_ref().map(|(name, at)| (*name, at.as_str()));
        let answer = match self.ask(self.get("servicerequestupdates", &query)).await {
            Ok(answer) => self.as_told(answer)?,
            Err(none) if none.reason.starts_with(TOO_LONG) => {
                return Ok(Window::TooLong(none.into()));
            }
            Err(none) => return Err(none.into()),
        };
        // Some say so where there is none, in the interface's own form.
        if answer.status == StatusCode::NOT_FOUND && self.speaks(&answer) {
            return Ok(Window::Read(Vec::new()));
        }
        let answer = self.success(answer)?;
        let none = answer.body.trim().is_empty();
        let records = if none { Ok(Vec::new()) } else { read_list(&answer.body, self.format) };
        let records = records.map_err(NoContact::because)?;
        self.gave_updates.store(true, Ordering::Relaxed);
        self.was_kept.fetch_or(answer.age >= self.overlap, Ordering::Relaxed);
        Ok(Window::Read(records))
    }

    /// Whether an answer is the interface's own, and not some server's on the way.
    pub(super) fn speaks(&self, answer: &Answer) -> bool {
        let body = answer.body.trim();
        ["[]", "null"].contains(&body) || !self.words(answer).is_empty()
    }

    /// The number that belongs to a token, once there is one.
    pub(super) async fn number_of_token(&self, token: &str) -> Result<Option<String>, Unanswered> {
        let records = self.records(&format!("tokens/{}", encode(token)), &[]).await?;
        Ok(records.iter().find_map(|record| Self::receipt(record)?.remote_id))
    }
}

/// A span's two halves.
fn halves(from: Timestamp, to: Timestamp) -> [(Timestamp, Timestamp); 2] {
    let half = to.duration_since(from) / 2;
    let middle = from.checked_add(half).unwrap_or(to);
    [(from, middle), (middle, to)]
}

/// When the township's day of an instant began.
fn beginning_of_day(at: Timestamp) -> Timestamp {
    let zone = township_zone();
    let midnight = zone.to_datetime(at).date().at(0, 0, 0, 0);
    zone.to_ambiguous_zoned_datetime(midnight).compatible().map_or(at, |zoned| zoned.timestamp())
}

/// A picture that the platform shows of its work stands behind its words.
fn with_media(text: String, record: &Record) -> String {
    match record.get("media_url").filter(|address| !address.is_empty()) {
        Some(address) => format!("{text}（附件：{address}）"),
        None => text,
    }
}
