//! Passwords are digested and tried here, off the threads that everything else runs on: that takes memory and time on purpose.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, SemaphorePermit};
use unicode_normalization::UnicodeNormalization;

use crate::db::{Context, Result, StoreError};

/// So many at once: each takes 19 MiB and a good part of a processor.
static ROOM: Semaphore = Semaphore::const_new(2);
/// Whoever has no room within this time is told so.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is kept of a person's password.
///
/// # Errors
/// Where too many sign in at once.
pub(super) async fn digest(context: &Context, staff_id: &str, password: &str) -> Result<String> {
    let _room = room().await?;
    let keyed = keyed(context, staff_id, password);
    let mut salt = [0; 16];
    context.chance.fill(&mut salt);
    let digest = move || {
        let digest = Argon2::default().hash_password_with_salt(keyed.as_bytes(), &salt);
        digest.map(|digest| digest.to_string()).map_err(|error| error.to_string())
    };
    off_thread(digest).await?.map_err(StoreError::Rule)
}

/// Whether it's the person's password. Where they have none, that takes as long.
///
/// # Errors
/// Where too many sign in at once.
pub(super) async fn fits(
    context: &Context,
    staff_id: &str,
    password: &str,
    kept: Option<String>,
) -> Result<bool> {
    let _room = room().await?;
    let keyed = keyed(context, staff_id, password);
    off_thread(move || {
        let argon2 = Argon2::default();
        match kept {
            Some(kept) => argon2.verify_password(keyed.as_bytes(), kept.as_str()).is_ok(),
            None => {
                // Nobody learns by the time that it takes who has an account.
                let _ = argon2.hash_password_with_salt(keyed.as_bytes(), &[0; 16]);
                false
            }
        }
    })
    .await
}

/// The password under the record's key and bound to its person: what is kept says nothing without the key, and nothing of
/// anybody else. Typed on whatever keyboard, it's the same.
fn keyed(context: &Context, staff_id: &str, password: &str) -> String {
    let typed: String = password.nfkc().collect();
    context.sealer.index(&["password", staff_id, &typed])
}

async fn room() -> Result<SemaphorePermit<'static>> {
    let busy = || StoreError::Rule("现在登录的人太多，请过一会儿再试".to_owned());
    let room = tokio::time::timeout(PATIENCE, ROOM.acquire()).await;
    room.map_err(|_| busy())?.map_err(|_| busy())
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| StoreError::Rule(panic.to_string()))
}
