//! The ledger as a workbook: what the list shows from where its reader stands on, with the filter in words. Written down as done.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use serde_json::json;

use super::ledger::{Line, Shown, told, wanted_of};
use super::ledger_wanted::Wanted;
use super::who::{Posted, Who};
use crate::app::ledger::{Sought, list};
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::reports::{Book, Cell, Column, Layout, Paper, ReportError, in_words, middle, words};
use crate::web::unavailable::unavailable;

/// So many rows a workbook has at the most; read so many at once.
const MOST: usize = 20_000;
const AT_ONCE: usize = 500;
/// So often a page of the list is read for one workbook.
const MOST_READS: usize = 60;

const COLUMNS: &[Column] = &[
    middle("序号", 6.0),
    middle("村", 14.0),
    middle("问题编号", 18.0),
    middle("状态", 10.0),
    middle("对象编号", 12.0),
    words("反映问题", 28.0),
    middle("责任层级", 12.0),
    middle("类别", 12.0),
    middle("轻重缓急", 10.0),
    middle("办结期限", 12.0),
    middle("是否超期", 10.0),
    middle("在谁手里", 10.0),
    middle("登记日期", 12.0),
];

/// What is exported.
struct Taken {
    lines: Vec<Line>,
    told: String,
    on: Date,
    /// Whether there is more.
    cut: bool,
}

/// POST /my/export/issues
pub(super) async fn export(
    State(daemon): State<Arc<Daemon>>,
    Posted { who, fields }: Posted,
) -> Response {
    let wanted = wanted_of(&fields);
    let made = async {
        let taken = taken(&daemon, &who, &wanted).await?;
        let detail = json!({ "filter": taken.told, "rows": taken.lines.len() });
        let mut tx = who.store(&daemon).begin().await?;
        tx.audit(&who.person.signed(), "export_issues", "issues", &detail).await?;
        tx.commit().await?;
        let written = tokio::task::spawn_blocking(move || {
            workbook(&taken).map_err(|error| error.to_string())
        });
        written.await.map_err(|panic| panic.to_string()).flatten().map_err(StoreError::Rule)
    };
    match made.await {
        Ok(bytes) => {
            let headers = [
                (
                    header::CONTENT_TYPE,
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ),
                (
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"issues.xlsx\"; filename*=UTF-8''%E5%8F%B0%E8%B4%A6.xlsx",
                ),
            ];
            (headers, bytes).into_response()
        }
        Err(error) => unavailable(&error),
    }
}

/// Reads a page after the other, each by a snapshot of its own, so that none is held for long.
async fn taken(daemon: &Daemon, who: &Who, wanted: &Wanted) -> Result<Taken, StoreError> {
    let on = daemon.store.context().clock.today();
    let mut taken = Taken { lines: Vec::new(), told: String::new(), on, cut: false };
    let mut wanted = wanted.clone();
    for _ in 0..MOST_READS {
        let mut record = daemon.pages.snapshot().await?;
        let tree = record.area_tree().await?;
        let (asked, _) = wanted.asked(&tree, AT_ONCE);
        let listed = list(&mut record, &who.person, &asked, &Sought::default()).await?;
        let (plan, today) = (record.campaign().clone(), record.today());
        let context = record.shared_context();
        record.end().await?;
        taken.told = told(&wanted, &tree);
        let shows = Shown { tree: &tree, plan: &plan, context: &context, who, today };
        for row in &listed.rows {
            taken.lines.push(shows.line(row)?);
        }
        taken.cut = listed.next.is_some();
        match listed.next {
            Some(place) if taken.lines.len() < MOST => wanted = wanted.behind(&place),
            _ => break,
        }
    }
    Ok(taken)
}

fn workbook(taken: &Taken) -> Result<Vec<u8>, ReportError> {
    let filter = if taken.told.is_empty() { "没有筛选" } else { &taken.told };
    let mut book = Book::new("问题台账", taken.on)?;
    let mut sheet = book.sheet(Layout {
        name: "台账",
        title: "问题台账".to_owned(),
        left: format!("条件：{filter}"),
        right: format!("导出日期：{}", in_words(taken.on)),
        paper: Paper::A4,
        columns: COLUMNS,
    })?;
    for line in &taken.lines {
        let late = if line.late { "超期" } else { "" };
        let cells = [
            line.area.as_str(),
            &line.number,
            line.state,
            &line.subject,
            &line.text,
            line.level,
            line.category,
            line.urgency,
            &line.due,
            late,
            line.holder,
            &line.registered,
        ];
        sheet.row(&cells.map(Cell::from))?;
    }
    let all = match taken.cut {
        true => "没有导完：条件里的问题太多，请按村或状态分几次导出",
        false => "已全部导出",
    };
    let totals = [
        format!("合计：{} 件，{all}。", taken.lines.len()),
        "反映的内容已隐去；要看的请打开问题页面，查看会记入审计。".to_owned(),
    ];
    sheet.end(&totals, "")?;
    book.bytes()
}
