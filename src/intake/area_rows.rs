//! Rows of a table of areas: what each is, by its own word or by its code.

use super::cells::Cells;
use super::kinds::Field;
use super::options::Options;
use super::people_rows::told;
use crate::app::areas::NewArea;
use crate::domain::area::{AreaKind, full_code, is_area_code, kind_of_code, kind_of_name};

pub(super) fn read_area(cells: &mut Cells<'_>, options: &Options) -> Option<NewArea> {
    let code = cells.optional(Field::AreaCode).map(full_code);
    let is_province = code.as_deref().is_some_and(|code| matches!(code.len(), 2 | 4));
    let is_coded = code.as_deref().is_none_or(is_area_code);
    if let Some(code) = code.as_deref().filter(|_| !is_coded && !is_province) {
        cells.wrong(Field::AreaCode, format!("「{code}」不是 12 位数字的区划代码"));
    }
    let name = cells.required(Field::AreaName);
    let kind = match (cells.optional(Field::AreaKind), code.as_deref()) {
        (None, Some(code)) if is_coded || is_province => coded_kind(cells, code, name),
        _ => told_kind(cells, code.as_deref()),
    };
    Some(NewArea {
        code: code.map(std::borrow::Cow::into_owned),
        name: name?.to_owned(),
        kind: kind?,
        parent: told(cells, Field::AreaParent, options),
        choices: options.choices,
    })
}

/// What a row says that an area is; a code that says otherwise is asked about.
fn told_kind(cells: &mut Cells<'_>, code: Option<&str>) -> Option<AreaKind> {
    let told = cells.word(Field::AreaKind, AreaKind::read, &AreaKind::choices())?;
    let of_code = code.and_then(kind_of_code).filter(|kind| *kind != told);
    let has_code = matches!(told, AreaKind::County | AreaKind::Town | AreaKind::Village);
    let Some(kind) = of_code.filter(|_| has_code) else { return Some(told) };
    let text = format!(
        "「{}」是{kind}一级的代码，这里写的却是{told}：请核对代码和类型；代码没有错、类型也没有错的，请把代码空着",
        code.unwrap_or_default()
    );
    cells.wrong(Field::AreaKind, text);
    None
}

/// What an area is by its code, as in official lists; where the name says otherwise, that's asked.
fn coded_kind(cells: &mut Cells<'_>, code: &str, name: Option<&str>) -> Option<AreaKind> {
    let name = name.unwrap_or_default();
    let Some(kind) = kind_of_code(code) else {
        let text = format!(
            "「{code}」不是县（市、区）、镇街或村的代码，本系统不收省、市两级：请删掉这一行；代码没有错的，请加上「区划类型」列写明类型"
        );
        cells.wrong(Field::AreaCode, text);
        return None;
    };
    match kind_of_name(name).filter(|named| *named != kind) {
        None => Some(kind),
        Some(named) => {
            let text = format!(
                "「{code}」是{kind}一级的代码，「{name}」却像{named}：请核对代码，或加上「区划类型」列写明类型"
            );
            cells.wrong(Field::AreaCode, text);
            None
        }
    }
}
