//! 抽样 (四(三)): a sample is drawn of what was visited, by its seed in the open; each of it is an inspector's to check.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use super::inspections::rederive;
use crate::clock::township_date;
use crate::db::{
    AreaTree, DrawRow, Holders, NewInspection, Result, StaffMember, StoreError, Tx, VisitedSubject,
};
use crate::domain::sampling::{Below, Size, Stratum, draw};
use crate::domain::staff::Role;

/// What is to be drawn.
#[derive(Debug, Clone)]
pub struct NewDraw {
    pub size: Size,
    pub seed: u64,
    /// By when it's checked.
    pub due_on: Date,
}

/// What was drawn: which of how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The numbers of what was drawn, in their order.
    pub numbers: Vec<String>,
    pub population: usize,
    /// Where that seed had drawn it before.
    pub before: Option<Before>,
}

/// When and by whom a seed drew before, and what it would draw by what is known now of that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    pub on: Date,
    pub by: String,
    /// How many there would be to draw from.
    pub population: usize,
    pub draws_the_same: bool,
}

impl Drawn {
    /// What is said of a seed that drew before.
    pub fn repeated(&self, seed: u64) -> Option<String> {
        let Before { on, by, population, draws_the_same } = self.before.as_ref()?;
        let (of, count) = (self.population, self.numbers.len());
        let again = if *draws_the_same {
            "照当时的情况再抽一遍，抽出的一样".to_owned()
        } else {
            format!(
                "照现在登记的再抽一遍，抽出的不一样：当时能抽的是 {of} 个，现在算出来是 {population} 个，其间有走访、对象或者区划改动过"
            )
        };
        Some(format!(
            "种子 {seed} 在 {on} 已由{by}抽过，从 {of} 个走访过的对象里抽了 {count} 个；{again}。没有另抽：要另抽一批，请换一个种子"
        ))
    }
}

/// Draws a sample of what was visited, by villages, and gives each to an inspector who didn't visit there. `below` is the chance of
/// that seed. A seed draws once: asked again, it's looked whether it would draw the same.
///
/// # Errors
/// [`StoreError::Rule`] where nothing was visited, nobody can check it, or the seed drew as many others before.
pub async fn draw_sample(
    tx: &mut Tx,
    new: &NewDraw,
    by: &StaffMember,
    below: Below<'_>,
) -> Result<Drawn> {
    tx.campaign().may_come(new.due_on).map_err(StoreError::Rule)?;
    let began = tx.plans().began();
    if let Some(before) = tx.draw_of_seed(new.seed, began).await? {
        return drawn_before(tx, new, (before, began), below).await;
    }
    let staff = tx.staff().await?;
    let mut inspectors: Vec<&StaffMember> =
        staff.iter().filter(|person| person.roles.contains(&Role::Inspector)).collect();
    inspectors.sort_by(|a, b| a.number.cmp(&b.number));
    if inspectors.is_empty() {
        let text =
            "没有督导组人员，抽出来也没有人去查：请先在走访人员表里给人「督导组」的角色，再导入";
        return Err(StoreError::Rule(text.to_owned()));
    }
    let now = tx.now();
    let visited = tx.visited_subjects((now, began), "").await?;
    let drawn = draw(&by_village(&*tx.area_tree().await?, &visited), new.size, below);
    if drawn.is_empty() {
        let text = "还没有走访过的对象可抽（已经抽出、还没有查的不再抽）";
        return Err(StoreError::Rule(text.to_owned()));
    }
    let visited: HashMap<&str, &VisitedSubject> =
        visited.iter().map(|subject| (subject.number.as_str(), subject)).collect();
    let shared = share(&drawn, &inspectors, &visited)?;
    let population = visited.len();
    let numbers = write_draw(tx, new, by, population, shared).await?;
    Ok(Drawn { numbers, population, before: None })
}

/// What a seed drew before, and whether it would draw that again.
async fn drawn_before(
    tx: &mut Tx,
    new: &NewDraw,
    (before, began): (DrawRow, i64),
    below: Below<'_>,
) -> Result<Drawn> {
    let day = township_date(before.drawn_at);
    let by = Holders::new(tx.staff().await?);
    let by = by.person(&before.drawn_by).map(StaffMember::signed).unwrap_or_default();
    if before.asked != asked(new.size) {
        let seed = new.seed;
        let text = format!(
            "种子 {seed} 在 {day} 已由{by}用过，抽的不是这么多：要照它再抽一遍，请写同样的数；要另抽一批，请换一个种子"
        );
        return Err(StoreError::Rule(text));
    }
    let visited = tx.visited_subjects((before.drawn_at, began), &before.id).await?;
    let again = draw(&by_village(&*tx.area_tree().await?, &visited), new.size, below);
    let again: HashSet<&str> =
        again.iter().flat_map(|of| &of.members).map(String::as_str).collect();
    let known = tx.drawn_by(&before.id).await?;
    let same = known.iter().map(|one| one.subject.as_str()).collect::<HashSet<_>>() == again;
    let before_then = usize::try_from(before.population).unwrap_or_default();
    Ok(Drawn {
        numbers: known.into_iter().map(|one| one.inspection).collect(),
        population: before_then,
        before: Some(Before {
            on: day,
            by,
            population: visited.len(),
            draws_the_same: same && before_then == visited.len(),
        }),
    })
}

/// How many were asked for, as the record has it.
fn asked(size: Size) -> String {
    let asked = match size {
        Size::InAll(count) => serde_json::json!({"count": count}),
        Size::Each(each) => serde_json::json!({"per_village": each}),
    };
    asked.to_string()
}

/// What was visited, by the villages' codes and the subjects' numbers, so that the same seed draws the same whatever their ids.
fn by_village(tree: &AreaTree, visited: &[VisitedSubject]) -> Vec<Stratum> {
    let mut strata: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for VisitedSubject { area_id, number, .. } in visited {
        let known = tree.get(area_id);
        let name = known.map(|area| area.code.as_deref().unwrap_or(&area.name));
        strata.entry((name.unwrap_or_default(), area_id)).or_default().push(number.clone());
    }
    let stratum =
        |((_, area), members): ((&str, &str), _)| Stratum { area: area.to_owned(), members };
    strata.into_iter().map(stratum).collect()
}

/// Writes a draw with what was drawn, and what follows: each is its inspector's duty.
async fn write_draw(
    tx: &mut Tx,
    new: &NewDraw,
    by: &StaffMember,
    population: usize,
    shared: Vec<(String, String)>,
) -> Result<Vec<String>> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let first = tx.next_values("inspection", number(shared.len())).await?;
    let (now, today) = (tx.now(), tx.today().to_string());
    let (draw_id, code) = (tx.context().id(), tx.campaign().code.clone());
    let asked = asked(new.size);
    let row = DrawRow {
        id: draw_id.clone(),
        seed: new.seed.to_string(),
        asked: asked.clone(),
        population: number(population),
        due_on: new.due_on.to_string(),
        drawn_by: by.id.clone(),
        drawn_at: now,
    };
    let inspection = |((subject, inspector), sequence): ((String, String), i64)| NewInspection {
        id: tx.context().id(),
        number: format!("{code}-C{sequence:04}"),
        draw_id: draw_id.clone(),
        subject_id: subject,
        inspector_id: inspector,
        drawn_on: today.clone(),
        due_on: new.due_on.to_string(),
        created_at: now,
    };
    let rows: Vec<NewInspection> = shared.into_iter().zip(first..).map(inspection).collect();
    tx.add_draw(&row, &rows).await?;
    let seed = new.seed.to_string();
    let detail = serde_json::json!({"seed": seed, "asked": asked, "of": population});
    tx.audit(&by.signed(), "draw_inspections", &draw_id, &detail).await?;
    let subjects: Vec<&str> = rows.iter().map(|row| row.subject_id.as_str()).collect();
    rederive(tx, &subjects).await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

/// Who checks what: a village is one inspector's, whoever has the least so far; nobody checks what they visited themselves.
fn share(
    drawn: &[Stratum],
    inspectors: &[&StaffMember],
    visited: &HashMap<&str, &VisitedSubject>,
) -> Result<Vec<(String, String)>> {
    let mut load: Vec<usize> = vec![0; inspectors.len()];
    let mut shared = Vec::new();
    for Stratum { members, .. } in drawn {
        let of = |number: &String| visited.get(number.as_str());
        let may = |at: &usize, number: &String| {
            of(number).is_some_and(|subject| subject.visitor != inspectors[*at].id)
        };
        let least = |fits: &dyn Fn(&usize) -> bool, load: &[usize]| {
            (0..inspectors.len()).filter(|at| fits(at)).min_by_key(|at| load[*at])
        };
        let whole = least(&|at| members.iter().all(|number| may(at, number)), &load);
        for number in members {
            let Some(at) = whole.or_else(|| least(&|at| may(at, number), &load)) else {
                let text = format!(
                    "「{number}」是督导组唯一的人自己走访的，不能由本人抽查：请再指定一名督导组人员"
                );
                return Err(StoreError::Rule(text));
            };
            load[at] += 1;
            let subject = of(number).map(|subject| subject.subject_id.clone());
            shared.extend(subject.map(|subject| (subject, inspectors[at].id.clone())));
        }
    }
    Ok(shared)
}
