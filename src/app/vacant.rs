//! What nobody holds or visits, as the record has it.

use crate::db::{Result, Session};
use crate::domain::staff::Holders;
use crate::domain::township::{Vacancy, vacancies};

/// What nobody holds or visits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacant {
    pub roles: Vec<Vacancy>,
    /// The areas in which somebody is to be visited and nobody is assigned, with how many.
    pub unassigned: Vec<(String, i64)>,
    /// Who left and still has subjects, as they sign, with how many.
    pub left: Vec<(String, i64)>,
}

/// Looks; nothing is missed where there are no people yet.
///
/// # Errors
/// Where the record can't be read.
pub async fn vacant(session: &mut Session) -> Result<Vacant> {
    let (tree, staff) = (session.area_tree().await?, session.staff().await?);
    let roles = match staff.is_empty() {
        true => Vec::new(),
        false => vacancies(&tree, &Holders::new(staff), session.campaign()),
    };
    let name = |id: &str| tree.get(id).map(|area| area.name.clone()).unwrap_or_default();
    let unassigned = session.unassigned_by_area().await?.into_iter();
    let mut unassigned: Vec<(String, i64)> =
        unassigned.map(|(area, subjects)| (name(&area), subjects)).collect();
    unassigned.sort();
    let left = session.left_behind().await?;
    Ok(Vacant { roles, unassigned, left })
}
