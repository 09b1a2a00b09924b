//! The figures by village, branch, department and person, as they are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::personal::STAFF_NAME;
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
const KEPT: [&str; 12] = [
    "of_id",
    "subjects",
    "visited",
    "issues",
    "to_respond",
    "responded",
    "resolved",
    "late",
    "asked",
    "satisfied",
    "mediated",
    "agreed",
];

const PEOPLE: &str = "SELECT id, number, name FROM staff";

#[derive(Deserialize)]
struct Name {
    id: String,
    number: String,
    name: String,
}

/// The figures of each area alone: read once for all lines that are made of them.
#[derive(Debug)]
pub struct AreaFigures {
    tree: Arc<AreaTree>,
    kept: Vec<Kept>,
}

impl AreaFigures {
    /// A line for each area of this kind, with all that lies in it; what lies in none has a line of the area where it does:
    /// the schools, hospitals and organs of a town.
    pub fn under(&self, kind: AreaKind) -> Vec<FiguresLine> {
        let name = |id: &str| {
            let above = self.tree.upward(id).find(|area| area.kind == kind);
            let area = above.or_else(|| self.tree.get(id))?;
            let own = above.map_or_else(|| format!("{}直属", area.name), |area| area.name.clone());
            Some((area.id.clone(), own))
        };
        let mut lines = lines(&self.kept, name);
        self.tell_apart(&mut lines);
        lines.sort_by(|(one, a), (two, b)| (&a.name, one).cmp(&(&b.name, two)));
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Areas of one name are named with what they lie in.
    fn tell_apart(&self, lines: &mut [(String, FiguresLine)]) {
        let mut times: HashMap<String, usize> = HashMap::new();
        for (_, line) in lines.iter() {
            *times.entry(line.name.clone()).or_default() += 1;
        }
        for (id, line) in lines.iter_mut().filter(|(_, line)| times[&line.name] > 1) {
            if let Some(above) = self.tree.upward(id).nth(1) {
                line.name = format!("{}（{}）", line.name, above.name);
            }
        }
    }
}

/// Sums up by what the kept numbers belong to, each with its name; whatever has none, or counts nothing, has no line.
fn lines(
    kept: &[Kept],
    mut of: impl FnMut(&str) -> Option<(String, String)>,
) -> Vec<(String, FiguresLine)> {
    let mut lines: BTreeMap<String, FiguresLine> = BTreeMap::new();
    for Kept { of_id, counts } in kept {
        if let Some((id, name)) = of(of_id) {
            let line = FiguresLine { name, counts: Counts::default() };
            lines.entry(id).or_insert(line).counts += *counts;
        }
    }
    lines.into_iter().filter(|(_, line)| line.counts != Counts::default()).collect()
}

/// The same where the name says it all.
fn by_name(kept: &[Kept], mut name: impl FnMut(&str) -> Option<String>) -> Vec<FiguresLine> {
    let lines = lines(kept, |of| name(of).map(|name| (name.clone(), name)));
    lines.into_iter().map(|(_, line)| line).collect()
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
                Ok(by_name(&self.kept_by(Dimension::Category).await?, name))
            }
            By::Person => {
                let rows: Vec<Name> =
                    self.dialect.read(&self.read, &["id", "number", "name"], PEOPLE, &[]).await?;
                let signed = |Name { id, number, name }: Name| {
                    let name = self.context.open(STAFF_NAME, &id, &name)?;
                    Ok((id, format!("{number} {name}")))
                };
                let mut names =
                    rows.into_iter().map(signed).collect::<Result<HashMap<String, String>>>()?;
                Ok(by_name(&self.kept_by(Dimension::Person).await?, |of| names.remove(of)))
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
            sum("'unresolved'", "late"),
            sum("'asked'", "asked"),
            sum("'satisfied'", "satisfied"),
            sum("'mediated'", "mediated"),
            sum("'agreed'", "agreed"),
        ];
        let query = format!(
            "SELECT {of}, {} FROM tallies WHERE dimension = $1 AND campaign IN ('', $2)
               AND (name NOT IN ('unnoted', 'unresolved') OR day < $3) AND (name NOT IN ('asked', 'satisfied') OR day >= $4) {grouped}",
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
