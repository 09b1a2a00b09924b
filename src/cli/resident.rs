//! `zoufang resident`: what is kept of one resident, for whoever asks what is (查阅、复制), and its end (删除).

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::record::ConfigFile;
use super::table::{Output, Table};
use super::{Approval, acting, refused, wrong_input};
use crate::app::erase::{REMAINS, erase_resident};
use crate::db::{FoundResident, Session, Store};
use crate::domain::issue::State;
use crate::domain::rights::Right;
use crate::domain::visit::{Satisfaction, VisitKind};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 按姓名或电话查找（从标准输入读，一行一个；会记入审计）
    Find {
        /// 责任人编号
        #[arg(long)]
        by: String,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 导出一个群众的全部个人信息（记入审计）
    Export {
        /// find 给出的编号
        #[arg(value_name = "NUMBER")]
        id: String,
        #[command(flatten)]
        approval: Approval,
        /// 写到这个文件
        #[arg(short, long, value_name = "OUTPUT")]
        output: Option<PathBuf>,
    },
    /// 删除一个群众的个人信息，并说明还留下什么、为什么（记入审计）
    Erase {
        /// find 给出的编号
        #[arg(value_name = "NUMBER")]
        id: String,
        #[command(flatten)]
        approval: Approval,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::Find { by, json } => find(&store, &by, json).await?,
        Action::Export { id, approval, output } => {
            export(&store, &id, &approval, output.as_deref()).await?;
        }
        Action::Erase { id, approval } => erase(&store, &id, &approval).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(store: &Store, by: &str, as_json: bool) -> anyhow::Result<()> {
    // Not from the command line: that stands in lists of processes and histories.
    let wanted: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let wanted: Vec<&str> =
        wanted.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    if wanted.is_empty() {
        return Err(wrong_input("请从标准输入写姓名或电话，一行一个"));
    }
    let mut tx = store.begin().await?;
    let person = acting(&mut tx, by, Right::Reveal, None).await?;
    let mut found = Vec::new();
    for text in &wanted {
        found.extend(tx.residents_found(text).await?);
    }
    let detail = json!({ "wanted": wanted, "found": found.len() });
    tx.audit(&person.number, "find_resident", "residents", &detail).await?;
    tx.commit().await?;
    let mut table = Table::new(["编号", "对象编号", "姓名", "联系方式"], as_json)?;
    for FoundResident { id, subject, name, contact, .. } in &found {
        table.row([id, subject, name, contact.as_deref().unwrap_or_default()])?;
    }
    table.end()?;
    Ok(())
}

async fn export(
    store: &Store,
    id: &str,
    approval: &Approval,
    output: Option<&std::path::Path>,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let (person, reason) = approval.given(&mut tx, Right::Reveal, None).await?;
    let all = all_of(&mut tx, id).await?;
    tx.audit(&person.number, "export_resident", id, &json!({ "reason": reason })).await?;
    tx.commit().await?;
    let mut to = Output::to(output)?;
    writeln!(to, "{}", serde_json::to_string_pretty(&all)?)?;
    to.finish()?;
    Ok(())
}

/// All that is kept of a resident.
async fn all_of(session: &mut Session, id: &str) -> anyhow::Result<serde_json::Value> {
    let found = session.resident(id).await.map_err(refused)?;
    let visits = session.visits_of_resident(id).await?;
    let mut issues = Vec::new();
    let asked = session.issues_of_resident(id).await?;
    let ids: Vec<&str> = asked.iter().map(|issue| issue.id.as_str()).collect();
    let mut mediations = Vec::new();
    for row in session.mediations_of_issues(&ids).await? {
        let said = row.open(session.context())?;
        let of = asked.iter().find(|issue| issue.id == row.issue_id);
        mediations.push(json!({
            "问题编号": of.map(|issue| &issue.number), "调解日期": row.mediated_on, "当事人": said.parties, "调解人": said.mediator,
            "调解协议": said.agreement, "回访日期": row.followed_on, "履行情况": said.followed,
        }));
    }
    for issue in asked {
        let answers = session.issue_answers(&issue.id).await?;
        let events = session.events_of(&[&issue.id]).await?;
        let said: Vec<String> =
            events.iter().filter_map(|row| row.event()?.said().map(str::to_owned)).collect();
        let answers: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        issues.push(json!({
            "编号": issue.number, "反映日期": issue.visited_on, "内容": issue.text,
            "状态": State::read(&issue.state).map(State::chinese), "办理过程": said, "平台答复": answers,
        }));
    }
    let visits = visits.iter().map(|(on, kind, answer)| {
        let (kind, answer) = (VisitKind::read(kind), answer.as_deref().and_then(Satisfaction::read));
        json!({"日期": on, "类型": kind.map(VisitKind::chinese), "满意度": answer.map(Satisfaction::chinese)})
    });
    Ok(json!({
        "编号": found.id, "对象编号": found.subject, "姓名": found.name, "联系方式": found.contact,
        "未走访原因": found.unheard, "走访": visits.collect::<Vec<_>>(), "问题": issues,
        "调解": mediations,
    }))
}

async fn erase(store: &Store, id: &str, approval: &Approval) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let (person, reason) = approval.given(&mut tx, Right::Erase, None).await?;
    let erased = erase_resident(&mut tx, id, &person.number, reason).await.map_err(refused)?;
    tx.commit().await?;
    say!(
        "已删除：姓名、联系方式、未走访原因，{} 个问题的内容，办理过程里的话 {} 处，平台答复 {} 条，调解记录 {} 件，照片 {} 张；不再欠这个人的回访；已记入审计",
        erased.issues,
        erased.events,
        erased.answers,
        erased.mediations,
        erased.photos
    );
    say!("还留着：");
    for remains in REMAINS {
        say!("  {remains}");
    }
    Ok(())
}
