//! One issue: what was asked for, what happened to it, what happens next and when; and what this person may do with it. Who asked
//! for what is hidden, but to whoever acts on it; to see it is an act of its own, which is written down.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Serialize;
use serde_json::json;

use super::frame::{page, say_in};
use super::links::issue as link;
use super::who::{Fields, Posted, Who};
use super::words::on_a_page;
use crate::app::issue_acts::{Act, Acted, Doing, Standpoint, act, standpoint};
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{Entry, IssueAnswer, IssueReferral, IssueSheet, StoreError, Timeline, What};
use crate::domain::holder::holder;
use crate::domain::issue::{Category, Class, Level, State as Stage, Urgency, by_whom};
use crate::domain::mask;
use crate::domain::there::{Place, to_do};
use crate::web::templates::ISSUE;
use crate::web::unavailable::unavailable;

/// What is said above the page.
#[derive(Debug, Default)]
struct Said {
    wrong: String,
    stale: bool,
    /// Whether all of it is shown.
    revealed: bool,
}

/// All of an issue.
struct Whole {
    standpoint: Standpoint,
    sheet: IssueSheet,
    timeline: Timeline,
    referrals: Vec<IssueReferral>,
    answers: Vec<IssueAnswer>,
    area: String,
}

async fn whole(daemon: &Daemon, who: &Who, number: &str) -> Result<Option<Whole>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let Some(standpoint) = standpoint(&mut record, &who.person, number).await? else {
        record.end().await?;
        return Ok(None);
    };
    let sheet = record.issue_sheet(number).await?;
    let referrals = record.issue_referrals(&sheet.id).await?;
    let answers = record.issue_answers(&sheet.id).await?;
    let tree = record.area_tree().await?;
    record.end().await?;
    let timeline = daemon.pages.timeline(number).await?;
    let area = tree.get(&sheet.area_id).map(|area| area.name.clone()).unwrap_or_default();
    Ok(Some(Whole { standpoint, sheet, timeline, referrals, answers, area }))
}

/// GET /my/issues/{number}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    shown(&daemon, &who, &number, StatusCode::OK, &Fields::default(), Said::default()).await
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    status: StatusCode,
    fields: &Fields,
    said: Said,
) -> Response {
    match whole(daemon, who, number).await {
        Ok(Some(whole)) => {
            page(&who.frame(daemon), ISSUE, status, values(daemon, &whole, fields, said))
        }
        Ok(None) => not_theirs(daemon, who, number),
        Err(error) => unavailable(&error),
    }
}

fn not_theirs(daemon: &Daemon, who: &Who, number: &str) -> Response {
    let said = format!("没有编号「{number}」的问题，或者不在您负责的范围内");
    say_in(&who.frame(daemon), StatusCode::NOT_FOUND, &said)
}

fn values(daemon: &Daemon, whole: &Whole, fields: &Fields, said: Said) -> minijinja::Value {
    let Whole { standpoint, sheet, timeline, referrals, answers, area } = whole;
    let clear = Clear { all: standpoint.is_theirs || said.revealed, sheet };
    let (issue, told) = (&standpoint.issue, daemon.store.context().messages);
    let has_department = issue
        .class
        .is_some_and(|class| daemon.pages.campaign().departments.contains_key(&class.category));
    let offered = |act: Act| standpoint.acts.contains(&act);
    let warnings: Vec<String> = referrals
        .iter()
        .filter(|_| issue.state == Stage::Void)
        .filter_map(|referral| to_do(&referral.place, &referral.reference, told))
        .map(|text| on_a_page(&text))
        .collect();
    context! {
        number => standpoint.row.number, version => standpoint.row.version, round => issue.round,
        state => issue.state.chinese(), area,
        class => issue.class.map(|class| context! {
            level => class.level.chinese(), category => class.category.chinese(), urgency => class.urgency.chinese(),
        }),
        holder => holder(issue, has_department).map(|holder| holder.chinese()),
        text => clear.text(), resident => clear.resident(), contact => clear.contact(),
        subject => sheet.subject_number, kind => sheet.subject_kind.map(|kind| kind.chinese()),
        visitor => sheet.visitor, visited_on => sheet.visited_on.to_string(),
        due => sheet.due_on.map(|on| on.to_string()), ended => issue.is_ended(),
        masked => !clear.all, may_reveal => standpoint.may_reveal && !clear.all,
        referrals => referrals.iter().map(referral).collect::<Vec<_>>(),
        lines => lines(timeline, answers, &clear), warnings,
        acts => context! {
            take_note => offered(Act::TakeNote), classify => offered(Act::Classify), begin => offered(Act::Begin),
            finish => offered(Act::Finish), void => offered(Act::Void), reopen => offered(Act::Reopen),
        },
        levels => Level::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        categories => Category::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        urgencies => Urgency::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        chosen => issue.class.map(|class| context! {
            level => class.level.code(), category => class.category.code(), urgency => class.urgency.code(),
        }),
        f => fields.0, wrong => said.wrong, stale => said.stale, place => "issues",
    }
}

/// What is personal of an issue, as far as it's shown.
struct Clear<'s> {
    all: bool,
    sheet: &'s IssueSheet,
}

impl Clear<'_> {
    fn text(&self) -> String {
        if self.all { self.sheet.text.clone() } else { mask::text(&self.sheet.text) }
    }

    fn resident(&self) -> String {
        if self.all { self.sheet.resident.clone() } else { mask::name(&self.sheet.resident) }
    }

    fn contact(&self) -> String {
        let contact = self.sheet.contact.as_deref().unwrap_or_default();
        if self.all { contact.to_owned() } else { mask::contact(contact) }
    }

    /// What was said by or about the resident.
    fn said(&self, text: &str) -> String {
        let IssueSheet { resident, subject_name, .. } = self.sheet;
        if self.all { text.to_owned() } else { mask::said(text, &[resident, subject_name]) }
    }
}

/// A line of the timeline.
#[derive(Debug, Serialize)]
struct Line {
    at: String,
    what: String,
    who: String,
    said: String,
}

/// What happened, what was told to whom and what the platform answered, the newest first.
fn lines(timeline: &Timeline, answers: &[IssueAnswer], clear: &Clear<'_>) -> Vec<Line> {
    let mut lines: Vec<(jiff::Timestamp, Line)> = Vec::new();
    let registered = timeline.registered_at;
    let line = |at, what: String, who: String, said: String| {
        (at, Line { at: local_text(at), what, who, said })
    };
    lines.push(line(registered, "登记".to_owned(), "走访人员".to_owned(), String::new()));
    for Entry { at, what } in &timeline.entries {
        lines.push(match what {
            What::Happened { event, actor } => {
                let said = event.said().map(|said| clear.said(said)).unwrap_or_default();
                line(*at, event.kind().chinese().to_owned(), by_whom(actor).to_owned(), said)
            }
            What::Told { kind, person, instead_of, .. } => {
                let instead =
                    instead_of.as_ref().map(|of| format!("（代{of}）")).unwrap_or_default();
                line(*at, format!("提醒{kind}"), format!("{person}{instead}"), String::new())
            }
        });
    }
    for answer in answers {
        let said = format!("「{}」{}", answer.word, clear.said(&answer.text));
        lines.push(line(answer.at, "平台答复".to_owned(), answer.number.clone(), said));
    }
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.into_iter().map(|(_, line)| line).collect()
}

fn referral(referral: &IssueReferral) -> minijinja::Value {
    let place = match &referral.place {
        Place::Here => "没有发出".to_owned(),
        Place::Maybe => "可能已发出，正在核实".to_owned(),
        Place::Handed => "已列入交接单".to_owned(),
        Place::There(numbers) if numbers.is_empty() => "已送达，还没有编号".to_owned(),
        Place::There(numbers) => format!("平台编号 {}", numbers.join("、")),
        Place::Over => "平台已了结".to_owned(),
    };
    let at = referral.delivered_at.map(local_text).unwrap_or_default();
    context! { reference => referral.reference, place, at }
}

/// POST /my/issues/{number}: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    if fields.text("act") == "reveal" {
        return reveal(&daemon, &who, &number, &fields).await;
    }
    let Some(doing) = doing(&fields) else {
        let said = Said {
            wrong: "请从页面上的按钮选择要做什么".to_owned(), ..Said::default()
        };
        return shown(&daemon, &who, &number, StatusCode::BAD_REQUEST, &fields, said).await;
    };
    let acted = async {
        let mut tx = daemon.store.begin().await?;
        let acted = act(&mut tx, &who.person, &number, &doing).await?;
        match acted {
            Acted::Done => tx.commit().await?,
            _ => tx.rollback().await?,
        }
        Ok::<_, StoreError>(acted)
    };
    let (status, said) = match acted.await {
        Ok(Acted::Done | Acted::Again) => return Redirect::to(&link(&number)).into_response(),
        Ok(Acted::Stale) => (StatusCode::CONFLICT, Said { stale: true, ..Said::default() }),
        Ok(Acted::NotYours) => {
            let wrong = format!("您不能对这个问题{}，或者它现在不用{}", doing.act, doing.act);
            (StatusCode::FORBIDDEN, Said { wrong, ..Said::default() })
        }
        Ok(Acted::Not(problem)) => {
            let wrong = on_a_page(&problem.text);
            (StatusCode::UNPROCESSABLE_ENTITY, Said { wrong, ..Said::default() })
        }
        Err(StoreError::Rule(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Said { wrong: on_a_page(&wrong), ..Said::default() })
        }
        Err(error) => return unavailable(&error),
    };
    shown(&daemon, &who, &number, status, &fields, said).await
}

fn doing(fields: &Fields) -> Option<Doing> {
    let level = Level::read(fields.text("level"));
    let category = Category::read(fields.text("category"));
    let urgency = Urgency::read(fields.text("urgency"));
    let class = || Some(Class { level: level?, category: category?, urgency: urgency? });
    Some(Doing {
        act: Act::read(fields.text("act"))?,
        version: fields.text("version").parse().ok()?,
        class: class(),
        said: fields.text("said").to_owned(),
        confirmed: fields.text("confirmed") == "yes",
    })
}

/// Shows all of it once, which is written down first.
async fn reveal(daemon: &Arc<Daemon>, who: &Who, number: &str, fields: &Fields) -> Response {
    let noted = async {
        let mut tx = daemon.store.begin().await?;
        let standpoint = standpoint(&mut tx, &who.person, number).await?;
        let may = standpoint.is_some_and(|standpoint| standpoint.may_reveal);
        if may {
            tx.audit(&who.person.signed(), "reveal", number, &json!({})).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok::<_, StoreError>(may)
    };
    match noted.await {
        Ok(true) => {
            let said = Said { revealed: true, ..Said::default() };
            shown(daemon, who, number, StatusCode::OK, fields, said).await
        }
        Ok(false) => not_theirs(daemon, who, number),
        Err(error) => unavailable(&error),
    }
}
