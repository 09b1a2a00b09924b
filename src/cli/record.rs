//! The configuration and the record that a command works with: found, opened, and said, so that nobody works with another
//! one than they think.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::usage::command_words;
use super::{logging, shown, wrong_input};
use crate::clock::{Chance, Clock};
use crate::daemon::open_store as open_daemon_store;
use crate::db::{Looked, Standard, Store, shown_address};
use crate::settings::Settings;

/// The name under which a configuration is looked for where none is given.
pub(super) const NAME: &str = "zoufang.toml";
/// Where a package puts it.
const INSTALLED: &str = "/etc/zoufang";

/// The configuration file, as most commands take it.
#[derive(Debug, Args)]
pub(super) struct ConfigFile {
    /// 配置文件；不写则依次找当前文件夹、程序所在文件夹和 /etc/zoufang 里的 zoufang.toml，都没有则用内置的默认值
    #[arg(long, value_name = "FILE", env = "ZOUFANG_CONFIG", global = true)]
    config: Option<PathBuf>,
}

/// Which configuration and which database a command works with.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Used {
    /// Nothing for the built-in defaults.
    pub config: Option<String>,
    pub database: String,
}

/// Where a configuration is looked for, in order.
fn places() -> impl Iterator<Item = PathBuf> {
    let beside = std::env::current_exe().ok();
    let beside = beside.and_then(|program| program.parent().map(Path::to_owned));
    let folders = [Some(PathBuf::from(".")), beside, Some(PathBuf::from(INSTALLED))];
    folders.into_iter().flatten().map(|folder| folder.join(NAME))
}

impl ConfigFile {
    /// The file that is given, or the first that is found.
    pub fn file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| places().find(|file| file.is_file()))
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        let whole = |file: PathBuf| shown(&std::path::absolute(&file).unwrap_or(file));
        self.file().map_or_else(|| format!("没有找到 {NAME}，用内置的默认值"), whole)
    }

    pub fn settings(&self) -> anyhow::Result<Settings> {
        Settings::load(self.file().as_deref()).map_err(wrong_input)
    }

    /// Which configuration and which database this is.
    pub fn used(&self, settings: &Settings) -> Used {
        let whole = |file: PathBuf| shown(&std::path::absolute(&file).unwrap_or(file));
        Used { config: self.file().map(whole), database: shown_address(&settings.database.url) }
    }

    /// The record, for a command that reads it or changes what is in it: there is one already.
    pub async fn store(&self) -> anyhow::Result<Store> {
        self.open(&self.settings()?).await
    }

    /// The same, by settings that were read already.
    pub async fn open(&self, settings: &Settings) -> anyhow::Result<Store> {
        let looked = Store::look(&settings.database.url).await?;
        if matches!(looked.standard, Standard::Absent | Standard::Empty) {
            let database = shown_address(&settings.database.url);
            return Err(wrong_input(format!(
                "数据库 {database} 里还什么都没有（配置：{}）。是不是要用 --config 指定另一份配置？第一次使用请先用 zoufang import 导入，或用 zoufang serve 运行服务",
                self.name()
            )));
        }
        self.open_looked(settings, &looked).await
    }

    /// The record, for a command that begins one where there is none.
    pub async fn open_or_make(&self, settings: &Settings) -> anyhow::Result<Store> {
        let looked = Store::look(&settings.database.url).await?;
        self.open_looked(settings, &looked).await
    }

    async fn open_looked(&self, settings: &Settings, looked: &Looked) -> anyhow::Result<Store> {
        logging::start_command(&settings.log)?;
        let clock = looked.rehearsal.map_or_else(Clock::system, Clock::beside);
        let store = open_daemon_store(settings, clock, Chance::system()).await?;
        let store = store.coming_from(&format!("命令 zoufang {}", command_words()));
        eprintln!("{}", self.said(settings, looked, &store));
        Ok(store)
    }

    /// Which configuration, database and time a command works with.
    fn said(&self, settings: &Settings, looked: &Looked, store: &Store) -> String {
        let new = if looked.standard == Standard::Absent { "（新建）" } else { "" };
        let database = shown_address(&settings.database.url);
        let clock = &store.context().clock;
        let rehearsal = match looked.rehearsal {
            Some(_) => format!(
                "；演练中，现在是 {}（照服务的时钟）",
                clock.local().strftime("%Y-%m-%d %H:%M")
            ),
            None => String::new(),
        };
        format!("配置：{}；数据库：{database}{new}{rehearsal}", self.name())
    }
}
