//! Who of the campaign has no visitor, by village.

use super::report::Unassigned;
use crate::db::{Session, StoreError};

pub(super) async fn unassigned(session: &mut Session) -> Result<Vec<Unassigned>, StoreError> {
    let (tree, context) = (session.area_tree().await?, session.shared_context());
    let plans = session.plans();
    let town = &plans.now().town;
    let in_campaign = |id: &str| tree.upward(id).any(|area| area.code.as_ref() == Some(town));
    let areas: Vec<&str> =
        tree.all().map(|area| area.id.as_str()).filter(|id| in_campaign(id)).collect();
    let mut villages: Vec<Unassigned> = Vec::new();
    let mut last = String::new();
    for subject in session.unassigned(&areas).await? {
        if last != subject.area_id || villages.is_empty() {
            last.clone_from(&subject.area_id);
            let area = tree.get(&last).map(|area| area.name.clone()).unwrap_or_default();
            let count = usize::try_from(subject.total).unwrap_or(0);
            villages.push(Unassigned { area, count, subjects: Vec::new() });
        }
        let named = (subject.number.clone(), subject.name(&context)?);
        if let Some(village) = villages.last_mut() {
            village.subjects.push(named);
        }
    }
    villages.sort_by(|one, other| one.area.cmp(&other.area));
    Ok(villages)
}
