//! Links 链接: the addresses of digests' pages. Drawn at random, kept as a digest under the key; each ends with its use, after
//! its days, or when it's revoked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::sets::Columns;
use super::{Context, Result, Session, Tx};

/// For so many days an address leads somewhere.
pub const LINK_DAYS: i64 = 14;
/// So many wrong answers to the question who one is end it.
const GUESSES: i64 = 5;
const DAY: i64 = 24 * 3_600 * 1_000;

/// An address to be given to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    pub token: String,
    /// Whether several could read it: whoever signs is asked who they are.
    pub asks: bool,
}

/// An address that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub staff_id: String,
    /// The day of the digest that it shows.
    pub on_date: String,
    pub asks: bool,
    /// Why it leads nowhere any more.
    pub ended: Option<LinkEnd>,
}

/// Why an address leads nowhere any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEnd {
    Used,
    Revoked,
    Guessed,
    Expired,
}

struct Row {
    staff_id: String,
    on_date: String,
    asks: i64,
    until_at: i64,
    ended_why: Option<String>,
}

from_row!(Row { staff_id, on_date, asks, until_at, ended_why });

#[derive(Serialize)]
struct NewRow<'n> {
    token_hash: String,
    staff_id: &'n str,
    on_date: String,
    asks: i64,
    wrong: i64,
    created_at: i64,
    until_at: i64,
}

impl Context {
    /// A new address' secret: 128 bits.
    pub fn link_token(&self) -> String {
        let mut bytes = [0; 16];
        self.chance.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn link_hash(&self, token: &str) -> String {
        self.sealer.index(&["link", token])
    }
}

impl Session {
    /// The address with this secret, if it was ever given.
    pub async fn link(&mut self, token: &str) -> Result<Option<Link>> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT staff_id, on_date, asks, until_at, ended_why FROM links WHERE token_hash = $1",
        )
        .bind(self.context.link_hash(token))
        .fetch_optional(&mut self.db)
        .await?;
        let now = self.now;
        Ok(row.map(|Row { staff_id, on_date, asks, until_at, ended_why }| Link {
            staff_id,
            on_date,
            asks: asks != 0,
            ended: match ended_why.as_deref() {
                Some("used") => Some(LinkEnd::Used),
                Some("guessed") => Some(LinkEnd::Guessed),
                Some(_) => Some(LinkEnd::Revoked),
                None if until_at <= now => Some(LinkEnd::Expired),
                None => None,
            },
        }))
    }
}

impl Tx {
    /// Keeps addresses: the secret, whose, and of which day's digest.
    pub async fn put_links(&mut self, links: &[(&NewLink, &str, String)]) -> Result<()> {
        let now = self.now();
        let mut rows: Vec<NewRow<'_>> = Vec::new();
        for (link, staff_id, on_date) in links {
            let token_hash = self.context.link_hash(&link.token);
            if rows.iter().any(|known| known.token_hash == token_hash) {
                continue;
            }
            rows.push(NewRow {
                token_hash,
                staff_id,
                on_date: on_date.clone(),
                asks: i64::from(link.asks),
                wrong: 0,
                created_at: now,
                until_at: now + LINK_DAYS * DAY,
            });
        }
        let columns = Columns {
            texts: &["token_hash", "staff_id", "on_date"],
            numbers: &["asks", "wrong", "created_at", "until_at"],
        };
        self.insert_set("links", &columns, &rows).await
    }

    /// It was used, and leads nowhere any more.
    pub async fn use_link(&mut self, token: &str) -> Result<()> {
        let (hash, now) = (self.context.link_hash(token), self.now());
        sqlx::query(
            "UPDATE links SET ended_at = $1, ended_why = 'used' WHERE token_hash = $2 AND ended_at IS NULL",
        )
        .bind(now)
        .bind(hash)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Somebody gave a wrong answer to who they are.
    pub async fn wrong_answer(&mut self, token: &str) -> Result<()> {
        let (hash, now) = (self.context.link_hash(token), self.now());
        sqlx::query(
            "UPDATE links SET wrong = wrong + 1,
               ended_at = CASE WHEN wrong + 1 >= $1 THEN $2 ELSE ended_at END,
               ended_why = CASE WHEN wrong + 1 >= $1 THEN 'guessed' ELSE ended_why END
             WHERE token_hash = $3 AND ended_at IS NULL",
        )
        .bind(GUESSES)
        .bind(now)
        .bind(hash)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Every address that a person was given leads nowhere from now on. How many still did.
    pub async fn revoke_links(&mut self, staff_id: &str) -> Result<u64> {
        let now = self.now();
        let revoked = sqlx::query(
            "UPDATE links SET ended_at = $1, ended_why = 'revoked'
             WHERE staff_id = $2 AND ended_at IS NULL AND until_at > $1",
        )
        .bind(now)
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(revoked.rows_affected())
    }
}
