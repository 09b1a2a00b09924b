//! A line of a visit record as it comes in, and what it says in itself.

use std::collections::HashSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::choices::Choices;
use super::problem::{About, Problem};
use crate::db::{Context, SubjectPlace};
use crate::domain::issue::Class;
use crate::domain::visit::{Satisfaction, VisitKind};

/// One line of a visit record (附件4): one resident met at one subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewVisit {
    pub kind: VisitKind,
    pub visited_on: Date,
    pub staff_id: String,
    pub subject_number: String,
    pub resident: String,
    pub contact: Option<String>,
    /// In person, or by telephone.
    pub face_to_face: bool,
    pub heard: Heard,
    /// At a revisit: why the resident isn't satisfied, or why an answer is put right.
    #[serde(default)]
    pub why: Option<String>,
    /// Who says so, where it's known.
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub choices: Choices,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Heard {
    /// Nothing to be done: 没有问题.
    Nothing,
    /// A demand.
    Issue(NewIssue),
    /// At a revisit: whether the resident is satisfied.
    Answer(Satisfaction),
}

/// A demand as it was recorded; classified at once, or later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewIssue {
    pub text: String,
    pub class: Option<Class>,
    /// The row of the same table, as it's shown, that says the same of this resident on another day or by another visitor.
    #[serde(default)]
    pub twin: Option<String>,
}

/// What keeps a person from recording a visit at a subject.
pub(super) fn may_visit(
    row: &NewVisit,
    place: &SubjectPlace,
    inspectors: &HashSet<String>,
) -> Option<Problem> {
    let number = &row.subject_number;
    match &place.visitor {
        _ if row.kind == VisitKind::SpotCheck && !inspectors.contains(&row.staff_id) => {
            let text = "入户抽查由督导组的人登记：这位不是督导组人员，是走访请把走访类型改为「走访」，是督导组的请先在走访人员表里给他这个角色";
            Some(Problem::new(About::Visitor, text))
        }
        None => {
            let text = format!("「{number}」还没有走访人，请先导入走访安排表（附件2）");
            Some(Problem::new(About::Visitor, text))
        }
        Some(visitor) if *visitor != row.staff_id && row.kind != VisitKind::SpotCheck => {
            let text = format!("「{number}」不由这位走访人负责（一访到底，中途不得更换）");
            Some(Problem::new(About::Visitor, text))
        }
        Some(_) => None,
    }
}

pub(super) const fn answer_of(row: &NewVisit) -> Option<Satisfaction> {
    match row.heard {
        Heard::Answer(answer) => Some(answer),
        _ => None,
    }
}

pub(super) fn visit_key(context: &Context, row: &NewVisit, resident: &str) -> String {
    answered_key(context, row, resident, answer_of(row))
}

/// The key of the same visit with this answer.
pub(super) fn answered_key(
    context: &Context,
    row: &NewVisit,
    resident: &str,
    answer: Option<Satisfaction>,
) -> String {
    let on = row.visited_on.to_string();
    let answer = answer.map(Satisfaction::code).unwrap_or_default();
    context.sealer.index(&[row.kind.code(), &on, &row.staff_id, resident, answer])
}
