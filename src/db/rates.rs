//! The figures by village, branch, department and person, as they are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Result, Store};
use crate::domain::area::{AreaKind, AreaTree};
use crate::domain::figures::{Counts, Dimension};
use crate::domain::issue::Category;
use crate::words;

words! {
    /// By what figures are told apart.
    By {
        Village = "village", "村";
        Branch = "branch", "总支";
        Department = "department", "部门";
        Person = "person", "走访人";
    }
}

/// The figures of one village, branch, department or person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiguresLine {
    pub name: String,
    pub counts: Counts,
}

/// An area's, a person's or a category's.
#[derive(Debug, Deserialize)]
struct Kept {
    of_id: String,
    #[serde(flatten)]
    counts: Counts,
}

/// The columns of a [`Kept`].
const KEPT: [&str; 9] = [
    "of_id",
    "subjects",
    "visited",
    "issues",
    "to_respond",
    "responded",
    "resolved",
    "asked",
    "satisfied",
];

const PEOPLE: &str = "SELECT id, number || ' ' || name AS name FROM staff";

#[derive(Deserialize)]
struct Name {
    id: String,
    name: String,
}

/// The figures of each area alone: read once for all lines that are made of them.
#[derive(Debug)]
pub struct AreaFigures {
    tree: Arc<AreaTree>,
    kept: Vec<Kept>,
}

impl AreaFigures {
    /// A line for each area of this kind, with all that lies in it.
    pub fn under(&self, kind: AreaKind) -> Vec<FiguresLine> {
        let above = |id: &str| self.tree.upward(id).find(|area| area.kind == kind);
        lines(&self.kept, |id| Some(above(id)?.name.clone()))
    }
}

/// Sums up by the names to which what was kept belongs; whatever has none, or counts nothing, has no line.
fn lines(kept: &[Kept], mut name: impl FnMut(&str) -> Option<String>) -> Vec<FiguresLine> {
    let mut lines: BTreeMap<String, Counts> = BTreeMap::new();
    for Kept { of_id, counts } in kept {
        if let Some(name) = name(of_id) {
            *lines.entry(name).or_default() += *counts;
        }
    }
    let line = |(name, counts)| FiguresLine { name, counts };
    lines.into_iter().map(line).filter(|line| line.counts != Counts::default()).collect()
}

impl Store {
    /// All of the campaign's.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn counts(&self) -> Result<Counts> {
        let all: Vec<Kept> = self.kept(Dimension::Area, "'' AS of_id", "").await?;
        Ok(all.into_iter().map(|kept| kept.counts).next().unwrap_or_default())
    }

    /// By village, branch, department or person, in their order. A department's are those of the issues in its
    /// categories, and of the residents who asked for them.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figures_by(&self, by: By) -> Result<Vec<FiguresLine>> {
        match by {
            By::Village => Ok(self.figures_by_area().await?.under(AreaKind::Village)),
            By::Branch => Ok(self.figures_by_area().await?.under(AreaKind::Branch)),
            By::Department => {
                let departments = &self.campaign().departments;
                let name = |of: &str| departments.get(&Category::read(of)?).cloned();
                Ok(lines(&self.kept_by(Dimension::Category).await?, name))
            }
            By::Person => {
                let rows: Vec<Name> =
                    self.dialect.read(&self.read, &["id", "name"], PEOPLE, &[]).await?;
                let mut names: HashMap<String, String> =
                    rows.into_iter().map(|row| (row.id, row.name)).collect();
                Ok(lines(&self.kept_by(Dimension::Person).await?, |of| names.remove(of)))
            }
        }
    }

    /// Of each area alone.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figures_by_area(&self) -> Result<AreaFigures> {
        let (tree, kept) = (self.area_tree().await?, self.kept_by(Dimension::Area).await?);
        Ok(AreaFigures { tree, kept })
    }

    /// What is kept of the campaign in effect, by areas, people or categories: as many rows as there are of these.
    async fn kept_by(&self, dimension: Dimension) -> Result<Vec<Kept>> {
        self.kept(dimension, "of_id", "GROUP BY of_id").await
    }

    async fn kept(&self, dimension: Dimension, of: &str, grouped: &str) -> Result<Vec<Kept>> {
        let sum = |of: &str, name: &str| {
            format!(
                "CAST(COALESCE(SUM(CASE WHEN name IN ({of}) THEN total ELSE 0 END), 0) AS BIGINT) AS {name}"
            )
        };
        let sums = [
            sum("'subjects'", "subjects"),
            sum("'visited'", "visited"),
            sum("'issues'", "issues"),
            // What wasn't taken note of had to be where its day has passed.
            sum("'noted', 'unnoted'", "to_respond"),
            sum("'noted_in_time'", "responded"),
            sum("'resolved'", "resolved"),
            sum("'asked'", "asked"),
            sum("'satisfied'", "satisfied"),
        ];
        let query = format!(
            "SELECT {of}, {} FROM tallies WHERE dimension = $1 AND campaign IN ('', $2)
               AND (name <> 'unnoted' OR day < $3) AND (name NOT IN ('asked', 'satisfied') OR day >= $4) {grouped}",
            sums.join(", ")
        );
        let parameters = [
            dimension.code().into(),
            self.campaign().code.as_str().into(),
            self.context.clock.today().to_string().into(),
            self.campaign_start().into(),
        ];
        self.dialect.read(&self.read, &KEPT, &query, &parameters).await
    }
}
