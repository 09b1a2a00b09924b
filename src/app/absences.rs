//! People are away, from a day to a day; meanwhile a deputy hears what they would.

use super::problem::{About, Outcomes, Problem, all_well};
use crate::db::{NewAbsence, Result, Tx, Upsert};

/// What is wrong with these absences' dates or deputies.
pub fn check(rows: &[NewAbsence]) -> Outcomes {
    rows.iter().map(period).collect()
}

/// Adds absences, or brings what is known of them up to date. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[NewAbsence]) -> Result<Outcomes> {
    let outcomes = check(rows);
    if !all_well(&outcomes) {
        return Ok(outcomes);
    }
    let mut done = Vec::with_capacity(rows.len());
    for row in rows {
        done.push(Ok(tx.put_absence(row).await?));
    }
    Ok(done)
}

fn period(new: &NewAbsence) -> std::result::Result<Upsert, Problem> {
    if new.until < new.from {
        return Err(Problem::new(About::Period, "结束日期早于开始日期"));
    }
    if new.deputy_id.as_ref() == Some(&new.staff_id) {
        return Err(Problem::new(About::Period, "代办人不能是本人"));
    }
    Ok(Upsert::Added)
}
