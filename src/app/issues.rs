//! Something happens to issues: their rows move, what the events pay ends, what they ask for is owed, in one set.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::casework::{Files, From, IssueFile, RuleBook};
use super::people::{Doers, with_roles};
use super::problem::{About, Did, Outcome, Outcomes, Problem};
use super::returned::{self, CameBack};
use crate::clock::township_date;
use crate::db::{
    Act, IssueChange, IssueRow, NewReferral, Result, Session, Standing, Store, StoreError, Tx,
    Upsert,
};
use crate::domain::campaign::Campaign;
use crate::domain::delivery::Withdrawal;
use crate::domain::duty::DutyState;
use crate::domain::issue::{Event, EventKind, Issue, Level, Refusal};
use crate::domain::obligations::issue::{Asked, DatedEvent, concerns_resident, note_key};
use crate::domain::obligations::{Department, Ladder, difference};
use crate::domain::referral;
use crate::domain::rights::{Matter, Right};
use crate::domain::staff::{Role, StaffMember};

/// That something happened to an issue.
#[derive(Debug, Clone)]
pub struct Happening {
    pub issue_id: String,
    pub event: Event,
    pub actor: String,
}

/// Who acts where the program does.
const OURSELVES: &str = "zoufang";
/// And where the platform does.
const PLATFORM: &str = "platform";

/// What happened to an issue, for the log.
pub(super) fn changed(file: &IssueFile, what: &'static str, actor: &str) -> IssueChange {
    let by = match actor {
        OURSELVES => "program",
        PLATFORM => PLATFORM,
        _ => "person",
    };
    let state = file.owed.issue.state.code();
    IssueChange { id: file.facts.id.clone(), number: file.facts.number.clone(), what, state, by }
}

/// What events ask for beyond their issues: noted while they are stepped, written once for all.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Of each event: the issue's id, its sequence, itself, and who did it.
    pub events: Vec<(String, i64, Event, String)>,
    pub referrals: Vec<NewReferral>,
    /// Issues whose referrals so far aren't owed any more, and why.
    pub withdrawn: Vec<(String, Withdrawal)>,
    /// What the platform is told, where it's told anything: the issue, the round that it's about, and the sequence.
    pub messages: Vec<(String, i64, i64, Event)>,
    pub reporting_areas: HashSet<String>,
    pub reporting_departments: HashMap<String, Department>,
    /// What the platform wouldn't have.
    came_back: Vec<CameBack>,
    /// All of it, for the log.
    pub changes: Vec<IssueChange>,
}

impl Wanted {
    /// One event and what follows from it at once.
    ///
    /// # Errors
    /// [`Refusal`] where the state machine doesn't allow it; nothing is changed then.
    pub fn step(
        &mut self,
        file: &mut IssueFile,
        event: Event,
        actor: &str,
        now: i64,
        book: &RuleBook,
    ) -> std::result::Result<(), Refusal> {
        let (mut next, mut actor) = (Some(event), actor);
        while let Some(event) = next {
            let round = file.owed.issue.round;
            let sequence = file.owed.sequence + 1;
            let dated = DatedEvent { sequence, at: now, on: township_date(now), event };
            let asked = file.owed.step(&file.facts, &dated, &book.rules())?;
            let DatedEvent { event, .. } = dated;
            next = self.note(file, &event, (round, actor), asked);
            self.changes.push(changed(file, event.kind().code(), actor));
            let id = file.facts.id.clone();
            // What was asked anew by mistake never was there: it's told of the round before.
            let told = round - i64::from(event.kind() == EventKind::AnswerCorrected);
            self.messages.push((id.clone(), told, sequence, event.clone()));
            self.events.push((id, sequence, event, actor.to_owned()));
            actor = OURSELVES;
        }
        Ok(())
    }

    fn note(
        &mut self,
        file: &IssueFile,
        event: &Event,
        (round, actor): (i64, &str),
        asked: Asked,
    ) -> Option<Event> {
        let facts = &file.facts;
        if let Some(why) = referral::withdrawal(event, &file.owed.issue) {
            self.referrals.retain(|referral| referral.issue_id != facts.id);
            self.withdrawn.push((facts.id.clone(), why));
        }
        // Whoever of ours gives one back knows it.
        if let Event::Refused { reason } = event
            && actor == PLATFORM
        {
            let (number, area_id) = (facts.number.clone(), facts.area_id.clone());
            self.came_back.push(CameBack { number, area_id, round, reason: reason.clone() });
        }
        if *event == Event::Queued {
            self.referrals.push(NewReferral {
                issue_id: facts.id.clone(),
                number: facts.number.clone(),
                round,
                urgency: file.owed.issue.class.map(|class| class.urgency),
            });
        }
        if asked.work {
            self.reporting_areas.insert(facts.area_id.clone());
        }
        if let Some(department) = asked.department {
            self.reporting_departments.insert(department.staff_id.clone(), department);
        }
        asked.consequence
    }

    /// Writes the events and what they owe the platform.
    pub async fn write(&self, tx: &mut Tx) -> Result<()> {
        tx.add_events(&self.events).await?;
        tx.did_to_issues(self.changes.iter().cloned());
        tx.withdraw_referrals(&self.withdrawn).await?;
        tx.owe_referrals(&self.referrals).await?;
        returned::tell(tx, &self.came_back).await?;
        if tx.context().messages {
            for (issue, round, sequence, event) in &self.messages {
                tx.owe_message(issue, *round, *sequence, event).await?;
            }
        }
        Ok(())
    }

    /// Sees to it that whoever is to report on the work owes it, once the work itself is written.
    pub async fn owe_reports(&self, tx: &mut Tx) -> Result<()> {
        super::areas::owe_reports(tx, &self.reporting_areas, &self.reporting_departments).await
    }
}

/// Applies events and all that follows from them, each issue's in their order.
///
/// # Errors
/// [`StoreError::Refused`] where the state machine doesn't allow one; nothing is changed then.
pub async fn happen(tx: &mut Tx, happenings: &[Happening]) -> Result<()> {
    let mut set = EventSet::load(tx, happenings).await?;
    for happening in happenings {
        set.step(happening, tx.now()).map_err(|wrong| match wrong {
            Wrong::Unknown => no_issue(&happening.issue_id).into(),
            Wrong::Refused(refusal) => StoreError::Refused(refusal),
        })?;
    }
    set.write(tx).await
}

/// What these events would do: each is allowed, or what is wrong with it.
pub async fn check(session: &mut Session, happenings: &[Happening]) -> Result<Outcomes> {
    let mut set = EventSet::load(session, happenings).await?;
    let now = session.now();
    Ok(happenings.iter().map(|happening| set.outcome(happening, now)).collect())
}

/// As [`happen`], with what each did; nothing is written where any is wrong.
pub async fn put(tx: &mut Tx, happenings: &[Happening]) -> Result<Outcomes> {
    let mut set = EventSet::load(tx, happenings).await?;
    let now = tx.now();
    let outcomes: Outcomes =
        happenings.iter().map(|happening| set.outcome(happening, now)).collect();
    if super::problem::all_well(&outcomes) {
        set.write(tx).await?;
    }
    Ok(outcomes)
}

enum Wrong {
    Unknown,
    Refused(Refusal),
}

/// Issues to which something happens.
struct EventSet {
    book: RuleBook,
    files: HashMap<String, IssueFile>,
    standing: HashMap<String, Vec<Standing>>,
    wanted: Wanted,
    /// The subjects of residents whose duties may change.
    concerned: HashSet<String>,
}

impl EventSet {
    async fn load(session: &mut Session, happenings: &[Happening]) -> Result<EventSet> {
        let book = RuleBook::read(session).await?;
        let ids: HashSet<&str> = happenings.iter().map(|h| h.issue_id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let rows = session.issue_rows(&ids).await?;
        let mut standing: HashMap<String, Vec<Standing>> = HashMap::new();
        for duty in session.duties_of_issues(&ids).await? {
            // What a mediation makes owed isn't derived from the issue's events.
            let own = duty.group.issue_id.clone().filter(|_| duty.group.kind.comes_of_events());
            if let Some(issue) = own {
                standing.entry(issue).or_default().push(duty);
            }
        }
        let mut files = HashMap::new();
        for row in rows {
            let own = standing.get(&row.id).map_or(&[][..], Vec::as_slice);
            files.insert(row.id.clone(), IssueFile::of_row(&row, own)?);
        }
        let (wanted, concerned) = (Wanted::default(), HashSet::new());
        Ok(EventSet { book, files, standing, wanted, concerned })
    }

    fn step(&mut self, happening: &Happening, now: i64) -> std::result::Result<(), Wrong> {
        let file = self.files.get_mut(&happening.issue_id).ok_or(Wrong::Unknown)?;
        let Happening { event, actor, .. } = happening;
        let stepped = self.wanted.step(file, event.clone(), actor, now, &self.book);
        stepped.map_err(Wrong::Refused)?;
        if concerns_resident(event.kind()) || file.owed.issue.is_ended() {
            self.concerned.insert(file.facts.subject_id.clone());
        }
        Ok(())
    }

    fn outcome(&mut self, happening: &Happening, now: i64) -> Outcome {
        match self.step(happening, now) {
            Ok(()) => Ok(Upsert::Added.into()),
            Err(Wrong::Unknown) => Err(no_issue(&happening.issue_id)),
            Err(Wrong::Refused(refusal)) => {
                let cure = refusal.cure().map(|cure| format!("：{cure}")).unwrap_or_default();
                Err(Problem::new(About::Issue, format!("{refusal}{cure}")))
            }
        }
    }

    async fn write(mut self, tx: &mut Tx) -> Result<()> {
        if self.wanted.events.is_empty() {
            return Ok(());
        }
        let now = tx.now();
        let projections: Vec<_> = self.files.values().map(|file| file.projection(now)).collect();
        tx.project_issues(&projections).await?;
        self.wanted.write(tx).await?;
        let RuleBook { plans, workdays, .. } = &self.book;
        let ladder = Ladder::of(plans, workdays, tx.today());
        let changes: Vec<_> = self
            .files
            .into_iter()
            .flat_map(|(id, file)| {
                let standing = self.standing.remove(&id).unwrap_or_default();
                difference(standing, file.owed.duties, &ladder)
            })
            .collect();
        let fact =
            self.wanted.events.first().map_or("record", |(_, _, event, _)| event.kind().code());
        tx.write_duties(&changes, &ladder, fact).await?;
        self.wanted.owe_reports(tx).await?;
        if !self.concerned.is_empty() {
            let subjects: Vec<&str> = self.concerned.iter().map(String::as_str).collect();
            let files = Files::load(tx, &subjects, From::Row, &self.book).await?;
            files.write(tx, &self.book, "record").await?;
        }
        Ok(())
    }
}

/// There is no issue of this number.
pub(super) fn no_issue(number: &str) -> Problem {
    Problem::new(About::Issue, format!("没有编号「{number}」的问题：请照导出的问题清单核对编号"))
}

/// The platform won't have a referral: its issue comes back, where it waited for that.
pub async fn referral_refused(tx: &mut Tx, referral: &str, reason: &str) -> Result<()> {
    let Some(issue_id) = tx.refuse_referral(referral).await? else { return Ok(()) };
    let event = Event::Refused { reason: reason.to_owned() };
    happen(tx, &[Happening { issue_id, event, actor: PLATFORM.to_owned() }]).await
}

impl Tx {
    /// The platform has these referrals: the issues that wait for that go on.
    pub(crate) async fn issues_referred(&mut self, referrals: &[&str]) -> Result<()> {
        let waiting = self.issues_waiting_for(referrals).await?;
        let referred =
            |issue_id| Happening { issue_id, event: Event::Referred, actor: PLATFORM.to_owned() };
        happen(self, &waiting.into_iter().map(referred).collect::<Vec<_>>()).await
    }

    /// One event, as a person or the platform makes it happen. Returns the issue after it.
    ///
    /// # Errors
    /// As [`happen`].
    pub async fn issue_event(&mut self, id: &str, event: &Event, actor: &str) -> Result<Issue> {
        let happening =
            Happening { issue_id: id.to_owned(), event: event.clone(), actor: actor.to_owned() };
        happen(self, &[happening]).await?;
        let row = self.issue_rows(&[id]).await?.pop();
        row.ok_or_else(|| StoreError::from(no_issue(id)))?.issue()
    }
}

/// A person takes note of an issue (签收): as the department that answers for it, else as its grid member.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Acknowledgement {
    pub number: String,
    pub staff_id: String,
}

/// What a note is held against: the issue, who is asked for it, and who is who.
struct Notes {
    issues: HashMap<String, IssueRow>,
    duties: HashMap<String, Standing>,
    plan: Arc<Campaign>,
    doers: Doers,
}

impl Notes {
    async fn read(session: &mut Session, rows: &[Acknowledgement]) -> Result<Notes> {
        let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
        let issues = session.issues_numbered(&numbers).await?;
        let ids: Vec<&str> = issues.iter().map(|row| row.id.as_str()).collect();
        let duties = session.duties_of_issues(&ids).await?;
        Ok(Notes {
            issues: issues.into_iter().map(|row| (row.number.clone(), row)).collect(),
            duties: duties.into_iter().map(|duty| (duty.key.clone(), duty)).collect(),
            plan: Arc::clone(session.plans().now()),
            doers: Doers::read(session).await?,
        })
    }

    /// The event; nothing where the note was made before.
    fn note(
        &self,
        row: &Acknowledgement,
    ) -> Result<std::result::Result<Option<Happening>, Problem>> {
        let Some(issue) = self.issues.get(&row.number) else {
            return Ok(Err(no_issue(&row.number)));
        };
        let person = self.doers.holders.person(&row.staff_id);
        let duty = |role| self.duties.get(&note_key(&issue.id, role));
        // Whoever is both signs as whom it's asked of.
        let waits = |role: &Role| duty(*role).is_some_and(|duty| duty.state == DutyState::Open);
        let asked = [Role::Department, Role::GridMember];
        let own = asked.iter().filter(|role| person.is_some_and(|p| p.roles.contains(role)));
        let own: Vec<Role> = own.copied().collect();
        let role = own.iter().copied().find(waits).or(own.first().copied());
        let role = role.unwrap_or(Role::GridMember);
        Ok(match (duty(role), person) {
            (Some(duty), Some(person)) if duty.state == DutyState::Open => {
                self.signed(issue, duty, person)?.map(Some)
            }
            (Some(_), _) => Ok(None),
            (None, _) => {
                let text = format!("「{}」不需要{role}签收", row.number);
                Err(Problem::new(About::Issue, text))
            }
        })
    }

    /// Signed by whom it's asked of, who stands in for them, or who stands above them there.
    fn signed(
        &self,
        issue: &IssueRow,
        duty: &Standing,
        person: &StaffMember,
    ) -> Result<std::result::Result<Happening, Problem>> {
        let unit =
            issue.issue()?.class.and_then(|class| self.plan.unit_of_category(class.category));
        let matter = Matter { area: &issue.area_id, visitor: None, unit };
        let signs = |one: &StaffMember| Right::Acknowledge.is_over(one, &self.doers.tree, &matter);
        Ok(match self.doers.may_meet(&duty.group, person, signs) {
            Ok(()) => {
                let (by, role) = (person.name.clone(), duty.group.role);
                let event = Event::Acknowledged { by: by.clone(), role };
                Ok(Happening { issue_id: issue.id.clone(), event, actor: by })
            }
            Err(owing) => {
                let (who, number) = (with_roles(person), &issue.number);
                let text =
                    format!("{who}，不能签收「{number}」，这件由{owing}签收：请填实际签收的人");
                Err(Problem::new(About::Acknowledger, text))
            }
        })
    }
}

/// What these acknowledgements are as events; nothing where one was made before.
async fn notes(
    session: &mut Session,
    rows: &[Acknowledgement],
) -> Result<Vec<std::result::Result<Option<Happening>, Problem>>> {
    let asked = Notes::read(session, rows).await?;
    rows.iter().map(|row| asked.note(row)).collect()
}

/// What these acknowledgements would do.
pub async fn check_acknowledgements(
    session: &mut Session,
    rows: &[Acknowledgement],
) -> Result<Outcomes> {
    let notes = notes(session, rows).await?;
    Ok(notes.into_iter().map(|note| Ok(done_by(note?.is_some()))).collect())
}

fn done_by(new: bool) -> Did {
    if new { Upsert::Added.into() } else { Upsert::Same.into() }
}

/// Takes note of issues; a note that was made before changes nothing. Nothing where any is wrong.
pub async fn acknowledge(tx: &mut Tx, rows: &[Acknowledgement]) -> Result<Outcomes> {
    let notes = notes(tx, rows).await?;
    let outcomes: Outcomes =
        notes.iter().map(|note| note.clone().map(|note| done_by(note.is_some()))).collect();
    if super::problem::all_well(&outcomes) {
        let happenings: Vec<Happening> =
            notes.into_iter().filter_map(std::result::Result::ok).flatten().collect();
        happen(tx, &happenings).await?;
    }
    Ok(outcomes)
}

/// How many issues are moved to joint handling in one turn.
const UPGRADES_AT_ONCE: i64 = 200;

/// Moves the town's own issues that nobody has begun and that were due before `due_before` to joint handling:
/// the platform is owed each. Returns their numbers.
pub async fn upgrade_overdue(store: &Store, due_before: Date) -> Result<Vec<String>> {
    let mut numbers = Vec::new();
    loop {
        let mut tx = store.begin().await?;
        let ids = tx.overdue_and_not_begun(due_before, UPGRADES_AT_ONCE).await?;
        if ids.is_empty() {
            tx.rollback().await?;
            return Ok(numbers);
        }
        let wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut happenings = Vec::new();
        for row in tx.issue_rows(&wanted).await? {
            let Some(class) = row.issue()?.class else { continue };
            let (category, urgency) = (class.category, class.urgency);
            let event = Event::Classified { level: Level::Joint, category, urgency };
            let actor = OURSELVES.to_owned();
            happenings.push(Happening { issue_id: row.id.clone(), event, actor });
            let detail = serde_json::json!({"reason": "overdue", "due_before": due_before});
            tx.audit_act(Act {
                by: OURSELVES,
                action: "upgrade",
                target: &row.number,
                detail: &detail,
                was: Some(&serde_json::json!({"level": class.level})),
                became: Some(&serde_json::json!({"level": Level::Joint})),
            })
            .await?;
            numbers.push(row.number);
        }
        happen(&mut tx, &happenings).await?;
        tx.commit().await?;
    }
}
