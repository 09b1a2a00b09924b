//! `zoufang reassign`: overrides a fixed assignment on a named person's word.

use std::process::ExitCode;

use clap::Args;

use crate::app::assignments::reassign_all;

use super::record::ConfigFile;
use super::{Approval, person, refused};
use crate::app::subjects::area_of_known;
use crate::domain::rights::Right;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 对象编号，可以写几个
    #[arg(required = true)]
    subjects: Vec<String>,
    /// 新走访人的人员编号
    #[arg(long, value_name = "STAFF")]
    to: String,
    #[command(flatten)]
    approval: Approval,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    let visitor = person(&store, &arguments.to).await?;
    let mut tx = store.begin().await?;
    let Arguments { subjects, approval, .. } = &arguments;
    let numbers: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let mut given = None;
    for number in &numbers {
        let area = area_of_known(&mut tx, number).await.map_err(refused)?;
        given = Some(approval.given(&mut tx, Right::Reassign, Some(&area)).await?);
    }
    if let Some((by, reason)) = given {
        let done = reassign_all(&mut tx, &numbers, &visitor.id, &by.number, reason).await;
        done.map_err(refused)?;
        tx.commit().await?;
        say!("「{}」改由「{}」走访，已记入审计", numbers.join("、"), visitor.name);
    }
    Ok(ExitCode::SUCCESS)
}
