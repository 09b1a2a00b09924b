//! `zoufang status`: the running service's status, for a person.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::StatusCode;
use serde::Serialize;

use super::record::ConfigFile;
use crate::domain::health::Verdict;
use crate::web::status::{Status, Unreadable};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 原样输出 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let address = format!("http://{}/status", settings.http.listen);
    let client = crate::delivery::http::client(
        Duration::from_secs(10),
        &crate::delivery::http::Tls::default(),
    )?;
    let answer = client.get(&address).send().await;
    let answer = answer.with_context(|| {
        format!(
            "{address} 没有回答：服务在运行吗？地址写在 http.listen（配置：{}）",
            arguments.config.name()
        )
    })?;
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        let unreadable: Unreadable = answer.json().await.with_context(|| not_ours(&address))?;
        show(arguments.json, &unreadable)?;
        return Ok(ExitCode::FAILURE);
    }
    let status: Status = async { answer.error_for_status()?.json().await }
        .await
        .with_context(|| not_ours(&address))?;
    show(arguments.json, &status)?;
    Ok(if status.verdict == Verdict::Red { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn not_ours(address: &str) -> String {
    format!("{address} 的回答看不懂：那里是另一个程序，或另一个版本的服务；请核对 http.listen")
}

fn show(json: bool, status: &(impl Display + Serialize)) -> anyhow::Result<()> {
    if json {
        say!("{}", serde_json::to_string_pretty(status)?);
    } else {
        say!("{}", status.to_string().trim_end());
    }
    Ok(())
}
