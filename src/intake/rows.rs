//! Each kind of row as a command to the record: read, never applied here.

use std::collections::HashMap;

use super::cells::{Cells, RowError, read_time};
use super::columns::{Field, Kind, Table};
use crate::app::areas::NewArea;
use crate::app::assignments::Assign;
use crate::app::batch::{Batch, IssueChange};
use crate::app::confirm::Confirmation;
use crate::app::issues::Acknowledgement;
use crate::app::problem::{About, Problem};
use crate::app::staff::NewStaff;
use crate::app::subjects::{NewSubject, Registered};
use crate::app::visits::{Heard, NewIssue, NewVisit};
use crate::clock::Clock;
use crate::db::{Addresses, NewAbsence, Return, StaffMember};
use crate::domain::area::{self, AreaKind};
use crate::domain::campaign::plus;
use crate::domain::issue::{Category, Class, Event, Level, Urgency};
use crate::domain::staff::Role;
use crate::domain::subject::SubjectKind;
use crate::domain::visit::{Satisfaction, VisitKind};

/// Reads the rows of a file, in their order.
pub(super) struct RowReader<'t> {
    table: &'t Table<'t>,
    people: &'t People,
    clock: &'t Clock,
    seen: HashMap<u64, usize>,
}

/// Rows that were read.
#[derive(Debug)]
pub(super) struct Piece {
    /// Those that are well in themselves, and where each stands in the file.
    pub batch: Batch,
    pub rows: Vec<usize>,
    /// What is wrong with the others.
    pub errors: Vec<RowError>,
}

impl<'t> RowReader<'t> {
    pub fn new(table: &'t Table<'t>, people: &'t People, clock: &'t Clock) -> RowReader<'t> {
        RowReader { table, people, clock, seen: HashMap::new() }
    }

    /// Reads these rows of the table.
    pub fn read(&mut self, rows: std::ops::Range<usize>) -> Piece {
        let kind = self.table.kind;
        let mut piece = Piece { batch: empty(kind), rows: Vec::new(), errors: Vec::new() };
        for (row, texts) in &self.table.rows[rows] {
            let mut cells = Cells::new(self.table, *row, texts);
            note_repeated(&mut cells, kind, texts, *row, &mut self.seen);
            let before = piece.batch.len();
            read_into(&mut piece.batch, &mut cells, self.people, self.clock);
            if piece.batch.len() > before {
                piece.rows.push(*row);
            }
            piece.errors.append(&mut cells.errors);
        }
        piece
    }
}

/// What is wrong with one row, as the record says.
pub(super) fn row_error(table: &Table<'_>, row: usize, problem: &Problem) -> RowError {
    let mut cells = Cells::new(table, row, &[]);
    cells.wrong(field_of(table.kind, problem.about), problem.text.clone());
    cells.errors.remove(0)
}

fn empty(kind: Kind) -> Batch {
    match kind {
        Kind::Areas => Batch::Areas(Vec::new()),
        Kind::Staff => Batch::Staff(Vec::new()),
        Kind::Subjects => Batch::Subjects(Vec::new()),
        Kind::Assignments => Batch::Assignments(Vec::new()),
        Kind::Visits => Batch::Visits(Vec::new()),
        Kind::Residents => Batch::Residents(Vec::new()),
        Kind::Classifications | Kind::Handlings | Kind::Returns => Batch::Events(Vec::new()),
        Kind::Confirmations => Batch::Confirmations(Vec::new()),
        Kind::Acknowledgements => Batch::Acknowledgements(Vec::new()),
        Kind::Absences => Batch::Absences(Vec::new()),
    }
}

fn read_into(batch: &mut Batch, cells: &mut Cells<'_>, people: &People, clock: &Clock) {
    match batch {
        Batch::Areas(rows) => keep(rows, cells, read_area),
        Batch::Staff(rows) => keep(rows, cells, read_staff),
        Batch::Subjects(rows) => keep(rows, cells, read_subject),
        Batch::Assignments(rows) => keep(rows, cells, |cells| read_assignment(cells, people)),
        Batch::Visits(rows) => keep(rows, cells, |cells| read_visit(cells, people, clock)),
        Batch::Residents(rows) => keep(rows, cells, read_resident),
        Batch::Events(rows) => keep(rows, cells, read_change),
        Batch::Confirmations(rows) => keep(rows, cells, read_confirmation),
        Batch::Acknowledgements(rows) => {
            keep(rows, cells, |cells| read_acknowledgement(cells, people));
        }
        Batch::Absences(rows) => keep(rows, cells, |cells| read_absence(cells, people, clock)),
    }
}

/// Keeps a row that is well.
fn keep<'c, T>(
    rows: &mut Vec<T>,
    cells: &mut Cells<'c>,
    read: impl FnOnce(&mut Cells<'c>) -> Option<T>,
) {
    let row = read(cells);
    rows.extend(row.filter(|_| cells.errors.is_empty()));
}

fn read_assignment(cells: &mut Cells<'_>, people: &People) -> Option<Assign> {
    let (subject, visitor) = (cells.required(Field::Subject), people.find(cells));
    Some(Assign { subject_number: subject?.to_owned(), staff_id: visitor?.to_owned() })
}

fn read_confirmation(cells: &mut Cells<'_>) -> Option<Confirmation> {
    let (what, area) = (cells.required(Field::Duty), cells.required(Field::Area));
    let by = cells.required(Field::By);
    Some(Confirmation { what: what?.to_owned(), area: area?.to_owned(), by: by?.to_owned() })
}

fn read_acknowledgement(cells: &mut Cells<'_>, people: &People) -> Option<Acknowledgement> {
    let person = people.find_in(cells, Field::Acknowledger).map(str::to_owned);
    let number = cells.required(Field::Issue)?.to_owned();
    Some(Acknowledgement { number, staff_id: person? })
}

/// A classification, where the file has a level; else what came of the town's work.
fn read_change(cells: &mut Cells<'_>) -> Option<IssueChange> {
    let (number, event) = if cells.kind() == Kind::Classifications {
        read_classification(cells)?
    } else {
        let (issue, result) = (cells.required(Field::Issue), cells.required(Field::Result));
        (issue?, Event::TownFinished { result: result?.to_owned() })
    };
    let actor = cells.optional(Field::By).unwrap_or("import").to_owned();
    Some(IssueChange { number: number.to_owned(), event, actor })
}

/// The column of a kind of file that a problem is about.
const fn field_of(kind: Kind, about: About) -> Field {
    match about {
        About::Area => Field::Area,
        About::ParentArea => Field::AreaParent,
        About::Person => Field::StaffNumber,
        About::Subject => Field::Subject,
        About::Visitor => Field::Visitor,
        About::Issue if matches!(kind, Kind::Visits) => Field::Text,
        About::Issue => Field::Issue,
        About::Duty => Field::Duty,
        About::Period => Field::Until,
    }
}

/// The same thing twice in one file is a mistake of whoever made the file.
pub(super) fn note_repeated(
    cells: &mut Cells<'_>,
    kind: Kind,
    texts: &[String],
    row: usize,
    seen: &mut HashMap<u64, usize>,
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
    let key = digest(&key);
    match seen.get(&key) {
        Some(first) => cells.wrong(field, format!("与第 {first} 行重复")),
        None => drop(seen.insert(key, row)),
    }
}

/// A hundred thousand rows are remembered in a few megabytes.
fn digest(key: &str) -> u64 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key)
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

fn read_visit(cells: &mut Cells<'_>, people: &People, clock: &Clock) -> Option<NewVisit> {
    let visited_on = cells.date(Field::Date, clock.today());
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

fn read_absence(cells: &mut Cells<'_>, people: &People, clock: &Clock) -> Option<NewAbsence> {
    let staff_id = people.find_in(cells, Field::Absentee).map(str::to_owned);
    let far = plus(clock.today(), 3650);
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
pub(super) fn read_return(clock: &Clock, cells: &mut Cells<'_>) -> Option<Return> {
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
    let at = at.map(|at| clock.instant(at));
    let successors = successors.split(['、', '，', ',', ' ']).filter(|number| !number.is_empty());
    let successors = successors.map(str::to_owned).collect();
    Some(Return { reference, remote_id, word, text, at, successors })
}

/// Staff by number, or by a name that only one person has.
#[derive(Debug)]
pub(super) struct People {
    by_number: HashMap<String, String>,
    by_name: HashMap<String, Vec<String>>,
}

impl People {
    pub fn new(staff: Vec<StaffMember>) -> People {
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
