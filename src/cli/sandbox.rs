//! `zoufang sandbox`: the stand-in platform, until Ctrl-C.

use std::process::ExitCode;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serve::{cannot_listen, stop_on_signal};
use super::table::Table;
use super::{comma, read_faults, read_instant, wrong_input};
use crate::clock::Clock;
use crate::sandbox::{Behaviour, Faults, PROFILES, Profile, Sandbox};

#[derive(Debug, Args)]
pub struct Arguments {
    /// 监听的地址
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8311")]
    listen: String,
    /// 随机种子：同一个种子，同样的办理经过
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// 故障：none、mild、harsh，或 名称=概率,…（no-answer、reset-before、reset-after、500、503、slow、duplicate、reorder、refuse、token）
    #[arg(long, value_name = "SPEC", default_value = "none", value_parser = read_faults)]
    fault: Faults,
    /// 像哪一种真实的平台：名称，几种一起用逗号隔开（后面的优先）；list 列出全部，各有出处
    #[arg(long = "as", value_name = "NAME,…", default_value = "georeport")]
    kind: String,
    /// 列出全部种类，同 --as list
    #[arg(long)]
    list: bool,
    /// 清单以 JSON 输出
    #[arg(long)]
    json: bool,
    /// 时钟从这一刻开始；不写则为现在
    #[arg(long, value_name = "INSTANT", value_parser = read_instant)]
    clock_start: Option<jiff::Timestamp>,
    /// 时钟快多少倍：办理一般要几天，演练时可以快些
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    clock_speed: f64,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.list || arguments.kind == "list" {
        list(arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let behaviour = Profile::read(&comma(&arguments.kind)).map_err(wrong_input)?;
    serve(&arguments, behaviour).await
}

/// Every kind, what it does, and where that was seen.
fn list(json: bool) -> anyhow::Result<()> {
    if json {
        let mut table = Table::new(["名称", "做什么", "出处"], true)?;
        for Profile { name, chinese, source, .. } in PROFILES {
            table.row([name, chinese, source])?;
        }
        return Ok(table.end()?);
    }
    for Profile { name, chinese, source, .. } in PROFILES {
        say!("{name}\n    {chinese}\n    出处：{source}");
    }
    say!("共 {} 种；几种一起用逗号隔开，如 --as newest-20,bom。", PROFILES.len());
    Ok(())
}

async fn serve(arguments: &Arguments, behaviour: Behaviour) -> anyhow::Result<ExitCode> {
    let start = arguments.clock_start.unwrap_or_else(|| Clock::system().now());
    let clock = Clock::scaled(start, arguments.clock_speed.max(f64::MIN_POSITIVE));
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|why| cannot_listen("--listen", &arguments.listen, why))?;
    let shutdown = CancellationToken::new();
    tokio::spawn(stop_on_signal(shutdown.clone()));
    say!("模拟平台：http://{}　收到的全部请求：/sandbox/requests", listener.local_addr()?);
    let faults = arguments.fault.clone();
    Sandbox::like(clock, arguments.seed, faults, behaviour).serve(listener, shutdown).await;
    Ok(ExitCode::SUCCESS)
}
