//! Areas come in, or are put right: what the campaign wants of an area itself follows.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::choices::Choices;
use super::problem::{About, Did, Outcome, Outcomes, Problem, all_well};
use super::told::{Told, blank_over};
use crate::clock::township_date;
use crate::db::{Result, Session, Tx, Upsert};
use crate::domain::area::{Area, AreaKind, AreaTree, are_one_place, code_above, kind_of_code};
use crate::domain::duty::DutyState;
use crate::domain::obligations::area::{AreaFacts, Confirmed, duties, report};
use crate::domain::obligations::checks::daily;
use crate::domain::obligations::{
    Department, Duty, DutyChange, Ladder, Plans, Standing, difference,
};

/// A place as it comes in; `parent` names one that is there, or comes before it, by code or by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewArea {
    pub code: Option<String>,
    pub name: String,
    pub kind: AreaKind,
    #[serde(default)]
    pub parent: Told<String>,
    #[serde(default)]
    pub choices: Choices,
}

impl NewArea {
    /// What it lies in: as the row says, else by its code.
    fn above(&self) -> Option<String> {
        match &self.parent {
            Told::Is(parent) => Some(parent.clone()),
            _ => code_above(self.code.as_deref()?),
        }
    }
}

/// What areas would do.
struct Decided {
    outcomes: Outcomes,
    added: Vec<Area>,
    changed: Vec<Area>,
}

/// What these areas would do, each after those before it.
pub async fn check(session: &mut Session, rows: &[NewArea]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Adds areas, or brings their names and places in the tree up to date. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[NewArea]) -> Result<Outcomes> {
    let Decided { outcomes, added, changed } = decide(tx, rows).await?;
    if !all_well(&outcomes) {
        return Ok(outcomes);
    }
    tx.write_areas(&added, &changed).await?;
    let tree = tx.area_tree().await?;
    let touched: HashSet<&str> =
        added.iter().chain(&changed).map(|area| area.id.as_str()).collect();
    // What lies below a place that moved may have come into the campaign, or left it.
    let below: Vec<String> = tree.below(&touched).map(|area| area.id.clone()).collect();
    rederive(tx, Some(&below)).await?;
    Ok(outcomes)
}

async fn decide(session: &mut Session, rows: &[NewArea]) -> Result<Decided> {
    let mut tree = AreaTree::clone(session.area_tree().await?.as_ref());
    let mut outcomes: Vec<Option<Outcome>> = vec![None; rows.len()];
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    // What lies in another comes after it, in whatever order the rows stand.
    let mut left: Vec<usize> = (0..rows.len()).collect();
    while !left.is_empty() {
        let waits = |at: &usize| waits_for_another(&tree, rows, *at, &left);
        let (mut later, mut ready): (Vec<usize>, Vec<usize>) =
            left.iter().copied().partition(waits);
        if ready.is_empty() {
            std::mem::swap(&mut later, &mut ready);
        }
        for at in ready {
            let outcome = decide_one(session, &tree, &rows[at]).map(|(did, area)| {
                tree.put(area.clone());
                match did.upsert {
                    Upsert::Added => added.push(area),
                    Upsert::Changed => changed.push(area),
                    Upsert::Same => {}
                }
                did
            });
            outcomes[at] = Some(outcome);
        }
        left = later;
    }
    Ok(Decided { outcomes: outcomes.into_iter().flatten().collect(), added, changed })
}

/// Whether what a row lies in is only brought by another row that wasn't taken yet.
fn waits_for_another(tree: &AreaTree, rows: &[NewArea], at: usize, left: &[usize]) -> bool {
    let Some(parent) = rows[at].above() else { return false };
    let parent = parent.as_str();
    let brings =
        |row: &NewArea| row.code.as_deref() == Some(parent) || are_one_place(&row.name, parent);
    tree.named(parent).next().is_none()
        && left.iter().any(|other| *other != at && brings(&rows[*other]))
}

fn decide_one(
    session: &Session,
    tree: &AreaTree,
    new: &NewArea,
) -> std::result::Result<(Did, Area), Problem> {
    let parent = parent_of(tree, new)?;
    let known = known_as(tree, new, parent)?;
    let is_own_child = known
        .zip(parent)
        .is_some_and(|(area, parent)| tree.upward(&parent.id).any(|above| above.id == area.id));
    if is_own_child {
        let text = format!("「{}」不能放在它自己下面", new.name);
        return Err(Problem::new(About::ParentArea, text));
    }
    let above = known.and_then(|area| area.parent_id.clone());
    let parent_id = match &new.parent {
        Told::Blank if above.is_some() => {
            return Err(Problem::new(About::ParentArea, blank_over("上级区划")));
        }
        Told::Nothing => above.or_else(|| coded_parent(tree, new)),
        Told::Blank => coded_parent(tree, new),
        _ => parent.map(|area| area.id.clone()),
    };
    let area = Area {
        id: known.map_or_else(|| session.context().id(), |area| area.id.clone()),
        code: new.code.clone().or_else(|| known.and_then(|area| area.code.clone())),
        name: known.and_then(|known| kept_name(known, new)).unwrap_or(&new.name).to_owned(),
        kind: new.kind,
        parent_id,
    };
    Ok(match known {
        None => (Did { note: alone(&area), ..Upsert::Added.into() }, area),
        Some(known) if *known == area => {
            let text = format!("就是已登记的「{}」，名称没有改", known.name);
            let note = (known.name != new.name).then(|| Problem::new(About::AreaName, text));
            (Did { upsert: Upsert::Same, note, issue: None }, area)
        }
        Some(known) => {
            let note = changes(tree, known, &area);
            (Did { upsert: Upsert::Changed, note, issue: None }, area)
        }
    })
}

/// A word about an area that lies in nothing.
fn alone(area: &Area) -> Option<Problem> {
    let needs_parent = !matches!(area.kind, AreaKind::County | AreaKind::Town);
    (needs_parent && area.parent_id.is_none()).then(|| {
        let name = &area.name;
        let text = format!(
            "没有写上级区划，从代码也看不出：「{name}」不归任何镇或总支，不算在活动里；请加上「上级区划」，再导入一次"
        );
        Problem::new(About::ParentArea, text)
    })
}

/// What an area lies in by its code, where that's known: of one of which nobody says where it lies.
fn coded_parent(tree: &AreaTree, new: &NewArea) -> Option<String> {
    let above = code_above(new.code.as_deref()?)?;
    let kind = kind_of_code(new.code.as_deref()?);
    let found = tree.all().find(|area| area.code.as_ref() == Some(&above));
    found.filter(|_| kind == Some(new.kind)).map(|area| area.id.clone())
}

/// The name that stays where a row without the area's code writes it in another form: 高桥村 for 高桥村委会.
fn kept_name<'a>(known: &'a Area, new: &NewArea) -> Option<&'a str> {
    let is_by_code = new.code.is_some() && known.code == new.code;
    (!is_by_code && are_one_place(&known.name, &new.name)).then_some(&known.name)
}

/// Whether nothing of this kind can lie in one of the other; a hamlet may lie in a village.
fn is_below(parent: AreaKind, kind: AreaKind) -> bool {
    let alone = matches!(kind, AreaKind::County | AreaKind::Town);
    parent > kind || alone && parent == kind
}

/// What a row says that its area lies in; nothing of a county or a town, which may lie outside of what is known.
fn parent_of<'t>(
    tree: &'t AreaTree,
    new: &NewArea,
) -> std::result::Result<Option<&'t Area>, Problem> {
    let Told::Is(parent) = &new.parent else { return Ok(None) };
    let needs_parent = !matches!(new.kind, AreaKind::County | AreaKind::Town);
    match tree.find(parent) {
        Ok(area) if is_below(area.kind, new.kind) => {
            let Area { name, kind, .. } = area;
            let text = format!("「{name}」是{kind}，{}「{}」不能放在它下面", new.kind, new.name);
            Err(Problem::new(About::ParentArea, text))
        }
        Ok(area) => Ok(Some(area)),
        Err(_) if !needs_parent => Ok(None),
        Err(text) => {
            let text = match tree.all().any(|area| area.name == *parent) {
                true => text,
                false => format!("上级区划「{parent}」还没有，请先导入上级区划"),
            };
            Err(Problem::new(About::ParentArea, text))
        }
    }
}

/// The area that is meant, where it's known. One that has the code and another name, or the name and another place, may be
/// another: that's asked.
fn known_as<'t>(
    tree: &'t AreaTree,
    new: &NewArea,
    parent: Option<&Area>,
) -> std::result::Result<Option<&'t Area>, Problem> {
    let by_code =
        new.code.as_ref().and_then(|code| tree.all().find(|area| area.code.as_ref() == Some(code)));
    if let (Some(area), Some(code)) = (by_code, &new.code) {
        if new.choices.same_area || are_one_place(&area.name, &new.name) {
            return Ok(Some(area));
        }
        let text = format!(
            "代码「{code}」已登记的是「{}」，这里却是「{}」：填错了请改代码或名称；确实改了名，请在导入命令后加 --same-area",
            area.name, new.name
        );
        return Err(Problem::new(About::AreaName, text));
    }
    // Of those that have its name, in whatever form.
    let mut alike: Vec<&Area> = tree
        .all()
        .filter(|area| area.kind == new.kind && are_one_place(&area.name, &new.name))
        .collect();
    alike.sort_by(|one, other| {
        (one.name != new.name, &one.id).cmp(&(other.name != new.name, &other.id))
    });
    let lies_there =
        |area: &&&Area| parent.is_none_or(|parent| area.parent_id.as_ref() == Some(&parent.id));
    let coded = |area: &&&Area| new.code.is_some() && area.code.is_some();
    if let Some(area) = alike.iter().filter(lies_there).find(coded)
        && parent.is_some()
    {
        return if new.choices.same_area { Ok(Some(area)) } else { Err(other_code(new, area)) };
    }
    // With a code only one that has none yet.
    alike.retain(|area| new.code.is_none() || area.code.is_none());
    let Some(parent) = parent else {
        return match alike.as_slice() {
            [] => Ok(None),
            [area] => Ok(Some(area)),
            _ => {
                let text = format!("叫「{}」的{}不止一个，请填区划代码", new.name, new.kind);
                Err(Problem::new(About::AreaName, text))
            }
        };
    };
    match (alike.iter().find(lies_there), alike.as_slice()) {
        (Some(area), _) => Ok(Some(area)),
        (None, []) => Ok(None),
        (None, [area]) if new.choices.same_area || is_nearer(tree, parent, area) => Ok(Some(area)),
        (None, _) if new.code.is_some() => Ok(None),
        (None, [area, ..]) => Err(elsewhere(tree, new, area, parent)),
    }
}

/// Whether what an area is said to lie in lies itself in what was known of it, if anything was.
fn is_nearer(tree: &AreaTree, parent: &Area, area: &Area) -> bool {
    let known = area.parent_id.as_deref();
    known.is_none_or(|known| tree.upward(&parent.id).any(|above| above.id == known))
}

/// What is asked where an area of that name lies at the same place and has another code.
fn other_code(new: &NewArea, known: &Area) -> Problem {
    let (told, code) = (new.code.as_deref(), known.code.as_deref());
    let text = format!(
        "「{}」已登记的代码是「{}」，这里却是「{}」：填错了请改代码；确实改了代码，请在导入命令后加 --same-area；是另一个请换一个名称",
        known.name,
        code.unwrap_or_default(),
        told.unwrap_or_default()
    );
    Problem::new(About::AreaCode, text)
}

/// What is asked where an area of that name lies in another.
fn elsewhere(tree: &AreaTree, new: &NewArea, known: &Area, parent: &Area) -> Problem {
    let above = known.parent_id.as_deref().and_then(|id| tree.get(id));
    let (name, place) = (&new.name, &parent.name);
    let text = format!(
        "「{name}」已登记在「{}」下面，这里却在「{place}」下面：是另一个请换一个名称（如「{place}{name}」），确实改了上级请在导入命令后加 --same-area",
        above.map(|above| above.name.as_str()).unwrap_or_default()
    );
    Problem::new(About::ParentArea, text)
}

/// A word about what is put right of an area.
fn changes(tree: &AreaTree, known: &Area, area: &Area) -> Option<Problem> {
    let above = |area: &Area| {
        let above = area.parent_id.as_deref().and_then(|id| tree.get(id));
        above.map_or("（没有上级）".to_owned(), |above| format!("「{}」", above.name))
    };
    let said = [
        (known.name != area.name).then(|| format!("名称由「{}」改为「{}」", known.name, area.name)),
        (known.kind != area.kind).then(|| format!("类型由「{}」改为「{}」", known.kind, area.kind)),
        (known.parent_id.is_some() && known.parent_id != area.parent_id)
            .then(|| format!("上级区划由{}改为{}", above(known), above(area))),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let text = format!("「{}」{}", known.name, said.join("，"));
    (!said.is_empty()).then(|| Problem::new(About::AreaName, text))
}

/// What stands and what is owed of areas and departments themselves: of all, or of some areas alone.
pub(super) struct AreaDuties {
    standing: Vec<Standing>,
    /// What stands of a campaign that is over.
    archived: Vec<Standing>,
    owed: Vec<Duty>,
}

impl AreaDuties {
    /// Reads and derives.
    pub async fn read(
        session: &mut Session,
        plans: &Plans,
        of: Option<&[String]>,
    ) -> Result<AreaDuties> {
        let tree = session.area_tree().await?;
        let of: Option<HashSet<&str>> = of.map(|ids| ids.iter().map(String::as_str).collect());
        let asked = |id: &str| of.as_ref().is_none_or(|of| of.contains(id));
        let town = &plans.now().town;
        let in_campaign = |id: &str| tree.upward(id).any(|area| area.code.as_ref() == Some(town));
        let areas: Vec<&Area> = tree.all().filter(|area| asked(&area.id)).collect();
        let ids: Vec<&str> = areas.iter().map(|area| area.id.as_str()).collect();
        let since = plans.now().starts_on().to_string();
        let checked = session.spot_checked(&ids, &since).await?;
        let working = session.areas_with_work(&ids, plans.began()).await?;
        let confirmed: Confirmed = session.confirmed_since(plans.began()).await?;
        let towns = areas.iter().filter(|area| area.code.as_ref() == Some(town));
        let towns: Vec<&str> = towns.map(|area| area.id.as_str()).collect();
        let daily = daily_of(session, &towns, plans).await?;
        let facts = |area: &&Area| AreaFacts {
            id: area.id.clone(),
            kind: area.kind,
            in_campaign: in_campaign(&area.id),
            spot_checked: checked.contains(&area.id),
            has_work: working.contains(&area.id),
        };
        let mut owed: Vec<Duty> =
            areas.iter().flat_map(|area| duties(&facts(area), &confirmed, plans)).collect();
        owed.extend(daily);
        owed.sort_by(|a, b| a.key.cmp(&b.key));
        let whole = of.is_none();
        if whole {
            owed.extend(department_reports(session, plans, &confirmed).await?);
        }
        // A department's report stands under whoever answers for it.
        let standing =
            session.duties_of_areas().await?.into_iter().filter(|duty| {
                whole || duty.group.staff_id.is_none() && asked(&duty.group.area_id)
            });
        let (archived, standing) = standing.partition(|duty: &Standing| duty.is_over(plans));
        Ok(AreaDuties { standing, archived, owed })
    }

    /// What differs.
    pub fn changes(&self, ladder: &Ladder<'_>) -> Vec<DutyChange> {
        difference(self.standing.clone(), self.owed.clone(), ladder)
    }

    /// Writes what differs, and returns it.
    pub async fn write(&self, tx: &mut Tx, ladder: &Ladder<'_>) -> Result<Vec<DutyChange>> {
        tx.archive_duties(&self.archived).await?;
        let changes = self.changes(ladder);
        tx.write_duties(&changes, ladder, "record").await?;
        Ok(changes)
    }

    /// What a campaign that is over left undone.
    pub fn over(&self) -> impl Iterator<Item = &Standing> + Clone {
        self.archived.iter().filter(|duty| duty.state == DutyState::Open)
    }
}

/// The daily inspection of a town, since its plan asks for it and there is anybody who inspects.
async fn daily_of(session: &mut Session, towns: &[&str], plans: &Plans) -> Result<Vec<Duty>> {
    let asked = plans.inspected_daily_since().filter(|_| !towns.is_empty());
    let since = (asked.map(township_date), session.inspectors_since().await?);
    let (Some(asked), Some(there)) = since else { return Ok(Vec::new()) };
    let plan = plans.now();
    let inspected = session.inspected_days(&plan.starts_on().to_string()).await?;
    let workdays = &session.context().workdays;
    let of = |town: &&str| daily(town, asked.max(there), &inspected, plan, workdays);
    Ok(towns.iter().flat_map(of).collect())
}

async fn department_reports(
    session: &mut Session,
    plans: &Plans,
    confirmed: &Confirmed,
) -> Result<Vec<Duty>> {
    let departments = session.departments().await?;
    let by_person: HashMap<&str, &Department> =
        departments.values().map(|department| (department.staff_id.as_str(), department)).collect();
    let people: Vec<&str> = by_person.keys().copied().collect();
    let mut working: Vec<String> =
        session.departments_with_work(&people, plans.began()).await?.into_iter().collect();
    working.sort_unstable();
    let of = working.iter().filter_map(|person| by_person.get(person.as_str()));
    Ok(of.map(|department| report(department, confirmed, plans)).collect())
}

/// Makes the duties of these areas what the record says; of all areas and departments where none is named.
pub(super) async fn rederive(tx: &mut Tx, of: Option<&[String]>) -> Result<()> {
    let (plans, workdays) = (tx.plans(), tx.context().workdays.clone());
    let duties = AreaDuties::read(tx, &plans, of).await?;
    duties.write(tx, &Ladder::of(&plans, &workdays, tx.today())).await?;
    Ok(())
}

/// From the day on which somebody first is of the inspection group, its daily inspection is owed.
pub(super) async fn inspectors_came(tx: &mut Tx) -> Result<()> {
    let today = tx.today();
    if tx.begin_inspecting(today).await? {
        inspected(tx, std::iter::empty()).await?;
    }
    Ok(())
}

/// Somebody inspected in these areas: what is owed of a check there, and of the town's daily inspection, follows.
pub(super) async fn inspected(tx: &mut Tx, areas: impl Iterator<Item = String>) -> Result<()> {
    let (tree, plans) = (tx.area_tree().await?, tx.plans());
    let town = &plans.now().town;
    let towns = tree.all().filter(|area| area.code.as_ref() == Some(town));
    let areas: Vec<String> = areas.chain(towns.map(|area| area.id.clone())).collect();
    rederive(tx, Some(&areas)).await
}

/// Sees to it that areas and departments in which work was asked for owe their reports.
pub(super) async fn owe_reports(
    tx: &mut Tx,
    areas: &HashSet<String>,
    departments: &HashMap<String, Department>,
) -> Result<()> {
    let plans = tx.plans();
    let confirmed = Confirmed::default();
    let facts = |id: &String| AreaFacts {
        id: id.clone(),
        kind: AreaKind::Grid,
        in_campaign: false,
        spot_checked: false,
        has_work: true,
    };
    let of_areas = areas.iter().flat_map(|id| duties(&facts(id), &confirmed, &plans));
    let of_departments = departments.values().map(|of| report(of, &confirmed, &plans));
    let owed: Vec<Duty> = of_areas.chain(of_departments).collect();
    let keys: Vec<&str> = owed.iter().map(|duty| duty.key.as_str()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let standing = tx.duties_of_keys(&keys).await?;
    let there: HashSet<&str> = standing
        .iter()
        .filter(|duty| duty.state != DutyState::Cancelled)
        .map(|duty| duty.key.as_str())
        .collect();
    if owed.iter().any(|duty| !there.contains(duty.key.as_str())) {
        let areas: Vec<String> = areas.iter().cloned().collect();
        if departments.is_empty() {
            rederive(tx, Some(&areas)).await?
        } else {
            rederive(tx, None).await?
        }
    }
    Ok(())
}
