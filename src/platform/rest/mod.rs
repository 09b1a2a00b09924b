//! Any HTTP platform that answers in JSON, by configuration alone: what to call, what to send and where the
//! answer says what stand in a file such as those under config/platforms/.

mod answer;
mod authenticate;
mod description;
mod examine;
mod examine_status;
mod following;
mod looking;
mod multipart;
mod parts;
mod pointers;
mod there;
mod unwritten;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use minijinja::Value;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, Request, RequestBuilder};

use super::freshness::ServerClock;
use super::interface::{
    Answers, Changed, Looks, NoContact, Platform, Remark, ServiceGap, Unanswered,
};
use super::look::look;
use super::marks::ShowsMarks;
use super::templates::Templates;
use super::times::Times;
use crate::clock::{Chance, Clock};
use crate::db::{Dispatch, Message, Photo, Receipt};
use crate::delivery::charset::Charset;
use crate::delivery::http::{Answer, NoAnswer, ask_in, client, says_no_more};
use crate::delivery::{Cause, Outcome};
use crate::domain::delivery::answer::says_it_is_there;
use crate::domain::delivery::search::{SearchResult, Sought, Subject};
use crate::domain::following::names_one;
use crate::domain::issue::Category;
use crate::domain::reason::of_system;
use crate::domain::referral::meaning;
use crate::settings::{PlatformSettings, SettingsError, mistakes};
use answer::{OfToken, Verdict, field, items, judge, no_in, of_token};
use authenticate::Authenticator;
use description::{Call, Description, PhotoCall};
use examine::{Asks, Examiner};
use looking::{Caller, Looking};
use multipart::multipart;
use parts::{in_path, message_parts, photo_parts, reference_parts, submission_parts};

/// What is said of a success that names no number.
const UNNAMED: &str = "no_number: the answer names none";

/// Whether it's HTTP's code alone that says that something was taken.
fn is_silent_success(answer: &Answer) -> bool {
    answer.status.is_success() && says_no_more(answer)
}

/// A platform by its description.
pub struct Rest {
    client: Client,
    endpoint: String,
    description: Description,
    templates: Arc<Templates>,
    authenticator: Authenticator,
    clock: Clock,
    overlap: std::time::Duration,
    clock_skew: std::time::Duration,
    times: Times,
    charset: Charset,
    server: ServerClock,
    shows_marks: ShowsMarks,
}

impl Rest {
    /// By configuration. The description is read and each of its templates tried.
    pub fn new(
        settings: &PlatformSettings,
        clock: Clock,
        chance: Chance,
    ) -> Result<Rest, SettingsError> {
        let description = read_description(&settings.file)?;
        let client = client(settings.timeout, &settings.tls()?)
            .map_err(|error| SettingsError::Wrong(error.to_string()))?;
        let at = format!("platform.file：{}（{}）", settings.file.display(), description.name);
        let wrong = |why: String| SettingsError::Wrong(format!("{at}：{why}"));
        let templates = Templates::new(description.templates())
            .map_err(|none| wrong(none.own_fault().to_owned()))?;
        let templates = Arc::new(templates);
        let authenticator = Authenticator::new(
            description.authentication.clone(),
            settings.key()?,
            Arc::clone(&templates),
            client.clone(),
            clock.clone(),
            chance,
        );
        let rest = Rest {
            client,
            endpoint: settings.endpoint.trim_end_matches('/').to_owned(),
            description,
            templates,
            authenticator,
            clock,
            overlap: settings.feed_overlap,
            clock_skew: settings.clock_skew,
            times: Times::new(&settings.times)
                .map_err(|why| SettingsError::Wrong(format!("platform.times：{why}")))?,
            charset: settings.charset()?,
            server: ServerClock::new(settings.clock_skew),
            shows_marks: ShowsMarks::at(&settings.endpoint),
        };
        rest.try_templates().map_err(wrong)?;
        Ok(rest)
    }

    /// Every call's templates, on an example: what is misspelt is found before it's needed.
    fn try_templates(&self) -> Result<(), String> {
        let description = &self.description;
        for (name, call) in description.calls() {
            let parts = parts::example(description, name);
            let wrong = |what: &NoContact| format!("[{name}] {}", what.own_fault());
            let fields = description.photo.iter().filter(|_| name == "photo");
            let fields = fields.flat_map(|photo| photo.fields.values().map(String::as_str));
            for template in call.templates().chain(fields) {
                self.templates.check_names(template, &parts).map_err(|error| wrong(&error))?;
            }
            let request = self.request(call, &parts).map_err(|error| wrong(&error))?;
            let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
            if call.content_type.contains("json") && !body.is_empty() {
                serde_json::from_slice::<serde_json::Value>(body)
                    .map_err(|error| format!("[{name}] body 填好后不是 JSON：{error}"))?;
            }
        }
        Ok(())
    }

    fn request(&self, call: &Call, parts: &Value) -> Result<Request, NoContact> {
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| NoContact::misconfigured(format!("{} is no HTTP method", call.method)))?;
        let path = self.templates.render(&call.path, &in_path(&call.path, parts))?;
        let address = format!("{}{path}", self.endpoint);
        let mut request = self.client.request(method, address);
        for (name, template) in &call.headers {
            request = request.header(name, self.templates.render(template, parts)?);
        }
        if !call.body.is_empty() {
            request = request
                .header(CONTENT_TYPE, &call.content_type)
                .body(self.templates.render(&call.body, parts)?);
        }
        request.build().map_err(NoContact::misconfigured)
    }

    /// The form that carries a photo, with its content type; nothing where the body template does.
    fn photo_form(
        &self,
        description: &PhotoCall,
        photo: &Photo,
        parts: &Value,
    ) -> Result<Option<Form>, NoContact> {
        let Some(file_field) = &description.file_field else {
            return Ok(None);
        };
        let filled = |(name, template): (&String, &String)| {
            Ok::<_, NoContact>((name.clone(), self.templates.render(template, parts)?))
        };
        let fields: Vec<_> =
            description.fields.iter().map(filled).collect::<Result<_, NoContact>>()?;
        let file = (&**file_field, &*photo.file_name, &*photo.media_type, &*photo.bytes);
        // Its own reference and id are in no photo.
        let boundary = format!("zoufang-{}-{}", photo.reference, photo.id);
        Ok(Some(multipart(&boundary, &fields, file)))
    }

    /// Asks, and hears how old the answer is.
    async fn ask(&self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        Ok(self.server.dated(ask_in(request, self.charset).await?))
    }

    /// One call, with a form in its body's place where there is one. Where a token was no longer good, once more
    /// with a new one: what doesn't know us stored nothing. An answer that isn't understood may say so in words of its own:
    /// the next call goes with a new token.
    async fn call_with(
        &self,
        call: &Call,
        parts: &Value,
        form: Option<&Form>,
    ) -> Result<Answer, Outcome> {
        for _ in 0..2 {
            let mut request = self.request(call, parts).map_err(Outcome::from)?;
            if let Some((content_type, body)) = form {
                let content_type = content_type
                    .parse()
                    .map_err(|_| Outcome::from(NoContact::misconfigured("the form's boundary")))?;
                request.headers_mut().insert(CONTENT_TYPE, content_type);
                *request.body_mut() = Some(body.clone().into());
            }
            let token = self.authenticator.put_on(&mut request).await.map_err(Outcome::from)?;
            let sent = RequestBuilder::from_parts(self.client.clone(), request);
            let answer = self.ask(sent).await.map_err(Outcome::from)?;
            let Some(token) = token else { return Ok(answer) };
            match of_token(&call.answer, &answer) {
                OfToken::Ended => self.authenticator.forget(&token).await,
                OfToken::Doubtful => {
                    self.authenticator.doubt(&token).await;
                    return Ok(answer);
                }
                OfToken::Good => return Ok(answer),
            }
        }
        let reason = "not_known: not even with a token just given".to_owned();
        Err(Outcome::NotSent { reason, retry_after: None, cause: Cause::Receiver })
    }

    /// A call whose answer says no more than how it went.
    async fn give(&self, call: &Call, parts: &Value, form: Option<&Form>) -> Outcome {
        let answer = match self.call_with(call, parts, form).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        match judge(&call.answer, &answer) {
            Verdict::Done(value) => no_in(&call.answer, &answer, &value)
                .unwrap_or_else(|| Outcome::Delivered(Receipt::default())),
            Verdict::NotDone(outcome) => outcome,
        }
    }

    /// Looks by a call of the description.
    async fn look(
        &self,
        call: Option<&Call>,
        name: &'static str,
        sought: &Sought,
        parts: looking::Parts<'_>,
    ) -> Result<SearchResult, NoContact> {
        let Some(call) = call else {
            return Err(NoContact::misconfigured(format!("the platform has no [{name}]")));
        };
        let numbered = name == "find";
        let looking = Looking { caller: self, call, name, parts, numbered };
        match look(&looking, sought).await? {
            // Others have theirs, or the pointer would meet nothing: it's looked for until it has its own.
            SearchResult::Found(receipt) if numbered && receipt.remote_id.is_none() => {
                Err(NoContact::because("no_number_yet: found without one".to_owned()))
            }
            // What isn't a request has no number of its own.
            SearchResult::Found(_) | SearchResult::Several(..) if !numbered => {
                Ok(SearchResult::Found(Receipt::default()))
            }
            seen => Ok(seen),
        }
    }

    fn receipt(call: &Call, thing: &serde_json::Value) -> Option<Receipt> {
        let remote_id = field(thing, call.answer.id.as_ref()).filter(|id| names_one(id))?;
        Some(Receipt { remote_id: Some(remote_id), token: None })
    }
}

#[async_trait]
impl Asks for Rest {
    async fn ask_for(&self, call: &Call, parts: &Value) -> Result<Answer, NoContact> {
        let mut request = self.request(call, parts)?;
        self.authenticator.put_on(&mut request).await?;
        let request = RequestBuilder::from_parts(self.client.clone(), request);
        Ok(self.ask(request).await?)
    }
}

#[async_trait]
impl Caller for Rest {
    fn names(&self, template: &str, name: &str) -> bool {
        self.templates.names(template, name)
    }

    async fn call(&self, call: &Call, parts: &Value) -> Result<Answer, Outcome> {
        self.call_with(call, parts, None).await
    }

    fn age(&self, answer: &Answer) -> std::time::Duration {
        self.clock.in_real_time(answer.age)
    }
}

#[async_trait]
impl Platform for Rest {
    fn shows_marks(&self) -> Option<&ShowsMarks> {
        Some(&self.shows_marks)
    }

    fn knows_status(&self, word: &str) -> bool {
        meaning(&self.description.statuses, word).is_some()
    }

    fn looks(&self) -> Looks {
        match &self.description {
            Description { knows_repeated_reference: true, find, .. } => {
                Looks::RepeatedKey { searches: find.is_some() }
            }
            Description { find: Some(_), .. } => Looks::Search,
            _ => Looks::Nothing,
        }
    }

    fn has_feed(&self) -> bool {
        self.description.changes.is_some()
    }

    fn batch(&self) -> Option<usize> {
        Some(self.description.status_batch)
    }

    async fn submit(&self, dispatch: &Dispatch) -> Outcome {
        let call = &self.description.submit;
        let answer = match self.call(call, &submission_parts(&self.description, dispatch)).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let accepted = Outcome::Accepted { reason: UNNAMED.to_owned() };
        match judge(&call.answer, &answer) {
            // Taken into a queue of the platform's own, as a rule.
            Verdict::NotDone(Outcome::Unknown { .. }) if is_silent_success(&answer) => accepted,
            // Somebody between may have sent it on twice: the first one is there.
            Verdict::NotDone(Outcome::Refused { reason }) if says_it_is_there(&answer.body) => {
                Outcome::Accepted { reason }
            }
            Verdict::NotDone(outcome) => outcome,
            Verdict::Done(value) => {
                let things = items(&call.answer, &value).unwrap_or_default();
                match things.iter().find_map(|thing| Self::receipt(call, thing)) {
                    Some(receipt) => Outcome::Delivered(receipt),
                    None => no_in(&call.answer, &answer, &value).unwrap_or(accepted),
                }
            }
        }
    }

    fn looks_for_messages(&self) -> Option<Looks> {
        match &self.description {
            Description { append: None, .. } => None,
            Description { knows_repeated_message: true, find_message, .. } => {
                Some(Looks::RepeatedKey { searches: find_message.is_some() })
            }
            Description { find_message: Some(_), .. } => Some(Looks::Search),
            _ => Some(Looks::Nothing),
        }
    }

    async fn append(&self, message: &Message) -> Outcome {
        let Some(call) = &self.description.append else {
            return NoContact::misconfigured("the platform has no [append]").into();
        };
        // Where it says a status it sets it: what was closed since we last heard of it would be open again.
        let says_status = call.templates().any(|template| self.templates.names(template, "status"));
        let word = if says_status { self.word_now(&message.remote_id).await } else { None };
        let remote_word = word.or_else(|| message.remote_word.clone());
        let message = Message { remote_word, ..message.clone() };
        self.give(call, &message_parts(&message), None).await
    }

    async fn find_message(
        &self,
        message: &Message,
        sought: &Sought,
    ) -> Result<SearchResult, NoContact> {
        let parts = |subject: &Subject| {
            let Subject { reference, remote_id } = subject.clone();
            message_parts(&Message { reference, remote_id, ..message.clone() })
        };
        self.look(self.description.find_message.as_ref(), "find_message", sought, &parts).await
    }

    fn looks_for_photos(&self) -> Option<Looks> {
        match &self.description {
            Description { photo: None, .. } => None,
            Description { knows_repeated_photo: true, find_photo, .. } => {
                Some(Looks::RepeatedKey { searches: find_photo.is_some() })
            }
            Description { find_photo: Some(_), .. } => Some(Looks::Search),
            _ => Some(Looks::Nothing),
        }
    }

    async fn upload(&self, photo: &Photo) -> Outcome {
        let Some(description) = &self.description.photo else {
            return NoContact::misconfigured("the platform has no [photo]").into();
        };
        let parts = photo_parts(photo);
        let form = match self.photo_form(description, photo, &parts) {
            Ok(form) => form,
            Err(none) => return none.into(),
        };
        self.give(&description.call, &parts, form.as_ref()).await
    }

    async fn find_photo(&self, photo: &Photo, sought: &Sought) -> Result<SearchResult, NoContact> {
        let parts = |subject: &Subject| {
            let Subject { reference, remote_id } = subject.clone();
            photo_parts(&Photo { reference, remote_id, bytes: Vec::new(), ..photo.clone() })
        };
        self.look(self.description.find_photo.as_ref(), "find_photo", sought, &parts).await
    }

    async fn find(&self, sought: &Sought) -> Result<SearchResult, NoContact> {
        let parts = |subject: &Subject| reference_parts(&subject.reference);
        self.look(self.description.find.as_ref(), "find", sought, &parts).await
    }

    fn answers_questions(&self) -> bool {
        self.description.status.is_some()
    }

    fn tells_successors(&self) -> bool {
        self.description.status.as_ref().is_some_and(|call| call.answer.successors.is_some())
    }

    async fn greet(&self) -> Result<(), NoContact> {
        self.is_there().await
    }

    async fn fetch(&self, remote_ids: &[String]) -> Result<Answers, Unanswered> {
        self.standing(remote_ids).await
    }

    async fn changes(&self, cursor: Option<&str>) -> Result<Changed, Unanswered> {
        self.changed(cursor).await
    }

    fn pushed(&self, body: &str) -> Result<Answers, String> {
        self.pushed_body(body)
    }

    async fn number_of(&self, _: &str) -> Result<Option<String>, Unanswered> {
        Ok(None)
    }

    async fn service_gaps(&self) -> Result<Vec<ServiceGap>, NoContact> {
        let has = |category: &Category| self.description.categories.contains_key(category);
        let missing = Category::ALL.iter().filter(|category| !has(category));
        Ok(missing
            .map(|category| ServiceGap {
                category: *category,
                code: String::new(),
                attribute: None,
            })
            .collect())
    }

    async fn examine(&self) -> Vec<Remark> {
        let examiner = Examiner {
            description: &self.description,
            templates: &self.templates,
            clock: &self.clock,
            clock_skew: self.clock_skew,
            times: &self.times,
            asks: self,
        };
        examiner.examine_calls().await
    }
}

/// A body of several parts, and its content type.
type Form = (String, Vec<u8>);

fn read_description(file: &Path) -> Result<Description, SettingsError> {
    let wrong =
        |why: String| SettingsError::Wrong(format!("platform.file：{}：{why}", file.display()));
    let text =
        std::fs::read_to_string(file).map_err(|why| wrong(of_system(why.kind()).to_owned()))?;
    described(&text).map_err(wrong)
}

fn described(text: &str) -> Result<Description, String> {
    toml::from_str(text).map_err(|error| mistakes::in_toml(text, &error))
}

/// Whether a description can be understood, with its templates.
///
/// # Errors
/// What is wrong with it.
pub fn understand(text: &str) -> Result<(), String> {
    let description = described(text)?;
    let templates = Templates::new(description.templates());
    templates.map(drop).map_err(|none| none.own_fault().to_owned())
}
