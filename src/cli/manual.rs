//! `zoufang completions SHELL` and `zoufang man`: made of the command line itself, so that they're never behind it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Reader, shown, usage, wrong_input};
use crate::domain::reason::of_system;
use crate::private_file::{Existing, Readers, write_for};

#[derive(Debug, Args)]
pub struct Completions {
    /// 哪种命令行：bash、zsh、fish、elvish、powershell
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct Manual {
    /// 把每个命令的手册页写进这个文件夹；不写则输出总的一页
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// For the shell's own folder, such as `zoufang completions bash > /etc/bash_completion.d/zoufang`.
pub fn completions(arguments: &Completions) -> ExitCode {
    clap_complete::generate(arguments.shell, &mut usage::command(), "zoufang", &mut Reader);
    ExitCode::SUCCESS
}

/// One page, or one for each command.
pub fn manual(arguments: &Manual) -> anyhow::Result<ExitCode> {
    let mut command = usage::command();
    command.build();
    let Some(folder) = &arguments.dir else {
        page(&command, "zoufang", &mut Reader)?;
        return Ok(ExitCode::SUCCESS);
    };
    let unwritable = |why: std::io::Error| {
        wrong_input(format!("--dir：{} 写不进去：{}", shown(folder), of_system(why.kind())))
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let mut pages = Vec::new();
    collect(&command, "zoufang", &mut pages);
    for (name, text) in &pages {
        let file = folder.join(format!("{name}.1"));
        let written = write_for(&file, text, Existing::Keep, Readers::All);
        written.map_err(|why| wrong_input(format!("--dir：{}：{why}", shown(&file))))?;
    }
    say!("已写好 {} 页：{}（用 man -M 或 man -l 查看）", pages.len(), shown(folder));
    Ok(ExitCode::SUCCESS)
}

/// The page of a command and those of all below it, by name.
fn collect(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let mut text = Vec::new();
    // Writing into memory doesn't fail.
    if page(command, name, &mut text).is_ok() {
        pages.push((name.to_owned(), text));
    }
    for below in command.get_subcommands() {
        collect(below, &format!("{name}-{}", below.get_name()), pages);
    }
}

fn page(command: &Command, name: &str, into: &mut dyn std::io::Write) -> std::io::Result<()> {
    let man = Man::new(command.clone()).title(name).section("1").manual("走访");
    let mut text = Vec::new();
    man.render(&mut text)?;
    into.write_all(headings(&String::from_utf8_lossy(&text)).as_bytes())
}

/// The page's own headings in Chinese.
fn headings(page: &str) -> String {
    let words = [
        (".SH NAME", ".SH 名称"),
        (".SH SYNOPSIS", ".SH 用法"),
        (".SH DESCRIPTION", ".SH 说明"),
        (".SH OPTIONS", ".SH 选项"),
        (".SH SUBCOMMANDS", ".SH 命令"),
        (".SH VERSION", ".SH 版本"),
        ("[default: ", "[默认："),
        ("[possible values: ", "[可以写："),
        ("Possible values:", "可以写："),
        ("May also be specified with the ", "也可以用环境变量 "),
        (" environment variable. ", " 写。"),
    ];
    words.iter().fold(page.to_owned(), |page, (english, chinese)| page.replace(english, chinese))
}
