//! `zoufang backup`: makes a backup beside the running service, opens it again and looks it through; tries one; lists them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::record::ConfigFile;
use super::restore::in_words;
use super::{shown, wrong_input};
use crate::backup::{Kept, all, verify};
use crate::clock::Chance;
use crate::daemon::{Drill, backups, drill, made_at, make_backup, told};
use crate::db::{Standard, Store, shown_address};
use crate::domain::health::size;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 备份放在哪个文件夹；不写则照 backup.folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// 演练：把一份备份恢复到临时的地方，与现在的数据库对照，再删掉
    Drill {
        /// 备份文件；不写则用最近的一份
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 打开一份备份，从头到尾核对
    Verify {
        /// 备份文件；不写则用最近的一份
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// 列出已有的备份
    List,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut settings = arguments.config.settings()?;
    if let Some(folder) = arguments.folder {
        settings.backup.folder = folder;
    }
    match arguments.what {
        None => make(&settings).await,
        Some(What::Drill { file, json }) => {
            let file = given_or_newest(&settings, file)?;
            try_one(&settings, &file, json).await
        }
        Some(What::Verify { file }) => {
            let file = given_or_newest(&settings, file)?;
            let manifest = verify(&backups(&settings), &file).await.map_err(in_words)?;
            let (rows, at) = (manifest.contents.total(), made_at(&manifest));
            say!("{} 完好：{at} 做的，{rows} 行，审计记录接得上", shown(&file));
            Ok(ExitCode::SUCCESS)
        }
        Some(What::List) => list(&settings),
    }
}

async fn make(settings: &Settings) -> anyhow::Result<ExitCode> {
    let looked = Store::look(&settings.database.url).await?;
    if matches!(looked.standard, Standard::Absent | Standard::Empty) {
        let database = shown_address(&settings.database.url);
        return Err(wrong_input(format!("数据库 {database} 里还什么都没有，没有可备份的")));
    }
    let made = make_backup(&backups(settings), &Chance::system()).await.map_err(in_words)?;
    say!("{}", told(&made));
    say!(
        "打开它要用备份密钥 {} 和个人信息密钥 {}：请确认两把都另存了，并且不和备份放在一起",
        shown(&settings.backup.key_file),
        shown(&settings.privacy.key_file)
    );
    Ok(ExitCode::SUCCESS)
}

fn given_or_newest(settings: &Settings, given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given);
    }
    let folder = &settings.backup.folder;
    let newest = all_of(settings)?.pop();
    let newest = newest.ok_or_else(|| {
        wrong_input(format!(
            "{} 里还没有备份：请先用 zoufang backup 做一份，或写明是哪个文件",
            shown(folder)
        ))
    })?;
    Ok(newest.file)
}

fn all_of(settings: &Settings) -> anyhow::Result<Vec<Kept>> {
    let backups = backups(settings);
    let folder = backups.folder().map_err(in_words)?;
    all(folder).map_err(in_words)
}

fn list(settings: &Settings) -> anyhow::Result<ExitCode> {
    for Kept { file, made_at, bytes } in all_of(settings)? {
        let at = made_at.strftime("%Y-%m-%d %H:%M:%S");
        say!("{at}　{}　{}", size(bytes), shown(&file));
    }
    Ok(ExitCode::SUCCESS)
}

async fn try_one(settings: &Settings, file: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let drill = drill(settings, file).await.map_err(in_words)?;
    let Drill { manifest, seconds, wrong, rows_now } = &drill;
    let (rows, at) = (manifest.contents.total(), made_at(manifest));
    let code = if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if as_json {
        let all = json!({
            "file": shown(file), "made_at": at, "rows": rows, "rows_now": rows_now,
            "seconds": seconds, "wrong": wrong,
        });
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(code);
    }
    say!("演练用的备份：{}（{at} 做的，{rows} 行）", shown(file));
    say!("恢复到临时的地方、升级、核对，用了 {seconds:.1} 秒；临时的已删掉，现在的数据库没有动");
    if let Some(now) = rows_now {
        say!("现在的数据库有 {now} 行，比备份{}", more(*now - rows));
    }
    for wrong in wrong {
        say!("✗ {wrong}");
    }
    if wrong.is_empty() {
        say!("✓ 这份备份能用：密钥打得开，审计记录接得上，任务按记录重算一致");
    }
    Ok(code)
}

fn more(rows: i64) -> String {
    match rows {
        0 => "不多不少".to_owned(),
        1.. => format!("多 {rows} 行"),
        _ => format!("少 {} 行（有的表会清理旧记录）", -rows),
    }
}
