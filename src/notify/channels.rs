//! The channels: how a digest reaches a person.

use async_trait::async_trait;
use reqwest::Client;
use serde_json::json;
use tracing::info;

use crate::outbox::http::{Tls, ask, client, failed};
use crate::outbox::{Carrier, Outcome, Sight};
use crate::settings::{SettingsError, WebhookSettings};
use crate::store::{Parcel, Receipt, Store};

/// Writes digests to the log: for a first trial, and as a trace beside another channel.
pub struct LogChannel(pub Store);

#[async_trait]
impl Carrier for LogChannel {
    async fn send(&self, parcel: &Parcel) -> Outcome {
        match self.0.notice(&parcel.target_id).await {
            Ok(notice) => {
                info!(to = %notice.staff_number, title = %notice.title, body = %notice.body, "notice");
                Outcome::Delivered(Receipt::default())
            }
            Err(error) => Outcome::NotSent { reason: error.to_string(), retry_after: None },
        }
    }

    async fn look(&self, _: &Parcel) -> Sight {
        Sight::Repeatable
    }
}

/// Posts digests as JSON. `webhook-id` is the same whenever the same digest is sent, so that a receiver
/// keeps it once (Standard Webhooks).
pub struct WebhookChannel {
    store: Store,
    client: Client,
    url: String,
}

impl WebhookChannel {
    /// By configuration.
    pub fn new(store: Store, settings: &WebhookSettings) -> Result<WebhookChannel, SettingsError> {
        let client = client(settings.timeout, &Tls::default())
            .map_err(|error| SettingsError::Wrong(error.to_string()))?;
        Ok(WebhookChannel { store, client, url: settings.url.clone() })
    }
}

#[async_trait]
impl Carrier for WebhookChannel {
    async fn send(&self, parcel: &Parcel) -> Outcome {
        let notice = match self.store.notice(&parcel.target_id).await {
            Ok(notice) => notice,
            Err(error) => {
                return Outcome::NotSent { reason: error.to_string(), retry_after: None };
            }
        };
        let now = self.store.around().clock.now();
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

    async fn look(&self, _: &Parcel) -> Sight {
        Sight::Repeatable
    }
}
