//! Tables that are brought by a browser: what each would do is shown first, and nothing of it is taken before it's confirmed;
//! one that is wrong changes nothing and comes back marked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use minijinja::context;
use tokio::task::JoinHandle;

use super::download::download;
use super::multipart::{Brought, NamedFile, read};
use crate::app::choices::{Alike, Choices};
use crate::app::files;
use crate::app::uploads::{Became, Wanted, decide, receive as keep};
use crate::clock::{local_text, real_millis};
use crate::daemon::Daemon;
use crate::db::{Imported, StoreError, Upload, UploadState};
use crate::intake::uploaded::{Chosen, Told, Wrong, brought_by, work};
use crate::web::bodies::Room;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::of;
use crate::web::my::routes::UPLOADS;
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::on_a_page;
use crate::web::templates::{UPLOAD, UPLOAD_LIST};
use crate::web::unavailable::unavailable;

/// Where tables that came are worked at: one after the other, as a workbook takes more room unpacked.
pub(super) struct Bench {
    pub room: Room,
    turn: tokio::sync::Mutex<()>,
    /// Those that wait or are worked at.
    at: Mutex<HashSet<String>>,
}

impl Default for Bench {
    fn default() -> Bench {
        Bench { room: Room::for_files(), turn: tokio::sync::Mutex::default(), at: Mutex::default() }
    }
}

impl Bench {
    /// Whether it wasn't here before.
    fn lays(&self, id: &str) -> bool {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }
}

/// Leaves the bench however the work ends.
struct OnBench(Arc<Bench>, String);

impl Drop for OnBench {
    fn drop(&mut self) {
        self.0.at.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// Goes to work at one, beside whoever asks.
fn begin(bench: &Arc<Bench>, daemon: &Arc<Daemon>, who: &Who, id: &str) -> JoinHandle<()> {
    let (bench, daemon, id) = (Arc::clone(bench), Arc::clone(daemon), id.to_owned());
    let store = brought_by(&daemon.store, &who.person);
    tokio::spawn(async move {
        if !bench.lays(&id) {
            return;
        }
        let on_bench = OnBench(Arc::clone(&bench), id.clone());
        let _turn = bench.turn.lock().await;
        work(&store, &id, daemon.settings.intake).await;
        drop(on_bench);
        daemon.wake_lanes();
    })
}

/// Most tables are through before anybody looks.
const AT_ONCE: Duration = Duration::from_millis(1_200);

async fn then_show(bench: &Arc<Bench>, daemon: &Arc<Daemon>, who: &Who, id: &str) -> Response {
    let working = begin(bench, daemon, who, id);
    // It goes on, whether or not anybody waits.
    let _ = tokio::time::timeout(AT_ONCE, working).await;
    Redirect::to(&of(UPLOADS, id)).into_response()
}

/// GET /my/imports
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    listed(&daemon, &who, StatusCode::OK, "").await
}

async fn listed(daemon: &Daemon, who: &Who, status: StatusCode, wrong: &str) -> Response {
    const SHOWN: i64 = 12;
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let own = record.uploads_of(&who.person.id, SHOWN).await?;
        record.end().await?;
        Ok::<_, StoreError>((own, daemon.pages.last_imports(SHOWN).await?))
    };
    let (own, imports) = match read.await {
        Ok(read) => read,
        Err(error) => return unavailable(&error),
    };
    let own: Vec<_> = own
        .iter()
        .map(|one| {
            context! {
                to => of(UPLOADS, &one.id), file => one.file, state => one.state.chinese(),
                at => at(one.created_at), over => one.state.is_over(),
            }
        })
        .collect();
    let imports: Vec<_> = imports.iter().map(imported).collect();
    let values =
        context! { own, imports, wrong, most => Room::LARGEST_FILE >> 20, place => "uploads" };
    page(&who.frame(daemon), UPLOAD_LIST, status, values)
}

fn imported(import: &Imported) -> minijinja::Value {
    let kind = crate::intake::Kind::read(&import.kind).map(crate::intake::Kind::chinese);
    context! {
        file => import.file_name, kind, at => at(import.imported_at), rows => import.row_count,
        added => import.added, changed => import.changed, same => import.same, told => import.told,
    }
}

fn at(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(local_text).unwrap_or_default()
}

/// POST /my/imports, with the file.
pub(super) async fn receive(
    State(daemon): State<Arc<Daemon>>,
    Extension(bench): Extension<Arc<Bench>>,
    request: Request,
) -> Response {
    let Brought { who, file, room: _room, .. } = match read(&daemon, &bench.room, request).await {
        Ok(brought) => brought,
        Err(answer) => return answer,
    };
    let Some(NamedFile { name, bytes }) = file.filter(|file| !file.bytes.is_empty()) else {
        let wrong = "没有选文件，或者文件是空的。请先选一个表格文件";
        return listed(&daemon, &who, StatusCode::UNPROCESSABLE_ENTITY, wrong).await;
    };
    let store = who.store(&daemon);
    match keep(&store, &who.person, &name, &bytes).await {
        Ok(id) => then_show(&bench, &daemon, &who, &id).await,
        Err(StoreError::Rule(wrong)) => listed(&daemon, &who, StatusCode::CONFLICT, &wrong).await,
        Err(error) => unavailable(&error),
    }
}

async fn own(daemon: &Daemon, who: &Who, id: &str) -> Result<Upload, Response> {
    let found = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = record.upload(id).await?;
        record.end().await?;
        Ok::<_, StoreError>(found)
    };
    match found.await {
        Ok(Some(upload)) if upload.staff_id == who.person.id => Ok(upload),
        Ok(_) => {
            let said = "没有这个上传的文件：可能已经过了一天，或者是别人传的。请重新上传";
            Err(say_in(&who.frame(daemon), StatusCode::NOT_FOUND, said))
        }
        Err(error) => Err(unavailable(&error)),
    }
}

/// GET /my/imports/{id}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(bench): Extension<Arc<Bench>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Response {
    let upload = match own(&daemon, &who, &id).await {
        Ok(upload) => upload,
        Err(answer) => return answer,
    };
    // Whoever was at it was killed.
    if upload.state.is_at_work() && upload.lease_until <= real_millis() {
        begin(&bench, &daemon, &who, &id);
    }
    shown(&daemon, &who, &upload, StatusCode::OK, false)
}

fn shown(daemon: &Daemon, who: &Who, upload: &Upload, status: StatusCode, stale: bool) -> Response {
    let told = upload.told.as_deref().and_then(|told| serde_json::from_str::<Told>(told).ok());
    let chosen: Chosen = serde_json::from_str(&upload.options).unwrap_or_default();
    let at_work = upload.state.is_at_work();
    let values = context! {
        at => of(UPLOADS, &upload.id), file => upload.file, state => upload.state.code(),
        said => upload.state.chinese(), version => upload.version, stale, at_work,
        told => told.as_ref().filter(|_| !at_work).map(told_values), copy => upload.copy_id.is_some(),
        chosen => chosen_values(&chosen), place => "uploads",
    };
    let mut answer = page(&who.frame(daemon), UPLOAD, status, values);
    if at_work {
        // Without a line of script.
        answer.headers_mut().insert(header::REFRESH, HeaderValue::from_static("2"));
    }
    answer
}

fn told_values(told: &Told) -> minijinja::Value {
    let wrong = |one: &Wrong| {
        context! {
            sheet => one.sheet, row => one.row, column => one.column, name => one.name, text => on_a_page(&one.text),
        }
    };
    // What the questions below answer; of what they don't, nothing is asked.
    let asks = |text: &str| text.contains("再核对一次");
    let asks = asks(&told.problem) || told.wrongs.iter().any(|wrong| asks(&wrong.text));
    let lines: Vec<String> = told.lines.iter().map(|line| on_a_page(line)).collect();
    context! {
        kind => told.kind, rows => told.rows, added => told.added, changed => told.changed, same => told.same,
        idle => told.idle, skipped => told.skipped, each => told.each, before => told.before.map(at), lines, asks,
        wrongs => told.wrongs.iter().map(wrong).collect::<Vec<_>>(), wrong => told.wrong,
        unmatched => told.unmatched.iter().map(wrong).collect::<Vec<_>>(), problem => on_a_page(&told.problem),
    }
}

fn chosen_values(chosen: &Chosen) -> minijinja::Value {
    let Choices { same_person, same_subject, same_area, alike } = chosen.choices;
    let alike = match alike {
        Alike::Ask => "",
        Alike::Correction => "correction",
        Alike::Another => "another",
    };
    let ignored = chosen.ignored.join("、");
    context! { clear => chosen.clear, same_person, same_subject, same_area, alike, ignored }
}

fn chosen_of(fields: &Fields) -> Chosen {
    let yes = |name: &str| fields.text(name) == "yes";
    let ignored = fields.text("ignored").split(['、', '，', ',', '\n']).map(str::trim);
    Chosen {
        clear: yes("clear"),
        choices: Choices {
            same_person: yes("same_person"),
            same_subject: yes("same_subject"),
            same_area: yes("same_area"),
            alike: match fields.text("alike") {
                "correction" => Alike::Correction,
                "another" => Alike::Another,
                _ => Alike::Ask,
            },
        },
        ignored: ignored.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// POST /my/imports/{id}: what is wanted stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Extension(bench): Extension<Arc<Bench>>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    let upload = match own(&daemon, &who, &id).await {
        Ok(upload) => upload,
        Err(answer) => return answer,
    };
    let wanted = match fields.text("act") {
        "take" => Some(Wanted::Take),
        "drop" => Some(Wanted::Drop),
        "again" => {
            serde_json::to_string(&chosen_of(&fields)).ok().map(|options| Wanted::Again { options })
        }
        _ => None,
    };
    let version = fields.text("version").parse().ok();
    let (Some(wanted), Some(version)) = (wanted, version) else {
        return shown(&daemon, &who, &upload, StatusCode::BAD_REQUEST, true);
    };
    let store = who.store(&daemon);
    match decide(&store, &who.person, (&id, version), wanted).await {
        Ok(Became::AtWork) => then_show(&bench, &daemon, &who, &id).await,
        Ok(Became::Over) => Redirect::to(UPLOADS).into_response(),
        // Sent twice, it's what was wanted.
        Ok(Became::Stale) if matches!(upload.state, UploadState::Taking | UploadState::Taken) => {
            Redirect::to(&of(UPLOADS, &id)).into_response()
        }
        Ok(Became::Stale) => shown(&daemon, &who, &upload, StatusCode::CONFLICT, true),
        Err(error) => unavailable(&error),
    }
}

/// GET /my/imports/{id}/copy
pub(super) async fn copy(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Response {
    let upload = match own(&daemon, &who, &id).await {
        Ok(upload) => upload,
        Err(answer) => return answer,
    };
    let found = async {
        let Some(copy) = &upload.copy_id else { return Ok(None) };
        let mut record = daemon.pages.snapshot().await?;
        let found = files::read(&mut record, copy).await?;
        record.end().await?;
        Ok::<_, StoreError>(found)
    };
    match found.await {
        Ok(Some((file, bytes))) => download(&file.name, bytes),
        Ok(None) => {
            let said = "这个文件没有标明错误的副本";
            say_in(&who.frame(&daemon), StatusCode::NOT_FOUND, said)
        }
        Err(error) => unavailable(&error),
    }
}
