//! 明白纸: its text, on both sides of a sheet.

use serde::Serialize;

use super::super::plain::bare;
use super::super::reading::Reading;
use super::super::trial::try_out;
use super::super::{ReportError, Result, Templates};
use super::press::town;

/// What its text is given.
#[derive(Default, Serialize)]
struct Given<'g> {
    town: &'g str,
    hotline: &'g str,
    year: i16,
}

/// What its page is given.
#[derive(Serialize)]
struct Sheet<'s> {
    town: &'s str,
    sides: Vec<Side>,
}

/// A side: its blocks.
#[derive(Serialize)]
struct Side(Vec<Block>);

#[derive(Serialize)]
struct Block {
    /// title, head or text
    kind: &'static str,
    words: String,
}

pub fn leaflet(reading: &Reading, templates: &Templates) -> Result<String> {
    let (town, plan) = (town(reading), &reading.plan);
    let given = Given { town: &town, hotline: &plan.hotline, year: plan.starts_on().year() };
    let text = templates.render("leaflet.txt", given)?;
    templates.render("leaflet.html", Sheet { town: &town, sides: sides(&text) })
}

/// What is wrong with its templates.
pub fn tried(templates: &Templates) -> Vec<ReportError> {
    let text = try_out(templates, "leaflet.txt", Given::default(), Given::default());
    let sheet = |text| Sheet { town: "", sides: sides(text) };
    let full = sheet("# 题\n## 一\n文\n> 款");
    let page = try_out(templates, "leaflet.html", full, sheet(""));
    text.into_iter().chain(page).collect()
}

fn sides(text: &str) -> Vec<Side> {
    text.split("\n---").map(side).collect()
}

fn side(text: &str) -> Side {
    let block = |line: &str| {
        let marks = [("## ", "head"), ("# ", "title"), ("> ", "sign")];
        let marked = marks.iter().find_map(|(mark, kind)| Some((line.strip_prefix(mark)?, *kind)));
        let (words, kind) = marked.unwrap_or((line, "text"));
        Block { kind, words: bare(words.trim()) }
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.trim_matches('-').is_empty());
    Side(lines.map(block).collect())
}
