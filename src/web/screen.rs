//! The wall chart on a television, by an address of its own: counts only, nothing to press, all of it at a glance. It renews
//! itself, and goes on showing what it had while the service can't be reached.

use std::sync::{Arc, LazyLock};

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::context;
use sha2::{Digest, Sha256};

use super::caller::Caller;
use super::gate::note_refusal;
use super::state::Web;
use super::status::township_time;
use super::templates;
use super::unavailable::unavailable;
use super::wall::{Seen, WallLine};
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::domain::area::AreaKind;
use crate::domain::figures::{Rates, percent};
use crate::seal::hex;

const STYLE: &str = include_str!("screen/screen.css");
const SCRIPT: &str = include_str!("screen/screen.js");

/// Another style or script has another address.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::new().chain_update(STYLE).chain_update(SCRIPT).finalize();
    hex(&digest[..6])
});

/// What the page may do in a browser: show itself by its own style, and renew itself by its own script.
const MAY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                   form-action 'none'; frame-ancestors 'none'";

/// So many villages are legible from three metres, and so many stand in a column.
const MOST: usize = 60;
const COLUMN: usize = 20;
/// Fewer are written larger.
const FEW: usize = 10;

/// GET /screen/{token}
pub(super) async fn show(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    Path(token): Path<String>,
) -> Response {
    match is_given(&web.daemon, &token).await {
        Ok(true) => {}
        Ok(false) => return unknown(caller),
        Err(error) => return unavailable(&error),
    }
    let daemon = Arc::clone(&web.daemon);
    let read = async move { page(&daemon).await.map(Bytes::from) };
    match web.screen.get(read).await {
        Ok(page) => ([(header::CONTENT_SECURITY_POLICY, MAY)], Html(page)).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn is_given(daemon: &Daemon, token: &str) -> Result<bool, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let given = record.is_screen(token).await?;
    record.end().await?;
    Ok(given)
}

/// What is random enough can't be guessed, so nobody is slowed for it.
fn unknown(Caller(address): Caller) -> Response {
    note_refusal("screen", address, "unknown_address");
    let said = "没有这个大屏链接，或者已经停用：请向镇组织人事办公室要新的链接\n";
    (StatusCode::NOT_FOUND, said).into_response()
}

/// GET /screen/assets/screen.css
pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", STYLE)
}

/// GET /screen/assets/screen.js
pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// A television asks for them anew when it begins, and when they are others.
fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

async fn page(daemon: &Daemon) -> Result<String, StoreError> {
    let store = &daemon.pages;
    let (areas, late) = (store.figures_by_area().await?, store.late_by_holder().await?);
    let (plan, clock) = (store.campaign(), &store.context().clock);
    let seen = Seen { plan: &plan, today: clock.today() };
    let whole = areas.whole(None);
    let mut villages = seen.worst_first(areas.within(AreaKind::Village, None));
    let (more, few) = (villages.len().saturating_sub(MOST), villages.len() <= FEW);
    villages.truncate(MOST);
    let Rates { visit, response, resolution, satisfaction } = whole.rates();
    let phase = plan.phase_on(seen.today);
    let values = context! {
        version => *VERSION, campaign => plan.name, now => township_time(clock.now()),
        rehearsal => clock.is_rehearsal(),
        phase => phase.map(|phase| phase.name.chinese()),
        days_left => phase.map(|phase| (phase.ends_on - seen.today).get_days()),
        cells => seen.cells(&whole),
        rates => [("走访率", visit), ("响应率", response), ("解决率", resolution), ("满意率", satisfaction)]
            .map(|(title, rate)| (title, percent(rate))),
        late => late.iter().map(|(holder, count)| (holder.chinese(), *count)).collect::<Vec<_>>(),
        columns => columns(villages), more, few,
    };
    // A county has hundreds of lines: they are written beside what else is answered.
    let written = tokio::task::spawn_blocking(|| templates::render(templates::SCREEN, values));
    written.await.map_err(|panic| panic.to_string()).flatten().map_err(StoreError::Rule)
}

/// As few columns as they fit into, of one length.
fn columns(mut lines: Vec<WallLine>) -> Vec<Vec<WallLine>> {
    let columns = lines.len().div_ceil(COLUMN).max(1);
    let each = lines.len().div_ceil(columns).max(1);
    let mut split = Vec::new();
    while lines.len() > each {
        let rest = lines.split_off(each);
        split.push(std::mem::replace(&mut lines, rest));
    }
    split.push(lines);
    split
}
