//! The figures by village, branch, department and person, as they are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::personal::STAFF_NAME;
use super::{Result, Store, to_json};
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

/// The figures of one person, with whom they are of.
#[derive(Debug, Clone)]
pub struct PersonLine {
    pub number: String,
    pub name: String,
    pub counts: Counts,
}

/// An area's, a person's or a category's.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    pub of_id: String,
    #[serde(flatten)]
    pub counts: Counts,
}

/// What is kept by its day: a campaign counts it since its first.
pub(super) const BY_DAY: &str = "'asked', 'satisfied', 'ended', 'revisit_ended'";

/// The columns of a [`Kept`].
pub(super) const KEPT: [&str; 17] = [
    "of_id",
    "subjects",
    "visited",
    "ended",
    "issues",
    "to_respond",
    "responded",
    "resolved",
    "late",
    "unclassified",
    "to_revisit",
    "revisit_done",
    "revisit_ended",
    "asked",
    "satisfied",
    "mediated",
    "agreed",
];

/// In the place of a person's name, where nobody is assigned.
const NOBODYS: &str = "没有走访人";

/// People's lines, and one for what is nobody's: with it they add up to the whole.
pub(super) fn with_nobodys(mut lines: Vec<FiguresLine>, whole: Counts) -> Vec<FiguresLine> {
    let mut counts = whole;
    lines.iter().for_each(|line| counts -= line.counts);
    if counts != Counts::default() {
        lines.push(FiguresLine { name: NOBODYS.to_owned(), counts });
    }
    lines
}

const PEOPLE: &str = "SELECT id, number, name FROM staff";

/// Of which dimensions kept numbers are read, $1 being the one that is asked for, whose they are then, and how they are added up.
type Sums = (&'static str, &'static str, &'static str);
const EACH: Sums = ("= $1", "of_id", "GROUP BY of_id");
const ALL: Sums = ("= $1", "'' AS of_id", "");
const EACH_AND_ALL: Sums = (
    "IN ($1, 'area')",
    "CASE WHEN dimension = $1 THEN of_id ELSE '' END AS of_id",
    "GROUP BY CASE WHEN dimension = $1 THEN of_id ELSE '' END",
);

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
    /// These numbers, of areas of this tree.
    pub(super) fn new(tree: Arc<AreaTree>, kept: Vec<Kept>) -> AreaFigures {
        AreaFigures { tree, kept }
    }

    /// A line for each area of this kind, with all that lies in it; what lies in none has a line of its
    /// [`part`](AreaTree::part): the schools, hospitals and organs of a town, a village without a branch.
    pub fn under(&self, kind: AreaKind) -> Vec<FiguresLine> {
        self.within(kind, None).into_iter().map(|(_, line)| line).collect()
    }

    /// The same of what lies in one area, or of all, each with its area's id.
    pub fn within(&self, kind: AreaKind, within: Option<&str>) -> Vec<(String, FiguresLine)> {
        let name = |id: &str| {
            within.is_none_or(|within| self.lies_in(id, within)).then_some(())?;
            let area = self.tree.part(id, kind)?;
            Some((area.id.clone(), self.tree.part_name(area, kind)))
        };
        let mut lines = lines(&self.kept, name);
        lines.sort_by(|(one, a), (two, b)| (&a.name, one).cmp(&(&b.name, two)));
        lines
    }

    /// Whether anything lies in an area of this kind there: else a list by that kind tells of no such area.
    pub fn has(&self, kind: AreaKind, within: Option<&str>) -> bool {
        let is_of = |id: &str| self.tree.upward(id).any(|area| area.kind == kind);
        let mut ids = self.kept.iter().map(|kept| kept.of_id.as_str());
        ids.any(|id| within.is_none_or(|within| self.lies_in(id, within)) && is_of(id))
    }

    /// Of an area with all that lies in it, or of all.
    pub fn whole(&self, within: Option<&str>) -> Counts {
        let mut counts = Counts::default();
        let lies = |kept: &&Kept| within.is_none_or(|within| self.lies_in(&kept.of_id, within));
        self.kept.iter().filter(lies).for_each(|kept| counts += kept.counts);
        counts
    }

    /// All areas, as they were read with the figures.
    pub fn tree(&self) -> &AreaTree {
        &self.tree
    }

    fn lies_in(&self, id: &str, within: &str) -> bool {
        self.tree.upward(id).any(|above| above.id == within)
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

/// The sums of a [`Kept`]'s numbers.
pub(super) fn sums() -> [String; 16] {
    let sum = |of: &str, name: &str| {
        format!(
            "CAST(COALESCE(SUM(CASE WHEN name IN ({of}) THEN total ELSE 0 END), 0) AS BIGINT) AS {name}"
        )
    };
    [
        sum("'subjects'", "subjects"),
        sum("'visited'", "visited"),
        sum("'ended'", "ended"),
        sum("'issues'", "issues"),
        // What wasn't taken note of had to be where its day has passed.
        sum("'noted', 'unnoted'", "to_respond"),
        sum("'noted_in_time'", "responded"),
        sum("'resolved'", "resolved"),
        sum("'unresolved'", "late"),
        sum("'unclassified'", "unclassified"),
        sum("'to_revisit'", "to_revisit"),
        sum("'revisit_done'", "revisit_done"),
        sum("'revisit_ended'", "revisit_ended"),
        sum("'asked'", "asked"),
        sum("'satisfied'", "satisfied"),
        sum("'mediated'", "mediated"),
        sum("'agreed'", "agreed"),
    ]
}

impl Store {
    /// All of the campaign's.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn counts(&self) -> Result<Counts> {
        let all: Vec<Kept> = self.kept(Dimension::Area, ALL, &[]).await?;
        Ok(all.into_iter().map(|kept| kept.counts).next().unwrap_or_default())
    }

    /// By village, branch, department or person, in their order. A department's are those of the issues in its
    /// categories, and of the residents who asked for them; what is nobody's has a line after the people's.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figures_by(&self, by: By) -> Result<Vec<FiguresLine>> {
        match by {
            By::Village => Ok(self.figures_by_area().await?.under(AreaKind::Village)),
            By::Branch => Ok(self.figures_by_area().await?.under(AreaKind::Branch)),
            By::Department => self.of_departments(&self.kept_by(Dimension::Category).await?),
            By::Person => {
                // With all, read in one: what is nobody's is the difference.
                let kept = self.kept(Dimension::Person, EACH_AND_ALL, &[]).await?;
                let whole = kept.iter().find(|kept| kept.of_id.is_empty());
                let whole = whole.map(|kept| kept.counts).unwrap_or_default();
                Ok(with_nobodys(self.of_people(&kept).await?, whole))
            }
        }
    }

    pub(super) fn of_departments(&self, kept: &[Kept]) -> Result<Vec<FiguresLine>> {
        let plan = self.campaign();
        let name = |of: &str| plan.unit_of_category(Category::read(of)?).map(str::to_owned);
        Ok(by_name(kept, name))
    }

    pub(super) async fn of_people(&self, kept: &[Kept]) -> Result<Vec<FiguresLine>> {
        let rows: Vec<Name> =
            self.dialect.read(&self.read, &["id", "number", "name"], PEOPLE, &[]).await?;
        let signed = |Name { id, number, name }: Name| {
            let name = self.context.open(STAFF_NAME, &id, &name)?;
            Ok((id, format!("{number} {name}")))
        };
        let names = rows.into_iter().map(signed).collect::<Result<HashMap<String, String>>>()?;
        Ok(by_name(kept, |of| names.get(of).cloned()))
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
        self.kept(dimension, EACH, &[]).await
    }

    /// What is kept of the issues of the campaign of a code, by areas, people or categories.
    pub(super) async fn kept_of_issues(
        &self,
        dimension: Dimension,
        code: &str,
    ) -> Result<Vec<Kept>> {
        let sums = sums().join(", ");
        let query = format!(
            "SELECT of_id, {sums} FROM tallies WHERE dimension = $1 AND campaign = $2
               AND (name NOT IN ('unnoted', 'unresolved') OR day < $3) GROUP BY of_id"
        );
        let today = self.context.clock.today().to_string();
        let parameters = [dimension.code().into(), code.into(), today.into()];
        self.dialect.read(&self.read, &KEPT, &query, &parameters).await
    }

    /// The figures of whoever visits in these areas: all of each person's, also of what they visit elsewhere.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figures_of_people(&self, areas: &[&str]) -> Result<Vec<PersonLine>> {
        let query = format!(
            "SELECT id, number, name FROM staff WHERE id IN (SELECT a.staff_id FROM subjects s
               JOIN assignments a ON a.subject_id = s.id WHERE s.area_id {}) ORDER BY number",
            self.dialect.among()
        );
        let list = [to_json(&areas)?.into()];
        let people: Vec<Name> =
            self.dialect.read(&self.read, &["id", "number", "name"], &query, &list).await?;
        let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
        let mut counts = self.counts_of_people(&ids).await?;
        let line = |Name { id, number, name }: Name| {
            let name = self.context.open(STAFF_NAME, &id, &name)?;
            Ok(PersonLine { number, name, counts: counts.remove(&id).unwrap_or_default() })
        };
        people.into_iter().map(line).collect()
    }

    /// The figures of these people, by their ids.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn counts_of_people(&self, ids: &[&str]) -> Result<HashMap<String, Counts>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let kept = self.kept(Dimension::Person, EACH, ids).await?;
        Ok(kept.into_iter().map(|Kept { of_id, counts }| (of_id, counts)).collect())
    }

    /// Of these, or where none are named of all.
    async fn kept(
        &self,
        dimension: Dimension,
        (which, of, grouped): Sums,
        only: &[&str],
    ) -> Result<Vec<Kept>> {
        let among = match only {
            [] => String::new(),
            _ => format!(" AND of_id {}", self.dialect.among().replace("$1", "$5")),
        };
        let query = format!(
            "SELECT {of}, {} FROM tallies WHERE dimension {which}{among} AND campaign IN ('', $2)
               AND (name NOT IN ('unnoted', 'unresolved') OR day < $3) AND (name NOT IN ({BY_DAY}) OR day >= $4) {grouped}",
            sums().join(", ")
        );
        let mut parameters = vec![
            dimension.code().into(),
            self.campaign().code.as_str().into(),
            self.context.clock.today().to_string().into(),
            self.campaign_start().into(),
        ];
        if !only.is_empty() {
            parameters.push(to_json(&only)?.into());
        }
        self.dialect.read(&self.read, &KEPT, &query, &parameters).await
    }
}
