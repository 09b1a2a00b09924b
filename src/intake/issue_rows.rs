//! Rows about issues and duties: how they're classified, who took them on, what came of them. Where a cell's mere being filled
//! does something, what says that it isn't done does nothing, and that's said.

use super::cells::{Cells, UNCLASSIFIED};
use super::denied::{check_beside, check_counts};
use super::kinds::{Field, Kind};
use super::people::People;
use super::text::short;
use crate::app::batch::{HOW_DONE, IssueChange};
use crate::app::confirm::Confirmation;
use crate::app::issues::Acknowledgement;
use crate::app::told::Told;
use crate::domain::issue::{Category, Class, Event, Level, State, Urgency};
use crate::domain::saying::{self, Saying};
use crate::domain::staff::StaffMember;

/// Whether a cell whose being filled does something says that it isn't done: then its row asks for nothing, and that's
/// said.
fn says_not_yet(cells: &mut Cells<'_>, field: Field, how: &str) -> bool {
    let text = cells.optional(field).unwrap_or_default();
    let what = match saying::of(text) {
        Saying::Nothing if text.is_empty() => "这里是空的".to_owned(),
        Saying::Nothing | Saying::NotYet => {
            format!("「{}」不是{}", short(text), cells.kind().name_of(field))
        }
        Saying::Doubtful | Saying::Something => return false,
    };
    let is_flawed = cells.is_flawed(field);
    if !is_flawed {
        cells.note(field, format!("{what}：这一行没有采用。{how}"));
    }
    !is_flawed
}

pub(super) fn read_confirmation(cells: &mut Cells<'_>, people: &People) -> Option<Confirmation> {
    if says_not_yet(cells, Field::By, "做完了由谁确认，就填谁的姓名") {
        return None;
    }
    check_beside(cells, Field::By);
    let (what, area) = (cells.required(Field::Duty), cells.required(Field::Area));
    let by = people.named_in(cells, Field::By).map(|person| person.number.clone());
    Some(Confirmation { what: what?.to_owned(), area: area?.to_owned(), by: by? })
}

pub(super) fn read_acknowledgement(
    cells: &mut Cells<'_>,
    people: &People,
) -> Option<Acknowledgement> {
    if says_not_yet(cells, Field::Acknowledger, "签收了再填签收人") {
        return None;
    }
    check_beside(cells, Field::Acknowledger);
    let person = people.find_in(cells, Field::Acknowledger).map(str::to_owned);
    let number = cells.required(Field::Issue).map(str::to_owned);
    Some(Acknowledgement { number: number?, staff_id: person? })
}

pub(super) fn read_beginning(cells: &mut Cells<'_>, people: &People) -> Option<IssueChange> {
    if says_not_yet(cells, Field::Beginner, "着手办理了再填承办人") {
        return None;
    }
    check_beside(cells, Field::Beginner);
    let by = people.named_in(cells, Field::Beginner).map(StaffMember::signed);
    let number = cells.required(Field::Issue);
    let state = state_told(cells);
    let (number, actor) = (number?.to_owned(), by?);
    let event = Some(Event::Started);
    Some(IssueChange { number, event, then: None, keeps_urgency: false, state, actor })
}

/// How an issue stands, as a table tells it. Other words of a township's own say nothing of how it stands here.
fn state_told(cells: &mut Cells<'_>) -> Option<State> {
    cells.optional(Field::State).and_then(State::read)
}

/// A classification, what came of the town's work, or both; a list of issues may say neither.
pub(super) fn read_change(cells: &mut Cells<'_>, people: &People) -> Option<IssueChange> {
    let number = cells.required(Field::Issue);
    if cells.optional(Field::Level) == Some(UNCLASSIFIED)
        && cells.optional(Field::Category).is_none()
        && !cells.is_flawed(Field::Category)
    {
        let text = format!("还是「{UNCLASSIFIED}」：这一行没有改");
        cells.note(Field::Level, text);
        return None;
    }
    let class = match cells.kind() {
        Kind::Classifications => Some(read_classification(cells)),
        Kind::IssueList => read_class_of_list(cells),
        _ => None,
    };
    let finished = read_result(cells).map(|result| Event::TownFinished { result });
    if class.is_none() && finished.is_none() && cells.kind() == Kind::Handlings {
        return None;
    }
    let by = cells.optional(Field::By).filter(|by| saying::of(by) == Saying::Something);
    let actor = match by.map(|_| people.named_in(cells, Field::By).map(StaffMember::signed)) {
        Some(person) => person?,
        None => "import".to_owned(),
    };
    let keeps_urgency = class.is_some() && cells.optional(Field::Urgency).is_none();
    let state = state_told(cells);
    let (event, then) = match class {
        Some(class) => (Some(class?), finished),
        None => (finished, None),
    };
    Some(IssueChange { number: number?.to_owned(), event, then, keeps_urgency, state, actor })
}

/// What a list says of an issue's class; where nothing, it says none.
fn read_class_of_list(cells: &mut Cells<'_>) -> Option<Option<Event>> {
    let (level, category) = (cells.optional(Field::Level), cells.optional(Field::Category));
    match (level, category) {
        (None, None) => None,
        (None, Some(_)) => {
            cells.wrong(Field::Level, "填了类别，还要填责任层级".to_owned());
            None
        }
        (Some(_), _) => Some(read_classification(cells)),
    }
}

/// What came of the town's work. What says that it isn't done yet ends nothing; what may say so is judged by what is known.
fn read_result(cells: &mut Cells<'_>) -> Option<String> {
    let is_list = match cells.kind() {
        Kind::Handlings => false,
        Kind::IssueList => true,
        _ => return None,
    };
    let text = cells.optional(Field::Result).unwrap_or_default();
    if text.is_empty() && is_list || says_not_yet(cells, Field::Result, HOW_DONE) {
        return None;
    }
    check_beside(cells, Field::Result);
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// How a row classifies: whether it says a level, and the class where all of it is well.
pub(super) fn read_class(cells: &mut Cells<'_>) -> (Told<()>, Option<Class>) {
    let says_level = cells.optional(Field::Level).is_some();
    let level = cells.optional_word(Field::Level, Level::read, &Level::choices());
    let says_category = cells.optional(Field::Category).is_some();
    let category = cells.optional_word(Field::Category, Category::read, &Category::choices());
    let says_urgency = cells.optional(Field::Urgency).is_some();
    let urgency = cells.optional_word(Field::Urgency, Urgency::read, &Urgency::choices());
    if !says_level {
        if (says_category || says_urgency) && !cells.names_its_issue() {
            let text = "没有填责任层级，类别和轻重缓急没有登记；分类时在问题分类表（附件6）里填";
            cells.note(Field::Level, text.to_owned());
        }
        return (Told::Nothing, None);
    }
    if !says_category {
        cells.required(Field::Category);
    }
    let is_whole = !says_urgency || urgency.is_some();
    let urgency = urgency.unwrap_or(Urgency::Normal);
    let class = level.zip(category).filter(|_| is_whole);
    (Told::Is(()), class.map(|(level, category)| Class { level, category, urgency }))
}

fn read_classification(cells: &mut Cells<'_>) -> Option<Event> {
    cells.required(Field::Level);
    check_counts(cells);
    if cells.optional(Field::Level).is_none() {
        cells.optional_word(Field::Category, Category::read, &Category::choices());
        return None;
    }
    let Class { level, category, urgency } = read_class(cells).1?;
    Some(Event::Classified { level, category, urgency })
}
