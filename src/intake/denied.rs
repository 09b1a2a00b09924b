//! What stands in a column that isn't used may take back what the row says: it's asked, never passed over.

use super::cells::Cells;
use super::kinds::Field;
use super::text::short;
use crate::domain::demand::is_nobody_met;
use crate::domain::issue::State;
use crate::domain::saying::{self, Saying};
use crate::domain::staff::LEFT;

/// What a column asks that 否 denies; 未婚 is no answer to any of it.
const ASKS: [&str; 20] = [
    "办", "结", "完", "确认", "签收", "进度", "履行", "解决", "落实", "批", "状态", "属实", "上报",
    "受理", "销号", "有效", "同意", "走访", "见面", "入户",
];
const OTHER: [&str; 6] = ["未婚", "未见", "未成年", "未满", "待遇", "待人"];
/// What isn't to count.
const VOID: [&str; 16] = [
    "作废",
    "已取消",
    "取消",
    "撤销",
    "重复",
    "不属实",
    "拒签",
    "不同意",
    "不予受理",
    "暂不上报",
    "不上报",
    "不受理",
    "未到位",
    "又坏",
    "又漏",
    "又堵",
];
/// How what is still to come begins.
const TO_COME: [&str; 9] = ["尚", "预计", "计划", "拟", "下周", "下月", "部分", "待", "暂未"];

/// What stands beside it may say that it isn't done, or isn't to be: 是否办结 否, 进度 50%, 审批结果 未批准, 备注 作废.
pub(super) fn check_beside(cells: &mut Cells<'_>, field: Field) {
    let named = cells.said_besides().map(|(_, name, text)| (name.to_owned(), text));
    let found = named.chain(cells.unnamed()).find(|(name, text)| denies(name, text));
    let cure = "，和这一格对不上：没有做完、不算数的请清空这一格；不相干的";
    ask(cells, field, found, cure);
}

/// A classification of what the row itself says isn't to count: 是否属实 否, 备注 作废.
pub(super) fn check_counts(cells: &mut Cells<'_>) {
    let is_void = |name: &str, text: &str| {
        let asks = ["属实", "上报", "受理", "有效"].iter().any(|of| name.contains(of));
        asks && matches!(text, "否" | "不" | "不是") || is_void(text)
    };
    let cure = "：不要分类上报的请删去这一行；照样分类的、这一列不相干的，";
    let found = unused_that(cells, is_void);
    ask(cells, Field::Level, found, cure);
}

/// A visit that the row itself says wasn't made.
pub(super) fn check_visited(cells: &mut Cells<'_>) {
    const OF_A_VISIT: [&str; 5] = ["走访", "见面", "入户", "到访", "状态"];
    let says_no = |name: &str, text: &str| {
        OF_A_VISIT.iter().any(|of| name.contains(of)) && (denies(name, text) || is_nobody_met(text))
            || ["作废", "未走访", "没有走访"].iter().any(|void| text.contains(void))
    };
    let cure = "：没有走访到的请从这张表里删掉这一行；确已走访、这一列不相干的，";
    let found = unused_that(cells, says_no);
    ask(cells, Field::Date, found, cure);
}

/// Somebody of whom the row itself says that they aren't there any more.
pub(super) fn check_here(cells: &mut Cells<'_>, field: Field, cure: &str) {
    const GONE: [&str; 11] =
        [LEFT, "调离", "离职", "退休", "辞职", "去世", "死亡", "病故", "外迁", "迁出", "注销"];
    let is_gone = |name: &str, text: &str| {
        let asks = ["在岗", "在职", "是否走访"].iter().any(|of| name.contains(of));
        let is_dated =
            (name.contains("离岗") || name.contains("离职")) && !saying::is_nothing(text);
        is_dated
            || asks && matches!(text, "否" | "不" | "不在" | "无")
            || text.chars().count() <= SHORT && GONE.iter().any(|gone| text.contains(gone))
    };
    let found = unused_that(cells, is_gone);
    ask(cells, field, found, &format!("：{cure}；不相干的"));
}

/// The first column of the row that isn't used and says so: its name and its text.
fn unused_that<'t>(
    cells: &Cells<'t>,
    says_so: impl Fn(&str, &str) -> bool,
) -> Option<(String, &'t str)> {
    let mut unused = cells.said_besides().map(|(_, name, text)| (name, text));
    unused.find(|(name, text)| says_so(name, text)).map(|(name, text)| (name.to_owned(), text))
}

/// Refuses the row for what stands there, where anything does: with what to do, or how to leave the column out.
fn ask(cells: &mut Cells<'_>, field: Field, found: Option<(String, &str)>, cure: &str) {
    let Some((name, text)) = found else { return };
    let text = short(text);
    let text =
        format!("旁边的「{name}」写的是「{text}」{cure}请在导入命令后加 --ignore-column {name}");
    cells.wrong(field, text);
}

/// A word or two that make a row void; a longer text may speak of something else.
fn is_void(text: &str) -> bool {
    text.chars().count() <= SHORT && VOID.iter().any(|void| text.contains(void))
}

/// So many characters are a note about the row, and no text.
const SHORT: usize = 10;

fn denies(name: &str, text: &str) -> bool {
    let is_asked = !["否", "不"].contains(&text) || ASKS.iter().any(|of| name.contains(of));
    let is_of_this = !OTHER.iter().any(|other| text.starts_with(other));
    let why_not = ["未办结原因", "未完成原因", "未解决原因"].iter().any(|why| name.contains(why));
    State::read(text).is_none()
        && is_asked
        && is_of_this
        && (why_not && !saying::is_nothing(text)
            || saying::of(text) == Saying::NotYet
            || saying::is_less_than_all(text)
            || saying::takes_back(text)
            || is_void(text)
            || TO_COME.iter().any(|begin| text.starts_with(begin))
            || text.starts_with("未"))
}
