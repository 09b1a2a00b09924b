//! Subjects and who is registered there come in, or are put right: a subject that moves takes all that is owed with it.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::casework::{Files, From, RuleBook, rederive};
use super::choices::{Alike, Choices};
use super::duplicates::refuse_unnamed;
use super::endings::{self, ToldState};
use super::near::{Named, Near, no_subject};
use super::problem::{About, Did, Outcome, Outcomes, Problem, all_well};
use super::renumbered::{Entry, Numbered};
use super::told::{Told, blank_over};
use crate::db::personal;
use crate::db::{
    Context, NewSubjectRow, Result, Session, SubjectChange, SubjectKeys, SubjectPlace,
    SubjectStanding, Tx, Upsert,
};
use crate::domain::area::AreaTree;
use crate::domain::subject::{SubjectKind, near_number};

/// A subject as it comes in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewSubject {
    pub number: String,
    pub kind: SubjectKind,
    pub name: String,
    pub area: String,
    #[serde(default)]
    pub address: Told<String>,
    #[serde(default)]
    pub standing: ToldState,
    #[serde(default)]
    pub choices: Choices,
}

#[derive(Default)]
struct Decided {
    outcomes: Outcomes,
    added: Vec<NewSubjectRow>,
    changed: Vec<SubjectChange>,
    /// Subjects that now lie elsewhere, with their new area's id and their old one's.
    moved: Vec<(String, String, String)>,
    /// Those that end, or come back.
    ended: Vec<endings::Change>,
}

/// What these subjects would do.
pub async fn check(session: &mut Session, rows: &[NewSubject]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Adds subjects, or brings what is known of them up to date. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[NewSubject]) -> Result<Outcomes> {
    let decided = decide(tx, rows).await?;
    if !all_well(&decided.outcomes) {
        return Ok(decided.outcomes);
    }
    tx.add_subjects(&decided.added).await?;
    tx.change_subjects(&decided.changed).await?;
    endings::write(tx, &decided.ended, "import").await?;
    owe_visits(tx, &decided.added, &decided.ended).await?;
    relocate(tx, &decided.moved).await?;
    let moved: HashSet<&str> = decided.moved.iter().map(|(id, ..)| id.as_str()).collect();
    let ended = decided.ended.iter().map(endings::Change::subject);
    let ended: Vec<&str> = ended.filter(|id| !moved.contains(id)).collect();
    if !ended.is_empty() {
        rederive(tx, &ended, From::Row, "record").await?;
    }
    Ok(decided.outcomes)
}

/// What is visited for the first time is somebody's from the first day on, whoever will be assigned.
async fn owe_visits(tx: &mut Tx, added: &[NewSubjectRow], ended: &[endings::Change]) -> Result<()> {
    let ended: HashSet<&str> = ended.iter().map(endings::Change::subject).collect();
    let added: Vec<&NewSubjectRow> =
        added.iter().filter(|row| !ended.contains(row.id.as_str())).collect();
    if added.is_empty() {
        return Ok(());
    }
    let place = |row: &NewSubjectRow| SubjectPlace {
        id: row.id.clone(),
        number: row.number.clone(),
        area_id: row.area_id.clone(),
        visitor: None,
        ended_on: None,
    };
    let book = RuleBook::read(tx).await?;
    let files = Files::of(tx, added.into_iter().map(place).collect(), From::Row, &book).await?;
    files.write(tx, &book, "record").await
}

/// What is owed for subjects that now lie elsewhere is owed there, and their issues lie there too.
async fn relocate(tx: &mut Tx, moved: &[(String, String, String)]) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let places: Vec<(String, String)> =
        moved.iter().map(|(id, to, _)| (id.clone(), to.clone())).collect();
    tx.move_issues(&places).await?;
    let ids: Vec<&str> = moved.iter().map(|(id, ..)| id.as_str()).collect();
    rederive(tx, &ids, From::Events, "record").await?;
    let areas: HashSet<&String> = moved.iter().flat_map(|(_, to, from)| [to, from]).collect();
    let areas: Vec<String> = areas.into_iter().cloned().collect();
    super::areas::rederive(tx, Some(&areas)).await
}

async fn decide(session: &mut Session, rows: &[NewSubject]) -> Result<Decided> {
    let tree = session.area_tree().await?;
    let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let known = session.subject_keys(&numbers).await?;
    let known: HashMap<&str, _> = known.iter().map(|row| (row.number.as_str(), row)).collect();
    let (now, mut decided) = (session.now(), Decided::default());
    let new = rows.iter().map(|row| row.number.as_str());
    let new: Vec<&str> = new.filter(|number| !known.contains_key(number)).collect();
    let mut near = Near::read(session, &new).await?;
    let areas: Vec<_> = rows.iter().map(|row| area_of(&tree, &row.area)).collect();
    let context = session.shared_context();
    let entries: Vec<_> = rows
        .iter()
        .zip(&areas)
        .map(|(row, area)| area.as_ref().map(|area| Entry::of(&context, row, area)))
        .collect();
    let mut numbered = Numbered::read(session, &entries, &known).await?;
    let told =
        rows.iter().filter_map(|row| Some((&row.standing, *known.get(row.number.as_str())?)));
    let ending = endings::Known::of(session, told).await?;
    let (context, today) = (session.context(), session.today());
    let starts_on = session.campaign().starts_on();
    for (row, entry) in rows.iter().zip(&entries) {
        let outcome = match entry {
            Err(problem) => Err((*problem).clone()),
            Ok(entry) => {
                let (own, area_id) =
                    (known.get(row.number.as_str()).copied(), entry.area_id.to_owned());
                let named = Named::of(row, &area_id, own.is_some());
                let asked = numbered.judge(entry, own);
                match near.judge(context, &tree, named)? {
                    Err(problem) => Err(problem),
                    Ok(None) if let Some(asked) = asked => Err(asked),
                    Ok(Some(note)) => {
                        Ok(Did { upsert: Upsert::Same, note: Some(note), issue: None })
                    }
                    Ok(None) => {
                        let did = decided.decide(context, &tree, (row, area_id), own, now)?;
                        decided.stand(context, row, (did, own), (&ending, today, starts_on))?
                    }
                }
            }
        };
        decided.outcomes.push(outcome);
    }
    let told = rows.iter().map(|row| {
        let ToldState { state, words, .. } = &row.standing;
        (row.number.as_str(), (state, words))
    });
    refuse_unnamed(session, told, &mut decided.outcomes).await?;
    Ok(decided)
}

impl<'r> Entry<'r> {
    fn of(context: &Context, row: &'r NewSubject, area_id: &'r str) -> Entry<'r> {
        let address = match &row.address {
            Told::Is(address) => Some(address.as_str()),
            _ => None,
        };
        Entry {
            number: &row.number,
            name: &row.name,
            is_a_person: row.kind == SubjectKind::Household,
            area_id,
            address,
            content: content_key(context, row, area_id, address),
            is_same: row.choices.same_subject,
            is_another: row.choices.alike == Alike::Another,
        }
    }
}

impl<'r> Named<'r> {
    fn of(row: &'r NewSubject, area_id: &str, is_known: bool) -> Named<'r> {
        Named {
            number: &row.number,
            name: &row.name,
            kind: row.kind,
            area_id: area_id.to_owned(),
            address: row.address.of_new(),
            is_sure: is_known || row.choices.alike == Alike::Another,
        }
    }
}

impl Decided {
    fn decide(
        &mut self,
        context: &Context,
        tree: &AreaTree,
        (row, area_id): (&NewSubject, String),
        known: Option<&SubjectKeys>,
        now: i64,
    ) -> Result<Outcome> {
        let said = known.map(|known| who(context, tree, row, &area_id, known)).transpose()?;
        let note = match said {
            Some(Err(problem)) => return Ok(Err(problem)),
            said => said.and_then(std::result::Result::ok).flatten(),
        };
        let upsert = self.decide_one(context, row, area_id, known, now)?;
        Ok(upsert.map(|upsert| Did { upsert, note, issue: None }))
    }

    /// With whether it's to be visited, as the row says.
    fn stand(
        &mut self,
        context: &Context,
        row: &NewSubject,
        (did, known): (Outcome, Option<&SubjectKeys>),
        (ending, today, starts_on): (&endings::Known, Date, Date),
    ) -> Result<Outcome> {
        let Ok(mut did) = did else { return Ok(did) };
        let Some(known) = known else {
            let said = self.stand_new(row, (today, starts_on));
            return Ok(said.map(|said| Did { note: said.or(did.note), ..did }));
        };
        let changed = match endings::decide(context, &row.standing, known, (ending, today))? {
            Ok(changed) => changed,
            Err(problem) => return Ok(Err(problem)),
        };
        let is_changed = changed.is_some();
        let note = match changed {
            Some((change, note)) => {
                self.ended.push(change);
                Some(note)
            }
            None => endings::still_ended(&row.standing, known),
        };
        if let Some(note) = note {
            let said = did.note.map(|told| format!("{}；{}", told.text, note.text));
            did.note = Some(said.map_or(note, |text| Problem::new(About::SubjectState, text)));
        }
        if is_changed {
            did.upsert = Upsert::Changed;
        }
        Ok(Ok(did))
    }

    /// The same of one that has just come.
    fn stand_new(
        &mut self,
        row: &NewSubject,
        (today, starts_on): (Date, Date),
    ) -> std::result::Result<Option<Problem>, Problem> {
        let was = SubjectStanding::default();
        let became =
            endings::told_of(&row.standing, (&row.number, Some(row.kind)), &was, today, None)?;
        let own = self.added.iter().rev().find(|added| added.number == row.number);
        if let (Some(became), Some(own)) = (became, own) {
            let change = endings::Change::of_new(&own.id, &own.number, became);
            let said = change.said_of_new(starts_on);
            self.ended.push(change);
            return Ok(said);
        }
        Ok(None)
    }

    fn decide_one(
        &mut self,
        context: &Context,
        row: &NewSubject,
        area_id: String,
        known: Option<&SubjectKeys>,
        now: i64,
    ) -> Result<std::result::Result<Upsert, Problem>> {
        let before = match known {
            Some(known) => context.open_optional(
                personal::SUBJECT_ADDRESS,
                &known.id,
                known.address_sealed.clone(),
            )?,
            None => None,
        };
        let Some(address) = row.address.over(before.as_ref()) else {
            return Ok(Err(Problem::new(About::Address, blank_over("地址"))));
        };
        let content_key = content_key(context, row, &area_id, address.as_deref());
        if known.is_some_and(|known| known.content_key == content_key) {
            return Ok(Ok(Upsert::Same));
        }
        let id = known.map_or_else(|| context.id(), |known| known.id.clone());
        let (kind, name_sealed) =
            (row.kind.code(), context.seal(personal::SUBJECT_NAME, &id, &row.name)?);
        let address_sealed =
            context.seal_optional(personal::SUBJECT_ADDRESS, &id, address.as_deref())?;
        let Some(known) = known else {
            self.added.push(NewSubjectRow {
                id,
                near_number: near_number(&row.number),
                number: row.number.clone(),
                kind,
                area_id,
                name_sealed,
                address_sealed,
                content_key,
                created_at: now,
            });
            return Ok(Ok(Upsert::Added));
        };
        if known.area_id != area_id {
            self.moved.push((id.clone(), area_id.clone(), known.area_id.clone()));
        }
        self.changed.push(SubjectChange {
            id,
            kind,
            area_id,
            name_sealed,
            address_sealed,
            content_key,
        });
        Ok(Ok(Upsert::Changed))
    }
}

/// A word about what a row changes of who a subject is. Where it changes more than one thing of that, it may be another
/// subject with the same number: that's asked.
fn who(
    context: &Context,
    tree: &AreaTree,
    row: &NewSubject,
    area_id: &str,
    known: &SubjectKeys,
) -> Result<std::result::Result<Option<Problem>, Problem>> {
    let name = context.open(personal::SUBJECT_NAME, &known.id, &known.name_sealed)?;
    let kind = SubjectKind::read(&known.kind).unwrap_or(row.kind);
    let place = |id: &str| tree.get(id).map(|area| area.name.clone()).unwrap_or_default();
    let (was, is) = (place(&known.area_id), place(area_id));
    let NewSubject { number, name: told, kind: told_kind, .. } = row;
    let (moved, renamed) = (known.area_id != area_id, name != *told);
    let count = [moved, renamed, kind != *told_kind].into_iter().filter(|other| *other).count();
    if count > 1 && !row.choices.same_subject {
        let text = format!(
            "「{number}」已登记的是「{was}」的{kind}「{name}」，这里却是「{is}」的{told_kind}「{told}」：是两个对象请另编一个对象编号；确实是同一个对象改了，请在导入命令后加 --same-subject"
        );
        return Ok(Err(Problem::new(About::Subject, text)));
    }
    let said = [
        moved.then(|| format!("由「{was}」改到「{is}」")),
        renamed.then(|| format!("名称由「{name}」改为「{told}」")),
        (kind != *told_kind).then(|| format!("类型由「{kind}」改为「{told_kind}」")),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let note = (!said.is_empty())
        .then(|| Problem::new(About::Subject, format!("「{number}」{}", said.join("，"))));
    Ok(Ok(note))
}

pub(super) fn area_of(tree: &AreaTree, name: &str) -> std::result::Result<String, Problem> {
    let found = tree.find(name).map(|area| area.id.clone());
    found.map_err(|text| Problem::new(About::Area, text))
}

/// All that is told of a subject but its number, as one key.
fn content_key(
    context: &Context,
    row: &NewSubject,
    area_id: &str,
    address: Option<&str>,
) -> String {
    context.sealer.index(&[row.kind.code(), area_id, &row.name, address.unwrap_or_default()])
}

/// The area of the subject of a number.
///
/// # Errors
/// Where there is none, as is said before anybody's right to it is looked at.
pub async fn area_of_known(session: &mut Session, number: &str) -> Result<String> {
    let place = places(session, &[number]).await?.remove(number);
    Ok(place.ok_or_else(|| no_subject(number))?.area_id)
}

/// The subjects of these numbers, by number.
pub async fn places(
    session: &mut Session,
    numbers: &[&str],
) -> Result<HashMap<String, SubjectPlace>> {
    let places = session.subjects_numbered(numbers).await?;
    Ok(places.into_iter().map(|place| (place.number.clone(), place)).collect())
}
