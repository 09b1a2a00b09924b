//! Who may be somebody who is known: under another name at the same household, or at another household of the same visitor.
//! A name or a number that was put right by hand would else make a second person of one.

use std::collections::{HashMap, HashSet};

use super::casework::{Files, ResidentFile};
use super::problem::{About, Asked, Did, Problem};
use super::said_before::{Known, is_misspelt};
use super::visit_rows::{Heard, NewVisit, answer_of, answered_key};
use crate::db::{Context, Result, Session, Upsert};
use crate::domain::visit::{Satisfaction, VisitKind};

/// Of so many people who aren't known it's asked whether they were met at another household: what brings more is new.
const A_FEW: usize = 100;

/// Who may be somebody who is known, by what the rows call them and where.
#[derive(Default)]
pub(super) struct Suspects {
    renamed: HashMap<(String, String), Renamed>,
    elsewhere: HashMap<(String, String, String), Elsewhere>,
}

/// Somebody of the same household whose name may have been put right.
#[derive(Debug, Clone)]
pub(super) struct Renamed {
    pub id: String,
    /// As they are registered.
    pub name: String,
    why: &'static str,
}

/// The same person at another household of the same visitor, on the same day.
#[derive(Debug, Clone)]
pub(super) struct Elsewhere {
    number: String,
    said_the_same: bool,
}

/// A row that tells of somebody who isn't known at its subject.
struct Stranger<'r> {
    row: &'r NewVisit,
    /// The subject's place among the files.
    at: usize,
}

/// Somebody who is known, held against a row.
struct Candidate<'r> {
    row: &'r NewVisit,
    id: String,
    visits: Vec<String>,
}

impl<'r> Candidate<'r> {
    fn of(context: &Context, row: &'r NewVisit, id: &str) -> Candidate<'r> {
        let answers: Vec<Option<Satisfaction>> = match answer_of(row) {
            Some(_) => Satisfaction::ALL.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let key = |answer| answered_key(context, row, id, answer);
        Candidate { row, id: id.to_owned(), visits: answers.into_iter().map(key).collect() }
    }
}

/// The visits and the words that are known of candidates.
struct FactsOfThem {
    visits: HashMap<String, String>,
    issues: HashSet<String>,
}

impl FactsOfThem {
    async fn read(
        session: &mut Session,
        context: &Context,
        candidates: &[Candidate<'_>],
    ) -> Result<FactsOfThem> {
        let keys: Vec<&str> =
            candidates.iter().flat_map(|of| of.visits.iter().map(String::as_str)).collect();
        let visits: HashMap<String, String> = match keys.is_empty() {
            true => HashMap::new(),
            false => session.known_visits(&keys).await?.into_iter().collect(),
        };
        let mut found = FactsOfThem { visits, issues: HashSet::new() };
        let keys: Vec<String> =
            candidates.iter().filter_map(|of| found.words(context, of)).collect();
        let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        if !wanted.is_empty() {
            found.issues = session.known_issues(&wanted).await?.into_iter().map(|i| i.0).collect();
        }
        Ok(found)
    }

    fn visit(&self, of: &Candidate<'_>) -> Option<&String> {
        of.visits.iter().find_map(|key| self.visits.get(key))
    }

    /// The key of the same words, said by them at that visit.
    fn words(&self, context: &Context, of: &Candidate<'_>) -> Option<String> {
        let Heard::Issue(issue) = &of.row.heard else { return None };
        Some(context.sealer.index(&[&of.id, self.visit(of)?, &issue.text]))
    }

    fn said(&self, context: &Context, of: &Candidate<'_>) -> bool {
        self.words(context, of).is_some_and(|key| self.issues.contains(&key))
    }
}

impl Suspects {
    /// Looks for whom these rows may mean.
    pub async fn read(
        session: &mut Session,
        context: &Context,
        files: (&HashMap<String, usize>, &Files),
        known: &mut Known,
        rows: &[NewVisit],
    ) -> Result<Suspects> {
        let (places, files) = files;
        let (mut strangers, mut named) = (Vec::new(), HashSet::new());
        for row in rows.iter() {
            let Some(&at) = places.get(&row.subject_number) else { continue };
            let file = &files.subjects[at];
            let key = context.sealer.index(&[&file.place.id, &row.resident]);
            match file.residents.iter().find(|resident| resident.row.natural_key == key) {
                Some(resident) => drop(named.insert(resident.row.id.clone())),
                None => strangers.push(Stranger { row, at }),
            }
        }
        strangers.retain(|stranger| stranger.row.choices.alike != super::choices::Alike::Another);
        let mut suspects = Suspects::default();
        suspects.look_at_home(session, context, files, known, (&strangers, &named)).await?;
        strangers.retain(|stranger| suspects.renamed(stranger.row).is_none());
        if strangers.len() <= A_FEW {
            suspects.look_elsewhere(session, context, (&strangers, &named)).await?;
        }
        Ok(suspects)
    }

    /// Who of the same household may be meant, with a name that was put right.
    async fn look_at_home(
        &mut self,
        session: &mut Session,
        context: &Context,
        files: &Files,
        known: &mut Known,
        (strangers, named): (&[Stranger<'_>], &HashSet<String>),
    ) -> Result<()> {
        let at_home =
            |stranger: &Stranger<'_>| -> &[ResidentFile] { &files.subjects[stranger.at].residents };
        let numbers: HashSet<&str> = strangers
            .iter()
            .filter(|stranger| !at_home(stranger).is_empty())
            .map(|stranger| stranger.row.subject_number.as_str())
            .collect();
        known.read_contacts(session, context, &numbers.into_iter().collect::<Vec<_>>()).await?;
        let mut candidates = Vec::new();
        for stranger in strangers {
            for resident in at_home(stranger) {
                candidates.push(Candidate::of(context, stranger.row, &resident.row.id));
            }
        }
        let facts = FactsOfThem::read(session, context, &candidates).await?;
        for of in candidates {
            let Some(name) = known.names.get(&of.id) else { continue };
            let why = why_renamed(context, &facts, known, (&of, name), named.contains(&of.id));
            let Some(why) = why else { continue };
            let key = (of.row.subject_number.clone(), of.row.resident.clone());
            let renamed = Renamed { id: of.id.clone(), name: name.clone(), why };
            self.renamed.entry(key).or_insert(renamed);
        }
        Ok(())
    }

    /// Who of another household of the same visitor may be meant, with a number that was put right.
    async fn look_elsewhere(
        &mut self,
        session: &mut Session,
        context: &Context,
        (strangers, named): (&[Stranger<'_>], &HashSet<String>),
    ) -> Result<()> {
        let keys: HashSet<String> =
            strangers.iter().map(|of| context.name_key(&of.row.resident)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let called = session.residents_called(&keys).await?;
        let mut candidates = Vec::new();
        for stranger in strangers {
            let row = stranger.row;
            let key = context.name_key(&row.resident);
            let others = called.iter().filter(|other| {
                other.name_key == key
                    && other.visitor.as_deref() == Some(&row.staff_id)
                    && other.number != row.subject_number
                    && !named.contains(&other.id)
            });
            candidates.extend(others.map(|other| (other, Candidate::of(context, row, &other.id))));
        }
        let (others, candidates): (Vec<_>, Vec<_>) = candidates.into_iter().unzip();
        let facts = FactsOfThem::read(session, context, &candidates).await?;
        for (other, of) in others.iter().zip(&candidates) {
            let said_the_same = facts.said(context, of);
            let contact = context.contact_key(of.row.contact.as_deref());
            let is_reached_so = contact.is_some() && contact == other.contact_key;
            let is_silent = !matches!(of.row.heard, Heard::Issue(_));
            if facts.visit(of).is_some() && (said_the_same || is_silent && is_reached_so) {
                let found = Elsewhere { number: other.number.clone(), said_the_same };
                self.elsewhere.entry(of_visit(of.row)).or_insert(found);
            }
        }
        Ok(())
    }

    /// Whose name may have been put right.
    pub fn renamed(&self, row: &NewVisit) -> Option<&Renamed> {
        self.renamed.get(&(row.subject_number.clone(), row.resident.clone()))
    }

    /// Where the same may have been recorded before.
    pub fn elsewhere(&self, row: &NewVisit) -> Option<&Elsewhere> {
        self.elsewhere.get(&of_visit(row))
    }
}

fn of_visit(row: &NewVisit) -> (String, String, String) {
    let visit = format!("{} {}", row.kind.code(), row.visited_on);
    (row.subject_number.clone(), row.resident.clone(), visit)
}

/// Why a row may be about somebody of the household whose name is another one.
fn why_renamed(
    context: &Context,
    facts: &FactsOfThem,
    known: &Known,
    (of, name): (&Candidate<'_>, &str),
    is_named: bool,
) -> Option<&'static str> {
    let row = of.row;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let contacts = known.contacts.get(&of.id).zip(row.contact.as_ref());
    let is_reached_so = contacts.is_some_and(|(known, told)| known == told);
    let is_reached_otherwise = contacts.is_some_and(|(known, told)| digits(known) != digits(told));
    let misspelt = is_misspelt(name, &row.resident);
    let visited = facts.visit(of).is_some();
    let are_of_one_family = name.chars().next() == row.resident.chars().next();
    match () {
        _ if misspelt && is_reached_so => Some("只差一个字，联系方式相同"),
        // Who stands in the same table under the known name is somebody else.
        _ if is_named || is_reached_otherwise => None,
        _ if misspelt && visited => Some("只差一个字，同一天由同一位走访"),
        _ if are_of_one_family && facts.said(context, of) => Some("同一天说过同样的话"),
        _ if misspelt && row.kind == VisitKind::Revisit => Some("只差一个字，回访的应是走访过的人"),
        _ => None,
    }
}

/// What is asked where somebody may be one of the household whose name was put right.
pub(super) fn ask_of_renamed(known: &Renamed, name: &str) -> Problem {
    let Renamed { name: registered, why, .. } = known;
    let text = format!("「{name}」与这个对象已登记的「{registered}」{why}");
    let how = format!(
        "是同一个人请写成登记的「{registered}」，登记的名字写错了请在导入命令后加 --alike correction（改登记的名字），是两个人请加 --alike another"
    );
    Problem::asking(About::Resident, text, Asked::Misspelt(registered.clone()), &how)
}

/// A word that somebody's name was put right.
pub(super) fn told_of_renamed(known: &Renamed, name: &str) -> Problem {
    Problem::new(About::Resident, format!("登记的「{}」改为「{name}」", known.name))
}

/// What is asked where the same person may have been recorded at another household.
pub(super) fn ask_of_elsewhere(found: &Elsewhere, row: &NewVisit) -> Problem {
    let Elsewhere { number, said_the_same } = found;
    let what = if *said_the_same { "同样的话" } else { "联系方式也相同" };
    let text =
        format!("「{}」在「{number}」已有同一天、同一位走访人员的走访，{what}", row.resident);
    let how = format!(
        "这里的编号填错了请改成「{number}」；原来登记错了，请先用 zoufang issue void 问题编号 --by 责任人编号 --reason 原因 把那里的问题作废，再在导入命令后加 --alike another；两处都有，也请加 --alike another"
    );
    Problem::asking(About::Subject, text, Asked::SameMatter, &how)
}

/// A word that it was recorded at another household and isn't again.
pub(super) fn told_of_elsewhere(found: &Elsewhere) -> Did {
    let text = format!("已登记在「{}」，没有再登记一次", found.number);
    Did::noted(Upsert::Same, About::Subject, text)
}
