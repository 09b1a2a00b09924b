//! `zoufang campaign`: what another plan would change and whom it would tell, to make it the one in effect, and to write a
//! new one.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::record::ConfigFile;
use super::{Approval, campaign_new, refused, wrong_input};
use crate::app::plan::{self, PlanChange};
use crate::check::coming;
use crate::daemon::load_campaign;
use crate::db::Store;
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Unapplied;
use crate::domain::rights::Right;
use crate::domain::township::Gap;
use crate::notify::{Upcoming, upcoming};
use crate::settings::Settings;

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
        /// 方案文件；不写则用 campaign.file，也没有就是生效的方案
        #[arg(long)]
        file: Option<PathBuf>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 使方案文件生效（记入审计），并说明接下来会提醒多少人；方案代号变了，就是以同样的责任田开始新一年的活动
    Apply {
        /// 方案文件；不写则用 campaign.file，也没有就是生效的方案
        #[arg(long)]
        file: Option<PathBuf>,
        /// 现在的活动还没有到最后一天，也马上结束它：没有完成的任务终止，不能恢复
        #[arg(long)]
        end_current: bool,
        #[command(flatten)]
        approval: Approval,
    },
    /// 写一份新方案：逐项询问，或用选项写明；只写与内置方案不同的，以后再改
    New(campaign_new::Arguments),
}

/// For how many workdays ahead reminders are shown.
const AHEAD: usize = 10;

const APPLIED: &str = "已生效，已记入审计；运行中的服务马上按新方案执行";
const APPLIED_AGAIN: &str = "照旧有效；这次操作已记入审计";

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config;
    match arguments.action {
        Action::New(new) => campaign_new::run(new)?,
        Action::Plan { file, json } => {
            let settings = config.settings()?;
            let store = config.open(&settings).await?;
            let plan = load(file, &settings, &store)?;
            let foreseen = Foreseen::of(&store, &plan).await?;
            if json {
                say!("{}", serde_json::to_string_pretty(&foreseen.as_json(&plan))?);
            } else {
                foreseen.say(&plan);
                say!("以上只是预览，什么也没有改；用 zoufang campaign apply 使它生效");
            }
        }
        Action::Apply { file, end_current, approval } => {
            let settings = config.settings()?;
            let store = config.open(&settings).await?;
            let plan = load(file, &settings, &store)?;
            let mut snapshot = store.snapshot().await?;
            let (by, reason) = approval.given(&mut snapshot, Right::Apply, None).await?;
            snapshot.end().await?;
            let foreseen = Foreseen::of(&store, &plan).await?;
            if let Some(why) = foreseen.ends().filter(|_| !end_current) {
                return Err(wrong_input(why));
            }
            let change = if end_current {
                plan::apply_ending_current(&store, &plan, &by.number, reason).await
            } else {
                plan::apply(&store, &plan, &by.number, reason).await
            };
            let change = change.map_err(refused)?;
            let unused = end_current && foreseen.unapplied.is_none();
            let same = *foreseen.before == plan;
            Foreseen { change, unapplied: None, ..foreseen }.say(&plan);
            if unused {
                eprintln!("--end-current 没有用上：没有要提前结束的活动");
            }
            say!("{}", if same { APPLIED_AGAIN } else { APPLIED });
            remind_of_file(&store, &plan);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The plan that is named, or configured; where none is, the built-in one mustn't take the place of what is in effect.
fn load(file: Option<PathBuf>, settings: &Settings, store: &Store) -> anyhow::Result<Campaign> {
    let file = file.unwrap_or_else(|| settings.campaign.file.clone());
    if file.as_os_str().is_empty() {
        let plan = Campaign::clone(&store.campaign());
        eprintln!("没有写明方案文件（--file 或 campaign.file），按生效的方案「{}」", plan.name);
        return Ok(plan);
    }
    load_campaign(&file).map_err(wrong_input)
}

/// The service goes on by what was applied, but its status would say that the file differs.
fn remind_of_file(store: &Store, plan: &Campaign) {
    if store.context().campaign != *plan {
        say!("请把这份方案放到 campaign.file，否则状态里会提示文件与生效的方案不同");
    }
}

/// What a plan would change, and whom it would tell.
struct Foreseen {
    before: std::sync::Arc<Campaign>,
    change: PlanChange,
    /// Why it can't be applied without a word more.
    unapplied: Option<Unapplied>,
    /// How many people, or holders of a role over an area, owe what would end.
    people: usize,
    days: Vec<Upcoming>,
    /// What doesn't fit, of the plan, of the calendar and of the township.
    gaps: Vec<Gap>,
}

impl Foreseen {
    /// What is foreseen of it; that it can't be applied at all is an error.
    async fn of(store: &Store, plan: &Campaign) -> anyhow::Result<Foreseen> {
        let before = store.campaign();
        let unapplied = store.plans().unapplied(plan, store.context().clock.today());
        if let Some(why @ Unapplied::Over { .. }) = unapplied {
            return Err(wrong_input(why));
        }
        let mut snapshot = store.snapshot().await?;
        snapshot.suppose(plan);
        let preview = plan::preview(&mut snapshot).await?;
        let (change, people) = (preview.change.clone(), preview.whose.len());
        let days = upcoming(&mut snapshot, AHEAD, preview).await?;
        snapshot.end().await?;
        let gaps = coming(store, plan).await?;
        Ok(Foreseen { before, change, unapplied, people, days, gaps })
    }

    /// Why it can't be applied without a word more, with what that would end.
    fn ends(&self) -> Option<String> {
        let why = self.unapplied.as_ref()?;
        Some(format!("{why}（会终止 {} 项，涉及 {} 个责任人）", self.change.ended, self.people))
    }

    fn say(&self, plan: &Campaign) {
        if *self.before == *plan && self.change.is_nothing() {
            say!("这份方案和生效的完全一样，没有什么改变");
        } else {
            show(&self.before, plan, &self.change);
        }
        for Upcoming { on, people, duties } in &self.days {
            say!("提醒 {on}：{people} 人，{duties} 项任务");
        }
        for Gap { key, text } in &self.gaps {
            say!("注意 {key}：{text}");
        }
        if let Some(why) = self.ends() {
            say!("不能直接生效：{why}");
        }
    }

    fn as_json(&self, plan: &Campaign) -> serde_json::Value {
        let days = self
            .days
            .iter()
            .map(|day| json!({"on": day.on, "people": day.people, "duties": day.duties}));
        let gaps = self.gaps.iter().map(|gap| json!({"key": gap.key, "text": gap.text}));
        json!({
            "before": self.before.code, "plan": plan.code, "change": self.change,
            "refused": self.ends(),
            "reminders": days.collect::<Vec<_>>(), "gaps": gaps.collect::<Vec<_>>(),
        })
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
        if !change.carried.is_empty() {
            let each: Vec<String> =
                change.carried.iter().map(|(kind, count)| format!("{kind} {count} 项")).collect();
            say!("  以前没有办完的问题照常办理，任务照旧，期限不变：{}", each.join("、"));
        }
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
        say!("新增任务 {} 项，不再需要的任务终止 {} 项", change.opened, change.ended);
    }
    for (kind, count) in &change.ladders {
        say!("任务「{kind}」{count} 项：日期不变，提醒和督办的级次改变");
    }
    if change.is_nothing() {
        say!("没有任务因此改变");
    }
}
