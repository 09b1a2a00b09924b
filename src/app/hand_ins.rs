//! Handing in (报送): what an area or a unit of the town hands in is a fact that meets its duty, with its file; whoever receives
//! it sends it back with a word, and it's owed again.

use std::collections::HashMap;

use jiff::civil::Date;
use serde_json::json;

use super::confirm::{Confirmed, confirmed};
use crate::clock::township_date;
use crate::db::{AreaTree, HandIn, Result, Session, Standing, StoreError, Tx};
use crate::domain::area::Area;
use crate::domain::campaign::Campaign;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::area::confirmed_key;
use crate::domain::rights::Right;
use crate::domain::staff::{Holders, Role, StaffMember};

/// What is handed in, or to be handed in.
#[derive(Debug, Clone)]
pub struct Owed {
    pub key: String,
    pub kind: DutyKind,
    /// What it's called: the kind, or the title of a phase that was added.
    pub title: String,
    /// The area's name, or the unit's.
    pub of: String,
    pub area_id: String,
    /// Who owes it.
    pub who: Vec<String>,
    pub due_on: Date,
    pub is_in: bool,
    /// Each time that it was handed in, the newest first.
    pub times: Vec<HandIn>,
}

impl Owed {
    /// Whether it's missing though its day has passed.
    pub fn is_late(&self, today: Date) -> bool {
        !self.is_in && self.due_on < today
    }

    /// Whether it's here, and came after its day.
    pub fn came_late(&self) -> bool {
        let last = self.times.first().filter(|last| last.returned_at.is_none());
        self.is_in && last.is_some_and(|last| township_date(last.handed_at) > self.due_on)
    }

    /// How often it was handed in: whoever acts has seen so many.
    pub fn version(&self) -> i64 {
        self.times.first().map_or(0, |last| last.version)
    }
}

/// A place of which something may be owed.
struct Place {
    kind: DutyKind,
    title: String,
    of: String,
    area_id: String,
    who: Vec<String>,
}

/// What a person sees of it: in their areas, or of their unit; all for whoever sees to the town.
///
/// # Errors
/// Where the record can't be read.
pub async fn owed(session: &mut Session, person: &StaffMember) -> Result<Vec<Owed>> {
    owed_among(session, person, None).await
}

/// The same, or of it what goes by one key alone.
async fn owed_among(
    session: &mut Session,
    person: &StaffMember,
    only: Option<&str>,
) -> Result<Vec<Owed>> {
    let mut places = places(session, person, only).await?;
    let keys: Vec<&str> = places.keys().map(String::as_str).collect();
    let standing = session.duties_of_keys(&keys).await?;
    let mut times: HashMap<String, Vec<HandIn>> = HashMap::new();
    for time in session.hand_ins(&keys).await? {
        times.entry(time.duty_key.clone()).or_default().push(time);
    }
    let began = session.plans().began();
    let owed = |duty: Standing| {
        let place = places.remove(&duty.key)?;
        let mut times = times.remove(&duty.key).unwrap_or_default();
        // A campaign's before is over.
        times.retain(|time| time.handed_at >= began);
        (duty.state != DutyState::Cancelled).then_some(Owed {
            key: duty.key,
            kind: place.kind,
            title: place.title,
            of: place.of,
            area_id: place.area_id,
            who: place.who,
            due_on: duty.group.due_on,
            is_in: duty.state == DutyState::Met,
            times,
        })
    };
    let mut owed: Vec<Owed> = standing.into_iter().filter_map(owed).collect();
    owed.sort_by(|a, b| (a.is_in, a.due_on, &a.of).cmp(&(b.is_in, b.due_on, &b.of)));
    Ok(owed)
}

async fn places(
    session: &mut Session,
    person: &StaffMember,
    only: Option<&str>,
) -> Result<HashMap<String, Place>> {
    let is_asked = |key: &str| only.is_none_or(|only| only == key);
    let tree = session.area_tree().await?;
    let holders = Holders::new(session.staff().await?);
    let plan = session.campaign().clone();
    let mut places = HashMap::new();
    for area in tree.all().filter(|area| sees(person, &tree, &area.id)) {
        for (key, kind, title, role) in of_area(area, &plan) {
            if is_asked(&key) {
                let people = holders.holders(&tree, role, &area.id);
                let who = people.iter().map(|person| person.name.clone()).collect();
                let of = area.name.clone();
                places.insert(key, Place { kind, title, of, area_id: area.id.clone(), who });
            }
        }
    }
    for (unit, department) in session.departments().await? {
        let key = confirmed_key(DutyKind::Report, &department.staff_id, None);
        if !is_asked(&key) {
            continue;
        }
        let own = person.roles.contains(&Role::Department) && person.is_of_unit(&unit);
        if !own && !sees(person, &tree, &department.area_id) {
            continue;
        }
        let who = holders.person(&department.staff_id).map(|person| person.name.clone());
        let place = Place {
            kind: DutyKind::Report,
            title: DutyKind::Report.chinese().to_owned(),
            of: unit,
            area_id: department.area_id,
            who: who.into_iter().collect(),
        };
        places.insert(key, place);
    }
    Ok(places)
}

/// Whether a person sees what is handed in of an area: a department only what is its own.
fn sees(person: &StaffMember, tree: &AreaTree, area: &str) -> bool {
    let mut person = person.clone();
    person.roles.retain(|role| *role != Role::Department);
    Right::SeeHandIns.is_of(&person, tree, Some(area))
}

/// All that may be owed of an area, by key: what it is, what it's called, and which role owes it.
fn of_area(area: &Area, plan: &Campaign) -> Vec<(String, DutyKind, String, Role)> {
    let kinds = DutyKind::ALL.iter().copied();
    let plain = kinds.filter(|kind| kind.is_confirmed() && *kind != DutyKind::Extra).map(|kind| {
        (confirmed_key(kind, &area.id, None), kind, kind.chinese().to_owned(), kind.role())
    });
    let extra = plan.extra.iter().map(|phase| {
        let key = confirmed_key(DutyKind::Extra, &area.id, Some(&phase.code));
        (key, DutyKind::Extra, phase.title.clone(), phase.owed_by)
    });
    plain.chain(extra).collect()
}

/// The one of that key that a person sees; nothing where there is none.
///
/// # Errors
/// Where the record can't be read.
pub async fn one(session: &mut Session, person: &StaffMember, key: &str) -> Result<Option<Owed>> {
    Ok(owed_among(session, person, Some(key)).await?.pop())
}

/// What may be done with it by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct May {
    pub hand_in: bool,
    pub receive: bool,
}

/// What a person may do with what they see.
pub fn may(person: &StaffMember) -> May {
    May { hand_in: Right::HandIn.is_held_by(person), receive: Right::Receive.is_held_by(person) }
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Handled {
    Done,
    /// Something was handed in or sent back since the page was shown: nothing was done.
    Stale,
    NotYours,
}

/// Hands something in, by a file or on paper: what it meets is met.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn hand_in(
    tx: &mut Tx,
    person: &StaffMember,
    (key, seen): (&str, i64),
    file_id: Option<&str>,
) -> Result<Handled> {
    let Some(owed) = one(tx, person, key).await? else { return Ok(Handled::NotYours) };
    let may = may(person);
    // On paper only whoever receives it says so.
    if !(may.hand_in && file_id.is_some() || may.receive) {
        return Ok(Handled::NotYours);
    }
    if owed.version() != seen {
        return Ok(Handled::Stale);
    }
    tx.put_hand_in(key, seen + 1, file_id, &person.id).await?;
    let detail = json!({ "version": seen + 1, "file": file_id.is_some() });
    tx.audit(&person.signed(), "hand_in", key, &detail).await?;
    if !owed.is_in {
        let by = person.signed();
        let Owed { key, kind, area_id, of, .. } = owed;
        confirmed(tx, vec![Confirmed { key, kind, area_id, of, by }]).await?;
    }
    Ok(Handled::Done)
}

/// Sends something back with a word, which whoever handed it in is told: it's owed again.
///
/// # Errors
/// [`StoreError::Rule`] without a word; or where the record can't be read or written.
pub async fn send_back(
    tx: &mut Tx,
    person: &StaffMember,
    (key, seen): (&str, i64),
    word: &str,
) -> Result<Handled> {
    if word.trim().is_empty() {
        return Err(StoreError::Rule("请写明为什么退回、要补什么".to_owned()));
    }
    if !may(person).receive {
        return Ok(Handled::NotYours);
    }
    let Some(owed) = one(tx, person, key).await? else { return Ok(Handled::NotYours) };
    if owed.version() != seen || !owed.is_in {
        return Ok(Handled::Stale);
    }
    if let Some(last) = owed.times.first() {
        tx.send_back_hand_in(&last.id, &person.id, word).await?;
        if let Some(handed_by) = tx.staff_member(&last.handed_by).await? {
            let title = format!("【走访】{}（{}）退回", owed.title, owed.of);
            let body = format!(
                "您报送的{}（{}）被退回：请到「材料报送」看退回的原因，补正后重新报送",
                owed.title, owed.of
            );
            tx.tell(&handed_by, &format!("hand-in-{}", last.id), &title, &body).await?;
        }
    }
    tx.audit(&person.signed(), "send_back", key, &json!({ "word": word })).await?;
    // A department's report stands under its person, and is derived with the whole.
    let areas = [owed.area_id];
    super::areas::rederive(tx, (owed.kind != DutyKind::Report).then_some(&areas[..])).await?;
    Ok(Handled::Done)
}

/// The file of something that was handed in, where a person sees that; its name stands in the record of the file.
///
/// # Errors
/// Where the record can't be read.
pub async fn file_of(
    session: &mut Session,
    person: &StaffMember,
    id: &str,
) -> Result<Option<(String, String)>> {
    let Some(key) = session.hand_in_duty(id).await? else { return Ok(None) };
    let owed = one(session, person, &key).await?;
    let time = owed.and_then(|owed| owed.times.into_iter().find(|time| time.id == id));
    Ok(time.and_then(|time| time.file_id).map(|file| (key, file)))
}
