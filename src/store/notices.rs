//! Notices 通知: one digest for one person on one day through one channel.

use jiff::civil::Date;
use sqlx::FromRow;

use super::{Result, Store, Tx};

/// A digest to be sent.
#[derive(Debug, Clone)]
pub struct NewNotice {
    pub staff_id: String,
    pub channel: String,
    pub on: Date,
    /// What it is about: one notice for each topic of a day.
    pub topic: String,
    pub title: String,
    pub body: String,
}

/// The topic of a day's digest of duties.
pub const DIGEST: &str = "digest";

/// A digest as its channel sends it.
#[derive(Debug, Clone, FromRow)]
pub struct Notice {
    pub id: String,
    pub on_date: String,
    pub title: String,
    pub body: String,
    pub staff_number: String,
    pub staff_name: String,
}

impl Tx {
    /// Whether the person already has a digest of that day.
    pub async fn was_told(&mut self, staff_id: &str, on: Date) -> Result<bool> {
        let told: Option<String> = sqlx::query_scalar(
            "SELECT id FROM notices WHERE staff_id = $1 AND on_date = $2 AND topic = $3 LIMIT 1",
        )
        .bind(staff_id)
        .bind(on.to_string())
        .bind(DIGEST)
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(told.is_some())
    }

    /// Notes that a person hears of a duty's rung; false where they already have.
    pub async fn put_notice_item(
        &mut self,
        duty: &str,
        rung: i64,
        staff_id: &str,
        on: Date,
    ) -> Result<bool> {
        let added = sqlx::query(
            "INSERT INTO notice_items (duty_id, rung, staff_id, on_date) VALUES ($1, $2, $3, $4)
             ON CONFLICT (duty_id, rung, staff_id) DO NOTHING",
        )
        .bind(duty)
        .bind(rung)
        .bind(staff_id)
        .bind(on.to_string())
        .execute(&mut *self.db)
        .await?;
        Ok(added.rows_affected() > 0)
    }

    /// Writes a digest and its outbox row, once.
    pub async fn put_notice(&mut self, new: &NewNotice) -> Result<()> {
        let (id, now) = (self.around.id(), self.now());
        let on = new.on.to_string();
        sqlx::query(
            "INSERT INTO notices (id, staff_id, channel, on_date, topic, title, body, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (staff_id, channel, on_date, topic) DO NOTHING",
        )
        .bind(&id)
        .bind(&new.staff_id)
        .bind(&new.channel)
        .bind(&on)
        .bind(&new.topic)
        .bind(&new.title)
        .bind(&new.body)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        let mut debt = format!("notice:{}:{}:{on}", new.channel, new.staff_id);
        if new.topic != DIGEST {
            debt = format!("{debt}:{}", new.topic);
        }
        self.owe("notice", &new.channel, &debt, &id, 1, None).await
    }

    pub(super) async fn notice_delivered(&mut self, id: &str) -> Result<()> {
        let now = self.now();
        sqlx::query("UPDATE notices SET delivered_at = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }
}

/// That somebody heard of a rung of a duty.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Told {
    pub duty_key: String,
    pub due_on: String,
    pub rung: i64,
    pub staff_number: String,
    pub on_date: String,
}

impl Store {
    /// Everything that anybody was told, oldest first.
    pub async fn told(&self) -> Result<Vec<Told>> {
        Ok(sqlx::query_as(
            "SELECT d.duty_key, d.due_on, i.rung, s.number AS staff_number, i.on_date
             FROM notice_items i JOIN duties d ON d.id = i.duty_id JOIN staff s ON s.id = i.staff_id
             ORDER BY i.on_date, d.duty_key, i.rung, s.number",
        )
        .fetch_all(&self.read)
        .await?)
    }
}
