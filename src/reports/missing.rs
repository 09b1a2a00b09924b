//! What is missing, by name (镇不漏村、村不漏户、户不漏人): branch, village, household, resident, and who answers for it.

use std::collections::HashMap;

use super::Result;
use super::places::Place;
use crate::app::owners::{owners, told};
use crate::app::without_subjects::{WithoutSubjects, without_subjects};
use crate::db::{AreaTree, Missing, Snapshot, Store};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::subject::Endings;

/// How many are read at once.
const PAGE: i64 = 5_000;

/// A line: where it is, what is missing there, and the key of the duty that it's of; none of a village without subjects. In the
/// order of places. A duty has a line for each resident who wasn't heard, so that lines aren't counted as duties are.
pub type Line = (Where, Vec<String>, Option<String>);

/// Branch and village, by name, and the subject.
type Where = (String, String, String);

/// How what is past its date is called in the last column.
const LATE: &str = "超期";

/// The names of a line's columns.
pub const NAMES: [&str; 10] =
    ["总支", "村", "对象编号", "对象", "群众", "缺什么", "问题编号", "责任人", "期限", "是否超期"];

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub kind: Option<DutyKind>,
    /// Within which area; only what is its own.
    pub within: Option<String>,
    pub own: bool,
    pub late: bool,
    pub reveals: bool,
}

impl Wanted {
    /// Whether an area lies there.
    fn is_in(&self, tree: &AreaTree, area: &str) -> bool {
        self.within.as_deref().is_none_or(|of| tree.is_in(area, of, self.own))
    }
}

/// All of it, by places.
///
/// # Errors
/// Where the record can't be read.
pub async fn lines(store: &Store, wanted: &Wanted) -> Result<Vec<Line>> {
    let today = store.context().clock.today();
    let mut snapshot = store.snapshot().await?;
    let tree = snapshot.area_tree().await?;
    let tree = &*tree;
    let owners = owners(&mut snapshot).await?;
    let is_in = |area: &str| wanted.is_in(tree, area);
    let (mut lines, mut after) = (Vec::new(), String::new());
    loop {
        let page = snapshot.missing(&after, PAGE, wanted.reveals).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let is_wanted = |missing: &Missing| {
            wanted.kind.is_none_or(|kind| kind == missing.kind)
                && (!wanted.late || missing.due_on < today)
                && missing.kind.is_there(missing.due_on, today)
                && is_in(&missing.area_id)
        };
        let found: Vec<Missing> = page.into_iter().filter(is_wanted).collect();
        let mut unheard = unheard(&mut snapshot, &found, wanted.reveals).await?;
        for missing in found {
            let owner = told(&owners, &missing.group_id, missing.kind, missing.role);
            let late = if missing.due_on < today { LATE } else { "未到期" };
            let people = missing.subject.as_ref().filter(|_| missing.kind == DutyKind::Visit);
            let people = people.and_then(|subject| unheard.remove(subject)).unwrap_or_default();
            let mut line = |resident: &str| {
                lines.push(line(tree, &missing, resident, &owner, late));
            };
            match people.is_empty() {
                true => line(missing.resident.as_deref().unwrap_or_default()),
                // A household is missed by each of those who weren't heard there.
                false => people.iter().for_each(|resident| line(resident)),
            }
        }
    }
    snapshot.end().await?;
    let bare = without_subjects(store, tree, wanted.kind, wanted.late).await?;
    lines.extend(of_bare(tree, &bare, is_in));
    lines.sort();
    Ok(lines)
}

/// What lines add up to, in the unit in which status and the overview count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Duties (项), and those of them that are past their date.
    pub open: usize,
    pub late: usize,
    /// Villages in which nothing is registered.
    pub bare: usize,
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Sums { open, late, bare } = self;
        write!(f, "没有完成的任务 {open} 项，其中超期 {late} 项")?;
        if *bare > 0 {
            write!(f, "；另有 {bare} 个村还没有走访对象")?;
        }
        Ok(())
    }
}

/// What these lines add up to.
pub fn sums(lines: &[Line]) -> Sums {
    let is_late = |cells: &[String]| cells.last().is_some_and(|word| word == LATE);
    let keys: HashMap<&str, bool> = lines
        .iter()
        .filter_map(|(_, cells, key)| Some((key.as_deref()?, is_late(cells))))
        .collect();
    Sums {
        open: keys.len(),
        late: keys.values().filter(|late| **late).count(),
        bare: lines.iter().filter(|(.., key)| key.is_none()).count(),
    }
}

/// How many there aren't to be visited any more and so are missed by nothing, and why.
///
/// # Errors
/// Where the record can't be read.
pub async fn ended(store: &Store, wanted: &Wanted) -> Result<Endings> {
    let mut snapshot = store.snapshot().await?;
    let tree = snapshot.area_tree().await?;
    let areas = tree.all().map(|area| area.id.as_str());
    let areas: Vec<&str> = areas.filter(|area| wanted.is_in(&tree, area)).collect();
    let endings = snapshot.dropped_in(&areas).await?;
    snapshot.end().await?;
    Ok(endings)
}

/// Of the subjects whose visit is missing, who hasn't been heard there.
async fn unheard(
    snapshot: &mut Snapshot,
    missing: &[Missing],
    reveals: bool,
) -> Result<HashMap<String, Vec<String>>> {
    let visits = missing.iter().filter(|missing| missing.kind == DutyKind::Visit);
    let subjects: Vec<&str> = visits.filter_map(|missing| missing.subject.as_deref()).collect();
    let mut unheard: HashMap<String, Vec<String>> = HashMap::new();
    for person in snapshot.unheard_at(&subjects, reveals).await? {
        unheard.entry(person.subject).or_default().push(person.resident);
    }
    Ok(unheard)
}

/// The branch and the village, or whatever it is, in which something lies.
fn place(tree: &AreaTree, area: &str) -> (String, String) {
    let Place { branch, village, .. } = Place::of(tree, area);
    (branch, village)
}

fn line(tree: &AreaTree, missing: &Missing, resident: &str, owner: &str, late: &str) -> Line {
    let (branch, mut village) = place(tree, &missing.area_id);
    let of = tree.get(&missing.area_id).filter(|of| of.kind < AreaKind::Village);
    // What a branch or a town owes itself isn't what lies in it and in no village, as its report is.
    if let (Some(of), None, false) = (of, &missing.subject, missing.kind == DutyKind::Report) {
        let is_branch = of.kind == AreaKind::Branch;
        village = if is_branch { String::new() } else { tree.distinct_name(of) };
    }
    let subject = missing.subject.clone().unwrap_or_default();
    let cells = [
        branch.as_str(),
        &village,
        &subject,
        missing.subject_name.as_deref().unwrap_or_default(),
        resident,
        missing.kind.chinese(),
        missing.issue.as_deref().unwrap_or_default(),
        owner,
        &missing.due_on.to_string(),
        late,
    ];
    let cells = cells.map(str::to_owned).to_vec();
    ((branch, village, subject), cells, Some(missing.key.clone()))
}

/// Villages in which nothing is registered, each as a line.
fn of_bare(tree: &AreaTree, bare: &WithoutSubjects<'_>, is_in: impl Fn(&str) -> bool) -> Vec<Line> {
    let late = if bare.is_late { LATE } else { "未到期" };
    let due_on = bare.due_on.to_string();
    let line = |id: &str| {
        let (branch, village) = place(tree, id);
        let what = ["", "", "", "走访对象名单", "", "没有走访对象", due_on.as_str(), late];
        let cells = [branch.as_str(), &village].into_iter().chain(what);
        let cells = cells.map(str::to_owned).collect();
        ((branch.clone(), village.clone(), String::new()), cells, None)
    };
    let villages = bare.villages.iter().map(|village| village.id.as_str());
    villages.filter(|id| is_in(id)).map(line).collect()
}
