//! Photos 照片 of an issue: sealed in the record, and owed to the platform once for each referral.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::personal::{PHOTO_BYTES, PHOTO_FILE};
use super::{Result, Session, Store, StoreError, Tx, Upsert, to_json};
use crate::domain::referral;
use crate::seal::hex;

/// A photo as the platform gets it.
#[derive(Debug, Clone)]
pub struct Photo {
    /// Its id for this referral: nobody guesses it.
    pub id: String,
    /// By which it's found again.
    pub reference: String,
    /// The platform's number of the request that it belongs to, and its last word for it.
    pub remote_id: String,
    pub remote_word: Option<String>,
    pub file_name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl Photo {
    /// One to try templates on.
    pub fn example() -> Photo {
        Photo {
            id: "1".to_owned(),
            reference: "CHD2022-000001-R1-P1".to_owned(),
            remote_id: "1".to_owned(),
            remote_word: None,
            file_name: "示例.jpg".to_owned(),
            media_type: "image/jpeg".to_owned(),
            bytes: vec![0xFF, 0xD8, 0xFF],
        }
    }
}

/// The largest photo in bytes, and how many an issue may have.
pub const LARGEST_PHOTO: usize = 5 << 20;
const MOST_PHOTOS: i64 = 9;

/// What kind of picture these bytes are, by their beginning.
///
/// ```
/// assert_eq!(zoufang::db::media_type(b"\xFF\xD8\xFF\xE0"), Some("image/jpeg"));
/// assert_eq!(zoufang::db::media_type(b"MZ"), None);
/// ```
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

struct Row {
    id: String,
    photo: String,
    reference: String,
    place: i64,
    remote_id: String,
    remote_word: Option<String>,
    file_name: String,
    media_type: String,
    bytes_sealed: String,
}

from_row!(Row {
    id,
    photo,
    reference,
    place,
    remote_id,
    remote_word,
    file_name,
    media_type,
    bytes_sealed
});

/// A photo of an issue, as a page shows it.
#[derive(Debug, Clone)]
pub struct Photographed {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl Session {
    /// The places of an issue's photos, in their order.
    pub async fn photos_of(&mut self, issue_id: &str) -> Result<Vec<i64>> {
        let places =
            sqlx::query_scalar("SELECT place FROM photos WHERE issue_id = $1 ORDER BY place");
        Ok(places.bind(issue_id.to_owned()).fetch_all(&mut self.db).await?)
    }

    /// The photo of an issue at that place; nothing where there is none.
    pub async fn photo_at(&mut self, issue_id: &str, place: i64) -> Result<Option<Photographed>> {
        let row: Option<(String, String, String)> = sqlx::query_as(
            "SELECT id, media_type, bytes_sealed FROM photos WHERE issue_id = $1 AND place = $2",
        )
        .bind(issue_id.to_owned())
        .bind(place)
        .fetch_optional(&mut self.db)
        .await?;
        row.map(|(id, media_type, sealed)| {
            Ok(Photographed { media_type, bytes: opened(&self.context, &id, &sealed)? })
        })
        .transpose()
    }
}

/// A photo's bytes.
fn opened(context: &super::Context, id: &str, sealed: &str) -> Result<Vec<u8>> {
    let coded = context.open(PHOTO_BYTES, id, sealed)?;
    STANDARD
        .decode(coded)
        .map_err(|_| StoreError::Corrupt { what: "photos.bytes_sealed", value: id.to_owned() })
}

impl Tx {
    /// Keeps a photo of an issue, once; the platform is owed it with the issue.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where it's no picture, too large, or one too many.
    pub async fn add_photo(
        &mut self,
        number: &str,
        file_name: &str,
        bytes: &[u8],
    ) -> Result<Upsert> {
        let issue = self.issue_id(number).await?;
        let rule = |text: String| Err(StoreError::Rule(text));
        let Some(media_type) = media_type(bytes) else {
            return rule(format!("「{file_name}」不是 JPEG、PNG 或 WebP 图片"));
        };
        if bytes.len() > LARGEST_PHOTO {
            let limit = LARGEST_PHOTO >> 20;
            return rule(format!("「{file_name}」太大了（上限 {limit} MB），请压缩后再传"));
        }
        let digest = hex(&Sha256::digest(bytes));
        let known: Vec<String> =
            sqlx::query_scalar("SELECT digest FROM photos WHERE issue_id = $1")
                .bind(&issue)
                .fetch_all(&mut self.db)
                .await?;
        if known.contains(&digest) {
            return Ok(Upsert::Same);
        }
        let place = i64::try_from(known.len()).unwrap_or(i64::MAX) + 1;
        if place > MOST_PHOTOS {
            return rule(format!("「{number}」已有 {MOST_PHOTOS} 张照片，不能再加"));
        }
        let (id, now) = (self.context.id(), self.now());
        let sealed = self.context.seal(PHOTO_BYTES, &id, &STANDARD.encode(bytes))?;
        sqlx::query(
            "INSERT INTO photos (id, issue_id, place, file_name, media_type, bytes_sealed, digest, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&id)
        .bind(&issue)
        .bind(place)
        .bind(self.context.seal(PHOTO_FILE, &id, file_name)?)
        .bind(media_type)
        .bind(sealed)
        .bind(digest)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        let referral: Option<String> = sqlx::query_scalar(
            "SELECT r.id FROM referrals r JOIN issues i ON i.id = r.issue_id AND i.round = r.round
             WHERE i.id = $1 AND r.remote_id IS NOT NULL",
        )
        .bind(issue)
        .fetch_optional(&mut self.db)
        .await?;
        if let Some(referral) = referral {
            self.owe_photos_of(&to_json(&[referral])?).await?;
        }
        Ok(Upsert::Added)
    }

    /// Owes the photos of what goes by these numbers (a JSON list), each once for a referral.
    pub(super) async fn owe_photos_of(&mut self, referral_ids: &str) -> Result<()> {
        if !self.context.photos {
            return Ok(());
        }
        let read = format!(
            "SELECT r.id, r.reference, p.id, p.place FROM referrals r JOIN photos p ON p.issue_id = r.issue_id
             WHERE r.remote_id IS NOT NULL AND r.id {}
               AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.target_id = r.id AND o.withdrawn IS NOT NULL)
               AND NOT EXISTS (SELECT 1 FROM referral_photos s WHERE s.referral_id = r.id AND s.photo_id = p.id)
             ORDER BY r.reference, p.place",
            self.dialect.among()
        );
        let owed: Vec<(String, String, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(referral_ids.to_owned())
            .fetch_all(&mut self.db)
            .await?;
        if owed.is_empty() {
            return Ok(());
        }
        let unsure = self.unsure().await?;
        for (referral, reference, photo, place) in owed {
            let id = self.context.id();
            sqlx::query(
                "INSERT INTO referral_photos (id, referral_id, photo_id) VALUES ($1, $2, $3)",
            )
            .bind(&id)
            .bind(referral)
            .bind(photo)
            .execute(&mut self.db)
            .await?;
            let key = format!("photo:{}", referral::photo_reference(&reference, place));
            let first = unsure.as_ref().and_then(|unsure| unsure.since(&reference, None));
            self.owe("photo", &key, &id, super::messages::PRIORITY, first).await?;
        }
        Ok(())
    }

    pub(crate) async fn photo_delivered(&mut self, id: &str) -> Result<()> {
        let now = self.now();
        sqlx::query("UPDATE referral_photos SET delivered_at = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Photos that are owed, by their ids for a referral.
    pub(crate) async fn photos(&self, ids: &[&str]) -> Result<Vec<Photo>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = format!(
            "SELECT s.id, p.id AS photo, r.reference, p.place, r.remote_id, r.remote_word, p.file_name, p.media_type, p.bytes_sealed
             FROM referral_photos s JOIN referrals r ON r.id = s.referral_id JOIN photos p ON p.id = s.photo_id
             WHERE s.id {}",
            self.dialect.among()
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&ids)?)
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(|row| self.read_photo(row)).collect()
    }

    /// One photo by its id for a referral; nothing where there is none.
    pub async fn photo(&self, id: &str) -> Result<Option<Photo>> {
        Ok(self.photos(&[id]).await?.pop())
    }

    fn read_photo(&self, row: Row) -> Result<Photo> {
        Ok(Photo {
            bytes: opened(&self.context, &row.photo, &row.bytes_sealed)?,
            reference: referral::photo_reference(&row.reference, row.place),
            id: row.id,
            remote_id: row.remote_id,
            remote_word: row.remote_word,
            file_name: self.context.open(PHOTO_FILE, &row.photo, &row.file_name)?,
            media_type: row.media_type,
        })
    }
}
