//! What is missing, by name (三(一) 镇不漏村、村不漏户、户不漏人): as the record is now, which stands on it whatever day is asked for.

use super::super::Asked;
use super::super::Result;
use super::super::missing::{Wanted, ended, lines, sums};
use super::super::reading::Reading;
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::{SIGNS, layout_of_today};
use crate::db::Store;

/// In the order of [`NAMES`](super::super::missing::NAMES).
const MISSING: &[Column] = &[
    middle("序号", 6.0),
    middle("总支", 14.0),
    middle("村", 14.0),
    middle("对象编号", 12.0),
    words("对象", 14.0),
    middle("群众", 10.0),
    middle("缺什么", 14.0),
    middle("问题编号", 17.0),
    words("责任人", 17.0),
    middle("期限", 12.0),
    middle("是否超期", 9.0),
];

pub async fn missing(
    store: &Store,
    reading: &Reading,
    book: &mut Book,
    asked: &Asked,
) -> Result<i64> {
    let within = asked.area.clone();
    let wanted = Wanted { within, own: asked.own, reveals: asked.reveals, ..Wanted::default() };
    let of = layout_of_today(reading, "缺项清单", "走访活动缺项清单", Paper::A4, MISSING);
    let mut sheet = book.sheet(of)?;
    let lines = lines(store, &wanted).await?;
    let sums = sums(&lines);
    for (_, cells, _) in lines {
        sheet.row(&cells.into_iter().map(Cell::from).collect::<Vec<_>>())?;
    }
    let count = sheet.count();
    let mut totals = vec![
        format!("合计：{sums}。"),
        format!(
            "与首页「任务」同样按项计；列成 {count} 行，一户有几名群众没有走访到的，每人一行。"
        ),
    ];
    let ended = ended(store, &wanted).await?;
    if ended.count() > 0 {
        let count = ended.count();
        totals.push(format!("另有没走访就不再走访的 {count} 个（{ended}），不算缺。"));
    }
    if reading.span.on < reading.today() {
        totals.push(
            "注：缺什么只有今天的，没有以前某一天的；要看那天的，请用那天写出的清单。".to_owned(),
        );
    }
    sheet.end(&totals, SIGNS)?;
    Ok(count)
}
