//! `zoufang export KIND`: what the record holds, as a table that can be imported again and then changes nothing.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::record::ConfigFile;
use super::table::{Output, Table};
use super::{Reveal, wrong_input};
use crate::app::batch::{asks_for_class, results_of};
use crate::app::visits::said_at_revisits;
use crate::db::{
    AbsenceOut, AreaTree, AssignmentOut, Context, EndedOut, HeardOut, Page, QuietOut, ResidentOut,
    Session, Store, SubjectOut, SubjectStanding, VisitOut,
};
use crate::domain::issue::{Category, Level, State, Urgency};
use crate::domain::mask;
use crate::domain::rights::Right;
use crate::domain::staff;
use crate::domain::subject::{Ended, SubjectKind};
use crate::domain::visit::{Satisfaction, VisitKind};
use crate::intake::{Field, Kind};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 哪种表，如 走访对象表、附件2、visits
    #[arg(value_parser = kind_named)]
    kind: Kind,
    #[command(flatten)]
    reveal: Reveal,
    /// 输出为 JSON，一行一个
    #[arg(long)]
    json: bool,
    /// 写到哪个文件（只有自己能读，不覆盖已有的）；不写则输出到屏幕
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A kind by its code, its name, or a part of its name that only it has.
pub(super) fn kind_named(text: &str) -> Result<Kind, String> {
    if let Some(kind) = Kind::read(text) {
        return Ok(kind);
    }
    let alike = Kind::ALL.iter().copied().filter(|kind| kind.chinese().contains(text));
    alike
        .min_by_key(|kind| kind.chinese().len())
        .ok_or_else(|| format!("应为：{}", Kind::choices()))
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    check_kind(arguments.kind)?;
    let store = arguments.config.store().await?;
    let seen = ("export", arguments.kind.code(), json!({"reveal": true}));
    let reveals = arguments.reveal.allow(&store, (Right::Reveal, None), seen).await?;
    let out = Out::new(&arguments)?;
    export(&store, arguments.kind, reveals, out).await?;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Refuses what is no list of what stands, before anything is written.
fn check_kind(kind: Kind) -> anyhow::Result<()> {
    let why = match kind {
        Kind::AreaAssignments => "记录里的责任田是逐户的，请用 zoufang export 附件2",
        Kind::Confirmations | Kind::Acknowledgements | Kind::Beginnings => {
            "记的是经过，不能导出；问题的经过请用 zoufang issue show，任务请用 zoufang duties"
        }
        Kind::Returns => "是平台给的，不能导出；上报的情况请用 zoufang outbox list",
        Kind::Inspections => "请用 zoufang inspect list 导出，填好可以再导入",
        Kind::Mediations => "请用 zoufang mediation list 导出",
        _ => return Ok(()),
    };
    Err(wrong_input(format!("「{kind}」{why}")))
}

/// A row: each column's value.
type Row = Vec<(Field, String)>;

/// What rows are made with.
struct With {
    reveals: bool,
    tree: Arc<AreaTree>,
    context: Arc<Context>,
}

impl With {
    fn area(&self, id: &str) -> String {
        let area = self.tree.get(id);
        area.map(|area| area.code.clone().unwrap_or_else(|| area.name.clone())).unwrap_or_default()
    }
}

/// Where rows go.
struct Out {
    kind: Kind,
    columns: Vec<Field>,
    to: To,
}

enum To {
    Table(Box<Table>),
    Lines(Output),
}

impl Out {
    fn new(arguments: &Arguments) -> anyhow::Result<Out> {
        let kind = arguments.kind;
        let columns: Vec<Field> = kind.all_columns().collect();
        let to = Output::to(arguments.output.as_deref())?;
        let names = columns.iter().map(|field| kind.name_of(*field));
        let to = if arguments.json {
            To::Lines(to)
        } else {
            To::Table(Box::new(Table::marked_in(to, names, false)?))
        };
        Ok(Out { kind, columns, to })
    }

    fn row(&mut self, row: &Row) -> anyhow::Result<()> {
        let Out { kind, columns, to } = self;
        let value = |field: &Field| {
            row.iter().find(|(of, _)| of == field).map_or("", |(_, value)| value.as_str())
        };
        match to {
            To::Table(table) => table.row(columns.iter().map(value))?,
            To::Lines(to) => {
                let member =
                    |field: &Field| (kind.name_of(*field).to_owned(), Value::from(value(field)));
                let members: Map<_, _> = columns.iter().map(member).collect();
                writeln!(to, "{}", Value::Object(members))?;
            }
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        match self.to {
            To::Table(table) => Ok(table.end()?),
            To::Lines(to) => Ok(to.finish()?),
        }
    }
}

impl With {
    /// What is personal, as whoever asks may see it: hidden, it can't be taken for what it is when it comes back.
    fn personal(&self, field: Field, text: Option<String>) -> (Field, String) {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return (field, String::new());
        };
        let shown = match field {
            _ if self.reveals => text,
            Field::Resident | Field::SubjectName if text.chars().count() > 1 => mask::name(&text),
            Field::Resident | Field::SubjectName => "*".to_owned(),
            Field::Contact | Field::StaffPhone => mask::contact(&text),
            _ => "***".to_owned(),
        };
        (field, shown)
    }
}

async fn export(store: &Store, kind: Kind, reveals: bool, mut out: Out) -> anyhow::Result<()> {
    let mut snapshot = store.snapshot().await?;
    let (tree, context) = (snapshot.area_tree().await?, snapshot.shared_context());
    let with = With { reveals, tree, context };
    match kind {
        Kind::Areas => areas(&with, &mut out)?,
        Kind::Staff => staff(&mut snapshot, &with, &mut out).await?,
        Kind::Subjects => each(&mut snapshot, &with, &mut out, subject).await?,
        Kind::Assignments => each(&mut snapshot, &with, &mut out, assignment).await?,
        Kind::Visits => {
            let heard = |with: &With, of: &HeardOut| visit(with, &of.visit, None);
            each(&mut snapshot, &with, &mut out, heard).await?;
            quiet(&mut snapshot, &with, &mut out).await?;
        }
        Kind::States => each(&mut snapshot, &with, &mut out, state_of).await?,
        Kind::Residents => each(&mut snapshot, &with, &mut out, resident).await?,
        Kind::Absences => each(&mut snapshot, &with, &mut out, absence).await?,
        Kind::Classifications | Kind::IssueList => issues(store, kind, &mut out).await?,
        Kind::Handlings => results(store, &mut snapshot, &with, &mut out).await?,
        Kind::AreaAssignments
        | Kind::Confirmations
        | Kind::Acknowledgements
        | Kind::Beginnings
        | Kind::Inspections
        | Kind::Mediations
        | Kind::Returns => check_kind(kind)?,
    }
    snapshot.end().await?;
    out.end()
}

/// How many rows are held at once.
const PAGE: i64 = 2_000;

async fn each<P: Page>(
    session: &mut Session,
    with: &With,
    out: &mut Out,
    row: impl Fn(&With, &P) -> anyhow::Result<Row>,
) -> anyhow::Result<()> {
    let mut after = String::new();
    while let Some(page) = next_page::<P>(session, &mut after).await? {
        for of in &page {
            out.row(&row(with, of)?)?;
        }
    }
    Ok(())
}

/// The page after a key, which becomes its last one's; nothing where there's no more.
async fn next_page<P: Page>(
    session: &mut Session,
    after: &mut String,
) -> anyhow::Result<Option<Vec<P>>> {
    let page: Vec<P> = session.page_of(after, PAGE).await?;
    let Some(last) = page.last() else { return Ok(None) };
    last.key().clone_into(after);
    Ok(Some(page))
}

/// Visits at which nothing was asked for; revisits with what was said of their answers.
async fn quiet(session: &mut Session, with: &With, out: &mut Out) -> anyhow::Result<()> {
    let mut after = String::new();
    while let Some(page) = next_page::<QuietOut>(session, &mut after).await? {
        let revisits = page.iter().filter(|of| of.0.kind == VisitKind::Revisit.code());
        let ids: Vec<&str> = revisits.map(Page::key).collect();
        let mut said = said_at_revisits(session, &ids).await?;
        for of in &page {
            out.row(&visit(with, &of.0, said.remove(of.key()))?)?;
        }
    }
    Ok(())
}

fn areas(with: &With, out: &mut Out) -> anyhow::Result<()> {
    let tree = &with.tree;
    let mut all: Vec<_> = tree.all().collect();
    all.sort_by_key(|area| (tree.upward(&area.id).count(), area.code.clone(), area.name.clone()));
    for area in all {
        let parent = area.parent_id.as_ref().and_then(|id| tree.get(id));
        let parent = parent.map(|above| above.code.clone().unwrap_or_else(|| above.name.clone()));
        out.row(&vec![
            (Field::AreaCode, area.code.clone().unwrap_or_default()),
            (Field::AreaName, area.name.clone()),
            (Field::AreaKind, area.kind.chinese().to_owned()),
            (Field::AreaParent, parent.unwrap_or_default()),
        ])?;
    }
    Ok(())
}

async fn staff(session: &mut Session, with: &With, out: &mut Out) -> anyhow::Result<()> {
    for known in session.known_staff().await? {
        let (person, addresses) = (known.person, known.addresses);
        let roles: Vec<&str> = match person.roles.as_slice() {
            [] => vec![staff::LEFT],
            roles => roles.iter().map(|role| role.chinese()).collect(),
        };
        out.row(&vec![
            (Field::StaffNumber, person.number),
            (Field::StaffName, person.name),
            (Field::StaffRoles, roles.join("、")),
            (Field::Area, with.area(&person.area_id)),
            (Field::StaffUnit, person.unit),
            with.personal(Field::StaffPhone, addresses.phone),
            with.personal(Field::StaffEmail, addresses.email),
            with.personal(Field::StaffWecom, addresses.wecom),
            with.personal(Field::StaffFeishu, addresses.feishu),
        ])?;
    }
    Ok(())
}

fn subject(with: &With, subject: &SubjectOut) -> anyhow::Result<Row> {
    let kind = SubjectKind::read(&subject.kind).map_or("", SubjectKind::chinese);
    let (name, address) = subject.open(&with.context)?;
    Ok(vec![
        (Field::Subject, subject.number.clone()),
        (Field::SubjectKind, kind.to_owned()),
        (Field::Area, with.area(&subject.area_id)),
        with.personal(Field::SubjectName, Some(name)),
        with.personal(Field::Address, address),
    ]
    .into_iter()
    .chain(state(with, subject)?)
    .collect())
}

/// Whether it's to be visited: nothing where it is.
fn state(with: &With, subject: &SubjectOut) -> anyhow::Result<Row> {
    let SubjectStanding { ended, words } = subject.standing(&with.context)?;
    let Some(Ended { on, why }) = ended else { return Ok(Vec::new()) };
    Ok(vec![
        (Field::SubjectState, why.chinese().to_owned()),
        (Field::EndedOn, on.to_string()),
        with.personal(Field::EndedWords, words),
    ])
}

fn state_of(with: &With, of: &EndedOut) -> anyhow::Result<Row> {
    let EndedOut(subject) = of;
    let own = std::iter::once((Field::Subject, subject.number.clone()));
    Ok(own.chain(state(with, subject)?).collect())
}

fn assignment(_: &With, of: &AssignmentOut) -> anyhow::Result<Row> {
    Ok(vec![(Field::Subject, of.subject.clone()), (Field::Visitor, of.visitor.clone())])
}

fn resident(with: &With, of: &ResidentOut) -> anyhow::Result<Row> {
    let (name, contact, unheard) = of.open(&with.context)?;
    Ok(vec![
        (Field::Subject, of.subject.clone()),
        with.personal(Field::Resident, Some(name)),
        with.personal(Field::Contact, contact),
        with.personal(Field::Unheard, unheard),
    ])
}

fn absence(_: &With, of: &AbsenceOut) -> anyhow::Result<Row> {
    Ok(vec![
        (Field::Absentee, of.person.clone()),
        (Field::From, of.from_date.clone()),
        (Field::Until, of.until_date.clone()),
        (Field::Deputy, of.deputy.clone().unwrap_or_default()),
    ])
}

fn visit(with: &With, of: &VisitOut, said: Option<String>) -> anyhow::Result<Row> {
    let kind = VisitKind::read(&of.kind).unwrap_or(VisitKind::First);
    let word = |text: &Option<String>, read: fn(&str) -> Option<&'static str>| {
        text.as_deref().and_then(read).unwrap_or_default().to_owned()
    };
    let has_issue = match (kind, of.has_issue()) {
        (VisitKind::Revisit, _) => "",
        (_, true) => "有",
        (_, false) => "无",
    };
    let manner = if of.face_to_face == 1 { "面对面" } else { "电话" };
    let (name, contact, text) = of.open(&with.context)?;
    Ok(vec![
        (Field::Date, of.visited_on.clone()),
        (Field::Visitor, of.visitor.clone()),
        (Field::Subject, of.subject.clone()),
        (Field::HasIssue, has_issue.to_owned()),
        (Field::Level, word(&of.level, |text| Level::read(text).map(Level::chinese))),
        (Field::Category, word(&of.category, |text| Category::read(text).map(Category::chinese))),
        (Field::Urgency, word(&of.urgency, |text| Urgency::read(text).map(Urgency::chinese))),
        (Field::VisitKind, kind.chinese().to_owned()),
        (
            Field::Satisfaction,
            word(&of.satisfaction, |text| Satisfaction::read(text).map(Satisfaction::chinese)),
        ),
        (Field::Manner, manner.to_owned()),
        with.personal(Field::Resident, Some(name)),
        with.personal(Field::Contact, contact),
        with.personal(Field::Text, text.or(said)),
    ])
}

/// The issues; as a classification those that have one. One that waits to be classified again has nothing there, so that a
/// list that nobody changed doesn't do it.
async fn issues(store: &Store, kind: Kind, out: &mut Out) -> anyhow::Result<()> {
    for state in State::ALL {
        for card in store.issues_in(*state, i64::MAX).await? {
            let class = card.issue.class.filter(|_| !asks_for_class(&card.issue));
            if class.is_none() && kind == Kind::Classifications {
                continue;
            }
            let word = |word: Option<&'static str>| word.unwrap_or_default().to_owned();
            out.row(&vec![
                (Field::Issue, card.number),
                (Field::State, card.issue.state.chinese().to_owned()),
                (Field::Level, word(class.map(|class| class.level.chinese()))),
                (Field::Category, word(class.map(|class| class.category.chinese()))),
                (Field::Urgency, word(class.map(|class| class.urgency.chinese()))),
            ])?;
        }
    }
    Ok(())
}

/// What the town last said came of its work, where that stands.
async fn results(
    store: &Store,
    session: &mut Session,
    with: &With,
    out: &mut Out,
) -> anyhow::Result<()> {
    for state in State::ALL {
        let cards = store.issues_in(*state, i64::MAX).await?;
        for cards in cards.chunks(PAGE as usize) {
            let ids: Vec<&str> = cards.iter().map(|card| card.id.as_str()).collect();
            let told = results_of(session, &ids).await?;
            for card in cards {
                let Some((result, by)) = told.get(&card.id) else { continue };
                // Signed with their number before their name.
                let by = by.split(' ').next().filter(|by| *by != "import").unwrap_or_default();
                out.row(&vec![
                    (Field::Issue, card.number.clone()),
                    with.personal(Field::Result, Some(result.clone())),
                    (Field::By, by.to_owned()),
                ])?;
            }
        }
    }
    Ok(())
}
