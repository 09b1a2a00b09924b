//! A form that brings a file: read within bounds, one that isn't ours refused before anything is done with it.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use crate::daemon::Daemon;
use crate::intake::is_invisible;
use crate::web::bodies::{Refused, Room, Taken, let_pass};
use crate::web::my::fields::{boundary, each_part};
use crate::web::my::frame::say_in;
use crate::web::my::who::{Fields, Who, fields, is_key};

/// What came.
pub(super) struct Brought {
    pub who: Who,
    pub fields: Fields,
    pub file: Option<NamedFile>,
    /// What all of it takes.
    pub room: Taken,
}

/// A file, as the browser calls it.
pub(super) struct NamedFile {
    pub name: String,
    pub bytes: Bytes,
}

/// A form has not so many fields.
const MOST_FIELDS: usize = 40;
/// A field of text isn't longer, in bytes; a file's name, in characters.
const LONGEST_FIELD: usize = 16 << 10;
const LONGEST_NAME: usize = 120;

const UNREADABLE: &str = "表单读不懂，没有处理。请重新打开页面再传";

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
    let (bytes, room) = held.taken();
    let read = match boundary(&parts.headers) {
        Some(boundary) => parts_of(bytes, boundary).await,
        None => {
            let request = Request::from_parts(parts, Body::from(bytes));
            fields(request, &()).await.map(|fields| (fields, None))
        }
    };
    let (fields, file) = read.map_err(|said| no(StatusCode::BAD_REQUEST, said))?;
    if !is_key(daemon, fields.text("key"), &who.key) {
        let said = "这一页是为别人打开的，或者已经失效，没有处理。请重新打开页面再传";
        return Err(no(StatusCode::FORBIDDEN, said));
    }
    Ok(Brought { who, fields, file, room })
}

async fn parts_of(
    bytes: Bytes,
    boundary: String,
) -> Result<(Fields, Option<NamedFile>), &'static str> {
    let (mut fields, mut file, mut count) = (Fields::default(), None, 0);
    each_part(bytes, boundary, UNREADABLE, |part| {
        count += 1;
        let named = part.name.filter(|_| count <= MOST_FIELDS).ok_or(UNREADABLE)?;
        match part.file.as_deref().map(plain_name) {
            // A field for a file that was left empty comes without a name and without a byte.
            Some(name) if name.is_empty() && part.content.is_empty() => {}
            Some(name) => file = Some(NamedFile { name, bytes: part.content }),
            None if part.content.len() > LONGEST_FIELD => return Err(UNREADABLE),
            None => fields.put(&named, String::from_utf8_lossy(&part.content).into_owned()),
        }
        Ok(())
    })
    .await?;
    Ok((fields, file))
}

/// A file's name without its folder and without what nobody sees, which could make its ending look like another.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen = last.chars().filter(|c| !c.is_control() && !is_invisible(*c));
    let plain: String = seen.take(LONGEST_NAME).collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(plain_name("C:\\Users\\王\\走访记录.xlsx"), "走访记录.xlsx");
        assert_eq!(plain_name("../../etc/passwd\u{0}"), "passwd");
        assert_eq!(plain_name("总结\u{202e}xcod.exe"), "总结xcod.exe");
        assert_eq!(plain_name(&"长".repeat(500)).chars().count(), 120);
    }
}
