//! `zoufang status`: the running service's status, for a person.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::ConfigFile;
use crate::web::status::{Status, Verdict};

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
    let answer = client.get(&address).send().await.and_then(reqwest::Response::error_for_status);
    let status: Status = answer
        .with_context(|| format!("{address} 没有回答：服务在运行吗？地址在 http.listen"))?
        .json()
        .await?;
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&status)?);
    } else {
        say!("{}", status.to_string().trim_end());
    }
    Ok(if status.verdict == Verdict::Red { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
