//! Visits and revisits: at the subjects of whoever gave the token, once for each key however often they're sent; one, or many at
//! once, each with an answer of its own.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Problem;
use super::fields::{Given, fields, fields_of, only};
use super::program::{in_whose_name, store_of};
use crate::app::household::{HouseholdSheet, ResidentSheet, household};
use crate::app::recording::{Receipt, Recorded, record};
use crate::domain::scope::Scope;
use crate::domain::staff::StaffMember;
use crate::domain::visit::VisitKind;
use crate::web::caller::Caller;
use crate::web::my::{Fields, read_visit};
use crate::web::state::Web;

/// So many in one request.
const MOST: usize = 100;

/// GET /api/v1/households/{number}: of whoever visits there.
pub(super) async fn household_of(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let person = in_whose_name(&web, Scope::Visits, caller, &headers).await?;
    let mut session = web.daemon.pages.snapshot().await?;
    let sheet = household(&mut session, &number).await?;
    session.end().await?;
    let own = sheet.filter(|sheet| sheet.place.visitor.as_ref() == Some(&person.id));
    let said = format!("没有编号「{number}」的走访对象，或者不由给令牌的人走访");
    let own = own.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, said))?;
    Ok(Json(shown(&own)).into_response())
}

fn shown(sheet: &HouseholdSheet) -> Value {
    let resident = |one: &ResidentSheet| {
        json!({
            "id": one.id, "seen": one.seen, "name": one.name, "heard": one.heard, "revisited": one.revisited,
            "issues": one.issues.iter().map(|issue| &issue.number).collect::<Vec<_>>(),
        })
    };
    let residents: Vec<Value> = sheet.residents.iter().map(resident).collect();
    json!({ "number": sheet.household.number, "residents": residents })
}

/// What may be said of one.
pub(super) const FIELDS: [&str; 19] = [
    "answer",
    "category",
    "contact",
    "decided",
    "heard",
    "kind",
    "known_name",
    "level",
    "manner",
    "name",
    "on",
    "pledge",
    "resident",
    "seen",
    "subject",
    "text",
    "unheard",
    "urgency",
    "why",
];

/// Records one: whether it's new, and its receipt.
async fn put(
    web: &Web,
    person: &StaffMember,
    key: &str,
    given: Fields,
) -> Result<(StatusCode, Value), Problem> {
    let daemon = &web.daemon;
    let mut given = only(given, &FIELDS)?;
    given.put("form", key.to_owned());
    let kind = match given.text("kind") {
        "revisit" => VisitKind::Revisit,
        "" | "first" => VisitKind::First,
        _ => return Err(Problem::wrong("kind 应为 first（走访）或 revisit（回访）")),
    };
    let today = daemon.store.context().clock.today();
    let days = (daemon.pages.plans().visited_since(kind), today);
    let subject = given.text("subject").to_owned();
    let entry = read_visit(&subject, kind, &given, days).map_err(Problem::of_fields)?;
    match record(&store_of(web, "/api/v1/visits"), person, &entry).await? {
        Recorded::Done(receipt) => Ok((StatusCode::CREATED, told(&receipt))),
        Recorded::Again(receipt) => Ok((StatusCode::OK, told(&receipt))),
        Recorded::Other(_) => {
            let said = "这个 Idempotency-Key 已用来登记过别的内容，没有登记：每一次走访用自己的";
            Err(Problem::new(StatusCode::CONFLICT, said))
        }
        Recorded::Stale => {
            let said = "读取走访对象以后又有了变化，没有登记：请重新读取，核对后再发";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, said))
        }
        Recorded::Not(problem) => Err(Problem::wrong(problem.text)),
    }
}

fn told(receipt: &Receipt) -> Value {
    let Receipt { subject, issue, note, added, .. } = receipt;
    json!({ "subject": subject, "issue": issue, "note": note, "added": added })
}

/// POST /api/v1/visits
pub(super) async fn one(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    given: Result<Json<Given>, JsonRejection>,
) -> Result<Response, Problem> {
    let person = in_whose_name(&web, Scope::Visits, caller, &headers).await?;
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let Some(key) = key.map(|key| key.trim().trim_matches('"')).filter(|key| !key.is_empty())
    else {
        let said = "请用 Idempotency-Key 给这次走访一个自己的编号（字母、数字、- 和 _，64 个以内）：再发一次也只登记一次";
        return Err(Problem::new(StatusCode::BAD_REQUEST, said));
    };
    let (status, receipt) = put(&web, &person, key, fields_of(given)?).await?;
    Ok((status, Json(receipt)).into_response())
}

/// Several.
#[derive(Debug, Deserialize)]
pub(super) struct Many {
    visits: Vec<Keyed>,
}

/// One of several, with its key.
#[derive(Debug, Deserialize)]
struct Keyed {
    key: String,
    visit: Given,
}

/// POST /api/v1/visits/bulk: each is recorded by itself; what is wrong with one keeps none of the others back.
pub(super) async fn many(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    given: Result<Json<Many>, JsonRejection>,
) -> Result<Response, Problem> {
    let person = in_whose_name(&web, Scope::Visits, caller, &headers).await?;
    let visits = match given {
        Ok(Json(Many { visits })) if (1..=MOST).contains(&visits.len()) => visits,
        Ok(_) => {
            return Err(Problem::wrong(format!("visits 应有 1 到 {MOST} 次走访")));
        }
        Err(_) => {
            let said = "正文应为 {\"visits\": [{\"key\": …, \"visit\": {…}}]}，并注明 Content-Type: application/json";
            return Err(Problem::new(StatusCode::BAD_REQUEST, said));
        }
    };
    let mut results = Vec::with_capacity(visits.len());
    for Keyed { key, visit } in visits {
        results.push(match put(&web, &person, &key, fields(visit)).await {
            Ok((status, receipt)) => {
                json!({ "key": key, "status": status.as_u16(), "receipt": receipt })
            }
            Err(problem) => {
                json!({ "key": key, "status": problem.code(), "problem": problem.json() })
            }
        });
    }
    Ok(Json(json!({ "results": results })).into_response())
}
