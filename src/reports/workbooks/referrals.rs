//! 上报台账 (三(三)): each referral to the platform, its number there, and what came of it.

use std::collections::HashMap;

use jiff::civil::Date;

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Case, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::{SIGNS, layout};
use crate::clock::township_date;
use crate::db::{EndingWord, ReferralLine};
use crate::domain::issue::{Event, Issue};
use crate::domain::referral::{PlatformStatus, withdrawal};

const REFERRALS: &[Column] = &[
    middle("序号", 6.0),
    middle("村", 14.0),
    middle("上报编号", 21.0),
    middle("平台编号", 18.0),
    words("反映的问题", 40.0),
    middle("责任层级", 11.0),
    middle("类别", 10.0),
    middle("轻重缓急", 9.5),
    middle("列入日期", 12.0),
    middle("上报日期", 12.0),
    middle("办理状态", 11.0),
    words("平台答复", 34.0),
    middle("答复日期", 12.0),
];

pub async fn referrals(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "上报台账", "“e呼善应”平台上报台账", Paper::A3, REFERRALS);
    let mut sheet = book.sheet(of)?;
    let (mut pages, mut states) = (reading.pages(), HashMap::<&str, i64>::new());
    while let Some((place, cases)) = pages.issues(reading).await? {
        let ids: Vec<&str> = cases.iter().map(|case| case.line.id.as_str()).collect();
        let mut of_case: HashMap<String, Vec<ReferralLine>> = HashMap::new();
        for line in reading.record.referral_lines(&ids).await? {
            of_case.entry(line.issue_id.clone()).or_default().push(line);
        }
        let mut words: HashMap<String, Vec<EndingWord>> = HashMap::new();
        for word in reading.record.ending_words(&ids).await? {
            words.entry(word.issue_id.clone()).or_default().push(word);
        }
        for case in &cases {
            let lines = of_case.remove(&case.line.id).unwrap_or_default();
            let lines = lines.iter().filter(|line| line.queued_at < reading.span.before);
            let words = words.remove(&case.line.id).unwrap_or_default();
            for line in lines {
                let round = Round::of(case, line, &words, reading.span.before);
                *states.entry(round.state).or_default() += 1;
                sheet.row(&referred(reading, &place, case, line, &round))?;
            }
        }
    }
    let count = sheet.count();
    let each = STATES.iter().filter_map(|state| Some((state, states.get(state)?)));
    let each: Vec<String> = each.map(|(state, count)| format!("{state} {count} 件")).collect();
    let total = format!("合计：{count} 件次。{}", each.join("，"));
    sheet.end(&[total], SIGNS)?;
    Ok(count)
}

/// How a referral stands, in the order of its way.
const STATES: [&str; 6] = ["待上报", "待编号", "平台办理中", "平台已办结", "退回", "已撤回"];

/// A referral as it stood: each attempt is a round of its issue's.
struct Round {
    state: &'static str,
    delivered_on: Option<Date>,
    said: Option<(String, Date)>,
}

impl Round {
    /// What has happened since that day isn't told.
    fn of(case: &Case, line: &ReferralLine, words: &[EndingWord], before: i64) -> Round {
        let delivered_on = line.delivered_at.filter(|at| *at < before).map(township_date);
        let way = Way::of(case, line.round);
        let words: Vec<&EndingWord> =
            words.iter().filter(|word| word.round == line.round).collect();
        let state = match (line.state.as_str(), &way.last) {
            ("cancelled", _) if was_cancelled(line, &way, before) => "已撤回",
            (_, Some(last)) if last.ended == Ended::Refused => "退回",
            (_, Some(_)) => "平台已办结",
            // Its issue had gone on otherwise, and knows nothing of it.
            ("refused", None) if was_refused(line, &words, before) => "退回",
            _ if delivered_on.is_none() => "待上报",
            ("waiting", _) => "待编号",
            _ => "平台办理中",
        };
        let said = way.last.map(|last| (last.said.clone(), last.said_on(&words)));
        Round { state, delivered_on, said }
    }
}

fn was_cancelled(line: &ReferralLine, way: &Way, before: i64) -> bool {
    line.settled_at.map_or(way.withdrawn, |at| at < before)
}

fn was_refused(line: &ReferralLine, words: &[&EndingWord], before: i64) -> bool {
    let refusals = words.iter().filter(|word| word.status == PlatformStatus::Refused);
    let refused_at = refusals.map(|word| word.applied_at).max().or(line.settled_at);
    refused_at.is_some_and(|at| at < before)
}

/// What the platform's last word of a round was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Done,
    Refused,
}

/// What was last said of a round, and what it meant.
struct LastWord {
    said: String,
    at: i64,
    on: Date,
    ended: Ended,
}

impl LastWord {
    /// The day of which the platform says it, where it was the platform; else the day on which it was known here.
    fn said_on(&self, words: &[&EndingWord]) -> Date {
        let status = match self.ended {
            Ended::Done => PlatformStatus::Resolved,
            Ended::Refused => PlatformStatus::Refused,
        };
        // What is said and what follows from it are written in one turn.
        let its = words.iter().filter(|word| word.status == status && word.applied_at == self.at);
        its.map(|word| word.at).max().map_or(self.on, township_date)
    }
}

/// How a round went, as far as its issue's events tell.
#[derive(Default)]
struct Way {
    last: Option<LastWord>,
    /// It was no longer to be sent.
    withdrawn: bool,
}

impl Way {
    fn of(case: &Case, round: i64) -> Way {
        let (mut way, mut issue) = (Way::default(), Issue::default());
        for dated in &case.events {
            let event = &dated.event;
            let Ok(after) = issue.apply(event) else { continue };
            let last = |said: &str, ended| {
                Some(LastWord { said: said.to_owned(), at: dated.at, on: dated.on, ended })
            };
            match event {
                Event::PlatformFinished { reply: said }
                | Event::PlatformOverridden { reason: said, .. }
                    if issue.round == round =>
                {
                    way.last = last(said, Ended::Done);
                }
                Event::Refused { reason } if issue.round == round => {
                    way.last = last(reason, Ended::Refused);
                }
                // Also where it takes a refusal back.
                Event::PlatformReopened { .. } if after.round == round => way.last = None,
                _ => {}
            }
            way.withdrawn |= issue.round >= round && withdrawal(event, &after).is_some();
            issue = after;
        }
        way
    }
}

fn referred(
    reading: &Reading,
    place: &Place,
    case: &Case,
    line: &ReferralLine,
    round: &Round,
) -> Vec<Cell> {
    let class = case.issue.class;
    let number = line.remote_id.as_deref().filter(|_| round.delivered_on.is_some());
    let (said, on) = match &round.said {
        Some((said, on)) => (reading.of_case(said, case), Some(*on)),
        None => (String::new(), None),
    };
    vec![
        place.village.as_str().into(),
        line.reference.as_str().into(),
        number.unwrap_or_default().into(),
        reading.text(case).into(),
        class.map_or("", |class| class.level.chinese()).into(),
        class.map_or("", |class| class.category.chinese()).into(),
        class.map_or("", |class| class.urgency.chinese()).into(),
        township_date(line.queued_at).into(),
        round.delivered_on.into(),
        round.state.into(),
        said.into(),
        on.into(),
    ]
}
