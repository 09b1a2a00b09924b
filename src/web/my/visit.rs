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
use super::visit_answer::{Outcome, done, not};
use super::visit_form::{Wrong, choices_offered, read_with_photos};
use super::who::{Fields, PostedPhotos, Who};
use super::words::on_a_page;
use crate::app::household::HouseholdSheet;
use crate::app::problem::{About, Asked, Problem};
use crate::app::recording::{Recorded, record};
use crate::daemon::Daemon;
use crate::domain::visit::VisitKind;
use crate::web::templates::VISIT;
use crate::web::unavailable::unavailable;

#[derive(Debug, Default, Deserialize)]
pub(super) struct OfWhom {
    /// The resident's id; empty for somebody new.
    #[serde(default)]
    resident: String,
    /// The day of a revisit whose answer is put right; empty for a new one.
    #[serde(default)]
    on: String,
}

/// GET /my/households/{number}/visit
pub(super) async fn show_visit(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
    Query(of): Query<OfWhom>,
) -> Response {
    show(&daemon, &who, &number, VisitKind::First, of).await
}

/// GET /my/households/{number}/revisit
pub(super) async fn show_revisit(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
    Query(of): Query<OfWhom>,
) -> Response {
    show(&daemon, &who, &number, VisitKind::Revisit, of).await
}

async fn show(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    kind: VisitKind,
    OfWhom { resident, on }: OfWhom,
) -> Response {
    let mut fields = Fields::default();
    let (id, manner) = (daemon.store.context().secret(), "face_to_face".to_owned());
    let first = [("form", id), ("resident", resident), ("manner", manner), ("on", on)];
    fields.0.extend(first.map(|(name, value)| (name.to_owned(), value)));
    let shown = Shown { kind, status: StatusCode::OK, fields: &fields, said: Said::default() };
    form(daemon, who, number, &shown).await
}

/// What is said above a form that is shown again.
#[derive(Debug, Default)]
struct Said {
    wrongs: Vec<Wrong>,
    stale: bool,
    /// So many photos came with it, which a browser doesn't choose again by itself.
    photos: usize,
    /// What is asked, and the same with its answers.
    question: Option<(String, minijinja::Value)>,
}

impl Said {
    fn of(wrongs: Vec<Wrong>) -> Said {
        Said { wrongs, ..Said::default() }
    }
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
        f => fields.0, wrongs => said.wrongs, stale => said.stale, question => said.question.as_ref().map(|(_, shown)| shown),
        listed => listed(&sheet),
        first_day => first_day(days(daemon, *kind)), last_day => last_day(daemon, &sheet, *kind).to_string(),
        photos_again => said.photos,
        place => "households", ..choices_offered(),
    };
    page(&who.frame(daemon), VISIT, *status, values)
}

/// The last day on which somebody can have been met there: for the first time not after it ended.
fn last_day(daemon: &Daemon, sheet: &HouseholdSheet, kind: VisitKind) -> Date {
    let today = daemon.store.context().clock.today();
    let ended = sheet.ended.filter(|_| kind == VisitKind::First);
    ended.map_or(today, |ended| ended.on.min(today))
}

/// The first day that a browser lets be chosen: where that is to come, it's the service that says so.
fn first_day((first, today): (Date, Date)) -> String {
    first.min(today).to_string()
}

/// Who is there, by their ids: whoever is there later besides was met meanwhile.
pub(super) fn listed(sheet: &HouseholdSheet) -> String {
    let ids: Vec<&str> = sheet.residents.iter().map(|one| one.id.as_str()).collect();
    ids.join(" ")
}

fn resident_of(sheet: &HouseholdSheet, id: &str) -> Option<Resident> {
    sheet.residents.iter().find(|one| one.id == id).map(resident)
}

/// POST /my/households/{number}/visit
pub(super) async fn put_visit(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    posted: PostedPhotos,
) -> Response {
    put(&daemon, &number, VisitKind::First, posted).await
}

/// POST /my/households/{number}/revisit
pub(super) async fn put_revisit(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    posted: PostedPhotos,
) -> Response {
    put(&daemon, &number, VisitKind::Revisit, posted).await
}

async fn put(daemon: &Daemon, number: &str, kind: VisitKind, posted: PostedPhotos) -> Response {
    let PostedPhotos { who, fields, files, by_script, room: _room } = posted;
    let days = days(daemon, kind);
    let entry = match read_with_photos(number, kind, (&fields, &files), days) {
        Ok(entry) => entry,
        Err(wrongs) if by_script => return refused(daemon, &who, number, Said::of(wrongs)).await,
        Err(wrongs) => {
            let said = Said { photos: files.len(), ..Said::of(wrongs) };
            return again(daemon, &who, number, kind, &fields, said).await;
        }
    };
    let said = match record(&who.store(daemon), &who.person, &entry).await {
        Ok(Recorded::Done(receipt) | Recorded::Again(receipt)) => {
            daemon.wake_lanes();
            let url = format!("{}?done={}", link(number), entry.form);
            return if by_script { done(receipt, url) } else { Redirect::to(&url).into_response() };
        }
        Ok(Recorded::Other(before)) => {
            let text = format!(
                "这个表单已经为「{}」登记过一次，这次没有再登记。还有要登记的，请回到走访对象重新打开表单",
                before.resident
            );
            Said::of(vec![Wrong::of("", text)])
        }
        Ok(Recorded::Stale) => Said { stale: true, ..Said::default() },
        Ok(Recorded::Not(problem)) => asked(problem, kind),
        Err(error) => return unavailable(&error),
    };
    if by_script {
        return refused(daemon, &who, number, said).await;
    }
    let said = Said { photos: files.len(), ..said };
    again(daemon, &who, number, kind, &fields, said).await
}

/// What a script hears that sent a form which wasn't taken.
async fn refused(daemon: &Daemon, who: &Who, number: &str, said: Said) -> Response {
    if own(daemon, who, number).await.is_err_and(|answer| answer.status() == StatusCode::NOT_FOUND)
    {
        let text = format!(
            "「{number}」现在不由您走访（换了走访人，或者已不在名单里），没有登记：请把这次走访的情况告诉现在的走访人，由他登记"
        );
        return not(Outcome::NotYours, vec![text]);
    }
    if said.stale {
        let text = "在您打开页面之后，这位群众有了新的登记，没有登记：请核对后再提交";
        return not(Outcome::Stale, vec![text.to_owned()]);
    }
    let asked = said.question.map(|(text, _)| format!("{text}：请打开核对后再提交"));
    not(Outcome::Wrong, said.wrongs.into_iter().map(|wrong| wrong.text).chain(asked).collect())
}

/// The first and the last day on which a visit of this kind may have been made.
fn days(daemon: &Daemon, kind: VisitKind) -> (Date, Date) {
    (daemon.pages.plans().visited_since(kind), daemon.store.context().clock.today())
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
fn asked(problem: Problem, kind: VisitKind) -> Said {
    let Problem { about, text, question } = problem;
    let Some(question) = question else {
        let field = match about {
            About::Resident => "name",
            About::Contact => "contact",
            About::Text if kind == VisitKind::Revisit => "why",
            About::Text | About::HasIssue => "text",
            About::Satisfaction => "answer",
            About::Level => "level",
            About::Unheard => "unheard",
            About::Date => "on",
            _ => "",
        };
        return Said::of(vec![Wrong::of(field, on_a_page(&text))]);
    };
    let known = match &question.asked {
        Asked::Misspelt(known) => known.clone(),
        Asked::SamePerson | Asked::SameMatter | Asked::Reopening => String::new(),
    };
    let answers = match question.asked {
        Asked::SamePerson => vec![("same_person", "是同一个人，换了号码".to_owned())],
        Asked::Misspelt(known) => {
            vec![("known", format!("就是「{known}」")), ("another", "是另一个人".to_owned())]
        }
        Asked::Reopening => vec![
            ("reopening", "问清楚了，确实不满意，重新办理".to_owned()),
            ("changed", "点错了，下面改选群众的答复".to_owned()),
        ],
        Asked::SameMatter => vec![
            ("correction", "是同一件事，不再登记一次".to_owned()),
            ("another", "是另一件事，另外登记".to_owned()),
        ],
    };
    let hint = matches!(about, About::Contact)
        .then_some("是两个人的，请把姓名写得有区别（如在后面加「甲」），再提交");
    let shown = context! { text => question.text, answers, hint, known };
    Said { question: Some((question.text, shown)), ..Said::default() }
}
