//! For which area and day something is handed in, and whether names stand in it in full.

use jiff::civil::Date;
use serde_json::json;

use super::Result;
use super::places::{full_name, in_order};
use crate::app::people::acting;
use crate::db::{Area, AreaTree, Store};
use crate::domain::area::{AreaKind, OWN};
use crate::domain::campaign::PhaseName;
use crate::domain::rights::Right;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// An area's id; nothing for all of them.
    pub area: Option<String>,
    /// Only what lies in that area itself, and in none below it: a town's own schools, hospitals and organs.
    pub own: bool,
    /// Up to the end of this day; nothing for today.
    pub on: Option<Date>,
    /// Up to the end of this phase, where no day is given; of one that isn't over, up to today.
    pub phase: Option<PhaseName>,
    /// Whether names, contacts and addresses stand in full.
    pub reveals: bool,
    /// A unit of the town (镇直部门), for what a unit hands in.
    pub unit: Option<String>,
}

impl Asked {
    /// The same of another area.
    #[must_use]
    pub fn of(&self, area: &str) -> Asked {
        Asked { area: Some(area.to_owned()), own: false, ..self.clone() }
    }

    /// The same of what is an area's own.
    #[must_use]
    pub fn of_own(&self, area: &str) -> Asked {
        Asked { own: true, ..self.of(area) }
    }

    /// The areas that are asked for, in their order.
    pub fn areas(&self, tree: &AreaTree) -> Vec<String> {
        let mut areas = in_order(tree, self.area.as_deref());
        if let Some(within) = self.area.as_deref() {
            areas.retain(|area| tree.is_in(area, within, self.own));
        }
        areas
    }

    /// Those of a kind among them.
    pub fn of_kind(&self, tree: &AreaTree, kind: AreaKind) -> Vec<Area> {
        let areas = self.areas(tree);
        areas
            .iter()
            .filter_map(|id| tree.get(id))
            .filter(|area| area.kind == kind)
            .cloned()
            .collect()
    }

    /// Whose it is, from the town on; nothing of an unknown place.
    pub fn whose(&self, tree: &AreaTree, town: &str) -> String {
        let area = self.area.as_deref().or_else(|| Some(tree.find(town).ok()?.id.as_str()));
        let name = area.map(|area| full_name(tree, area)).unwrap_or_default();
        self.called(&name)
    }

    /// What is asked for of an area of that name.
    pub fn called(&self, name: &str) -> String {
        if self.own { format!("{name}{OWN}") } else { name.to_owned() }
    }

    /// Why there is nothing of that day: it belongs to a campaign of before, whose visits and duties aren't the present one's.
    pub fn of_earlier(&self, store: &Store) -> Option<String> {
        let (day, plans, clock) = (self.day(store), store.plans(), &store.context().clock);
        let end = clock.instant(plus_one(day).at(0, 0, 0, 0)).as_millisecond();
        let earlier = plans.earlier_on(day, end)?;
        Some(format!(
            "{day} 属于以前的活动「{}」，它的材料要在那次活动结束前做；现在只能做本次活动「{}」（自 {}）的材料",
            earlier.name,
            plans.now().name,
            plans.now().starts_on()
        ))
    }

    /// Up to the end of which day.
    pub fn day(&self, store: &Store) -> Date {
        let today = store.context().clock.today();
        let of_phase = self.phase.map(|phase| store.campaign().ends_on(phase).min(today));
        self.on.or(of_phase).unwrap_or(today)
    }
}

/// Lets somebody see what is written in full, where they have the right to it over the area, and writes down who; where names
/// are hidden, writes down that whoever runs the command read it.
///
/// # Errors
/// That they may not, or that the record can't be written.
pub async fn allow(store: &Store, by: Option<&str>, what: &str, asked: &Asked) -> Result<()> {
    let mut tx = store.begin().await?;
    let tree = tx.area_tree().await?;
    // All of it is the town's: who has the right over a part of it hasn't it over the whole.
    let town = tree.find(&tx.campaign().town).map(|town| town.id.clone()).ok();
    let area = asked.area.as_deref().or(town.as_deref());
    let actor = match by.filter(|_| asked.reveals) {
        Some(by) => acting(&mut tx, by, Right::RevealReport, area).await?.number,
        None => "operator".to_owned(),
    };
    let area = area.and_then(|id| tree.get(id)).map(|area| asked.called(&area.name));
    let detail = json!({"reveal": asked.reveals, "area": area, "on": asked.day(store)});
    let act = if asked.reveals { "export" } else { "report" };
    tx.audit(&actor, act, what, &detail).await?;
    Ok(tx.commit().await?)
}

pub(super) fn plus_one(on: Date) -> Date {
    crate::domain::campaign::plus(on, 1)
}
