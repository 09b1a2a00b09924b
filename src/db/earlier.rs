//! The figures of a campaign that another followed: its issues as they are kept, its visits as its duties were archived.

use serde::Deserialize;

use super::rates::{AreaFigures, By, FiguresLine, Kept, with_nobodys};
use super::{Result, Store};
use crate::domain::area::AreaKind;
use crate::domain::figures::{Counts, Dimension};

/// What its archived duties say of a place or a person.
#[derive(Debug, Deserialize)]
struct Archived {
    of_id: String,
    subjects: i64,
    visited: i64,
    to_revisit: i64,
    revisit_done: i64,
}

const COLUMNS: [&str; 5] = ["of_id", "subjects", "visited", "to_revisit", "revisit_done"];

impl From<Archived> for Kept {
    fn from(archived: Archived) -> Kept {
        let Archived { of_id, subjects, visited, to_revisit, revisit_done } = archived;
        let counts = Counts { subjects, visited, to_revisit, revisit_done, ..Counts::default() };
        Kept { of_id, counts }
    }
}

impl Store {
    /// A campaign of before by village, branch or person: what was visited when it ended, and how its issues stand now. Answers
    /// aren't kept by campaign: 满意率 isn't told.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn earlier_figures_by(&self, by: By, code: &str) -> Result<Vec<FiguresLine>> {
        match by {
            By::Village => Ok(self.earlier_by_area(code).await?.under(AreaKind::Village)),
            By::Branch => Ok(self.earlier_by_area(code).await?.under(AreaKind::Branch)),
            By::Person => {
                let mut kept = self.kept_of_issues(Dimension::Person, code).await?;
                kept.extend(self.archived("staff_id", code).await?);
                let lines = self.of_people(&kept).await?;
                Ok(with_nobodys(lines, self.earlier_counts(code).await?))
            }
            By::Department => {
                self.of_departments(&self.kept_of_issues(Dimension::Category, code).await?)
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
        kept.extend(self.archived("area_id", code).await?);
        Ok(AreaFigures::new(self.area_tree().await?, kept))
    }

    /// Its first visits and revisits, by this column of their groups.
    async fn archived(&self, column: &str, code: &str) -> Result<Vec<Kept>> {
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
        let rows: Vec<Archived> = self.dialect.read(&self.read, &COLUMNS, &query, &key).await?;
        Ok(rows.into_iter().map(Kept::from).collect())
    }
}
