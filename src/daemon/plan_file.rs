//! A plan's file: what it writes, over the shape of the built-in plan. Only what differs has to be written; what makes a
//! campaign this one (its code, name, town and phases) always has.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use toml::{Table, Value};

use crate::domain::campaign::{Campaign, plus};
use crate::settings::mistakes;

const BUILT_IN: &str = include_str!("../../config/campaign.toml");

/// What is taken from the built-in plan where a file doesn't say it.
const SHAPE: &[&str] = &[
    "acknowledge_within",
    "upload_within",
    "yellow_within",
    "resolve_within",
    "begin_before",
    "daily_inspection",
];

/// Materials are made within ten days (三(一)): the last of them is so many days after the first.
const MATERIALS: i64 = 9;

/// The operator's plan as its file has it now. Every status asks for it: it's understood anew only where its words changed.
#[derive(Debug, Default)]
pub struct PlanNow(Mutex<(String, Option<Arc<Campaign>>)>);

impl PlanNow {
    /// That of this file; nothing where there's none, or none that can be understood for the moment.
    pub fn of(&self, file: &Path) -> Option<Arc<Campaign>> {
        let text = std::fs::read_to_string(file).ok()?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != text {
            let plan = read(&text).ok().map(Arc::new);
            *known = (text, plan);
        }
        known.1.clone()
    }
}

/// The built-in plan.
pub(super) fn built_in() -> Result<Campaign, String> {
    read(BUILT_IN)
}

/// Reads a plan.
///
/// # Errors
/// What is wrong, with its place where that is known.
pub(super) fn read(text: &str) -> Result<Campaign, String> {
    let mut plan: Table = text.parse().map_err(|error| mistakes::in_toml(text, &error))?;
    let complete = match toml::from_str::<Campaign>(text) {
        Ok(plan) => Some(plan),
        // What is left out may stand in the built-in plan.
        Err(error) if error.message().starts_with("missing field") => None,
        Err(error) => return Err(mistakes::in_toml(text, &error)),
    };
    let covered = complete.as_ref().is_some_and(covers_every_duty);
    let campaign: Campaign = match complete.filter(|_| covered) {
        Some(campaign) => campaign,
        None => {
            fill(&mut plan).map_err(|error| mistakes::in_chinese(error.message()))?;
            plan.try_into()
                .map_err(|error: toml::de::Error| mistakes::in_chinese(error.message()))?
        }
    };
    campaign.check().map_err(|error| error.to_string())?;
    Ok(campaign)
}

fn covers_every_duty(plan: &Campaign) -> bool {
    use crate::domain::duty::DutyKind;
    DutyKind::ALL.iter().all(|kind| !plan.steps(*kind).is_empty())
}

/// Takes the rest of the built-in plan's shape.
fn fill(plan: &mut Table) -> Result<(), toml::de::Error> {
    let built_in: Table = BUILT_IN.parse()?;
    for key in SHAPE {
        let Some(own) = built_in.get(*key) else { continue };
        match (plan.get_mut(*key), own) {
            (Some(Value::Table(written)), Value::Table(own)) => {
                for (name, value) in own {
                    written.entry(name.as_str()).or_insert_with(|| value.clone());
                }
            }
            (Some(_), _) => {}
            (None, own) => drop(plan.insert((*key).to_owned(), own.clone())),
        }
    }
    if !plan.contains_key("materials_due_on")
        && let Some(day) = day_of(plan, "visit", "starts_on")
    {
        let due_on = plus(day, MATERIALS).to_string();
        plan.insert("materials_due_on".to_owned(), Value::String(due_on));
    }
    fill_ladder(plan, &built_in);
    Ok(())
}

/// The first or last day of a phase.
fn day_of(plan: &Table, phase: &str, end: &str) -> Option<Date> {
    let phases = plan.get("phases")?.as_array()?.iter();
    let name = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(phase);
    phases.filter(name).find_map(|phase| match phase.get(end)? {
        Value::String(day) => day.parse().ok(),
        Value::Datetime(day) => day.to_string().parse().ok(),
        _ => None,
    })
}

/// The revisits' first word comes as their phase opens, however long that is (三(四)).
fn open_with_the_phase(ladder: &mut Value, plan: &Table) {
    let day = |end| day_of(plan, "feedback", end);
    let (Some(first), Some(last)) = (day("starts_on"), day("ends_on")) else { return };
    let steps = ladder.get_mut("steps").and_then(Value::as_array_mut);
    let mut days = steps.into_iter().flatten().filter_map(|step| step.get_mut("days"));
    let (Some(opening), Some(next)) = (days.next(), days.next()) else { return };
    let span = -i64::from((last - first).get_days());
    *opening = Value::Integer(next.as_integer().map_or(span, |next| span.min(next - 1)));
}

/// The duties that the plan's own ladders don't name climb the built-in ones.
fn fill_ladder(plan: &mut Table, built_in: &Table) {
    let duties = |ladder: &Value| -> Vec<Value> {
        ladder.get("duties").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let of = |plan: &Table| plan.get("ladder").and_then(Value::as_array).cloned();
    let mut ladders = of(plan).unwrap_or_default();
    let named: Vec<Value> = ladders.iter().flat_map(duties).collect();
    for mut ladder in of(built_in).unwrap_or_default() {
        let mut rest = duties(&ladder);
        rest.retain(|duty| !named.contains(duty));
        if rest.iter().any(|duty| duty.as_str() == Some("revisit")) {
            open_with_the_phase(&mut ladder, plan);
        }
        if let (Some(table), false) = (ladder.as_table_mut(), rest.is_empty()) {
            table.insert("duties".to_owned(), Value::Array(rest));
            ladders.push(ladder);
        }
    }
    plan.insert("ladder".to_owned(), Value::Array(ladders));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::civil::date;

    use super::*;
    use crate::domain::duty::DutyKind;
    use crate::domain::issue::Urgency;

    const SHORT: &str = "code = 'JY2023'\nname = '某镇大走访'\ntown = '370481112000'\n\
        [[phases]]\nname = 'visit'\nstarts_on = '2023-03-01'\nends_on = '2023-03-31'\n\
        [[phases]]\nname = 'classify'\nstarts_on = '2023-04-01'\nends_on = '2023-04-15'\n\
        [[phases]]\nname = 'resolve'\nstarts_on = '2023-04-16'\nends_on = '2023-05-31'\n\
        [[phases]]\nname = 'feedback'\nstarts_on = '2023-06-01'\nends_on = '2023-06-30'\n";

    #[test]
    fn only_what_differs_has_to_be_written() {
        let plan = read(SHORT).unwrap();
        let built_in = built_in().unwrap();
        assert_eq!(plan.materials_due_on, date(2023, 3, 10));
        assert_eq!(plan.acknowledge_within, built_in.acknowledge_within);
        for kind in DutyKind::ALL {
            assert_eq!(plan.steps(*kind), built_in.steps(*kind), "{kind}");
        }
        let own = "[resolve_within]\nurgent = 3\n[[ladder]]\nduties = ['visit']\nsteps = [{ days = 0, who = 'owner' }]\n";
        let plan = read(&format!("{SHORT}{own}")).unwrap();
        assert_eq!(plan.resolve_by(Urgency::Urgent, date(2023, 4, 1)), date(2023, 4, 4));
        assert_eq!(plan.resolve_within.normal, built_in.resolve_within.normal);
        assert_eq!(plan.steps(DutyKind::Visit).len(), 1);
        assert_eq!(plan.steps(DutyKind::Classify), built_in.steps(DutyKind::Classify));
    }

    #[test]
    fn the_first_word_of_the_revisits_comes_as_their_phase_opens() {
        let opening = |until: &str| {
            let plan = read(&SHORT.replace("2023-06-30", until)).unwrap();
            let opening = plan.steps(DutyKind::Revisit)[0].days;
            plus(plan.due_on(DutyKind::Revisit), opening)
        };
        for until in ["2023-06-30", "2023-07-31", "2023-06-20"] {
            assert_eq!(opening(until), date(2023, 6, 1), "{until}");
        }
        assert!(read(&SHORT.replace("2023-06-30", "2023-06-02")).is_ok());
    }

    #[test]
    fn what_makes_a_campaign_has_to_be_written() {
        let without = SHORT.replace("town = '370481112000'\n", "");
        assert!(read(&without).unwrap_err().contains("town"));
        assert!(read(&SHORT.replace("2023-05-31", "31.5.")).unwrap_err().starts_with("第 "));
    }
}
