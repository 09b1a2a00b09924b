//! An empty workbook of a kind, to be filled in: drop-downs of the words that may be written, numbers as text, a note at each
//! column, and a sheet that says how, with an example.

use rust_xlsxwriter::{DataValidation, Format, FormatBorder, Note, Workbook, XlsxError};

use super::kinds::{Field, Kind};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::inspection::Finding;
use crate::domain::issue::{Category, Level, Urgency};
use crate::domain::staff::Role;
use crate::domain::subject::{SubjectKind, SubjectState};
use crate::domain::visit::{Satisfaction, VisitKind};

/// So many rows have drop-downs.
const ROWS: u32 = 5_000;

/// The workbook's bytes.
///
/// # Errors
/// Where it can't be made.
pub fn template(kind: Kind) -> Result<Vec<u8>, String> {
    write(kind).map_err(|error| error.to_string())
}

fn write(kind: Kind) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name(short_name(kind))?;
    let head = Format::new()
        .set_bold()
        .set_border(FormatBorder::Thin)
        .set_background_color("DDEBF7")
        .set_text_wrap();
    let text = Format::new().set_num_format("@");
    for (column, field) in (0_u16..).zip(kind.filled_in()) {
        let star = if is_filled_in_each_row(kind, field) { "*" } else { "" };
        sheet.set_column_format(column, &text)?;
        sheet.set_column_width(column, width(field))?;
        sheet.write_string_with_format(
            0,
            column,
            format!("{}{star}", kind.name_of(field)),
            &head,
        )?;
        sheet.insert_note(
            0,
            column,
            &Note::new(hint(kind, field)).set_author("").add_author_prefix(false),
        )?;
        let words = choices(field).filter(|_| field != Field::StaffRoles);
        if let Some(words) = words {
            let list = DataValidation::new().allow_list_strings(&words)?;
            // A phase that was added has a name that nobody knows here.
            let list = list.show_error_message(field != Field::Duty);
            let list =
                list.set_error_title("请从下拉里选")?.set_error_message("只能填下拉里的词")?;
            sheet.add_data_validation(1, column, ROWS, column, &list)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_repeat_rows(0, 0)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    explain(&mut workbook, kind)?;
    workbook.save_to_buffer()
}

/// A sheet that says of each column how it's filled in.
fn explain(workbook: &mut Workbook, kind: Kind) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet().set_name("填表说明")?;
    let (bold, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    for (column, (title, width)) in
        (0_u16..).zip([("列", 16.0), ("必填", 6.0), ("怎么填", 60.0), ("例子", 24.0)])
    {
        sheet.write_string_with_format(0, column, title, &bold)?;
        sheet.set_column_width(column, width)?;
    }
    for (row, field) in (1_u32..).zip(kind.filled_in()) {
        let required = if is_filled_in_each_row(kind, field) { "是" } else { "" };
        let cells = [kind.name_of(field), required, &hint(kind, field), example(field)];
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string_with_format(row, column, cell, &wrapped)?;
        }
    }
    Ok(())
}

/// Whether no row may leave it empty: with neither a word nor a text nobody knows whether anything was asked for. A list of residents has the column of why somebody wasn't heard, by which it's known; whoever
/// was heard has none.
fn is_filled_in_each_row(kind: Kind, field: Field) -> bool {
    let is_asked = kind == Kind::Visits && field == Field::HasIssue;
    is_asked || kind.columns().0.contains(&field) && field != Field::Unheard
}

/// A kind's name as a sheet may have it.
fn short_name(kind: Kind) -> &'static str {
    kind.chinese().split('（').next().unwrap_or_default()
}

/// What a template is called.
pub fn template_name(kind: Kind) -> String {
    format!("{}.xlsx", kind.chinese())
}

const fn width(field: Field) -> f64 {
    match field {
        Field::Text | Field::Result | Field::Reply | Field::Reference => 40.0,
        Field::Address | Field::StaffEmail | Field::AreaCode | Field::Unheard => 22.0,
        _ => 14.0,
    }
}

/// The words that may be written.
fn choices(field: Field) -> Option<Vec<&'static str>> {
    fn all<T: Copy>(words: &[T], name: fn(T) -> &'static str) -> Option<Vec<&'static str>> {
        Some(words.iter().map(|word| name(*word)).collect())
    }
    match field {
        Field::AreaKind => all(AreaKind::ALL, AreaKind::chinese),
        Field::StaffRoles => all(Role::ALL, Role::chinese),
        Field::SubjectKind => all(SubjectKind::ALL, SubjectKind::chinese),
        Field::Level => all(Level::ALL, Level::chinese),
        Field::Category => all(Category::ALL, Category::chinese),
        Field::Urgency => all(Urgency::ALL, Urgency::chinese),
        Field::VisitKind => all(VisitKind::ALL, VisitKind::chinese),
        Field::Satisfaction => all(Satisfaction::ALL, Satisfaction::chinese),
        Field::SubjectState => all(SubjectState::ALL, SubjectState::chinese),
        Field::Finding => all(Finding::ALL, Finding::chinese),
        Field::Kept => Some(vec!["履行", "没有履行"]),
        Field::HasIssue => Some(vec!["有", "无"]),
        Field::Duty => Some(confirmed()),
        Field::Manner => Some(vec!["面对面", "电话"]),
        _ => None,
    }
}

/// The tasks that a person confirms; a phase that was added is called as the plan calls it.
fn confirmed() -> Vec<&'static str> {
    let confirmed = DutyKind::ALL.iter().filter(|kind| kind.is_confirmed());
    confirmed.filter(|kind| **kind != DutyKind::Extra).map(|kind| kind.chinese()).collect()
}

fn hint(kind: Kind, field: Field) -> String {
    let words = choices(field).map(|words| words.join("、"));
    let how = match (field, words) {
        (Field::SubjectState, Some(words)) if kind == Kind::Subjects => {
            format!("要走访的留空；不再走访的填为什么：{words}。去世只在整户已经没有人时填")
        }
        (Field::SubjectState, Some(words)) => {
            format!("不再走访的填为什么，恢复走访的填在册：{words}。去世只在整户已经没有人时填")
        }
        (Field::EndedWords, _) => "搬到哪里、与哪个对象编号重复等；重复和其他必须写".to_owned(),
        (Field::Duty, Some(words)) => format!("填{words}；镇里另加的阶段填它的名称"),
        (Field::StaffRoles, Some(words)) => format!("可填几个，用顿号隔开：{words}"),
        (_, Some(words)) => format!("只能填：{words}"),
        (
            Field::Date
            | Field::From
            | Field::Until
            | Field::CheckedOn
            | Field::MediatedOn
            | Field::FollowUp
            | Field::FollowedOn
            | Field::EndedOn,
            _,
        ) => "年月日，写成 2022-03-05".to_owned(),
        (Field::AreaCode, _) => "12 位数字；没有代码的（如总支）留空".to_owned(),
        (Field::Area | Field::AreaParent, _) => "区划的名称或 12 位代码，须已在区划表里".to_owned(),
        (Field::Inspection, _) => "zoufang inspect list 给的抽查编号".to_owned(),
        (Field::Agreement, _) => "达成了什么协议；没有达成的留空".to_owned(),
        (
            Field::Visitor
            | Field::Absentee
            | Field::Deputy
            | Field::Acknowledger
            | Field::Inspector
            | Field::Answerer
            | Field::Beginner
            | Field::By,
            _,
        ) => "走访人员表里的人员编号；没有同名的也可以填登记的姓名".to_owned(),
        (Field::Subject, _) if kind != Kind::Subjects => "走访对象表里的对象编号".to_owned(),
        (Field::Issue, _) => "系统给的问题编号".to_owned(),
        (Field::Contact | Field::StaffPhone, _) => "完整的号码，不要写成科学记数".to_owned(),
        (Field::Unheard, _) => "没有走访到的填为什么，已经走访到的留空；这一列不要删".to_owned(),
        (Field::Text, _) => "有问题的照群众的原话写，一行一个问题".to_owned(),
        _ => "照实填写".to_owned(),
    };
    if is_filled_in_each_row(kind, field) {
        format!("必填。{how}")
    } else {
        format!("没有可留空。{how}")
    }
}

const fn example(field: Field) -> &'static str {
    match field {
        Field::Date | Field::From | Field::CheckedOn | Field::MediatedOn => "2022-03-05",
        Field::FollowUp | Field::FollowedOn => "2022-04-05",
        Field::SubjectState => "迁出",
        Field::EndedOn => "2022-03-10",
        Field::EndedWords => "整户迁往市里",
        Field::Inspection => "CHD2022-C0001",
        Field::Finding => "属实",
        Field::Found => "与走访记录一致",
        Field::Mediator => "司法所 赵六",
        Field::Parties => "李四、王五",
        Field::Agreement => "双方同意以滴水线为界",
        Field::Kept => "履行",
        Field::Until => "2022-03-12",
        Field::Visitor | Field::StaffNumber | Field::Absentee | Field::Acknowledger => "Z0001",
        Field::Deputy => "Z0002",
        Field::StaffName => "张三",
        Field::By | Field::Beginner => "Z0001",
        Field::Duty => "村级自查",
        Field::StaffRoles => "走访人员、网格员",
        Field::StaffPhone | Field::Contact => "13800000000",
        Field::StaffEmail => "zhangsan@example.cn",
        Field::Subject => "H0001",
        Field::SubjectKind => "家庭",
        Field::SubjectName | Field::Resident => "李四",
        Field::Area => "高桥村",
        Field::Address => "高桥村1号",
        Field::AreaCode => "370481111200",
        Field::AreaName => "高桥村",
        Field::AreaKind => "村",
        Field::AreaParent => "第一总支",
        Field::HasIssue => "有",
        Field::Text => "村口路灯不亮",
        Field::Level => "镇村自办",
        Field::Category => "居住环境",
        Field::Urgency => "一般",
        Field::Issue => "CHD2022-000001",
        Field::Result => "已更换灯泡",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_empty_is_not_marked_as_required() {
        for kind in Kind::ALL {
            for field in kind.filled_in() {
                let hint = hint(*kind, field);
                let is_marked = is_filled_in_each_row(*kind, field);
                assert_eq!(hint.starts_with("必填。"), is_marked, "{kind:?} {field:?}");
                let may_be_empty = hint.contains("留空");
                assert!(!(is_marked && may_be_empty), "{kind:?} {field:?}: {hint}");
            }
        }
    }

    #[test]
    fn whoever_fills_it_in_is_told_what_is_read() {
        assert!(hint(Kind::Visits, Field::HasIssue).starts_with("必填。只能填：有、无"));
        for (kind, field) in [
            (Kind::Beginnings, Field::Beginner),
            (Kind::Handlings, Field::By),
            (Kind::Classifications, Field::By),
        ] {
            assert!(hint(kind, field).contains("人员编号"), "{kind:?}");
            assert!(example(field).starts_with('Z'), "{kind:?}");
        }
        assert!(hint(Kind::Confirmations, Field::Duty).contains("村级自查"));
        assert!(choices(Field::Duty).is_some_and(|words| !words.contains(&"入户走访")));
    }
}
