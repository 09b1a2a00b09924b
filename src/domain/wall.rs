//! 挂图作战: how far a village (or whatever has figures) has come in each of the plan's four phases, in green, yellow and red, each
//! with its word and its mark.

use jiff::civil::Date;

use super::campaign::{Campaign, PhaseName};
use super::duty::{DutyKind, Warning};
use super::figures::Counts;

/// How one phase stands somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub phase: PhaseName,
    pub done: i64,
    pub whole: i64,
    pub tone: Tone,
    /// Such as 超期 3.
    pub word: String,
}

/// What colour, mark and first word say alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Nothing there yet, or the phase hasn't begun.
    Quiet,
    /// All of it done.
    Done,
    /// As planned.
    Well,
    /// Near its date, or far behind where it should be.
    Near,
    /// Past its date.
    Late,
}

impl Tone {
    /// As a class of the style sheets.
    pub const fn class(self) -> &'static str {
        match self {
            Tone::Quiet => "quiet",
            Tone::Done | Tone::Well => "green",
            Tone::Near => "yellow",
            Tone::Late => "red",
        }
    }

    /// What says the same without a colour.
    pub const fn mark(self) -> &'static str {
        match self {
            Tone::Quiet => "○",
            Tone::Done | Tone::Well => "■",
            Tone::Near => "●",
            Tone::Late => "▲",
        }
    }
}

/// What of the figures belongs to a phase: what is done, of how many, and by when.
const fn part(phase: PhaseName, counts: &Counts) -> (i64, i64, DutyKind) {
    match phase {
        PhaseName::Visit => (counts.visited, counts.subjects, DutyKind::Visit),
        PhaseName::Classify => {
            (counts.issues - counts.unclassified, counts.issues, DutyKind::Classify)
        }
        PhaseName::Resolve => (counts.resolved, counts.issues, DutyKind::Resolve),
        PhaseName::Feedback => (counts.revisit_done, counts.to_revisit, DutyKind::Revisit),
    }
}

/// How each phase stands, in the plan's order.
pub fn cells(counts: &Counts, plan: &Campaign, today: Date) -> Vec<Cell> {
    PhaseName::ALL.iter().map(|phase| cell(*phase, counts, plan, today)).collect()
}

fn cell(phase: PhaseName, counts: &Counts, plan: &Campaign, today: Date) -> Cell {
    let (done, whole, kind) = part(phase, counts);
    let (missing, due_on) = ((whole - done).max(0), plan.due_on(kind));
    // An issue has a date of its own.
    let late = match phase {
        PhaseName::Resolve => counts.late,
        _ if due_on < today => missing,
        _ => 0,
    };
    let says = |tone: Tone, word: String| Cell { phase, done, whole, tone, word };
    let starts_on = plan.starts_of(phase);
    match () {
        () if whole == 0 => says(Tone::Quiet, "还没有".to_owned()),
        () if missing == 0 => says(Tone::Done, "已完成".to_owned()),
        () if late > 0 => says(Tone::Late, format!("超期 {late}")),
        () if today < starts_on => says(Tone::Quiet, "未到时间".to_owned()),
        () if plan.warning(due_on, today) != Warning::Green => {
            says(Tone::Near, format!("临近，还差 {missing}"))
        }
        () if is_far_behind(done, whole, (starts_on, due_on), today) => {
            says(Tone::Near, format!("落后，还差 {missing}"))
        }
        () => says(Tone::Well, format!("还差 {missing}")),
    }
}

/// Whether less than half is done of what would be whole by now, were the work spread evenly over its days.
fn is_far_behind(done: i64, whole: i64, (from, to): (Date, Date), today: Date) -> bool {
    let days = |from: Date, to: Date| i64::from((to - from).get_days()) + 1;
    2 * done < whole * days(from, today) / days(from, to)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn campaign() -> Campaign {
        toml::from_str(include_str!("../../config/campaign.toml")).unwrap()
    }

    fn words(counts: &Counts, today: Date) -> Vec<(Tone, String)> {
        cells(counts, &campaign(), today).into_iter().map(|cell| (cell.tone, cell.word)).collect()
    }

    #[test]
    fn each_phase_says_how_it_stands() {
        let counts = Counts {
            subjects: 10,
            visited: 8,
            issues: 4,
            unclassified: 1,
            resolved: 1,
            to_revisit: 8,
            ..Counts::default()
        };
        let said = |at: usize, today: Date, counts: &Counts| words(counts, today)[at].clone();
        let said = |at, today, counts| {
            let (tone, word) = said(at, today, counts);
            (tone, word.as_str().to_owned())
        };
        // 走访: 3/1 to 3/31.
        let day = |month, day| date(2022, month, day);
        assert_eq!(said(0, day(3, 20), &counts), (Tone::Well, "还差 2".to_owned()));
        assert_eq!(said(0, day(3, 29), &counts), (Tone::Near, "临近，还差 2".to_owned()));
        assert_eq!(said(0, day(4, 1), &counts), (Tone::Late, "超期 2".to_owned()));
        let few = Counts { visited: 2, ..counts };
        assert_eq!(said(0, day(3, 20), &few), (Tone::Near, "落后，还差 8".to_owned()));
        let all = Counts { visited: 10, ..counts };
        assert_eq!(said(0, day(4, 1), &all), (Tone::Done, "已完成".to_owned()));
        // One alone isn't behind on the first days.
        let one = Counts { subjects: 1, ..Counts::default() };
        assert_eq!(said(0, day(3, 20), &one), (Tone::Well, "还差 1".to_owned()));
        // What has a phase of its own to come isn't behind.
        assert_eq!(said(1, day(3, 20), &counts), (Tone::Quiet, "未到时间".to_owned()));
        assert_eq!(said(3, day(5, 1), &counts), (Tone::Quiet, "未到时间".to_owned()));
        // An issue is late by its own date.
        let late = Counts { late: 1, ..counts };
        assert_eq!(said(2, day(3, 20), &late), (Tone::Late, "超期 1".to_owned()));
        assert_eq!(said(2, day(6, 2), &counts), (Tone::Near, "临近，还差 3".to_owned()));
        assert_eq!(words(&Counts::default(), day(6, 2))[2].1, "还没有");
    }

    #[test]
    fn what_a_colour_says_a_mark_says_too() {
        let marks = [Tone::Quiet, Tone::Well, Tone::Near, Tone::Late].map(Tone::mark);
        let classes = [Tone::Quiet, Tone::Well, Tone::Near, Tone::Late].map(Tone::class);
        for of in [marks, classes] {
            let mut told = of.to_vec();
            told.sort_unstable();
            told.dedup();
            assert_eq!(told.len(), of.len());
        }
    }
}
