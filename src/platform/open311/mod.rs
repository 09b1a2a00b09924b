//! Open311 GeoReport v2 (<https://wiki.open311.org/GeoReport_v2/>): services, requests and tokens, in
//! JSON or XML.

mod examine;
mod following;
mod listing;
mod services;

use std::collections::BTreeMap;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode};

use super::freshness::ServerClock;
use super::interface::{
    Answers, Changed, Looks, NoContact, Platform, Remark, ServiceGap, Unanswered, read_from,
};
use super::look::look;
use super::marks::ShowsMarks;
use super::records::{Record, read, read_list};
use super::templates::{Templates, referral_parts};
use super::times::Times;
use crate::clock::Clock;
use crate::db::{Dispatch, Message, Photo, Receipt};
use crate::delivery::Outcome;
use crate::delivery::charset::Charset;
use crate::delivery::http::{Answer, NoAnswer, ask_in, client, judged, says_no_more};
use crate::delivery::said_no::says_no;
use crate::delivery::sample::sample;
use crate::domain::delivery::answer::{HttpCodes, says_it_is_there};
use crate::domain::delivery::search::{SearchResult, Sought};
use crate::domain::following::names_one;
use crate::domain::referral::{PHOTO, PlatformStatus, Told, described, meaning};
use crate::settings::{AttributeSettings, KeyIn, PlatformSettings, SettingsError, WireFormat};
use services::Definitions;

/// A GeoReport v2 endpoint.
pub struct Open311 {
    client: Client,
    endpoint: String,
    jurisdiction_id: String,
    api_key: String,
    key_everywhere: bool,
    format: WireFormat,
    services: BTreeMap<crate::domain::issue::Category, String>,
    statuses: BTreeMap<String, PlatformStatus>,
    attributes: Vec<AttributeSettings>,
    templates: Templates,
    definitions: Definitions,
    has_updates: bool,
    media_url: String,
    overlap: Duration,
    clock_skew: Duration,
    http: HttpCodes,
    clock: Clock,
    times: Times,
    charset: Charset,
    server: ServerClock,
    /// The most updates that it ever gave at once.
    most_updates: AtomicUsize,
    /// Whether it ever gave a list of updates: until then a 404 may mean that there is none, or no such list.
    gave_updates: AtomicBool,
    /// Whether the feed was last given by a cache that had kept it for longer than is read again.
    was_kept: AtomicBool,
    shows_marks: ShowsMarks,
}

impl Open311 {
    /// By configuration.
    pub fn new(settings: &PlatformSettings, clock: Clock) -> Result<Open311, SettingsError> {
        let attributes = settings.attributes.clone();
        let wrong = |none: NoContact| {
            SettingsError::Wrong(format!("platform.attributes：{}", none.own_fault()))
        };
        let templates =
            Templates::new(attributes.iter().map(|a| a.value.as_str())).map_err(wrong)?;
        let example = referral_parts(&Dispatch::example());
        for attribute in &attributes {
            templates.check_names(&attribute.value, &example).map_err(wrong)?;
        }
        Ok(Open311 {
            client: client(settings.timeout, &settings.tls()?)
                .map_err(|error| SettingsError::Wrong(error.to_string()))?,
            endpoint: settings.endpoint.trim_end_matches('/').to_owned(),
            jurisdiction_id: settings.jurisdiction_id.clone(),
            api_key: settings.key()?,
            key_everywhere: settings.api_key_in == KeyIn::Everywhere,
            format: settings.format,
            services: settings.services.clone(),
            statuses: settings.statuses.clone(),
            attributes,
            templates,
            definitions: Definitions::default(),
            media_url: settings.media_url.trim_end_matches('/').to_owned(),
            has_updates: settings.service_request_updates,
            overlap: settings.feed_overlap,
            clock_skew: settings.clock_skew,
            http: settings.http.clone(),
            clock,
            times: Times::new(&settings.times)
                .map_err(|why| SettingsError::Wrong(format!("platform.times：{why}")))?,
            charset: settings.charset()?,
            server: ServerClock::new(settings.clock_skew),
            most_updates: AtomicUsize::new(0),
            gave_updates: AtomicBool::new(false),
            was_kept: AtomicBool::new(false),
            shows_marks: ShowsMarks::at(&settings.endpoint),
        })
    }

    fn address(&self, path: &str) -> String {
        let suffix = match self.format {
            WireFormat::Json => "json",
            WireFormat::Xml => "xml",
        };
        format!("{}/{path}.{suffix}", self.endpoint)
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut query = query.to_vec();
        if !self.jurisdiction_id.is_empty() {
            query.push(("jurisdiction_id", &self.jurisdiction_id));
        }
        // GeoReport v2 asks for it in submissions only, and a server that checks what it's given refuses it elsewhere.
        if self.key_everywhere && !self.api_key.is_empty() {
            query.push(("api_key", &self.api_key));
        }
        self.client.get(self.address(path)).query(&query)
    }

    /// Asks, and hears how old the answer is.
    async fn ask(&self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        Ok(self.server.dated(ask_in(request, self.charset).await?))
    }

    /// The list that is at a path.
    async fn records(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Record>, Unanswered> {
        let answer = self.answer_to(self.get(path, query)).await?;
        Ok(read_list(&answer.body, self.format).map_err(NoContact::because)?)
    }

    /// A question, and its answer where it's a success.
    async fn question(&self, request: RequestBuilder) -> Result<Answer, NoContact> {
        Ok(self.answer_to(request).await?)
    }

    /// The same, and where it isn't one, whether it's about what was asked.
    async fn answer_to(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        self.success(self.as_told(self.ask(request).await?)?)
    }

    /// An answer that is a success.
    fn success(&self, answer: Answer) -> Result<Answer, Unanswered> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        let none = NoContact::of_answer(&answer, &self.words(&answer));
        Err(Unanswered::of_status(answer.status, none))
    }

    /// An error that is told under a success is what it says: it's no list in which nothing stands.
    fn as_told(&self, answer: Answer) -> Result<Answer, NoContact> {
        if !answer.status.is_success() {
            return Ok(answer);
        }
        let records = read(&answer.body, self.format).unwrap_or_default();
        let named = |record: &&Record| {
            ["service_request_id", "service_code"].iter().any(|name| record.contains_key(*name))
        };
        let nameless = || records.iter().filter(|record| !named(record));
        if let Some(status) = nameless().find_map(error_code) {
            return Ok(Answer { status, ..answer });
        }
        match nameless().any(is_no) {
            true => Err(NoContact::because(unexpected(&answer))),
            false => Ok(answer),
        }
    }

    /// The descriptions of GeoReport v2's error list.
    fn words(&self, answer: &Answer) -> String {
        let described = |records: Vec<Record>| -> Vec<String> {
            records.into_iter().filter_map(|mut record| record.remove("description")).collect()
        };
        let words = read(&answer.body, self.format).map(described).unwrap_or_default().join("; ");
        words.chars().take(300).collect()
    }

    /// What an answer means by its code; a 400 that calls itself a general failure is the platform's own, and says nothing of
    /// what was sent (GeoReport v2, "Errors": any failure during service query processing).
    fn judged(&self, answer: &Answer) -> Option<Outcome> {
        let words = self.words(answer);
        match judged(answer, &words, &self.http) {
            Some(Outcome::Refused { reason })
                if answer.status == StatusCode::BAD_REQUEST && is_general(&words) =>
            {
                Some(Outcome::Errored { reason })
            }
            Some(Outcome::Refused { reason }) if says_it_is_there(&answer.body) => {
                Some(Outcome::Accepted { reason })
            }
            judged => judged,
        }
    }

    fn form(&self, dispatch: &Dispatch) -> Vec<(&str, String)> {
        let service = self.services.get(&dispatch.category).cloned().unwrap_or_default();
        let place = match &dispatch.address {
            Some(address) => format!("{} {address}", dispatch.area_name),
            None => dispatch.area_name.clone(),
        };
        let mut form = vec![
            ("service_code", service),
            ("description", description(dispatch)),
            ("address_string", place),
            ("first_name", dispatch.resident.clone()),
        ];
        let optional = [
            ("phone", dispatch.contact.clone()),
            ("address_id", dispatch.area_code.clone()),
            ("jurisdiction_id", Some(self.jurisdiction_id.clone())),
            ("api_key", Some(self.api_key.clone())),
        ];
        let given = |(name, value): (&'static str, Option<String>)| {
            Some((name, value.filter(|v| !v.is_empty())?))
        };
        form.extend(optional.into_iter().filter_map(given));
        form
    }

    fn receipt(record: &Record) -> Option<Receipt> {
        let field = |name: &str| record.get(name).filter(|value| names_one(value)).cloned();
        let receipt = Receipt { remote_id: field("service_request_id"), token: field("token") };
        (receipt != Receipt::default()).then_some(receipt)
    }

    /// POST servicerequestupdates, as FixMyStreet's "Open311-FMS" has it: the status in upper case, whatever the case in
    /// which the platform gives it.
    async fn post_update(&self, update: &Update<'_>) -> Outcome {
        let at = whole_seconds(update.at);
        let text = described(update.text, "", update.reference);
        // It sets the status: what was closed since we last heard of it would be open again.
        let word = self.word_now(update.remote_id).await;
        let word = word.as_deref().or(update.remote_word).unwrap_or("open");
        let status = word.to_uppercase().replace(' ', "_");
        let form = [
            ("update_id", update.reference),
            ("service_request_id", update.remote_id),
            ("status", &status),
            ("updated_datetime", &at),
            ("description", &text),
            ("media_url", update.media_url),
            ("jurisdiction_id", &self.jurisdiction_id),
            ("api_key", &self.api_key),
        ];
        let given: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let request = self.client.post(self.address("servicerequestupdates")).form(&given);
        match self.ask(request).await {
            Ok(answer) => self.judged(&answer).unwrap_or_else(|| self.given(&answer)),
            Err(none) => none.into(),
        }
    }

    /// A no that is said under a success: by the code in GeoReport v2's own list of errors, or in another form, of which
    /// nobody knows what it means.
    fn no_in(&self, records: &[Record], answer: &Answer) -> Option<Outcome> {
        if !answer.status.is_success() {
            return None;
        }
        if let Some(status) = records.iter().find_map(error_code) {
            return self.judged(&Answer { status, ..answer.clone() });
        }
        records.iter().any(is_no).then(|| Outcome::Unknown { reason: unexpected(answer) })
    }

    /// A success says no more than that, but a page for people isn't one, nor is a no.
    fn given(&self, answer: &Answer) -> Outcome {
        let read = read(&answer.body, self.format);
        if let Some(no) = read.as_ref().ok().and_then(|records| self.no_in(records, answer)) {
            return no;
        }
        match read {
            Err(reason) if answer.status.is_success() && !answer.body.trim().is_empty() => {
                Outcome::Unknown { reason }
            }
            _ => Outcome::Delivered(Receipt::default()),
        }
    }
}

/// The code of a thing in GeoReport v2's list of errors.
fn error_code(record: &Record) -> Option<StatusCode> {
    record.get("description")?;
    let code = record.get("code")?.parse().ok().filter(|code| (400..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok())
}

/// Whether a thing says no in another form.
fn is_no(record: &Record) -> bool {
    says_no(|name| record.get(name).map(String::as_str))
}

fn unexpected(answer: &Answer) -> String {
    format!("unexpected_answer: {}", sample(&answer.body))
}

/// Whether it's GeoReport's own name for whatever failed at the platform.
fn is_general(words: &str) -> bool {
    words.trim().to_lowercase().starts_with("general service error")
}

/// What we say of a request that the platform has.
struct Update<'u> {
    reference: &'u str,
    remote_id: &'u str,
    remote_word: Option<&'u str>,
    at: Timestamp,
    text: &'u str,
    media_url: &'u str,
}

/// What the platform's people read, with the mark by which it's found again in its places.
fn description(dispatch: &Dispatch) -> String {
    let previous = dispatch.previous.as_ref().map(|number| format!("，此前上报编号：{number}"));
    let named = |what: &str, name: &Option<String>| {
        name.as_ref().map(|name| format!("，{what}：{name}")).unwrap_or_default()
    };
    let more = format!(
        "（{}，{}，轻重缓急：{}，问题编号：{}{}{}{}）",
        dispatch.area_name,
        dispatch.category,
        dispatch.urgency,
        dispatch.issue_number,
        previous.unwrap_or_default(),
        named("上报网格员", &dispatch.uploader),
        named("转办人", &dispatch.centre),
    );
    described(&dispatch.text, &more, &dispatch.reference)
}

/// W3C date-time in whole seconds, as GeoReport v2 asks.
fn whole_seconds(at: Timestamp) -> String {
    at.round(jiff::Unit::Second).unwrap_or(at).to_string()
}

#[async_trait]
impl Platform for Open311 {
    fn shows_marks(&self) -> Option<&ShowsMarks> {
        Some(&self.shows_marks)
    }

    fn knows_status(&self, word: &str) -> bool {
        meaning(&self.statuses, word).is_some()
    }

    fn has_feed(&self) -> bool {
        self.has_updates
    }

    /// GET servicerequestupdates
    /// (<https://wiki.open311.org/GeoReport_v2/Extensions/>, as FixMyStreet's "Open311-FMS" has it).
    async fn changes(&self, cursor: Option<&str>) -> Result<Changed, Unanswered> {
        let began = self.clock.now();
        let since = read_from(cursor, began, self.overlap);
        let to = self.next_stop(since).min(began);
        self.was_kept.store(false, Ordering::Relaxed);
        let (records, unsure) = self.updates_between(since, to).await?;
        let unsure = unsure || self.was_kept.load(Ordering::Relaxed);
        let Answers { updates, unread, .. } = self.answers(&records, Told::Then);
        let unsure = unsure || !unread.is_empty() || !self.gave_updates.load(Ordering::Relaxed);
        let cursor = Some(to.to_string());
        Ok(Changed { updates, unread, cursor, more: to < began, unsure })
    }

    async fn submit(&self, dispatch: &Dispatch) -> Outcome {
        let attributes = match self.attribute_fields(dispatch).await {
            Ok(attributes) => attributes,
            Err(none) => return none.into(),
        };
        let mut form = self.form(dispatch);
        form.extend(attributes.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let request = self.client.post(self.address("requests")).form(&form);
        let answer = match self.ask(request).await {
            Ok(answer) => answer,
            Err(none) => return none.into(),
        };
        if let Some(outcome) = self.judged(&answer) {
            return outcome;
        }
        // A success that can't be read may well have stored the request.
        let reason = "no_number: the answer names no request and no token".to_owned();
        match read(&answer.body, self.format) {
            Ok(records) => match records.iter().find_map(Self::receipt) {
                Some(receipt) => Outcome::Delivered(receipt),
                None => self.no_in(&records, &answer).unwrap_or(Outcome::Accepted { reason }),
            },
            // One that is said to be there already, or to be taken, needn't be named.
            Err(_) if says_no_more(&answer) => Outcome::Accepted { reason },
            Err(reason) => Outcome::Unknown { reason },
        }
    }

    fn looks_for_messages(&self) -> Option<Looks> {
        self.has_updates.then_some(Looks::Search)
    }

    async fn append(&self, message: &Message) -> Outcome {
        self.post_update(&Update {
            reference: &message.reference,
            remote_id: &message.remote_id,
            remote_word: message.remote_word.as_deref(),
            at: message.at,
            text: &message.text,
            media_url: "",
        })
        .await
    }

    fn looks_for_photos(&self) -> Option<Looks> {
        (self.has_updates && !self.media_url.is_empty()).then_some(Looks::Search)
    }

    /// An update with a `media_url`, from where the platform fetches the photo.
    async fn upload(&self, photo: &Photo) -> Outcome {
        self.post_update(&Update {
            reference: &photo.reference,
            remote_id: &photo.remote_id,
            remote_word: photo.remote_word.as_deref(),
            at: self.clock.now(),
            text: PHOTO,
            media_url: &format!("{}/{}", self.media_url, photo.id),
        })
        .await
    }

    async fn find_photo(&self, _: &Photo, sought: &Sought) -> Result<SearchResult, NoContact> {
        look(&self.listing("servicerequestupdates", "update_id"), sought).await
    }

    async fn find_message(
        &self,
        message: &Message,
        sought: &Sought,
    ) -> Result<SearchResult, NoContact> {
        // A server that goes by the time that we gave shows it there.
        let given = message.at.checked_sub(self.overlap).unwrap_or(Timestamp::MIN);
        let sought = Sought { from: sought.from.min(given), ..sought.clone() };
        look(&self.listing("servicerequestupdates", "update_id"), &sought).await
    }

    async fn find(&self, sought: &Sought) -> Result<SearchResult, NoContact> {
        let mut seen = look(&self.listing("requests", "service_request_id"), sought).await?;
        if seen == SearchResult::Absent {
            seen = self.find_closed(sought).await?;
        }
        match seen {
            // It gives its number later: it's looked for until then.
            SearchResult::Found(Receipt { remote_id: None, .. }) => {
                Err(NoContact::because("no_number_yet: found without one".to_owned()))
            }
            seen => Ok(seen),
        }
    }

    async fn greet(&self) -> Result<(), NoContact> {
        Ok(self.records("services", &[]).await.map(drop)?)
    }

    fn can_list(&self, remote_id: &str) -> bool {
        following::can_list(remote_id)
    }

    async fn fetch(&self, remote_ids: &[String]) -> Result<Answers, Unanswered> {
        self.standing(remote_ids).await
    }

    fn pushed(&self, body: &str) -> Result<Answers, String> {
        Ok(self.answers(&read(body, self.format)?, Told::Now))
    }

    async fn number_of(&self, token: &str) -> Result<Option<String>, Unanswered> {
        self.number_of_token(token).await
    }

    async fn service_gaps(&self) -> Result<Vec<ServiceGap>, NoContact> {
        self.gaps().await
    }

    async fn examine(&self) -> Vec<Remark> {
        self.examine_list().await
    }
}
