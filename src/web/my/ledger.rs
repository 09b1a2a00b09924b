//! 台账: the issues that I may see, filtered and in order, a page at a time. What was said is hidden as on an issue's page, but to
//! the visitor whose it is.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use minijinja::context;
use serde::Serialize;

use super::frame::page;
use super::ledger_areas::options;
use super::ledger_wanted::{Wanted, whole_number};
use super::links::issue as issue_link;
use super::who::{Fields, Posted, Who};
use crate::app::issue_acts::glance;
use crate::app::ledger::{Listed, Sought, list, note_search};
use crate::daemon::Daemon;
use crate::db::{AreaTree, Context, LedgerRow, StoreError};
use crate::domain::campaign::{Campaign, PhaseName};
use crate::domain::holder::{Holder, holder};
use crate::domain::issue::{Category, Level, State as Stage, Urgency};
use crate::domain::ledger::{Order, is_late};
use crate::domain::mask;
use crate::domain::rights::Right;
use crate::web::templates::LEDGER;
use crate::web::unavailable::unavailable;

/// So many stand on a page.
const PAGE: usize = 50;
/// Fewer digits than this are no telephone's.
const SHORTEST_PHONE: usize = 7;

/// A line, as it's shown and exported.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub to: String,
    pub number: String,
    pub state: &'static str,
    pub area: String,
    pub subject: String,
    pub text: String,
    pub level: &'static str,
    pub category: &'static str,
    pub urgency: &'static str,
    pub due: String,
    pub late: bool,
    pub holder: &'static str,
    pub registered: String,
}

/// What makes lines of rows.
pub(super) struct Shown<'s> {
    pub tree: &'s AreaTree,
    pub plan: &'s Campaign,
    pub context: &'s Context,
    pub who: &'s Who,
    pub today: Date,
}

impl Shown<'_> {
    pub fn line(&self, row: &LedgerRow) -> Result<Line, StoreError> {
        let class = row.issue.class;
        let has_department = self.plan.unit_of(&row.issue).is_some();
        let text = row.text(self.context)?;
        let is_own = row.visitor.as_ref() == Some(&self.who.person.id);
        Ok(Line {
            to: issue_link(&row.number),
            number: row.number.clone(),
            state: row.issue.state.chinese(),
            area: self.tree.get(&row.area_id).map(|area| area.name.clone()).unwrap_or_default(),
            subject: row.subject_number.clone(),
            text: if is_own { text } else { mask::text(&text) },
            level: class.map_or("", |class| class.level.chinese()),
            category: class.map_or("", |class| class.category.chinese()),
            urgency: class.map_or("", |class| class.urgency.chinese()),
            due: row.due_on.map(|on| on.to_string()).unwrap_or_default(),
            late: is_late(&row.issue, row.due_on, self.today),
            holder: holder(&row.issue, has_department).map_or("", Holder::chinese),
            registered: crate::clock::township_date(row.registered_at.as_millisecond()).to_string(),
        })
    }
}

/// GET /my/issues
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(wanted): Query<Wanted>,
) -> Response {
    if !wanted.find.trim().is_empty() {
        return find(&daemon, &who, &wanted).await;
    }
    shown(&daemon, &who, &wanted, &Sought::default(), "").await
}

/// To the issue of a number, where they may see it.
async fn find(daemon: &Daemon, who: &Who, wanted: &Wanted) -> Response {
    let number = whole_number(&wanted.find, &daemon.pages.campaign().code);
    let found = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = glance(&mut record, &who.person, &number).await?.is_some();
        record.end().await?;
        Ok::<_, StoreError>(found)
    };
    match found.await {
        Ok(true) => Redirect::to(&issue_link(&number)).into_response(),
        Ok(false) => {
            let said = format!("没有编号「{number}」的问题，或者不在您负责的范围内");
            shown(daemon, who, wanted, &Sought::default(), &said).await
        }
        Err(error) => unavailable(&error),
    }
}

/// POST /my/issues: by telephone, or by words. That somebody looked for it is written down first.
pub(super) async fn search(
    State(daemon): State<Arc<Daemon>>,
    Posted { who, fields }: Posted,
) -> Response {
    let (sought, said) = sought(&who, &fields);
    let wanted = wanted_of(&fields);
    if !said.is_empty() {
        return shown(&daemon, &who, &wanted, &Sought::default(), &said).await;
    }
    let noted = async {
        let mut tx = who.store(&daemon).begin().await?;
        note_search(&mut tx, &who.person, &sought).await?;
        tx.commit().await
    };
    match noted.await {
        Ok(()) => shown(&daemon, &who, &wanted, &sought, "").await,
        Err(error) => unavailable(&error),
    }
}

/// What a form seeks, or why it can't be sought.
fn sought(who: &Who, fields: &Fields) -> (Sought, String) {
    let (phone, words) = (fields.text("phone"), fields.text("words"));
    if !phone.is_empty() {
        let digits = phone.chars().filter(char::is_ascii_digit).count();
        let sought = Sought { phone: Some(phone.to_owned()), words: None };
        let wrong = "请填完整的电话号码：按电话查找只认整个号码";
        return (sought, if digits < SHORTEST_PHONE { wrong.to_owned() } else { String::new() });
    }
    let sought = Sought { phone: None, words: Some(words.to_owned()) };
    match words.chars().count() {
        _ if !Right::SearchWords.is_held_by(&who.person) => {
            (sought, format!("您的角色不能{}，请按编号或电话查找", Right::SearchWords))
        }
        0 => (sought, "请填要找的号码或字词".to_owned()),
        1 => (sought, "请填两个字以上：一个字找到的太多".to_owned()),
        _ => (sought, String::new()),
    }
}

/// The filter that a form carries on.
pub(super) fn wanted_of(fields: &Fields) -> Wanted {
    let text = |name| fields.text(name).to_owned();
    Wanted {
        find: String::new(),
        area: text("area"),
        subject: text("subject"),
        state: text("state"),
        level: text("level"),
        category: text("category"),
        urgency: text("urgency"),
        holder: text("holder"),
        phase: text("phase"),
        late: text("late"),
        sort: text("sort"),
        after: text("after"),
    }
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    wanted: &Wanted,
    sought: &Sought,
    said: &str,
) -> Response {
    match read(daemon, who, wanted, sought, said).await {
        Ok(values) => {
            let status =
                if said.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            page(&who.frame(daemon), LEDGER, status, values)
        }
        Err(error) => unavailable(&error),
    }
}

async fn read(
    daemon: &Daemon,
    who: &Who,
    wanted: &Wanted,
    sought: &Sought,
    said: &str,
) -> Result<minijinja::Value, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let tree = record.area_tree().await?;
    let (asked, wrong) = wanted.asked(&tree, PAGE);
    let Listed { rows, next, cut } = list(&mut record, &who.person, &asked, sought).await?;
    let (plan, today) = (record.campaign().clone(), record.today());
    let context = record.shared_context();
    record.end().await?;
    let shows = Shown { tree: &tree, plan: &plan, context: &context, who, today };
    let lines = rows.iter().map(|row| shows.line(row)).collect::<Result<Vec<Line>, _>>()?;
    let looked = sought.phone.is_some() || sought.words.is_some();
    Ok(context! {
        lines, cut, said, wrong, looked,
        words => sought.words, by_phone => sought.phone.is_some(),
        next => next.as_ref().map(|place| wanted.behind(place).address()),
        next_after => next.as_ref().map(|place| wanted.behind(place).after),
        first => (!wanted.after.is_empty()).then(|| wanted.at_the_start().address()),
        fields => wanted.at_the_start().fields(), all_fields => wanted.fields(), w => wanted,
        told => told(wanted, &tree), quick => quick(wanted),
        may_words => Right::SearchWords.is_held_by(&who.person),
        areas => options(&tree, &who.person, &wanted.area),
        states => pairs(Stage::ALL, Stage::code, Stage::chinese),
        levels => pairs(Level::ALL, Level::code, Level::chinese),
        categories => pairs(Category::ALL, Category::code, Category::chinese),
        urgencies => pairs(Urgency::ALL, Urgency::code, Urgency::chinese),
        holders => pairs(Holder::ALL, Holder::code, Holder::chinese),
        phases => pairs(&PHASES, PhaseName::code, PhaseName::chinese),
        orders => pairs(Order::ALL, Order::code, Order::chinese), order => asked.order.code(),
        place => "issues",
    })
}

/// No issue is there before it was heard.
const PHASES: [PhaseName; 3] = [PhaseName::Classify, PhaseName::Resolve, PhaseName::Feedback];

/// Codes with what people call them.
fn pairs<T: Copy>(
    all: &[T],
    code: fn(T) -> &'static str,
    chinese: fn(T) -> &'static str,
) -> Vec<(&'static str, &'static str)> {
    all.iter().map(|one| (code(*one), chinese(*one))).collect()
}

/// A list that is often looked at.
#[derive(Debug, Serialize)]
struct Quick {
    to: String,
    title: &'static str,
    on: bool,
}

fn quick(wanted: &Wanted) -> Vec<Quick> {
    let own =
        Wanted { area: wanted.area.clone(), subject: wanted.subject.clone(), ..Wanted::default() };
    let lists: [(&str, &str, &str, &str); 6] = [
        ("全部", "", "", ""),
        ("超期", "yes", "", ""),
        ("待分类", "", "classify", ""),
        ("办理中", "", "resolve", ""),
        ("待回访", "", "feedback", ""),
        ("已销号", "", "", "closed"),
    ];
    let chosen = |of: &Wanted| Wanted { sort: String::new(), after: String::new(), ..of.clone() };
    let quick = |(title, late, phase, state): (&'static str, &str, &str, &str)| {
        let of = Wanted {
            late: late.to_owned(),
            phase: phase.to_owned(),
            state: state.to_owned(),
            ..own.clone()
        };
        Quick { to: of.address(), title, on: chosen(wanted) == of }
    };
    lists.into_iter().map(quick).collect()
}

/// What the filter says, in words; empty where it says nothing.
pub(super) fn told(wanted: &Wanted, tree: &AreaTree) -> String {
    let area = tree.get(&wanted.area).map(|area| area.name.clone()).unwrap_or_default();
    let word = |found: Option<&'static str>| found.unwrap_or_default().to_owned();
    let parts = [
        area,
        if wanted.subject.is_empty() {
            String::new()
        } else {
            format!("走访对象 {}", wanted.subject)
        },
        word(Stage::read(&wanted.state).map(Stage::chinese)),
        word(Level::read(&wanted.level).map(Level::chinese)),
        word(Category::read(&wanted.category).map(Category::chinese)),
        word(Urgency::read(&wanted.urgency).map(Urgency::chinese)),
        Holder::read(&wanted.holder).map(|of| format!("在{of}手里")).unwrap_or_default(),
        PhaseName::read(&wanted.phase).map(|of| format!("{of}阶段")).unwrap_or_default(),
        if wanted.late == "yes" { "超期".to_owned() } else { String::new() },
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("，")
}
