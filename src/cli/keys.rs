//! `zoufang keys`: another key in the place of the one that seals personal data, while the service runs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::record::ConfigFile;
use super::{shown, wrong_input};
use crate::app::sealing::{go_by_present_key, seal_anew};
use crate::clock::Chance;
use crate::domain::reason::of_system;
use crate::private_file::{self, Existing};
use crate::seal::{KeyFile, Sealer};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 换一把密钥：服务不用停，全部个人信息用新密钥重新加密；中断了再运行一次就接着做（记入审计）
    Rotate,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Rotate => rotate(&arguments.config).await,
    }
}

async fn rotate(config: &ConfigFile) -> anyhow::Result<ExitCode> {
    let settings = config.settings()?;
    let file = &settings.privacy.key_file;
    let store = config.open(&settings).await?;
    let known = read(file)?;
    if !known.is_being_replaced() {
        write(file, &known.replaced(&Chance::system()))?;
    }
    let sealer = &store.context().sealer;
    sealer.refresh();
    go_by_present_key(&store).await?;
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} 已重新加密 {pos} 行")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let rows = seal_anew(&store, &|rows| bar.inc(rows)).await?;
    bar.finish_and_clear();
    let Some((settled, before)) = read(file)?.settled() else {
        return Err(wrong_input(format!("{} 在这期间被别的命令改过，请再运行一次", shown(file))));
    };
    let kept = beside(file, &Sealer::of(&before).fingerprint());
    if !kept.exists() {
        write(&kept, &before)?;
        let _ = std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600));
    }
    write(file, &settled)?;
    sealer.refresh();
    say!("已换成新密钥（指纹 {}），重新加密 {rows} 行，已记入审计", sealer.fingerprint());
    say!(
        "请把 {} 另存一份到别的地方；多台机器共用数据库的，把它拷到每一台。旧密钥另存在 {}：换密钥以前的备份只有它打得开，那些备份都不要了再删掉它",
        shown(file),
        shown(&kept)
    );
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<KeyFile> {
    let text = std::fs::read_to_string(file).map_err(|why| {
        wrong_input(format!("{} 读不出来：{}", shown(file), of_system(why.kind())))
    })?;
    KeyFile::read(&text).ok_or_else(|| wrong_input(format!("{} 的内容不是密钥", shown(file))))
}

/// Whole or not at all, and its owner's as the key's file is.
fn write(file: &Path, key: &KeyFile) -> anyhow::Result<()> {
    private_file::write(file, key.text().as_bytes(), Existing::Replace)
        .map_err(|why| wrong_input(format!("{}：{why}", shown(file))))
}

/// Where a key stays that another took the place of.
fn beside(file: &Path, fingerprint: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{fingerprint}"));
    PathBuf::from(name)
}
