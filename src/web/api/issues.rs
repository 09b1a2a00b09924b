//! Issues: a list by the ledger's filter, one issue with its version, and what may be done with it. Who asked for what is hidden,
//! but to whoever acts on it, as on its page.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Problem, unread};
use super::fields::{Given, fields_of, only};
use super::program::{in_whose_name, store_of};
use crate::app::issue_acts::{Acted, Standpoint, act, standpoint};
use crate::app::ledger::{Sought, list};
use crate::clock::local_text;
use crate::db::{AreaTree, IssueReferral, IssueSheet, LedgerRow};
use crate::domain::holder::holder;
use crate::domain::issue::{Class, Issue};
use crate::domain::ledger::is_late;
use crate::domain::mask;
use crate::domain::scope::Scope;
use crate::domain::staff::StaffMember;
use crate::web::caller::Caller;
use crate::web::my::{Wanted, doing};
use crate::web::state::Web;

/// So many are on a page, where nothing is asked for, and at most.
const USUAL: usize = 50;
const MOST: usize = 200;

/// The list's filter, as a page's address has it, and how many.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Listing {
    #[serde(flatten)]
    wanted: Wanted,
    #[serde(default)]
    limit: String,
}

/// GET /api/v1/issues
pub(super) async fn listed(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: Result<Query<Listing>, QueryRejection>,
) -> Result<Response, Problem> {
    let person = in_whose_name(&web, Scope::Issues, caller, &headers).await?;
    let Query(Listing { wanted, limit }) = query.map_err(|_| unread())?;
    let found = read(&web, &person, &wanted, &limit).await?;
    Ok(Json(found).into_response())
}

async fn read(
    web: &Web,
    person: &StaffMember,
    wanted: &Wanted,
    limit: &str,
) -> Result<Value, Problem> {
    let at_most = match limit {
        "" => USUAL,
        text => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| Problem::wrong(format!("limit 应为 1 到 {MOST}")))?,
    };
    let mut record = web.daemon.pages.snapshot().await?;
    let tree = record.area_tree().await?;
    let (asked, wrong) = wanted.asked(&tree, at_most);
    if !wrong.is_empty() {
        record.end().await?;
        let text = format!("看不懂的查询条件：{}", wrong.join("、"));
        return Err(Problem::wrong(text));
    }
    let found = list(&mut record, person, &asked, &Sought::default()).await?;
    let (plan, today) = (record.campaign().clone(), record.today());
    record.end().await?;
    let has_department = |issue: &Issue| plan.unit_of(issue).is_some();
    let item = |row: &LedgerRow| {
        let LedgerRow { number, area_id, subject_number, issue, due_on, registered_at, .. } = row;
        json!({
            "number": number, "area": area(&tree, area_id), "subject": subject_number, "state": issue.state,
            "state_words": issue.state.chinese(), "class": class(issue.class), "due_on": due_on,
            "late": is_late(issue, *due_on, today), "registered_at": local_text(*registered_at),
            "holder": holder(issue, has_department(issue)).map(|holder| holder.code()),
        })
    };
    let items: Vec<Value> = found.rows.iter().map(item).collect();
    let next = found.next.as_ref().map(|place| wanted.behind(place).after);
    Ok(json!({ "items": items, "next": next, "cut": found.cut }))
}

fn area(tree: &AreaTree, id: &str) -> Value {
    let area = tree.get(id);
    json!({ "id": id, "name": area.map(|area| area.name.as_str()) })
}

fn class(class: Option<Class>) -> Option<Value> {
    class.map(|class| {
        json!({ "level": class.level, "category": class.category, "urgency": class.urgency })
    })
}

/// One issue, as a person may see it.
struct Seen {
    standpoint: Standpoint,
    sheet: IssueSheet,
    referrals: Vec<IssueReferral>,
    area: Value,
}

async fn seen(web: &Web, person: &StaffMember, number: &str) -> Result<Seen, Problem> {
    let mut record = web.daemon.pages.snapshot().await?;
    let Some(standpoint) = standpoint(&mut record, person, number).await? else {
        record.end().await?;
        return Err(none(number));
    };
    let sheet = record.issue_sheet(number).await?;
    let referrals = record.issue_referrals(&sheet.id).await?;
    let tree = record.area_tree().await?;
    record.end().await?;
    let area = area(&tree, &sheet.area_id);
    Ok(Seen { standpoint, sheet, referrals, area })
}

impl Seen {
    fn etag(&self) -> String {
        format!("\"{}\"", self.standpoint.row.version)
    }

    fn json(&self) -> Value {
        let Seen { standpoint, sheet, referrals, area } = self;
        let (issue, clear) = (&standpoint.issue, standpoint.is_theirs);
        let hidden = |text: &str, masked: fn(&str) -> String| match clear {
            true => text.to_owned(),
            false => masked(text),
        };
        let referrals: Vec<Value> = referrals
            .iter()
            .map(|one| {
                let at = one.delivered_at.map(local_text);
                json!({ "reference": one.reference, "numbers": one.numbers, "delivered_at": at })
            })
            .collect();
        let acts: Vec<&str> = standpoint.acts.iter().map(|act| act.code()).collect();
        json!({
            "number": standpoint.row.number, "version": standpoint.row.version, "area": area,
            "subject": sheet.subject_number, "state": issue.state, "state_words": issue.state.chinese(),
            "class": class(issue.class), "round": issue.round, "due_on": sheet.due_on, "visited_on": sheet.visited_on,
            "text": hidden(&sheet.text, mask::text), "resident": hidden(&sheet.resident, mask::name),
            "masked": !clear, "referrals": referrals, "acts": acts,
        })
    }

    /// All of it with its version, or the version alone for whoever knows that already.
    fn answer(&self, is_known: bool) -> Response {
        let etag = [(header::ETAG, self.etag())];
        match is_known {
            true => (StatusCode::NOT_MODIFIED, etag).into_response(),
            false => (etag, Json(self.json())).into_response(),
        }
    }
}

fn none(number: &str) -> Problem {
    let said = format!("没有编号「{number}」的问题，或者不在给令牌的人负责的范围内");
    Problem::new(StatusCode::NOT_FOUND, said)
}

/// GET /api/v1/issues/{number}
pub(super) async fn one(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let person = in_whose_name(&web, Scope::Issues, caller, &headers).await?;
    let seen = seen(&web, &person, &number).await?;
    Ok(seen.answer(is_known(&headers, &seen.etag())))
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| {
        given.split(',').any(|one| one.trim().trim_start_matches("W/") == etag)
    })
}

/// The version that a program has seen.
fn version(headers: &HeaderMap) -> Result<String, Problem> {
    let given = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let said = "请用 If-Match 带上这个问题的版本（读它的时候 ETag 里的），以免盖掉别人刚做的";
    let given = given.ok_or_else(|| Problem::new(StatusCode::PRECONDITION_REQUIRED, said))?;
    let number = given.trim().trim_matches('"');
    match number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() {
        true => Ok(number.to_owned()),
        false => Err(Problem::new(StatusCode::PRECONDITION_FAILED, "If-Match 不是这个问题的版本")),
    }
}

/// What may be said of what is done.
pub(super) const FIELDS: [&str; 12] = [
    "act",
    "agreement",
    "category",
    "confirmed",
    "follow_up_on",
    "level",
    "mediator",
    "on",
    "other",
    "parties",
    "said",
    "urgency",
];

/// POST /api/v1/issues/{number}/acts
pub(super) async fn done(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(number): Path<String>,
    given: Result<Json<Given>, JsonRejection>,
) -> Result<Response, Problem> {
    let person = in_whose_name(&web, Scope::Act, caller, &headers).await?;
    let mut fields = only(fields_of(given)?, &FIELDS)?;
    fields.put("version", version(&headers)?);
    let doing = doing(&fields).map_err(Problem::of_fields)?;
    match act(&store_of(&web, "/api/v1/issues"), &person, &number, &doing).await? {
        Acted::Done | Acted::Again => {
            web.daemon.wake_lanes();
            Ok(seen(&web, &person, &number).await?.answer(false))
        }
        Acted::Stale => {
            let said = "读它以后又有了变化，没有处理：请重新读取再决定";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, said))
        }
        Acted::NotYours => {
            let said =
                format!("给令牌的人不能对这个问题{}，或者它现在不用{}", doing.act, doing.act);
            Err(Problem::new(StatusCode::FORBIDDEN, said))
        }
        Acted::Not(problem) => Err(Problem::wrong(problem.text)),
    }
}
