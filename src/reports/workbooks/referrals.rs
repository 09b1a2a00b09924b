//! 上报台账 (三(三)): each referral to the platform, its number there, and what came of it.

use std::collections::HashMap;

use jiff::civil::Date;

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Case, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::{SIGNS, layout};
use crate::clock::township_date;
use crate::db::ReferralLine;
use crate::domain::issue::Event;

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
        for case in &cases {
            let lines = of_case.remove(&case.line.id).unwrap_or_default();
            let lines = lines.iter().filter(|line| line.queued_at < reading.span.before);
            for line in lines {
                let round = Round::of(case, line, reading.span.before);
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
    fn of(case: &Case, line: &ReferralLine, before: i64) -> Round {
        let delivered_on = line.delivered_at.filter(|at| *at < before).map(township_date);
        let said = last_word(case, line.round);
        // What has happened since that day isn't told.
        let state = match line.state.as_str() {
            "cancelled" => "已撤回",
            _ if matches!(&said, Some((_, _, Ended::Refused))) => "退回",
            _ if matches!(&said, Some((_, _, Ended::Done))) => "平台已办结",
            "refused" if delivered_on.is_none() => "退回",
            _ if delivered_on.is_none() => "待上报",
            "waiting" => "待编号",
            _ => "平台办理中",
        };
        Round { state, delivered_on, said: said.map(|(text, on, _)| (text, on)) }
    }
}

/// What the platform's last word of a round was.
enum Ended {
    Done,
    Refused,
}

/// What was last said of a round, when, and what it meant.
fn last_word(case: &Case, round: i64) -> Option<(String, Date, Ended)> {
    let (mut at, mut last) = (1, None);
    for dated in &case.events {
        match &dated.event {
            Event::PlatformFinished { reply: said }
            | Event::PlatformOverridden { reason: said, .. }
                if at == round =>
            {
                last = Some((said.clone(), dated.on, Ended::Done));
            }
            Event::PlatformReopened { .. } if at == round => last = None,
            Event::Refused { reason } => {
                if at == round {
                    last = Some((reason.clone(), dated.on, Ended::Refused));
                }
                at += 1;
            }
            Event::Reopened { .. } => at += 1,
            _ => {}
        }
    }
    last
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
