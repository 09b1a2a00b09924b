//! Each kind of row as a command to the record: read, never applied here.

use super::area_rows::read_area;
use super::beside::{Claimed, claims_of, judge};
use super::cells::{Cells, Days, NOBODY, tidy};
use super::check_rows::{read_inspection, read_mediation};
use super::denied::check_here;
use super::header::Table;
use super::issue_rows::{read_acknowledgement, read_beginning, read_change, read_confirmation};
use super::kinds::{Field, Kind};
use super::met::gone;
use super::options::Options;
use super::people::People;
use super::people_rows::{
    read_absence, read_resident, read_staff, read_state, read_state_of, told,
};
use super::refusal::RowError;
use super::repeated::{Seen, note_repeated};
use super::row::Row;
use super::text::short;
use super::visit_rows::read_visit;
use crate::app::assignments::{Assign, AssignArea};
use crate::app::batch::Batch;
use crate::app::forms::put_own_numbers;
use crate::app::problem::{About, Problem};
use crate::app::subjects::NewSubject;
use crate::clock::Clock;
use crate::db::{Session, StoreError};
use crate::domain::saying::is_nothing;
use crate::domain::subject::SubjectKind;

/// What rows are read with.
pub(super) struct Desk<'d> {
    pub people: &'d People,
    pub clock: &'d Clock,
    pub days: Days,
    pub options: &'d Options,
    /// How the numbers of the campaign's issues begin.
    pub code: &'d str,
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
    /// The numbers of rows that are well and ask for nothing.
    pub idle: Vec<usize>,
    /// What rows say beside their numbers.
    pub claims: Vec<Claimed>,
}

impl Piece {
    /// Holds what its rows say beside their numbers against the record.
    pub async fn judge(&mut self, session: &mut Session) -> Result<(), StoreError> {
        let mut claims = std::mem::take(&mut self.claims);
        let own = put_own_numbers(session, &mut self.batch).await?;
        claims.iter_mut().for_each(|claimed| claimed.by_own_number(&own));
        let (errors, remarks) = judge(claims, session).await?;
        self.errors.extend(errors);
        self.remarks.extend(remarks);
        Ok(())
    }
}

impl Desk<'_> {
    /// Reads these rows of a table.
    pub fn read(&self, table: &Table, rows: Vec<Row>, seen: &mut Seen) -> Piece {
        let mut piece = Piece {
            batch: empty(table.kind),
            rows: Vec::new(),
            errors: Vec::new(),
            remarks: Vec::new(),
            idle: Vec::new(),
            claims: Vec::new(),
        };
        for mut row in rows {
            tidy(table, &mut row, self.code);
            let mut cells = Cells::new(table, &row);
            note_repeated(&mut cells, seen);
            let before = piece.batch.len();
            piece.claims.extend(claims_of(&mut cells, self.people));
            self.read_into(&mut piece.batch, &mut cells, seen);
            let is_well = cells.errors.is_empty();
            piece.errors.append(&mut cells.errors);
            piece.remarks.append(&mut cells.remarks);
            if piece.batch.len() > before {
                piece.remarks.extend(self.remark(&piece.batch, &cells));
                piece.rows.push(row);
            } else if is_well {
                piece.idle.push(row.number);
            }
        }
        piece
    }

    /// What is worth a word about the row that was just taken.
    fn remark(&self, batch: &Batch, cells: &Cells<'_>) -> Option<RowError> {
        match batch {
            Batch::Visits(rows) => {
                let on = rows.last()?.visited_on;
                let (starts, ends) = (self.days.campaign_starts, self.days.campaign_ends);
                let text = if on < starts {
                    format!(
                        "{on} 在活动开始（{starts}）以前：记下了，但不算作这次活动的走访，请核对日期"
                    )
                } else if on > ends {
                    format!("{on} 在活动结束（{ends}）以后：记下了，算作这次活动的补访，请核对日期")
                } else {
                    return None;
                };
                Some(cells.remark(Field::Date, text))
            }
            _ => None,
        }
    }

    fn read_into(&self, batch: &mut Batch, cells: &mut Cells<'_>, seen: &mut Seen) {
        let Desk { people, clock, days, options, .. } = self;
        match batch {
            Batch::Areas(rows) => keep(rows, cells, |cells| read_area(cells, options)),
            Batch::Staff(rows) => keep(rows, cells, |cells| read_staff(cells, options)),
            Batch::Subjects(rows) => keep(rows, cells, |cells| read_subject(cells, options, clock)),
            Batch::Assignments(rows) => keep(rows, cells, |cells| read_assignment(cells, people)),
            Batch::AreaAssignments(rows) => {
                keep(rows, cells, |cells| read_area_assignment(cells, people));
            }
            Batch::Visits(rows) => {
                keep(rows, cells, |cells| {
                    let mut visit = read_visit(cells, people, days, options)?;
                    seen.note_visit(cells, &mut visit);
                    Some(visit)
                });
            }
            Batch::Residents(rows) => keep(rows, cells, |cells| read_resident(cells, options)),
            Batch::States(rows) => {
                keep(rows, cells, |cells| read_state_of(cells, options, clock));
            }
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
            Batch::Inspections(rows) => {
                keep(rows, cells, |cells| read_inspection(cells, people, days));
            }
            Batch::Mediations(rows) => {
                keep(rows, cells, |cells| read_mediation(cells, people, days));
            }
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
        Kind::States => Batch::States(Vec::new()),
        Kind::AreaAssignments => Batch::AreaAssignments(Vec::new()),
        Kind::Classifications
        | Kind::Handlings
        | Kind::IssueList
        | Kind::Returns
        | Kind::Beginnings => Batch::Events(Vec::new()),
        Kind::Confirmations => Batch::Confirmations(Vec::new()),
        Kind::Acknowledgements => Batch::Acknowledgements(Vec::new()),
        Kind::Absences => Batch::Absences(Vec::new()),
        Kind::Inspections => Batch::Inspections(Vec::new()),
        Kind::Mediations => Batch::Mediations(Vec::new()),
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
    if cells.optional(Field::Visitor) == Some(NOBODY) {
        cells.note(Field::Visitor, "还没有走访人：这一行没有采用".to_owned());
        return None;
    }
    let (subject, visitor) = (cells.required(Field::Subject), people.find(cells));
    Some(Assign { subject_number: subject?.to_owned(), staff_id: visitor?.to_owned() })
}

/// What stands beside an area may leave out a part of it.
fn check_whole(cells: &mut Cells<'_>) {
    const COUNTS: [&str; 4] = ["户数", "走访户数", "对象数", "人数"];
    const PARTS: [&str; 12] =
        ["只", "仅", "不含", "不包括", "除", "部分", "其中", "组", "片", "号", "排", "东西南北"];
    let is_count = |text: &str| {
        let digits =
            text.trim_start_matches(['约', '共']).trim_end_matches(['户', '人', '个', '家']);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let limits = |name: &str, text: &str| match COUNTS.contains(&name) {
        true => !is_count(text) && !is_nothing(text),
        false => name == "备注" && PARTS.iter().any(|part| text.contains(part)),
    };
    let limit = cells.unused().find(|(_, name, text)| limits(name, text));
    let Some((column, name, text)) = limit else { return };
    let text = format!(
        "「{name}」写着「{}」，像是只走访一部分，而这一行会把整个区划里的对象都交给这个人：只交一部分的，请改用按户的附件2（对象编号、走访人员）；是整个区划的，请清空这一格",
        short(text)
    );
    let error = cells.remark_at(column, text);
    cells.errors.push(error);
}

fn read_area_assignment(cells: &mut Cells<'_>, people: &People) -> Option<AssignArea> {
    check_whole(cells);
    let (area, visitor) = (cells.required(Field::Area), people.find(cells));
    let kind = cells.optional_word(Field::SubjectKind, SubjectKind::read, &SubjectKind::choices());
    Some(AssignArea { area: area?.to_owned(), kind, staff_id: visitor?.to_owned() })
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
        About::Resident => Field::Resident,
        About::Contact => Field::Contact,
        About::Unheard => Field::Unheard,
        About::Text => Field::Text,
        About::HasIssue => Field::HasIssue,
        About::Level => Field::Level,
        About::Category => Field::Category,
        About::Satisfaction => Field::Satisfaction,
        About::Date => match kind {
            Kind::Inspections => Field::CheckedOn,
            Kind::Mediations => Field::MediatedOn,
            _ => Field::Date,
        },
        About::Inspection => Field::Inspection,
        About::Inspector => Field::Inspector,
        About::Acknowledger => Field::Acknowledger,
        About::Confirmer => Field::By,
        About::Found => Field::Found,
        About::Answerer => Field::Answerer,
        About::Mediation => Field::MediatedOn,
        About::FollowUp => Field::FollowUp,
        About::AreaName => Field::AreaName,
        About::SubjectName => Field::SubjectName,
        About::Result => Field::Result,
        About::State => Field::State,
        About::SubjectState => Field::SubjectState,
        About::EndedOn => Field::EndedOn,
        About::EndedWords => Field::EndedWords,
    }
}

/// What is said behind a subject's name of its not being there is none of the name.
fn check_name(cells: &mut Cells<'_>) {
    let Some(name) = cells.optional(Field::SubjectName) else { return };
    let Some((alone, said)) = gone(name) else { return };
    let text = format!(
        "「{}」的后面写着「{}」，不是名称：名称请只填「{}」；不再走访的在「状态」列写明（如 迁出、去世、停业），户主不在了而户里还有人的，改填现在的户主",
        short(name),
        short(said),
        short(alone)
    );
    cells.wrong(Field::SubjectName, text);
}

fn read_subject(cells: &mut Cells<'_>, options: &Options, clock: &Clock) -> Option<NewSubject> {
    let (number, name) = (cells.required(Field::Subject), cells.required(Field::SubjectName));
    let kind = cells.word(Field::SubjectKind, SubjectKind::read, &SubjectKind::choices());
    let area = cells.required(Field::Area);
    check_name(cells);
    check_here(cells, Field::SubjectName, "不再走访的请不要列在这张表里，用「走访对象状态」表写明");
    Some(NewSubject {
        number: number?.to_owned(),
        kind: kind?,
        name: name?.to_owned(),
        area: area?.to_owned(),
        address: told(cells, Field::Address, options),
        standing: read_state(cells, options, clock),
        choices: options.choices,
    })
}
