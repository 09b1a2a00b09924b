//! What makes the service's state yellow or red: from what is known of it to findings, each of which says what is wrong,
//! since when, and what to do. Counts and keys only, never a person.

mod finding;
mod lanes;
mod machine;
mod platform;

use std::fmt;

use jiff::civil::DateTime;

use super::audit::Flaw;
use super::duty::DutyKind;
use super::obligations::PlanFile;
use super::reason::in_words;
use super::township::{Vacancy, left_behind, some};
pub use finding::{Finding, Owed, Verdict};
use finding::{minute, red, yellow};
pub use lanes::{Debts, LaneFacts};
use machine::CORRUPT;
pub use machine::{BackupFacts, CertificateFacts, ClockFacts, DiskFacts, Lost, MachineFacts, size};
pub use platform::{Note, PlatformFacts, Unasked};

/// Why the record can't be written or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    DiskFull,
    /// Another program holds the lock.
    Locked,
    ReadOnly,
    /// The database doesn't answer.
    Gone,
    /// What it holds can't be read any more.
    Corrupt,
    /// The disk itself fails.
    Disk,
    /// Anything else, as the database says it.
    Other(String),
}

/// That the record can't be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritable {
    pub fault: Fault,
    /// The last write that went well, or the start of the service, by the real time.
    pub since: DateTime,
    pub seconds: u64,
}

/// All that is known of the service. Times are the township's.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub now: DateTime,
    pub unwritable: Option<Unwritable>,
    pub lanes: Vec<LaneFacts>,
    pub platform: PlatformFacts,
    pub machine: MachineFacts,
    pub failed_jobs: Vec<FailedJob>,
    /// A file on its way in with which nobody goes on.
    pub stalled_import: Option<StalledImport>,
    /// The record was restored from a backup.
    pub restored: Option<RestoredFacts>,
    /// Why what is remembered beside the record can't be written.
    pub memory_trouble: Option<String>,
    /// A key is being replaced, and some of the record is sealed with the one before.
    pub key_is_replaced: bool,
    /// What is wrong with the audit trail.
    pub audit_flaw: Option<Flaw>,
    /// The certificate that the service shows, where it speaks TLS itself.
    pub certificate: Option<OwnCertificateFacts>,
    pub unreachable: i64,
    /// Roles that nobody holds, and where.
    pub vacancies: Vec<Vacancy>,
    /// The areas in which nobody is assigned to some subjects, and how many these are.
    pub unassigned: Vec<(String, i64)>,
    /// Who left and still has subjects, and how many.
    pub left: Vec<(String, i64)>,
    pub plan_file: PlanFile,
    /// Nobody is told of anything before a person has seen how many that would be.
    pub plan_waits: bool,
    /// How many duties of each kind are late.
    pub late: Vec<(DutyKind, i64)>,
    /// The present year, where the calendar lacks its holidays.
    pub year_without_holidays: Option<i16>,
}

/// The certificate that the service shows. Times are real ones.
#[derive(Debug, Clone, Default)]
pub struct OwnCertificateFacts {
    pub now: DateTime,
    /// Nothing where that can't be read.
    pub ends: Option<DateTime>,
    /// Why what its files have now can't be used.
    pub trouble: Option<String>,
}

/// A certificate that ends within so many days is to be renewed.
const RENEWED_BEFORE: i32 = 21;

/// A file on its way in with which nobody goes on.
#[derive(Debug, Clone)]
pub struct StalledImport {
    pub file: String,
    pub rows: i64,
    /// Since when, by the real time.
    pub since: DateTime,
    /// Nothing of it is written yet.
    pub checking: bool,
}

/// That the record was restored.
#[derive(Debug, Clone)]
pub struct RestoredFacts {
    pub at: DateTime,
    /// Until when the backup remembers.
    pub from: DateTime,
    pub unsure: i64,
    /// Whether numbers depend on the order in which its files come in again.
    pub in_order: bool,
    /// Issues that were lost and haven't come in again.
    pub missing: i64,
}

/// A job whose last run failed.
#[derive(Debug, Clone)]
pub struct FailedJob {
    pub title: String,
    pub why: String,
    pub at: Option<DateTime>,
    pub next: DateTime,
}

/// Everything that isn't as it should be, the worst first.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.unwritable.iter().map(unwritable).collect();
    for lane in &facts.lanes {
        findings.extend(lanes::findings(lane, facts.now));
    }
    findings.extend(platform::findings(&facts.platform, &facts.lanes));
    findings.extend(machine::findings(&machine_beside(facts)));
    // Where nothing can be written no job goes well: that's one fault, and it's said above.
    let jobs = facts.failed_jobs.iter().filter(|_| facts.unwritable.is_none());
    findings.extend(jobs.map(failed_job));
    findings.extend(of_record(facts));
    findings.extend(facts.certificate.iter().flat_map(certificate));
    findings.extend(of_campaign(facts));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    findings
}

/// What is said of the machine beside a record that can't be written: not once more what that says.
fn machine_beside(facts: &Facts) -> MachineFacts {
    let mut machine = facts.machine.clone();
    if let Some(Unwritable { fault, .. }) = &facts.unwritable {
        machine.unnoted_jobs.clear();
        if *fault == Fault::Corrupt {
            machine.damage = None;
        }
    }
    machine
}

/// The worst of it.
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Green)
}

fn of_record(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(RestoredFacts { at, from, unsure, in_order, missing }) = &facts.restored {
        let (at, from) = (minute(*at), minute(*from));
        let again = match (in_order, missing) {
            (true, _) => "按当时的先后次序再导入一次（次序不同，编号就不同）".to_owned(),
            (false, 0) => "再导入一次，先后次序不限：每个问题仍用原来的编号".to_owned(),
            (false, missing) => format!(
                "再导入一次，先后次序不限：每个问题仍用原来的编号；还有 {missing} 个登记过的问题没有再导入"
            ),
        };
        findings.push(yellow(format!(
            "数据库在 {at} 发现是从较早的备份恢复的（备份只到 {from}）：{unsure} 件可能在那以后已经送出，程序逐件核实后才发；请把 {from} 以后的文件{again}"
        )));
    }
    if let Some(import) = &facts.stalled_import {
        let StalledImport { file, rows, since, checking } = import;
        let since = minute(*since);
        let how = if *checking {
            "还在核对，什么也没有写入：请再导入一次"
        } else {
            "已写入一部分：服务会自己接着写完，如果十分钟后还在这里，请查看日志"
        };
        findings.push(yellow(format!("「{file}」（{rows} 行）的导入从 {since} 起停住了，{how}")));
    }
    if facts.key_is_replaced {
        findings.push(yellow(
            "正在更换密钥：如果 zoufang keys rotate 没有做完就停了，请再运行一次，它会接着做"
                .to_owned(),
        ));
    }
    if let Some(flaw) = facts.audit_flaw {
        findings.push(red(format!("审计记录与另存的标记对不上，{flaw}")));
    }
    if let Some(why) = &facts.memory_trouble {
        let reason = "运行标记写不进去，恢复备份以后会认不出来：请检查密钥所在目录的权限和空间，或者另设 privacy.memory_file";
        findings.push(yellow(reason.to_owned()).detailed(Some(why.clone())));
    }
    findings
}

fn certificate(of: &OwnCertificateFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(why) = &of.trouble {
        findings.push(yellow(format!(
            "换上的网站证书用不了，仍在用原来那一份（{why}）：请改正文件，改好后十秒内自动换上"
        )));
    }
    let renew = "请换新的证书（http.tls_cert、http.tls_key 写的文件），换好后十秒内自动生效";
    findings.extend(of.ends.and_then(|ends| {
        let at = minute(ends);
        let days = (ends.date() - of.now.date()).get_days();
        if ends <= of.now {
            Some(red(format!("网站证书已在 {at} 到期，平台和群众手机都会拒绝连接：{renew}")))
        } else if days <= RENEWED_BEFORE {
            Some(yellow(format!("网站证书 {at} 到期，还有 {days} 天：{renew}")))
        } else {
            None
        }
    }));
    findings
}

fn unwritable(of: &Unwritable) -> Finding {
    red(of.to_string())
}

fn failed_job(job: &FailedJob) -> Finding {
    let FailedJob { title, why, .. } = job;
    let at = job.at.map(|at| format!("（{}）", minute(at))).unwrap_or_default();
    let next = minute(job.next);
    let why = in_words(why);
    let said = &why.said;
    red(format!(
        "定时任务「{title}」上次失败{at}：{said}。{next} 自动再试；如再失败，请按原因处理或查看日志"
    ))
    .because(why)
}

fn of_campaign(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.unreachable > 0 {
        let count = facts.unreachable;
        findings.push(yellow(format!(
            "有 {count} 人收不到提醒，已转给代办人或上一级：请用 zoufang notify unreachable 查看"
        )));
    }
    findings.extend(facts.vacancies.iter().map(|vacancy| yellow(vacancy.to_string())));
    if !facts.unassigned.is_empty() {
        let total: i64 = facts.unassigned.iter().map(|(_, subjects)| subjects).sum();
        let areas: Vec<String> =
            facts.unassigned.iter().map(|(area, subjects)| format!("{area} {subjects}")).collect();
        findings.push(yellow(format!(
            "有 {total} 个走访对象还没有走访人（{}），补上以前由包村干部或其上一级负责：请把走访安排表补全后导入",
            some(&areas)
        )));
    }
    findings.extend(facts.left.iter().map(|(person, count)| {
        yellow(left_behind(person, *count)).in_public(left_behind("有人", *count))
    }));
    findings.extend(facts.plan_file.cure().map(|text| yellow(text.to_owned())));
    if facts.plan_waits {
        findings.push(yellow(
            "提醒先不发：方案的活动期间已过，又没有人确认过，第一次会把全部超期的任务一下子发给所有人。往年的方案请先用 zoufang campaign new 写今年的；就用这份的，用 zoufang campaign plan 看会提醒多少人，再用 zoufang campaign apply 使它生效"
                .to_owned(),
        ));
    }
    let late: Vec<_> = facts.late.iter().filter(|(_, count)| *count > 0).collect();
    if !late.is_empty() {
        let total: i64 = late.iter().map(|(_, count)| count).sum();
        let kinds: Vec<String> =
            late.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let kinds = kinds.join("，");
        findings.push(yellow(format!(
            "有 {total} 项任务超期（{kinds}）：请用 zoufang duties --late 查看是谁的，督促办理"
        )));
    }
    if let Some(year) = facts.year_without_holidays {
        findings.push(yellow(format!(
            "日历里没有 {year} 年的节假日，暂按周末计算：请设 campaign.calendar_file"
        )));
    }
    findings
}

impl fmt::Display for Unwritable {
    /// What is wrong, since when, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unwritable { fault, since, seconds } = self;
        let since = since.strftime("%Y-%m-%d %H:%M:%S");
        write!(
            f,
            "数据库从 {since} 起写不进去（已 {seconds} 秒）：{fault}。原因消除后几秒内自动恢复，不用重启"
        )
    }
}

impl Fault {
    /// As logs name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Fault::DiskFull => "disk_full",
            Fault::Locked => "locked",
            Fault::ReadOnly => "read_only",
            Fault::Gone => "gone",
            Fault::Corrupt => "corrupt",
            Fault::Disk => "disk",
            Fault::Other(_) => "other",
        }
    }
}

impl fmt::Display for Fault {
    /// What it is, and the cure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::DiskFull => f.write_str("磁盘已满。请在数据库所在的磁盘上腾出空间"),
            Fault::Locked => f.write_str(
                "数据库被占着。请看是否有导入、备份或别的 zoufang 命令在运行，等它结束，或者停掉它",
            ),
            Fault::ReadOnly => f.write_str(
                "数据库是只读的。请检查数据库文件和目录的权限，或者数据库的主备切换是否完成",
            ),
            Fault::Gone => f.write_str(
                "数据库没有回答。请检查数据库服务是否在运行，网络和 database.url 是否正确",
            ),
            Fault::Corrupt => f.write_str(CORRUPT),
            Fault::Disk => f.write_str(
                "磁盘读写出错。请查看系统日志里的磁盘错误，磁盘坏了就换，再用 zoufang restore 恢复最近的备份",
            ),
            Fault::Other(why) => write!(f, "{why}。请检查磁盘和数据库的日志"),
        }
    }
}

#[cfg(test)]
mod tests;
