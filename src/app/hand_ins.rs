//! Handing in (报送): what an area or a unit of the town hands in is a fact that meets its duty, with its file; whoever receives
//! it sends it back with a word, and it's owed again.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use serde_json::json;

use super::confirm::{Confirmed, confirmed};
use super::owners::everybody;
use crate::clock::township_date;
use crate::db::{AreaTree, ConfirmedBy, HandIn, Result, Session, Standing, StoreError, Tx};
use crate::domain::area::Area;
use crate::domain::campaign::Campaign;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::escalation::Roster;
use crate::domain::obligations::GroupKey;
use crate::domain::obligations::area::confirmed_key;
use crate::domain::rights::Right;
use crate::domain::staff::{Role, StaffMember};

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
    /// How it came, where it's in.
    pub came: Option<Came>,
    /// Each time that it was handed in for this campaign, the newest first.
    pub times: Vec<HandIn>,
    /// How often it was handed in, campaigns before counted: whoever acts has seen so many.
    pub version: i64,
}

/// How something came that is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    pub at: i64,
    pub by: String,
    pub how: How,
}

/// By what way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    File,
    Paper,
    /// By a table or a command, which brings nothing with it.
    Confirmed,
}

impl Owed {
    /// Whether it's missing though its day has passed.
    pub fn is_late(&self, today: Date) -> bool {
        !self.is_in && self.due_on < today
    }

    /// Whether it's here, and came after its day.
    pub fn came_late(&self) -> bool {
        self.came.as_ref().is_some_and(|came| township_date(came.at) > self.due_on)
    }
}

/// A place of which something may be owed.
struct Place {
    kind: DutyKind,
    title: String,
    of: String,
    area_id: String,
}

/// Which of it is asked for.
#[derive(Clone, Copy, Default)]
struct Which<'w> {
    /// What this person sees.
    seen_by: Option<&'w StaffMember>,
    kind: Option<DutyKind>,
    key: Option<&'w str>,
}

impl Which<'_> {
    fn is_asked(&self, kind: DutyKind, key: &str) -> bool {
        self.kind.is_none_or(|asked| asked == kind) && self.key.is_none_or(|asked| asked == key)
    }
}

/// What a person sees of it: in their areas, or of their unit; all for whoever sees to the town.
///
/// # Errors
/// Where the record can't be read.
pub async fn owed(session: &mut Session, person: &StaffMember) -> Result<Vec<Owed>> {
    owed_among(session, Which { seen_by: Some(person), ..Which::default() }).await
}

/// All of a kind, whosever it is: what the organisation office is told of.
///
/// # Errors
/// Where the record can't be read.
pub async fn owed_of_kind(session: &mut Session, kind: DutyKind) -> Result<Vec<Owed>> {
    owed_among(session, Which { kind: Some(kind), ..Which::default() }).await
}

async fn owed_among(session: &mut Session, which: Which<'_>) -> Result<Vec<Owed>> {
    let roster = everybody(session).await?;
    let mut places = places(session, &roster, which).await?;
    let keys: Vec<&str> = places.keys().map(String::as_str).collect();
    let standing = session.duties_of_keys(&keys).await?;
    let mut times: HashMap<String, Vec<HandIn>> = HashMap::new();
    for time in session.hand_ins(&keys).await? {
        times.entry(time.duty_key.clone()).or_default().push(time);
    }
    let began = session.plans().began();
    let mut confirmations = session.confirmations(&keys, began).await?;
    let owed = |duty: Standing| {
        let place = places.remove(&duty.key)?;
        let mut times = times.remove(&duty.key).unwrap_or_default();
        let version = times.first().map_or(0, |last| last.version);
        // A campaign's before is over.
        times.retain(|time| time.handed_at >= began);
        let GroupKey { staff_id, role, area_id, due_on, .. } = duty.group;
        let is_in = duty.state == DutyState::Met;
        let confirmed = confirmations.remove(&duty.key);
        let came = is_in.then(|| came(&roster, times.first(), confirmed)).flatten();
        let who = roster.holders.owing(&roster.tree, staff_id.as_deref(), (role, &area_id));
        (duty.state != DutyState::Cancelled).then_some(Owed {
            key: duty.key,
            kind: place.kind,
            title: place.title,
            of: place.of,
            area_id: place.area_id,
            who: who.into_iter().map(|person| person.name.clone()).collect(),
            due_on,
            is_in,
            came,
            times,
            version,
        })
    };
    let mut owed: Vec<Owed> = standing.into_iter().filter_map(owed).collect();
    owed.sort_by(|a, b| (a.is_in, a.due_on, &a.of).cmp(&(b.is_in, b.due_on, &b.of)));
    Ok(owed)
}

/// By what was last handed in, else by what was confirmed.
fn came(roster: &Roster, last: Option<&HandIn>, confirmed: Option<ConfirmedBy>) -> Option<Came> {
    if let Some(last) = last.filter(|last| last.returned_at.is_none()) {
        let by = roster.holders.person(&last.handed_by).map(StaffMember::signed);
        let how = if last.file_id.is_some() { How::File } else { How::Paper };
        return Some(Came { at: last.handed_at, by: by.unwrap_or_default(), how });
    }
    let ConfirmedBy { by, at } = confirmed?;
    let by = roster.holders.numbered(&by).map_or(by, StaffMember::signed);
    Some(Came { at, by, how: How::Confirmed })
}

async fn places(
    session: &mut Session,
    roster: &Roster,
    which: Which<'_>,
) -> Result<HashMap<String, Place>> {
    let tree = &roster.tree;
    let is_seen = |area: &str| which.seen_by.is_none_or(|person| sees(person, tree, area));
    let plan = session.campaign().clone();
    let mut places = HashMap::new();
    for area in tree.all().filter(|area| is_seen(&area.id)) {
        for (key, kind, title) in of_area(area, &plan) {
            if which.is_asked(kind, &key) {
                let of = tree.distinct_name(area);
                places.insert(key, Place { kind, title, of, area_id: area.id.clone() });
            }
        }
    }
    let departments: BTreeMap<_, _> = session.departments().await?.into_iter().collect();
    for (unit, department) in departments {
        let kind = DutyKind::Report;
        let key = confirmed_key(kind, &department.staff_id, None);
        let is_own = |person: &StaffMember| {
            person.roles.contains(&Role::Department) && person.is_of_unit(&unit)
        };
        if which.is_asked(kind, &key)
            && (which.seen_by.is_some_and(is_own) || is_seen(&department.area_id))
        {
            let title = kind.chinese().to_owned();
            // One person's report is of all units that are theirs.
            let more = |place: &mut Place| place.of = format!("{}、{unit}", place.of);
            let place = || Place { kind, title, of: unit.clone(), area_id: department.area_id };
            places.entry(key).and_modify(more).or_insert_with(place);
        }
    }
    Ok(places)
}

/// Whether a person sees what is handed in of an area: a department only what is its own.
fn sees(person: &StaffMember, tree: &AreaTree, area: &str) -> bool {
    let mut person = person.clone();
    person.roles.retain(|role| *role != Role::Department);
    Right::SeeHandIns.is_of(&person, tree, Some(area))
}

/// All that may be owed of an area, by key: what it is, and what it's called.
fn of_area(area: &Area, plan: &Campaign) -> Vec<(String, DutyKind, String)> {
    let kinds = DutyKind::ALL.iter().copied();
    let plain = kinds
        .filter(|kind| kind.is_confirmed() && *kind != DutyKind::Extra)
        .map(|kind| (confirmed_key(kind, &area.id, None), kind, kind.chinese().to_owned()));
    let extra = plan.extra.iter().map(|phase| {
        let key = confirmed_key(DutyKind::Extra, &area.id, Some(&phase.code));
        (key, DutyKind::Extra, phase.title.clone())
    });
    plain.chain(extra).collect()
}

/// The one of that key that a person sees; nothing where there is none.
///
/// # Errors
/// Where the record can't be read.
pub async fn one(session: &mut Session, person: &StaffMember, key: &str) -> Result<Option<Owed>> {
    let which = Which { seen_by: Some(person), key: Some(key), ..Which::default() };
    Ok(owed_among(session, which).await?.pop())
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
    if owed.version != seen {
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
    if owed.version != seen || !owed.is_in {
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
