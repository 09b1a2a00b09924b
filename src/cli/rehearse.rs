//! `zoufang rehearse`: one's own campaign, played to its end on a copy of the record.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use jiff::civil::Date;

use super::record::ConfigFile;
use super::table::Output;
use super::{comma, read_date, read_faults, shown, wrong_input};
use crate::rehearsal::{NotPlayed, Options, Visits, rehearse};
use crate::sandbox::{Faults, Profile};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 从哪一天开始，如 2026-03-01；不写则为今天，活动还没有开始的为活动第一天
    #[arg(long, value_parser = read_date)]
    from: Option<Date>,
    /// 到哪一天为止；不写则到最后一级督办都说完
    #[arg(long, value_parser = read_date)]
    until: Option<Date>,
    /// 走访等：按现状（只算记录里已有的）、按时（该做的都按时做）、都不做（走访和回访不做，其余按时）
    #[arg(long, default_value = "按现状")]
    visits: Visits,
    /// 模拟平台像哪一种真实的平台：名称见 zoufang sandbox --list，几种一起用逗号隔开
    #[arg(long, value_name = "NAME,…", default_value = "georeport")]
    platform: String,
    /// 模拟平台的故障：none、mild、harsh，或 名称=概率,…
    #[arg(long, value_name = "SPEC", default_value = "none", value_parser = read_faults)]
    fault: Faults,
    /// 按时走访时，每一百人里几人反映问题
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    demands: u8,
    /// 随机种子：同一个种子，同样的演练
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
    /// 写进这个文件（不覆盖已有的）
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let used = arguments.config.used(&settings);
    eprintln!("配置：{}；只读数据库：{}", arguments.config.name(), used.database);
    let mut to = Output::to(arguments.output.as_deref())?;
    let options = Options {
        from: arguments.from,
        until: arguments.until,
        platform: Profile::read(&comma(&arguments.platform)).map_err(wrong_input)?,
        faults: arguments.fault,
        visits: arguments.visits,
        demands: f64::from(arguments.demands) / 100.0,
        seed: arguments.seed,
    };
    let passed = |on: Date, until: Date| {
        if on.day() == 1 || on == until {
            eprintln!("演练到 {on}（共到 {until}）");
        }
    };
    let report = rehearse(&settings, &options, passed)
        .await
        .map_err(|error| if error.is::<NotPlayed>() { wrong_input(error) } else { error })?;
    match arguments.json {
        true => writeln!(to, "{}", serde_json::to_string_pretty(&report)?)?,
        false => write!(to, "{report}")?,
    }
    to.finish()?;
    let late: usize = report.late.iter().map(|late| late.count).sum();
    let (messages, people, seconds) = (report.messages.len(), report.people(), report.seconds);
    eprintln!(
        "演练用了 {seconds} 秒：{messages} 条消息，{people} 人，超期 {late} 项；没有发给任何人，没有改动记录"
    );
    if let Some(file) = &arguments.output {
        eprintln!("已写到 {}", shown(file));
    }
    Ok(ExitCode::SUCCESS)
}
