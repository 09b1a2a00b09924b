//! Rows of 附件4: who was met, and what was heard.

use super::cells::{Cells, Days};
use super::denied::check_visited;
use super::issue_rows::read_class;
use super::kinds::Field;
use super::options::Options;
use super::people::People;
use super::people_rows::check_phone;
use super::text::short;
use crate::app::told::Told;
use crate::app::visits::{Heard, NewIssue, NewVisit};
use crate::domain::demand::{is_content, is_no_demand, is_no_words, is_nobody_met, numbered};
use crate::domain::issue::Level;
use crate::domain::reason::is_common_hanzi;
use crate::domain::visit::{Satisfaction, VisitKind};

pub(super) fn read_visit(
    cells: &mut Cells<'_>,
    people: &People,
    days: &Days,
    options: &Options,
) -> Option<NewVisit> {
    let visited_on = cells.date(Field::Date, days);
    let staff_id = people.find(cells).map(str::to_owned);
    let subject = cells.required(Field::Subject);
    let resident = cells.required(Field::Resident);
    let kind = cells
        .optional_word(Field::VisitKind, VisitKind::read, &VisitKind::choices())
        .unwrap_or(VisitKind::First);
    let face_to_face =
        cells.optional_word(Field::Manner, in_person, "面对面、电话").unwrap_or(true);
    check_phone(cells, Field::Contact);
    let mut why = None;
    let heard = match kind {
        VisitKind::Revisit => read_answer(cells).map(|(answer, said)| {
            why = said;
            Heard::Answer(answer)
        }),
        VisitKind::First | VisitKind::SpotCheck => {
            check_unasked_answer(cells, kind);
            read_heard(cells)
        }
    };
    Some(NewVisit {
        kind,
        visited_on: visited_on?,
        staff_id: staff_id?,
        subject_number: subject?.to_owned(),
        resident: resident?.to_owned(),
        contact: cells.optional(Field::Contact).map(str::to_owned),
        face_to_face,
        heard: heard?,
        why,
        by: None,
        choices: options.choices,
    })
}

/// What was answered at a revisit, with what was said of it: why somebody isn't satisfied, or why an answer is put right. A demand
/// that stands there too would be lost.
fn read_answer(cells: &mut Cells<'_>) -> Option<(Satisfaction, Option<String>)> {
    let choices = Satisfaction::choices();
    let answer = cells.word(Field::Satisfaction, Satisfaction::read, &choices);
    let asks = cells.optional(Field::HasIssue).and_then(yes_or_no) == Some(true);
    let said = cells.optional(Field::Text).filter(|text| !is_no_demand(text)).map(str::to_owned);
    if let Some(text) = said.as_ref().filter(|_| asks && answer.is_some_and(Satisfaction::closes)) {
        let text = format!(
            "回访的行只登记满意度，这里的「{}」没有登记：是新问题请另写一行（走访类型填「走访」）",
            short(text)
        );
        cells.wrong(Field::Text, text);
    }
    let class = [Field::Level, Field::Category, Field::Urgency];
    if let Some(field) = class.into_iter().find(|field| cells.optional(*field).is_some()) {
        let text =
            format!("回访的行只登记满意度，没有用到「{field}」；要改分类请用问题分类表（附件6）");
        cells.note(field, text);
    }
    answer.map(|answer| (answer, said))
}

/// An answer where none was asked for: a revisit that isn't called one closes nothing.
fn check_unasked_answer(cells: &mut Cells<'_>, kind: VisitKind) {
    let told = cells.optional(Field::Satisfaction).filter(|text| !is_no_demand(text));
    let Some(told) = told else { return };
    if cells.optional(Field::VisitKind).is_some() {
        let text = format!("{kind}的行不登记满意度，没有用到「{}」", short(told));
        return cells.note(Field::Satisfaction, text);
    }
    let text = format!(
        "填了满意度「{}」，却没有写走访类型：是回访请在「走访类型」列填「回访」，是走访请填「走访」",
        short(told)
    );
    cells.wrong(Field::Satisfaction, text);
}

fn in_person(text: &str) -> Option<bool> {
    match text {
        "面对面" | "当面" | "入户" | "上门" | "face_to_face" => Some(true),
        "电话" | "微信" | "视频" | "telephone" => Some(false),
        _ => None,
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "有" | "是" | "有问题" | "yes" | "true" | "1" => Some(true),
        "无" | "否" | "没有" | "没有问题" | "无问题" | "no" | "false" | "0" => {
            Some(false)
        }
        _ => None,
    }
}

/// In a column whose name has one of these, what residents say may stand.
const SPEAKS: [&str; 7] = ["问题", "诉求", "意见", "建议", "需求", "困难", "反映"];
/// And in one whose name has one of these, anything may stand.
const MAY_SPEAK: [&str; 9] =
    ["备注", "说明", "其他", "其它", "内容", "情况", "描述", "补充", "记录"];

/// What is said in a column that isn't used would be lost: it's asked whether that is an issue.
fn check_beside(cells: &mut Cells<'_>) {
    let has = |name: &str, words: &[&str]| words.iter().any(|word| name.contains(word));
    let speaks = |name: &str, text: &str| {
        has(name, &SPEAKS) || has(name, &MAY_SPEAK) && may_be_a_matter(text)
    };
    let named = cells.beside().filter(|(name, text)| speaks(name, text));
    let named = named.map(|(name, text)| (name.to_owned(), text));
    let unnamed = cells.unnamed().filter(|(_, text)| may_be_a_matter(text));
    let said: Vec<(String, &str)> = named
        .chain(unnamed)
        .filter(|(_, text)| !is_no_demand(text) && yes_or_no(text).is_none())
        .collect();
    check_class_and_contact(cells);
    for (name, text) in said {
        let text = format!(
            "没有用到的列「{name}」里写着「{}」：是群众反映的请写到「反映问题」列，不是的请在导入命令后加 --ignore-column {name}",
            short(text)
        );
        cells.wrong(Field::Text, text);
    }
}

/// A column that nobody knows by its name may show by what stands in it which one is meant.
fn check_class_and_contact(cells: &mut Cells<'_>) {
    let is_mobile = |text: &str| {
        text.len() == 11 && text.starts_with('1') && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_of_class = |text: &str| text.chars().count() > 1 && Level::read(text).is_some();
    let meant = |cells: &Cells<'_>, text: &str| match () {
        () if is_mobile(text) && !cells.has(Field::Contact) => Some(Field::Contact),
        () if is_of_class(text) && !cells.has(Field::Level) => Some(Field::Level),
        () => None,
    };
    let found = cells.beside().find_map(|(name, text)| Some((name, text, meant(cells, text)?)));
    let Some((name, text, field)) = found else { return };
    let text = format!(
        "没有用到的列「{name}」里写着「{}」，像是「{field}」：是的话请把表头改成「{field}」，不是的话请在导入命令后加 --ignore-column {name}",
        short(text)
    );
    cells.wrong(field, text);
}

/// Whether a remark may be something that somebody asked for: more than a word or two about the visit itself.
fn may_be_a_matter(text: &str) -> bool {
    const OF_THE_VISIT: [&str; 22] = [
        "已走访",
        "走访完成",
        "已完成",
        "完成",
        "在家",
        "不在家",
        "户主",
        "本人",
        "家属",
        "外出",
        "外出务工",
        "务工",
        "低保",
        "低保户",
        "五保",
        "五保户",
        "脱贫户",
        "独居",
        "空巢",
        "残疾",
        "满意",
        "重点",
    ];
    let bare = text.trim_matches(|c: char| c.is_whitespace() || "。.、！!".contains(c));
    let hanzi = bare.chars().filter(|c| is_common_hanzi(*c)).count();
    hanzi >= 2 && !OF_THE_VISIT.contains(&bare)
}

fn read_heard(cells: &mut Cells<'_>) -> Option<Heard> {
    check_beside(cells);
    check_visited(cells);
    let has_issue = match cells.has(Field::HasIssue) {
        true => cells.word(Field::HasIssue, yes_or_no, "有、无"),
        false => by_its_text(cells),
    };
    let (told, class) = read_class(cells);
    let text = cells.optional(Field::Text);
    let says_something = text.filter(|text| !is_no_demand(text));
    if !has_issue? {
        if told == Told::Is(()) {
            cells.wrong(Field::Level, "「有无问题」填的是无，却填了责任层级".to_owned());
        }
        if let Some(text) = says_something {
            let text = format!(
                "「有无问题」填的是无，这里却写着「{}」：有问题请填有，没有请清空",
                short(text)
            );
            cells.wrong(Field::Text, text);
        }
        return Some(Heard::Nothing);
    }
    match (text, says_something) {
        (_, Some(text)) if no_demand_in(text).is_some() => {
            let why = no_demand_in(text).unwrap_or_default();
            cells.wrong(Field::Text, format!("「{}」{why}", short(text)));
            None
        }
        (_, Some(text)) => {
            note_several(cells, text);
            let is_whole = told != Told::Is(()) || class.is_some();
            is_whole.then(|| Heard::Issue(NewIssue { text: text.to_owned(), class, twin: None }))
        }
        (Some(text), None) => {
            let text = format!(
                "「有无问题」填的是有，这里却写着「{}」：请写群众反映了什么，没有问题请填无",
                short(text)
            );
            cells.wrong(Field::Text, text);
            None
        }
        (None, None) => {
            cells.required(Field::Text);
            None
        }
    }
}

/// Why what stands in the place of a demand is none, and what to do.
fn no_demand_in(text: &str) -> Option<&'static str> {
    if is_nobody_met(text) {
        return Some(
            "说的是没有见到人，不算走访：请从这张表里删掉这一行，在「群众名册」的「未走访原因」写明",
        );
    }
    if is_no_words(text) {
        return Some("看不出群众反映了什么：请写明，没有问题请填无");
    }
    is_content(text).then_some("不像问题：没有问题请填「无」，是问题请把问题写明")
}

/// Several matters in one cell are one issue, which is resolved as a whole.
fn note_several(cells: &mut Cells<'_>, text: &str) {
    let count = numbered(text);
    if count > 1 {
        let text = format!(
            "这一格像是写了 {count} 件事，登记成了一件：要分开办理的，请一件写一行（作废这一件后再导入）"
        );
        cells.note(Field::Text, text);
    }
}

/// Whether there is an issue, in a table that has no column for that: what was asked for says so, a blank doesn't.
fn by_its_text(cells: &mut Cells<'_>) -> Option<bool> {
    const HOW: &str = "没有「有无问题」这一列，这里又是空的：没有问题请在「反映问题」填「无」，或加上「有无问题」一列";
    let text = cells.optional(Field::Text);
    if text.is_none() && !cells.is_flawed(Field::Text) {
        cells.wrong(Field::Text, HOW.to_owned());
    }
    text.map(|text| !is_no_demand(text))
}
