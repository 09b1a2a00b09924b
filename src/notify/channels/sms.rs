//! Text messages by whatever gateway the township has, described in a file such as config/sms/gateway.toml.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use reqwest::{Client, Method, header};
use serde::Deserialize;

use super::{Channel, gist, misconfigured, short};
use crate::clock::{Clock, local_text};
use crate::db::{ADDRESS, Notice, Receipt};
use crate::delivery::charset::Charset;
use crate::delivery::http::{Answer, ask_in, failed, too_many};
use crate::delivery::json;
use crate::delivery::{Entry, LookUp, Outcome};
use crate::settings::{SettingsError, mistakes};

/// A gateway's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    #[allow(dead_code, reason = "for whoever reads the file")]
    name: String,
    method: String,
    url: String,
    content_type: String,
    body: String,
    /// In characters, the signature's among them.
    longest: usize,
    /// What the gateway, or its template, puts before each text: counted, and never put twice.
    #[serde(default = "signature")]
    signature: String,
    knows_repeated_id: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    answer: AnswerRules,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerRules {
    code: String,
    message: String,
    done: Vec<String>,
    #[serde(default)]
    no_address: Vec<String>,
    #[serde(default)]
    refused: Vec<String>,
    #[serde(default)]
    busy: Vec<String>,
}

fn signature() -> String {
    "【走访】".to_owned()
}

/// A gateway for text messages.
pub struct SmsChannel {
    clock: Clock,
    client: Client,
    gateway: Gateway,
    method: Method,
    templates: Environment<'static>,
    secret: String,
}

impl SmsChannel {
    /// By the gateway's file.
    pub fn new(
        clock: Clock,
        client: Client,
        file: &Path,
        secret: String,
    ) -> Result<SmsChannel, SettingsError> {
        let wrong = |why: String| {
            SettingsError::Wrong(format!("notify.sms.file：{}：{why}", file.display()))
        };
        let text = std::fs::read_to_string(file)
            .map_err(|why| wrong(crate::domain::reason::of_system(why.kind()).to_owned()))?;
        let gateway: Gateway =
            toml::from_str(&text).map_err(|why| wrong(mistakes::in_toml(&text, &why)))?;
        let method =
            gateway.method.parse().map_err(|_| wrong(format!("method：{}", gateway.method)))?;
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| AutoEscape::None);
        let texts = [&gateway.url, &gateway.body].into_iter().chain(gateway.headers.values());
        for text in texts {
            templates
                .add_template_owned(text.clone(), text.clone())
                .map_err(|why| wrong(why.to_string()))?;
        }
        Ok(SmsChannel { clock, client, gateway, method, templates, secret })
    }

    fn request(&self, notice: &Notice) -> Result<reqwest::RequestBuilder, Outcome> {
        let Some(phone) = &notice.addresses.phone else {
            return Err(Outcome::Refused { reason: format!("{ADDRESS}: no telephone number") });
        };
        let words = gist(&notice.title, &notice.body);
        let text = short(&words, &self.gateway.signature, self.gateway.longest);
        let now = self.clock.now();
        let parts = context! {
            phone, text, title => notice.title, id => notice.id, secret => self.secret,
            timestamp => now.as_second(), time_local => local_text(now),
        };
        let mut request = self
            .client
            .request(self.method.clone(), self.render(&self.gateway.url, &parts)?)
            .header(header::CONTENT_TYPE, &self.gateway.content_type);
        for (name, value) in &self.gateway.headers {
            request = request.header(name, self.render(value, &parts)?);
        }
        Ok(request.body(self.render(&self.gateway.body, &parts)?))
    }

    fn render(&self, text: &str, parts: &Value) -> Result<String, Outcome> {
        let rendered =
            self.templates.get_template(text).and_then(|template| template.render(parts));
        rendered.map_err(misconfigured)
    }

    fn judge(&self, answer: &Answer) -> Outcome {
        let rules = &self.gateway.answer;
        let value = json::read(&answer.body).ok();
        let coded = value.as_ref().is_some_and(|value| value.pointer(&rules.code).is_some());
        if !answer.status.is_success() && !coded {
            return failed(answer, "");
        }
        let Some(value) = value else {
            return Outcome::Unread { reason: "not_json".to_owned() };
        };
        let text = |at: &str| value.pointer(at).and_then(json::scalar).unwrap_or_default();
        let code = text(&rules.code);
        let words: String = text(&rules.message).chars().take(200).collect();
        let reason = |name: &str| format!("{name}: code {code} {words}");
        if rules.done.contains(&code) && !answer.status.is_server_error() {
            Outcome::Delivered(Receipt::default())
        } else if rules.no_address.contains(&code) {
            Outcome::Refused { reason: reason(ADDRESS) }
        } else if rules.refused.contains(&code) {
            Outcome::Refused { reason: reason("refused") }
        } else if rules.busy.contains(&code) {
            too_many(format!("code {code} {words}"), answer.retry_after)
        } else if !answer.status.is_success() {
            failed(answer, &words)
        } else {
            // A code that isn't in the file may mean anything, that it was sent too.
            Outcome::Unread { reason: reason("unexpected_code") }
        }
    }
}

#[async_trait]
impl Channel for SmsChannel {
    async fn send(&self, notice: &Notice) -> Outcome {
        let request = match self.request(notice) {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        match ask_in(request, Charset::chinese()).await {
            Ok(answer) => self.judge(&answer),
            Err(none) => none.into(),
        }
    }

    fn look(&self, _: &Entry) -> LookUp {
        if self.gateway.knows_repeated_id { LookUp::Repeatable } else { LookUp::Blind }
    }
}
