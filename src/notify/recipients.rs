//! The people of one day as the record has them, and what a digest calls them and their areas.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;

use crate::app::remind::roster;
use crate::db::{Session, StoreError};
use crate::domain::campaign::Campaign;
use crate::domain::escalation::{Away, DueGroup, Roster};
use crate::domain::staff::StaffMember;

/// The people of one day.
#[derive(Debug)]
pub(super) struct Recipients {
    pub roster: Roster,
    pub away: Away,
    pub plan: Arc<Campaign>,
    /// Who has an address that somebody else has too: what is sent there several could read.
    pub sharing: HashSet<String>,
}

impl Recipients {
    pub async fn on(session: &mut Session, day: Date) -> Result<Recipients, StoreError> {
        let roster = roster(session, day).await?;
        let away = session.away_on(day).await?;
        let plan = Arc::new(session.campaign().clone());
        Ok(Recipients { roster, away, plan, sharing: HashSet::new() })
    }

    /// By which channels a person is told.
    pub fn routes(&self, person: &str) -> &[String] {
        self.roster.routes.get(person).map(Vec::as_slice).unwrap_or_default()
    }

    /// A person's name.
    pub fn name(&self, person: &str) -> &str {
        let person = self.roster.holders.person(person);
        person.map(|person| person.name.as_str()).unwrap_or_default()
    }

    /// An area's name.
    pub fn area_name(&self, area: &str) -> String {
        self.roster.tree.get(area).map(|area| area.name.clone()).unwrap_or_default()
    }

    /// The name of the area right below a person's own that `area` lies in: what sums up what they watch over.
    pub fn area_below(&self, person: &str, area: &str) -> String {
        let own = self.roster.holders.person(person).map(|person| person.area_id.as_str());
        let below = self.roster.tree.upward(area).find(|area| area.parent_id.as_deref() == own);
        below.map_or_else(|| self.area_name(area), |below| below.name.clone())
    }

    /// Who owes a group, whether here or away.
    pub fn owner(&self, group: &DueGroup) -> Option<&StaffMember> {
        self.roster.owner(group, &self.plan)
    }
}
