//! What is handed in (材料报送): received, late and missing; each handed in with its file, and sent back with a word.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::{Value, context};
use serde::Deserialize;
use serde_json::json;

use super::download::download;
use super::multipart::{Brought, read};
use super::uploads::Bench;
use crate::app::files;
use crate::app::hand_ins::{Came, Handled, How, Owed, file_of, hand_in, may, one, owed, send_back};
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{HandIn, StaffMember, StoreError};
use crate::web::bodies::Room;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::{after, of, with};
use crate::web::my::routes::HAND_INS;
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::NOTED;
use crate::web::templates::{HAND_IN, HAND_INS as LIST};
use crate::web::unavailable::unavailable;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// What is handed in, by its name.
    #[serde(default)]
    what: String,
}

/// GET /my/hand-ins
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(Asked { what }): Query<Asked>,
) -> Response {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let (all, today) = (owed(&mut record, &who.person).await?, record.today());
        record.end().await?;
        Ok::<_, StoreError>((all, today))
    };
    match read.await {
        Ok((all, today)) => {
            page(&who.frame(&daemon), LIST, StatusCode::OK, listed(&all, today, &what))
        }
        Err(error) => unavailable(&error),
    }
}

fn listed(all: &[Owed], today: Date, what: &str) -> Value {
    let mut titles: Vec<(Date, &str)> =
        all.iter().map(|one| (one.due_on, one.title.as_str())).collect();
    titles.sort_unstable();
    titles.dedup_by_key(|(_, title)| *title);
    let chosen = titles.iter().find(|(_, title)| *title == what).or_else(|| {
        // What is due next, or else the last.
        titles.iter().find(|(due_on, _)| *due_on >= today).or(titles.last())
    });
    let chosen = chosen.map_or("", |(_, title)| *title);
    let tabs = titles.iter().map(|(due_on, title)| {
        let of_it = || all.iter().filter(|one| one.title == *title);
        let is_in = of_it().filter(|one| one.is_in).count();
        let late = of_it().filter(|one| one.is_late(today)).count();
        context! {
            title, to => with(HAND_INS, &[("what", title)]), here => *title == chosen, is_in, late,
            whole => of_it().count(), due => due_on.to_string(),
        }
    });
    let tabs: Vec<Value> = tabs.collect();
    let lines = all.iter().filter(|one| one.title == chosen);
    let lines: Vec<Value> = lines.map(|one| line(one, today)).collect();
    context! { tabs, lines, chosen, place => "hand_ins" }
}

fn line(one: &Owed, today: Date) -> Value {
    let back = one.times.first().and_then(|last| last.returned_at).filter(|_| !one.is_in);
    let (mark, word) = match (one.is_in, one.is_late(today)) {
        (true, _) if one.came_late() => ("yellow", "● 已收到，晚了"),
        (true, _) => ("green", "■ 已收到"),
        (false, true) => ("red", "▲ 超期没有报"),
        (false, false) if back.is_some() => ("yellow", "● 已退回"),
        (false, false) => ("yellow", "● 还没有报"),
    };
    context! {
        to => of(HAND_INS, &one.key), of => one.of, title => one.title, who => one.who.join("、"), mark, word,
        due => one.due_on.to_string(), back => back.map(at), times => one.times.len(),
        came => one.came.as_ref().map(came),
    }
}

/// When it came, and by whom.
fn came(Came { at: when, by, how }: &Came) -> String {
    let how = match how {
        How::File => "报送",
        How::Paper => "登记收到纸质材料",
        How::Confirmed => "确认",
    };
    format!("{} {by} {how}", at(*when))
}

fn at(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(local_text).unwrap_or_default()
}

/// GET /my/hand-ins/{key}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(key): Path<String>,
) -> Response {
    shown(&daemon, &who, &key, StatusCode::OK, Said::default()).await
}

/// What is said above the page.
#[derive(Debug, Default)]
struct Said {
    wrong: String,
    stale: bool,
    word: String,
}

async fn shown(daemon: &Daemon, who: &Who, key: &str, status: StatusCode, said: Said) -> Response {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = one(&mut record, &who.person, key).await?;
        let (staff, today) = (record.staff().await?, record.today());
        let mut files = Vec::new();
        for time in found.iter().flat_map(|owed| &owed.times) {
            files.push(match &time.file_id {
                Some(file) => record.file(file).await?,
                None => None,
            });
        }
        record.end().await?;
        Ok::<_, StoreError>((found, staff, today, files))
    };
    let (found, staff, today, files) = match read.await {
        Ok(read) => read,
        Err(error) => return unavailable(&error),
    };
    let Some(owed) = found else { return none(daemon, who) };
    let times = owed.times.iter().zip(files).map(|(one, file)| {
        let file =
            file.map(|file| context! { name => file.name, size => file.size.div_euclid(1024) + 1 });
        time(one, &staff, file)
    });
    let times: Vec<Value> = times.collect();
    let may = may(&who.person);
    let values = context! {
        line => line(&owed, today), times, version => owed.version, is_in => owed.is_in,
        hand_in => may.hand_in, receive => may.receive, wrong => said.wrong, stale => said.stale, word => said.word,
        most => Room::LARGEST_FILE >> 20, place => "hand_ins",
    };
    page(&who.frame(daemon), HAND_IN, status, values)
}

fn time(one: &HandIn, staff: &[StaffMember], file: Option<Value>) -> Value {
    let name = |id: &str| staff.iter().find(|person| person.id == id).map(StaffMember::signed);
    context! {
        version => one.version, by => name(&one.handed_by), at => at(one.handed_at), file,
        to => format!("{HAND_INS}/files/{}", one.id), back => one.returned_at.map(at),
        back_by => one.returned_by.as_deref().and_then(name), word => one.word,
    }
}

fn none(daemon: &Daemon, who: &Who) -> Response {
    let said = "没有这一项材料，或者不在您负责的范围内";
    say_in(&who.frame(daemon), StatusCode::NOT_FOUND, said)
}

/// POST /my/hand-ins/{key}: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Extension(bench): Extension<Arc<Bench>>,
    Path(key): Path<String>,
    request: Request,
) -> Response {
    let Brought { who, fields, file, room: _room } = match read(&daemon, &bench.room, request).await
    {
        Ok(brought) => brought,
        Err(answer) => return answer,
    };
    let Ok(seen) = fields.text("version").parse() else {
        return shown(&daemon, &who, &key, StatusCode::BAD_REQUEST, Said::default()).await;
    };
    let store = who.store(&daemon);
    let file = file.filter(|file| !file.bytes.is_empty());
    let handled = async {
        let act = fields.text("act");
        if act == "hand_in" && file.is_none() {
            return Err(StoreError::Rule("没有选文件，或者文件是空的".to_owned()));
        }
        let kept = match (&file, act) {
            // Seen before anything is kept of it.
            (Some(file), "hand_in") => {
                let mut record = store.snapshot().await?;
                let found = one(&mut record, &who.person, &key).await?;
                record.end().await?;
                if found.is_none() || !may(&who.person).hand_in {
                    return Ok(Handled::NotYours);
                }
                Some(files::keep(&store, &file.name, &file.bytes).await?)
            }
            _ => None,
        };
        let mut tx = store.begin().await?;
        let handled = match act {
            "hand_in" | "on_paper" => {
                hand_in(&mut tx, &who.person, (&key, seen), kept.as_deref()).await
            }
            "send_back" => send_back(&mut tx, &who.person, (&key, seen), fields.text("word")).await,
            _ => Err(StoreError::Rule("请从页面上的按钮选择要做什么".to_owned())),
        };
        match handled {
            Ok(Handled::Done) => tx.commit().await?,
            _ => tx.rollback().await?,
        }
        handled
    };
    answer(&daemon, &who, &key, &fields, handled.await).await
}

async fn answer(
    daemon: &Daemon,
    who: &Who,
    key: &str,
    fields: &Fields,
    handled: Result<Handled, StoreError>,
) -> Response {
    let word = fields.text("word").to_owned();
    match handled {
        Ok(Handled::Done) => {
            daemon.wake_lanes();
            Redirect::to(&after(&of(HAND_INS, key), NOTED)).into_response()
        }
        Ok(Handled::Stale) => {
            let said = Said { stale: true, word, ..Said::default() };
            shown(daemon, who, key, StatusCode::CONFLICT, said).await
        }
        Ok(Handled::NotYours) => none(daemon, who),
        Err(StoreError::Rule(wrong)) => {
            let said = Said { wrong, word, ..Said::default() };
            shown(daemon, who, key, StatusCode::UNPROCESSABLE_ENTITY, said).await
        }
        Err(error) => unavailable(&error),
    }
}

/// POST /my/hand-ins/files/{id}: who takes a file is written down.
pub(super) async fn file(
    State(daemon): State<Arc<Daemon>>,
    Path(id): Path<String>,
    Posted { who, .. }: Posted,
) -> Response {
    let found = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = match file_of(&mut record, &who.person, &id).await? {
            Some((key, file)) => files::read(&mut record, &file).await?.map(|file| (key, file)),
            None => None,
        };
        record.end().await?;
        let Some((key, (file, bytes))) = found else { return Ok(None) };
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        tx.audit(&who.person.signed(), "read_hand_in", &key, &json!({ "file": file.name })).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(Some((file, bytes)))
    };
    match found.await {
        Ok(Some((file, bytes))) => download(&file.name, bytes),
        Ok(None) => none(&daemon, &who),
        Err(error) => unavailable(&error),
    }
}
