//! People are away, from a day to a day; meanwhile a deputy hears and does what they would.

use jiff::civil::Date;

use super::problem::{About, Did, Outcomes, Problem, all_well};
use crate::db::{NewAbsence, Result, Session, Tx, Upsert};
use crate::domain::staff::StaffMember;

/// What is wrong with these absences' dates or deputies.
pub async fn check(session: &mut Session, rows: &[NewAbsence]) -> Result<Outcomes> {
    let mut standing = match rows.iter().map(|row| row.from).min() {
        Some(first) => session.absences_since(first).await?,
        None => Vec::new(),
    };
    standing.retain(|known| !rows.iter().any(|row| replaces(row, known)));
    standing.extend(rows.iter().cloned());
    Ok(rows
        .iter()
        .map(|row| period(row).and_then(|did| deputy(row, &standing, did)).map(Did::from))
        .collect())
}

/// Adds absences, or brings what is known of them up to date. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[NewAbsence]) -> Result<Outcomes> {
    let outcomes = check(tx, rows).await?;
    if !all_well(&outcomes) {
        return Ok(outcomes);
    }
    let mut done = Vec::with_capacity(rows.len());
    for row in rows {
        done.push(Ok(tx.put_absence(row).await?.into()));
    }
    Ok(done)
}

/// For whom this person stands in today, each with the last day of it: what those could do they may do meanwhile, in their
/// place.
///
/// # Errors
/// Where the record can't be read.
pub async fn stood_in_for(
    session: &mut Session,
    person: &StaffMember,
) -> Result<Vec<(StaffMember, Date)>> {
    let today = session.today();
    let mut away = session.absences_since(today).await?;
    away.retain(|absence| absence.from <= today && absence.deputy_id.as_ref() == Some(&person.id));
    if away.is_empty() || person.has_left() {
        return Ok(Vec::new());
    }
    let staff = session.staff().await?.into_iter();
    let absent = |one: StaffMember| {
        let until = away.iter().filter(|away| away.staff_id == one.id).map(|away| away.until).max();
        until.filter(|_| !one.has_left()).map(|until| (one.by_deputy(person), until))
    };
    let mut absent: Vec<_> = staff.filter_map(absent).collect();
    absent.sort_by(|(one, _), (other, _)| one.number.cmp(&other.number));
    Ok(absent)
}

fn replaces(new: &NewAbsence, known: &NewAbsence) -> bool {
    new.staff_id == known.staff_id && new.from == known.from
}

fn period(new: &NewAbsence) -> std::result::Result<Upsert, Problem> {
    if new.until < new.from {
        return Err(Problem::new(About::Period, "结束日期早于开始日期"));
    }
    if new.deputy_id.as_ref() == Some(&new.staff_id) {
        return Err(Problem::new(About::Deputy, "代办人不能是本人"));
    }
    Ok(Upsert::Added)
}

/// Whoever stands in must not be stood in for by the one who is away, nor by whoever that one stands in for.
fn deputy(
    new: &NewAbsence,
    standing: &[NewAbsence],
    did: Upsert,
) -> std::result::Result<Upsert, Problem> {
    let mut next = new.deputy_id.as_ref();
    for _ in 0..standing.len() {
        let Some(person) = next else { break };
        if *person == new.staff_id {
            let text = "这几天代办人自己也请假，转来转去又由本人代办，任务没有人接：请换一个代办人";
            return Err(Problem::new(About::Deputy, text));
        }
        let away = standing.iter().find(|known| {
            known.staff_id == *person && known.from <= new.until && known.until >= new.from
        });
        next = away.and_then(|away| away.deputy_id.as_ref());
    }
    Ok(did)
}
