//! 附件6: every issue, by level and category; and how many there are of each.

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Case, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::super::tier::Tiers;
use super::casework::without_void;
use super::frame::{SIGNS, layout};
use crate::domain::issue::{Category, Level};

const ISSUES: &[Column] = &[
    middle("序号", 6.0),
    middle("总支", 14.0),
    middle("村", 14.0),
    middle("问题编号", 17.0),
    middle("对象编号", 12.0),
    middle("群众姓名", 11.0),
    middle("联系方式", 14.0),
    words("反映的问题", 42.0),
    middle("责任层级", 11.0),
    middle("类别", 10.0),
    middle("轻重缓急", 9.5),
    middle("责任单位", 15.0),
    middle("走访人员", 11.0),
    middle("走访日期", 12.0),
    middle("办结期限", 12.0),
    middle("状态", 10.0),
];

const TIERS: &[Column] = &[
    middle("序号", 6.0),
    middle("责任层级", 28.0),
    middle("居住环境", 11.0),
    middle("社会治安", 11.0),
    middle("基本医疗", 11.0),
    middle("文体生活", 11.0),
    middle("基础教育", 11.0),
    middle("社会帮扶", 11.0),
    middle("其他", 11.0),
    middle("合计", 11.0),
];

pub async fn issues(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "问题清单", "问题清单", Paper::A3, ISSUES);
    let mut sheet = book.sheet(of)?;
    let (mut pages, mut tiers) = (reading.pages(), Tiers::default());
    let (mut void, mut resolved) = (0_i64, 0_i64);
    while let Some((place, cases)) = pages.issues(reading).await? {
        for case in &cases {
            if case.is_void() {
                void += 1;
                continue;
            }
            tiers.add(case);
            resolved += i64::from(case.is_resolved());
            sheet.row(&listed(reading, &place, case))?;
        }
    }
    let count = sheet.count();
    let of_level = |level: Level| tiers.count(Some(level), None);
    let total = format!(
        "合计：{count} 件，其中镇和村解决的 {} 件，镇和市直部门联动解决的 {} 件，市直部门单独解决的 {} 件，待分类的 {} 件；已解决 {resolved} 件。{}",
        of_level(Level::Town),
        of_level(Level::Joint),
        of_level(Level::City),
        tiers.unclassified(),
        without_void(void)
    );
    sheet.end(&[total], SIGNS)?;
    by_tier(reading, book, &tiers, count)?;
    Ok(count)
}

fn listed(reading: &Reading, place: &Place, case: &Case) -> Vec<Cell> {
    let (line, class) = (&case.line, case.issue.class);
    vec![
        place.branch.as_str().into(),
        place.village.as_str().into(),
        line.number.as_str().into(),
        line.subject.as_str().into(),
        reading.name(&line.resident).into(),
        reading.contact(line.contact.as_deref()).into(),
        reading.text(case).into(),
        class.map_or("待分类", |class| class.level.chinese()).into(),
        class.map_or("", |class| class.category.chinese()).into(),
        class.map_or("", |class| class.urgency.chinese()).into(),
        reading.unit_of(case).into(),
        reading.person(Some(&line.heard_by)).into(),
        line.heard_on.into(),
        case.due_on.into(),
        case.issue.state.chinese().into(),
    ]
}

fn by_tier(reading: &Reading, book: &mut Book, tiers: &Tiers, count: i64) -> Result<()> {
    let of = layout(reading, "分类统计", "问题分类统计表", Paper::A4, TIERS);
    let mut sheet = book.sheet(of)?;
    let named = [
        ("镇和村解决的问题", Some(Level::Town)),
        ("镇和市直部门联动解决的问题", Some(Level::Joint)),
        ("市直部门单独解决的问题", Some(Level::City)),
        ("已分类合计", None),
    ];
    for (name, level) in named {
        let each = Category::ALL.iter().map(|category| tiers.count(level, Some(*category)));
        let each: Vec<i64> = each.collect();
        let sum = each.iter().sum::<i64>();
        let cells = std::iter::once(Cell::from(name)).chain(each.into_iter().map(Cell::from));
        sheet.row(&cells.chain([Cell::from(sum)]).collect::<Vec<_>>())?;
    }
    let total = format!("总计 {count} 件，其中待分类的 {} 件。", tiers.unclassified());
    sheet.end(&[total], SIGNS)
}
