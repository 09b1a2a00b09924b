//! What came back from a portal: rows about what was handed off, and rows that match nothing.

use std::collections::HashMap;

use super::beside::{claims_about, judge};
use super::cells::{Cells, Days};
use super::header::Table;
use super::kinds::Field;
use super::refusal::RowError;
use super::repeated::{Seen, note_repeated};
use super::report::{RowDid, RowsDid, note_did};
use super::row::Row;
use super::text::short;
use crate::app::beside::Whose;
use crate::app::hand_off::{Came, take_return};
use crate::app::problem::Outcomes;
use crate::clock::Clock;
use crate::db::{Return, StoreError, Tx, Upsert};
use crate::domain::referral::{issue_of, meaning, reference_in};
use crate::domain::saying::is_nothing;

/// What rows did, what is about nothing known here, and all that is wrong.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub outcomes: Outcomes,
    /// What each row did.
    pub each: Vec<RowsDid>,
    pub unmatched: Vec<RowError>,
    pub errors: Vec<RowError>,
    /// What is worth a word, though it's taken.
    pub remarks: Vec<RowError>,
    said: Said,
}

/// Which number the file gives to what, and in which row: what contradicts itself is seen, however far apart its rows are.
#[derive(Debug, Default)]
struct Said {
    references: HashMap<String, (String, usize)>,
    numbers: HashMap<String, (String, usize)>,
}

impl Said {
    /// Why a row contradicts one before it.
    fn note(&mut self, row: usize, returned: &Return, reference: &str) -> Option<String> {
        let number = returned.remote_id.as_ref()?;
        let (of, at) =
            self.references.entry(number.clone()).or_insert_with(|| (reference.to_owned(), row));
        if of != reference {
            return Some(format!("平台编号「{number}」在第 {at} 行是「{of}」的"));
        }
        if !returned.successors.is_empty() {
            return None;
        }
        let (other, at) =
            self.numbers.entry(reference.to_owned()).or_insert_with(|| (number.clone(), row));
        (other != number).then(|| format!("「{reference}」在第 {at} 行的平台编号是「{other}」"))
    }
}

/// Takes rows; where any contradicts the record the caller takes all back.
pub(super) async fn take(
    tx: &mut Tx,
    (table, days): (&Table, &Days),
    rows: &mut [Row],
    seen: &mut Seen,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let clock = tx.context().clock.clone();
    let code = tx.plans().now().code.clone();
    let mut claims = Vec::new();
    for row in rows {
        super::cells::tidy(table, row, &code);
        let mut cells = Cells::new(table, row);
        note_repeated(&mut cells, seen);
        let mut did = None;
        match read_return(&clock, &mut cells, days) {
            None => {
                did = Some(RowDid::Idle);
                taken.outcomes.push(Ok(Upsert::Same.into()));
            }
            Some(returned) if cells.errors.is_empty() => match take_return(tx, &returned).await {
                Ok(Some(Came { reference, upsert })) => {
                    claims.extend(claims_about(
                        &mut cells,
                        &Whose::Issue(issue_of(&reference).to_owned()),
                    ));
                    match taken.said.note(cells.row(), &returned, &reference) {
                        Some(text) => cells.wrong(Field::RemoteNumber, text),
                        None => did = Some(upsert.into()),
                    }
                    taken.remarks.extend(unknown_status(tx, &cells, &returned));
                    taken.outcomes.push(Ok(upsert.into()));
                }
                Ok(None) => {
                    taken.unmatched.push(unmatched(&cells));
                }
                Err(error @ (StoreError::Rule(_) | StoreError::Refused(_))) => {
                    cells.wrong(Field::RemoteNumber, error.to_string());
                }
                Err(error) => return Err(error),
            },
            Some(_) => {}
        }
        taken.errors.append(&mut cells.errors);
        if let Some(did) = did {
            note_did(&mut taken.each, table.sheet.as_deref(), row.number, did);
        }
    }
    let (errors, remarks) = judge(claims, tx).await?;
    taken.errors.extend(errors);
    taken.remarks.extend(remarks);
    Ok(())
}

/// What is said of a row about nothing known here, at the number by which it should be known.
fn unmatched(cells: &Cells<'_>) -> RowError {
    let reference = cells.optional(Field::Reference).filter(|text| text.contains('-'));
    let reference = reference.filter(|text| text.is_ascii() && reference_in(text).is_none());
    match reference {
        Some(reference) => {
            let text = format!(
                "「{}」对不上本系统上报的任何一件：请照上报交接单「上报编号」一列原样填写（如 CHD2022-000001-R1），再导入",
                short(reference)
            );
            cells.remark(Field::Reference, text)
        }
        None => {
            let text = "对不上本系统上报的任何一件：是本系统上报的，请在「上报编号」一列照上报交接单填写，再导入；不是的不用管";
            cells.remark(Field::RemoteNumber, text.to_owned())
        }
    }
}

/// A row that came back from the platform's people; nothing where it wasn't filled in.
fn read_return(clock: &Clock, cells: &mut Cells<'_>, days: &Days) -> Option<Return> {
    let own = |field| cells.optional(field).map(str::to_owned);
    let (remote_id, word) = (own(Field::RemoteNumber), own(Field::RemoteStatus));
    if remote_id.is_none() && word.is_none() {
        check_alone(cells);
        return None;
    }
    let (reference, text) = (own(Field::Reference), own(Field::Reply).unwrap_or_default());
    let successors = own(Field::Successors).unwrap_or_default();
    if let Some((number, said)) = remote_id.as_deref().and_then(told_behind) {
        let text = format!(
            "「{}」里写着「{}」，不是编号：平台编号请只填「{}」，并入、拆分、改号以后的编号写到「新平台编号」列",
            short(remote_id.as_deref().unwrap_or_default()),
            short(said),
            short(number)
        );
        cells.wrong(Field::RemoteNumber, text);
    }
    if let Some(several) = remote_id.as_deref().filter(|number| is_several(number)) {
        let text = format!(
            "「{}」像是几个编号：一件只写一个平台编号，拆分、合并以后的编号写到「新平台编号」",
            short(several)
        );
        cells.wrong(Field::RemoteNumber, text);
    }
    let at = cells.told_time(Field::AnsweredAt, days).map(|at| clock.instant(at));
    let successors = successors.split(['、', '，', ',', ' ']).filter(|number| !number.is_empty());
    let successors = successors.map(str::to_owned).collect();
    Some(Return { reference, remote_id, word, text, at, successors })
}

/// A number behind which stands what became of it: P1（已并入P9）. A platform may well number with brackets: 滕信〔2022〕5号.
fn told_behind(text: &str) -> Option<(&str, &str)> {
    const BECAME: [&str; 9] = ["并", "合", "拆", "转", "改", "作废", "重复", "退", "撤"];
    let marks = ['(', '（', '[', '【'];
    let (number, said) = text.split_at(text.find(marks)?);
    let said = said.trim_matches(|c: char| marks.contains(&c) || ")）]】 ".contains(c));
    let is_told = BECAME.iter().any(|word| said.contains(word));
    (is_told && !number.trim().is_empty()).then_some((number.trim(), said))
}

/// Whether a text has several numbers: TZ1001、TZ1002. A platform may well have commas within one: 10,001.
fn is_several(text: &str) -> bool {
    let numbers = |parts: Vec<&str>| {
        parts.len() > 1 && parts.iter().all(|part| part.bytes().any(|byte| byte.is_ascii_digit()))
    };
    let by_commas: Vec<&str> = text.split(',').collect();
    let are_alike =
        by_commas.iter().all(|part| part.len() >= 4 && part.len() == by_commas[0].len());
    numbers(text.split(['、', '，', '；', ';', ' ', '\n']).collect())
        || are_alike && numbers(by_commas)
}

/// An answer to nothing: it would be lost.
fn check_alone(cells: &mut Cells<'_>) {
    let is_flawed =
        [Field::RemoteNumber, Field::RemoteStatus].iter().any(|of| cells.is_flawed(*of));
    let told = cells.optional(Field::Reply).filter(|text| !is_nothing(text) && !is_flawed);
    if told.is_some() {
        let text =
            "写了答复，却没有平台编号和办理状态，收不下：请补上；还没有录入平台的请清空这一格";
        cells.wrong(Field::Reply, text.to_owned());
    }
}

/// A word about a status of which nobody said what it means.
fn unknown_status(tx: &Tx, cells: &Cells<'_>, returned: &Return) -> Option<RowError> {
    let word = returned.word.as_deref()?;
    let is_known = meaning(&tx.context().platform_statuses, word).is_some();
    (!is_known).then(|| {
        let text = format!(
            "不知道「{}」在平台上是什么意思：记下了，办理进展没有变。请在配置的 platform.statuses 里写明，以后就认得",
            short(word)
        );
        cells.remark(Field::RemoteStatus, text)
    })
}
