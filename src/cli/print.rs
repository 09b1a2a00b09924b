//! `zoufang print`: badges, the leaflet, contact cards and forms, as pages that a browser prints; as a PDF where there's one at
//! hand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::record::ConfigFile;
use super::report::{Of, check_ending, templates, unwritten};
use super::{shown, wrong_input};
use crate::reports::print::{Photos, Press, Print, to_pdf, write_print};
use crate::reports::{allow, into_file, safe};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 印什么：工作牌、明白纸、联系服务群众卡、走访登记表
    kind: Print,
    #[command(flatten)]
    of: Of,
    /// 工作牌的照片在哪个文件夹（文件名是人员编号，如 Z0001.jpg）
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// 写成 PDF（要有谷歌浏览器一类的程序）；不写则写成网页，用浏览器打印
    #[arg(long)]
    pdf: bool,
    /// 写到哪个文件，不覆盖已有的；不写则按名称放在当前文件夹
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let print = arguments.kind;
    if arguments.photos.is_some() && print != Print::Badges {
        return Err(wrong_input(format!("--photos 只用于「{}」", Print::Badges)));
    }
    let endings: &[&str] = if arguments.pdf { &["pdf"] } else { &["html", "htm"] };
    arguments.output.as_deref().map_or(Ok(()), |to| check_ending(to, endings))?;
    let settings = arguments.config.settings()?;
    let templates = templates(&settings)?;
    let store = arguments.config.open(&settings).await?;
    let (asked, area) = arguments.of.asked(&store).await?;
    arguments.of.remind(&store).await?;
    let press = Press { public_url: settings.notify.public_url, photos: arguments.photos };
    allow(&store, arguments.of.by(), print.code(), &asked).await.map_err(unwritten)?;
    let named = PathBuf::from(format!("{print}-{}.{}", safe(&asked.called(&area)), endings[0]));
    let to = arguments.output.unwrap_or(named);
    let pdf = arguments.pdf;
    let write = async |to: &Path| {
        if !pdf {
            return write_print(&store, print, &asked, (&templates, &press), to).await;
        }
        let folder = crate::private_file::folder_beside(to).map_err(|why| {
            let why = crate::domain::reason::of_system(why.kind()).to_owned();
            crate::reports::ReportError::File { file: shown(to), why }
        })?;
        let page = folder.path().join("page.html");
        let printed = write_print(&store, print, &asked, (&templates, &press), &page).await?;
        to_pdf(&page, to)?;
        Ok(printed)
    };
    let printed = into_file(&to, write).await.map_err(unwritten)?;
    let how = if pdf { "" } else { "；用浏览器打开，按原大打印" };
    say!("已写好 {}：{} 份{how}", shown(&to), printed.count);
    if let Some(photos) = &printed.photos {
        say_photos(photos);
    }
    if print == Print::Cards && !asked.reveals {
        eprintln!(
            "卡上的电话隐去了一部分，群众打不通：要印完整的，请加 --reveal --by 人员编号（记入审计）"
        );
    }
    if print == Print::Cards && press.public_url.is_empty() {
        eprintln!("没有设 notify.public_url（群众用的网址），卡上没有二维码");
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// So many people or files are named.
const NAMED: usize = 20;

/// Who has a photo, and which files were nobody's.
fn say_photos(photos: &Photos) {
    let Photos { used, without, unused } = photos;
    say!("有照片的 {used} 份，没有照片的 {} 份", without.len());
    let more = |all: usize| if all > NAMED { format!("等 {all} 个") } else { String::new() };
    let first: Vec<&str> = without.iter().take(NAMED).map(String::as_str).collect();
    if !first.is_empty() {
        eprintln!("没有照片：{}{}", first.join("、"), more(without.len()));
    }
    let first = unused.iter().take(NAMED).map(|(file, why)| format!("{file}：{why}"));
    let first: Vec<String> = first.collect();
    if !first.is_empty() {
        eprintln!("没有用上的文件：{}{}", first.join("；"), more(unused.len()));
    }
}
