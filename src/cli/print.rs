//! `zoufang print`: badges, the leaflet, contact cards and forms, as pages that a browser prints; as a PDF where there's one at
//! hand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::record::ConfigFile;
use super::report::{Of, templates, unwritten};
use super::shown;
use crate::reports::print::{Press, Print, to_pdf, write_print};
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
    let settings = arguments.config.settings()?;
    let templates = templates(&settings)?;
    let store = arguments.config.open(&settings).await?;
    let (asked, area) = arguments.of.asked(&store).await?;
    arguments.of.remind(&store).await?;
    let print = arguments.kind;
    let press = Press { public_url: settings.notify.public_url, photos: arguments.photos };
    allow(&store, arguments.of.by(), print.code(), &asked).await.map_err(unwritten)?;
    let ending = if arguments.pdf { "pdf" } else { "html" };
    let named = PathBuf::from(format!("{print}-{}.{ending}", safe(&asked.called(&area))));
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
        let count = write_print(&store, print, &asked, (&templates, &press), &page).await?;
        to_pdf(&page, to)?;
        Ok(count)
    };
    let count = into_file(&to, write).await.map_err(unwritten)?;
    say!(
        "已写好 {}：{count} 份{}",
        shown(&to),
        if pdf { "" } else { "；用浏览器打开，按原大打印" }
    );
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
