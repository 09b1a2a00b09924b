//! The figures of a campaign that another followed: its issues as they are kept, its visits as its duties were archived.

use jiff::civil::Date;
use serde::Deserialize;

use super::personal::ERASED_KEY;
use super::rates::{AreaFigures, By, FiguresLine, Kept, with_nobodys};
use super::{Result, Store};
use crate::domain::area::AreaKind;
use crate::domain::duty::{self, DutyKind};
use crate::domain::figures::{Counts, Dimension};
use crate::domain::visit::Satisfaction;

/// What its archived duties, its visits and its subjects say of a place, a person or a category.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Archived {
    of_id: String,
    subjects: i64,
    visited: i64,
    to_revisit: i64,
    revisit_done: i64,
    ended: i64,
    revisit_ended: i64,
    asked: i64,
    satisfied: i64,
}

impl From<Archived> for Kept {
    fn from(archived: Archived) -> Kept {
        let Archived { of_id, subjects, visited, to_revisit, revisit_done, .. } = archived;
        let Archived { ended, revisit_ended, asked, satisfied, .. } = archived;
        let counts = Counts {
            subjects,
            visited,
            ended,
            to_revisit,
            revisit_done,
            revisit_ended,
            asked,
            satisfied,
            ..Counts::default()
        };
        Kept { of_id, counts }
    }
}

/// By what archived numbers are told: the column of a duty's group, and that of a subject `s` or its assignment `a`.
const AREAS: (&str, &str) = ("area_id", "s.area_id");
const PEOPLE: (&str, &str) = ("staff_id", "a.staff_id");

/// That a subject or a resident counts by its archived duty of this kind: it was done, or still owed at the end.
fn is_archived(kind: DutyKind, id: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM duties d WHERE d.duty_key = $1 || '/{}' || {id}
           AND (d.state = 'met' OR d.met_by = 'campaign ended'))",
        duty::key(kind, "", 1)
    )
}

/// A resident's last answer within the days $2 and $3, not counting the latter.
const ANSWER: &str =
    "JOIN visits v ON v.id = (SELECT w.id FROM visits w WHERE w.resident_id = r.id AND w.kind = 'revisit'
       AND w.satisfaction IS NOT NULL AND w.visited_on >= $2 AND w.visited_on < $3 ORDER BY w.visited_on DESC, w.id DESC LIMIT 1)";

/// How many answers, and how many of them were satisfied or fairly satisfied.
fn answers() -> String {
    let closing: Vec<String> = Satisfaction::ALL
        .iter()
        .filter(|answer| answer.closes())
        .map(|answer| format!("'{}'", answer.code()))
        .collect();
    format!(
        "COUNT(*) AS asked, COUNT(CASE WHEN v.satisfaction IN ({}) THEN 1 END) AS satisfied",
        closing.join(", ")
    )
}

impl Store {
    /// A campaign of before by village, branch, person or department: what was visited when it ended, what was answered within its
    /// days, and how its issues stand now.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn earlier_figures_by(&self, by: By, code: &str) -> Result<Vec<FiguresLine>> {
        match by {
            By::Village => Ok(self.earlier_by_area(code).await?.under(AreaKind::Village)),
            By::Branch => Ok(self.earlier_by_area(code).await?.under(AreaKind::Branch)),
            By::Person => {
                let mut kept = self.kept_of_issues(Dimension::Person, code).await?;
                kept.extend(self.archived(PEOPLE, code).await?);
                let lines = self.of_people(&kept).await?;
                Ok(with_nobodys(lines, self.earlier_counts(code).await?))
            }
            By::Department => {
                let mut kept = self.kept_of_issues(Dimension::Category, code).await?;
                kept.extend(self.answers_of_categories(code).await?);
                self.of_departments(&kept)
            }
        }
    }

    /// The same in all.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn earlier_counts(&self, code: &str) -> Result<Counts> {
        Ok(self.earlier_by_area(code).await?.whole(None))
    }

    async fn earlier_by_area(&self, code: &str) -> Result<AreaFigures> {
        let mut kept = self.kept_of_issues(Dimension::Area, code).await?;
        kept.extend(self.archived(AREAS, code).await?);
        Ok(AreaFigures::new(self.area_tree().await?, kept))
    }

    /// Its first visits and revisits, those that nobody owed any more because a subject ended, and what was answered.
    async fn archived(
        &self,
        (of_group, of_subject): (&str, &str),
        code: &str,
    ) -> Result<Vec<Kept>> {
        let mut kept = self.archived_duties(of_group, code).await?;
        let Some(days) = self.days_of(code) else { return Ok(kept) };
        let subjects = format!(
            "FROM subjects s LEFT JOIN assignments a ON a.subject_id = s.id
             WHERE {of_subject} IS NOT NULL AND s.ended_on >= $2 AND s.ended_on < $3 AND NOT {} GROUP BY {of_subject}",
            is_archived(DutyKind::Visit, "s.id")
        );
        let met = |kind: &str| {
            format!(
                "EXISTS (SELECT 1 FROM visits w WHERE w.resident_id = r.id AND w.kind = '{kind}'
                   AND w.visited_on >= $2 AND w.visited_on < $3)"
            )
        };
        let residents = "FROM residents r JOIN subjects s ON s.id = r.subject_id LEFT JOIN assignments a ON a.subject_id = s.id";
        let left = format!(
            "{residents} WHERE {of_subject} IS NOT NULL AND s.ended_on IS NOT NULL AND s.ended_on < $3
               AND r.natural_key NOT LIKE '{ERASED_KEY}%' AND {} AND NOT {} AND NOT {} GROUP BY {of_subject}",
            met("first"),
            met("revisit"),
            is_archived(DutyKind::Revisit, "r.id")
        );
        let answered = format!(
            "{residents} {ANSWER} WHERE {of_subject} IS NOT NULL AND $1 <> '' GROUP BY {of_subject}"
        );
        let asked = answers();
        for (columns, counted, from) in [
            (&["of_id", "ended"][..], "COUNT(*) AS ended", subjects),
            (&["of_id", "revisit_ended"][..], "COUNT(*) AS revisit_ended", left),
            (&["of_id", "asked", "satisfied"][..], asked.as_str(), answered),
        ] {
            let query = format!("SELECT {of_subject} AS of_id, {counted} {from}");
            kept.extend(self.of_days(columns, &query, code, days).await?);
        }
        Ok(kept)
    }

    /// The answers of whoever asked for something, by its category.
    async fn answers_of_categories(&self, code: &str) -> Result<Vec<Kept>> {
        let Some(days) = self.days_of(code) else { return Ok(Vec::new()) };
        let query = format!(
            "SELECT r.category AS of_id, {} FROM (SELECT DISTINCT i.resident_id AS id, i.category FROM issues i
               WHERE i.category IS NOT NULL AND i.state <> 'void' AND i.number LIKE $1 || '-%') r {ANSWER} GROUP BY r.category",
            answers()
        );
        self.of_days(&["of_id", "asked", "satisfied"], &query, code, days).await
    }

    fn days_of(&self, code: &str) -> Option<(Date, Date)> {
        self.plans().days_of(code)
    }

    async fn of_days(
        &self,
        columns: &[&str],
        query: &str,
        code: &str,
        (from, until): (Date, Date),
    ) -> Result<Vec<Kept>> {
        let parameters = [code.into(), from.to_string().into(), until.to_string().into()];
        let rows: Vec<Archived> =
            self.dialect.read(&self.read, columns, query, &parameters).await?;
        Ok(rows.into_iter().map(Kept::from).collect())
    }

    /// Its first visits and revisits, by this column of their groups.
    async fn archived_duties(&self, column: &str, code: &str) -> Result<Vec<Kept>> {
        let count = |kind: &str, met: &str, name: &str| {
            format!("COUNT(CASE WHEN d.kind = '{kind}'{met} THEN 1 END) AS {name}")
        };
        let counts = [
            count("visit", "", "subjects"),
            count("visit", " AND d.state = 'met'", "visited"),
            count("revisit", "", "to_revisit"),
            count("revisit", " AND d.state = 'met'", "revisit_done"),
        ];
        let query = format!(
            "SELECT b.{column} AS of_id, {} FROM duties d JOIN duty_groups b ON b.id = d.group_id
             WHERE d.kind IN ('visit', 'revisit') AND d.duty_key LIKE $1 AND b.{column} IS NOT NULL
               AND (d.state = 'met' OR d.met_by = 'campaign ended') GROUP BY b.{column}",
            counts.join(", ")
        );
        let key = [format!("{code}/%").into()];
        let columns = ["of_id", "subjects", "visited", "to_revisit", "revisit_done"];
        let rows: Vec<Archived> = self.dialect.read(&self.read, &columns, &query, &key).await?;
        Ok(rows.into_iter().map(Kept::from).collect())
    }
}
