//! `zoufang figures`: visit, response, resolution and satisfaction rates, as docs/figures.md defines them.

use std::process::ExitCode;

use clap::Args;

use super::record::ConfigFile;
use super::table::Table;
use super::wrong_input;
use crate::db::{By, FiguresLine, Store};
use crate::domain::campaign::Campaign;
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Counts, Order, percent};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 按什么分列：村、总支、部门、走访人
    #[arg(long, default_value = "村", value_name = "GROUPING")]
    by: By,
    /// 怎么排：超期（超期的比例大的在前）、比率（低的在前）、名称
    #[arg(long, default_value = "超期")]
    sort: Order,
    /// 改为列出问题在谁手里：村、镇直部门、服务中心、平台、群众，各多久、超期多久
    #[arg(long, conflicts_with = "by")]
    held: bool,
    /// 以前的哪一次活动：代号、名称，或活动期间的某一天；不写是现在这一次
    #[arg(long, conflicts_with = "held")]
    campaign: Option<String>,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    if arguments.held {
        return held(&store, arguments.json).await;
    }
    let (mut lines, whole, plan) = read(&store, &arguments).await?;
    let visits_due = plan.due_on(DutyKind::Visit) < store.context().clock.today();
    lines.sort_by(|one, two| one.counts.worse(&two.counts, arguments.sort, visits_due));
    let total = FiguresLine { name: "合计".to_owned(), counts: whole };
    if arguments.json {
        let all: Vec<_> = lines.iter().chain([&total]).collect();
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let by = arguments.by.chinese();
    let names = [
        by,
        "走访率",
        "响应率",
        "解决率",
        "满意率",
        "对象",
        "已走访",
        "未走访，未到期",
        "未走访，已超期",
        "应签收",
        "按期签收",
        "问题",
        "已解决",
        "未解决，未到期",
        "未解决，已超期",
        "已回访群众",
        "满意",
        "调解",
        "达成协议",
        "没走访就不再走访",
        "没回访就不再回访",
    ];
    let mut table = Table::new(names, false)?;
    for FiguresLine { name, counts } in lines.iter().chain([&total]) {
        let rates = counts.rates();
        let rates =
            [rates.visit, rates.response, rates.resolution, rates.satisfaction].map(percent);
        let counts = parts(counts, visits_due).map(|count| count.to_string());
        table.row([name.clone()].into_iter().chain(rates).chain(counts))?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}

/// The lines, what they add up to, and the plan that they go by: of the campaign in effect, or of the one that is named.
async fn read(
    store: &Store,
    arguments: &Arguments,
) -> anyhow::Result<(Vec<FiguresLine>, Counts, Campaign)> {
    let plans = store.plans();
    let (now, by) = (plans.now(), arguments.by);
    let named = match &arguments.campaign {
        Some(text) => plans.named(text).ok_or_else(|| {
            let codes = plans.codes().join("、");
            wrong_input(format!(
                "没有「{text}」这次活动：请写代号（{codes}）、名称，或活动期间的某一天"
            ))
        })?,
        None => now,
    };
    if named.code == now.code {
        let counts = store.counts().await?;
        return Ok((store.figures_by(by).await?, counts, Campaign::clone(now)));
    }
    let code = &named.code;
    let visits = if store.are_visits_kept(code).await? {
        "走访、回访、满意率按它结束时的，问题按现在的"
    } else {
        "只有问题（按现在的）：它结束时的本系统还不保存走访、回访和满意率，下面的 0 不是那时的数"
    };
    eprintln!("{}（{code}）：{visits}", named.name);
    let lines = store.earlier_figures_by(by, code).await?;
    Ok((lines, store.earlier_counts(code).await?, named.clone()))
}

/// What the rates are made of; what is missing, by whether its date has passed.
fn parts(counts: &Counts, visits_due: bool) -> [i64; 16] {
    let Counts { subjects, visited, issues, to_respond, responded, resolved, late, .. } = *counts;
    let unvisited = subjects - visited;
    let (early, overdue) = if visits_due { (0, unvisited) } else { (unvisited, 0) };
    [
        subjects,
        visited,
        early,
        overdue,
        to_respond,
        responded,
        issues,
        resolved,
        issues - resolved - late,
        late,
        counts.asked,
        counts.satisfied,
        counts.mediated,
        counts.agreed,
        counts.ended,
        counts.revisit_ended,
    ]
}

async fn held(store: &Store, json: bool) -> anyhow::Result<ExitCode> {
    let held = store.held().await?;
    if json {
        say!("{}", serde_json::to_string_pretty(&held)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table =
        Table::new(["环节", "现在手里", "其中超期", "累计天数", "其中超期天数"], false)?;
    for line in held {
        table.row([
            line.holder.to_string(),
            line.now.to_string(),
            line.late_now.to_string(),
            format!("{:.1}", line.days),
            format!("{:.1}", line.days_late),
        ])?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}
