//! Rows about people: staff, whoever is registered at a subject, who is away.

use super::cells::{Cells, Days};
use super::denied::{check_beside, check_here};
use super::kinds::Field;
use super::options::Options;
use super::people::People;
use super::text::short;
use crate::app::endings::{StateOf, ToldState};
use crate::app::registered::Registered;
use crate::app::staff::{NewStaff, TellAddresses};
use crate::app::told::Told;
use crate::clock::Clock;
use crate::db::NewAbsence;
use crate::domain::campaign::plus;
use crate::domain::excuse::{Excuse, excuse};
use crate::domain::phone;
use crate::domain::staff::{self, Role};
use crate::domain::subject::SubjectState;

/// What a cell says of something that is kept.
pub(super) fn told(cells: &Cells<'_>, field: Field, options: &Options) -> Told<String> {
    let told = cells.told(field);
    if options.clear { told.cleared() } else { told }
}

pub(super) fn read_staff(cells: &mut Cells<'_>, options: &Options) -> Option<NewStaff> {
    let (number, name) = (cells.required(Field::StaffNumber), cells.required(Field::StaffName));
    let area = cells.required(Field::Area);
    let roles = read_roles(cells);
    if cells.optional(Field::StaffRoles) != Some(staff::LEFT) {
        check_here(cells, Field::StaffRoles, "已经离岗的请在「角色」写「离岗」");
    }
    check_phone(cells, Field::StaffPhone);
    Some(NewStaff {
        unit: told(cells, Field::StaffUnit, options),
        addresses: TellAddresses {
            phone: told(cells, Field::StaffPhone, options),
            email: read_email(cells, options),
            wecom: told(cells, Field::StaffWecom, options),
            feishu: told(cells, Field::StaffFeishu, options),
        },
        number: number?.to_owned(),
        name: name?.to_owned(),
        roles,
        area: area?.to_owned(),
    })
}

/// What stands in the place of a role where somebody has left: they have none any more.
const LEFT: &[&str] = &[staff::LEFT, "离任", "离职", "调离", "调出", "调走", "退休", "停用"];

/// A person's roles; none for who has left. A blank is asked about: it may have been forgotten.
fn read_roles(cells: &mut Cells<'_>) -> Vec<Role> {
    let told = cells.optional(Field::StaffRoles).unwrap_or_default();
    if LEFT.contains(&told.trim().trim_start_matches('已')) {
        return Vec::new();
    }
    if told.is_empty() && cells.has(Field::StaffRoles) && !cells.is_flawed(Field::StaffRoles) {
        let text = "角色是空的：还在岗的填他的角色；已经离开的写「离岗」，登录会随之停用";
        cells.wrong(Field::StaffRoles, text.to_owned());
        return Vec::new();
    }
    cells.required(Field::StaffRoles);
    let mut roles = Vec::new();
    for text in told.split(['、', ',', '，', ';', '；', '/', ' ', '\n']) {
        match Role::read(text.trim()) {
            _ if text.trim().is_empty() => {}
            Some(role) => roles.push(role),
            None => cells.wrong(
                Field::StaffRoles,
                format!("角色「{text}」看不懂，应为：{}", Role::choices()),
            ),
        }
    }
    roles
}

/// Numbers by which somebody is reached are whole; what isn't a number (a neighbour, an account) stays as it was written.
pub(super) fn check_phone(cells: &mut Cells<'_>, field: Field) {
    if let Some(text) = cells.optional(field).and_then(phone::wrong) {
        cells.wrong(field, text);
    }
}

fn read_email(cells: &mut Cells<'_>, options: &Options) -> Told<String> {
    let told = told(cells, Field::StaffEmail, options);
    if let Told::Is(email) = &told {
        let (name, host) = email.split_once('@').unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_graphic() && !",;:<>()[]\"\\@".contains(c);
        let is_one = name.chars().all(is_plain) && host.chars().all(is_plain);
        if name.is_empty() || !host.contains('.') || !is_one {
            cells.wrong(Field::StaffEmail, format!("「{email}」不是邮箱，应写成 name@example.cn"));
        }
    }
    told
}

/// Somebody registered at a subject.
pub(super) fn read_resident(cells: &mut Cells<'_>, options: &Options) -> Option<Registered> {
    let (subject, name) = (cells.required(Field::Subject), cells.required(Field::Resident));
    check_phone(cells, Field::Contact);
    Some(Registered {
        contact: told(cells, Field::Contact, options),
        unheard: read_excuse(cells, options),
        subject_number: subject?.to_owned(),
        name: name?.to_owned(),
        choices: options.choices,
    })
}

/// Why somebody couldn't be heard. That they were, or will be, is no reason.
fn read_excuse(cells: &mut Cells<'_>, options: &Options) -> Told<String> {
    let told = told(cells, Field::Unheard, options);
    let Told::Is(text) = &told else { return told };
    let shown = short(text).into_owned();
    match excuse(text) {
        Excuse::Reason => return told,
        Excuse::Unsure => {
            let text = format!(
                "「{shown}」按没有走访到的原因登记了：不是原因的，走访过的请登记走访记录，还要走访的请清空"
            );
            cells.note(Field::Unheard, text);
            return told;
        }
        Excuse::Nothing => {
            cells.note(Field::Unheard, format!("「{shown}」不是没有走访到的原因，没有登记"));
        }
        Excuse::Owed => {
            let text = format!(
                "「{shown}」还要走访，没有登记为原因；走访不到的请写为什么，如「外出务工」"
            );
            cells.note(Field::Unheard, text);
        }
        Excuse::None => {
            let text = format!(
                "「{shown}」不是没有走访到的原因：已经走访的请登记走访记录，还要走访的请清空，走访不到的请写为什么，如「外出务工」"
            );
            cells.wrong(Field::Unheard, text);
        }
    }
    Told::Nothing
}

/// Whether a subject is to be visited, and since when not.
pub(super) fn read_state(cells: &mut Cells<'_>, options: &Options, clock: &Clock) -> ToldState {
    let state = match told(cells, Field::SubjectState, options) {
        Told::Nothing => Told::Nothing,
        Told::Blank => Told::Blank,
        Told::Cleared => Told::Cleared,
        Told::Is(text) => match SubjectState::read(text.trim()) {
            Some(state) => Told::Is(state),
            None => {
                let text =
                    format!("状态「{}」看不懂，应为：{}", short(&text), SubjectState::choices());
                cells.wrong(Field::SubjectState, text);
                Told::Nothing
            }
        },
    };
    let days = wide(clock);
    let on = cells.optional(Field::EndedOn).map(|_| cells.date(Field::EndedOn, &days));
    ToldState { state, on: on.flatten(), words: told(cells, Field::EndedWords, options) }
}

/// A subject's state, alone.
pub(super) fn read_state_of(
    cells: &mut Cells<'_>,
    options: &Options,
    clock: &Clock,
) -> Option<StateOf> {
    let subject = cells.required(Field::Subject);
    let told = read_state(cells, options, clock);
    Some(StateOf { subject_number: subject?.to_owned(), told })
}

/// The days of what isn't a campaign's.
fn wide(clock: &Clock) -> Days {
    let far = |days| plus(clock.today(), days);
    let (first, last) = (far(-3_650), far(3_650));
    let today = clock.today();
    Days { first, last, today, latest: last, campaign_starts: first, campaign_ends: last }
}

pub(super) fn read_absence(
    cells: &mut Cells<'_>,
    people: &People,
    clock: &Clock,
) -> Option<NewAbsence> {
    let staff_id = people.find_in(cells, Field::Absentee).map(str::to_owned);
    check_beside(cells, Field::Absentee);
    let days = wide(clock);
    let (from, until) = (cells.date(Field::From, &days), cells.date(Field::Until, &days));
    let deputy = cells.optional(Field::Deputy).map(|_| people.find_in(cells, Field::Deputy));
    let deputy_id = match deputy {
        Some(found) => Some(found?.to_owned()),
        None => None,
    };
    Some(NewAbsence { staff_id: staff_id?, from: from?, until: until?, deputy_id })
}
