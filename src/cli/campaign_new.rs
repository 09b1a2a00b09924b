//! `zoufang campaign new`: asks what makes a campaign this one, and writes a plan that says only that.

use std::fmt::Write as _;
use std::io::BufRead;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::{Date, date};

use super::{read_date, shown, wrong_input};
use crate::daemon::load_campaign;
use crate::domain::area::is_area_code;
use crate::domain::campaign::{Campaign, PhaseName, plus};
use crate::private_file::{Existing, Readers, write_for};

#[derive(Debug, Args)]
pub struct Arguments {
    /// 写到哪个文件；已经有的不会覆盖
    #[arg(value_name = "FILE", default_value = "campaign.toml")]
    file: PathBuf,
    /// 活动名称，如 某镇联系服务群众大走访活动
    #[arg(long)]
    name: Option<String>,
    /// 活动代号：字母和数字，问题编号以它开头，如 CHD2023
    #[arg(long)]
    code: Option<String>,
    /// 镇的 12 位区划代码
    #[arg(long)]
    town: Option<String>,
    /// 走访的第一天；后面的阶段照内置方案顺延
    #[arg(long, value_parser = read_date)]
    start: Option<Date>,
    /// 监督电话（可以空着）
    #[arg(long, value_name = "NUMBER")]
    hotline: Option<String>,
}

/// The built-in plan's first day.
const FIRST: Date = date(2022, 3, 1);

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { file, name, code, town, start, hotline } = arguments;
    if file.exists() {
        return Err(wrong_input(format!(
            "{}：已经有这个文件，不会覆盖它；请另写一个文件名",
            shown(&file)
        )));
    }
    let name = asked(name, "活动名称", |text| match text {
        "" => Err("不能空着".to_owned()),
        text => Ok(text.to_owned()),
    })?;
    let code = asked(code, "活动代号（字母和数字，如 CHD2023）", |text| {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        plain.then(|| text.to_owned()).ok_or_else(|| "活动代号只能用字母和数字".to_owned())
    })?;
    let town = asked(town, "镇的 12 位区划代码", |text| {
        is_area_code(text).then(|| text.to_owned()).ok_or_else(|| "区划代码是 12 位数字".to_owned())
    })?;
    let start = match start {
        Some(start) => start,
        None => asked(None, "走访的第一天（如 2023-03-01）", read_date)?,
    };
    let hotline =
        asked(hotline, "监督电话（没有就直接回车）", |text| Ok(text.to_owned()))?;
    let built_in = load_campaign("".as_ref())?;
    let text = written(&built_in, &name, &code, &town, start, &hotline)?;
    write_for(&file, text.as_bytes(), Existing::Keep, Readers::All)
        .map_err(|why| wrong_input(format!("{}：{why}", shown(&file))))?;
    load_campaign(&file).map_err(wrong_input)?;
    let file = shown(&file);
    say!(
        "已写好 {file}：请核对日期。先看它会改变什么、提醒多少人：zoufang campaign plan --file {file}"
    );
    say!("再使它生效：zoufang campaign apply --file {file} --by 人员编号 --reason 原因");
    Ok(())
}

/// What was given, or what is answered; asked again until it can be read.
fn asked<T>(
    given: Option<String>,
    what: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    if let Some(given) = given {
        return read(given.trim()).map_err(|why| wrong_input(format!("{what}：{why}")));
    }
    loop {
        eprint!("{what}：");
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            eprintln!();
            return Err(wrong_input(format!("还没有写明{what}；也可以用选项写明，见 --help")));
        }
        match read(line.trim()) {
            Ok(read) => return Ok(read),
            Err(why) => eprintln!("{why}"),
        }
    }
}

/// The plan's text: what differs, each with what it means.
fn written(
    built_in: &Campaign,
    name: &str,
    code: &str,
    town: &str,
    start: Date,
    hotline: &str,
) -> anyhow::Result<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let moved =
        |day: Date| plus(start, i64::from(day.since(FIRST).map_or(0, |span| span.get_days())));
    let mut text = String::from(
        "# 活动方案。这里没有写的（签收、上报、办结的时限，提醒和督办的梯次等）都照内置方案，\n# 要改哪一项，从 config/campaign.toml 里抄过来再改。\n\n",
    );
    writeln!(text, "# 代号：问题编号以它开头\ncode = {}", quoted(code))?;
    writeln!(text, "name = {}", quoted(name))?;
    writeln!(text, "# 镇的区划代码\ntown = {}", quoted(town))?;
    writeln!(text, "# 工作牌、明白纸、联系服务群众卡制作完成的日期")?;
    writeln!(text, "materials_due_on = \"{}\"", moved(built_in.materials_due_on))?;
    writeln!(text, "# 监督电话：印在联系服务群众卡上\nhotline = {}\n", quoted(hotline))?;
    for phase in PhaseName::ALL {
        let Some(own) = built_in.phases.iter().find(|own| own.name == *phase) else { continue };
        writeln!(text, "# {phase}阶段\n[[phases]]\nname = \"{}\"", phase.code())?;
        writeln!(text, "starts_on = \"{}\"", moved(own.starts_on))?;
        writeln!(text, "ends_on = \"{}\"\n", moved(own.ends_on))?;
    }
    writeln!(
        text,
        "# 哪个镇直部门负责哪类问题，写它的工作单位，如 living_environment = \"城建办\"\n[departments]"
    )?;
    Ok(text)
}
