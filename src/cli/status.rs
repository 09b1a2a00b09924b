//! `zoufang status`: the running service's status, for a person.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::{Client, StatusCode};
use serde::Serialize;

use super::record::ConfigFile;
use crate::daemon::own_certificate;
use crate::delivery::http;
use crate::domain::health::Verdict;
use crate::seal::Sealer;
use crate::settings::Settings;
use crate::web::status::{Status, Unreadable};
use crate::{tls, web};

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
    let address = format!("{}/status", settings.http.own_address());
    let mut request = client(&settings)?.get(&address);
    // Whoever can read the key reads all of it.
    if let Ok(sealer) = Sealer::from_file(&settings.privacy.key_file) {
        request = request.bearer_auth(web::operators_pass(&sealer));
    }
    let answer = request.send().await;
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

/// One that trusts the service's own certificate, whatever name stands in it: it's reached at this machine's address.
fn client(settings: &Settings) -> anyhow::Result<Client> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let Some(own) = own_certificate(settings)? else {
        return Ok(http::client(PATIENCE, &http::Tls::default())?);
    };
    let tls = tls::only(own.der().context("http.tls_cert：里面没有证书")?)?;
    Ok(Client::builder().no_proxy().timeout(PATIENCE).tls_backend_preconfigured(tls).build()?)
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
