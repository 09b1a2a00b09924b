//! What stands around every table: whose it is, of which day, and who signs.

use super::super::reading::Reading;
use super::super::sheet::{Column, Layout, Paper, in_words};

/// Who signs most tables.
pub const SIGNS: &str = "填表人：　　　　　　　　审核人：　　　　　　　　单位负责人（签字）：　　　　　　　　（单位盖章）";

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
