//! 督查抽查 (四(三)) and 工作纪律 (四(二)).

use std::collections::HashSet;

use super::super::Result;
use super::super::places::Place;
use super::super::reading::Reading;
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::layout;
use crate::db::{Breach, InspectionLine, NoteLine, SpotLine, Store};
use crate::domain::mask;

const SIGNS: &str =
    "填表人：　　　　　　　　督导组组长（签字）：　　　　　　　　日期：　　　　　　　　";

const DRAWN: &[Column] = &[
    middle("序号", 6.0),
    middle("抽查编号", 16.0),
    middle("村", 14.0),
    middle("对象编号", 12.0),
    words("走访对象", 14.0),
    middle("走访人员", 11.0),
    middle("走访日期", 12.0),
    middle("登记问题", 9.5),
    middle("抽查期限", 12.0),
    middle("抽查日期", 12.0),
    middle("抽查人", 10.0),
    middle("结论", 11.0),
    words("抽查情况", 28.0),
    words("核实整改", 28.0),
];

const DAILY: &[Column] = &[
    middle("序号", 6.0),
    middle("日期", 14.0),
    middle("督查人", 14.0),
    middle("方式", 12.0),
    words("督查情况", 80.0),
];

pub async fn inspections(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let began = reading.record.plans().began();
    let areas = reading.areas();
    let lines = reading.record.inspection_lines(began, reading.span.on).await?;
    let of = layout(reading, "入户抽查", "入户抽查记录表", Paper::A3, DRAWN);
    let mut sheet = book.sheet(of)?;
    let (mut checked, mut dropped, mut differ) = (0_i64, 0_i64, 0_i64);
    for line in lines.iter().filter(|line| areas.contains(&line.area_id)) {
        if line.row.drawn_on()? > reading.span.on {
            continue;
        }
        let is_checked = line.row.is_checked_by(reading.span.on);
        checked += i64::from(is_checked);
        dropped += i64::from(line.row.is_dropped_by(reading.span.on));
        differ += i64::from(is_checked && line.row.difference()?.is_some());
        sheet.row(&drawn(reading, line)?)?;
    }
    let count = sheet.count();
    let total = format!(
        "合计：抽到 {count} 个，已查 {checked} 个，没有查的 {} 个；{}与走访记录不符的 {differ} 个。",
        count - checked - dropped,
        match dropped {
            0 => String::new(),
            dropped => format!("对象不再走访、不用查的 {dropped} 个；"),
        }
    );
    sheet.end(&[total], SIGNS)?;
    daily(reading, book, &lines).await?;
    Ok(count)
}

fn drawn(reading: &Reading, line: &InspectionLine) -> Result<Vec<Cell>> {
    let row = &line.row;
    let is_checked = row.is_checked_by(reading.span.on);
    let is_answered = row.answered_at.is_some_and(|at| at < reading.span.before);
    let (found, answer) = row.open(&reading.context)?;
    let (found, answer) = (found.filter(|_| is_checked), answer.filter(|_| is_answered));
    let said = |text: Option<String>| reading.said(&text.unwrap_or_default(), &[]);
    let by = row.checked_by.as_ref().filter(|_| is_checked).unwrap_or(&row.inspector_id);
    let checked_on = row.checked_on.clone().filter(|_| is_checked);
    let finding = row.finding()?.filter(|_| is_checked);
    let unchecked = if row.is_dropped_by(reading.span.on) { "不再走访" } else { "没有查" };
    Ok(vec![
        row.number.as_str().into(),
        Place::of(&reading.tree, &line.area_id).village.into(),
        line.subject.as_str().into(),
        line.subject_name.as_str().into(),
        reading.person(line.visitor.as_deref()).into(),
        line.visited_on.clone().unwrap_or_default().into(),
        line.demands.into(),
        row.due_on()?.into(),
        checked_on.unwrap_or_else(|| unchecked.to_owned()).into(),
        reading.person(Some(by)).into(),
        finding.map_or("", |finding| finding.chinese()).into(),
        said(found).into(),
        said(answer).into(),
    ])
}

/// What an inspector did on a day.
struct Did {
    on: String,
    staff_id: String,
    how: &'static str,
    what: String,
}

/// All by which a day's inspection is done: what was noted of it, what was drawn and checked, and checks recorded as visits.
async fn daily(reading: &mut Reading, book: &mut Book, drawn: &[InspectionLine]) -> Result<()> {
    let (areas, Reading { record, span, .. }) = (reading.areas(), &mut *reading);
    let (notes, visits) = (record.inspection_notes(span).await?, record.spot_lines(span).await?);
    let of_note = |note: &NoteLine| Did {
        on: note.on.clone(),
        staff_id: note.staff_id.clone(),
        how: "督查情况",
        what: reading.said(&note.text, &[]),
    };
    let village = |area: &str| Place::of(&reading.tree, area).village;
    let of_visit = |at: &SpotLine| {
        let heard = match at.demands {
            0 => "没有登记问题".to_owned(),
            demands => format!("登记问题 {demands} 件"),
        };
        Did {
            on: at.on.clone(),
            staff_id: at.staff_id.clone(),
            how: "入户抽查",
            what: format!("{} {} {}：{heard}", village(&at.area_id), at.subject, at.subject_name),
        }
    };
    let of_check = |line: &InspectionLine| -> Result<Option<Did>> {
        let (on, first) = (line.row.checked_on.clone(), reading.span.from.to_string());
        let Some(on) = on.filter(|on| line.row.is_checked_by(reading.span.on) && *on >= first)
        else {
            return Ok(None);
        };
        let finding = line.row.finding()?.map_or("", |finding| finding.chinese());
        let (number, at) = (&line.row.number, village(&line.area_id));
        Ok(Some(Did {
            on,
            staff_id: line.row.checked_by.clone().unwrap_or(line.row.inspector_id.clone()),
            how: "抽样检查",
            what: format!("{number} {at} {} {}：{finding}", line.subject, line.subject_name),
        }))
    };
    let mut did: Vec<Did> = notes.iter().map(of_note).collect();
    did.extend(visits.iter().filter(|at| areas.contains(&at.area_id)).map(of_visit));
    for line in drawn.iter().filter(|line| areas.contains(&line.area_id)) {
        did.extend(of_check(line)?);
    }
    did.sort_by(|one, other| one.on.cmp(&other.on));
    let of = layout(reading, "日常督查", "日常督查记录表", Paper::A4, DAILY);
    let mut sheet = book.sheet(of)?;
    for Did { on, staff_id, how, what } in &did {
        let by = reading.person(Some(staff_id));
        sheet.row(&[Cell::Day(on.parse().ok()), by.into(), (*how).into(), what.as_str().into()])?;
    }
    let days: HashSet<&str> = did.iter().map(|did| did.on.as_str()).collect();
    sheet.end(&[format!("合计：{} 次，{} 天有督查。", did.len(), days.len())], SIGNS)
}

const BREACHES: &[Column] = &[
    middle("序号", 6.0),
    middle("编号", 14.0),
    middle("发生日期", 13.0),
    middle("所属村", 16.0),
    middle("类型", 18.0),
    words("反映的内容", 36.0),
    middle("反映对象", 12.0),
    middle("核实情况", 10.0),
    words("核实结果", 30.0),
];

/// For the inspection group only: whoever asks was let in before.
pub async fn discipline(store: &Store, reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let breaches = store.breaches().await?;
    let areas = reading.areas();
    let of = layout(reading, "工作纪律记录", "工作纪律记录表", Paper::A4, BREACHES);
    let mut sheet = book.sheet(of)?;
    let until = reading.span.on.to_string();
    let asked = |of: &&Breach| of.happened_on <= until && areas.contains(&of.area_id);
    let mut closed = 0_i64;
    for breach in breaches.iter().rev().filter(asked) {
        let is_closed = breach.closed_at.is_some_and(|at| at < reading.span.before);
        closed += i64::from(is_closed);
        sheet.row(&reported(reading, breach, is_closed))?;
    }
    let count = sheet.count();
    let total = format!(
        "合计：违反工作纪律的反映 {count} 件，已核实 {closed} 件。严禁在村、企业等就餐，严禁收受群众礼品。"
    );
    sheet.end(&[total], SIGNS)?;
    Ok(count)
}

fn reported(reading: &Reading, breach: &Breach, is_closed: bool) -> Vec<Cell> {
    let about = breach.about.clone().unwrap_or_default();
    let shown = if reading.reveals { about.clone() } else { mask::name(&about) };
    let names: Vec<&str> = [Some(about.as_str()), breach.reporter.as_deref()]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
        .collect();
    vec![
        breach.number.as_str().into(),
        breach.happened_on.as_str().into(),
        Place::of(&reading.tree, &breach.area_id).village.into(),
        breach.kind.chinese().into(),
        reading.said(&breach.text, &names).into(),
        shown.into(),
        if is_closed { "已核实" } else { "待核实" }.into(),
        reading
            .said(breach.result.as_deref().filter(|_| is_closed).unwrap_or_default(), &names)
            .into(),
    ]
}
