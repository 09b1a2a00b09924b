//! What stands around every table: whose it is, of which day, and who signs.

use super::super::reading::Reading;
use super::super::sheet::{Column, Layout, Paper, in_words};

/// Who signs most tables.
pub const SIGNS: &str = "填表人：　　　　　　　　审核人：　　　　　　　　单位负责人（签字）：　　　　　　　　（单位盖章）";

/// The same where what it says is only known of today: that day stands on it, whatever day is asked for.
pub fn layout_of_today(
    reading: &Reading,
    name: &'static str,
    title: &str,
    paper: Paper,
    columns: &'static [Column],
) -> Layout {
    let right = format!("填报日期：{}", in_words(reading.today()));
    Layout { right, ..layout(reading, name, title, paper, columns) }
}

/// What is said under a table of which some is only known of today, where another day is asked for.
pub fn of_today(reading: &Reading, what: &str) -> Option<String> {
    let (on, today) = (reading.span.on, reading.today());
    (on < today).then(|| {
        format!(
            "注：{what}是{}的，不是{}的；其余是{}的。",
            in_words(today),
            in_words(on),
            in_words(on)
        )
    })
}

/// What stands around a table of this reading.
pub fn layout(
    reading: &Reading,
    name: &'static str,
    title: &str,
    paper: Paper,
    columns: &'static [Column],
) -> Layout {
    let phase = reading.phase.map(|phase| format!("　　阶段：{phase}")).unwrap_or_default();
    let hidden = if reading.reveals { "" } else { "　　（个人信息已隐去）" };
    Layout {
        name,
        title: title.to_owned(),
        left: format!("填报单位：{}{phase}{hidden}", reading.of),
        right: format!("填报日期：{}", in_words(reading.span.on)),
        paper,
        columns,
    }
}
