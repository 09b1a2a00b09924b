//! 明白纸: its text, on both sides of a sheet.

use serde::Serialize;

use super::super::reading::Reading;
use super::super::{Result, Templates};
use super::press::town;

/// What its text is given.
#[derive(Serialize)]
struct Given<'g> {
    town: &'g str,
    hotline: &'g str,
    year: i16,
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
    let sides: Vec<Side> = text.split("\n---").map(side).collect();
    templates.render("leaflet.html", minijinja::context! { town, sides })
}

fn side(text: &str) -> Side {
    let block = |line: &str| {
        let marks = [("## ", "head"), ("# ", "title"), ("> ", "sign")];
        let marked = marks.iter().find_map(|(mark, kind)| Some((line.strip_prefix(mark)?, *kind)));
        let (words, kind) = marked.unwrap_or((line, "text"));
        Block { kind, words: words.trim().to_owned() }
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.trim_matches('-').is_empty());
    Side(lines.map(block).collect())
}
