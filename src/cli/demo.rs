//! `zoufang demo`: a whole campaign in a minute.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{logging, read_faults, shown};
use crate::demo::{Day, HANDED_IN, Options, Outcome, run as run_demo};
use crate::sandbox::Faults;
use crate::settings::{Log, LogFormat};

#[derive(Debug, Args)]
pub struct Arguments {
    /// 走完就退出，不留下服务
    #[arg(long)]
    once: bool,
    /// 最后输出一个 JSON 对象
    #[arg(long)]
    json: bool,
    /// 随机种子
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// 每个村多少户
    #[arg(long, value_name = "N", default_value_t = 20)]
    households: usize,
    /// 平台的故障：none、mild、harsh，或 名称=概率,…
    #[arg(long, value_name = "SPEC", default_value = "mild", value_parser = read_faults)]
    fault: Faults,
    /// 演示用的目录；上次演示留下的会清空
    #[arg(long, value_name = "DIR", default_value = "zoufang-demo")]
    dir: PathBuf,
    /// 状态页的地址
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
    /// 显示哪些日志，如 info
    #[arg(long, default_value = "off")]
    log: String,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    logging::start(&Log {
        format: LogFormat::Auto,
        filter: arguments.log.clone(),
        file: PathBuf::new(),
        file_mib: 0,
        keep: 0,
    })?;
    crate::web::metrics::record();
    let options = Options {
        seed: arguments.seed,
        households: arguments.households,
        faults: arguments.fault,
        folder: arguments.dir.clone(),
        listen: arguments.listen,
    };
    let handed_in = arguments.dir.join(HANDED_IN);
    let bar = progress_bar();
    let demo = run_demo(options, |day, outcome| show(&bar, day, outcome)).await?;
    bar.finish_and_clear();
    let outcome = demo.outcome.clone();
    if !arguments.json || !arguments.once {
        say!("\n{outcome}");
    }
    if !arguments.json || !arguments.once {
        say!("上报材料：{}", shown(&handed_in));
    }
    if !arguments.once {
        say!(
            "服务还在运行：{}/status　平台：{}/sandbox/requests　按 Ctrl-C 结束",
            demo.address,
            demo.platform_address
        );
        demo.stay(async { drop(tokio::signal::ctrl_c().await) }).await?;
    }
    demo.end().await;
    if arguments.json {
        say!("{}", serde_json::to_string(&outcome)?);
    }
    Ok(if outcome.is_exact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, day: &Day, outcome: &Outcome) {
    let phase = day.phase.map_or("收尾", |phase| phase.chinese());
    let issues = outcome.issues.town + outcome.issues.joint + outcome.issues.city;
    let text = format!(
        "{} {phase}　已走访 {}/{}　问题 {issues}　平台 {}/{}　办结 {}　销号 {}　提醒 {}",
        day.on,
        outcome.visited,
        outcome.subjects,
        outcome.on_platform,
        outcome.owed,
        outcome.resolved,
        outcome.closed,
        outcome.notices
    );
    bar.set_length(day.all as u64);
    bar.set_position(day.passed as u64);
    if bar.is_hidden() {
        // Not a terminal: a line each fortnight is enough.
        if day.passed.is_multiple_of(14) {
            eprintln!("{text}");
        }
    } else {
        bar.set_message(text);
    }
}
