//! `zoufang campaign`: what another plan would change, and to make it the one in effect.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Approval, ConfigFile, wrong_input};
use crate::app::plan::{self, PlanChange};
use crate::clock::{Chance, Clock};
use crate::daemon::{load_campaign, open_store};
use crate::db::Store;
use crate::domain::campaign::Campaign;
use crate::notify::upcoming;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 显示方案文件与生效的方案有什么不同：哪些任务改期，接下来会发哪些提醒；什么也不改
    Plan {
        /// 方案文件；不写则用 campaign.file
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// 使方案文件生效（记入审计）；方案代号变了，就是以同样的责任田开始新一年的活动
    Apply {
        /// 方案文件；不写则用 campaign.file
        #[arg(long)]
        file: Option<PathBuf>,
        #[command(flatten)]
        approval: Approval,
    },
}

/// For how many workdays ahead reminders are shown.
const AHEAD: usize = 10;

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = open_store(&settings, Clock::system(), Chance::system()).await?;
    let load = |file: Option<PathBuf>| {
        let file = file.unwrap_or_else(|| settings.campaign.file.clone());
        // The built-in plan in place of a forgotten file would begin another campaign.
        if file.as_os_str().is_empty() {
            return Err(wrong_input(
                "没有写明方案文件：请用 --file 指定，或用 --config 指定写有 campaign.file 的配置；什么也没有改",
            ));
        }
        load_campaign(&file).map_err(wrong_input)
    };
    match arguments.action {
        Action::Plan { file } => {
            let plan = load(file)?;
            let before = store.campaign();
            let mut snapshot = store.snapshot().await?;
            snapshot.suppose(&plan);
            let preview = plan::preview(&mut snapshot).await?;
            show(&before, &plan, &preview.change);
            for day in upcoming(&mut snapshot, AHEAD, preview).await? {
                say!("提醒 {}：{} 人，{} 项任务", day.on, day.people, day.duties);
            }
            snapshot.end().await?;
            say!("以上只是预览，什么也没有改；用 zoufang campaign apply 使它生效");
        }
        Action::Apply { file, approval: Approval { by, reason } } => {
            let plan = load(file)?;
            let before = store.campaign();
            let change = plan::apply(&store, &plan, &by, &reason).await?;
            show(&before, &plan, &change);
            say!("已生效，已记入审计；运行中的服务马上按新方案执行");
            remind_of_file(&store, &plan);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The service goes on by what was applied, but its status would say that the file differs.
fn remind_of_file(store: &Store, plan: &Campaign) {
    if serde_json::to_string(&store.context().campaign).ok() != serde_json::to_string(plan).ok() {
        say!("请把这份方案放到 campaign.file，否则状态里会提示文件与生效的方案不同");
    }
}

fn show(before: &Campaign, plan: &Campaign, change: &PlanChange) {
    if before.code != plan.code {
        say!("新的活动 {}（{}），接着 {}：", plan.code, plan.name, before.code);
        say!(
            "  沿用全部责任田，新任务 {} 项；上一次没有完成的 {} 项终止",
            change.opened,
            change.ended
        );
        return;
    }
    for phase in &plan.phases {
        let old = before.phases.iter().find(|old| old.name == phase.name);
        let old =
            old.filter(|old| (old.starts_on, old.ends_on) != (phase.starts_on, phase.ends_on));
        if let Some(old) = old {
            let (from, to) = ((old.starts_on, old.ends_on), (phase.starts_on, phase.ends_on));
            say!("阶段「{}」：{} 至 {} → {} 至 {}", phase.name, from.0, from.1, to.0, to.1);
        }
    }
    for (kind, from, to, count) in &change.moved {
        say!("任务「{kind}」{count} 项：{from} → {to}");
    }
    if change.opened + change.ended > 0 {
        say!("增加的阶段：新任务 {} 项；取消的阶段：{} 项任务终止", change.opened, change.ended);
    }
    for (kind, count) in &change.ladders {
        say!("任务「{kind}」{count} 项：日期不变，提醒和督办的级次改变");
    }
    if change.is_nothing() {
        say!("没有任务因此改变");
    }
}
