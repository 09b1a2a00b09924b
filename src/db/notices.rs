//! Notices 通知: one digest for one person on one day through one channel.

use std::collections::HashSet;

use jiff::civil::Date;
use serde::Serialize;

use super::personal::{NOTICE_BODY, NOTICE_HTML, NOTICE_SEVERAL, NOTICE_TITLE, STAFF_NAME};
use super::staff::SealedAddresses;
use super::{
    Addresses, ChannelReach, Context, Form, NewLink, Result, Session, StaffMember, Store, Tx, date,
    to_json,
};
use crate::domain::counted::{CountedEntry, DeliveredNotice};

impl Context {
    /// The configured channel of that lane.
    pub fn channel(&self, lane: &str) -> Option<&ChannelReach> {
        self.channels.iter().find(|channel| channel.lane == lane)
    }

    /// The channels by which a person is told: the first that reaches them, and those that get everything besides.
    /// None where nothing reaches them, as a copy is not a reminder; nor where they left: what is still theirs isn't their affair
    /// any more, and they read of no resident.
    pub fn routes(&self, person: &StaffMember, dead: &HashSet<(String, String)>) -> Vec<String> {
        if person.has_left() {
            return Vec::new();
        }
        let reaches = |channel: &&ChannelReach| channel.reaches(person, dead);
        let Some(preferred) = self.channels.iter().filter(|c| !c.copy).find(reaches) else {
            return Vec::new();
        };
        let copies = self.channels.iter().filter(|c| c.copy).filter(reaches);
        std::iter::once(preferred).chain(copies).map(|channel| channel.lane.clone()).collect()
    }
}

impl ChannelReach {
    /// Whether it can reach `person`, as far as is known; `dead` has who is out of which channel's reach.
    pub fn reaches(&self, person: &StaffMember, dead: &HashSet<(String, String)>) -> bool {
        self.reaches_by(&person.addresses, dead.contains(&(person.id.clone(), self.lane.clone())))
    }
}

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
    /// The same for a reader of mail.
    pub html: Option<String>,
    /// The same as others than its reader may see it, where it has what they mayn't.
    pub several: Option<String>,
    /// The address that it gives its reader.
    pub link: Option<NewLink>,
}

/// Opens the reason of a refusal by which a channel says that it can't reach the person at all.
pub const ADDRESS: &str = "no_address";

/// The topic of a day's digest of duties.
pub const DIGEST: &str = "digest";

/// A digest as its channel sends it.
#[derive(Debug, Clone)]
pub struct Notice {
    pub id: String,
    /// What it is about: a day's digest, or what is told besides.
    pub topic: String,
    pub on_date: String,
    pub title: String,
    pub body: String,
    pub html: Option<String>,
    pub staff_number: String,
    pub staff_name: String,
    pub addresses: Addresses,
}

struct Row {
    id: String,
    staff: String,
    topic: String,
    on_date: String,
    title: String,
    body: String,
    html: Option<String>,
    staff_number: String,
    staff_name: String,
    sealed: SealedAddresses,
}

from_row!(Row { ..sealed, id, staff, topic, on_date, title, body, html, staff_number, staff_name });

#[derive(Serialize)]
struct NoticeRow<'n> {
    id: String,
    debt_id: String,
    debt_key: String,
    staff: &'n str,
    channel: &'n str,
    on: Date,
    topic: &'n str,
    title: String,
    body: String,
    html: Option<String>,
    several: Option<String>,
}

/// How many notices one statement is handed.
const AT_ONCE: usize = 500;

impl Store {
    /// These notices, with their readers' addresses.
    pub async fn notices(&self, ids: &[&str]) -> Result<Vec<Notice>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = format!(
            "SELECT n.id, n.topic, n.on_date, n.title, n.body, n.html, s.number AS staff_number, s.name AS staff_name,
               s.id AS staff, s.phone_sealed, s.email_sealed, s.wecom_sealed, s.feishu_sealed
             FROM notices n JOIN staff s ON s.id = n.staff_id
             WHERE n.id {}",
            self.dialect.among()
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&ids)?)
            .fetch_all(&self.read)
            .await?;
        let notice = |row: Row| {
            let title = self.context.open(NOTICE_TITLE, &row.id, &row.title)?;
            let staff_name = self.context.open(STAFF_NAME, &row.staff, &row.staff_name)?;
            Ok(Notice {
                addresses: row.sealed.open(&row.staff, &self.context)?,
                body: self.context.open(NOTICE_BODY, &row.id, &row.body)?,
                html: self.context.open_optional(NOTICE_HTML, &row.id, row.html)?,
                id: row.id,
                topic: row.topic,
                on_date: row.on_date,
                title,
                staff_number: row.staff_number,
                staff_name,
            })
        };
        rows.into_iter().map(notice).collect()
    }
}

impl Session {
    /// Who already has a digest of that day.
    pub async fn told_on(&mut self, on: Date) -> Result<HashSet<String>> {
        let told: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT staff_id FROM notices WHERE on_date = $1 AND topic = $2",
        )
        .bind(on.to_string())
        .bind(DIGEST)
        .fetch_all(&mut self.db)
        .await?;
        Ok(told.into_iter().collect())
    }
}

impl Session {
    /// The last day on which a person was told anything.
    pub async fn last_told_on(&mut self, staff_id: &str) -> Result<Option<String>> {
        let last = "SELECT MAX(on_date) FROM notices WHERE staff_id = $1 AND topic = $2";
        Ok(sqlx::query_scalar(last)
            .bind(staff_id.to_owned())
            .bind(DIGEST)
            .fetch_one(&mut self.db)
            .await?)
    }
}

impl Tx {
    /// Writes notices and their outbox rows, each once: one for each person, channel, day and topic.
    pub async fn put_notices(&mut self, notices: &[NewNotice]) -> Result<()> {
        let texts = [
            "id", "staff", "channel", "on", "topic", "title", "body", "html", "several", "debt_id",
            "debt_key",
        ];
        let source = self.dialect.rows(&texts, &[]);
        let write = format!(
            "INSERT INTO notices (id, staff_id, channel, on_date, topic, title, body, html, several, created_at)
             SELECT id, staff, channel, \"on\", topic, title, body, html, several, $2 FROM {source} AS j WHERE true
             ON CONFLICT (staff_id, channel, on_date, topic) DO NOTHING"
        );
        let owe = format!(
            "INSERT INTO outbox (id, lane, kind, debt_key, target_id, priority, state, attempts, not_before, created_at)
             SELECT debt_id, channel, 'notice', debt_key, id, 1, 'ready', 0, 0, $2 FROM {source} AS j WHERE true
             ON CONFLICT (debt_key) DO NOTHING RETURNING lane"
        );
        let now = self.now();
        for chunk in notices.chunks(AT_ONCE) {
            let rows = chunk.iter().map(|new| self.notice_row(new));
            let rows: Vec<NoticeRow<'_>> = rows.collect::<Result<_>>()?;
            let links = chunk.iter().filter_map(|new| {
                Some((new.link.as_ref()?, new.staff_id.as_str(), new.on.to_string()))
            });
            self.put_links(&links.collect::<Vec<_>>()).await?;
            let rows = to_json(&rows)?;
            sqlx::query(sqlx::AssertSqlSafe(write.clone()))
                .bind(&rows)
                .bind(now)
                .execute(&mut self.db)
                .await?;
            let owed: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(owe.clone()))
                .bind(&rows)
                .bind(now)
                .fetch_all(&mut self.db)
                .await?;
            for lane in owed {
                self.tally.change(None, Some(&CountedEntry::owed(lane, "ready", now)));
            }
        }
        Ok(())
    }

    fn notice_row<'n>(&self, new: &'n NewNotice) -> Result<NoticeRow<'n>> {
        let NewNotice { staff_id, channel, on, topic, title, body, html, several, .. } = new;
        let mut debt_key = format!("notice:{channel}:{staff_id}:{on}");
        if topic != DIGEST {
            debt_key = format!("{debt_key}:{topic}");
        }
        let id = self.context.id();
        Ok(NoticeRow {
            debt_id: self.context.id(),
            debt_key,
            staff: staff_id,
            channel,
            on: *on,
            topic,
            title: self.context.seal(NOTICE_TITLE, &id, title)?,
            body: self.context.seal(NOTICE_BODY, &id, body)?,
            html: self.context.seal_optional(NOTICE_HTML, &id, html.as_deref())?,
            several: self.context.seal_optional(NOTICE_SEVERAL, &id, several.as_deref())?,
            id,
        })
    }

    /// A channel won't have it, such as a mailbox that doesn't exist: the person is marked as out of its reach, and
    /// the notice goes by the next channel that reaches them.
    pub(crate) async fn notice_refused(&mut self, id: &str, reason: &str) -> Result<()> {
        let (staff, channel, on, topic, title, body): (
            String,
            String,
            String,
            String,
            String,
            String,
        ) = sqlx::query_as(
            "SELECT staff_id, channel, on_date, topic, title, body FROM notices WHERE id = $1",
        )
        .bind(id)
        .fetch_one(&mut self.db)
        .await?;
        if reason.starts_with(ADDRESS) {
            self.mark_dead(&staff, &channel, reason).await?;
        }
        let person = self.staff().await?.into_iter().find(|person| person.id == staff);
        let dead = self.dead_addresses().await?;
        let tried: Vec<String> = sqlx::query_scalar(
            "SELECT channel FROM notices WHERE staff_id = $1 AND on_date = $2 AND topic = $3",
        )
        .bind(&staff)
        .bind(&on)
        .bind(&topic)
        .fetch_all(&mut self.db)
        .await?;
        let next = person.and_then(|person| {
            let reaches = |c: &&ChannelReach| !tried.contains(&c.lane) && c.reaches(&person, &dead);
            self.context.channels.iter().filter(|c| !c.copy).find(reaches).map(|c| c.lane.clone())
        });
        let Some(next) = next else { return Ok(()) };
        let (html, several): (Option<String>, Option<String>) =
            sqlx::query_as("SELECT html, several FROM notices WHERE id = $1")
                .bind(id)
                .fetch_one(&mut self.db)
                .await?;
        let context = self.shared_context();
        let title = context.open(NOTICE_TITLE, id, &title)?;
        let body = context.open(NOTICE_BODY, id, &body)?;
        let html = context.open_optional(NOTICE_HTML, id, html)?;
        let several = context.open_optional(NOTICE_SEVERAL, id, several)?;
        let on = date("notices.on_date", &on)?;
        // What only its reader may see doesn't go where others read too.
        let is_group = self.context.channel(&next).is_some_and(|next| next.form == Form::Group);
        let (body, html, several) = match several {
            Some(several) if is_group => (several, None, None),
            several => (body, html, several),
        };
        let (staff_id, channel, link) = (staff, next, None);
        let again = NewNotice { staff_id, channel, on, topic, title, body, html, several, link };
        self.put_notices(&[again]).await
    }

    /// Tells one person of something besides their duties, by the channels that reach them. False where none does.
    pub async fn tell(
        &mut self,
        person: &StaffMember,
        topic: &str,
        title: &str,
        body: &str,
    ) -> Result<bool> {
        let dead = self.dead_addresses().await?;
        let on = self.today();
        let notice = |channel: String| NewNotice {
            staff_id: person.id.clone(),
            channel,
            on,
            topic: topic.to_owned(),
            title: title.to_owned(),
            body: body.to_owned(),
            html: None,
            several: None,
            link: None,
        };
        let notices: Vec<NewNotice> =
            self.context.routes(person, &dead).into_iter().map(notice).collect();
        self.put_notices(&notices).await?;
        Ok(!notices.is_empty())
    }

    pub(crate) async fn notice_delivered(&mut self, id: &str) -> Result<()> {
        let now = self.now();
        let delivered = sqlx::query(
            "UPDATE notices SET delivered_at = $1 WHERE id = $2 AND delivered_at IS NULL",
        )
        .bind(now)
        .bind(id)
        .execute(&mut self.db)
        .await?;
        if delivered.rows_affected() > 0 {
            self.tally.change(None, Some(&DeliveredNotice));
        }
        Ok(())
    }
}
