//! The figures by village, branch, department and person, as they are kept.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Result, Store};
use crate::domain::area::{Area, AreaKind};
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
#[derive(Deserialize)]
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

impl Store {
    /// All of the campaign's.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn counts(&self) -> Result<Counts> {
        let mut total = Counts::default();
        for Kept { counts, .. } in self.kept(Dimension::Area).await? {
            total += counts;
        }
        Ok(total)
    }

    /// By village, branch, department or person, in their order. A department's are those of the issues in its
    /// categories, and of the residents who asked for them.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figures_by(&self, by: By) -> Result<Vec<FiguresLine>> {
        let names = self.names_by(by).await?;
        let dimension = match by {
            By::Village | By::Branch => Dimension::Area,
            By::Department => Dimension::Category,
            By::Person => Dimension::Person,
        };
        let mut lines: BTreeMap<&String, Counts> = BTreeMap::new();
        for Kept { of_id, counts } in self.kept(dimension).await? {
            if let Some(name) = names.get(&of_id) {
                *lines.entry(name).or_default() += counts;
            }
        }
        let line = |(name, counts): (&String, Counts)| FiguresLine { name: name.clone(), counts };
        Ok(lines.into_iter().filter(|(_, counts)| *counts != Counts::default()).map(line).collect())
    }

    /// On which line each area, person or category stands.
    async fn names_by(&self, by: By) -> Result<HashMap<String, String>> {
        let kind = match by {
            By::Village => AreaKind::Village,
            By::Branch => AreaKind::Branch,
            By::Department => {
                let departments = &self.campaign().departments;
                let named =
                    |of: &Category| Some((of.code().to_owned(), departments.get(of)?.clone()));
                return Ok(Category::ALL.iter().filter_map(named).collect());
            }
            By::Person => {
                let rows: Vec<(String, String)> =
                    sqlx::query_as("SELECT id, number || ' ' || name FROM staff")
                        .fetch_all(&self.read)
                        .await?;
                return Ok(rows.into_iter().collect());
            }
        };
        let tree = self.area_tree().await?;
        let above = |id: &str| tree.upward(id).find(|area| area.kind == kind);
        let named = |area: &Area| Some((area.id.clone(), above(&area.id)?.name.clone()));
        Ok(tree.all().filter_map(named).collect())
    }

    /// What is kept of the campaign in effect, by areas, people or categories: as many rows as there are of these.
    async fn kept(&self, dimension: Dimension) -> Result<Vec<Kept>> {
        let sum = |of: &str, name: &str| {
            format!("CAST(SUM(CASE WHEN name IN ({of}) THEN total ELSE 0 END) AS BIGINT) AS {name}")
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
            "SELECT of_id, {} FROM tallies WHERE dimension = $1 AND campaign IN ('', $2)
               AND (name <> 'unnoted' OR day < $3) AND (name NOT IN ('asked', 'satisfied') OR day >= $4) GROUP BY of_id",
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
