//! Issues in a list: their number, where they lie, how they stand and by when; what was asked for is on their page.

use std::collections::HashMap;

use jiff::civil::Date;
use minijinja::{Value, context};

use crate::db::{AreaTree, IssueRow, Session, StoreError};
use crate::domain::duty::Warning;
use crate::web::my::links::issue;

/// The issues of these ids, in their order.
pub(super) async fn lines(session: &mut Session, ids: &[String]) -> Result<Vec<Value>, StoreError> {
    let wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
    let rows = session.issue_rows(&wanted).await?;
    let rows: HashMap<&str, &IssueRow> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let (tree, today) = (session.area_tree().await?, session.today());
    let plan = session.campaign();
    let warning = |due_on: Date| plan.warning(due_on, today);
    let in_order = wanted.iter().filter_map(|id| rows.get(id));
    in_order.map(|row| line(row, &tree, warning)).collect()
}

fn line(
    row: &IssueRow,
    tree: &AreaTree,
    warning: impl Fn(Date) -> Warning,
) -> Result<Value, StoreError> {
    let (state, due_on) = (row.issue()?, row.due_on()?);
    let warning = due_on.filter(|_| !state.is_ended()).map(warning);
    let (mark, word) = match warning {
        Some(Warning::Red) => ("red", "▲ 超期"),
        Some(Warning::Yellow) => ("yellow", "● 临近"),
        _ => ("", ""),
    };
    let class = state.class.map(|class| {
        let (level, urgency) = (class.level.chinese(), class.urgency.chinese());
        format!("{level}，{}，{urgency}", class.category.chinese())
    });
    Ok(context! {
        to => issue(&row.number), number => row.number, state => state.state.chinese(), round => state.round,
        area => tree.get(&row.area_id).map(|area| area.name.clone()), due => due_on.map(|on| on.to_string()), mark,
        word, class,
    })
}
