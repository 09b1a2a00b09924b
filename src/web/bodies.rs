//! What callers send, read within bounds: never longer than it may be, and all of it together never more than there's room
//! for, whatever it says of its length.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for all bodies of a kind that are held at once, counted as they come in: who only says that much will come takes none.
#[derive(Debug, Clone)]
pub(super) struct Room {
    each: usize,
    kib: Arc<Semaphore>,
}

/// A body, with the room that it takes.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Vec<u8>,
    _room: Taken,
}

/// The room that a body takes, for as long as it's held.
pub(super) type Taken = Option<OwnedSemaphorePermit>;

/// Why a body isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    TooLong(usize),
    NoRoom,
    CutOff,
}

impl Room {
    /// Room for bodies of `each` bytes, and for `all` bytes of them at once.
    fn new(each: usize, all: usize) -> Room {
        Room { each, kib: Arc::new(Semaphore::new(all / 1024)) }
    }

    /// For the platform's calls.
    pub fn for_updates() -> Room {
        Room::new(1 << 20, 16 << 20)
    }

    /// For uploads of what came back from a portal.
    pub fn for_returns() -> Room {
        Room::new(16 << 20, 32 << 20)
    }

    /// The largest file that a browser brings, in bytes.
    pub const LARGEST_FILE: usize = 16 << 20;

    /// For files that browsers bring, with the form around them.
    pub fn for_files() -> Room {
        Room::new(Room::LARGEST_FILE + (64 << 10), 64 << 20)
    }

    /// For forms with photos.
    pub fn for_photos() -> Room {
        Room::new(24 << 20, 96 << 20)
    }

    /// Reads a body.
    pub async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Held, Refused> {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if length.is_some_and(|length| length.parse().is_ok_and(|length: usize| length > self.each))
        {
            let_pass(body);
            return Err(Refused::TooLong(self.each));
        }
        let mut held = Held { bytes: Vec::new(), _room: None };
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refused::CutOff)?;
            if let Err(refused) = self.hold(&mut held, &chunk) {
                let_pass(Body::from_stream(chunks));
                return Err(refused);
            }
        }
        Ok(held)
    }

    fn hold(&self, held: &mut Held, chunk: &Bytes) -> Result<(), Refused> {
        let whole = held.bytes.len() + chunk.len();
        if whole > self.each {
            return Err(Refused::TooLong(self.each));
        }
        // What a vector takes as it grows.
        let wanted = whole.next_power_of_two().div_ceil(1024);
        let more =
            wanted - held._room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits).min(wanted);
        if more > 0 {
            let more = u32::try_from(more).map_err(|_| Refused::NoRoom)?;
            let more = Arc::clone(&self.kib).try_acquire_many_owned(more);
            let more = more.map_err(|_| Refused::NoRoom)?;
            match &mut held._room {
                Some(room) => room.merge(more),
                None => held._room = Some(more),
            }
        }
        held.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

impl Held {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, and the room that they take.
    pub fn taken(self) -> (Bytes, Taken) {
        (self.bytes.into(), self._room)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Refused::TooLong(most) => {
                let said = format!("内容太长：最多 {} KiB\n", most / 1024);
                (StatusCode::PAYLOAD_TOO_LARGE, said).into_response()
            }
            Refused::NoRoom => {
                let again = [(header::RETRY_AFTER, "5")];
                let said = "同时上传的太多，请过几秒再试\n";
                (StatusCode::SERVICE_UNAVAILABLE, again, said).into_response()
            }
            Refused::CutOff => {
                (StatusCode::BAD_REQUEST, "内容没有传完，请再传一次\n").into_response()
            }
        }
    }
}

/// What is refused before it's read is let pass for a while, so that whoever sends it hears why: one that hangs up on them
/// isn't heard.
const PASSES: Duration = Duration::from_secs(5);
const MOST_PASSES: usize = 32 << 20;

/// Lets a body pass that nobody wants.
pub(super) fn let_pass(body: Body) {
    tokio::spawn(async move {
        let passing = async {
            let (mut chunks, mut passed) = (body.into_data_stream(), 0);
            while let Some(Ok(chunk)) = chunks.next().await {
                passed += chunk.len();
                if passed > MOST_PASSES {
                    return;
                }
            }
        };
        // What comes later isn't waited for.
        let _ = tokio::time::timeout(PASSES, passing).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(length: usize) -> HeaderMap {
        [(header::CONTENT_LENGTH, length.into())].into_iter().collect()
    }

    #[tokio::test]
    async fn a_body_is_as_long_as_it_comes_and_not_longer_than_it_may_be() {
        let room = Room::new(4096, 8192);
        let read = async |length, body: Vec<u8>| {
            room.read(&said(length), Body::from(body)).await.map(|held| held.bytes().len())
        };
        assert_eq!(read(4096, vec![1; 4096]).await, Ok(4096));
        assert_eq!(read(5000, vec![1; 10]).await, Err(Refused::TooLong(4096)));
        assert_eq!(read(10, vec![1; 5000]).await, Err(Refused::TooLong(4096)));
        assert_eq!(room.kib.available_permits(), 8, "what was read has gone");
        let held = [
            room.read(&said(4096), Body::from(vec![1; 4096])).await,
            room.read(&said(4096), Body::from(vec![1; 4096])).await,
        ];
        assert_eq!(read(1, vec![1]).await, Err(Refused::NoRoom));
        drop(held);
        assert_eq!(read(1, vec![1]).await, Ok(1));
    }
}
