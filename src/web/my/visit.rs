//! Recording a visit or a revisit, one resident at a time: by a plain form that says what is wrong where it is, loses nothing of
//! what was filled in, and records once however often it's sent.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use minijinja::context;
use serde::Deserialize;

use super::frame::page;
use super::households::{Resident, head, own, resident};
use super::links::household as link;
use super::visit_form::{Wrong, read};
use super::who::{Fields, Posted, Who};
use super::words::on_a_page;
use crate::app::household::HouseholdSheet;
use crate::app::problem::{About, Asked, Problem};
use crate::app::recording::{Recorded, record};
use crate::daemon::Daemon;
use crate::domain::issue::{Category, Level, Urgency};
use crate::domain::visit::{Satisfaction, VisitKind};
use crate::web::templates::VISIT;
use crate::web::unavailable::unavailable;

#[derive(Debug, Default, Deserialize)]
pub(super) struct OfWhom {
    /// The resident's id; empty for somebody new.
    #[serde(default)]
    resident: String,
}

/// GET /my/households/{number}/visit
pub(super) async fn show_visit(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
    Query(OfWhom { resident }): Query<OfWhom>,
) -> Response {
    show(&daemon, &who, &number, VisitKind::First, resident).await
}

/// GET /my/households/{number}/revisit
pub(super) async fn show_revisit(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
    Query(OfWhom { resident }): Query<OfWhom>,
) -> Response {
    show(&daemon, &who, &number, VisitKind::Revisit, resident).await
}

async fn show(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    kind: VisitKind,
    resident: String,
) -> Response {
    let mut fields = Fields::default();
    let context = daemon.store.context();
    let first = [
        ("form", context.secret()),
        ("resident", resident),
        ("on", context.clock.today().to_string()),
        ("manner", "face_to_face".to_owned()),
    ];
    fields.0.extend(first.map(|(name, value)| (name.to_owned(), value)));
    let shown = Shown { kind, status: StatusCode::OK, fields: &fields, said: Said::default() };
    form(daemon, who, number, &shown).await
}

/// What is said above a form that is shown again.
#[derive(Debug, Default)]
struct Said {
    wrongs: Vec<Wrong>,
    stale: bool,
    question: Option<minijinja::Value>,
}

struct Shown<'s> {
    kind: VisitKind,
    status: StatusCode,
    fields: &'s Fields,
    said: Said,
}

async fn form(daemon: &Daemon, who: &Who, number: &str, shown: &Shown<'_>) -> Response {
    let sheet = match own(daemon, who, number).await {
        Ok(sheet) => sheet,
        Err(answer) => return answer,
    };
    let Shown { kind, status, fields, said } = shown;
    let known = resident_of(&sheet, fields.text("resident"));
    let others = sheet.residents.iter().filter(|one| !one.heard);
    let others: Vec<_> = others.map(|one| context! { id => one.id, name => one.name }).collect();
    let values = context! {
        subject => head(&sheet), revisit => *kind == VisitKind::Revisit, resident => known, others,
        at => format!("{}/{}", link(number), if *kind == VisitKind::Revisit { "revisit" } else { "visit" }),
        f => fields.0, wrongs => said.wrongs, stale => said.stale, question => said.question,
        first_day => daemon.pages.campaign().starts_on().to_string(),
        levels => Level::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        categories => Category::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        urgencies => Urgency::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        answers => Satisfaction::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        place => "households",
    };
    page(&who.frame(daemon), VISIT, *status, values)
}

fn resident_of(sheet: &HouseholdSheet, id: &str) -> Option<Resident> {
    sheet.residents.iter().find(|one| one.id == id).map(resident)
}

/// POST /my/households/{number}/visit
pub(super) async fn put_visit(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    posted: Posted,
) -> Response {
    put(&daemon, &number, VisitKind::First, posted).await
}

/// POST /my/households/{number}/revisit
pub(super) async fn put_revisit(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    posted: Posted,
) -> Response {
    put(&daemon, &number, VisitKind::Revisit, posted).await
}

async fn put(daemon: &Daemon, number: &str, kind: VisitKind, posted: Posted) -> Response {
    let Posted { who, fields } = posted;
    let days = days(daemon);
    let entry = match read(number, kind, &fields, days) {
        Ok(entry) => entry,
        Err(wrongs) => {
            let said = Said { wrongs, ..Said::default() };
            return again(daemon, &who, number, kind, &fields, said).await;
        }
    };
    let said = match record(&daemon.store, &who.person, &entry).await {
        Ok(Recorded::Done(_) | Recorded::Again(_)) => {
            let url = format!("{}?done={}", link(number), entry.form);
            return Redirect::to(&url).into_response();
        }
        Ok(Recorded::Other(before)) => {
            let text = format!(
                "这个表单已经为「{}」登记过一次，这次没有再登记。还有要登记的，请回到走访对象重新打开表单",
                before.resident
            );
            Said { wrongs: vec![Wrong::of("", text)], ..Said::default() }
        }
        Ok(Recorded::Stale) => Said { stale: true, ..Said::default() },
        Ok(Recorded::Not(problem)) => asked(problem),
        Err(error) => return unavailable(&error),
    };
    again(daemon, &who, number, kind, &fields, said).await
}

/// From the campaign's first day to today.
fn days(daemon: &Daemon) -> (Date, Date) {
    (daemon.pages.campaign().starts_on(), daemon.store.context().clock.today())
}

async fn again(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    kind: VisitKind,
    fields: &Fields,
    said: Said,
) -> Response {
    let status = if said.stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    form(daemon, who, number, &Shown { kind, status, fields, said }).await
}

/// What is wrong, at the field that it's about; or what is asked, with its answers.
fn asked(problem: Problem) -> Said {
    let Problem { about, text, question } = problem;
    let Some(question) = question else {
        let field = match about {
            About::Resident => "name",
            About::Contact => "contact",
            About::Text | About::HasIssue => "text",
            About::Level => "level",
            About::Unheard => "unheard",
            About::Date => "on",
            _ => "",
        };
        let wrongs = vec![Wrong::of(field, on_a_page(&text))];
        return Said { wrongs, ..Said::default() };
    };
    let known = match &question.asked {
        Asked::Misspelt(known) => known.clone(),
        Asked::SamePerson | Asked::SameMatter => String::new(),
    };
    let answers = match question.asked {
        Asked::SamePerson => vec![("same_person", "是同一个人，换了号码".to_owned())],
        Asked::Misspelt(known) => {
            vec![("known", format!("就是「{known}」")), ("another", "是另一个人".to_owned())]
        }
        Asked::SameMatter => vec![
            ("correction", "是同一件事，不再登记一次".to_owned()),
            ("another", "是另一件事，另外登记".to_owned()),
        ],
    };
    let hint = matches!(about, About::Contact)
        .then_some("是两个人的，请把姓名写得有区别（如在后面加「甲」），再提交");
    let question = context! { text => question.text, answers, hint, known };
    Said { question: Some(question), ..Said::default() }
}
