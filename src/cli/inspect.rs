//! `zoufang inspect`: samples for the inspection group, what was found, and what came of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::record::ConfigFile;
use super::table::{Output, Table};
use super::{Reveal, acting, read_date, read_text, refused, required_text, wrong_input};
use crate::app::draws::{Drawn, NewDraw, draw_sample};
use crate::app::inspections::{self, Answer, Check, Inspected};
use crate::app::problem::only;
use crate::clock::Chance;
use crate::db::{AreaTree, Context, Holders, InspectionLine, InspectionRow, StaffMember, Store};
use crate::domain::inspection::Finding;
use crate::domain::rights::Right;
use crate::domain::sampling::Size;
use crate::intake::{Field, Kind};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 从走访过的对象里按村分层随机抽样；种子和抽样人记入审计，同一个种子抽出同样的对象
    #[command(group = ArgGroup::new("size").required(true).args(["count", "per_village"]))]
    Draw {
        /// 一共抽多少个：按各村走访过的多少分配，每村至少一个
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        count: Option<u32>,
        /// 每村抽多少个
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        per_village: Option<u32>,
        /// 抽样人编号
        #[arg(long)]
        by: String,
        /// 随机种子；不写则随机取一个
        #[arg(long)]
        seed: Option<u64>,
        /// 哪天以前查完；不写则为五个工作日
        #[arg(long, value_parser = read_date)]
        until: Option<Date>,
    },
    /// 列出抽到的：走访人写了什么、抽查查到了什么；填好可以再导入（入户抽查表）
    List {
        /// 只列还没有查的
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        reveal: Reveal,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
        /// 写到哪个文件（只有自己能读，不覆盖已有的）
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// 登记一件抽查的结论；抽查情况从标准输入读（与走访记录不符的必须写）
    Record {
        /// 抽查编号
        number: String,
        /// 属实、没有走访、漏记诉求、与记录不符
        #[arg(long)]
        finding: Finding,
        /// 抽查日期
        #[arg(long, value_parser = read_date)]
        on: Date,
        /// 抽查人编号（督导组）
        #[arg(long)]
        by: String,
    },
    /// 登记与走访记录不符的那件的核实结果（走访人的上级）；结果从标准输入读
    Answer {
        /// 抽查编号
        number: String,
        /// 核实人编号
        #[arg(long)]
        by: String,
    },
    /// 登记一天的督查情况（日常督查、明察暗访）；内容从标准输入读
    Note {
        /// 督查日期
        #[arg(long, value_parser = read_date)]
        on: Date,
        /// 督查人编号（督导组）
        #[arg(long)]
        by: String,
    },
}

/// So many workdays are left for a check where nothing else is said.
const WITHIN: i64 = 5;

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::Draw { count, per_village, by, seed, until } => {
            let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
            let size = match (count, per_village) {
                (Some(count), _) => Size::InAll(number(count)),
                (None, each) => Size::Each(number(each.unwrap_or(1))),
            };
            draw(&store, size, &by, seed, until).await?;
        }
        Action::List { open, reveal, json, output } => {
            let seen = ("reveal", "inspections", json!({}));
            let reveals = reveal.allow(&store, (Right::Reveal, None), seen).await?;
            let to = Output::to(output.as_deref())?;
            let which = if open { Which::Open } else { Which::All };
            list(&store, which, reveals, to, json).await?;
        }
        Action::Record { number, finding, on, by } => {
            let text = Some(read_text()?).filter(|text| !text.is_empty());
            let person = super::person(&store, &by).await?;
            let check = Some(Check { on, by: person.id, finding, text });
            put(&store, Inspected { number: number.clone(), check, answer: None }).await?;
            say!("{number}：已登记「{finding}」");
            if finding.is_difference() {
                say!("与走访记录不符，已交走访人的上级核实");
            }
        }
        Action::Answer { number, by } => {
            let text = required_text()?;
            let person = super::person(&store, &by).await?;
            let answer = Some(Answer { by: person.id, text });
            put(&store, Inspected { number: number.clone(), check: None, answer }).await?;
            say!("{number}：已登记核实结果");
        }
        Action::Note { on, by } => note(&store, on, &by).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn draw(
    store: &Store,
    size: Size,
    by: &str,
    seed: Option<u64>,
    until: Option<Date>,
) -> anyhow::Result<()> {
    let context = store.context();
    let today = context.clock.today();
    let due_on = until.unwrap_or_else(|| context.workdays.plus(today, WITHIN));
    if due_on < today {
        return Err(wrong_input(format!("--until {due_on} 已经过了")));
    }
    let any = || u64::try_from(context.chance.below(1 << 30)).unwrap_or_default();
    let seed = seed.unwrap_or_else(any);
    let chance = Chance::seeded(seed);
    let mut tx = store.begin().await?;
    let person = acting(&mut tx, by, Right::Draw, None).await?;
    let new = NewDraw { size, seed, due_on };
    let drawn = draw_sample(&mut tx, &new, &person, &mut |end| chance.below(end)).await;
    let drawn = drawn.map_err(refused)?;
    tx.commit().await?;
    let Drawn { numbers, population, .. } = &drawn;
    eprintln!(
        "{}",
        drawn.repeated(seed).unwrap_or_else(|| format!(
            "从 {population} 个走访过的对象里抽了 {} 个（种子 {seed}，抽样人 {}），{due_on} 前查完",
            numbers.len(),
            person.signed()
        ))
    );
    list(store, Which::Drawn(numbers), false, Output::Reader, false).await
}

async fn put(store: &Store, row: Inspected) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let outcomes = inspections::put(&mut tx, &[row]).await?;
    only(outcomes).map_err(refused)?;
    Ok(tx.commit().await?)
}

async fn note(store: &Store, on: Date, by: &str) -> anyhow::Result<()> {
    let text = required_text()?;
    let mut tx = store.begin().await?;
    let person = acting(&mut tx, by, Right::InspectDaily, None).await?;
    inspections::note(&mut tx, on, &person, &text).await.map_err(refused)?;
    tx.commit().await?;
    say!("{on} 的督查情况已登记");
    Ok(())
}

/// Which of all that were drawn.
#[derive(Clone, Copy)]
enum Which<'w> {
    All,
    Open,
    /// Those of these numbers.
    Drawn(&'w [String]),
}

impl Which<'_> {
    fn has(self, row: &InspectionRow, today: Date) -> bool {
        match self {
            Which::All => true,
            Which::Open => row.checked_on.is_none() && !row.is_dropped_by(today),
            Which::Drawn(numbers) => numbers.contains(&row.number),
        }
    }
}

/// Those that were drawn, as a table that is filled in and comes back.
async fn list(
    store: &Store,
    which: Which<'_>,
    reveals: bool,
    to: Output,
    json: bool,
) -> anyhow::Result<()> {
    let tree = store.area_tree().await?;
    let holders = Holders::new(store.staff().await?);
    let began = store.plans().began();
    let mut record = store.snapshot().await?;
    let today = record.today();
    let lines = record.inspection_lines(began, today).await?;
    let context = record.shared_context();
    record.end().await?;
    let mut table = Table::marked_in(to, names(), json)?;
    let (mut count, mut left, mut dropped, mut differ) = (0, 0, Vec::new(), 0);
    for line in &lines {
        let row = &line.row;
        count += 1;
        left += usize::from(row.checked_on.is_none() && !row.is_dropped_by(today));
        dropped.extend(row.is_dropped_by(today).then_some(row.number.as_str()));
        differ += usize::from(row.difference()?.is_some());
        if !which.has(row, today) {
            continue;
        }
        table.row(cells(line, &tree, &holders, (&context, today), reveals)?)?;
    }
    table.end()?;
    eprintln!("抽到 {count} 个，没有查的 {left} 个，与走访记录不符的 {differ} 个");
    if !dropped.is_empty() {
        let numbers = dropped.join("、");
        eprintln!("另有对象不再走访、不用查的 {} 个：{numbers}", dropped.len());
    }
    Ok(())
}

/// The columns of the list.
fn names() -> [&'static str; 14] {
    let name = |field| Kind::Inspections.name_of(field);
    [
        name(Field::Inspection),
        "所属村",
        "对象编号",
        "对象名称",
        "走访人员",
        "走访日期",
        "登记的问题数",
        "抽查期限",
        name(Field::CheckedOn),
        name(Field::Inspector),
        name(Field::Finding),
        name(Field::Found),
        name(Field::Answerer),
        name(Field::Answer),
    ]
}

/// What the visitor wrote of one that was drawn, and what was found beside it.
fn cells(
    line: &InspectionLine,
    tree: &AreaTree,
    holders: &Holders,
    (context, today): (&Context, Date),
    reveals: bool,
) -> anyhow::Result<[String; 14]> {
    let InspectionLine { row, area_id, subject, subject_name, visitor, demands, .. } = line;
    let person = |id: Option<&String>| {
        let person = id.and_then(|id| holders.person(id));
        person.map(StaffMember::signed).unwrap_or_default()
    };
    let number = |id: Option<&String>| {
        let person = id.and_then(|id| holders.person(id));
        person.map(|person| person.number.clone()).unwrap_or_default()
    };
    let (found, answer) = row.open(context)?;
    let shown = |text: Option<String>| text.filter(|_| reveals).unwrap_or_default();
    let area = tree.get(area_id).map(|area| area.name.clone()).unwrap_or_default();
    let finding = row.finding()?.map(|finding| finding.chinese().to_owned());
    Ok([
        row.number.clone(),
        area,
        subject.clone(),
        subject_name.clone(),
        person(visitor.as_ref()),
        line.visited_on.clone().unwrap_or_default(),
        demands.to_string(),
        if row.is_dropped_by(today) {
            "不再走访".to_owned()
        } else {
            row.due_on()?.to_string()
        },
        row.checked_on.clone().unwrap_or_default(),
        number(Some(row.checked_by.as_ref().unwrap_or(&row.inspector_id))),
        finding.unwrap_or_default(),
        shown(found),
        number(line.answered_by.as_ref()),
        shown(answer),
    ])
}
