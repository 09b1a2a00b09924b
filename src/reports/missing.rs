//! What is missing, by name (镇不漏村、村不漏户、户不漏人): branch, village, household, resident, and who answers for it.

use std::collections::{BTreeMap, HashMap};

use super::Result;
use super::places::Place;
use crate::app::owners::owners;
use crate::db::{AreaTree, Missing, Snapshot, Store};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::subject::Endings;

/// How many are read at once.
const PAGE: i64 = 5_000;

/// A line: where it is, and what is missing there. In the order of places.
pub type Line = (Where, Vec<String>);

/// Branch and village, by name, and the subject.
type Where = (String, String, String);

/// The names of a line's columns.
pub const NAMES: [&str; 10] =
    ["总支", "村", "对象编号", "对象", "群众", "缺什么", "问题编号", "责任人", "期限", "是否超期"];

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub kind: Option<DutyKind>,
    /// Within which area.
    pub within: Option<String>,
    pub late: bool,
    pub reveals: bool,
}

/// All of it, by places.
///
/// # Errors
/// Where the record can't be read.
pub async fn lines(store: &Store, wanted: &Wanted) -> Result<Vec<Line>> {
    let today = store.context().clock.today();
    let mut snapshot = store.snapshot().await?;
    let tree = snapshot.area_tree().await?;
    let (tree, within) = (&*tree, wanted.within.as_deref());
    let owners = owners(&mut snapshot).await?;
    let is_in = |area: &str| within.is_none_or(|of| tree.upward(area).any(|above| above.id == of));
    let (mut lines, mut after) = (Vec::new(), String::new());
    loop {
        let page = snapshot.missing(&after, PAGE, wanted.reveals).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let is_wanted = |missing: &Missing| {
            wanted.kind.is_none_or(|kind| kind == missing.kind)
                && (!wanted.late || missing.due_on < today)
                && is_in(&missing.area_id)
        };
        let found: Vec<Missing> = page.into_iter().filter(is_wanted).collect();
        let mut unheard = unheard(&mut snapshot, &found, wanted.reveals).await?;
        for missing in found {
            let owner = owners.get(&missing.group_id).cloned();
            let owner = owner.unwrap_or_else(|| format!("没有人（{}）", missing.role));
            let late = if missing.due_on < today { "超期" } else { "未到期" };
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
    let unvisited = if wanted.kind.is_none_or(|kind| kind == DutyKind::Visit) {
        nobody_visits(store, tree, &is_in).await?
    } else {
        Vec::new()
    };
    lines.extend(unvisited);
    lines.sort();
    Ok(lines)
}

/// How many aren't to be visited any more and so are missed by nothing, and why; within an area, or of all.
///
/// # Errors
/// Where the record can't be read.
pub async fn ended(store: &Store, within: Option<&str>) -> Result<Endings> {
    let mut snapshot = store.snapshot().await?;
    let tree = snapshot.area_tree().await?;
    let is_in = |area: &str| within.is_none_or(|of| tree.upward(area).any(|above| above.id == of));
    let areas: Vec<&str> =
        tree.all().map(|area| area.id.as_str()).filter(|area| is_in(area)).collect();
    let ended = snapshot.ended_in(&areas, false).await?;
    snapshot.end().await?;
    let mut endings = Endings::default();
    ended.iter().filter(|one| !one.visited).for_each(|one| endings.add(one.ended.why));
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
    let (branch, village) = place(tree, &missing.area_id);
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
    ((branch, village, subject), cells)
}

/// What no duty says: villages in which nothing is registered, and subjects that nobody visits.
async fn nobody_visits(
    store: &Store,
    tree: &AreaTree,
    is_in: &impl Fn(&str) -> bool,
) -> Result<Vec<Line>> {
    let due_on = store.campaign().due_on(DutyKind::Visit);
    let late = if due_on < store.context().clock.today() { "超期" } else { "未到期" };
    let mut villages: BTreeMap<&str, bool> = tree
        .all()
        .filter(|area| area.kind == AreaKind::Village && is_in(&area.id))
        .map(|area| (area.id.as_str(), false))
        .collect();
    let areas: Vec<&str> =
        tree.all().map(|area| area.id.as_str()).filter(|area| is_in(area)).collect();
    let mut snapshot = store.snapshot().await?;
    let subjects = snapshot.subjects_in(&areas).await?;
    snapshot.end().await?;
    let mut lines = Vec::new();
    let mut add = |area: &str, subject: &str, what: &str, owner: &str| {
        let (branch, village) = place(tree, area);
        let (due_on, late) = (due_on.to_string(), late);
        let cells =
            [branch.as_str(), &village, subject, "", "", what, "", owner, due_on.as_str(), late];
        let cells = cells.map(str::to_owned).to_vec();
        lines.push(((branch.clone(), village.clone(), subject.to_owned()), cells));
    };
    for subject in &subjects {
        let village = tree.upward(&subject.area_id).find(|area| area.kind == AreaKind::Village);
        if let Some(known) = village.and_then(|area| villages.get_mut(area.id.as_str())) {
            *known = true;
        }
        if subject.visitor.is_none() && subject.ended_on.is_none() {
            add(&subject.area_id, &subject.number, "入户走访", "没有走访人");
        }
    }
    for (area, _) in villages.iter().filter(|(_, known)| !**known) {
        add(area, "", "走访对象名单", "没有走访对象");
    }
    Ok(lines)
}
