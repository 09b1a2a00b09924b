//! Photos 照片 come in, from a page or a command: looked through, with nothing left but the picture, and kept with their issue.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::issue_glance::glance;
use super::issue_note::is_theirs;
use super::shown::reveal_pass;
use crate::db::{LARGEST_PHOTO, Photographed, Result, Session, Store, StoreError, Tx, Upsert};
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;
use crate::picture;
use crate::seal::hex;

/// A file with more isn't looked at: what lies in it beside the picture isn't that much.
pub const LARGEST_FILE: usize = 4 * LARGEST_PHOTO;

/// A photo that may be kept.
#[derive(Clone)]
pub struct Fit {
    file_name: String,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Fit {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fit").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Fit {
    /// What is kept of a file that somebody gives as a photo.
    ///
    /// # Errors
    /// Why it can't be one, for whoever gave it.
    pub fn of(file_name: &str, bytes: &[u8]) -> std::result::Result<Fit, String> {
        let too_large = || {
            let limit = LARGEST_PHOTO >> 20;
            format!("「{file_name}」太大了（上限 {limit} MB），请压缩后再传")
        };
        if bytes.len() > LARGEST_FILE {
            return Err(too_large());
        }
        let cleaned = picture::cleaned(bytes).map_err(|why| match why {
            picture::Unusable::NoPicture => format!("「{file_name}」不是 JPEG、PNG 或 WebP 图片"),
            why => format!("「{file_name}」{why}"),
        })?;
        if cleaned.bytes.len() > LARGEST_PHOTO {
            return Err(too_large());
        }
        Ok(Fit { file_name: file_name.to_owned(), bytes: cleaned.bytes })
    }

    /// By which the same picture is known again.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }
}

/// Keeps photos with an issue; how many of them are new.
///
/// # Errors
/// [`StoreError::Rule`] where they are too many.
pub async fn keep(tx: &mut Tx, number: &str, photos: &[Fit]) -> Result<usize> {
    let mut added = 0;
    for photo in photos {
        let put = tx.add_photo(number, &photo.file_name, &photo.bytes).await?;
        added += usize::from(put == Upsert::Added);
    }
    Ok(added)
}

/// What became of photos that somebody adds to an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// So many were new.
    Done(usize),
    /// There's no such issue, or they don't act on it.
    NotYours,
    /// Why not, for them.
    Not(String),
}

/// Adds photos to an issue that somebody acts on; the same picture again is nothing new.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn add(
    store: &Store,
    person: &StaffMember,
    number: &str,
    photos: &[Fit],
) -> Result<Added> {
    let mut tx = store.begin().await?;
    let theirs = match glance(&mut tx, person, number).await? {
        Some(glance) => is_theirs(&mut tx, person, &glance).await?,
        None => false,
    };
    if !theirs || !Right::Photo.is_held_by(person) {
        tx.rollback().await?;
        return Ok(Added::NotYours);
    }
    match keep(&mut tx, number, photos).await {
        Ok(0) => tx.rollback().await?,
        Ok(added) => {
            let detail = json!({ "photos": added });
            tx.audit(&person.signed(), "photo", number, &detail).await?;
            tx.commit().await?;
            return Ok(Added::Done(added));
        }
        Err(StoreError::Rule(why)) => {
            tx.rollback().await?;
            return Ok(Added::Not(why));
        }
        Err(error) => return Err(error),
    }
    Ok(Added::Done(0))
}

/// One photo of an issue, for whoever acts on it, or was shown all of it.
///
/// # Errors
/// Where the record can't be read.
pub async fn one(
    session: &mut Session,
    person: &StaffMember,
    number: &str,
    place: i64,
    pass: &str,
) -> Result<Option<Photographed>> {
    let Some(glance) = glance(session, person, number).await? else { return Ok(None) };
    let right = reveal_pass(session, person, number);
    let shown = glance.may_reveal && session.context().sealer.is_same(pass, &right);
    if !shown && !is_theirs(session, person, &glance).await? {
        return Ok(None);
    }
    session.photo_at(&glance.row.id, place).await
}
