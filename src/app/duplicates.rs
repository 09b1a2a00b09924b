//! A subject that was entered twice (重复): which one stays is said by its number, and it does stay.

use std::collections::{BTreeSet, HashMap};

use super::problem::{About, Outcomes, Problem};
use super::told::Told;
use crate::db::{Result, Session, SubjectKeys};
use crate::domain::subject::{SubjectState, numbers_in};

/// The number of a subject, and what is told of its state, and in words.
pub(super) type Row<'r> = (&'r str, (&'r Told<SubjectState>, &'r Told<String>));

/// Refuses rows by which a subject repeats none that is known or comes in the same table, itself, or one that is a repetition
/// as well. What a row doesn't change isn't looked at.
pub(super) async fn refuse_unnamed<'r>(
    session: &mut Session,
    rows: impl Iterator<Item = Row<'r>> + Clone,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let said = rows.clone().filter_map(|(number, (_, told))| Some((number, words(told)?)));
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for (number, words) in said {
        asked.insert(number);
        asked.extend(numbers_in(words));
    }
    if asked.is_empty() {
        return Ok(());
    }
    let known = session.subject_keys(&asked.into_iter().collect::<Vec<_>>()).await?;
    let known: HashMap<&str, &SubjectKeys> =
        known.iter().map(|keys| (keys.number.as_str(), keys)).collect();
    let context = session.shared_context();
    // Of each, whether it's a repetition once the table is taken; and which rows say so anew.
    let (mut repeats, mut anew): (HashMap<&str, bool>, Vec<bool>) = Default::default();
    for (number, (state, told)) in rows.clone() {
        let was = known.get(number).map(|keys| keys.standing(&context)).transpose()?;
        let was = was.unwrap_or_default();
        let why = was.ended.map(|ended| ended.why);
        let is = is_repetition(state, why);
        let again = why == Some(SubjectState::Duplicate) && was.words.as_deref() == words(told);
        repeats.insert(number, is);
        anew.push(is && !again);
    }
    for (number, keys) in &known {
        let why = keys.ended()?.map(|ended| ended.why);
        repeats.entry(*number).or_insert(why == Some(SubjectState::Duplicate));
    }
    for (((number, (_, told)), anew), outcome) in rows.zip(anew).zip(outcomes.iter_mut()) {
        let (true, Some(words), Ok(_)) = (anew, words(told), &*outcome) else { continue };
        if let Err(problem) = judge(number, words, &repeats) {
            *outcome = Err(problem);
        }
    }
    Ok(())
}

fn words(told: &Told<String>) -> Option<&str> {
    match told {
        Told::Is(words) => Some(words),
        _ => None,
    }
}

fn is_repetition(told: &Told<SubjectState>, known: Option<SubjectState>) -> bool {
    match told {
        Told::Is(state) => *state == SubjectState::Duplicate,
        Told::Cleared => false,
        Told::Nothing | Told::Blank => known == Some(SubjectState::Duplicate),
    }
}

/// Which of these words names one that stays; `repeats` has what is known, and whether it's a repetition itself.
fn judge(
    number: &str,
    words: &str,
    repeats: &HashMap<&str, bool>,
) -> std::result::Result<(), Problem> {
    let named: Vec<&str> = numbers_in(words).filter(|named| repeats.contains_key(named)).collect();
    let others = || named.iter().filter(|named| **named != number);
    let text = match others().next() {
        Some(_) if others().any(|named| !repeats[named]) => return Ok(()),
        Some(other) => format!(
            "「{number}」写的是与「{other}」重复，「{other}」自己登记的也是重复，两个就都不走访了：请写留下来走访的那一个的对象编号"
        ),
        None if !named.is_empty() => {
            format!("「{number}」写的是与自己重复：请写另一个，留下来走访的那一个的对象编号")
        }
        None => format!(
            "「{number}」的状态是重复，状态说明里没有写登记过的对象编号：请写明与哪一个重复（留下来走访的那一个），如「与H0001重复」"
        ),
    };
    Err(Problem::new(About::EndedWords, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_stays_must_be_named() {
        let repeats = HashMap::from([("H1", true), ("H2", false), ("H3", true), ("东-01", false)]);
        let said = |words| judge("H1", words, &repeats).map_err(|problem| problem.text);
        for well in [
            "H2",
            "与H2重复",
            "与「H2」（李四家）是一户",
            "同 H3、H2 是一户",
            "东-01",
            "和东-01号重复",
        ] {
            assert_eq!(said(well), Ok(()), "{well}");
        }
        assert!(said("与H1重复").unwrap_err().contains("与自己重复"));
        assert!(said("与H3重复").unwrap_err().contains("自己登记的也是重复"));
        for none in ["与隔壁重复", "H22", "2022-03-01 登记重了", "H"] {
            assert!(said(none).unwrap_err().contains("没有写登记过的对象编号"), "{none}");
        }
    }
}
