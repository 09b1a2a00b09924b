//! `zoufang template KIND`: the empty workbook of a kind, to be filled in.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{shown, wrong_input};
use crate::intake::{Kind, template, template_name};
use crate::private_file::{self, Existing};

#[derive(Debug, Args)]
pub struct Arguments {
    /// 哪种表，如 走访对象表、附件4、visits
    #[arg(value_parser = super::export::kind_named)]
    kind: Kind,
    /// 写到哪个文件；不写则用表名，放在当前文件夹
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let kind = arguments.kind;
    let file = arguments.output.clone().unwrap_or_else(|| PathBuf::from(template_name(kind)));
    let bytes = template(kind).map_err(|why| anyhow::anyhow!("空表做不出来：{why}"))?;
    // What somebody has filled in is never written over.
    private_file::write(&file, &bytes, Existing::Keep)
        .map_err(|why| wrong_input(format!("{}：{why}", shown(&file))))?;
    say!("已写好 {}：照「填表说明」填第一张表，再用 zoufang import 导入", shown(&file));
    Ok(ExitCode::SUCCESS)
}
