//! `zoufang report`: what is handed in, as workbooks and documents, for any area, phase and day; or all of it in a folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::civil::Date;
use serde_json::json;

use super::record::ConfigFile;
use super::{Reveal, acting, read_date, refused, shown, wrong_input};
use crate::db::Store;
use crate::domain::area::{AreaKind, OWN};
use crate::domain::campaign::PhaseName;
use crate::domain::rights::Right;
use crate::reports::print::Press;
use crate::reports::{
    Asked, Document, ReportError, Table, Templates, allow, into_file, safe, write_all,
    write_document, write_table,
};
use crate::settings::Settings;

/// For which area and day, and who may see names.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// 只要这个镇、总支或村的（名称或代码）；写「某镇直属」，只要不在哪个村的（学校、医院、机关等）
    #[arg(long)]
    area: Option<String>,
    /// 截至哪一天；不写则截至今天
    #[arg(long, value_parser = read_date)]
    on: Option<Date>,
    /// 截至哪个阶段的最后一天（没到的截至今天）：走访排查、问题分类、集中办结、回访反馈
    #[arg(long, conflicts_with = "on")]
    phase: Option<PhaseName>,
    #[command(flatten)]
    reveal: Reveal,
}

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 哪一种，如 附件2、附件6、整改台账、工作开展情况总结；不写则全部写进一个文件夹
    #[arg(value_parser = Kind::read)]
    kind: Option<Kind>,
    #[command(flatten)]
    of: Of,
    /// 镇直部门的问题解决情况：哪个单位
    #[arg(long, conflicts_with = "area")]
    unit: Option<String>,
    /// 写到哪个文件（全部的，写到哪个文件夹），不覆盖已有的；不写则按名称放在当前文件夹
    #[arg(long, short = 'o', value_name = "OUTPUT")]
    output: Option<PathBuf>,
}

/// A table or a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table(Table),
    Document(Document),
}

impl Kind {
    fn read(text: &str) -> Result<Kind, String> {
        let table = Table::read(text).map(Kind::Table);
        let found = table.or_else(|| Document::read(text).map(Kind::Document));
        found.ok_or_else(|| format!("应为：{}、{}", Table::choices(), Document::choices()))
    }

    const fn chinese(self) -> &'static str {
        match self {
            Kind::Table(table) => table.chinese(),
            Kind::Document(document) => document.chinese(),
        }
    }

    /// How the names of its files end.
    const fn ending(self) -> &'static str {
        match self {
            Kind::Table(_) => "xlsx",
            Kind::Document(_) => "docx",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Kind::Table(table) => table.code(),
            Kind::Document(document) => document.code(),
        }
    }
}

impl Of {
    /// What is asked for, with the area's name.
    pub async fn asked(&self, store: &Store) -> anyhow::Result<(Asked, String)> {
        let tree = store.area_tree().await?;
        let named = self.area.as_deref().unwrap_or(&store.campaign().town).to_owned();
        let found = tree.find_part(&named);
        let found =
            if self.area.is_some() { Some(found.map_err(wrong_input)?) } else { found.ok() };
        let own = found.is_some_and(|(_, own)| own);
        let name = found.map(|(area, _)| area.name.clone()).unwrap_or_default();
        let area = found.filter(|_| self.area.is_some()).map(|(area, _)| area.id.clone());
        let (on, phase, reveals) = (self.on, self.phase, self.reveal.reveal);
        let asked = Asked { area, own, on, phase, reveals, unit: None };
        let (day, today) = (asked.day(store), store.context().clock.today());
        if self.on.is_some_and(|on| on > today) {
            return Err(wrong_input(format!("--on {day} 还没到，最晚写 {today}")));
        }
        if let Some(why) = asked.of_earlier(store) {
            return Err(wrong_input(format!("--on {why}")));
        }
        Ok((asked, name))
    }

    /// Says where somebody is named for nothing.
    pub async fn remind(&self, store: &Store) -> anyhow::Result<()> {
        self.reveal.remind(store).await
    }

    pub fn by(&self) -> Option<&str> {
        self.reveal.by.as_deref()
    }
}

/// Refuses a name that says that something else is in the file.
pub(super) fn check_ending(to: &Path, endings: &[&str]) -> anyhow::Result<()> {
    let ending = to.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if endings.contains(&ending.as_str()) {
        return Ok(());
    }
    let (named, wanted) = (shown(to), endings.first().copied().unwrap_or_default());
    Err(wrong_input(format!("{named}：文件名要以 .{wanted} 结尾，写出来的是这种文件")))
}

/// What can't be written so is wrong input.
pub(super) fn unwritten(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::Store(error) => refused(error),
        ReportError::Workbook(_) => error.into(),
        other => wrong_input(other),
    }
}

/// The templates of what is handed in and out, with the operator's over them.
pub(super) fn templates(settings: &Settings) -> anyhow::Result<Templates> {
    Templates::read(&settings.reports.templates).map_err(wrong_input)
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let (Some(kind), Some(to)) = (arguments.kind, &arguments.output) {
        check_ending(to, &[kind.ending()])?;
    }
    let settings = arguments.config.settings()?;
    let templates = templates(&settings)?;
    let store = arguments.config.open(&settings).await?;
    let (mut asked, area) = arguments.of.asked(&store).await?;
    asked.unit.clone_from(&arguments.unit);
    check_unit(&store, arguments.kind, &asked)?;
    if let Some(kind) = arguments.kind {
        check(&store, kind, &mut asked).await?;
    }
    let whose = arguments.unit.clone().unwrap_or_else(|| asked.called(&area));
    if let Some(kind) = arguments.kind {
        if kind == Kind::Table(Table::Discipline) {
            read_breaches(&store, arguments.of.by()).await?;
        } else {
            arguments.of.remind(&store).await?;
        }
        allow(&store, arguments.of.by(), kind.code(), &asked).await.map_err(unwritten)?;
        let named = named(&store, kind, &asked, &whose);
        let to = arguments.output.unwrap_or(named);
        one(&store, kind, &asked, &templates, &to).await?;
    } else {
        let folder = format!("上报材料-{}-{}", safe(&whose), asked.day(&store));
        let folder = arguments.output.unwrap_or_else(|| PathBuf::from(folder));
        let press = Press { public_url: settings.notify.public_url.clone(), photos: None };
        allow(&store, arguments.of.by(), "all", &asked).await.map_err(unwritten)?;
        let inspects = inspects(&store, arguments.of.by()).await?;
        if inspects {
            read_breaches(&store, arguments.of.by()).await?;
        }
        let with = (&templates, &press);
        let written = write_all(&store, &asked, with, &folder, inspects).await;
        let written = written.map_err(unwritten)?;
        say!("已写好 {} 个文件：{}", written.len(), shown(&folder));
        if !inspects {
            eprintln!(
                "{}只给督导组人员，没有写；要写请用 --by 写明督导组人员编号",
                Table::Discipline
            );
        }
    }
    remark(&store, arguments.kind, &asked);
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What a file is called where nobody says it.
fn named(store: &Store, kind: Kind, asked: &Asked, whose: &str) -> PathBuf {
    let (day, ending) = (asked.day(store), kind.ending());
    PathBuf::from(format!("{}-{}-{day}.{ending}", kind.chinese(), safe(whose)))
}

async fn one(
    store: &Store,
    kind: Kind,
    asked: &Asked,
    templates: &Templates,
    to: &Path,
) -> anyhow::Result<()> {
    match kind {
        Kind::Table(table) => {
            let write = async |to: &Path| write_table(store, table, asked, to).await;
            let rows = into_file(to, write).await.map_err(unwritten)?;
            say!("已写好 {}：{rows} 行", shown(to));
        }
        Kind::Document(document) => {
            let write =
                async |to: &Path| write_document(store, document, asked, templates, to).await;
            into_file(to, write).await.map_err(unwritten)?;
            say!("已写好 {}：黄底的【】由人填写", shown(to));
        }
    }
    Ok(())
}

/// Whether there's such a unit, and something of a unit's is asked for: of all of it at once, and of documents, only one is.
fn check_unit(store: &Store, kind: Option<Kind>, asked: &Asked) -> anyhow::Result<()> {
    let Some(unit) = &asked.unit else { return Ok(()) };
    let plan = store.campaign();
    let units: std::collections::BTreeSet<&str> =
        plan.departments.values().map(String::as_str).collect();
    if !units.contains(unit.as_str()) {
        let all = units.into_iter().collect::<Vec<_>>().join("、");
        let all = if all.is_empty() { "方案里一个也没有写".to_owned() } else { all };
        let text = format!("--unit {unit}：没有这个单位，应为方案里承办问题的单位（{all}）");
        return Err(wrong_input(text));
    }
    match kind {
        Some(Kind::Table(_) | Kind::Document(Document::UnitReport)) => Ok(()),
        Some(Kind::Document(_)) | None => Err(wrong_input(format!(
            "--unit {unit}：总结里只有「{}」按单位写，请写明是哪一种",
            Document::UnitReport
        ))),
    }
}

/// Whether a document can be written of what is asked for; of an area that isn't a village a report is of what is its own.
async fn check(store: &Store, kind: Kind, asked: &mut Asked) -> anyhow::Result<()> {
    let Kind::Document(document) = kind else { return Ok(()) };
    if asked.unit.is_some() {
        return Ok(());
    }
    let tree = store.area_tree().await?;
    let of = asked.area.as_deref().and_then(|area| tree.get(area));
    let own = of.and_then(|area| document.is_of(area.kind));
    if let Some((area, false)) = of.zip(own).filter(|_| asked.own) {
        let kind = area.kind;
        let text = format!("「{document}」是整个{kind}的：请在 --area 里去掉「{OWN}」");
        return Err(wrong_input(text));
    }
    if document == Document::TownSummary {
        return Ok(());
    }
    let Some(own) = own else {
        let wanted = match document {
            Document::BranchSummary => AreaKind::Branch,
            _ => AreaKind::Village,
        };
        let unit = match document {
            Document::UnitReport => "（镇直属的写镇名），或用 --unit 写明镇直部门",
            _ => "",
        };
        let text = format!("「{document}」请用 --area 写明是哪个{wanted}{unit}");
        return Err(wrong_input(text));
    };
    asked.own |= own;
    Ok(())
}

/// Reports of a breach are the inspection group's: lets one of them see these, and writes down who.
async fn read_breaches(store: &Store, by: Option<&str>) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let person = acting(&mut tx, by.unwrap_or_default(), Right::Inspect, None).await?;
    tx.audit(&person.number, "read_breaches", "breaches", &json!({})).await?;
    Ok(tx.commit().await?)
}

/// Whether this person may see what only the inspection group does.
async fn inspects(store: &Store, by: Option<&str>) -> anyhow::Result<bool> {
    let Some(by) = by else { return Ok(false) };
    Ok(Right::Inspect.is_held_by(&super::person(store, by).await?))
}

/// What can't be told of an earlier day.
fn remark(store: &Store, kind: Option<Kind>, asked: &Asked) {
    let today = store.context().clock.today();
    let now = [Table::Arrangement, Table::Missing];
    let of_now = match kind {
        Some(Kind::Table(table)) => now.contains(&table),
        Some(Kind::Document(_)) => false,
        None => true,
    };
    if of_now && asked.day(store) < today {
        eprintln!("走访人员的安排和缺项清单按现在的记录写，不是 {} 的", asked.day(store));
    }
}
