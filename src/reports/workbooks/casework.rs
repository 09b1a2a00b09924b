//! 附件4: what was heard, who said it and how they are reached, and that it was passed on.

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Case, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::{SIGNS, layout};

const OPINIONS: &[Column] = &[
    middle("序号", 6.0),
    middle("村", 14.0),
    middle("走访日期", 12.0),
    middle("对象编号", 12.0),
    middle("群众姓名", 11.0),
    middle("联系方式", 14.0),
    words("意见建议（反映的问题）", 38.0),
    middle("类别", 10.0),
    middle("走访人员", 11.0),
    middle("网格员签收", 12.0),
    middle("问题编号", 17.0),
];

pub async fn opinions(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "群众意见建议记录表", "群众意见建议记录表", Paper::A4, OPINIONS);
    let mut sheet = book.sheet(of)?;
    let (mut pages, mut void, mut noted) = (reading.pages(), 0_i64, 0_i64);
    while let Some((place, cases)) = pages.issues(reading).await? {
        for case in &cases {
            if case.is_void() {
                void += 1;
                continue;
            }
            noted += i64::from(case.course.noted_on.is_some());
            sheet.row(&heard(reading, &place, case))?;
        }
    }
    let count = sheet.count();
    let total =
        format!("合计：{count} 条，网格员或镇相关部门已签收 {noted} 条。{}", without_void(void));
    sheet.end(&[total], SIGNS)?;
    Ok(count)
}

/// What is said of those that aren't listed.
pub fn without_void(void: i64) -> String {
    if void == 0 { String::new() } else { format!("另有作废的 {void} 条，没有列入。") }
}

fn heard(reading: &Reading, place: &Place, case: &Case) -> Vec<Cell> {
    let line = &case.line;
    let category = case.issue.class.map(|class| class.category.chinese());
    vec![
        place.village.as_str().into(),
        line.heard_on.into(),
        line.subject.as_str().into(),
        reading.name(&line.resident).into(),
        reading.contact(line.contact.as_deref()).into(),
        reading.text(case).into(),
        category.unwrap_or("待分类").into(),
        reading.person(Some(&line.heard_by)).into(),
        case.course.noted_on.into(),
        line.number.as_str().into(),
    ]
}
