//! The files of subjects: all that hangs on each, loaded for a set; what it makes owed; and the difference, written.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::clock::township_date;
use crate::db::{
    ERASED_KEY, EventRow, IssueProjection, IssueRow, ResidentRow, Result, Session, SubjectPlace,
    Tx, VisitCounts,
};
use crate::domain::duty::{self, DutyKind, DutyState};
use crate::domain::issue::State;
use crate::domain::obligations::checks::{Difference, InspectionFacts, MediationFacts};
use crate::domain::obligations::issue::{DatedEvent, IssueFacts, IssueObligations};
use crate::domain::obligations::people::{ResidentFacts, SubjectFacts};
use crate::domain::obligations::{
    Departments, Duty, DutyChange, Ladder, Plans, Rules, Standing, difference, going_on,
};
use crate::domain::workdays::Workdays;

/// A subject with its residents, its issues, and the duties that stand for all of these.
#[derive(Debug)]
pub(super) struct SubjectFile {
    pub place: SubjectPlace,
    pub residents: Vec<ResidentFile>,
    pub issues: Vec<IssueFile>,
    pub inspections: Vec<InspectionFacts>,
    pub mediations: Vec<MediationFacts>,
    pub standing: Vec<Standing>,
}

/// A resident and their visits.
#[derive(Debug)]
pub(super) struct ResidentFile {
    pub row: ResidentRow,
    pub visits: VisitCounts,
}

/// An issue as it stands, with what is owed for it.
#[derive(Debug)]
pub(super) struct IssueFile {
    pub facts: IssueFacts,
    pub resident_id: String,
    /// When its row has it to be resolved.
    pub dated: Option<Date>,
    pub owed: IssueObligations,
}

/// From what an issue's standing is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Its row and its duties, which its next event goes on from.
    Row,
    /// All of its events, done again.
    Events,
}

/// An issue whose row isn't what its events make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misprojected {
    pub number: String,
    pub found: String,
    pub expected: String,
}

/// What the rules are given, owned.
#[derive(Debug)]
pub(super) struct RuleBook {
    pub plans: std::sync::Arc<Plans>,
    pub departments: Departments,
    pub workdays: Workdays,
}

impl RuleBook {
    pub async fn read(session: &mut Session) -> Result<RuleBook> {
        let departments = session.departments().await?;
        let (plans, workdays) = (session.plans(), session.context().workdays.clone());
        Ok(RuleBook { plans, departments, workdays })
    }

    pub fn rules(&self) -> Rules<'_> {
        let RuleBook { plans, departments, workdays } = self;
        Rules { plans, workdays, departments }
    }
}

/// A set of files.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub subjects: Vec<SubjectFile>,
    /// Issues that are left alone until a person has looked at them.
    pub misprojected: Vec<Misprojected>,
}

impl Files {
    /// Loads the files of subjects.
    pub async fn load(
        session: &mut Session,
        ids: &[&str],
        from: From,
        book: &RuleBook,
    ) -> Result<Files> {
        let places = session.subject_places(ids).await?;
        Files::of(session, places, from, book).await
    }

    /// Loads the files of subjects whose places are known.
    pub async fn of(
        session: &mut Session,
        places: Vec<SubjectPlace>,
        from: From,
        book: &RuleBook,
    ) -> Result<Files> {
        let owned: Vec<String> = places.iter().map(|place| place.id.clone()).collect();
        let ids: Vec<&str> = owned.iter().map(String::as_str).collect();
        let since = book.plans.now().starts_on().to_string();
        let mut visits: HashMap<String, VisitCounts> = session
            .visit_counts(&ids, &since)
            .await?
            .into_iter()
            .map(|counts| (counts.resident_id.clone(), counts))
            .collect();
        let mut residents: HashMap<String, Vec<ResidentFile>> = HashMap::new();
        for row in session.residents_of(&ids, &since).await? {
            let visits = visits.remove(&row.id).unwrap_or_default();
            residents.entry(row.subject_id.clone()).or_default().push(ResidentFile { row, visits });
        }
        let mut standing: HashMap<String, Vec<Standing>> = HashMap::new();
        for (subject, duty) in session.duties_of_subjects(&ids).await? {
            standing.entry(subject).or_default().push(duty);
        }
        let rows = session.issues_of(&ids).await?;
        let mut events = match from {
            From::Row => HashMap::new(),
            From::Events => events_of(session, &rows).await?,
        };
        let mut inspections = inspections_of(session, &ids, &book.plans).await?;
        let mut mediations = mediations_of(session, &ids).await?;
        let mut files = Files::default();
        let mut issues: HashMap<String, Vec<IssueFile>> = HashMap::new();
        for row in rows {
            let of_subject = standing.get(&row.subject_id).map_or(&[][..], Vec::as_slice);
            let history = events.remove(&row.id);
            let file = files.issue_file(&row, of_subject, from, history, book)?;
            issues.entry(row.subject_id).or_default().push(file);
        }
        files.subjects = places
            .into_iter()
            .map(|place| SubjectFile {
                residents: residents.remove(&place.id).unwrap_or_default(),
                issues: issues.remove(&place.id).unwrap_or_default(),
                inspections: inspections.remove(&place.id).unwrap_or_default(),
                mediations: mediations.remove(&place.id).unwrap_or_default(),
                standing: standing.remove(&place.id).unwrap_or_default(),
                place,
            })
            .collect();
        Ok(files)
    }

    /// An issue's file; where its events don't bear out its row it's taken as it stands, and noted.
    fn issue_file(
        &mut self,
        row: &IssueRow,
        standing: &[Standing],
        from: From,
        history: Option<Vec<EventRow>>,
        book: &RuleBook,
    ) -> Result<IssueFile> {
        let as_it_stands = IssueFile::of_row(row, standing)?;
        if from == From::Row {
            return Ok(as_it_stands);
        }
        let facts = &as_it_stands.facts;
        let wrong = |expected: String| Misprojected {
            number: row.number.clone(),
            found: as_it_stands.owed.issue.state.to_string(),
            expected,
        };
        let dated: Option<Vec<DatedEvent>> =
            history.unwrap_or_default().iter().map(dated).collect();
        let Some(dated) = dated else {
            self.misprojected.push(wrong("事件读不出来".to_owned()));
            return Ok(as_it_stands);
        };
        match IssueObligations::derive(facts, &dated, &book.rules()) {
            Ok((owed, _)) if owed.issue == as_it_stands.owed.issue => {
                Ok(IssueFile { owed, ..as_it_stands })
            }
            Ok((owed, _)) => {
                self.misprojected.push(wrong(owed.issue.state.to_string()));
                Ok(as_it_stands)
            }
            Err(refusal) => {
                self.misprojected.push(wrong(refusal.to_string()));
                Ok(as_it_stands)
            }
        }
    }

    /// What differs between what stands and what is owed.
    pub fn changes(&self, plans: &Plans, ladder: &Ladder<'_>) -> Vec<DutyChange> {
        let of = |file: &SubjectFile| {
            let (over, standing): (Vec<Standing>, _) =
                file.standing.iter().cloned().partition(|duty| duty.is_over(plans));
            let changes = difference(standing, file.owed(plans, ladder.workdays), ladder);
            going_on(changes, &over, ladder)
        };
        self.subjects.iter().flat_map(of).collect()
    }

    /// What is open of issues when another campaign takes the place of theirs: it goes on.
    pub fn open_of_issues(&self) -> impl Iterator<Item = DutyKind> {
        let standing = self.subjects.iter().flat_map(|file| &file.standing);
        let open =
            standing.filter(|duty| duty.group.issue_id.is_some() && duty.state == DutyState::Open);
        open.map(|duty| duty.group.kind)
    }

    fn of_before(&self, plans: &Plans) -> impl Iterator<Item = &Standing> + Clone {
        let standing = self.subjects.iter().flat_map(|file| &file.standing);
        standing.filter(|duty| duty.is_over(plans))
    }

    /// What a campaign that is over left undone.
    pub fn over(&self, plans: &Plans) -> impl Iterator<Item = &Standing> + Clone {
        self.of_before(plans).filter(|duty| duty.state == DutyState::Open)
    }

    /// Writes what differs.
    pub async fn write(&self, tx: &mut Tx, book: &RuleBook, fact: &str) -> Result<()> {
        let ladder = Ladder::of(&book.plans, &book.workdays, tx.today());
        self.write_by(tx, book, &ladder, fact).await?;
        Ok(())
    }

    /// As [`Files::write`], where another plan may be on its way. Returns what it changed.
    pub async fn write_by(
        &self,
        tx: &mut Tx,
        book: &RuleBook,
        ladder: &Ladder<'_>,
        fact: &str,
    ) -> Result<Vec<DutyChange>> {
        let over: Vec<Standing> = self.of_before(&book.plans).cloned().collect();
        if !over.is_empty() {
            tx.archive_duties(&over).await?;
        }
        let changes = self.changes(&book.plans, ladder);
        tx.write_duties(&changes, ladder, fact).await?;
        let moved: Vec<(String, String)> = self
            .subjects
            .iter()
            .flat_map(|file| &file.issues)
            .filter_map(IssueFile::moved)
            .collect();
        tx.date_issues(&moved).await?;
        Ok(changes)
    }
}

/// Makes all that is owed for subjects what the record says, because of `by`.
pub(super) async fn rederive(tx: &mut Tx, ids: &[&str], from: From, by: &str) -> Result<()> {
    let book = RuleBook::read(tx).await?;
    Files::load(tx, ids, from, &book).await?.write(tx, &book, by).await
}

impl SubjectFile {
    /// As the visit's rule sees it.
    pub fn facts(&self) -> SubjectFacts {
        let unheard =
            |r: &&ResidentFile| r.row.registered != 0 && r.row.excused == 0 && r.visits.heard == 0;
        SubjectFacts {
            id: self.place.id.clone(),
            area_id: self.place.area_id.clone(),
            visitor: self.place.visitor.clone(),
            heard: self.residents.iter().map(|resident| resident.visits.heard).sum(),
            left: i64::try_from(self.residents.iter().filter(unheard).count()).unwrap_or(i64::MAX),
            ended: self.place.ended_on.is_some(),
        }
    }

    /// All that is owed for it, for its residents and for its issues, and of the checks that were drawn.
    pub fn owed(&self, plans: &Plans, workdays: &Workdays) -> Vec<Duty> {
        let facts = self.facts();
        let visit = facts.visit(plans).into_iter();
        let residents =
            self.residents.iter().flat_map(|of| of.facts(self, plans).duties(&facts, plans));
        let issues = self.issues.iter().flat_map(|issue| issue.owed.duties.iter().cloned());
        let checks = self.inspections.iter();
        let checks = checks.flat_map(|check| check.duties(&facts, plans, workdays));
        let is_void = |of: &&MediationFacts| {
            self.issues.iter().any(|issue| issue.facts.id == of.issue_id && issue.is_void())
        };
        let mediations = self.mediations.iter().filter(|of| !is_void(of));
        let follow_ups = mediations.map(|mediation| mediation.duty(&facts));
        visit.chain(residents).chain(issues).chain(checks).chain(follow_ups).collect()
    }

    /// What stands since the campaign began of a resident's own whom nobody heard since.
    fn owed_since(&self, resident: &ResidentFile, plans: &Plans) -> Vec<DutyKind> {
        if resident.visits.heard > 0 {
            return Vec::new();
        }
        let stands = |kind: &DutyKind| {
            let key = duty::key(*kind, &resident.row.id, 1);
            let of_now = |duty: &Standing| {
                duty.key == key && duty.state != DutyState::Cancelled && !duty.is_over(plans)
            };
            self.standing.iter().any(of_now)
        };
        [DutyKind::Classify, DutyKind::Revisit].into_iter().filter(stands).collect()
    }
}

impl ResidentFile {
    /// As the rules of classification and revisit see them.
    pub fn facts(&self, file: &SubjectFile, plans: &Plans) -> ResidentFacts {
        let own = || file.issues.iter().filter(|issue| issue.resident_id == self.row.id);
        let numbers = |which: &dyn Fn(&IssueFile) -> bool| {
            own().filter(|issue| which(issue)).map(|issue| issue.facts.number.clone()).collect()
        };
        // Nobody can be visited of whom nothing is known any more.
        let is_erased = self.row.natural_key.starts_with(ERASED_KEY);
        ResidentFacts {
            id: self.row.id.clone(),
            heard: if is_erased { 0 } else { self.visits.heard },
            revisited: self.visits.revisited,
            in_person: self.visits.in_person,
            asked: i64::try_from(own().filter(|issue| !issue.is_void()).count())
                .unwrap_or(i64::MAX),
            unclassified: numbers(&|issue| issue.owed.issue.class.is_none() && !issue.is_void()),
            unended: numbers(&|issue| !issue.owed.issue.is_ended()),
            waits: own().any(|issue| issue.owed.issue.state == State::Resolved),
            owed_since: file.owed_since(self, plans),
        }
    }
}

impl IssueFile {
    /// As its row and its duties have it.
    pub fn of_row(row: &IssueRow, standing: &[Standing]) -> Result<IssueFile> {
        let facts = IssueFacts {
            id: row.id.clone(),
            number: row.number.clone(),
            subject_id: row.subject_id.clone(),
            area_id: row.area_id.clone(),
            registered_on: township_date(row.created_at),
        };
        let own = standing.iter().filter(|duty| {
            duty.group.issue_id.as_ref() == Some(&row.id) && duty.group.kind.comes_of_events()
        });
        let owed = IssueObligations {
            issue: row.issue()?,
            sequence: row.version,
            due_on: row.due_on()?,
            duties: own.map(|duty| as_owed(duty, &facts)).collect(),
        };
        Ok(IssueFile { facts, resident_id: row.resident_id.clone(), dated: owed.due_on, owed })
    }

    fn is_void(&self) -> bool {
        self.owed.issue.state == State::Void
    }

    /// The id and the new date of one that is still to be resolved, by another date than its row has.
    fn moved(&self) -> Option<(String, String)> {
        let is_open = |duty: &Duty| duty.kind == DutyKind::Resolve && duty.state == DutyState::Open;
        let due_on = self.owed.due_on.filter(|_| self.owed.duties.iter().any(is_open));
        let due_on = due_on.filter(|due_on| self.dated != Some(*due_on))?;
        Some((self.facts.id.clone(), due_on.to_string()))
    }

    /// What its row becomes.
    pub fn projection(&self, at: i64) -> IssueProjection {
        let IssueObligations { issue, sequence, due_on, .. } = &self.owed;
        IssueProjection::of(&self.facts.id, issue, *due_on, *sequence, at)
    }
}

/// A duty that stands, as one that is owed.
pub(super) fn as_owed(standing: &Standing, facts: &IssueFacts) -> Duty {
    let group = &standing.group;
    Duty {
        key: standing.key.clone(),
        kind: group.kind,
        staff_id: group.staff_id.clone(),
        role: group.role,
        area_id: group.area_id.clone(),
        subject_id: Some(facts.subject_id.clone()),
        resident_id: None,
        issue_id: Some(facts.id.clone()),
        due_on: group.due_on,
        state: standing.state,
    }
}

fn dated(row: &EventRow) -> Option<DatedEvent> {
    let event = row.event()?;
    Some(DatedEvent { sequence: row.sequence, at: row.at, on: township_date(row.at), event })
}

/// What was drawn of these subjects for a check since the campaign began.
async fn inspections_of(
    session: &mut Session,
    subjects: &[&str],
    plans: &Plans,
) -> Result<HashMap<String, Vec<InspectionFacts>>> {
    let mut inspections: HashMap<String, Vec<InspectionFacts>> = HashMap::new();
    for row in session.inspections_of(subjects, plans.began()).await? {
        let difference = row.difference()?.map(|role| Difference {
            found_on: township_date(row.recorded_at.unwrap_or_default()),
            role,
            answered: row.answered_at.is_some(),
        });
        let facts = InspectionFacts {
            drawn_on: row.drawn_on()?,
            due_on: row.due_on()?,
            checked: row.checked_on.is_some() || row.visited != 0,
            difference,
            id: row.id,
            inspector: row.inspector_id,
        };
        inspections.entry(row.subject_id).or_default().push(facts);
    }
    Ok(inspections)
}

/// What was mediated of these subjects' issues and is to be seen to again.
async fn mediations_of(
    session: &mut Session,
    subjects: &[&str],
) -> Result<HashMap<String, Vec<MediationFacts>>> {
    let mut mediations: HashMap<String, Vec<MediationFacts>> = HashMap::new();
    for row in session.mediations_of(subjects).await? {
        let Some(follow_up_on) = row.follow_up_on()? else { continue };
        let (id, issue_id) = (row.id, row.issue_id);
        let facts =
            MediationFacts { id, issue_id, follow_up_on, followed: row.followed_on.is_some() };
        mediations.entry(row.subject_id).or_default().push(facts);
    }
    Ok(mediations)
}

async fn events_of(
    session: &mut Session,
    rows: &[IssueRow],
) -> Result<HashMap<String, Vec<EventRow>>> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut events: HashMap<String, Vec<EventRow>> = HashMap::new();
    if ids.is_empty() {
        return Ok(events);
    }
    for event in session.events_of(&ids).await? {
        events.entry(event.issue_id.clone()).or_default().push(event);
    }
    Ok(events)
}
