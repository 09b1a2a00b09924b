//! A form that brings a file: read within bounds, one that isn't ours refused before anything is done with it.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::daemon::Daemon;
use crate::web::bodies::{Refused, Room, let_pass};
use crate::web::my::frame::say_in;
use crate::web::my::who::{Fields, Who, fields, is_key};

/// What came.
pub(super) struct Brought {
    pub who: Who,
    pub fields: Fields,
    pub file: Option<NamedFile>,
}

/// A file, as the browser calls it.
pub(super) struct NamedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// A form has not so many fields.
const MOST_FIELDS: usize = 40;
/// A field of text isn't longer, in bytes; a file's name, in characters.
const LONGEST_FIELD: usize = 16 << 10;
const LONGEST_NAME: usize = 120;

/// Reads it.
pub(super) async fn read(
    daemon: &Daemon,
    room: &Room,
    request: Request,
) -> Result<Brought, Response> {
    let (mut parts, body) = request.into_parts();
    let Some(who) = parts.extensions.remove::<Who>() else {
        let_pass(body);
        return Err(crate::web::my::frame::say(daemon, StatusCode::UNAUTHORIZED, "请先登录"));
    };
    let frame = who.frame(daemon);
    let no = |status, said: &str| say_in(&frame, status, said);
    let held = match room.read(&parts.headers, body).await {
        Ok(held) => held,
        Err(Refused::TooLong(most)) => {
            let said = format!(
                "文件太大：这里最多传 {} MB。更大的请拆开，或请管理服务器的人导入",
                most >> 20
            );
            return Err(no(StatusCode::PAYLOAD_TOO_LARGE, &said));
        }
        Err(Refused::NoRoom) => {
            return Err(no(StatusCode::SERVICE_UNAVAILABLE, "同时上传的太多，请过几秒再试"));
        }
        Err(Refused::CutOff) => {
            return Err(no(StatusCode::BAD_REQUEST, "文件没有传完，请再传一次"));
        }
    };
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_multipart = kind.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let request = Request::from_parts(parts, Body::from(held.bytes().to_vec()));
    drop(held);
    let read = match is_multipart {
        true => parts_of(request).await.ok_or("表单读不懂，没有处理。请重新打开页面再传"),
        false => fields(request, &()).await.map(|fields| (fields, None)),
    };
    let (fields, file) = read.map_err(|said| no(StatusCode::BAD_REQUEST, said))?;
    if !is_key(daemon, fields.text("key"), &who.key) {
        let said = "这一页是为别人打开的，或者已经失效，没有处理。请重新打开页面再传";
        return Err(no(StatusCode::FORBIDDEN, said));
    }
    Ok(Brought { who, fields, file })
}

async fn parts_of(request: Request) -> Option<(Fields, Option<NamedFile>)> {
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    let (mut fields, mut file) = (Fields::default(), None);
    for _ in 0..MOST_FIELDS {
        let Some(part) = parts.next_field().await.ok()? else { return Some((fields, file)) };
        let named = part.name().map(str::to_owned)?;
        match part.file_name().map(plain_name) {
            Some(name) => {
                let bytes = part.bytes().await.ok()?.to_vec();
                // A field for a file that was left empty comes without a name and without a byte.
                if !(name.is_empty() && bytes.is_empty()) {
                    file = Some(NamedFile { name, bytes });
                }
            }
            None => {
                let text = part.text().await.ok().filter(|text| text.len() <= LONGEST_FIELD)?;
                fields.0.insert(named, text);
            }
        }
    }
    None
}

/// A file's name without its folder and without what nobody sees.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(plain_name("C:\\Users\\王\\走访记录.xlsx"), "走访记录.xlsx");
        assert_eq!(plain_name("../../etc/passwd\u{0}"), "passwd");
        assert_eq!(plain_name(&"长".repeat(500)).chars().count(), 120);
    }
}
