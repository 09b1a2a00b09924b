//! Each kind of row as a command to the record.

use std::collections::HashMap;

use super::Progress;
use super::cells::{Cells, RowError, read_time};
use super::columns::{Field, Kind, Table};
use crate::db::{
    Addresses, Heard, NewAbsence, NewArea, NewIssue, NewStaff, NewSubject, NewVisit, Registered,
    Return, StaffMember, StoreError, Tx, Upsert,
};
use crate::domain::area::{self, AreaKind};
use crate::domain::campaign::plus;
use crate::domain::issue::{Category, Class, Event, Level, Urgency};
use crate::domain::staff::Role;
use crate::domain::subject::SubjectKind;
use crate::domain::visit::{Satisfaction, VisitKind};

type Errors = Vec<RowError>;

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub puts: Vec<Upsert>,
    /// Rows that are about nothing known here.
    pub unmatched: Errors,
}

/// Applies every row; where any is wrong, gives all that is wrong, and the caller takes all back.
pub(super) async fn apply(
    tx: &mut Tx,
    table: &Table<'_>,
    progress: Progress<'_>,
) -> Result<Result<Applied, Errors>, StoreError> {
    let people = People::new(tx.staff().await?);
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut applied, mut errors) = (Applied::default(), Errors::new());
    for (done, (row, texts)) in table.rows.iter().enumerate() {
        let mut cells = Cells::new(table, *row, texts);
        note_repeated(&mut cells, table.kind, texts, *row, &mut seen);
        match apply_row(tx, table.kind, &mut cells, &people).await? {
            Some(put) => applied.puts.push(put),
            None if table.kind == Kind::Returns && cells.errors.is_empty() => {
                cells.wrong(Field::RemoteNumber, "对不上本系统上报的任何一件".to_owned());
                applied.unmatched.append(&mut cells.errors);
            }
            None => {}
        }
        errors.append(&mut cells.errors);
        progress(done + 1, table.rows.len());
    }
    Ok(if errors.is_empty() { Ok(applied) } else { Err(errors) })
}

async fn apply_row(
    tx: &mut Tx,
    kind: Kind,
    cells: &mut Cells<'_>,
    people: &People,
) -> Result<Option<Upsert>, StoreError> {
    let put = match kind {
        Kind::Areas => match read_area(cells) {
            Some(new) if cells.errors.is_empty() => tx.put_area(&new).await,
            _ => return Ok(None),
        },
        Kind::Staff => match read_staff(cells) {
            Some(new) if cells.errors.is_empty() => tx.put_staff(&new).await,
            _ => return Ok(None),
        },
        Kind::Subjects => match read_subject(cells) {
            Some(new) if cells.errors.is_empty() => tx.put_subject(&new).await,
            _ => return Ok(None),
        },
        Kind::Assignments => match (cells.required(Field::Subject), people.find(cells)) {
            (Some(subject), Some(visitor)) => tx.assign(subject, visitor).await,
            _ => return Ok(None),
        },
        Kind::Visits => match read_visit(tx, cells, people) {
            Some(new) if cells.errors.is_empty() => tx.record_visit(&new).await,
            _ => return Ok(None),
        },
        Kind::Classifications => match read_classification(cells) {
            Some((issue, event)) if cells.errors.is_empty() => {
                put_event(tx, cells, issue, &event).await
            }
            _ => return Ok(None),
        },
        Kind::Handlings => match (cells.required(Field::Issue), cells.required(Field::Result)) {
            (Some(issue), Some(result)) => {
                let event = Event::TownFinished { result: result.to_owned() };
                put_event(tx, cells, issue, &event).await
            }
            _ => return Ok(None),
        },
        Kind::Confirmations => {
            let (what, area) = (cells.required(Field::Duty), cells.required(Field::Area));
            match (what, area, cells.required(Field::By)) {
                (Some(what), Some(area), Some(by)) => tx.confirm(what, area, by).await,
                _ => return Ok(None),
            }
        }
        Kind::Residents => match read_resident(cells) {
            Some(new) if cells.errors.is_empty() => tx.register_resident(&new).await,
            _ => return Ok(None),
        },
        Kind::Acknowledgements => {
            let person = people.find_in(cells, Field::Acknowledger).map(str::to_owned);
            match (cells.required(Field::Issue), person) {
                (Some(issue), Some(person)) => tx.acknowledge_issue(issue, &person).await,
                _ => return Ok(None),
            }
        }
        Kind::Absences => match read_absence(tx, cells, people) {
            Some(new) if cells.errors.is_empty() => tx.put_absence(&new).await,
            _ => return Ok(None),
        },
        Kind::Returns => match read_return(tx, cells) {
            Some(row) => match tx.take_return(&row).await {
                Ok(Some(put)) => Ok(put),
                Ok(None) => return Ok(None),
                Err(error) => Err(error),
            },
            None => return Ok(Some(Upsert::Same)),
        },
    };
    match put {
        Ok(put) => Ok(Some(put)),
        Err(error @ (StoreError::Rule(_) | StoreError::Refused(_))) => {
            cells.wrong(field_at_fault(kind, &error), error.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The column that a refusal of the record is about.
fn field_at_fault(kind: Kind, error: &StoreError) -> Field {
    let about_area = error.to_string().contains("区划");
    match kind {
        Kind::Areas => Field::AreaParent,
        Kind::Staff | Kind::Subjects if about_area => Field::Area,
        Kind::Staff => Field::StaffNumber,
        Kind::Subjects | Kind::Assignments => Field::Subject,
        Kind::Visits if error.to_string().contains("走访人") => Field::Visitor,
        Kind::Visits => Field::Subject,
        Kind::Classifications | Kind::Handlings => Field::Issue,
        Kind::Confirmations if about_area => Field::Area,
        Kind::Confirmations => Field::Duty,
        Kind::Returns => Field::RemoteNumber,
        Kind::Residents => Field::Subject,
        Kind::Acknowledgements => Field::Issue,
        Kind::Absences => Field::Until,
    }
}

/// The same thing twice in one file is a mistake of whoever made the file.
fn note_repeated(
    cells: &mut Cells<'_>,
    kind: Kind,
    texts: &[String],
    row: usize,
    seen: &mut HashMap<String, usize>,
) {
    let of = |cells: &Cells<'_>, fields: &[Field]| -> String {
        fields
            .iter()
            .map(|field| cells.optional(*field).unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\u{1}")
    };
    let (field, key) = match kind {
        Kind::Areas if cells.optional(Field::AreaCode).is_some() => {
            (Field::AreaCode, of(cells, &[Field::AreaCode]))
        }
        Kind::Areas => (Field::AreaName, of(cells, &[Field::AreaName, Field::AreaKind])),
        Kind::Staff => (Field::StaffNumber, of(cells, &[Field::StaffNumber])),
        Kind::Subjects | Kind::Assignments => (Field::Subject, of(cells, &[Field::Subject])),
        Kind::Visits => (Field::Resident, texts.join("\u{1}")),
        Kind::Classifications | Kind::Handlings => (Field::Issue, of(cells, &[Field::Issue])),
        Kind::Confirmations => (Field::Duty, of(cells, &[Field::Duty, Field::Area])),
        Kind::Returns => (Field::RemoteNumber, texts.join("\u{1}")),
        Kind::Residents => (Field::Resident, of(cells, &[Field::Subject, Field::Resident])),
        Kind::Acknowledgements => (Field::Issue, texts.join("\u{1}")),
        Kind::Absences => (Field::Absentee, of(cells, &[Field::Absentee, Field::From])),
    };
    match seen.get(&key) {
        Some(first) => cells.wrong(field, format!("与第 {first} 行重复")),
        None => drop(seen.insert(key, row)),
    }
}

fn read_area(cells: &mut Cells<'_>) -> Option<NewArea> {
    let code = cells.optional(Field::AreaCode);
    if let Some(code) = code.filter(|code| !area::is_area_code(code)) {
        cells.wrong(Field::AreaCode, format!("「{code}」不是 12 位数字的区划代码"));
    }
    let name = cells.required(Field::AreaName);
    let kind = cells.word(Field::AreaKind, AreaKind::read, &AreaKind::choices());
    Some(NewArea {
        code: code.map(str::to_owned),
        name: name?.to_owned(),
        kind: kind?,
        parent: cells.optional(Field::AreaParent).map(str::to_owned),
    })
}

fn read_staff(cells: &mut Cells<'_>) -> Option<NewStaff> {
    let (number, name) = (cells.required(Field::StaffNumber), cells.required(Field::StaffName));
    let area = cells.required(Field::Area);
    let mut roles = Vec::new();
    for text in cells.required(Field::StaffRoles)?.split(['、', ',', '，', ';', '；', '/']) {
        match Role::read(text.trim()) {
            Some(role) => roles.push(role),
            None => cells.wrong(
                Field::StaffRoles,
                format!("角色「{text}」看不懂，应为：{}", Role::choices()),
            ),
        }
    }
    Some(NewStaff {
        number: number?.to_owned(),
        name: name?.to_owned(),
        roles,
        area: area?.to_owned(),
        unit: cells.optional(Field::StaffUnit).unwrap_or_default().to_owned(),
        addresses: Addresses {
            phone: cells.optional(Field::StaffPhone).map(str::to_owned),
            email: read_email(cells),
            wecom: cells.optional(Field::StaffWecom).map(str::to_owned),
            feishu: cells.optional(Field::StaffFeishu).map(str::to_owned),
        },
    })
}

fn read_email(cells: &mut Cells<'_>) -> Option<String> {
    let email = cells.optional(Field::StaffEmail)?.to_owned();
    let (name, host) = email.split_once('@').unwrap_or_default();
    if name.is_empty() || !host.contains('.') || email.contains(char::is_whitespace) {
        cells.wrong(Field::StaffEmail, format!("「{email}」不是邮箱，应写成 name@example.cn"));
    }
    Some(email)
}

fn read_subject(cells: &mut Cells<'_>) -> Option<NewSubject> {
    let (number, name) = (cells.required(Field::Subject), cells.required(Field::SubjectName));
    let kind = cells.word(Field::SubjectKind, SubjectKind::read, &SubjectKind::choices());
    let area = cells.required(Field::Area);
    Some(NewSubject {
        number: number?.to_owned(),
        kind: kind?,
        name: name?.to_owned(),
        area: area?.to_owned(),
        address: cells.optional(Field::Address).map(str::to_owned),
    })
}

fn read_visit(tx: &Tx, cells: &mut Cells<'_>, people: &People) -> Option<NewVisit> {
    let visited_on = cells.date(Field::Date, tx.context().clock.today());
    let staff_id = people.find(cells).map(str::to_owned);
    let subject = cells.required(Field::Subject);
    let resident = cells.required(Field::Resident);
    let kind = cells
        .optional_word(Field::VisitKind, VisitKind::read, &VisitKind::choices())
        .unwrap_or(VisitKind::First);
    let face_to_face =
        cells.optional_word(Field::Manner, in_person, "面对面、电话").unwrap_or(true);
    let heard = match kind {
        VisitKind::Revisit => cells
            .word(Field::Satisfaction, Satisfaction::read, &Satisfaction::choices())
            .map(Heard::Answer),
        VisitKind::First | VisitKind::SpotCheck => read_heard(cells),
    };
    Some(NewVisit {
        kind,
        visited_on: visited_on?,
        staff_id: staff_id?,
        subject_number: subject?.to_owned(),
        resident: resident?.to_owned(),
        contact: cells.optional(Field::Contact).map(str::to_owned),
        face_to_face,
        heard: heard?,
    })
}

fn in_person(text: &str) -> Option<bool> {
    match text {
        "面对面" | "当面" | "入户" | "上门" | "face_to_face" => Some(true),
        "电话" | "微信" | "视频" | "telephone" => Some(false),
        _ => None,
    }
}

/// Somebody registered at a subject.
fn read_resident(cells: &mut Cells<'_>) -> Option<Registered> {
    let (subject, name) = (cells.required(Field::Subject), cells.required(Field::Resident));
    let own = |field| cells.optional(field).map(str::to_owned);
    Some(Registered {
        subject_number: subject?.to_owned(),
        name: name?.to_owned(),
        contact: own(Field::Contact),
        unheard: own(Field::Unheard),
    })
}

fn read_absence(tx: &Tx, cells: &mut Cells<'_>, people: &People) -> Option<NewAbsence> {
    let staff_id = people.find_in(cells, Field::Absentee).map(str::to_owned);
    let far = plus(tx.context().clock.today(), 3650);
    let (from, until) = (cells.date(Field::From, far), cells.date(Field::Until, far));
    let deputy_id = match cells.optional(Field::Deputy) {
        Some(_) => Some(people.find_in(cells, Field::Deputy)?.to_owned()),
        None => None,
    };
    Some(NewAbsence { staff_id: staff_id?, from: from?, until: until?, deputy_id })
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "有" | "是" | "有问题" | "yes" | "1" => Some(true),
        "无" | "否" | "没有" | "没有问题" | "无问题" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn read_heard(cells: &mut Cells<'_>) -> Option<Heard> {
    let has_issue = cells.word(Field::HasIssue, yes_or_no, "有、无")?;
    let level = cells.optional_word(Field::Level, Level::read, &Level::choices());
    if !has_issue {
        if level.is_some() {
            cells.wrong(Field::Level, "「有无问题」填的是无，却填了责任层级".to_owned());
        }
        return Some(Heard::Nothing);
    }
    let text = cells.required(Field::Text)?.to_owned();
    let class = match level {
        None => None,
        Some(level) => Some(read_class(cells, level)?),
    };
    Some(Heard::Issue(NewIssue { text, class }))
}

fn read_class(cells: &mut Cells<'_>, level: Level) -> Option<Class> {
    let category = cells.word(Field::Category, Category::read, &Category::choices());
    let urgency = cells.optional_word(Field::Urgency, Urgency::read, &Urgency::choices());
    Some(Class { level, category: category?, urgency: urgency.unwrap_or(Urgency::Normal) })
}

fn read_classification<'c>(cells: &mut Cells<'c>) -> Option<(&'c str, Event)> {
    let issue = cells.required(Field::Issue);
    let level = cells.word(Field::Level, Level::read, &Level::choices());
    let Class { level, category, urgency } = read_class(cells, level?)?;
    Some((issue?, Event::Classified { level, category, urgency }))
}

/// A row that came back from the platform's people; nothing where it wasn't filled in.
fn read_return(tx: &Tx, cells: &mut Cells<'_>) -> Option<Return> {
    let own = |field| cells.optional(field).map(str::to_owned);
    let (remote_id, word) = (own(Field::RemoteNumber), own(Field::RemoteStatus));
    if remote_id.is_none() && word.is_none() {
        return None;
    }
    let (reference, text) = (own(Field::Reference), own(Field::Reply).unwrap_or_default());
    let successors = own(Field::Successors).unwrap_or_default();
    let at = cells.optional(Field::AnsweredAt).and_then(|text| {
        let at = read_time(text);
        if at.is_none() {
            let message = format!("时间「{text}」看不懂，请写成 2022-04-21 08:30");
            cells.wrong(Field::AnsweredAt, message);
        }
        at
    });
    let at = at.map(|at| tx.context().clock.instant(at));
    let successors = successors.split(['、', '，', ',', ' ']).filter(|number| !number.is_empty());
    let successors = successors.map(str::to_owned).collect();
    Some(Return { reference, remote_id, word, text, at, successors })
}

async fn put_event(
    tx: &mut Tx,
    cells: &Cells<'_>,
    issue: &str,
    event: &Event,
) -> Result<Upsert, StoreError> {
    let id = tx.issue_id(issue).await?;
    tx.issue_event(&id, event, cells.optional(Field::By).unwrap_or("import")).await?;
    Ok(Upsert::Added)
}

/// Staff by number, or by a name that only one person has.
struct People {
    by_number: HashMap<String, String>,
    by_name: HashMap<String, Vec<String>>,
}

impl People {
    fn new(staff: Vec<StaffMember>) -> People {
        let mut people = People { by_number: HashMap::new(), by_name: HashMap::new() };
        for person in staff {
            people.by_name.entry(person.name).or_default().push(person.id.clone());
            people.by_number.insert(person.number, person.id);
        }
        people
    }

    fn find<'p>(&'p self, cells: &mut Cells<'_>) -> Option<&'p str> {
        self.find_in(cells, Field::Visitor)
    }

    fn find_in<'p>(&'p self, cells: &mut Cells<'_>, field: Field) -> Option<&'p str> {
        let text = cells.required(field)?;
        if let Some(id) = self.by_number.get(text) {
            return Some(id);
        }
        match self.by_name.get(text).map(Vec::as_slice) {
            Some([id]) => Some(id),
            Some(_) => {
                cells.wrong(field, format!("叫「{text}」的不止一人，请填人员编号"));
                None
            }
            None => {
                cells.wrong(field, format!("没有「{text}」这个走访人员，请先导入走访人员表"));
                None
            }
        }
    }
}
