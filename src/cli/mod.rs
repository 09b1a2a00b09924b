//! The command line: one file for each command. Exit code 2 means that what was given is wrong and
//! nothing was changed; 1, that something failed.

/// Writes a line for whoever reads.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!($crate::cli::Reader, $($line)*);
    }};
}

mod account;
mod audit;
mod backup;
mod campaign;
mod campaign_new;
mod check;
mod demo;
mod discipline;
mod doctor;
mod duties;
mod export;
mod failure;
mod figures;
mod handoff;
mod import;
mod inspect;
mod issue;
mod issue_show;
mod key;
mod keys;
mod log_file;
mod logging;
mod manual;
mod mediation;
mod missing;
mod notify;
mod outbox;
mod print;
mod reassign;
mod record;
mod rehearse;
mod report;
mod resident;
mod restore;
mod sandbox;
mod serve;
mod staff;
mod status;
mod subject;
mod table;
mod template;
mod usage;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::people::{self, People};
use crate::clock::Clock;
use crate::db::{Session, StaffMember, Store, StoreError};
use crate::domain::rights::Right;
use crate::private_file::shut_out_others;

#[derive(Debug, Parser)]
#[command(
    name = "zoufang",
    version,
    about = "走访：乡镇联系服务群众大走访的后台服务",
    max_term_width = 100
)]
struct Cli {
    /// 出错时连同技术细节一起显示
    #[arg(long, global = true)]
    details: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// 运行服务
    Serve(serve::Arguments),
    /// 导入区划、人员、对象、安排表（附件2）、走访记录（附件4）等 .xlsx 或 .csv
    Import(import::Arguments),
    /// 导出一种表：csv，可以再导入
    Export(export::Arguments),
    /// 上报材料：附件2、4、5、6、各种台账和总结，任何区划、阶段和日期
    Report(report::Arguments),
    /// 印制工作牌、明白纸、联系服务群众卡和走访登记表
    Print(print::Arguments),
    /// 写一份空表，照着填
    Template(template::Arguments),
    /// 检查配置和它需要的一切，说明哪里不对、怎么改
    Check(check::Arguments),
    /// 显示正在运行的服务的状态
    Status(status::Arguments),
    /// 列出问题，或由专人认定办结、作废、重新办理
    Issue(issue::Arguments),
    /// 查看没有送达的上报和通知，由专人处置下落不明的
    Outbox(outbox::Arguments),
    /// 查看上报交接单（没有接口的平台），或再写一次
    Handoff(handoff::Arguments),
    /// 预览要发的提醒，测试通道，查看找不到的人
    Notify(notify::Arguments),
    /// 方案改期、换梯次或开始新一年活动：先看变化，再使它生效
    Campaign(campaign::Arguments),
    /// 列出全部未完成的任务，或超期的
    Duties(duties::Arguments),
    /// 缺什么、缺谁：按总支、村、户、人和责任人逐项列出
    Missing(missing::Arguments),
    /// 审计：谁改了、看了什么；核对审计记录有没有被动过
    Audit(audit::Arguments),
    /// 按记录重算全部任务，说明哪里不一致
    Doctor(doctor::Arguments),
    /// 备份数据库（服务照常运行），打开核对，并只留最近的几份；演练恢复
    Backup(backup::Arguments),
    /// 用一份备份恢复数据库（先停服务）：原来的另存，已经送出的不会重发
    Restore(restore::Arguments),
    /// 走访率、响应率、解决率、满意率，按村、总支、部门或走访人
    Figures(figures::Arguments),
    /// 违纪反映：只给督导组
    Discipline(discipline::Arguments),
    /// 入户抽查：从走访过的对象里随机抽样，登记抽查和核实结果，记录日常督查
    Inspect(inspect::Arguments),
    /// 矛盾调解：登记调解、协议和回访
    Mediation(mediation::Arguments),
    /// 登记外出和代办人，显示任务日历的订阅地址
    Staff(staff::Arguments),
    /// 查找一个群众，导出或删除其个人信息
    Resident(resident::Arguments),
    /// 给人开通网页登录，或让人退出
    Account(account::Arguments),
    /// 登记走访对象不再走访（迁出、去世、停业、重复），或恢复走访
    Subject(subject::Arguments),
    /// 更换走访对象的走访人（须有批准人和原因）
    Reassign(reassign::Arguments),
    /// 生成个人信息的加密密钥
    Key(key::Arguments),
    /// 更换个人信息的加密密钥
    Keys(keys::Arguments),
    /// 运行一个模拟平台（Open311 GeoReport v2），可以让它出各种故障
    Sandbox(sandbox::Arguments),
    /// 演练：在记录的副本上把自己的活动走到底，看谁会在哪天听到什么、什么会超期；不发给任何人，不改动记录
    Rehearse(rehearse::Arguments),
    /// 演示：几十秒走完一次完整的走访活动
    Demo(demo::Arguments),
    /// 输出命令行的补全脚本，如 zoufang completions bash
    Completions(manual::Completions),
    /// 输出手册页（man）
    Man(manual::Manual),
}

/// On whose word a thing is done, and why: both stand in the audit.
#[derive(Debug, Args)]
struct Approval {
    /// 责任人编号
    #[arg(long)]
    by: String,
    /// 原因
    #[arg(long)]
    reason: String,
}

impl Approval {
    /// Who it is, where they may do it over `area`, and the reason.
    async fn given(
        &self,
        session: &mut Session,
        right: Right,
        area: Option<&str>,
    ) -> anyhow::Result<(StaffMember, &str)> {
        let person = acting(session, &self.by, right, area).await?;
        match self.reason.trim() {
            "" => Err(wrong_input("--reason：请写明原因，会记入审计；什么也没有改")),
            reason => Ok((person, reason)),
        }
    }
}

/// What is personal is shown to whom it's named for, where they may see it; who sees it stands in the audit.
#[derive(Debug, Args)]
struct Reveal {
    /// 连同姓名、联系方式、反映和查到的内容等，不隐去（记入审计）
    #[arg(long, requires = "by")]
    reveal: bool,
    /// 查看人编号
    #[arg(long)]
    by: Option<String>,
}

impl Reveal {
    /// Whether it's shown in clear: asked for by somebody with the right to it over an area. Whoever is named is somebody.
    async fn allow(
        &self,
        store: &Store,
        right: (Right, Option<&str>),
        seen: (&str, &str, serde_json::Value),
    ) -> anyhow::Result<bool> {
        match &self.by {
            Some(by) if self.reveal => reveal(store, by, right, seen).await?,
            _ => self.remind(store).await?,
        }
        Ok(self.reveal)
    }

    /// Says to whoever is named and asks for nothing in clear that neither comes of it.
    async fn remind(&self, store: &Store) -> anyhow::Result<()> {
        if let Some(by) = self.by.as_deref().filter(|_| !self.reveal) {
            let by = person(store, by).await?.signed();
            eprintln!("没有写 --reveal：个人信息没有写出，也不记 {by}");
        }
        Ok(())
    }
}

/// Who it is in whose name a thing is done, where they may do it over `area`; nothing stands for the town.
async fn acting(
    session: &mut Session,
    by: &str,
    right: Right,
    area: Option<&str>,
) -> anyhow::Result<StaffMember> {
    people::acting(session, by, right, area).await.map_err(refused)
}

/// Lets somebody see personal data, where they have the right to it over an area, and writes down who saw what: the act,
/// its object, and more of it.
async fn reveal(
    store: &Store,
    by: &str,
    (right, area): (Right, Option<&str>),
    (act, object, detail): (&str, &str, serde_json::Value),
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let person = acting(&mut tx, by, right, area).await?;
    tx.audit(&person.number, act, object, &detail).await?;
    Ok(tx.commit().await?)
}

/// Writes down who sees or does something: a person who may, where one is named; else whoever runs the command, whom the system
/// knows.
async fn noted(
    store: &Store,
    by: Option<&str>,
    right: (Right, Option<&str>),
    (act, object, detail): (&str, &str, serde_json::Value),
) -> anyhow::Result<()> {
    if let Some(by) = by {
        return reveal(store, by, right, (act, object, detail)).await;
    }
    let mut tx = store.begin().await?;
    tx.audit("operator", act, object, &detail).await?;
    Ok(tx.commit().await?)
}

/// The person whom an option or an argument names.
async fn person(store: &Store, named: &str) -> anyhow::Result<StaffMember> {
    let people = People::new(store.staff().await?);
    people.find_for_command(named).cloned().map_err(wrong_input)
}

/// What the record won't do is wrong input; that it can't be read or written is a failure.
fn refused(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Rule(_) | StoreError::Refused(_) => wrong_input(error),
        failure => failure.into(),
    }
}

/// What was given is wrong, and nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongInput(String);

fn wrong_input(error: impl std::fmt::Display) -> anyhow::Error {
    WrongInput(error.to_string()).into()
}

/// Runs the program.
pub fn main() -> ExitCode {
    shut_out_others();
    let cli = match usage::read(std::env::args_os()) {
        Ok(cli) => cli,
        // What was asked for: help, or the version.
        Err(said) if !said.use_stderr() => {
            say!("{}", usage::shown(&said).trim_end());
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{}", usage::explain(&wrong));
            return ExitCode::from(2);
        }
    };
    let details = cli.details;
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", failure::in_words(&error, details));
            ExitCode::from(if error.is::<WrongInput>() { 2 } else { 1 })
        }
    }
}

/// Whoever reads what a command says. One who stops reading (`| head`) stops nothing else.
struct Reader;

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match io::stdout().flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

#[tokio::main]
async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Import(arguments) => import::run(arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Report(arguments) => report::run(arguments).await,
        Command::Print(arguments) => print::run(arguments).await,
        Command::Template(arguments) => template::run(&arguments),
        Command::Check(arguments) => check::run(arguments).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Issue(arguments) => issue::run(arguments).await,
        Command::Outbox(arguments) => outbox::run(arguments).await,
        Command::Handoff(arguments) => handoff::run(arguments).await,
        Command::Notify(arguments) => notify::run(arguments).await,
        Command::Campaign(arguments) => campaign::run(arguments).await,
        Command::Duties(arguments) => duties::run(arguments).await,
        Command::Missing(arguments) => missing::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Backup(arguments) => backup::run(arguments).await,
        Command::Restore(arguments) => restore::run(arguments).await,
        Command::Figures(arguments) => figures::run(arguments).await,
        Command::Discipline(arguments) => discipline::run(arguments).await,
        Command::Inspect(arguments) => inspect::run(arguments).await,
        Command::Mediation(arguments) => mediation::run(arguments).await,
        Command::Staff(arguments) => staff::run(arguments).await,
        Command::Resident(arguments) => resident::run(arguments).await,
        Command::Account(arguments) => account::run(arguments).await,
        Command::Subject(arguments) => subject::run(arguments).await,
        Command::Reassign(arguments) => reassign::run(arguments).await,
        Command::Key(arguments) => key::run(arguments).await,
        Command::Keys(arguments) => keys::run(arguments).await,
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
        Command::Rehearse(arguments) => rehearse::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Completions(arguments) => Ok(manual::completions(&arguments)),
        Command::Man(arguments) => manual::manual(&arguments),
    }
}

/// Understands an instant or a date and time in the township.
fn read_instant(text: &str) -> Result<jiff::Timestamp, String> {
    let local = |text: &str| {
        text.parse::<jiff::civil::DateTime>().ok().map(|at| Clock::system().instant(at))
    };
    text.parse().ok().or_else(|| local(text)).ok_or_else(|| {
        format!("「{text}」不是时间，应写成 2022-03-01T08:00 或 2022-03-01T08:00:00+08:00")
    })
}

/// What several things are put apart with, whichever keyboard wrote it.
fn comma(text: &str) -> String {
    text.replace(['，', '、', '；', ';'], ",").replace('＝', "=").replace(' ', "")
}

/// Understands how a sandbox misbehaves.
fn read_faults(text: &str) -> Result<crate::sandbox::Faults, String> {
    crate::sandbox::Faults::read(&comma(text)).map_err(|error| error.to_string())
}

/// Understands a day.
fn read_date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| format!("「{text}」不是日期，应写成 2022-03-08"))
}

/// What a person writes, from the standard input, so that it stands in no list of processes and no history of commands.
fn read_text() -> anyhow::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    io::stdin().take(16 << 10).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

/// The same, where something has to be written.
fn required_text() -> anyhow::Result<String> {
    match read_text()? {
        text if text.is_empty() => Err(wrong_input("请从标准输入写明内容")),
        text => Ok(text),
    }
}

/// A file's name for messages.
fn shown(file: &Path) -> String {
    file.display().to_string()
}
