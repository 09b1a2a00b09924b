//! What a visitor records on a page, one resident at a time: through the same decisions as a table, once however often it's sent,
//! and never over what changed since the page was shown.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::choices::Choices;
use super::household::{HouseholdSheet, ResidentSheet, household};
use super::near::no_subject;
use super::photos::{self, Fit};
use super::problem::{About, Asked, Did, Problem};
use super::registered::{Registered, register};
use super::told::Told;
use super::visit_rows::{Heard, NewVisit};
use super::visits;
use crate::clock::span_millis;
use crate::db::{Result, Store, StoreError, Submission, Tx, Upsert};
use crate::domain::staff::StaffMember;
use crate::domain::visit::VisitKind;

/// What is recorded.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The form's own id: sent again, it's the same.
    pub form: String,
    pub subject: String,
    pub kind: VisitKind,
    pub whom: Whom,
    pub contact: Option<String>,
    pub on: Date,
    pub in_person: bool,
    pub what: What,
    /// At a revisit: why they aren't satisfied, or why an answer is put right.
    pub why: Option<String>,
    /// That what follows from their not being satisfied was read.
    pub confirmed: bool,
    /// That no meal and no gift was taken (四(二)).
    pub pledged: bool,
    pub choices: Choices,
    /// Of what was asked for.
    pub photos: Vec<Fit>,
}

/// Of whom.
#[derive(Debug, Clone)]
pub enum Whom {
    /// Of somebody who is known there, with the mark of how they stood when the form was shown.
    Known { id: String, seen: String },
    /// Of somebody new, by name; and the ids of who was listed there when the form was shown, where that's known: whoever has that
    /// name by now and wasn't among them was met by somebody else meanwhile.
    New { name: String, listed: Option<Vec<String>> },
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum What {
    Heard(Heard),
    /// They couldn't be heard, and why.
    Unheard(String),
}

/// What is said of a form that did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub subject: String,
    pub resident: String,
    /// Whether it was new.
    pub added: bool,
    /// The issue that it registered.
    pub issue: Option<String>,
    /// What is worth a word about it.
    pub note: Option<String>,
    /// Its resident's id, and the mark of how they stand since: what was filled in after it, without a network, goes by it.
    #[serde(default)]
    pub resident_id: String,
    #[serde(default)]
    pub seen: String,
    /// How many photos were kept with it.
    #[serde(default)]
    pub photos: usize,
}

/// What became of it.
#[derive(Debug)]
pub enum Recorded {
    Done(Receipt),
    /// It was sent before, and did that.
    Again(Receipt),
    /// Under the same id something else was sent before.
    Other(Receipt),
    /// Something happened since the page was shown: nothing was recorded.
    Stale,
    /// Something is wrong, or a decision is missing: nothing was recorded.
    Not(Problem),
}

/// Records it.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn record(store: &Store, person: &StaffMember, entry: &Entry) -> Result<Recorded> {
    let mut tx = store.begin().await?;
    let recorded = taken(&mut tx, person, entry).await?;
    match recorded {
        Recorded::Done(_) => tx.commit().await?,
        _ => tx.rollback().await?,
    }
    Ok(recorded)
}

/// What was said of a person's form of that id, where it did something.
///
/// # Errors
/// Where the record can't be read.
pub async fn receipt(store: &Store, person: &StaffMember, form: &str) -> Result<Option<Receipt>> {
    let mut record = store.snapshot().await?;
    let found = record.submission(form).await?;
    record.end().await?;
    let own = found.filter(|found| found.staff_id == person.id);
    Ok(own.and_then(|found| serde_json::from_str(&found.said).ok()))
}

/// What was said of a form names its resident, and is kept no longer than anybody sends it again: a telephone without a network
/// keeps forms for two weeks.
const RECEIPTS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// So many are forgotten in one turn.
const FORGOTTEN: i64 = 1_000;

/// Forgets what was said of forms that nobody sends again. How many.
///
/// # Errors
/// Where the record can't be written: the next night goes on.
pub async fn forget_receipts(store: &Store) -> Result<u64> {
    let before = store.context().clock.millis() - span_millis(RECEIPTS_KEPT);
    let mut forgotten = 0;
    loop {
        let mut tx = store.begin().await?;
        let gone = tx.forget_submissions(before, FORGOTTEN).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(forgotten);
        }
        forgotten += gone;
    }
}

async fn taken(tx: &mut Tx, person: &StaffMember, entry: &Entry) -> Result<Recorded> {
    let content_key = content_key(tx, person, entry);
    if let Some(before) = tx.submission(&entry.form).await? {
        let Ok(said) = serde_json::from_str(&before.said) else {
            return Ok(Recorded::Stale);
        };
        if before.staff_id != person.id {
            // Nothing of what another recorded is told.
            return Ok(Recorded::Stale);
        }
        let same = before.content_key == content_key;
        return Ok(if same { Recorded::Again(said) } else { Recorded::Other(said) });
    }
    let Some(sheet) = household(tx, &entry.subject).await? else {
        return Ok(Recorded::Not(no_subject(&entry.subject)));
    };
    if sheet.place.visitor.as_ref() != Some(&person.id) {
        let text = format!("「{}」不由您走访（一访到底，中途不得更换）", entry.subject);
        return Ok(Recorded::Not(Problem::new(About::Visitor, text)));
    }
    if !entry.pledged && matches!(entry.what, What::Heard(_)) {
        let text = "请确认没有在群众家就餐、没有收受礼品；有这种情况的，请如实向督导组报告";
        return Ok(Recorded::Not(Problem::new(About::Visitor, text)));
    }
    let Some(resident) = of_whom(&sheet, &entry.whom) else { return Ok(Recorded::Stale) };
    let outcomes = match &entry.what {
        What::Heard(heard) => {
            visits::record(tx, &[visit(person, entry, &resident, heard.clone())]).await?
        }
        What::Unheard(why) => register(tx, &[unheard(entry, &resident, why)]).await?,
    };
    let did = match outcomes.into_iter().next() {
        Some(Ok(did)) => did,
        Some(Err(problem)) => return Ok(Recorded::Not(problem)),
        None => return Ok(Recorded::Stale),
    };
    if let Some(problem) = unconfirmed(tx, entry, &sheet).await? {
        return Ok(Recorded::Not(problem));
    }
    let receipt = match receipt_of(tx, entry, &sheet, resident, did).await {
        Ok(receipt) => receipt,
        Err(StoreError::Rule(why)) => return Ok(Recorded::Not(Problem::new(About::Issue, why))),
        Err(error) => return Err(error),
    };
    keep(tx, person, entry, content_key, &receipt).await?;
    Ok(Recorded::Done(receipt))
}

/// What an answer makes to be done anew, where nobody has confirmed yet that it is to be: it's said before it happens.
async fn unconfirmed(
    tx: &mut Tx,
    entry: &Entry,
    before: &HouseholdSheet,
) -> Result<Option<Problem>> {
    let asks = matches!(entry.what, What::Heard(Heard::Answer(answer)) if !answer.closes());
    if !asks || entry.confirmed {
        return Ok(None);
    }
    let rounds = |sheet: &HouseholdSheet| -> HashMap<String, i64> {
        let issues = sheet.residents.iter().flat_map(|resident| &resident.issues);
        issues.map(|issue| (issue.id.clone(), issue.issue.round)).collect()
    };
    let before = rounds(before);
    let Some(after) = household(tx, &entry.subject).await? else { return Ok(None) };
    let anew = after.residents.iter().flat_map(|resident| &resident.issues);
    let anew =
        anew.filter(|issue| before.get(&issue.id).is_some_and(|was| *was < issue.issue.round));
    let follows = anew.map(|issue| match issue.issue.level() {
        Some(level) if level.is_referred() => {
            format!("{}（{level}）重新办理，再次上报平台，报去以后收不回来", issue.number)
        }
        _ => format!("{} 由镇村重新办理", issue.number),
    });
    let follows: Vec<String> = follows.collect();
    let text = format!("登记「不满意」以后：{}", follows.join("；"));
    let how = "确实这样的，请确认后再提交";
    let ask = || Problem::asking(About::Satisfaction, text, Asked::Reopening, how);
    Ok((!follows.is_empty()).then(ask))
}

/// The resident's name; nothing where they don't stand any more as they did when the form was shown.
fn of_whom(sheet: &HouseholdSheet, whom: &Whom) -> Option<String> {
    let mut residents = sheet.residents.iter();
    match whom {
        Whom::Known { id, seen } => residents
            .find(|known| known.id == *id && known.seen == *seen)
            .map(|known| known.name.clone()),
        Whom::New { name, listed: Some(listed) }
            if residents.any(|known| known.name == *name && !listed.contains(&known.id)) =>
        {
            None
        }
        Whom::New { name, .. } => Some(name.clone()),
    }
}

fn visit(person: &StaffMember, entry: &Entry, resident: &str, heard: Heard) -> NewVisit {
    NewVisit {
        kind: entry.kind,
        visited_on: entry.on,
        staff_id: person.id.clone(),
        subject_number: entry.subject.clone(),
        resident: resident.to_owned(),
        contact: entry.contact.clone(),
        face_to_face: entry.in_person,
        heard,
        why: entry.why.clone(),
        by: Some(person.signed()),
        choices: entry.choices,
    }
}

fn unheard(entry: &Entry, resident: &str, why: &str) -> Registered {
    Registered {
        subject_number: entry.subject.clone(),
        name: resident.to_owned(),
        contact: entry.contact.clone().map_or(Told::Nothing, Told::Is),
        unheard: Told::Is(why.to_owned()),
        choices: entry.choices,
    }
}

/// What is told apart of two forms under one id: all that was filled in.
fn content_key(tx: &Tx, person: &StaffMember, entry: &Entry) -> String {
    let whom = match &entry.whom {
        Whom::Known { id, .. } => id,
        Whom::New { name, .. } => name,
    };
    let what = match &entry.what {
        What::Heard(heard) => json!({ "heard": heard }),
        What::Unheard(why) => json!({ "unheard": why }),
    };
    let what = entry.why.as_ref().map_or_else(|| what.clone(), |why| json!([what, why]));
    let mut all =
        json!([entry.subject, entry.kind, whom, entry.contact, entry.on, entry.in_person, what]);
    if let (Some(all), false) = (all.as_array_mut(), entry.photos.is_empty()) {
        all.extend(entry.photos.iter().map(|photo| photo.digest().into()));
    }
    tx.context().sealer.index(&["submission", &person.id, &all.to_string()])
}

/// What is said of it; its photos are kept with what was asked for.
async fn receipt_of(
    tx: &mut Tx,
    entry: &Entry,
    before: &HouseholdSheet,
    resident: String,
    did: Did,
) -> Result<Receipt> {
    let after = household(tx, &entry.subject).await?;
    let residents = after.map(|after| after.residents).unwrap_or_default();
    let of = |sheet: &ResidentSheet| match &entry.whom {
        Whom::Known { id, .. } => sheet.id == *id,
        Whom::New { .. } => sheet.name == resident,
    };
    let sheet = residents.into_iter().find(of);
    let known = |id: &str| {
        let mut all = before.residents.iter().flat_map(|resident| &resident.issues);
        all.any(|issue| issue.id == id)
    };
    let mut issues = sheet.iter().flat_map(|sheet| &sheet.issues);
    let told = did.issue.as_ref().and_then(|id| issues.find(|issue| issue.id == *id));
    let photos = match told {
        Some(issue) => photos::keep(tx, &issue.number, &entry.photos).await?,
        None => 0,
    };
    if told.is_none() && !entry.photos.is_empty() {
        let why =
            "照片要和问题一起登记：这次没有登记新的问题，请到问题页面加照片，或者去掉照片再提交";
        return Err(StoreError::Rule(why.to_owned()));
    }
    let new = told.filter(|issue| !known(&issue.id)).map(|issue| issue.number.clone());
    Ok(Receipt {
        resident_id: sheet.as_ref().map(|sheet| sheet.id.clone()).unwrap_or_default(),
        seen: sheet.as_ref().map(|sheet| sheet.seen.clone()).unwrap_or_default(),
        photos,
        subject: entry.subject.clone(),
        resident,
        added: did.upsert != Upsert::Same,
        issue: new,
        note: did.note.map(|note| note.text),
    })
}

async fn keep(
    tx: &mut Tx,
    person: &StaffMember,
    entry: &Entry,
    content_key: String,
    receipt: &Receipt,
) -> Result<()> {
    let detail = json!({
        "visit": entry.kind, "on": entry.on, "issue": receipt.issue, "added": receipt.added,
        "no_meal_no_gift": entry.pledged, "photos": receipt.photos,
    });
    tx.audit(&person.signed(), "record_visit", &entry.subject, &detail).await?;
    let said = json!(receipt).to_string();
    let submission = Submission { staff_id: person.id.clone(), content_key, said };
    tx.put_submission(&entry.form, &submission).await
}
