//! What a form brings: its fields, and photos that came with them; within bounds, whatever it says of its length.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::stream::once;
use multer::Multipart;

use crate::web::bodies::{Refused, Room, Taken};

/// The name of the fields that bring photos.
const PHOTOS: &str = "photos";
/// No form has more fields, nor more to say in all of them.
const MOST_PARTS: usize = 100;
const LONGEST: usize = 64 << 10;

const UNREADABLE: &str = "表单读不懂，没有登记。请重新打开页面再填";
const TOO_LONG: &str = "填的内容太长了，没有登记。请写得简短些";

/// The fields of a form.
#[derive(Clone, Default)]
pub(crate) struct Fields(pub HashMap<String, String>);

impl std::fmt::Debug for Fields {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fields").finish_non_exhaustive()
    }
}

impl Fields {
    /// Fills in a field.
    pub fn put(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), text);
    }

    /// A field; empty where it isn't there.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map(|text| text.trim()).unwrap_or_default()
    }
}

/// A file's bytes.
pub(super) struct Upload(pub Bytes);

impl std::fmt::Debug for Upload {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Upload").field(&self.0.len()).finish()
    }
}

/// What a form brought, with the room that it takes.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub fields: Fields,
    pub files: Vec<Upload>,
    pub room: Taken,
}

/// A part of a form with files.
pub(super) struct Part {
    pub name: Option<String>,
    /// As the browser calls it; nothing where it's no file.
    pub file: Option<String>,
    pub content: Bytes,
}

/// Takes the parts of a form with files (RFC 7578), one after the other; `unreadable` where it isn't one.
pub(super) async fn each_part<E: Clone>(
    bytes: Bytes,
    boundary: String,
    unreadable: E,
    mut take: impl FnMut(Part) -> Result<(), E>,
) -> Result<(), E> {
    let whole = once(async move { Ok::<_, Infallible>(bytes) });
    let mut parts = Multipart::new(whole, boundary);
    while let Some(part) = parts.next_field().await.map_err(|_| unreadable.clone())? {
        let (name, file) = (part.name().map(str::to_owned), part.file_name().map(str::to_owned));
        let content = part.bytes().await.map_err(|_| unreadable.clone())?;
        take(Part { name, file, content })?;
    }
    Ok(())
}

/// What parts the form of a request, where it's one with files.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| multer::parse_boundary(kind).ok())
}

/// Why a form isn't taken, for whoever sent it.
type NotTaken = (StatusCode, &'static str);

/// What a form brings, in either form in which browsers send one.
///
/// # Errors
/// Why it isn't taken.
pub(super) async fn sent<S: Send + Sync>(request: Request, state: &S) -> Result<Sent, NotTaken> {
    match boundary(request.headers()) {
        Some(boundary) => in_parts(request, boundary).await,
        None => {
            let fields =
                fields(request, state).await.map_err(|said| (StatusCode::BAD_REQUEST, said))?;
            Ok(Sent { fields, ..Sent::default() })
        }
    }
}

/// The fields of a form without files.
///
/// # Errors
/// Why it isn't taken.
pub(super) async fn fields<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Fields, &'static str> {
    let read = Form::<HashMap<String, String>>::from_request(request, state).await;
    match read {
        Ok(Form(fields)) => Ok(Fields(fields)),
        Err(FormRejection::BytesRejection(_)) => Err(TOO_LONG),
        Err(_) => Err(UNREADABLE),
    }
}

/// A form with photos, read as a whole within the room that there is for all of them.
async fn in_parts(request: Request, boundary: String) -> Result<Sent, NotTaken> {
    let unreadable = (StatusCode::BAD_REQUEST, UNREADABLE);
    let room = request.extensions().get::<Room>().cloned().ok_or(unreadable)?;
    let (head, body) = request.into_parts();
    let (bytes, room) = room.read(&head.headers, body).await.map_err(refused)?.taken();
    let (mut sent, mut said, mut count) = (Sent { room, ..Sent::default() }, 0, 0);
    each_part(bytes, boundary, unreadable, |part| {
        count += 1;
        let Part { name: Some(name), content, .. } = part else { return Ok(()) };
        if name == PHOTOS {
            // Where nothing was chosen an empty one comes.
            sent.files.extend((!content.is_empty()).then_some(Upload(content)));
            return Ok(());
        }
        said += name.len() + content.len();
        if said > LONGEST || count > MOST_PARTS {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, TOO_LONG));
        }
        let text = String::from_utf8(content.to_vec()).map_err(|_| unreadable)?;
        sent.fields.put(&name, text);
        Ok(())
    })
    .await?;
    Ok(sent)
}

fn refused(refused: Refused) -> NotTaken {
    match refused {
        Refused::TooLong(_) => {
            let said = "照片合在一起太大，没有登记。请少选几张（其余的登记后在问题页面加），或者选小一些的";
            (StatusCode::PAYLOAD_TOO_LARGE, said)
        }
        Refused::NoRoom => {
            (StatusCode::SERVICE_UNAVAILABLE, "同时上传的太多，没有登记。请过几秒再提交一次")
        }
        Refused::CutOff => (StatusCode::BAD_REQUEST, "没有传完，没有登记。请再提交一次"),
    }
}
