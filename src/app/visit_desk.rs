//! Where visits are taken, one after the other: what is known of them, who was met, and what they would write.

use std::collections::{HashMap, HashSet};

use super::answered_before::{AnswerPutRight, Answers};
use super::casework::{Files, RuleBook};
use super::choices::Alike;
use super::issues::Wanted;
use super::met_before::{Renamed, Suspects, ask_of_renamed};
use super::problem::{Outcomes, Problem};
use super::registered::new_resident;
use super::said_before::{Known, ask_of_misspelt};
use super::visit_rows::{Heard, NewVisit, answer_of, answered_key, visit_key};
use crate::db::personal;
use crate::db::{
    Context, CorrectedIssue, CorrectedVisit, NewIssueRow, NewResident, NewVisitRow, NumberOf,
    RenamedResident, ResidentChange, Result, Session, Upsert,
};
use crate::domain::staff::Role;
use crate::domain::visit::{Satisfaction, VisitKind};

/// What visits would do.
pub(super) struct Decided {
    pub outcomes: Outcomes,
    pub files: Files,
    pub residents: Vec<NewResident>,
    pub contacts: Vec<ResidentChange>,
    pub visits: Vec<NewVisitRow>,
    pub issues: Vec<NewIssueRow>,
    pub corrected: Vec<CorrectedIssue>,
    pub moved: Vec<CorrectedVisit>,
    pub renamed: Vec<RenamedResident>,
    pub put_right: Vec<AnswerPutRight>,
    /// Issues that were there before and that something happened to.
    pub stepped: HashSet<String>,
    pub wanted: Wanted,
    /// Where somebody checked.
    pub checked_areas: HashSet<String>,
}

/// Where visits are taken, one after the other.
pub(super) struct Desk<'d> {
    pub now: i64,
    pub context: std::sync::Arc<Context>,
    pub book: &'d RuleBook,
    /// Each subject's place among the files.
    pub files: HashMap<String, usize>,
    /// The visits and issues that are known, by their natural keys.
    pub visits: HashMap<String, String>,
    pub issues: HashMap<String, String>,
    pub known: Known,
    pub suspects: Suspects,
    pub answers: Answers,
    /// The visits at which a row before registered an issue.
    pub asked_at: HashSet<String>,
    /// Who may record a check, where any is among the rows.
    pub inspectors: HashSet<String>,
    pub decided: Decided,
}

/// The inspection group's people, where these rows tell of a check.
async fn inspectors(session: &mut Session, rows: &[NewVisit]) -> Result<HashSet<String>> {
    if rows.iter().all(|row| row.kind != VisitKind::SpotCheck) {
        return Ok(HashSet::new());
    }
    let staff = session.staff().await?.into_iter();
    let inspectors = staff.filter(|person| person.roles.contains(&Role::Inspector));
    Ok(inspectors.map(|person| person.id).collect())
}

impl<'d> Desk<'d> {
    pub(super) async fn new(
        session: &mut Session,
        files: Files,
        rows: &[NewVisit],
        book: &'d RuleBook,
    ) -> Result<Desk<'d>> {
        let places = files.subjects.iter().enumerate();
        let by_number = places.map(|(at, file)| (file.place.number.clone(), at)).collect();
        let mut desk = Desk {
            now: session.now(),
            context: session.shared_context(),
            book,
            files: by_number,
            visits: HashMap::new(),
            issues: HashMap::new(),
            known: Known::default(),
            suspects: Suspects::default(),
            answers: Answers::default(),
            asked_at: HashSet::new(),
            inspectors: inspectors(session, rows).await?,
            decided: Decided {
                outcomes: Vec::new(),
                files,
                residents: Vec::new(),
                contacts: Vec::new(),
                visits: Vec::new(),
                issues: Vec::new(),
                corrected: Vec::new(),
                moved: Vec::new(),
                renamed: Vec::new(),
                put_right: Vec::new(),
                stepped: HashSet::new(),
                wanted: Wanted::default(),
                checked_areas: HashSet::new(),
            },
        };
        let files = (&desk.files, &desk.decided.files);
        desk.suspects =
            Suspects::read(session, &desk.context, files, &mut desk.known, rows).await?;
        desk.read_visits(session, rows).await?;
        desk.read_contacts(session, rows).await?;
        desk.read_words(session, rows).await?;
        Ok(desk)
    }

    /// The visits and issues that these rows tell of and that are known: only somebody who was met before can have been
    /// visited so before.
    async fn read_visits(&mut self, session: &mut Session, rows: &[NewVisit]) -> Result<()> {
        let keys: Vec<String> = rows.iter().flat_map(|row| self.keys_of_known(row)).collect();
        let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        if !wanted.is_empty() {
            self.visits = session.known_visits(&wanted).await?.into_iter().collect();
        }
        let keys: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                let visit = self.known_visit(row)?;
                let Heard::Issue(issue) = &row.heard else { return None };
                let resident = self.known_resident(row)?;
                Some(self.context.sealer.index(&[resident, visit, &issue.text]))
            })
            .collect();
        let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        if !wanted.is_empty() {
            self.issues = session.known_issues(&wanted).await?.into_iter().collect();
        }
        Ok(())
    }

    fn has_residents(&self, number: &str) -> bool {
        let file = self.files.get(number).map(|at| &self.decided.files.subjects[*at]);
        file.is_some_and(|file| !file.residents.is_empty())
    }

    /// The contacts of whoever was met before, where these visits tell any.
    async fn read_contacts(&mut self, session: &mut Session, rows: &[NewVisit]) -> Result<()> {
        let telling = rows.iter().filter(|row| row.contact.is_some());
        let met = telling.filter(|row| self.has_residents(&row.subject_number));
        let numbers: Vec<&str> = met.map(|row| row.subject_number.as_str()).collect();
        self.known.read_contacts(session, &self.context, &numbers).await
    }

    /// What was said by whoever was met before, where these rows say something else of them.
    async fn read_words(&mut self, session: &mut Session, rows: &[NewVisit]) -> Result<()> {
        let mut residents = HashSet::new();
        for row in rows {
            let Some(resident) = self.known_resident(row) else { continue };
            let visit = self.known_visit(row);
            let is_renamed = self.renamed(row).is_some();
            let is_news = is_renamed
                || match (&row.heard, visit) {
                    (Heard::Issue(issue), Some(visit)) => {
                        let key = self.context.sealer.index(&[resident, visit, &issue.text]);
                        !self.issues.contains_key(&key)
                    }
                    (Heard::Issue(_), None) | (Heard::Nothing, Some(_)) => true,
                    _ => false,
                };
            if is_news {
                residents.insert(resident.to_owned());
            }
            let text = match &row.heard {
                Heard::Issue(issue) => Some(issue.text.clone()),
                _ => None,
            };
            if let Some(visit) = visit.map(str::to_owned) {
                self.known.tell(visit, text);
            }
        }
        self.known.read_words(session, &self.context, &residents).await
    }

    pub(super) fn known_resident(&self, row: &NewVisit) -> Option<&str> {
        let file = &self.decided.files.subjects[*self.files.get(&row.subject_number)?];
        let key = self.context.sealer.index(&[&file.place.id, &row.resident]);
        let resident = file.residents.iter().find(|resident| resident.row.natural_key == key);
        let renamed = || self.renamed(row).map(|known| known.id.as_str());
        resident.map(|resident| resident.row.id.as_str()).or_else(renamed)
    }

    /// Whose name a row puts right, where it's said that it does.
    fn renamed(&self, row: &NewVisit) -> Option<&Renamed> {
        self.suspects.renamed(row).filter(|_| row.choices.alike == Alike::Correction)
    }

    /// The place of somebody whose name a row puts right.
    fn put_name_right(&mut self, at: usize, row: &NewVisit) -> Result<Option<usize>> {
        let Some(Renamed { id, name, .. }) = self.renamed(row).cloned() else { return Ok(None) };
        let (context, file) = (&self.context, &mut self.decided.files.subjects[at]);
        let Some(place) = file.residents.iter().position(|resident| resident.row.id == id) else {
            return Ok(None);
        };
        let natural_key = context.sealer.index(&[&file.place.id, &row.resident]);
        file.residents[place].row.natural_key.clone_from(&natural_key);
        let issues = self.known.said_by(&id).map(|(number, text)| {
            let words = ["issue", &row.subject_number, &row.resident, text];
            NumberOf {
                number: number.to_owned(),
                identity: context.sealer.index(&words),
                place: crate::db::place(&context.sealer, &row.subject_number),
            }
        });
        self.decided.renamed.push(RenamedResident {
            natural_key,
            name_sealed: context.seal(personal::RESIDENT_NAME, &id, &row.resident)?,
            name_key: context.name_key(&row.resident),
            issues: issues.collect(),
            was: name,
            became: row.resident.clone(),
            id,
        });
        Ok(Some(place))
    }

    /// The keys of the visit that a row may tell of, whatever was answered at it.
    pub(super) fn keys_of_known(&self, row: &NewVisit) -> Vec<String> {
        let Some(resident) = self.known_resident(row) else { return Vec::new() };
        let answers: Vec<Option<Satisfaction>> = match &row.heard {
            Heard::Answer(_) => Satisfaction::ALL.iter().copied().map(Some).collect(),
            _ => vec![None],
        };
        let key = |answer| answered_key(&self.context, row, resident, answer);
        answers.into_iter().map(key).collect()
    }

    /// The id of the visit that a row tells of, where it's known.
    pub(super) fn known_visit(&self, row: &NewVisit) -> Option<&str> {
        let key = visit_key(&self.context, row, self.known_resident(row)?);
        self.visits.get(&key).map(String::as_str)
    }

    /// The resident's place in the file: known by name there, with the contact as last told.
    pub(super) fn meet(
        &mut self,
        at: usize,
        row: &NewVisit,
    ) -> Result<std::result::Result<usize, Problem>> {
        let file = &self.decided.files.subjects[at];
        let natural_key = self.context.sealer.index(&[&file.place.id, &row.resident]);
        let known = file.residents.iter().position(|r| r.row.natural_key == natural_key);
        let known = match known {
            None => self.put_name_right(at, row)?,
            known => known,
        };
        if let Some(place) = known {
            return Ok(self.tell_contact(at, place, row)?.map(|()| place));
        }
        let suspect = self.suspects.renamed(row).filter(|_| row.choices.alike != Alike::Another);
        if let Some(suspect) = suspect {
            return Ok(Err(ask_of_renamed(suspect, &row.resident)));
        }
        if let Some(contact) = row.contact.as_ref().filter(|_| row.choices.alike != Alike::Another)
        {
            let file = &self.decided.files.subjects[at];
            let residents = file.residents.iter().map(|resident| resident.row.id.as_str());
            if let Some(known) = self.known.may_be_misspelt(residents, &row.resident, contact) {
                return Ok(Err(ask_of_misspelt(known, &row.resident)));
            }
        }
        let (context, contact) = (&self.context, row.contact.as_deref());
        let file = &mut self.decided.files.subjects[at];
        let id = context.id();
        let new = NewResident {
            subject_id: file.place.id.clone(),
            natural_key,
            name_sealed: context.seal(personal::RESIDENT_NAME, &id, &row.resident)?,
            name_key: context.name_key(&row.resident),
            contact_sealed: context.seal_optional(personal::RESIDENT_CONTACT, &id, contact)?,
            contact_key: context.contact_key(contact),
            id,
            registered: 0,
            unheard_sealed: None,
            created_at: self.now,
        };
        file.residents.push(new_resident(&new, 0));
        self.known.meet(&new.id, &row.resident, row.contact.as_deref());
        self.decided.residents.push(new);
        Ok(Ok(file.residents.len() - 1))
    }

    /// The contact of somebody who is known, as last told.
    fn tell_contact(
        &mut self,
        at: usize,
        place: usize,
        row: &NewVisit,
    ) -> Result<std::result::Result<(), Problem>> {
        let id = self.decided.files.subjects[at].residents[place].row.id.clone();
        let (Some(told), known) = (&row.contact, self.known.contacts.get(&id)) else {
            return Ok(Ok(()));
        };
        if known == Some(told) {
            return Ok(Ok(()));
        }
        let same =
            known.map_or(Ok(()), |known| row.choices.same_person(&row.resident, known, told));
        if let Err(problem) = same {
            return Ok(Err(problem));
        }
        self.known.contacts.insert(id.clone(), told.clone());
        let context = &self.context;
        self.decided.contacts.push(ResidentChange {
            contact_sealed: context.seal_optional(personal::RESIDENT_CONTACT, &id, Some(told))?,
            contact_key: context.contact_key(Some(told)),
            id,
            ..ResidentChange::default()
        });
        Ok(Ok(()))
    }

    /// The visit's id, and whether it's new.
    pub(super) fn visit(&mut self, at: usize, row: &NewVisit, resident: usize) -> (String, Upsert) {
        let file = &mut self.decided.files.subjects[at];
        let resident = &mut file.residents[resident];
        let natural_key = visit_key(&self.context, row, &resident.row.id);
        if let Some(id) = self.visits.get(&natural_key) {
            return (id.clone(), Upsert::Same);
        }
        let id = self.context.id();
        self.visits.insert(natural_key.clone(), id.clone());
        if row.visited_on >= self.book.plans.now().starts_on() {
            let counts = &mut resident.visits;
            match row.kind {
                VisitKind::First => counts.heard += 1,
                VisitKind::Revisit => {
                    counts.revisited += 1;
                    counts.in_person += i64::from(row.face_to_face);
                }
                VisitKind::SpotCheck => {
                    let drawn = file.inspections.iter_mut();
                    drawn
                        .filter(|drawn| drawn.drawn_on <= row.visited_on)
                        .for_each(|drawn| drawn.checked = true);
                }
            }
        }
        self.decided.visits.push(NewVisitRow {
            id: id.clone(),
            natural_key,
            kind: row.kind.code(),
            subject_id: file.place.id.clone(),
            resident_id: resident.row.id.clone(),
            staff_id: row.staff_id.clone(),
            visited_on: row.visited_on.to_string(),
            satisfaction: answer_of(row).map(Satisfaction::code),
            face_to_face: i64::from(row.face_to_face),
            created_at: self.now,
        });
        (id, Upsert::Added)
    }
}
