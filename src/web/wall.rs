//! 挂图作战: villages by the plan's phases, as the kept figures have them, the worst first. Made once for the page of whoever signs in
//! and for a television's.

use jiff::civil::Date;
use serde::Serialize;

use crate::db::FiguresLine;
use crate::domain::campaign::Campaign;
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Counts, Order};
use crate::domain::wall::{Cell, Tone, cells};

/// How one phase stands somewhere, as it's shown.
#[derive(Debug, Serialize)]
pub(super) struct WallCell {
    pub phase: &'static str,
    pub title: &'static str,
    pub class: &'static str,
    pub mark: &'static str,
    pub word: String,
    /// In a few characters.
    pub short: String,
    pub done: i64,
    pub whole: i64,
}

/// A line of the chart.
#[derive(Debug, Serialize)]
pub(super) struct WallLine {
    /// Of its area; nothing for a person.
    pub id: String,
    pub name: String,
    pub cells: Vec<WallCell>,
    pub late: i64,
}

/// By what plan, and on which day, it's seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'p> {
    pub plan: &'p Campaign,
    pub today: Date,
}

impl Seen<'_> {
    pub fn line(self, id: String, name: String, counts: &Counts) -> WallLine {
        WallLine { id, name, cells: self.cells(counts), late: counts.late }
    }

    pub fn cells(self, counts: &Counts) -> Vec<WallCell> {
        cells(counts, self.plan, self.today).into_iter().map(shown).collect()
    }

    /// The lines, whoever is furthest behind first, whatever their size.
    pub fn worst_first(self, mut figures: Vec<(String, FiguresLine)>) -> Vec<WallLine> {
        let visits_due = self.plan.due_on(DutyKind::Visit) < self.today;
        figures.sort_by(|(_, one), (_, two)| {
            one.counts.worse(&two.counts, Order::Lateness, visits_due)
        });
        let line = |(id, FiguresLine { name, counts })| self.line(id, name, &counts);
        figures.into_iter().map(line).collect()
    }
}

fn shown(cell: Cell) -> WallCell {
    let left = cell.whole - cell.done;
    let short = match cell.tone {
        Tone::Quiet if cell.whole == 0 => "—".to_owned(),
        Tone::Quiet => format!("{}/{}", cell.done, cell.whole),
        Tone::Done => "完成".to_owned(),
        Tone::Well | Tone::Near => format!("差 {left}"),
        Tone::Late => cell.word.clone(),
    };
    WallCell {
        phase: cell.phase.code(),
        title: cell.phase.chinese(),
        class: cell.tone.class(),
        mark: cell.tone.mark(),
        word: cell.word,
        short,
        done: cell.done,
        whole: cell.whole,
    }
}
