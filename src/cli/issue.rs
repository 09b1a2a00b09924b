//! `zoufang issue`: lists issues in a form that can be filled in and imported again, and the moves that
//! only a named person may make.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::record::ConfigFile;
use super::table::{Output, Table};
use super::{Approval, acting, issue_show, noted, refused, shown, wrong_input};
use crate::app::batch::{Batch, IssueChange, asks_for_class};
use crate::app::issues::{Acknowledgement, acknowledge as acknowledge_issues};
use crate::app::photos::{Fit, LARGEST_FILE, keep};
use crate::app::problem::only;
use crate::db::{Act, AreaTree, IssueCard, IssueRow, Session, Store, Upsert, What};
use crate::domain::issue::{Event, State};
use crate::domain::reason::of_system;
use crate::domain::rights::Right;
use crate::domain::there::to_do;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 以 csv 列出问题和反映的内容（记入审计）：填上责任层级、类别或办理结果，就能再导入
    List {
        /// 查看人编号
        #[arg(long)]
        by: Option<String>,
        /// 只列这种状态，如 已登记、办理中、退回
        #[arg(long)]
        state: Option<State>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
        /// 写到哪个文件（只有自己能读，不覆盖已有的）；不写则输出到屏幕
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// 显示一个问题：反映了什么、层级、期限、平台编号和答复，办了什么、提醒和督办了谁、在谁手里多久
    Show(issue_show::Arguments),
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
        /// 照片文件
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// 责任人编号
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
        Action::List { by, state, json, output } => {
            let seen = ("list_issues", "issues", json!({"state": state}));
            noted(&store, by.as_deref(), (Right::Reveal, None), seen).await?;
            list(&store, state, json, output).await?;
        }
        Action::Show(arguments) => issue_show::run(&store, &arguments).await?,
        Action::Acknowledge { number, by } => acknowledge(&store, &number, &by).await?,
        Action::Begin { number, by } => begin(&store, &number, &by).await?,
        Action::Override(made) => {
            let event = |by: &str, reason: &str| Event::PlatformOverridden {
                by: by.to_owned(),
                reason: reason.to_owned(),
            };
            make(&store, &made, event).await?;
        }
        Action::Void(made) => {
            make(&store, &made, |_, reason| Event::Voided { reason: reason.to_owned() }).await?;
        }
        Action::Reopen(made) => {
            make(&store, &made, |_, reason| Event::Reopened { reason: reason.to_owned() }).await?;
        }
        Action::Photo { number, files, by } => add_photos(&store, &number, &files, &by).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The issue of that number.
async fn issue_of(session: &mut Session, number: &str) -> anyhow::Result<IssueRow> {
    let found = session.issues_numbered(&[number]).await?.pop();
    let none =
        || wrong_input(format!("没有编号「{number}」的问题；有哪些，用 zoufang issue list 查看"));
    found.ok_or_else(none)
}

/// The area in which it arose.
async fn area_of(session: &mut Session, number: &str) -> anyhow::Result<String> {
    Ok(issue_of(session, number).await?.area_id)
}

async fn begin(store: &Store, number: &str, by: &str) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let row = issue_of(&mut tx, number).await?;
    let person = acting(&mut tx, by, Right::Begin, Some(&row.area_id)).await?;
    let begun = IssueChange {
        number: number.to_owned(),
        event: Some(Event::Started),
        then: None,
        keeps_urgency: false,
        state: Some(row.issue()?.state),
        actor: person.signed(),
    };
    let outcomes = Batch::Events(vec![begun]).put(&mut tx).await?;
    let did = only(outcomes).map_err(refused)?;
    tx.commit().await?;
    if did == Upsert::Same {
        let who = begun_by(store, number).await?;
        say!("{number}：{who}以前已登记着手办理，没有改动");
    } else {
        say!("{number}：{} 已着手办理", person.signed());
    }
    Ok(())
}

/// Who began it, as the record says.
async fn begun_by(store: &Store, number: &str) -> anyhow::Result<String> {
    let timeline = store.timeline(number).await?;
    let begun = timeline.entries.into_iter().rev().find_map(|entry| match entry.what {
        What::Happened { event: Event::Started, actor } => Some(actor),
        _ => None,
    });
    Ok(begun.map_or_else(|| "已经在办理，".to_owned(), |who| format!("{who} ")))
}

async fn acknowledge(store: &Store, number: &str, by: &str) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let area = area_of(&mut tx, number).await?;
    let person = acting(&mut tx, by, Right::Acknowledge, Some(&area)).await?;
    let note = Acknowledgement { number: number.to_owned(), staff_id: person.id.clone() };
    let outcomes = acknowledge_issues(&mut tx, &[note]).await?;
    let did = only(outcomes).map_err(refused)?;
    tx.commit().await?;
    match did {
        Upsert::Same => say!("{number}：以前已签收，没有改动"),
        _ => say!("{number}：{} 已签收", person.signed()),
    }
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
    let area = area_of(&mut tx, number).await?;
    let person = acting(&mut tx, by, Right::Photo, Some(&area)).await?;
    for file in files {
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let unreadable = |why: std::io::Error| {
            wrong_input(format!("{} 读不出来：{}", shown(file), of_system(why.kind())))
        };
        let mut bytes = Vec::new();
        // One byte over the limit tells that it's too large.
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        opened.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let photo = Fit::of(&name, &bytes).map_err(wrong_input)?;
        let new = keep(&mut tx, number, &[photo]).await.map_err(refused)?;
        let already = if new == 0 { "（以前加过同一张，没有改动）" } else { "" };
        say!("{number}：{name}{already}");
    }
    let detail = json!({"photos": files.len()});
    tx.audit(&person.number, "photo", number, &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// What a named person makes happen, and what they still have to do on the platform because of it.
async fn make(
    store: &Store,
    Move { number, approval }: &Move,
    event: impl FnOnce(&str, &str) -> Event,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let area = area_of(&mut tx, number).await?;
    let (person, reason) = approval.given(&mut tx, Right::DecideIssue, Some(&area)).await?;
    let by = person.signed();
    let event = event(&by, reason);
    let id = tx.issue_id(number).await.map_err(refused)?;
    let before = tx.issue(&id).await?;
    let issue = tx.issue_event(&id, &event, &by).await.map_err(refused)?;
    tx.audit_act(Act {
        by: &person.number,
        action: event.kind().code(),
        target: number,
        detail: &json!({"reason": reason}),
        was: Some(&json!({"state": before.state, "round": before.round})),
        became: Some(&json!({"state": issue.state, "round": issue.round})),
    })
    .await?;
    let told = tx.context().messages;
    let referrals = match event {
        Event::Voided { .. } | Event::PlatformOverridden { .. } => tx.issue_referrals(&id).await?,
        _ => Vec::new(),
    };
    tx.commit().await?;
    say!("{number}：{}，已记入审计", issue.state);
    for referral in &referrals {
        if let Some(said) = to_do(&referral.place, &referral.reference, told) {
            say!("{said}");
        }
    }
    Ok(())
}

async fn list(
    store: &Store,
    state: Option<State>,
    json: bool,
    to: Option<PathBuf>,
) -> anyhow::Result<()> {
    let tree = store.area_tree().await?;
    let names = [
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
    ];
    // Excel needs the mark before the first name. Programs that don't know it miss that name only: the village's.
    let mut table = Table::marked_in(Output::to(to.as_deref())?, names, json)?;
    let states = state.map_or(State::ALL.to_vec(), |state| vec![state]);
    for state in states {
        for card in store.issues_in(state, i64::MAX).await? {
            table.row(line(&tree, card))?;
        }
    }
    Ok(table.end()?)
}

fn line(tree: &AreaTree, card: IssueCard) -> [String; 10] {
    // One that waits to be classified again has nothing there: a list that nobody changed doesn't do it.
    let class = card.issue.class.filter(|_| !asks_for_class(&card.issue));
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
