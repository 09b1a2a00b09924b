//! Rows that stand among a table's and are none of it: sums, notes, signatures, examples, its header again.

use super::header::{NOTES, Table, shown};
use super::kinds::{Field, Kind};
use super::row::Row;
use super::text::{Sort, clean, short};
use crate::domain::agreeing::before_bracket;
use crate::domain::area::kind_of_name;

/// Why a row isn't read that names the columns once more.
pub(super) const HEADER_AGAIN: &str = "又是表头";

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

/// What is written before the place where somebody signs, with a colon behind it.
const SIGNED: &[&str] =
    &["人", "签字", "签名", "签章", "盖章", "公章", "领导", "日期", "时间", "电话", "单位"];
/// So long are a label, and a name, number or day behind it.
const LABEL: usize = 12;
const SIGNATURE: usize = 16;

/// Whether it's a label or several with little behind each: 填表人：褚走, 领导签字： 日期：; and whether nothing stands behind the last.
fn signed(text: &str) -> Option<bool> {
    let mut parts = text.split([':', '：']).map(str::trim);
    let is_label = |text: &str| {
        let label = text.rsplit(char::is_whitespace).next().unwrap_or_default();
        let label = label.trim_end_matches([')', '）']);
        label.chars().count() <= LABEL && SIGNED.iter().any(|end| label.ends_with(end))
    };
    let first = parts.next().filter(|label| is_label(label))?;
    let rest: Vec<&str> = parts.collect();
    let (last, between) = rest.split_last()?;
    let is_short = |text: &str| text.chars().count() <= SIGNATURE + LABEL;
    let all = first.chars().count() <= LABEL
        && between.iter().all(|text| is_label(text) && is_short(text))
        && last.chars().count() <= SIGNATURE;
    all.then_some(last.is_empty())
}

/// Whether people sign there, and nothing else stands in the row: labels, and what stands behind an empty one.
fn is_signed(row: &Row) -> bool {
    let mut waits = None;
    row.cells.iter().filter(|cell| !cell.is_blank()).all(|cell| {
        let signed = signed(cell.text.trim());
        let fits = signed.is_some() || waits == Some(true);
        waits = signed.or(Some(false));
        fits
    }) && waits.is_some()
}

/// 第 2 页, 共 3 页, （续表）: what stands on each page.
fn is_of_a_page(text: &str) -> bool {
    let bare: String =
        text.chars().filter(|c| !c.is_whitespace() && !"()（）".contains(*c)).collect();
    let of_pages = |c: char| c.is_ascii_digit() || "第共页，,/一二三四五六七八九十".contains(c);
    matches!(bare.as_str(), "续" | "续表" | "接上页" | "转下页")
        || bare.ends_with('页') && bare.starts_with(['第', '共']) && bare.chars().all(of_pages)
}

/// 1 2 3, （1）（2）（3）, 甲 乙 1 2: the columns' own numbers.
fn are_numbers(row: &Row) -> bool {
    const STEMS: &str = "甲乙丙丁戊己庚辛壬癸";
    let bare = |text: &str| text.trim().trim_matches(['(', ')', '（', '）']).to_owned();
    let cells = row.cells.iter().filter(|cell| !cell.is_blank());
    let texts: Vec<String> = cells.map(|cell| bare(&cell.text)).collect();
    let stems =
        texts.iter().zip(STEMS.chars()).take_while(|(text, stem)| **text == stem.to_string());
    let stems = stems.count();
    let mut numbers = (1..).zip(&texts[stems..]);
    texts.len() >= 3 && numbers.all(|(number, text)| text.parse::<usize>() == Ok(number))
}

/// What stands in a row, to be compared with another.
fn told_in(row: &Row) -> Vec<String> {
    row.cells.iter().filter(|cell| !cell.is_blank()).map(|cell| shown(&cell.text)).collect()
}

/// How the label ends of a row that sums up others, as a spreadsheet's subtotals (分类汇总) are called: 高桥村 汇总, 张三 计数.
const SUMS: [&str; 11] =
    ["汇总", "小计", "合计", "总计", "共计", "计数", "求和", "平均值", "最大值", "最小值", "乘积"];

/// Whether a row sums up others: a label that says so, and else numbers at the most.
fn is_sum<'r>(texts: impl Iterator<Item = &'r str>) -> bool {
    let mut labels = 0;
    let others = texts.map(str::trim).filter(|text| !text.is_empty()).all(|text| {
        let is_label = text.chars().count() <= LABEL + SIGNATURE
            && SUMS.iter().any(|sum| text.trim_end_matches([':', '：']).ends_with(sum));
        labels += usize::from(is_label);
        is_label || is_amount(text)
    });
    others && labels > 0
}

/// 12, 3.5, 40%, 12户: how many or how much.
fn is_amount(text: &str) -> bool {
    let bare = text.trim_end_matches(['%', '％', '户', '人', '件', '个', '家', '次', '条']);
    let digits: String = bare.chars().filter(|c| !", ".contains(*c)).collect();
    digits.parse::<f64>().is_ok()
}

/// A village's name alone in a row, above its block: 高桥村, 一、高桥村（12户）, 高桥村：.
fn heads_a_block(text: &str) -> bool {
    const ORDINALS: &str = "一二三四五六七八九十0123456789、.．()（） ";
    let name = before_bracket(text.trim_start_matches(|c| ORDINALS.contains(c)));
    let name = name.trim().trim_end_matches([':', '：']);
    name.chars().count() <= LABEL + SIGNATURE && kind_of_name(name).is_some()
}

const TOTALS: [&str; 8] = ["合计", "总计", "小计", "共计", "汇总", "本页小计", "本页合计", "累计"];
const EXAMPLES: [&str; 6] = ["示例", "例", "样例", "范例", "填写示例", "举例"];

impl Table {
    /// How many columns it has, up to the last that has a name of its own: the copy of a refused file has one more.
    pub fn width(&self) -> usize {
        let own = |name: &String| !name.is_empty() && name != NOTES;
        self.names.iter().rposition(own).map_or(0, |last| last + 1)
    }

    /// Remembers a row above the header: on the next page it may stand again.
    pub fn note_above(&mut self, row: &Row) {
        let told = told_in(row);
        if (1..=2).contains(&told.len()) || is_signed(row) {
            self.above.push(told);
        }
    }

    /// Whether a row is its header again.
    pub fn is_its_header(&self, row: &Row) -> bool {
        row.number > self.place.header_row
            && self.columns.values().all(|column| {
                self.names.get(*column).is_some_and(|name| *name == shown(row.text(*column)))
            })
    }

    /// Why a row isn't one of the table's: it's passed over, and said so.
    pub fn passes_over(&self, row: &Row) -> Option<String> {
        let cells = || self.columns.values().filter_map(|column| row.cells.get(*column));
        if cells().all(|cell| cell.text.trim().is_empty() && cell.flaw.is_none()) {
            return Some("没有用到的列里有内容".to_owned());
        }
        if row.number == self.place.header_row + 1 && are_numbers(row) {
            return Some("是列的序号".to_owned());
        }
        let first = row.cells.iter().find(|cell| !cell.is_blank())?;
        let first = clean(&first.text, Sort::Short).ok()?;
        let mark = first.trim_end_matches([':', '：', ')', '）']).trim_start_matches(['(', '（']);
        if EXAMPLES.contains(&mark) {
            return Some(format!("「{}」，是填写的例子", short(&first)));
        }
        if self.is_its_header(row) {
            return Some(HEADER_AGAIN.to_owned());
        }
        if self.above.contains(&told_in(row)) {
            return Some(format!("「{}」，和表头上面的一样", short(&first)));
        }
        let is_total = TOTALS.iter().any(|word| {
            let rest = first.strip_prefix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '(', '：']))
        });
        let goes_on = self.goes_on_in_words(row);
        if !goes_on && is_sum(row.cells.iter().map(|cell| cell.text.as_str())) {
            return Some(format!("「{}」", short(&first)));
        }
        // Of these an area alone is a row in which something was left out.
        let is_of_areas =
            matches!(self.kind, Kind::Areas | Kind::AreaAssignments | Kind::Confirmations);
        if !goes_on && !is_of_areas && told_in(row).len() == 1 && heads_a_block(&first) {
            return Some(format!("「{}」，是小标题", short(&first)));
        }
        let is_note = FOOTERS.iter().any(|word| first.starts_with(word)) || is_count(&first);
        let is_foot = is_note && self.says_little(row) || is_signed(row) && !goes_on;
        let is_of_a_page = told_in(row).len() == 1 && is_of_a_page(&first);
        (is_total || is_foot || is_of_a_page).then(|| format!("「{}」", short(&first)))
    }

    /// Whether a row begins in a column of words, where the row above may go on.
    fn goes_on_in_words(&self, row: &Row) -> bool {
        let first = row.cells.iter().position(|cell| !cell.is_blank());
        let mut free = self.columns.iter().filter(|(field, _)| field.sort() == Sort::Free);
        let text = first.map(|first| row.text(first).trim()).unwrap_or_default();
        free.any(|(_, column)| Some(*column) == first) && signed(text) != Some(true)
    }

    /// Whether a row says too little to be one of the table's.
    fn says_little(&self, row: &Row) -> bool {
        let is_told = |field: &&Field| {
            let column = self.columns.get(field);
            column.is_some_and(|column| !row.text(*column).trim().is_empty())
        };
        told_in(row).len() <= 2 || self.kind.columns().0.iter().filter(is_told).count() <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::{are_numbers, heads_a_block, is_of_a_page, is_signed, is_sum};
    use crate::intake::row::{Cell, Row};

    fn row(texts: &[&str]) -> Row {
        Row { number: 9, cells: texts.iter().map(|text| Cell::of(*text)).collect() }
    }

    #[test]
    fn where_people_sign_nothing_else_stands() {
        for foot in [
            &["填表人：褚走", "审核人：", "", "", "填表日期：2022-03-09"][..],
            &["领导签字：                日期："],
            &["填表人：", "褚走", "", "审核人：", "李四"],
            &["制表单位（盖章）：柴胡店镇人民政府", "", "联系电话:0632-5560001"],
            &["负责人：张三  填表人：李四  日期：2022年3月9日"],
        ] {
            assert!(is_signed(&row(foot)), "{foot:?}");
        }
        for data in [
            &["2022-03-05", "褚走", "H1"][..],
            &["填表人：褚走", "H1", "王建国"],
            &["", "", "", "反映人：张三说村口的路灯坏了半个月也没有人来修，请尽快"],
            &["路灯：不亮"],
            &["褚走"],
        ] {
            assert!(!is_signed(&row(data)), "{data:?}");
        }
    }

    #[test]
    fn sums_and_headings_of_blocks_are_known() {
        for sum in [
            &["高桥村 汇总", "", "12"][..],
            &["", "", "褚走 计数", "3"],
            &["小计", "12户", "30人"],
            &["1", "高桥村小计：", "40%"],
            &["总计", "1,204"],
        ] {
            assert!(is_sum(sum.iter().copied()), "{sum:?}");
        }
        for row in [
            &["CHD2022-000001", "已汇总"][..],
            &["H1", "褚走"],
            &["12", "3"],
            &["", ""],
            &["合计超市", "H12"],
        ] {
            assert!(!is_sum(row.iter().copied()), "{row:?}");
        }
        for heading in
            ["高桥村", "一、高桥村（12户）", "2.杨桥村：", "（三）西村社区", "高桥村委会"]
        {
            assert!(heads_a_block(heading), "{heading}");
        }
        for other in ["王建国", "路灯不亮", "H1", "12", "高桥村路灯不亮"] {
            assert!(!heads_a_block(other), "{other}");
        }
    }

    #[test]
    fn numbers_of_columns_and_of_pages_are_known() {
        for numbers in [
            &["1", "2", "3"][..],
            &["甲", "乙", "丙", "丁"],
            &["甲", "乙", "1", "2"],
            &["（1）", "（2）", "(3)"],
        ] {
            assert!(are_numbers(&row(numbers)), "{numbers:?}");
        }
        for other in [&["1", "3", "2"][..], &["甲", "丙", "乙"], &["甲", "乙"]] {
            assert!(!are_numbers(&row(other)), "{other:?}");
        }
        for page in ["第 2 页", "第1页 共3页", "（续表）", "第 2 页/共 3 页", "第二页"]
        {
            assert!(is_of_a_page(page), "{page}");
        }
        for other in ["第2组", "共青团", "网页打不开", "第一页纸"] {
            assert!(!is_of_a_page(other), "{other}");
        }
    }
}
