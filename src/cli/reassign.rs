//! `zoufang reassign`: overrides a fixed assignment on a named person's word.

use std::process::ExitCode;

use clap::Args;

use crate::app::assignments::reassign;

use super::{ConfigFile, wrong_input};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 对象编号
    subject: String,
    /// 新走访人的人员编号
    #[arg(long, value_name = "STAFF")]
    to: String,
    /// 批准人
    #[arg(long)]
    by: String,
    /// 原因
    #[arg(long)]
    reason: String,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    let staff = store.staff().await?;
    let Some(person) = staff.iter().find(|person| person.number == arguments.to) else {
        return Err(wrong_input(format!("没有编号「{}」的走访人员", arguments.to)));
    };
    let mut tx = store.begin().await?;
    let Arguments { subject, by, reason, .. } = &arguments;
    reassign(&mut tx, subject, &person.id, by, reason).await.map_err(wrong_input)?;
    tx.commit().await?;
    say!("「{}」改由「{}」走访，已记入审计", arguments.subject, person.name);
    Ok(ExitCode::SUCCESS)
}
