//! `zoufang restore FILE`: takes a backup back into the record's place, the service being stopped. What is there now is put
//! aside, and nothing that was delivered since is sent again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::record::ConfigFile;
use super::wrong_input;
use crate::backup::BackupError;
use crate::daemon::{AssembleError, RestoreError, TakenBack, made_at, restore};
use crate::db::shown_address;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 备份文件
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let taken = restore(&settings, &arguments.file).await.map_err(in_words)?;
    let TakenBack { manifest, aside, restored, remembered } = taken;
    let database = shown_address(&settings.database.url);
    say!("已恢复到 {database}：{} 做的备份，{} 行", made_at(&manifest), manifest.contents.total());
    match aside {
        Some(aside) => say!("原来的数据库没有删，放在 {aside}：确认没有问题以后再删"),
        None => say!("那里原来没有数据库"),
    }
    say!("备份以后可能已经送出的 {} 件，服务会先到对方核实，不会重发", restored.unsure);
    if !remembered {
        say!(
            "这台机器上没有这个数据库的运行标记（{}）：三十天内新登记的问题也先核实再上报，会慢一些",
            "privacy.memory_file"
        );
    }
    say!(
        "请启动服务（systemctl start zoufang），再把备份以后的文件按当时的先后次序导入一次；状态页会说明还有哪些在核实"
    );
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with what was given, or with the machine.
pub(super) fn in_words(error: impl Into<RestoreError>) -> anyhow::Error {
    match error.into() {
        RestoreError::Backup(BackupError::Store(error)) => error.into(),
        RestoreError::Backup(error) => wrong_input(error),
        RestoreError::Assemble(AssembleError::Store(error)) => error.into(),
        RestoreError::Assemble(error) => wrong_input(error),
    }
}
