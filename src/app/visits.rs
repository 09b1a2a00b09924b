//! Visits 走访 are recorded: what was heard, and all that follows from it.

use std::collections::{HashMap, HashSet};

use super::casework::{Files, From, IssueFile, RuleBook, SubjectFile};
use super::choices::{Alike, Choices};
use super::issues::Wanted;
use super::problem::{About, Outcomes, Problem, all_well};
use super::said_before::{Known, ask_of_alike};
use super::subjects::{new_resident, no_subject, places};
pub use super::visit_rows::{Heard, NewIssue, NewVisit};
use super::visit_rows::{answer_of, may_visit, visit_key};
use crate::clock::township_date;
use crate::db::{
    Context, CorrectedIssue, IssueWords, NewIssueRow, NewResident, NewVisitRow, ResidentChange,
    Result, Session, SubjectPlace, Tx, Upsert,
};
use crate::domain::issue::{Class, Event, State};
use crate::domain::obligations::issue::{IssueFacts, IssueObligations};
use crate::domain::visit::{Satisfaction, VisitKind};

/// What visits would do.
struct Decided {
    outcomes: Outcomes,
    files: Files,
    residents: Vec<NewResident>,
    contacts: Vec<ResidentChange>,
    visits: Vec<NewVisitRow>,
    issues: Vec<NewIssueRow>,
    corrected: Vec<CorrectedIssue>,
    /// Issues that were there before and that something happened to.
    stepped: HashSet<String>,
    wanted: Wanted,
    /// Where somebody checked.
    checked_areas: HashSet<String>,
}

/// What these visits would do.
pub async fn check(session: &mut Session, rows: &[NewVisit]) -> Result<Outcomes> {
    let book = RuleBook::read(session).await?;
    Ok(decide(session, rows, &book).await?.outcomes)
}

/// Records visits with what follows: duties met and owed, an issue, its referral, its end. Nothing where any is wrong.
pub async fn record(tx: &mut Tx, rows: &[NewVisit]) -> Result<Outcomes> {
    let book = RuleBook::read(tx).await?;
    let mut decided = decide(tx, rows, &book).await?;
    if all_well(&decided.outcomes) {
        number_issues(tx, &mut decided).await?;
        write(tx, &decided, &book).await?;
    }
    Ok(decided.outcomes)
}

/// Gives new issues their numbers, in the order in which they came.
async fn number_issues(tx: &mut Tx, decided: &mut Decided) -> Result<()> {
    if decided.issues.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(decided.issues.len()).unwrap_or(i64::MAX);
    let first = tx.next_values("issue", count).await?;
    let mut numbers: HashMap<String, String> = HashMap::new();
    for (issue, sequence) in decided.issues.iter_mut().zip(first..) {
        issue.number = format!("{}{sequence:06}", issue.number);
        numbers.insert(issue.id.clone(), issue.number.clone());
    }
    for referral in &mut decided.wanted.referrals {
        if let Some(number) = numbers.get(&referral.issue_id) {
            referral.number.clone_from(number);
        }
    }
    Ok(())
}

async fn write(tx: &mut Tx, decided: &Decided, book: &RuleBook) -> Result<()> {
    let now = tx.now();
    tx.add_residents(&decided.residents).await?;
    tx.change_residents(&decided.contacts).await?;
    tx.add_visits(&decided.visits).await?;
    tx.add_issues(&decided.issues).await?;
    tx.correct_issues(&decided.corrected).await?;
    for CorrectedIssue { id, .. } in &decided.corrected {
        tx.audit("import", "correct", id, &serde_json::json!({})).await?;
    }
    let new: HashSet<&str> = decided.issues.iter().map(|issue| issue.id.as_str()).collect();
    let issues = decided.files.subjects.iter().flat_map(|file| &file.issues);
    let moved = issues.filter(|issue| {
        let id = issue.facts.id.as_str();
        issue.owed.sequence > 0 && (decided.stepped.contains(id) || new.contains(id))
    });
    let projections: Vec<_> = moved.map(|issue| issue.projection(now)).collect();
    tx.project_issues(&projections).await?;
    decided.wanted.write(tx).await?;
    decided.files.write(tx, book, "record").await?;
    decided.wanted.owe_reports(tx).await?;
    if !decided.checked_areas.is_empty() {
        let areas: Vec<String> = decided.checked_areas.iter().cloned().collect();
        super::areas::rederive(tx, Some(&areas)).await?;
    }
    Ok(())
}

async fn decide(session: &mut Session, rows: &[NewVisit], book: &RuleBook) -> Result<Decided> {
    let numbers: HashSet<&str> = rows.iter().map(|row| row.subject_number.as_str()).collect();
    let known = places(session, &numbers.into_iter().collect::<Vec<_>>()).await?;
    let of: Vec<SubjectPlace> = known.into_values().collect();
    let files = Files::of(session, of, From::Row, book).await?;
    let mut desk = Desk::new(session, files, rows, book).await?;
    for row in rows {
        let outcome = desk.take(row)?;
        desk.decided.outcomes.push(outcome);
    }
    Ok(desk.decided)
}

/// Where visits are taken, one after the other.
struct Desk<'d> {
    now: i64,
    context: std::sync::Arc<Context>,
    book: &'d RuleBook,
    /// Each subject's place among the files.
    files: HashMap<String, usize>,
    /// The visits and issues that are known, by their natural keys.
    visits: HashMap<String, String>,
    issues: HashMap<String, String>,
    known: Known,
    decided: Decided,
}

impl<'d> Desk<'d> {
    async fn new(
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
            decided: Decided {
                outcomes: Vec::new(),
                files,
                residents: Vec::new(),
                contacts: Vec::new(),
                visits: Vec::new(),
                issues: Vec::new(),
                corrected: Vec::new(),
                stepped: HashSet::new(),
                wanted: Wanted::default(),
                checked_areas: HashSet::new(),
            },
        };
        // Only somebody who was met before can have been visited so before.
        let keys: Vec<String> = rows.iter().filter_map(|row| desk.key_of_known(row)).collect();
        let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        if !wanted.is_empty() {
            desk.visits = session.known_visits(&wanted).await?.into_iter().collect();
        }
        let keys: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                let visit = desk.visits.get(&desk.key_of_known(row)?)?;
                let Heard::Issue(issue) = &row.heard else { return None };
                let resident = desk.known_resident(row)?;
                Some(desk.context.sealer.index(&[resident, visit, &issue.text]))
            })
            .collect();
        let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        if !wanted.is_empty() {
            desk.issues = session.known_issues(&wanted).await?.into_iter().collect();
        }
        desk.read_contacts(session, rows).await?;
        desk.read_words(session, rows).await?;
        Ok(desk)
    }

    /// The contacts of whoever was met before, where these visits tell any.
    async fn read_contacts(&mut self, session: &mut Session, rows: &[NewVisit]) -> Result<()> {
        let telling = rows.iter().filter(|row| row.contact.is_some());
        let met = telling.filter(|row| self.known_resident(row).is_some());
        let numbers: Vec<&str> = met.map(|row| row.subject_number.as_str()).collect();
        self.known.read_contacts(session, &self.context, &numbers).await
    }

    /// What was said at visits that are known, where these rows say something else of them.
    async fn read_words(&mut self, session: &mut Session, rows: &[NewVisit]) -> Result<()> {
        let mut visits = HashSet::new();
        for row in rows {
            let Heard::Issue(issue) = &row.heard else { continue };
            let Some(resident) = self.known_resident(row) else { continue };
            let Some(visit) = self.visits.get(&visit_key(&self.context, row, resident)) else {
                continue;
            };
            let key = self.context.sealer.index(&[resident, visit, &issue.text]);
            if !self.issues.contains_key(&key) {
                visits.insert(visit.clone());
            }
            self.known.tell(visit.clone(), issue.text.clone());
        }
        self.known.read_words(session, &self.context, &visits).await
    }

    fn known_resident(&self, row: &NewVisit) -> Option<&str> {
        let file = &self.decided.files.subjects[*self.files.get(&row.subject_number)?];
        let key = self.context.sealer.index(&[&file.place.id, &row.resident]);
        let resident = file.residents.iter().find(|resident| resident.row.natural_key == key);
        Some(resident?.row.id.as_str())
    }

    fn key_of_known(&self, row: &NewVisit) -> Option<String> {
        Some(visit_key(&self.context, row, self.known_resident(row)?))
    }

    fn take(&mut self, row: &NewVisit) -> Result<std::result::Result<Upsert, Problem>> {
        let Some(&at) = self.files.get(&row.subject_number) else {
            return Ok(Err(no_subject(&row.subject_number)));
        };
        if let Some(problem) = may_visit(row, &self.decided.files.subjects[at].place) {
            return Ok(Err(problem));
        }
        let resident = match self.meet(at, row)? {
            Ok(resident) => resident,
            Err(problem) => return Ok(Err(problem)),
        };
        let (visit, visit_upsert) = self.visit(at, row, resident);
        let upsert = match &row.heard {
            Heard::Issue(issue) => match self.demand(at, resident, &visit, issue, row.choices)? {
                Ok(Upsert::Same) => visit_upsert,
                Ok(upsert) => upsert,
                Err(problem) => return Ok(Err(problem)),
            },
            Heard::Answer(answer) if visit_upsert == Upsert::Added => {
                self.answer(at, resident, row, *answer);
                Upsert::Added
            }
            _ => visit_upsert,
        };
        if row.kind == VisitKind::SpotCheck && upsert == Upsert::Added {
            let area = self.decided.files.subjects[at].place.area_id.clone();
            self.decided.checked_areas.insert(area);
        }
        Ok(Ok(upsert))
    }

    /// The resident's place in the file: known by name there, with the contact as last told.
    fn meet(&mut self, at: usize, row: &NewVisit) -> Result<std::result::Result<usize, Problem>> {
        let context = &self.context;
        let file = &mut self.decided.files.subjects[at];
        let natural_key = context.sealer.index(&[&file.place.id, &row.resident]);
        let contact_sealed = || context.seal_optional(row.contact.as_deref());
        let known = file.residents.iter().position(|r| r.row.natural_key == natural_key);
        if let Some(place) = known {
            let id = file.residents[place].row.id.clone();
            let (Some(told), known) = (&row.contact, self.known.contacts.get(&id)) else {
                return Ok(Ok(place));
            };
            if known == Some(told) {
                return Ok(Ok(place));
            }
            let same =
                known.map_or(Ok(()), |known| row.choices.same_person(&row.resident, known, told));
            if let Err(problem) = same {
                return Ok(Err(problem));
            }
            self.known.contacts.insert(id.clone(), told.clone());
            let contact_sealed = contact_sealed()?;
            let change = ResidentChange { id, contact_sealed, ..ResidentChange::default() };
            self.decided.contacts.push(change);
            return Ok(Ok(place));
        }
        let new = NewResident {
            id: context.id(),
            subject_id: file.place.id.clone(),
            natural_key,
            name_sealed: context.seal(&row.resident)?,
            contact_sealed: contact_sealed()?,
            registered: 0,
            unheard_sealed: None,
            created_at: self.now,
        };
        file.residents.push(new_resident(&new, 0));
        self.known.contacts.extend(row.contact.clone().map(|contact| (new.id.clone(), contact)));
        self.decided.residents.push(new);
        Ok(Ok(file.residents.len() - 1))
    }

    /// The visit's id, and whether it's new.
    fn visit(&mut self, at: usize, row: &NewVisit, resident: usize) -> (String, Upsert) {
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
                VisitKind::SpotCheck => {}
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

    /// Registers what a resident asked for, and classifies it where the visitor already did.
    fn demand(
        &mut self,
        at: usize,
        resident: usize,
        visit: &str,
        new: &NewIssue,
        choices: Choices,
    ) -> Result<std::result::Result<Upsert, Problem>> {
        let file = &mut self.decided.files.subjects[at];
        let resident_id = file.residents[resident].row.id.clone();
        let natural_key = self.context.sealer.index(&[&resident_id, visit, &new.text]);
        if let Some(id) = self.issues.get(&natural_key).cloned() {
            return Ok(self.class_of_known(at, &id, new.class));
        }
        if let Some((like, said)) = self.known.put_right(visit, &new.text) {
            match choices.alike {
                Alike::Ask => return Ok(Err(ask_of_alike(&like.number, &said))),
                Alike::Correction => return self.correct(at, like, natural_key, new),
                Alike::Another => {}
            }
        }
        let file = &mut self.decided.files.subjects[at];
        let id = self.context.id();
        self.issues.insert(natural_key.clone(), id.clone());
        // Its number follows when it's written.
        let number = format!("{}-", self.book.plans.now().code);
        let facts = IssueFacts {
            id: id.clone(),
            number: number.clone(),
            subject_id: file.place.id.clone(),
            area_id: file.place.area_id.clone(),
            registered_on: township_date(self.now),
        };
        let owed = IssueObligations::registered(&facts, &self.book.rules());
        let mut issue = IssueFile { facts, resident_id, dated: None, owed };
        self.decided.issues.push(new_issue_row(
            &self.context,
            &issue,
            natural_key,
            visit,
            new,
            self.now,
        )?);
        if let Some(Class { level, category, urgency }) = new.class {
            let event = Event::Classified { level, category, urgency };
            let wanted = &mut self.decided.wanted;
            if let Err(refusal) = wanted.step(&mut issue, event, "visitor", self.now, self.book) {
                return Ok(Err(Problem::new(About::Issue, refusal.to_string())));
            }
        }
        file.issues.push(issue);
        Ok(Ok(Upsert::Added))
    }

    /// Classifies an issue that is known, where a level was filled in since.
    fn class_of_known(
        &mut self,
        at: usize,
        id: &str,
        class: Option<Class>,
    ) -> std::result::Result<Upsert, Problem> {
        let issues = &mut self.decided.files.subjects[at].issues;
        let issue = issues.iter_mut().find(|issue| issue.facts.id == id);
        let (Some(class), Some(issue)) = (class, issue) else { return Ok(Upsert::Same) };
        match issue.owed.issue.class {
            Some(known) if known == class => return Ok(Upsert::Same),
            Some(_) => return Ok(Upsert::Left),
            None if issue.owed.issue.state != State::Registered => return Ok(Upsert::Left),
            None => {}
        }
        let Class { level, category, urgency } = class;
        let event = Event::Classified { level, category, urgency };
        let wanted = &mut self.decided.wanted;
        match wanted.step(issue, event, "visitor", self.now, self.book) {
            Ok(()) => {
                self.decided.stepped.insert(id.to_owned());
                Ok(Upsert::Changed)
            }
            Err(refusal) => Err(Problem::new(About::Level, refusal.to_string())),
        }
    }

    /// Puts the words of an issue right.
    fn correct(
        &mut self,
        at: usize,
        like: IssueWords,
        natural_key: String,
        new: &NewIssue,
    ) -> Result<std::result::Result<Upsert, Problem>> {
        let text_sealed = self.context.seal(&new.text)?;
        self.issues.insert(natural_key.clone(), like.id.clone());
        let corrected = CorrectedIssue { id: like.id.clone(), natural_key, text_sealed };
        self.decided.corrected.push(corrected);
        let classified = self.class_of_known(at, &like.id, new.class);
        Ok(classified.map(|_| Upsert::Changed))
    }

    /// Closes or reopens what was resolved for the resident, by their answer.
    fn answer(&mut self, at: usize, resident: usize, row: &NewVisit, answer: Satisfaction) {
        let SubjectFile { residents, issues, .. } = &mut self.decided.files.subjects[at];
        let resident = &mut residents[resident].row;
        let on = row.visited_on.to_string();
        if on >= self.book.plans.now().starts_on().to_string()
            && resident.answered_on.as_ref().is_none_or(|last| *last <= on)
        {
            resident.answer = Some(answer.code().to_owned());
            resident.answered_on = Some(on);
        }
        let event = if answer.closes() {
            Event::Satisfied
        } else {
            Event::Reopened { reason: "群众回访时表示不满意".to_owned() }
        };
        let resolved = issues.iter_mut().filter(|issue| {
            issue.resident_id == resident.id && issue.owed.issue.state == State::Resolved
        });
        for issue in resolved {
            let wanted = &mut self.decided.wanted;
            // A resolved issue takes either.
            if wanted.step(issue, event.clone(), "resident", self.now, self.book).is_ok() {
                self.decided.stepped.insert(issue.facts.id.clone());
            }
        }
    }
}

/// An issue as it's registered.
fn new_issue_row(
    context: &Context,
    issue: &IssueFile,
    natural_key: String,
    visit: &str,
    new: &NewIssue,
    now: i64,
) -> Result<NewIssueRow> {
    let (facts, start) = (issue.facts.clone(), &issue.owed.issue);
    Ok(NewIssueRow {
        id: facts.id,
        number: facts.number,
        natural_key,
        visit_id: visit.to_owned(),
        resident_id: issue.resident_id.clone(),
        subject_id: facts.subject_id,
        area_id: facts.area_id,
        text_sealed: context.seal(&new.text)?,
        state: start.state.code(),
        round: start.round,
        town_finished: 0,
        platform_finished: 0,
        version: 0,
        created_at: now,
        updated_at: now,
    })
}
