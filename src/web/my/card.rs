//! The resident's page, behind the code of their household's card and the end of their telephone number: how their matters stand,
//! and their word of what was done. Nobody's name, number or words are on it.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use minijinja::context;
use serde::Serialize;

use super::frame::{Frame, page, say};
use super::sign_in::address;
use super::who::fields;
use crate::app::cards::{Kept, Matter, Opened, is_code, open};
use crate::daemon::Daemon;
use crate::domain::visit::Satisfaction;
use crate::domain::workdays::month_and_day;
use crate::intake::{Sort, clean};
use crate::reports::in_words;
use crate::web::guesses::Guesses;
use crate::web::templates::CARD;
use crate::web::unavailable::unavailable;

/// GET /card/{number}/{code}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(guesses): Extension<Arc<Guesses>>,
    Path((number, code)): Path<(String, String)>,
    request: Request,
) -> Response {
    match knock(&daemon, &guesses, &number, &code, &request) {
        Ok(()) => asking(&daemon, StatusCode::OK, ""),
        Err(refused) => *refused,
    }
}

/// Whether whoever comes may try, and has the household's code.
fn knock(
    daemon: &Daemon,
    guesses: &Guesses,
    number: &str,
    code: &str,
    request: &Request,
) -> Result<(), Box<Response>> {
    let address = address(request);
    if let Some(wait) = guesses.wait(address) {
        let seconds = wait.as_secs() + 1;
        let said = format!("这里填错的次数太多，请 {seconds} 秒后再试");
        let answer = asking(daemon, StatusCode::TOO_MANY_REQUESTS, &said);
        let again = [(header::RETRY_AFTER, seconds.to_string())];
        return Err(Box::new((again, answer).into_response()));
    }
    if is_code(daemon.store.context(), number, code) {
        return Ok(());
    }
    guesses.wrong(address);
    let said = "没有这个页面：请扫联系服务群众卡上的二维码打开";
    Err(Box::new(say(daemon, StatusCode::NOT_FOUND, said)))
}

/// Asks for the end of the number.
fn asking(daemon: &Daemon, status: StatusCode, said: &str) -> Response {
    shown(daemon, status, context! { said })
}

fn shown(daemon: &Daemon, status: StatusCode, values: minijinja::Value) -> Response {
    let hotline = &daemon.pages.campaign().hotline;
    page(&Frame::of(daemon, None), CARD, status, context! { hotline, ..values })
}

/// A matter, as it's shown.
#[derive(Debug, Serialize)]
struct Line {
    number: String,
    on: String,
    category: &'static str,
    stands: &'static str,
    planned: String,
    answer: String,
    asks: bool,
    said: &'static str,
}

/// By when it's to be done, and that it wasn't by then.
fn planned(due: Date, today: Date) -> String {
    let year =
        if due.year() == today.year() { String::new() } else { format!("{}年", due.year()) };
    let on = format!("{year}{}", month_and_day(due));
    match due < today {
        true => format!("原来计划在{on}前办好，已经过了这一天，正在催办"),
        false => format!("计划在{on}前办好"),
    }
}

fn line(matter: Matter, today: Date) -> Line {
    Line {
        number: matter.number,
        on: in_words(matter.on),
        category: matter.category.unwrap_or_default(),
        stands: matter.stands,
        planned: matter.due.map(|due| planned(due, today)).unwrap_or_default(),
        answer: matter.answer,
        asks: matter.asks,
        said: matter.said.map(|answer| answer.chinese()).unwrap_or_default(),
    }
}

/// POST /card/{number}/{code}
pub(super) async fn look(
    State(daemon): State<Arc<Daemon>>,
    Extension(guesses): Extension<Arc<Guesses>>,
    Path((number, code)): Path<(String, String)>,
    request: Request,
) -> Response {
    if let Err(refused) = knock(&daemon, &guesses, &number, &code, &request) {
        return *refused;
    }
    let address = address(&request);
    let fields = match fields(request, &()).await {
        Ok(fields) => fields,
        Err(said) => return say(&daemon, StatusCode::BAD_REQUEST, said),
    };
    // Typed by whichever keyboard.
    let digits = clean(fields.text("digits"), Sort::Short).unwrap_or_default();
    let word =
        Satisfaction::read(fields.text("answer")).map(|answer| (fields.text("issue"), answer));
    guesses.tries(address);
    let opened = open(&daemon.store.coming_from("网页 /card"), &number, &digits, word).await;
    if !matches!(opened, Ok(Opened::Wrong)) {
        // Who knows their own number may still try another's: nothing else is forgotten by it.
        guesses.was_no_mistake(address);
    }
    match opened {
        Ok(Opened::Matters(matters, kept)) => {
            let today = daemon.store.context().clock.today();
            let matters: Vec<Line> = matters.into_iter().map(|one| line(one, today)).collect();
            let answers: Vec<_> =
                Satisfaction::ALL.iter().map(|one| (one.code(), one.chinese())).collect();
            let (thanks, too_late) = (kept == Some(Kept::Yes), kept == Some(Kept::No));
            let values = context! { matters, digits, answers, thanks, too_late };
            shown(&daemon, StatusCode::OK, values)
        }
        Ok(Opened::Wrong) => {
            tracing::warn!(event = "card.refused", %address, "not the end of a number of that household");
            let said = "没有查到：后 4 位不对，或者走访时没有登记您的号码（请走访人员登记上）";
            asking(&daemon, StatusCode::UNAUTHORIZED, said)
        }
        Ok(Opened::Locked) => {
            let said = "这一户填错的次数太多，暂时不能查，请过一天再试，或者直接问走访人员";
            asking(&daemon, StatusCode::TOO_MANY_REQUESTS, said)
        }
        Err(error) => unavailable(&error),
    }
}
