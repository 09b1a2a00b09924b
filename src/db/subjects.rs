//! Subjects 走访对象 and the residents 群众 met there, beyond what the casework reads by sets.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Context, Result, Session};
use crate::domain::mask;
use crate::domain::subject::SubjectKind;

impl Context {
    /// A subject's name as a notice may show it: a household's masked, a shop's or a school's as it hangs over the
    /// door.
    pub(super) fn masked_name(&self, kind: &str, sealed: &str) -> Result<String> {
        let name = self.sealer.open(sealed)?;
        Ok(if kind == SubjectKind::Household.code() { mask::name(&name) } else { name })
    }
}

#[derive(Deserialize)]
struct Excuse {
    id: String,
    unheard_sealed: Option<String>,
}

impl Session {
    /// Why the residents of the subjects of these numbers couldn't be heard, sealed, by their ids.
    pub async fn excuses_at(
        &mut self,
        numbers: &[&str],
    ) -> Result<HashMap<String, Option<String>>> {
        let query = format!(
            "SELECT r.id, r.unheard_sealed FROM residents r JOIN subjects s ON s.id = r.subject_id WHERE s.number {}",
            self.dialect.among()
        );
        let rows: Vec<Excuse> =
            self.read_set(&["id", "unheard_sealed"], &query, numbers, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.unheard_sealed)).collect())
    }
}
