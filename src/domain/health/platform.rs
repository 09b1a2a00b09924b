//! The platform: whether it's there, whether what it says is understood, and whether it says it of all.

use jiff::civil::DateTime;

use super::finding::{Finding, minute, oldest, red, yellow};
use super::lanes::LaneFacts;
use crate::domain::reason::in_words;

/// What is known of the platform beside its lane.
#[derive(Debug, Clone, Default)]
pub struct PlatformFacts {
    /// The lane to a platform that isn't configured; none where there is one.
    pub missing: Option<String>,
    /// Configured services that it doesn't have, each with what to do.
    pub service_gaps: Vec<String>,
    /// Words of its that configuration doesn't know, and how often each came.
    pub unknown_words: Vec<(String, i64)>,
    pub closed_without_answer: i64,
    /// Of which referrals it gives no answer.
    pub unasked: Option<Unasked>,
    /// What was odd about its answers in the last day.
    pub notes: Vec<Note>,
}

/// Referrals about which the platform gives no answer: how many, and the one of which it has longest given none.
#[derive(Debug, Clone)]
pub struct Unasked {
    pub count: i64,
    pub reference: String,
    pub number: String,
    pub since: DateTime,
    pub why: String,
}

/// Something odd: what it is, how it stood there last, how often it came.
#[derive(Debug, Clone)]
pub struct Note {
    pub what: String,
    pub sample: String,
    pub times: i64,
    pub since: DateTime,
}

pub(super) fn findings(facts: &PlatformFacts, lanes: &[LaneFacts]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(missing) = &facts.missing {
        let waiting = lanes.iter().find(|lane| lane.name == *missing && lane.queued > 0);
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
            .in_public(format!("平台的一个状态不认识（{count} 次）：请用 zoufang status 查看是哪个词，加进 platform.statuses"))
    }));
    if facts.closed_without_answer > 0 {
        let count = facts.closed_without_answer;
        findings.push(yellow(format!(
            "平台办结却没有答复的有 {count} 件，暂不算办结：请向平台催要答复"
        )));
    }
    findings.extend(facts.unasked.as_ref().map(unasked));
    findings.extend(facts.notes.iter().map(|note| {
        let Note { what, sample, times, since } = note;
        let since = minute(*since);
        yellow(format!("{what}。写的是「{sample}」（{since} 起 {times} 次）"))
            .in_public(format!("{what}（{since} 起 {times} 次），原话请用 zoufang status 查看"))
    }));
    findings
}

fn unasked(unasked: &Unasked) -> Finding {
    let Unasked { count, reference, number, since, why } = unasked;
    let since = minute(*since);
    // It opens with which number it's about.
    let (whose, reason) = why.split_once("：平台回答 ").unwrap_or((number, why));
    let reason = in_words(reason);
    let whose = if whose == number { format!("编号 {number}") } else { whose.to_owned() };
    let said = &reason.said;
    yellow(format!(
        "平台不答复 {count} 件的办理进度（最早的是 {reference}，{whose}，{since} 起，原因：{said}）：请到平台核对这个编号，已删除的请联系平台或由专人认定"
    ))
    .because(reason)
}
