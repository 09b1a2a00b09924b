//! `zoufang key FILE`: makes the key that seals personal data.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{shown, wrong_input};
use crate::clock::Chance;
use crate::seal::Sealer;

#[derive(Debug, Args)]
pub struct Arguments {
    /// 密钥文件；已经存在的不会覆盖
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    Sealer::make_file(&arguments.file, &Chance::system()).map_err(wrong_input)?;
    say!(
        "已生成 {}（只有本用户能读）。请另存一份到别的地方：丢了它，已存的个人信息就再也打不开。",
        shown(&arguments.file)
    );
    Ok(ExitCode::SUCCESS)
}
