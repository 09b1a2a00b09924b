//! `zoufang issue`: lists issues in a form that can be filled in and imported again, and the moves that
//! only a named person may make.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::table::Table;
use super::{Approval, ConfigFile, shown, wrong_input};
use crate::app::batch::{Batch, IssueChange};
use crate::app::issues::{Acknowledgement, acknowledge as acknowledge_issues};
use crate::app::problem::only;
use crate::clock::local_text;
use crate::db::{AreaTree, IssueCard, LARGEST_PHOTO, Store, Upsert, What};
use crate::domain::issue::{Event, State};
use crate::domain::staff::StaffMember;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 以 csv 列出问题：填上责任层级、类别或办理结果，就能再导入
    List {
        /// 只列这种状态，如 已登记、办理中、退回
        #[arg(long)]
        state: Option<State>,
    },
    /// 显示一个问题的全过程：办了什么、提醒和督办了谁、在谁手里多久
    Show {
        /// 问题编号
        number: String,
    },
    /// 签收：网格员或镇直部门已经看过（记入问题的过程）
    Acknowledge {
        /// 问题编号
        number: String,
        /// 签收人编号
        #[arg(long)]
        by: String,
    },
    /// 着手办理：镇村自办的问题已经开始办（记入问题的过程）
    Begin {
        /// 问题编号
        number: String,
        /// 承办人编号
        #[arg(long)]
        by: String,
    },
    /// 平台一直没有答复，由专人认定平台部分已办结（记入审计）
    Override(Move),
    /// 作废：与别的问题重复，或群众撤回（记入审计）
    Void(Move),
    /// 重新办理（记入审计）
    Reopen(Move),
    /// 给问题加照片（JPEG、PNG、WebP）；设了 platform.photos 的，随问题上报
    Photo {
        /// 问题编号
        number: String,
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// 责任人
        #[arg(long)]
        by: String,
    },
}

#[derive(Debug, Args)]
struct Move {
    /// 问题编号
    number: String,
    #[command(flatten)]
    approval: Approval,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::List { state } => list(&store, state).await?,
        Action::Show { number } => show(&store, &number).await?,
        Action::Acknowledge { number, by } => acknowledge(&store, &number, &by).await?,
        Action::Begin { number, by } => begin(&store, &number, &by).await?,
        Action::Override(Move { number, approval: Approval { by, reason } }) => {
            let event = Event::PlatformOverridden { by: by.clone(), reason: reason.clone() };
            make(&store, &number, &by, &reason, &event).await?;
        }
        Action::Void(Move { number, approval: Approval { by, reason } }) => {
            make(&store, &number, &by, &reason, &Event::Voided { reason: reason.clone() }).await?;
        }
        Action::Photo { number, files, by } => add_photos(&store, &number, &files, &by).await?,
        Action::Reopen(Move { number, approval: Approval { by, reason } }) => {
            make(&store, &number, &by, &reason, &Event::Reopened { reason: reason.clone() })
                .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A person's name as it is; whoever isn't one in Chinese.
fn by_whom(actor: &str) -> &str {
    match actor {
        "visitor" => "走访人员",
        "platform" => "平台",
        "resident" => "群众",
        "import" => "导入的表",
        "zoufang" => "系统",
        person => person,
    }
}

async fn show(store: &Store, number: &str) -> anyhow::Result<()> {
    let timeline = store.timeline(number).await.map_err(wrong_input)?;
    let now = store.context().clock.now();
    say!("{number}　{}　第 {} 轮", timeline.issue.state, timeline.issue.round);
    say!("{}　登记", local_text(timeline.registered_at));
    for entry in &timeline.entries {
        let at = local_text(entry.at);
        match &entry.what {
            What::Happened { event, actor } => {
                say!("{at}　{}（{}）", event.kind(), by_whom(actor));
            }
            What::Told { kind, person, instead_of, days } => {
                let when = match days {
                    0 => "到期日".to_owned(),
                    1.. => format!("超期 {days} 天"),
                    _ => format!("到期前 {} 天", -days),
                };
                let instead =
                    instead_of.as_ref().map(|of| format!("（代{of}）")).unwrap_or_default();
                say!("{at}　提醒 {person}{instead}：{kind}，{when}");
            }
        }
    }
    for holding in &timeline.holdings {
        let hours = holding.span(now).as_hours();
        let still = if holding.until.is_none() { "，现在仍在" } else { "" };
        say!("在{}手里 {} 天 {} 小时{still}", holding.holder, hours / 24, hours % 24);
    }
    Ok(())
}

async fn person(store: &Store, number: &str) -> anyhow::Result<StaffMember> {
    let mut staff = store.staff().await?.into_iter();
    let person = staff.find(|person| person.number == number);
    person.ok_or_else(|| wrong_input(format!("没有编号「{number}」的人员")))
}

async fn begin(store: &Store, number: &str, by: &str) -> anyhow::Result<()> {
    let person = person(store, by).await?;
    let begun = IssueChange {
        number: number.to_owned(),
        event: Some(Event::Started),
        then: None,
        keeps_urgency: false,
        actor: person.name.clone(),
    };
    let mut tx = store.begin().await?;
    let outcomes = Batch::Events(vec![begun]).put(&mut tx).await?;
    let already = if only(outcomes).map_err(wrong_input)? == Upsert::Same {
        "（以前登记过，没有改动）"
    } else {
        ""
    };
    tx.commit().await?;
    say!("{number}：{} 已着手办理{already}", person.name);
    Ok(())
}

async fn acknowledge(store: &Store, number: &str, by: &str) -> anyhow::Result<()> {
    let person = person(store, by).await?;
    let mut tx = store.begin().await?;
    let note = Acknowledgement { number: number.to_owned(), staff_id: person.id.clone() };
    let outcomes = acknowledge_issues(&mut tx, &[note]).await?;
    only(outcomes).map_err(wrong_input)?;
    tx.commit().await?;
    say!("{number}：{} 已签收", person.name);
    Ok(())
}

/// All of them or none.
async fn add_photos(
    store: &Store,
    number: &str,
    files: &[PathBuf],
    by: &str,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    for file in files {
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let unreadable = |why| wrong_input(format!("{} 读不出来：{why}", shown(file)));
        let mut bytes = Vec::new();
        // One byte over the limit tells that it's too large.
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        opened.take(LARGEST_PHOTO as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let put = tx.add_photo(number, &name, &bytes).await.map_err(wrong_input)?;
        let already =
            if put == Upsert::Same { "（以前加过同一张，没有改动）" } else { "" };
        say!("{number}：{name}{already}");
    }
    let detail = json!({"photos": files.len()});
    tx.audit(by, "photo", number, &detail).await?;
    tx.commit().await?;
    Ok(())
}

async fn make(
    store: &Store,
    number: &str,
    by: &str,
    reason: &str,
    event: &Event,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let id = tx.issue_id(number).await.map_err(wrong_input)?;
    let issue = tx.issue_event(&id, event, by).await.map_err(wrong_input)?;
    tx.audit(by, event.kind().code(), number, &json!({"reason": reason})).await?;
    tx.commit().await?;
    say!("{number}：{}，已记入审计", issue.state);
    Ok(())
}

async fn list(store: &Store, state: Option<State>) -> anyhow::Result<()> {
    let tree = store.area_tree().await?;
    // Excel needs the mark before the first name. Programs that don't know it miss that name only: the village's.
    let mut table = Table::marked([
        "村",
        "问题编号",
        "状态",
        "对象编号",
        "反映问题",
        "责任层级",
        "类别",
        "轻重缓急",
        "办结期限",
        "办理结果",
    ])?;
    let states = state.map_or(State::ALL.to_vec(), |state| vec![state]);
    for state in states {
        for card in store.issues_in(state, i64::MAX).await? {
            table.row(line(&tree, card))?;
        }
    }
    Ok(table.end()?)
}

fn line(tree: &AreaTree, card: IssueCard) -> [String; 10] {
    let class = card.issue.class;
    let area = tree.get(&card.area_id).map(|area| area.name.clone()).unwrap_or_default();
    [
        area,
        card.number,
        card.issue.state.to_string(),
        card.subject_number,
        card.text,
        class.map(|class| class.level.to_string()).unwrap_or_default(),
        class.map(|class| class.category.to_string()).unwrap_or_default(),
        class.map(|class| class.urgency.to_string()).unwrap_or_default(),
        card.due_on.map(|on| on.to_string()).unwrap_or_default(),
        String::new(),
    ]
}
