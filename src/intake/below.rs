//! Rows below a header that are none of its table and nothing to pass over: more of the header, another table's header.

use super::header::{Table, kind_named_by, shown, two_rows_hint};
use super::kinds::Field;
use super::names::plain;
use super::row::Row;

/// Whether the row below a header goes on with it: it names columns that the header lacks.
pub(super) fn goes_on(table: &Table, row: &Row) -> Option<String> {
    if row.number != table.place.header_row + 1 {
        return None;
    }
    let names = row.cells.iter().map(|cell| plain(&cell.text)).filter(|name| !name.is_empty());
    let fields: Vec<Option<Field>> = names.map(|name| table.kind.field(&name)).collect();
    let is_new = |field: &Option<Field>| field.is_some_and(|of| !table.columns.contains_key(&of));
    let goes_on = fields.iter().all(Option::is_some) && fields.iter().any(is_new);
    if goes_on {
        return Some(two_rows_hint(table.kind, table.place.header_row));
    }
    parts(table, row)
}

/// What to do where the row below a header parts one of its columns, as where somebody ticks under the words.
fn parts(table: &Table, row: &Row) -> Option<String> {
    let name = |column: usize| table.names.get(column).filter(|name| !name.is_empty());
    let mut parted: Vec<(usize, usize, String)> = Vec::new();
    for (column, cell) in row.cells.iter().enumerate().filter(|(_, cell)| !cell.is_blank()) {
        let part = shown(&cell.text);
        if name(column) != Some(&part) {
            let over = (0..=column).rev().find(|at| name(*at).is_some())?;
            parted.push((over, column, part));
        }
    }
    let (over, last) = (parted.first()?.0, parted.last()?.1);
    let is_one = parted.len() > 1 && last > over && parted.iter().all(|(at, ..)| *at == over);
    if !is_one || !table.columns.values().any(|used| *used == over) {
        return None;
    }
    let words: Vec<&str> = parted.iter().map(|(.., part)| part.as_str()).collect();
    let (of, at, below) = (name(over)?, table.place.header_row, row.number);
    Some(format!(
        "第 {at}、{below} 行像是分成两行写的表头：「{of}」下面分成了 {} 列（{}）。请改成一列「{of}」，每行写选中的那个词（如「{}」），删掉第 {below} 行，再导入",
        words.len(),
        words.join("、"),
        words[0]
    ))
}

/// What to do with another table that begins below this one.
pub(super) fn another(table: &Table, row: &Row) -> Option<String> {
    let texts = || row.cells.iter().filter(|cell| !cell.is_blank()).map(|cell| cell.text.trim());
    let may_be_name = |text: &str| text.len() <= 60 && !text.contains(|c: char| c.is_ascii_digit());
    // Each row comes by here.
    if texts().take(3).count() < 2 || !texts().take(3).all(may_be_name) {
        return None;
    }
    let kind = kind_named_by(row).filter(|_| !table.is_its_header(row))?;
    Some(format!(
        "第 {} 行起像是另一张表（{kind}）：一个工作表里只放一张表，请把它放到另一个工作表或另一个文件，再导入",
        row.number
    ))
}
