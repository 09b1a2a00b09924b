//! `zoufang key FILE`: makes a key, that of personal data or that of backups; never where it would take the place of one that sealed some.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::record::ConfigFile;
use super::{shown, wrong_input};
use crate::clock::Chance;
use crate::db::{Looked, Store, shown_address};
use crate::seal::Sealer;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 密钥文件；已经存在的不会覆盖
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    if let Some(why) = would_replace(&arguments.config, file).await {
        return Err(wrong_input(why));
    }
    let digest = arguments.config.settings().map(|settings| settings.privacy.digest);
    Sealer::make_file(file, digest.unwrap_or_default(), &Chance::system()).map_err(wrong_input)?;
    let lost = match is_for_backups(&arguments.config, file) {
        true => "备份就再也打不开；不要和备份放在一起",
        false => "已存的个人信息就再也打不开",
    };
    say!("已生成 {}（只有本用户能读）。请另存一份到别的地方：丢了它，{lost}。", shown(file));
    Ok(ExitCode::SUCCESS)
}

/// Whether it's the second key.
fn is_for_backups(config: &ConfigFile, file: &Path) -> bool {
    let whole = |file: &Path| std::path::absolute(file).ok();
    config.settings().is_ok_and(|settings| whole(file) == whole(&settings.backup.key_file))
}

/// Whether a new key there would stand in for the one that the record was sealed with. A configuration or a database that
/// can't be read is no reason not to make a key.
async fn would_replace(config: &ConfigFile, file: &Path) -> Option<String> {
    let settings = config.settings().ok()?;
    let whole = |file: &Path| std::path::absolute(file).ok();
    if whole(file) != whole(&settings.privacy.key_file) || file.exists() {
        return None;
    }
    let Looked { key, .. } = Store::look(&settings.database.url).await.ok()?;
    let database = shown_address(&settings.database.url);
    key.map(|key| {
        format!(
            "没有生成：数据库 {database} 里的个人信息已经用指纹 {key} 的密钥加密，新密钥打不开它们。请把另存的那一份放到 {}；要另建一个库，请先换一份配置",
            shown(file)
        )
    })
}
