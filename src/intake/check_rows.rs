//! Rows of checks (入户抽查) and of mediations (矛盾调解).

use jiff::civil::Date;

use super::cells::{Cells, Days};
use super::kinds::Field;
use super::people::People;
use super::text::short;
use crate::app::inspections::{Answer, Check, Inspected};
use crate::app::mediations::{Followed, Mediation};
use crate::domain::campaign::plus;
use crate::domain::inspection::Finding;
use crate::domain::saying::{self, Saying};
use crate::domain::staff::StaffMember;

/// What was found at something that was drawn, what came of that, both, or nothing yet.
pub(super) fn read_inspection(
    cells: &mut Cells<'_>,
    people: &People,
    days: &Days,
) -> Option<Inspected> {
    let number = cells.required(Field::Inspection);
    let finding = cells.optional_word(Field::Finding, Finding::read, &Finding::choices());
    let text = cells.optional(Field::Found);
    let is_dated = cells.optional(Field::CheckedOn).is_some();
    let check = match finding {
        None if text.is_some() => {
            let said = format!("写了抽查情况，还要填抽查结论：{}", Finding::choices());
            cells.wrong(Field::Finding, said);
            return None;
        }
        None if is_dated && !cells.is_flawed(Field::Finding) => {
            let said = format!("填了抽查日期，还要填抽查结论：{}", Finding::choices());
            cells.wrong(Field::Finding, said);
            return None;
        }
        None => None,
        Some(finding) => {
            let on = cells.date(Field::CheckedOn, days);
            let by = people.named_in(cells, Field::Inspector).map(|person| person.id.clone());
            Some(Check { on: on?, by: by?, finding, text: text.map(str::to_owned) })
        }
    };
    let answer = match said(cells, Field::Answer, "核实完了再填核实结果") {
        None => None,
        Some(text) => {
            let by = people.named_in(cells, Field::Answerer).map(|person| person.id.clone());
            Some(Answer { by: by?, text })
        }
    };
    Some(Inspected { number: number?.to_owned(), check, answer })
}

/// What a cell whose being filled does something says, where it says that it's done.
fn said(cells: &mut Cells<'_>, field: Field, how: &str) -> Option<String> {
    let text = cells.optional(field)?;
    if matches!(saying::of(text), Saying::Nothing | Saying::NotYet) {
        let note =
            format!("「{}」不是{}：没有采用。{how}", short(text), cells.kind().name_of(field));
        cells.note(field, note);
        return None;
    }
    Some(text.to_owned())
}

fn was_kept(text: &str) -> Option<bool> {
    match text {
        "履行" | "已履行" | "是" => Some(true),
        "没有履行" | "未履行" | "否" => Some(false),
        _ => None,
    }
}

/// A mediation, and what was seen afterwards.
pub(super) fn read_mediation(
    cells: &mut Cells<'_>,
    people: &People,
    days: &Days,
) -> Option<Mediation> {
    let issue = cells.required(Field::Issue);
    let on = cells.date(Field::MediatedOn, days);
    let (mediator, parties) = (cells.required(Field::Mediator), cells.required(Field::Parties));
    let agreement = cells.optional(Field::Agreement).filter(|text| !saying::is_no_agreement(text));
    let agreement = agreement.map(str::to_owned);
    let follow_up_on = match cells.optional(Field::FollowUp) {
        None => None,
        // It's still to come.
        Some(_) => Some(cells.date(Field::FollowUp, &to_come(days))?),
    };
    let followed = match said(cells, Field::Followed, "回访过了再填履行情况") {
        None if is_half_followed(cells) => return None,
        None => None,
        Some(text) => Some(read_followed(cells, people, days, text)?),
    };
    Some(Mediation {
        issue: issue?.to_owned(),
        on: on?,
        mediator: mediator?.to_owned(),
        parties: parties?.to_owned(),
        agreement,
        follow_up_on,
        followed,
        by: "import".to_owned(),
    })
}

/// Whether it's told when it was seen to, or whether it's kept, and not what was seen.
fn is_half_followed(cells: &mut Cells<'_>) -> bool {
    let told = [Field::FollowedOn, Field::Kept];
    let told = told.into_iter().find(|field| {
        cells.optional(*field).is_some_and(|text| saying::of(text) != Saying::Nothing)
    });
    let Some(told) = told.filter(|_| !cells.is_flawed(Field::Followed)) else { return false };
    let text =
        format!("填了「{told}」，还要填履行情况（如「已付清」）；还没有回访的请把这几列清空");
    cells.wrong(Field::Followed, text);
    true
}

fn read_followed(
    cells: &mut Cells<'_>,
    people: &People,
    days: &Days,
    text: String,
) -> Option<Followed> {
    let on: Option<Date> = cells.date(Field::FollowedOn, days);
    let kept = cells.word(Field::Kept, was_kept, "履行、没有履行");
    let by = people.named_in(cells, Field::By).map(StaffMember::signed);
    Some(Followed { on: on?, by: by?, kept: kept?, text })
}

/// The same days, and those that are still to come.
fn to_come(days: &Days) -> Days {
    const A_YEAR: i64 = 366;
    let latest = plus(days.today, A_YEAR);
    Days { latest, last: days.last.max(latest), ..*days }
}
