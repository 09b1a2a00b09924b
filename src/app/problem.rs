//! What is wrong with one thing that came in, and what of it: so that whoever brought it is shown the place.

use crate::db::Upsert;

/// What is wrong with one thing of a set. Nothing of the set is written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Problem {
    pub about: About,
    /// For whoever brought it: what is wrong, and what to do.
    pub text: String,
    /// Where only a decision is missing: what is asked.
    pub question: Option<Question>,
}

/// What is asked, never guessed: a table answers by an option of its command, a page by a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    pub asked: Asked,
}

/// What may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Whether whoever has another number is the person who is known.
    SamePerson,
    /// Whether a name is another's, this one, put right.
    Misspelt(String),
    /// Whether what was said is what was said before.
    SameMatter,
    /// Whether what was resolved is to be done anew.
    Reopening,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Area,
    ParentArea,
    Person,
    Subject,
    Visitor,
    Issue,
    Duty,
    Period,
    Deputy,
    AreaCode,
    Phone,
    Email,
    Wecom,
    Feishu,
    Unit,
    Address,
    Resident,
    Contact,
    Unheard,
    Text,
    HasIssue,
    Level,
    Category,
    Satisfaction,
    Date,
    AreaName,
    SubjectName,
    Result,
    State,
    Inspection,
    Inspector,
    Acknowledger,
    Confirmer,
    Found,
    Answerer,
    Mediation,
    FollowUp,
    SubjectState,
    EndedOn,
    EndedWords,
}

impl Problem {
    /// One about `about`.
    pub fn new(about: About, text: impl Into<String>) -> Problem {
        Problem { about, text: text.into(), question: None }
    }

    /// A question, and how a table answers it.
    pub fn asking(about: About, text: String, asked: Asked, how: &str) -> Problem {
        let said = format!("{text}：{how}");
        Problem { about, text: said, question: Some(Question { text, asked }) }
    }
}

impl From<Problem> for crate::db::StoreError {
    fn from(problem: Problem) -> Self {
        crate::db::StoreError::Rule(problem.text)
    }
}

/// What one thing of a set did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    pub upsert: Upsert,
    /// What is worth a word about it: what it changed that matters, or why it changed nothing.
    pub note: Option<Problem>,
    /// The issue, by its id, that somebody told of.
    pub issue: Option<String>,
}

impl Did {
    /// With a word about it.
    pub fn noted(upsert: Upsert, about: About, text: impl Into<String>) -> Did {
        Did { upsert, note: Some(Problem::new(about, text)), issue: None }
    }

    /// That it told of this issue.
    pub fn of_issue(self, id: &str) -> Did {
        Did { issue: Some(id.to_owned()), ..self }
    }
}

impl From<Upsert> for Did {
    fn from(upsert: Upsert) -> Did {
        Did { upsert, note: None, issue: None }
    }
}

/// What one thing would do, or what is wrong with it.
pub type Outcome = Result<Did, Problem>;

/// What each thing of a set would do, or what is wrong with it.
pub type Outcomes = Vec<Outcome>;

/// Whether nothing is wrong with any of them.
pub(super) fn all_well(outcomes: &Outcomes) -> bool {
    outcomes.iter().all(Result::is_ok)
}

/// The outcome of the only thing of a set.
///
/// # Errors
/// What is wrong with it.
pub fn only(outcomes: Outcomes) -> Result<Upsert, crate::db::StoreError> {
    let outcome = outcomes.into_iter().next().unwrap_or(Ok(Upsert::Same.into()));
    Ok(outcome?.upsert)
}
