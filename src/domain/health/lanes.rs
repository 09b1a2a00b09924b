//! A lane of the outbox: whether what is owed gets through. One outage is one finding, whatever it holds up.

use jiff::civil::DateTime;

use super::finding::{Finding, Owed, minute, oldest, red, yellow};
use crate::domain::delivery::NO_CONTROL;
use crate::domain::reason::in_words;

/// What is known of one lane of the outbox.
#[derive(Debug, Clone, Default)]
pub struct LaneFacts {
    pub name: String,
    /// It isn't configured any more.
    pub removed: bool,
    pub queued: i64,
    /// Owed for longer than the limit, and still tried.
    pub stuck: i64,
    pub oldest: Option<Owed>,
    /// Whether they arrived isn't known, and only a person can find out.
    pub held: i64,
    /// The oldest, and what is said of it.
    pub oldest_held: Option<(Owed, String)>,
    /// Tried again and again in vain while the receiver takes others, and why the oldest failed.
    pub failing: i64,
    pub oldest_failing: Option<(Owed, String)>,
    /// Sent without an answer, and being looked for.
    pub unknown: i64,
    /// The one that is looked for the longest, and what came of it last.
    pub oldest_unknown: Option<(Owed, String)>,
    /// Referrals that the receiver refused and that nobody has mended, and what else it refused lately.
    pub refused: Option<Debts>,
    pub refused_besides: Option<Debts>,
    /// What arrived though it wasn't owed any more, where the receiver isn't told.
    pub late: Option<Debts>,
    pub last_good_contact: Option<DateTime>,
    /// Why the last contact failed, and when.
    pub failure: Option<(String, Option<DateTime>)>,
    /// The circuit breaker is open until then.
    pub paused_until: Option<DateTime>,
}

/// Several debts: how many, the one that has been so longest, and why it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debts {
    pub count: i64,
    pub oldest: Owed,
    pub why: String,
}

/// For how long a lane may go without a good contact before a failure is an alarm.
const SILENT_HOURS: i64 = 1;

pub(super) fn findings(lane: &LaneFacts, now: DateTime) -> Vec<Finding> {
    if lane.removed {
        return removed(lane).into_iter().collect();
    }
    let mut findings = Vec::new();
    let name = &lane.name;
    match outage(lane, now) {
        Some(outage) => findings.push(outage),
        None => findings.extend(waiting(lane)),
    }
    if lane.held > 0 {
        let count = lane.held;
        let why = lane.oldest_held.as_ref().map(|(_, why)| in_words(why));
        let oldest = oldest(lane.oldest_held.as_ref().map(|(owed, _)| owed));
        let said = why.as_ref().map(|why| why.said.as_str()).filter(|said| !said.is_empty());
        let said = said.map(|said| format!("。这一件：{said}")).unwrap_or_default();
        let finding = red(format!(
            "{name}：{count} 件下落不明，等人处理{oldest}：请到对方核实是否收到，再用 zoufang outbox list --state held 查看并处置{said}"
        ));
        findings.push(match why {
            Some(why) => finding.because(why),
            None => finding,
        });
    }
    findings.extend(lane.refused.as_ref().map(|refused| {
        let what = "请按退回的原因改好，用问题分类表重新分类后会再报";
        of_debts(name, refused, "件上报被对方退回，还没有处理", what)
    }));
    findings.extend(lane.refused_besides.as_ref().map(|refused| {
        of_debts(name, refused, "件最近七天被对方退回", "请按原因处理，不会自动重发")
    }));
    findings.extend(lane.late.as_ref().map(|late| {
        let what = "件已经不需要办理，但此前发出的对方已收到，而这个平台没有办法接收撤回的消息";
        of_debts(name, late, what, "请联系平台撤销")
    }));
    findings
}

fn of_debts(name: &str, debts: &Debts, what: &str, cure: &str) -> Finding {
    let Debts { count, oldest, why } = debts;
    let (key, since) = (&oldest.key, minute(oldest.since));
    let why = in_words(why);
    let said =
        if why.said.is_empty() { String::new() } else { format!("，原因：{}", why.said) };
    yellow(format!("{name}：{count} {what}（最早的是 {key}，{since}{said}）：{cure}")).because(why)
}

/// The receiver is out of reach: what it holds up is said with it.
fn outage(lane: &LaneFacts, now: DateTime) -> Option<Finding> {
    let good = lane.last_good_contact;
    let paused = lane.paused_until.map(|until| format!("，暂停发送到 {}", minute(until)));
    let (why, at) = match &lane.failure {
        Some((why, at)) => (Some(in_words(why)), *at),
        None if paused.is_some() => (None, None),
        None => return None,
    };
    let at = at.map(|at| format!("（最近一次 {}）", minute(at))).unwrap_or_default();
    let said = why.as_ref().map(|why| format!("：{}{at}", why.said)).unwrap_or_default();
    let since = match good {
        Some(good) => format!("从 {} 以后没有成功过", minute(good)),
        None => "还没有成功过".to_owned(),
    };
    let mut held_up = Vec::new();
    if lane.stuck > 0 {
        held_up.push(format!("{} 件积压超过时限{}", lane.stuck, oldest(lane.oldest.as_ref())));
    } else if lane.queued > 0 {
        held_up.push(format!("{} 件在等{}", lane.queued, oldest(lane.oldest.as_ref())));
    }
    if lane.unknown > 0 {
        held_up.push(format!("{} 件等着核实是否送达", lane.unknown));
    }
    let held_up =
        if held_up.is_empty() { "眼下没有要发的".to_owned() } else { held_up.join("，") };
    let silent = lane.failure.is_some()
        && good.is_none_or(|good| now.duration_since(good).as_hours() >= SILENT_HOURS);
    let paused = paused.unwrap_or_default();
    let reason = format!("{}：联系对方不成功，{since}{said}；{held_up}{paused}", lane.name);
    let finding = if silent || lane.stuck > 0 {
        red(format!("{reason}。程序会自动再试；请检查网络、地址和密钥，或与对方联系"))
    } else {
        yellow(format!("{reason}。程序会自动再试，如一直这样，请与对方联系"))
    };
    Some(match why {
        Some(why) => finding.because(why),
        None => finding,
    })
}

/// What waits though the receiver answers.
fn waiting(lane: &LaneFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &lane.name;
    if lane.stuck > 0 {
        let (count, oldest) = (lane.stuck, oldest(lane.oldest.as_ref()));
        findings.push(red(format!(
            "{name}：{count} 件积压超过时限{oldest}，仍在重试：请用 zoufang outbox list --lane {name} 查看原因，与对方联系"
        )));
    }
    // Where the lane as a whole fails, that is said already.
    if let Some((owed, why)) = &lane.oldest_failing {
        let (count, oldest, why) = (lane.failing, oldest(Some(owed)), in_words(why));
        let said = &why.said;
        findings.push(
            yellow(format!(
                "{name}：{count} 件发不出去{oldest}：{said}。其他的照常发送，这几件仍在重试：请用 zoufang outbox list --lane {name} 查看，与对方联系"
            ))
            .because(why),
        );
    }
    findings.extend((lane.unknown > 0).then(|| looked_for(lane)));
    findings
}

/// What was sent without an answer, and what is done about it: by a person only where nothing is known to be there yet.
fn looked_for(lane: &LaneFacts) -> Finding {
    let (name, count) = (&lane.name, lane.unknown);
    let sent = format!("{name}：{count} 件发出后没有回音");
    let Some((owed, why)) = &lane.oldest_unknown else {
        return yellow(format!("{sent}，程序正在核实是否送达，暂时不用处理"));
    };
    let (oldest, why) = (oldest(Some(owed)), in_words(why));
    let said = &why.said;
    let finding = yellow(match why.detail == NO_CONTROL {
        true => format!(
            "{sent}{oldest}，断定不了是否送达：{said}。下一件新的送达后会自动断定；眼下没有新的要送，就请到对方核对其中任意一件，用 zoufang outbox resolve 认定（收到的写 --arrived 编号，没有的写 --absent），其余的随后自动断定"
        ),
        false => format!("{sent}，程序正在核实是否送达，暂时不用处理{oldest}（最近一次：{said}）"),
    });
    finding.because(why)
}

/// What is left of a lane that isn't configured any more.
fn removed(lane: &LaneFacts) -> Option<Finding> {
    let left = lane.queued + lane.unknown + lane.held;
    (left > 0).then(|| {
        let (name, oldest) = (&lane.name, oldest(lane.oldest.as_ref()));
        yellow(format!(
            "{name} 已经不在配置里，还有 {left} 件没有送出{oldest}：请配回来让它送完，或用 zoufang outbox list --lane {name} 查看并处置"
        ))
    })
}
