//! `zoufang demo`: a whole campaign in a minute.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;

use super::{logging, read_faults, shown};
use crate::demo::{Day, Demo, HANDED_IN, Options, Outcome, Plays, SignIn, run as run_demo};
use crate::reports::in_words;
use crate::sandbox::Faults;
use crate::settings::{Log, LogFormat};

#[derive(Debug, Args)]
pub struct Arguments {
    /// 走完整个活动就退出，不留下服务
    #[arg(long)]
    once: bool,
    /// 走到这一天，第二天上午打开，如 2022-06-10；不写就停在走访最忙的时候
    #[arg(long, value_name = "日期", conflicts_with = "once")]
    day: Option<Date>,
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
    /// 服务的地址，端口 0 表示随便取一个空的
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
        plays: if arguments.once { Plays::All } else { Plays::Until(arguments.day) },
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
        say!("{}", opened(&demo));
        demo.stay(async { drop(tokio::signal::ctrl_c().await) }).await?;
    }
    demo.end().await;
    if arguments.json {
        say!("{}", serde_json::to_string(&outcome)?);
    }
    // What is under way when it opens isn't lost.
    let is_well = outcome.is_exact() || !arguments.once && !outcome.is_doubled();
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where it stands open, and as whom one can sign in to try what.
fn opened(demo: &Demo) -> String {
    let Demo { address, platform_address, sign_ins, .. } = demo;
    let mut lines = vec![
        format!("\n活动走到{}上午，服务开着，总览：{address}/", in_words(demo.today())),
        format!("　给程序读的运行情况：{address}/status"),
        format!("　平台收到的上报（给程序读的）：{platform_address}/sandbox/requests"),
        format!("登录：{address}/my/sign-in　密码都是 {}", sign_ins.password),
    ];
    let who =
        |one: &SignIn| format!("　{} {}（{}）：{}", one.number, one.name, one.role, one.to_try);
    lines.extend(sign_ins.people.iter().map(who));
    lines.push("按 Ctrl-C 结束".to_owned());
    lines.join("\n")
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
