//! The channels: how a digest reaches a person.

use async_trait::async_trait;
use reqwest::Client;
use serde_json::json;
use tracing::info;

use crate::clock::Clock;
use crate::outbox::http::{Tls, ask, client, failed};
use crate::outbox::{Carrier, Outcome, Sight};
use crate::settings::{SettingsError, WebhookSettings};
use crate::store::{Content, Parcel, Receipt};

/// Writes digests to the log: for a first trial, and as a trace beside another channel.
pub struct LogChannel;

#[async_trait]
impl Carrier for LogChannel {
    async fn send(&self, content: &Content) -> Outcome {
        let Content::Notice(notice) = content else {
            return Outcome::not_for_this_lane();
        };
        info!(to = %notice.staff_number, title = %notice.title, body = %notice.body, "notice");
        Outcome::Delivered(Receipt::default())
    }

    async fn look(&self, _: &Parcel, _: &Content) -> Sight {
        Sight::Repeatable
    }
}

/// Posts digests as JSON. `webhook-id` is the same whenever the same digest is sent, so that a receiver
/// keeps it once (Standard Webhooks).
pub struct WebhookChannel {
    clock: Clock,
    client: Client,
    url: String,
}

impl WebhookChannel {
    /// By configuration.
    pub fn new(clock: Clock, settings: &WebhookSettings) -> Result<WebhookChannel, SettingsError> {
        let client = client(settings.timeout, &Tls::default())
            .map_err(|error| SettingsError::Wrong(error.to_string()))?;
        Ok(WebhookChannel { clock, client, url: settings.url.clone() })
    }
}

#[async_trait]
impl Carrier for WebhookChannel {
    async fn send(&self, content: &Content) -> Outcome {
        let Content::Notice(notice) = content else {
            return Outcome::not_for_this_lane();
        };
        let now = self.clock.now();
        let body = json!({
            "type": "digest",
            "timestamp": now.to_string(),
            "data": {
                "to": notice.staff_number,
                "name": notice.staff_name,
                "date": notice.on_date,
                "title": notice.title,
                "text": notice.body,
            },
        });
        let request = self
            .client
            .post(&self.url)
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", now.as_second().to_string())
            .json(&body);
        match ask(request).await {
            Ok(answer) if answer.status.is_success() => Outcome::Delivered(Receipt::default()),
            Ok(answer) => failed(&answer, ""),
            Err(none) => none.into(),
        }
    }

    async fn look(&self, _: &Parcel, _: &Content) -> Sight {
        Sight::Repeatable
    }
}
