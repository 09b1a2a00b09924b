//! Text messages by whatever gateway the township has, described in a file such as config/sms/gateway.toml.

mod answer;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use reqwest::{Client, Method, header};
use serde::Deserialize;

use super::{Channel, gist, misconfigured, short};
use crate::clock::{Clock, local_text};
use crate::db::{ADDRESS, Notice};
use crate::delivery::charset::Charset;
use crate::delivery::http::ask_in;
use crate::delivery::{Entry, LookUp, Outcome};
use crate::settings::{SettingsError, mistakes};
use answer::AnswerRules;

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
        if let Some(mistake) = gateway.answer.mistake() {
            return Err(wrong(mistake));
        }
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
}

#[async_trait]
impl Channel for SmsChannel {
    async fn send(&self, notice: &Notice) -> Outcome {
        let request = match self.request(notice) {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        match ask_in(request, Charset::chinese()).await {
            Ok(answer) => self.gateway.answer.judge(&answer),
            Err(none) => none.into(),
        }
    }

    fn look(&self, _: &Entry) -> LookUp {
        if self.gateway.knows_repeated_id { LookUp::Repeatable } else { LookUp::Blind }
    }
}
