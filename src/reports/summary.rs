//! Summaries: the figures, examples and what is open of an area or a unit, as its template words them.

use std::path::Path;

use serde::Serialize;

use super::docx::docx;
use super::places::Place;
use super::reading::{Case, Reading};
use super::sheet::in_words;
use super::tier::Tiers;
use super::trial;
use super::workbooks::satisfaction::Answers;
use super::workbooks::units::OfUnit;
use super::{Asked, Document, ReportError, Result, Templates};
use crate::db::{Store, SubjectLine};
use crate::domain::campaign::PhaseName;
use crate::domain::figures::{percent, share};
use crate::domain::issue::{Category, Level};
use crate::domain::subject::Endings;

/// How many examples of what was solved, and how much of what is open, stand in a text.
const EXAMPLES: usize = 5;
const OPEN: usize = 40;

/// What a template is given.
#[derive(Debug, Default, Serialize)]
struct Summary {
    campaign: String,
    /// Whose it is: its full name, and its own.
    of: String,
    name: String,
    town: String,
    on: String,
    year: i16,
    /// By when the phases end.
    until: Dates,
    visits: Visits,
    issues: Issues,
    answers: Answered,
    villages: Vec<Village>,
    examples: Vec<Example>,
    open: Vec<Open>,
    /// How many more are open than are listed.
    more_open: i64,
    departments: usize,
}

#[derive(Debug, Default, Serialize)]
struct Dates {
    visit: String,
    classify: String,
    resolve: String,
    feedback: String,
}

#[derive(Debug, Default, Serialize)]
struct Visits {
    subjects: i64,
    visited: i64,
    left: i64,
    rate: String,
    met: i64,
    quiet: i64,
    asking: i64,
    nobody: i64,
    /// Those that ended before they were visited: how many, and of each reason.
    ended: i64,
    endings: String,
}

#[derive(Debug, Default, Serialize)]
struct Issues {
    all: i64,
    town: i64,
    joint: i64,
    city: i64,
    unclassified: i64,
    categories: Vec<Named>,
    resolved: i64,
    closed: i64,
    open: i64,
    late: i64,
    returned: i64,
    referred: i64,
    void: i64,
    rate: String,
}

#[derive(Debug, Default, Serialize)]
struct Named {
    name: &'static str,
    count: i64,
}

#[derive(Debug, Default, Serialize)]
struct Answered {
    asked: i64,
    satisfied: i64,
    fairly: i64,
    dissatisfied: i64,
    rate: String,
}

#[derive(Debug, Default, Serialize)]
struct Village {
    name: String,
    subjects: i64,
    visited: i64,
    issues: i64,
    resolved: i64,
    asked: i64,
    rate: String,
}

#[derive(Debug, Default, Serialize)]
struct Example {
    village: String,
    text: String,
    result: String,
}

#[derive(Debug, Default, Serialize)]
struct Open {
    number: String,
    village: String,
    text: String,
    unit: String,
    due: String,
    state: &'static str,
    late: bool,
}

/// Writes a summary to a file.
///
/// # Errors
/// Where the record can't be read, the template is wrong, or the file can't be written.
pub async fn write_document(
    store: &Store,
    document: Document,
    asked: &Asked,
    templates: &Templates,
    to: &Path,
) -> Result<()> {
    let mut reading = Reading::begin(store, asked).await?;
    let summary = Gathered::read(&mut reading, asked).await?.summary(&reading, asked);
    reading.record.end().await?;
    let text = templates.render(document.template(), &summary)?;
    let title = format!("{}{}", summary.of, document.chinese());
    let unwritten = |why: std::io::Error| ReportError::of_file(to, why.kind());
    let bytes = docx(&text, &title).map_err(unwritten)?;
    std::fs::write(to, bytes).map_err(unwritten)
}

/// What is wrong with a document's template.
pub(super) fn try_out(templates: &Templates, document: Document) -> Option<ReportError> {
    let full = Summary {
        issues: Issues { categories: vec![Named::default()], ..Issues::default() },
        villages: vec![Village::default(), Village::default()],
        examples: vec![Example::default()],
        open: vec![Open::default()],
        ..Summary::default()
    };
    trial::try_out(templates, document.template(), full, Summary::default())
}

/// What is gathered from the record.
#[derive(Default)]
struct Gathered {
    visits: Visits,
    endings: Endings,
    tiers: Tiers,
    issues: OfUnit,
    void: i64,
    referred: i64,
    answers: Answers,
    villages: Vec<(Place, OfVillage)>,
    examples: Vec<Example>,
    open: Vec<Open>,
    more_open: i64,
}

#[derive(Default)]
struct OfVillage {
    subjects: i64,
    visited: i64,
    issues: OfUnit,
    answers: Answers,
}

impl Gathered {
    async fn read(reading: &mut Reading, asked: &Asked) -> Result<Gathered> {
        let mut gathered = Gathered::default();
        // A unit of the town visits nobody.
        if asked.unit.is_none() {
            gathered.read_visits(reading).await?;
        }
        let mut pages = reading.pages();
        while let Some((place, cases)) = pages.issues(reading).await? {
            for case in &cases {
                gathered.take(reading, &place, case);
            }
        }
        Ok(gathered)
    }

    async fn read_visits(&mut self, reading: &mut Reading) -> Result<()> {
        let mut pages = reading.pages();
        while let Some((place, met)) = pages.people(reading).await? {
            let quiet = met.met.values().flatten().filter(|line| line.issues == 0).count();
            let visited = met.subjects.iter().filter(|subject| subject.visited).count() as i64;
            let unseen = |one: &&SubjectLine| one.visitor.is_none() && one.ended.is_none();
            let nobody = met.subjects.iter().filter(unseen).count();
            let dropped = met.subjects.iter().filter_map(SubjectLine::dropped);
            let before = self.endings.count();
            dropped.for_each(|why| self.endings.add(why));
            let subjects = met.subjects.len() as i64 - (self.endings.count() - before);
            self.answers.add(&met);
            self.visits.subjects += subjects;
            self.visits.visited += visited;
            self.visits.nobody += nobody as i64;
            self.visits.quiet += quiet as i64;
            let village = self.village(&place);
            village.subjects += subjects;
            village.visited += visited;
            village.answers.add(&met);
        }
        Ok(())
    }

    fn take(&mut self, reading: &Reading, place: &Place, case: &Case) {
        if case.is_void() {
            self.void += 1;
            return;
        }
        self.tiers.add(case);
        self.issues.add(case, reading.span.on);
        self.referred += i64::from(case.course.referred_on.is_some());
        self.village(place).issues.add(case, reading.span.on);
        if !case.is_resolved() {
            self.take_open(reading, place, case);
        } else if self.examples.len() < EXAMPLES {
            let result = case.course.result.as_ref().or(case.course.reply.as_ref());
            let result = result.filter(|said| !said.is_empty());
            self.examples.extend(result.map(|said| Example {
                village: place.village.clone(),
                text: reading.text(case),
                result: reading.of_case(said, case),
            }));
        }
    }

    fn take_open(&mut self, reading: &Reading, place: &Place, case: &Case) {
        if self.open.len() == OPEN {
            self.more_open += 1;
            return;
        }
        self.open.push(Open {
            number: case.line.number.clone(),
            village: place.village.clone(),
            text: reading.text(case),
            unit: reading.unit_of(case),
            due: case.due_on.map(|on| on.to_string()).unwrap_or_default(),
            state: case.issue.state.chinese(),
            late: case.is_late(reading.span.on),
        });
    }

    fn village(&mut self, place: &Place) -> &mut OfVillage {
        let known = self.villages.iter().position(|(of, _)| of.village_id == place.village_id);
        let at = known.unwrap_or_else(|| {
            self.villages.push((place.clone(), OfVillage::default()));
            self.villages.len() - 1
        });
        &mut self.villages[at].1
    }

    fn summary(self, reading: &Reading, asked: &Asked) -> Summary {
        let until = |phase| in_words(reading.plan.ends_on(phase));
        let own = asked.area.as_deref().and_then(|area| reading.tree.get(area));
        let town = reading.tree.find(&reading.plan.town).map(|town| town.name.clone());
        let answers = Answered {
            asked: self.answers.asked(),
            satisfied: self.answers.satisfied,
            fairly: self.answers.fairly,
            dissatisfied: self.answers.dissatisfied,
            rate: percent(self.answers.rate()),
        };
        let met = self.answers.met;
        let visits = self.visits;
        Summary {
            campaign: reading.plan.name.clone(),
            of: reading.of.clone(),
            name: match own {
                Some(area) => asked.called(&area.name),
                None => reading.of.clone(),
            },
            town: town.unwrap_or_default(),
            on: in_words(reading.span.on),
            year: reading.span.on.year(),
            until: Dates {
                visit: until(PhaseName::Visit),
                classify: until(PhaseName::Classify),
                resolve: until(PhaseName::Resolve),
                feedback: until(PhaseName::Feedback),
            },
            issues: issues(&self.tiers, &self.issues, self.void, self.referred),
            answers,
            villages: self.villages.into_iter().map(village).collect(),
            examples: self.examples,
            open: self.open,
            more_open: self.more_open,
            departments: reading.plan.departments.len(),
            visits: Visits {
                left: visits.subjects - visits.visited,
                rate: percent(share(visits.visited, visits.subjects)),
                met,
                asking: met - visits.quiet,
                ended: self.endings.count(),
                endings: self.endings.to_string(),
                ..visits
            },
        }
    }
}

fn village((place, of): (Place, OfVillage)) -> Village {
    Village {
        name: place.village,
        subjects: of.subjects,
        visited: of.visited,
        issues: of.issues.issues,
        resolved: of.issues.resolved,
        asked: of.answers.asked(),
        rate: percent(of.answers.rate()),
    }
}

fn issues(tiers: &Tiers, of: &OfUnit, void: i64, referred: i64) -> Issues {
    let category = |category: &Category| Named {
        name: category.chinese(),
        count: tiers.count(None, Some(*category)),
    };
    Issues {
        all: of.issues,
        town: tiers.count(Some(Level::Town), None),
        joint: tiers.count(Some(Level::Joint), None),
        city: tiers.count(Some(Level::City), None),
        unclassified: tiers.unclassified(),
        categories: Category::ALL.iter().map(category).collect(),
        resolved: of.resolved,
        closed: of.closed,
        open: of.issues - of.resolved,
        late: of.late,
        returned: of.returned,
        referred,
        void,
        rate: percent(of.resolution()),
    }
}
