//! Each kind of row as a command to the record: read, never applied here.

use super::cells::{Cells, Days, tidy};
use super::header::Table;
use super::kinds::{Field, Kind};
use super::options::Options;
use super::people::People;
use super::refusal::RowError;
use super::repeated::{Seen, note_repeated};
use super::row::Row;
use super::text::short;
use crate::app::areas::NewArea;
use crate::app::assignments::{Assign, AssignArea};
use crate::app::batch::{Batch, IssueChange};
use crate::app::confirm::Confirmation;
use crate::app::issues::Acknowledgement;
use crate::app::problem::{About, Problem};
use crate::app::staff::{NewStaff, TellAddresses};
use crate::app::subjects::{NewSubject, Registered};
use crate::app::told::Told;
use crate::app::visits::{Heard, NewIssue, NewVisit};
use crate::clock::Clock;
use crate::db::NewAbsence;
use crate::domain::area::{self, AreaKind};
use crate::domain::campaign::plus;
use crate::domain::issue::{Category, Class, Event, Level, Urgency};
use crate::domain::staff::{Role, StaffMember};
use crate::domain::subject::SubjectKind;
use crate::domain::visit::{Satisfaction, VisitKind};

/// What rows are read with.
pub(super) struct Desk<'d> {
    pub people: &'d People,
    pub clock: &'d Clock,
    pub days: Days,
    pub options: &'d Options,
}

/// Rows that were read.
#[derive(Debug)]
pub(super) struct Piece {
    /// Those that are well in themselves, and each as it stands in the file.
    pub batch: Batch,
    pub rows: Vec<Row>,
    /// What is wrong with the others.
    pub errors: Vec<RowError>,
    /// What is worth a word, though it's taken.
    pub remarks: Vec<RowError>,
}

impl Desk<'_> {
    /// Reads these rows of a table.
    pub fn read(&self, table: &Table, rows: Vec<Row>, seen: &mut Seen) -> Piece {
        let mut piece = Piece {
            batch: empty(table.kind),
            rows: Vec::new(),
            errors: Vec::new(),
            remarks: Vec::new(),
        };
        for mut row in rows {
            tidy(table, &mut row);
            let mut cells = Cells::new(table, &row);
            note_repeated(&mut cells, &row, seen);
            let before = piece.batch.len();
            self.read_into(&mut piece.batch, &mut cells);
            piece.errors.append(&mut cells.errors);
            if piece.batch.len() > before {
                piece.remarks.extend(self.remark(&piece.batch, &cells));
                piece.rows.push(row);
            }
        }
        piece
    }

    /// What is worth a word about the row that was just taken.
    fn remark(&self, batch: &Batch, cells: &Cells<'_>) -> Option<RowError> {
        match batch {
            Batch::Visits(rows) => {
                let visit = rows.last()?;
                let (on, starts) = (visit.visited_on, self.days.campaign_starts);
                (on < starts).then(|| {
                    let text =
                        format!("{on} 在活动开始（{starts}）以前：记下了，但不算作这次活动的走访");
                    cells.remark(Field::Date, text)
                })
            }
            Batch::Areas(rows) => {
                let area = rows.last()?;
                let alone = area.parent.of_new().is_none()
                    && !matches!(area.kind, AreaKind::County | AreaKind::Town);
                let column = if cells.told(Field::AreaParent) == Told::Nothing {
                    "没有「上级区划」这一列"
                } else {
                    "没有填上级区划"
                };
                alone.then(|| {
                    cells.remark(
                        Field::AreaParent,
                        format!(
                            "{column}：原来有的不变；没有的，「{}」不归任何镇或总支，不算在活动里",
                            area.name
                        ),
                    )
                })
            }
            _ => None,
        }
    }

    fn read_into(&self, batch: &mut Batch, cells: &mut Cells<'_>) {
        let Desk { people, clock, days, options } = self;
        match batch {
            Batch::Areas(rows) => keep(rows, cells, |cells| read_area(cells, options)),
            Batch::Staff(rows) => keep(rows, cells, |cells| read_staff(cells, options)),
            Batch::Subjects(rows) => keep(rows, cells, |cells| read_subject(cells, options)),
            Batch::Assignments(rows) => keep(rows, cells, |cells| read_assignment(cells, people)),
            Batch::AreaAssignments(rows) => {
                keep(rows, cells, |cells| read_area_assignment(cells, people));
            }
            Batch::Visits(rows) => {
                keep(rows, cells, |cells| read_visit(cells, people, days, options))
            }
            Batch::Residents(rows) => keep(rows, cells, |cells| read_resident(cells, options)),
            Batch::Events(rows) if cells.kind() == Kind::Beginnings => {
                keep(rows, cells, |cells| read_beginning(cells, people));
            }
            Batch::Events(rows) => keep(rows, cells, |cells| read_change(cells, people)),
            Batch::Confirmations(rows) => {
                keep(rows, cells, |cells| read_confirmation(cells, people));
            }
            Batch::Acknowledgements(rows) => {
                keep(rows, cells, |cells| read_acknowledgement(cells, people));
            }
            Batch::Absences(rows) => keep(rows, cells, |cells| read_absence(cells, people, clock)),
        }
    }
}

/// What is wrong with one row, as the record says.
pub(super) fn row_error(table: &Table, row: &Row, problem: &Problem) -> RowError {
    Cells::new(table, row).remark(field_of(table.kind, problem.about), problem.text.clone())
}

fn empty(kind: Kind) -> Batch {
    match kind {
        Kind::Areas => Batch::Areas(Vec::new()),
        Kind::Staff => Batch::Staff(Vec::new()),
        Kind::Subjects => Batch::Subjects(Vec::new()),
        Kind::Assignments => Batch::Assignments(Vec::new()),
        Kind::Visits => Batch::Visits(Vec::new()),
        Kind::Residents => Batch::Residents(Vec::new()),
        Kind::AreaAssignments => Batch::AreaAssignments(Vec::new()),
        Kind::Classifications
        | Kind::Handlings
        | Kind::IssueList
        | Kind::Returns
        | Kind::Beginnings => Batch::Events(Vec::new()),
        Kind::Confirmations => Batch::Confirmations(Vec::new()),
        Kind::Acknowledgements => Batch::Acknowledgements(Vec::new()),
        Kind::Absences => Batch::Absences(Vec::new()),
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

fn read_area_assignment(cells: &mut Cells<'_>, people: &People) -> Option<AssignArea> {
    let (area, visitor) = (cells.required(Field::Area), people.find(cells));
    let kind = cells.optional_word(Field::SubjectKind, SubjectKind::read, &SubjectKind::choices());
    Some(AssignArea { area: area?.to_owned(), kind, staff_id: visitor?.to_owned() })
}

fn read_confirmation(cells: &mut Cells<'_>, people: &People) -> Option<Confirmation> {
    let (what, area) = (cells.required(Field::Duty), cells.required(Field::Area));
    let by = people.named_in(cells, Field::By).map(StaffMember::signed);
    Some(Confirmation { what: what?.to_owned(), area: area?.to_owned(), by: by? })
}

fn read_acknowledgement(cells: &mut Cells<'_>, people: &People) -> Option<Acknowledgement> {
    let person = people.find_in(cells, Field::Acknowledger).map(str::to_owned);
    let number = cells.required(Field::Issue)?.to_owned();
    Some(Acknowledgement { number, staff_id: person? })
}

fn read_beginning(cells: &mut Cells<'_>, people: &People) -> Option<IssueChange> {
    let by = people.named_in(cells, Field::Beginner).map(StaffMember::signed);
    let (number, actor) = (cells.required(Field::Issue)?.to_owned(), by?);
    let event = Some(Event::Started);
    Some(IssueChange { number, event, then: None, keeps_urgency: false, actor })
}

/// A classification, what came of the town's work, or both; a list of issues may say neither.
fn read_change(cells: &mut Cells<'_>, people: &People) -> Option<IssueChange> {
    let number = cells.required(Field::Issue);
    let class = match cells.kind() {
        Kind::Classifications => Some(read_classification(cells)?),
        Kind::IssueList if cells.optional(Field::Level).is_some() => {
            Some(read_classification(cells)?)
        }
        Kind::IssueList if cells.optional(Field::Category).is_some() => {
            cells.wrong(Field::Level, "填了类别，还要填责任层级".to_owned());
            None
        }
        _ => None,
    };
    let result = match cells.kind() {
        Kind::Handlings => cells.required(Field::Result),
        Kind::IssueList => cells.optional(Field::Result),
        _ => None,
    };
    let finished = result.map(|result| Event::TownFinished { result: result.to_owned() });
    let actor = match cells.optional(Field::By) {
        Some(_) => people.named_in(cells, Field::By)?.signed(),
        None => "import".to_owned(),
    };
    let keeps_urgency = class.is_some() && cells.optional(Field::Urgency).is_none();
    let (event, then) = if class.is_some() { (class, finished) } else { (finished, None) };
    Some(IssueChange { number: number?.to_owned(), event, then, keeps_urgency, actor })
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
        About::Deputy => Field::Deputy,
        About::AreaCode => Field::AreaCode,
        About::Phone => Field::StaffPhone,
        About::Email => Field::StaffEmail,
        About::Wecom => Field::StaffWecom,
        About::Feishu => Field::StaffFeishu,
        About::Unit => Field::StaffUnit,
        About::Address => Field::Address,
        About::Contact => Field::Contact,
        About::Unheard => Field::Unheard,
        About::Text => Field::Text,
        About::Level => Field::Level,
    }
}

fn read_area(cells: &mut Cells<'_>, options: &Options) -> Option<NewArea> {
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
        parent: told(cells, Field::AreaParent, options),
    })
}

/// What a cell says of something that is kept.
fn told(cells: &Cells<'_>, field: Field, options: &Options) -> Told<String> {
    let told = cells.told(field);
    if options.clear { told.cleared() } else { told }
}

fn read_staff(cells: &mut Cells<'_>, options: &Options) -> Option<NewStaff> {
    let (number, name) = (cells.required(Field::StaffNumber), cells.required(Field::StaffName));
    let area = cells.required(Field::Area);
    let mut roles = Vec::new();
    for text in cells
        .required(Field::StaffRoles)?
        .split(['、', ',', '，', ';', '；', '/', ' ', '\n'])
        .filter(|text| !text.trim().is_empty())
    {
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
        unit: told(cells, Field::StaffUnit, options),
        addresses: TellAddresses {
            phone: told(cells, Field::StaffPhone, options),
            email: read_email(cells, options),
            wecom: told(cells, Field::StaffWecom, options),
            feishu: told(cells, Field::StaffFeishu, options),
        },
    })
}

fn read_email(cells: &mut Cells<'_>, options: &Options) -> Told<String> {
    let told = told(cells, Field::StaffEmail, options);
    if let Told::Is(email) = &told {
        let (name, host) = email.split_once('@').unwrap_or_default();
        if name.is_empty() || !host.contains('.') {
            cells.wrong(Field::StaffEmail, format!("「{email}」不是邮箱，应写成 name@example.cn"));
        }
    }
    told
}

fn read_subject(cells: &mut Cells<'_>, options: &Options) -> Option<NewSubject> {
    let (number, name) = (cells.required(Field::Subject), cells.required(Field::SubjectName));
    let kind = cells.word(Field::SubjectKind, SubjectKind::read, &SubjectKind::choices());
    let area = cells.required(Field::Area);
    Some(NewSubject {
        number: number?.to_owned(),
        kind: kind?,
        name: name?.to_owned(),
        area: area?.to_owned(),
        address: told(cells, Field::Address, options),
    })
}

fn read_visit(
    cells: &mut Cells<'_>,
    people: &People,
    days: &Days,
    options: &Options,
) -> Option<NewVisit> {
    let visited_on = cells.date(Field::Date, days);
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
        choices: options.choices,
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
fn read_resident(cells: &mut Cells<'_>, options: &Options) -> Option<Registered> {
    let (subject, name) = (cells.required(Field::Subject), cells.required(Field::Resident));
    Some(Registered {
        subject_number: subject?.to_owned(),
        name: name?.to_owned(),
        contact: told(cells, Field::Contact, options),
        unheard: told(cells, Field::Unheard, options),
        choices: options.choices,
    })
}

fn read_absence(cells: &mut Cells<'_>, people: &People, clock: &Clock) -> Option<NewAbsence> {
    let staff_id = people.find_in(cells, Field::Absentee).map(str::to_owned);
    let far = |days| plus(clock.today(), days);
    let days =
        Days { first: far(-3_650), last: far(3_650), today: far(3_650), campaign_starts: far(0) };
    let (from, until) = (cells.date(Field::From, &days), cells.date(Field::Until, &days));
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
    if !has_issue {
        if cells.optional(Field::Level).is_some() {
            cells.wrong(Field::Level, "「有无问题」填的是无，却填了责任层级".to_owned());
        }
        if let Some(text) = cells.optional(Field::Text).filter(|text| !says_nothing(text)) {
            let text = format!(
                "「有无问题」填的是无，这里却写着「{}」：有问题请填有，没有请清空",
                short(text)
            );
            cells.wrong(Field::Text, text);
        }
        return Some(Heard::Nothing);
    }
    let level = cells.optional_word(Field::Level, Level::read, &Level::choices());
    let text = cells.required(Field::Text);
    let class = match level {
        None => None,
        Some(level) => Some(read_class(cells, level)?),
    };
    Some(Heard::Issue(NewIssue { text: text?.to_owned(), class }))
}

/// What people write where there's nothing to write.
fn says_nothing(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "。.、-—/\\".contains(c));
    matches!(
        text,
        "" | "无"
            | "没有"
            | "暂无"
            | "无问题"
            | "没有问题"
            | "无诉求"
            | "无意见"
            | "否"
            | "无反映"
    )
}

fn read_class(cells: &mut Cells<'_>, level: Level) -> Option<Class> {
    let category = cells.word(Field::Category, Category::read, &Category::choices());
    let urgency = cells.optional_word(Field::Urgency, Urgency::read, &Urgency::choices());
    Some(Class { level, category: category?, urgency: urgency.unwrap_or(Urgency::Normal) })
}

fn read_classification(cells: &mut Cells<'_>) -> Option<Event> {
    let level = cells.word(Field::Level, Level::read, &Level::choices());
    let Class { level, category, urgency } = read_class(cells, level?)?;
    Some(Event::Classified { level, category, urgency })
}
