//! Rows that stand among a table's and are none of it: sums, notes, signatures, examples, its header again.

use super::header::{NOTES, Table, shown};
use super::row::Row;
use super::text::{Sort, clean, short};

/// How the rows below a table begin that people sign.
const FOOTERS: &[&str] = &[
    "注:",
    "备注:",
    "说明:",
    "填表",
    "填报",
    "制表",
    "审核",
    "复核",
    "负责人:",
    "联系人:",
    "单位负责人",
    "分管领导",
    "主要领导",
    "联系电话",
    "电话:",
    "以下空白",
    "以下无正文",
    "签字",
    "签名",
    "盖章",
    "(盖章)",
    "日期:",
    "年 月 日",
];

/// 共1户: how much there is.
fn is_count(text: &str) -> bool {
    text.strip_prefix('共').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl Table {
    /// How many columns it has, up to the last that has a name of its own: the copy of a refused file has one more.
    pub fn width(&self) -> usize {
        let own = |name: &String| !name.is_empty() && name != NOTES;
        self.names.iter().rposition(own).map_or(0, |last| last + 1)
    }

    /// Why a row isn't one of the table's: it's passed over, and said so.
    pub fn passes_over(&self, row: &Row) -> Option<String> {
        let used = || self.columns.values().map(|column| row.text(*column));
        if used().all(|text| text.trim().is_empty())
            && !self
                .columns
                .values()
                .any(|column| row.cells.get(*column).is_some_and(|cell| cell.flaw.is_some()))
        {
            return Some("没有用到的列里有内容".to_owned());
        }
        let first = row.cells.iter().find(|cell| !cell.is_blank())?;
        let first = clean(&first.text, Sort::Short).ok()?;
        let is_total = ["合计", "总计", "小计", "共计", "汇总", "本页小计", "本页合计", "累计"]
            .iter()
            .any(|word| {
                first
                    .strip_prefix(word)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '(', '：']))
            });
        let is_note = FOOTERS.iter().any(|word| first.starts_with(word)) || is_count(&first);
        let few = row.cells.iter().filter(|cell| !cell.is_blank()).count() <= 2
            || self
                .kind
                .columns()
                .0
                .iter()
                .filter(|field| {
                    self.columns
                        .get(field)
                        .is_some_and(|column| !row.text(*column).trim().is_empty())
                })
                .count()
                <= 1;
        let is_header = row.number > self.place.header_row
            && self.columns.values().all(|column| {
                self.names.get(*column).is_some_and(|name| *name == shown(row.text(*column)))
            });
        let numbers = row.cells.iter().filter(|cell| !cell.is_blank());
        let is_numbers = row.number == self.place.header_row + 1
            && numbers.clone().count() >= 3
            && numbers.enumerate().all(|(at, cell)| {
                let text = cell.text.trim().trim_matches(['(', ')', '（', '）']);
                text.parse::<usize>() == Ok(at + 1)
            });
        if is_numbers {
            return Some("是列的序号".to_owned());
        }
        const EXAMPLE: [&str; 6] = ["示例", "例", "样例", "范例", "填写示例", "举例"];
        if EXAMPLE.contains(
            &first.trim_end_matches([':', '：', ')', '）']).trim_start_matches(['(', '（']),
        ) {
            return Some(format!("「{}」，是填写的例子", short(&first)));
        }
        match (is_total, is_note && few, is_header) {
            (true, _, _) | (_, true, _) => Some(format!("「{}」", short(&first))),
            (_, _, true) => Some("又是表头".to_owned()),
            _ => None,
        }
    }
}
