//! What makes the service's state yellow or red: from what is known of it to findings, each of which says what is wrong,
//! since when, and what to do. Counts and keys only, never a person.

use std::fmt;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::duty::DutyKind;

/// Whether somebody must do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Green,
    Yellow,
    Red,
}

/// Something that isn't as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub reason: String,
}

/// Why the record can't be written or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    DiskFull,
    /// Another program holds the lock.
    Locked,
    ReadOnly,
    /// The database doesn't answer.
    Gone,
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
    /// The lane to a platform that isn't configured; none where there is one.
    pub missing_platform: Option<String>,
    /// Configured services that the platform doesn't have, each with what to do.
    pub service_gaps: Vec<String>,
    pub failed_jobs: Vec<FailedJob>,
    /// Words of the platform's that configuration doesn't know, and how often each came.
    pub unknown_words: Vec<(String, i64)>,
    pub closed_without_answer: i64,
    pub unreachable: i64,
    pub plan_differs: bool,
    /// How many duties of each kind are late.
    pub late: Vec<(DutyKind, i64)>,
    /// The present year, where the calendar lacks its holidays.
    pub year_without_holidays: Option<i16>,
}

/// What is known of one lane of the outbox.
#[derive(Debug, Clone, Default)]
pub struct LaneFacts {
    pub name: String,
    pub queued: i64,
    /// Owed for longer than the limit, and still tried.
    pub stuck: i64,
    pub oldest: Option<Owed>,
    /// Whether they arrived isn't known, and only a person can find out.
    pub held: i64,
    pub oldest_held: Option<Owed>,
    /// Tried again and again in vain while the receiver takes others, and why the oldest failed.
    pub failing: i64,
    pub oldest_failing: Option<(Owed, String)>,
    /// Sent without an answer, and being looked for.
    pub unknown: i64,
    /// The one that is looked for the longest, and what came of it last.
    pub oldest_unknown: Option<(Owed, String)>,
    pub last_good_contact: Option<DateTime>,
    /// Why the last contact failed, and when.
    pub failure: Option<(String, Option<DateTime>)>,
    /// The circuit breaker is open until then.
    pub paused_until: Option<DateTime>,
}

/// A debt, by the key that commands take, and since when it is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub key: String,
    pub since: DateTime,
}

/// A job whose last run failed.
#[derive(Debug, Clone)]
pub struct FailedJob {
    pub title: String,
    pub why: String,
    pub at: Option<DateTime>,
    pub next: DateTime,
}

/// For how long a lane may go without a good contact before a failure is an alarm.
const SILENT_HOURS: i64 = 1;

/// Everything that isn't as it should be, the worst first.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.unwritable.iter().map(unwritable).collect();
    for lane in &facts.lanes {
        findings.extend(of_lane(lane, facts.now));
    }
    findings.extend(of_platform(facts));
    findings.extend(facts.failed_jobs.iter().map(failed_job));
    findings.extend(of_campaign(facts));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    findings
}

/// The worst of it.
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Green)
}

fn red(reason: String) -> Finding {
    Finding { verdict: Verdict::Red, reason }
}

fn yellow(reason: String) -> Finding {
    Finding { verdict: Verdict::Yellow, reason }
}

fn unwritable(of: &Unwritable) -> Finding {
    red(of.to_string())
}

fn of_lane(lane: &LaneFacts, now: DateTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &lane.name;
    if lane.stuck > 0 {
        let (count, oldest) = (lane.stuck, oldest(lane.oldest.as_ref()));
        findings.push(red(format!(
            "{name}：{count} 件积压超过时限{oldest}，仍在重试：请用 zoufang outbox list --lane {name} 查看原因，与对方联系"
        )));
    }
    if lane.held > 0 {
        let (count, oldest) = (lane.held, oldest(lane.oldest_held.as_ref()));
        findings.push(red(format!(
            "{name}：{count} 件下落不明，等人处理{oldest}：请到对方核实是否收到，再用 zoufang outbox list --state held 查看并处置"
        )));
    }
    if let Some(until) = lane.paused_until {
        let (since, until) = (since(lane.last_good_contact), minute(until));
        findings.push(yellow(format!(
            "{name}：连续失败，{since}，暂停发送到 {until}，到时自动再试：如一直这样，请与对方联系"
        )));
    }
    if let Some((why, at)) = &lane.failure {
        let at = at.map(|at| format!("（{}）", minute(at))).unwrap_or_default();
        let good = lane.last_good_contact;
        let silent = good.is_none_or(|good| now.duration_since(good).as_hours() >= SILENT_HOURS);
        let reason = format!("{name}：最近一次联系不成功{at}，{}：{why}", since(good));
        findings.push(if silent {
            red(format!("{reason}。请检查网络、地址和密钥，或与对方联系"))
        } else {
            yellow(format!("{reason}。程序会自动再试"))
        });
    }
    // Where the lane as a whole fails, that is said already.
    if let (Some((owed, why)), None, None) =
        (&lane.oldest_failing, &lane.failure, lane.paused_until)
    {
        let (count, oldest) = (lane.failing, oldest(Some(owed)));
        findings.push(yellow(format!(
            "{name}：{count} 件一再发不出去{oldest}：{why}。其他的照常发送，这几件仍在重试：请用 zoufang outbox list --lane {name} 查看，与对方联系"
        )));
    }
    if lane.unknown > 0 {
        let count = lane.unknown;
        let longest = lane
            .oldest_unknown
            .as_ref()
            .map(|(owed, why)| format!("{}（最近一次：{why}）", oldest(Some(owed))));
        let longest = longest.unwrap_or_default();
        findings.push(yellow(format!(
            "{name}：{count} 件发出后没有回音，程序正在核实是否送达，暂时不用处理{longest}"
        )));
    }
    findings
}

fn of_platform(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(missing) = &facts.missing_platform {
        let waiting = facts.lanes.iter().find(|lane| lane.name == *missing && lane.queued > 0);
        findings.extend(waiting.map(|lane| {
            let (count, oldest) = (lane.queued, oldest(lane.oldest.as_ref()));
            red(format!(
                "有 {count} 个问题等待上报{oldest}，但没有配置平台：请设 platform.adapter 和 platform.endpoint"
            ))
        }));
    }
    findings.extend(facts.service_gaps.iter().cloned().map(red));
    findings.extend(facts.unknown_words.iter().map(|(word, count)| {
        yellow(format!("平台的状态「{word}」不认识（{count} 次）：请加进 platform.statuses"))
    }));
    if facts.closed_without_answer > 0 {
        let count = facts.closed_without_answer;
        findings.push(yellow(format!(
            "平台办结却没有答复的有 {count} 件，暂不算办结：请向平台催要答复"
        )));
    }
    findings
}

fn failed_job(job: &FailedJob) -> Finding {
    let FailedJob { title, why, .. } = job;
    let at = job.at.map(|at| format!("（{}）", minute(at))).unwrap_or_default();
    let next = minute(job.next);
    red(format!(
        "定时任务「{title}」上次失败{at}：{why}。{next} 自动再试；如再失败，请按原因处理或查看日志"
    ))
}

fn of_campaign(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.unreachable > 0 {
        let count = facts.unreachable;
        findings.push(yellow(format!(
            "有 {count} 人收不到提醒，已转给代办人或上一级：请用 zoufang notify unreachable 查看"
        )));
    }
    if facts.plan_differs {
        findings.push(yellow(
            "方案文件与生效的方案不同：请用 zoufang campaign plan 查看变化，用 zoufang campaign apply 使它生效"
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

/// The oldest of several, as a reason names it.
fn oldest(owed: Option<&Owed>) -> String {
    let shown = |owed: &Owed| format!("（最早的是 {}，{} 起）", owed.key, minute(owed.since));
    owed.map(shown).unwrap_or_default()
}

fn since(good: Option<DateTime>) -> String {
    good.map_or_else(|| "还没有成功过".to_owned(), |good| format!("上次成功是 {}", minute(good)))
}

fn minute(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
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
            Fault::Other(why) => write!(f, "{why}。请检查磁盘和数据库的日志"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(hour: i8) -> DateTime {
        date(2022, 4, 20).at(hour, 5, 0, 0)
    }

    fn lane(change: impl FnOnce(&mut LaneFacts)) -> Facts {
        let mut lane = LaneFacts { name: "ehushanying".to_owned(), ..LaneFacts::default() };
        change(&mut lane);
        Facts { now: at(12), lanes: vec![lane], ..Facts::default() }
    }

    /// The verdict of the only finding, after a look at its words.
    fn only(facts: &Facts, words: &[&str]) -> Verdict {
        let findings = judge(facts);
        let [Finding { verdict, reason }] = findings.as_slice() else {
            panic!("{findings:?}");
        };
        for word in words {
            assert!(reason.contains(word), "{word}: {reason}");
        }
        *verdict
    }

    #[test]
    fn what_fails_again_and_again_while_others_arrive_is_named() {
        let failing = |more: &mut dyn FnMut(&mut LaneFacts)| {
            lane(|lane| {
                lane.failing = 1;
                let owed = Owed { key: "referral:CHD2022-000002-R1".to_owned(), since: at(9) };
                lane.oldest_failing = Some((owed, "HTTP 403".to_owned()));
                more(lane);
            })
        };
        let words = ["1 件一再发不出去", "referral:CHD2022-000002-R1", "HTTP 403", "照常发送"];
        assert_eq!(only(&failing(&mut |_| ()), &words), Verdict::Yellow);
        // One outage is one reason.
        let outage = failing(&mut |lane| lane.failure = Some(("断开".to_owned(), None)));
        assert!(matches!(only(&outage, &["断开"]), Verdict::Red));
    }

    #[test]
    fn nothing_wrong_is_green() {
        let facts = lane(|lane| {
            lane.queued = 7;
            lane.last_good_contact = Some(at(1));
        });
        assert_eq!(judge(&facts), []);
        assert_eq!(verdict(&judge(&facts)), Verdict::Green);
    }

    #[test]
    fn a_record_that_cant_be_written_is_red_with_the_cure_of_each_fault() {
        for (fault, cure) in [
            (Fault::DiskFull, "腾出空间"),
            (Fault::Locked, "等它结束"),
            (Fault::ReadOnly, "权限"),
            (Fault::Gone, "数据库服务是否在运行"),
            (Fault::Other("第三扇区坏了".to_owned()), "第三扇区坏了"),
        ] {
            let unwritable = Some(Unwritable { fault, since: at(9), seconds: 42 });
            let facts = Facts { now: at(12), unwritable, ..Facts::default() };
            let words = ["2022-04-20 09:05:00", "42 秒", cure, "自动恢复"];
            assert_eq!(only(&facts, &words), Verdict::Red);
        }
    }

    #[test]
    fn what_is_stuck_or_held_is_red_and_named() {
        let owed = |key: &str| Some(Owed { key: key.to_owned(), since: at(8) });
        let facts = lane(|lane| {
            (lane.stuck, lane.oldest) = (3, owed("referral:CHD2022-0001-R1"));
        });
        let words = [
            "ehushanying：3 件积压",
            "referral:CHD2022-0001-R1，2022-04-20 08:05 起",
            "outbox list",
        ];
        assert_eq!(only(&facts, &words), Verdict::Red);
        let facts = lane(|lane| {
            (lane.held, lane.oldest_held) = (1, owed("referral:CHD2022-0002-R1"));
        });
        let words = ["1 件下落不明", "referral:CHD2022-0002-R1", "--state held"];
        assert_eq!(only(&facts, &words), Verdict::Red);
    }

    #[test]
    fn a_failed_contact_is_red_once_the_last_good_one_is_an_hour_old() {
        let failed = |good: Option<DateTime>| {
            lane(|lane| {
                lane.last_good_contact = good;
                lane.failure = Some(("503".to_owned(), Some(at(11))));
            })
        };
        assert_eq!(
            only(&failed(Some(date(2022, 4, 20).at(11, 6, 0, 0))), &["503", "11:05", "11:06"]),
            Verdict::Yellow
        );
        assert_eq!(only(&failed(Some(at(11))), &["请检查网络"]), Verdict::Red);
        assert_eq!(only(&failed(None), &["还没有成功过"]), Verdict::Red);
    }

    #[test]
    fn a_pause_and_a_look_up_are_yellow() {
        let paused = lane(|lane| lane.paused_until = Some(at(13)));
        assert_eq!(only(&paused, &["暂停发送到 2022-04-20 13:05"]), Verdict::Yellow);
        let unknown = lane(|lane| lane.unknown = 2);
        assert_eq!(only(&unknown, &["2 件发出后没有回音"]), Verdict::Yellow);
    }

    #[test]
    fn what_waits_for_a_platform_that_isnt_there_is_red() {
        let mut facts = lane(|lane| lane.queued = 4);
        facts.missing_platform = Some("ehushanying".to_owned());
        assert_eq!(only(&facts, &["有 4 个问题等待上报", "platform.adapter"]), Verdict::Red);
        facts.lanes[0].queued = 0;
        assert_eq!(judge(&facts), []);
    }

    #[test]
    fn a_missing_service_and_a_failed_job_are_red() {
        let gaps = Facts { service_gaps: vec!["没有代码 7".to_owned()], ..Facts::default() };
        assert_eq!(only(&gaps, &["没有代码 7"]), Verdict::Red);
        let job = FailedJob {
            title: "到期提醒".to_owned(),
            why: "断了".to_owned(),
            at: Some(at(8)),
            next: at(9),
        };
        let jobs = Facts { failed_jobs: vec![job], ..Facts::default() };
        let words = ["「到期提醒」", "08:05", "断了", "09:05 自动再试"];
        assert_eq!(only(&jobs, &words), Verdict::Red);
    }

    #[test]
    fn what_can_wait_is_yellow() {
        let none = Facts::default();
        for (facts, words) in [
            (
                Facts { unknown_words: vec![("转办".to_owned(), 5)], ..none.clone() },
                ["「转办」不认识（5 次）", "platform.statuses"],
            ),
            (Facts { closed_without_answer: 2, ..none.clone() }, ["有 2 件", "催要答复"]),
            (Facts { unreachable: 3, ..none.clone() }, ["有 3 人", "notify unreachable"]),
            (Facts { plan_differs: true, ..none.clone() }, ["campaign plan", "campaign apply"]),
            (
                Facts { late: vec![(DutyKind::Visit, 2), (DutyKind::Revisit, 0)], ..none.clone() },
                ["有 2 项任务超期（入户走访 2）", "duties --late"],
            ),
            (
                Facts { year_without_holidays: Some(2030), ..none },
                ["2030 年", "campaign.calendar_file"],
            ),
        ] {
            assert_eq!(only(&facts, &words), Verdict::Yellow);
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let mut facts = lane(|lane| (lane.unknown, lane.stuck) = (1, 1));
        facts.unreachable = 1;
        let verdicts: Vec<Verdict> = judge(&facts).iter().map(|found| found.verdict).collect();
        assert_eq!(verdicts, [Verdict::Red, Verdict::Yellow, Verdict::Yellow]);
        assert_eq!(verdict(&judge(&facts)), Verdict::Red);
    }
}
