//! The resident's page behind the code of a household's card: its address, who may open it, what they are told, and their word of
//! what was done, which helps whoever visits them again; only that visit closes.

use jiff::civil::Date;
use serde_json::json;

use super::household::{HouseholdSheet, answer_to, household};
use crate::clock::{span_millis, township_date};
use crate::db::{CardGuesses, Context, IssueMatter, ResidentWord, Result, Session, Store, Tx};
use crate::domain::card::{ends_so, in_plain_words, is_end, locked_for};
use crate::domain::issue::State;
use crate::domain::visit::Satisfaction;

/// The letters of a code: those that nobody takes for others (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// So many of them: 40 bits.
const LENGTH: usize = 8;

/// The code of a household's card: nobody guesses it, and it stays the same as long as the household's number and the key do.
pub fn code(context: &Context, number: &str) -> String {
    let index = context.sealer.index(&["card", number]);
    let bytes = index.as_bytes().chunks(2).take(LENGTH).filter_map(|pair| {
        let text = std::str::from_utf8(pair).ok()?;
        usize::from_str_radix(text, 16).ok()
    });
    bytes.map(|byte| char::from(LETTERS[byte % LETTERS.len()])).collect()
}

/// The address of the resident's page of a household, as its card's QR code has it: below `public_url`, the service's own address.
pub fn address(context: &Context, public_url: &str, number: &str) -> String {
    let mut path = match reqwest::Url::parse("http://own/card/") {
        Ok(url) => url,
        Err(_) => return String::new(),
    };
    if let Ok(mut parts) = path.path_segments_mut() {
        parts.pop_if_empty().extend([number, code(context, number).as_str()]);
    }
    format!("{}{}", public_url.trim_end_matches('/'), path.path())
}

/// Whether a code is that household's.
pub fn is_code(context: &Context, number: &str, given: &str) -> bool {
    context.sealer.is_same(&given.trim().to_ascii_uppercase(), &code(context, number))
}

/// How one matter of a resident's stands: nothing of who they are, nor of what they said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    pub number: String,
    pub on: Date,
    pub category: Option<&'static str>,
    pub stands: &'static str,
    pub due: Option<Date>,
    /// What was done, as they are told.
    pub answer: String,
    /// Whether their word is asked for, and what they said.
    pub asks: bool,
    pub said: Option<Satisfaction>,
}

/// What became of a resident's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// Nobody asks for it: the matter isn't theirs, or is no longer waiting for it.
    No,
}

/// What came of opening a household's page.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// The matters of whoever has that number, and what became of their word where they gave one.
    Matters(Vec<Matter>, Option<Kept>),
    /// Nobody there has that number.
    Wrong,
    /// It was given wrongly too often: nobody may try for a while.
    Locked,
}

/// Opens a household's page by the end of a telephone number, for somebody who showed the card's code; with `word` they say
/// whether they are satisfied with an issue of theirs.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn open(
    store: &Store,
    number: &str,
    digits: &str,
    word: Option<(&str, Satisfaction)>,
) -> Result<Opened> {
    if !is_end(digits) {
        return Ok(Opened::Wrong);
    }
    let now = store.context().clock.wire_millis();
    let mut record = store.snapshot().await?;
    let Some(sheet) = household(&mut record, number).await? else {
        record.end().await?;
        return Ok(Opened::Wrong);
    };
    let guesses = record.card_guesses(&sheet.place.id).await?;
    record.end().await?;
    if guesses.locked_until > now {
        return Ok(Opened::Locked);
    }
    let own = own(&sheet, digits);
    if let Some(own) = own.as_ref().filter(|_| word.is_none()) {
        let mut record = store.snapshot().await?;
        let matters = matters(&mut record, own).await?;
        record.end().await?;
        return Ok(Opened::Matters(matters, None));
    }
    let mut tx = store.begin().await?;
    // As it stands in this turn: many may have tried at once.
    let guesses = tx.card_guesses(&sheet.place.id).await?;
    if guesses.locked_until > now {
        tx.rollback().await?;
        return Ok(Opened::Locked);
    }
    let Some(own) = own else {
        let wrong = guesses.wrong + 1;
        let locked_until = locked_for(wrong).map_or(0, |span| now + span_millis(span));
        tx.put_card_guesses(&sheet.place.id, CardGuesses { wrong, locked_until }).await?;
        if locked_until > 0 {
            tx.audit("card", "lock_card", number, &json!({ "wrong": wrong })).await?;
        }
        tx.commit().await?;
        return Ok(Opened::Wrong);
    };
    let kept = match word {
        Some((issue, answer)) => Some(say(&mut tx, &own, issue, answer).await?),
        None => None,
    };
    let matters = matters(&mut tx, &own).await?;
    tx.commit().await?;
    Ok(Opened::Matters(matters, kept))
}

/// Forgets who gave wrong ends, where nothing is locked.
///
/// # Errors
/// Where the record can't be written: the next night does.
pub async fn forget_guesses(store: &Store) -> Result<()> {
    let mut tx = store.begin().await?;
    tx.forget_card_guesses(store.context().clock.wire_millis()).await?;
    tx.commit().await
}

/// What those asked for who have that number; nothing where nobody there has it.
fn own(sheet: &HouseholdSheet, digits: &str) -> Option<Vec<IssueMatter>> {
    let has = |contact: &String| ends_so(contact, digits);
    let own = sheet.residents.iter().filter(|one| one.contact.as_ref().is_some_and(has));
    let own: Vec<&[IssueMatter]> = own.map(|one| one.issues.as_slice()).collect();
    (!own.is_empty()).then(|| own.concat())
}

/// Keeps their word, where it's asked for.
async fn say(tx: &mut Tx, own: &[IssueMatter], number: &str, answer: Satisfaction) -> Result<Kept> {
    let found = own.iter().find(|issue| issue.number == number && asks(issue));
    let Some(issue) = found else { return Ok(Kept::No) };
    tx.put_resident_word(&issue.id, issue.issue.round, answer).await?;
    tx.audit("resident", "resident_word", number, &json!({ "answer": answer })).await?;
    Ok(Kept::Yes)
}

/// Whether a resident's word is asked for: what was done waits for their revisit.
fn asks(issue: &IssueMatter) -> bool {
    issue.issue.state == State::Resolved
}

async fn matters(session: &mut Session, issues: &[IssueMatter]) -> Result<Vec<Matter>> {
    let ids: Vec<&str> = issues.iter().map(|issue| issue.id.as_str()).collect();
    let words = session.resident_words(&ids).await?;
    let matter = |issue: &IssueMatter| Matter {
        number: issue.number.clone(),
        on: township_date(issue.registered_at.as_millisecond()),
        category: issue.issue.class.map(|class| class.category.chinese()),
        stands: in_plain_words(issue.issue.state),
        due: issue.due_on.filter(|_| !issue.issue.is_ended() && !asks(issue)),
        answer: answer_to(issue),
        asks: asks(issue),
        said: words.get(&issue.id).map(|ResidentWord { answer, .. }| *answer),
    };
    Ok(issues.iter().map(matter).collect())
}
