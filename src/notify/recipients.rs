//! Who hears: the person of a step, or whoever stands in for one who is away or out of reach.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::db::{AreaTree, DueGroup, Holders, Session, StaffMember, StoreError};
use crate::domain::campaign::{EscalationStep, Recipient};
use crate::domain::holder::Holder;
use crate::domain::issue::Category;
use crate::domain::staff::Role;

/// Whoever stands above all, where nobody else can be told.
const LAST_RESORT: Role = Role::LeadingGroup;

/// The people of one day.
pub(super) struct Recipients {
    tree: Arc<AreaTree>,
    holders: Holders,
    /// Who is away, with who stands in.
    away: HashMap<String, Option<String>>,
    /// For each person, the channels by which they are told, the preferred one first; who isn't here is out of reach.
    routes: HashMap<String, Vec<String>>,
    departments: HashMap<Category, String>,
}

/// Who hears a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub person: String,
    pub instead_of: Option<String>,
}

impl Recipients {
    pub async fn on(tx: &mut Session, day: Date) -> Result<Recipients, StoreError> {
        let (tree, staff) = (tx.area_tree().await?, tx.staff().await?);
        let (away, dead) = (tx.away_on(day).await?, tx.dead_addresses().await?);
        let context = tx.context();
        let routes = staff
            .iter()
            .map(|person| (person.id.clone(), context.routes(person, &dead)))
            .filter(|(_, routes)| !routes.is_empty())
            .collect();
        let departments =
            tx.campaign().departments.iter().map(|(of, unit)| (*of, unit.clone())).collect();
        Ok(Recipients { tree, holders: Holders::new(staff), away, routes, departments })
    }

    /// By which channels a person is told.
    pub fn routes(&self, person: &str) -> &[String] {
        self.routes.get(person).map(Vec::as_slice).unwrap_or_default()
    }

    /// A person's name.
    pub fn name(&self, person: &str) -> &str {
        self.holders.person(person).map(|person| person.name.as_str()).unwrap_or_default()
    }

    /// An area's name.
    pub fn area_name(&self, area: &str) -> String {
        self.tree.get(area).map(|area| area.name.clone()).unwrap_or_default()
    }

    /// The name of the area right below a person's own that `area` lies in: what sums up what they watch over.
    pub fn area_below(&self, person: &str, area: &str) -> String {
        let own = self.holders.person(person).map(|person| person.area_id.as_str());
        let below = self.tree.upward(area).find(|area| area.parent_id.as_deref() == own);
        below.map_or_else(|| self.area_name(area), |below| below.name.clone())
    }

    /// Who hears the step at `index` of a group: its person; where they are away or out of reach, their deputy; else
    /// whoever would hear next. `None` where nobody can be told.
    pub fn recipient(
        &self,
        group: &DueGroup,
        steps: &[EscalationStep],
        index: usize,
    ) -> Option<Reached> {
        let meant = self.person(group, steps.get(index)?.who);
        let later = steps[index + 1..].iter().filter(|step| step.who != Recipient::Owner);
        let above = later.map(|step| step.who).chain([Recipient::Role(LAST_RESORT)]);
        let candidates =
            std::iter::once(meant).chain(above.map(|who| self.person(group, who))).flatten();
        let heard =
            candidates.flat_map(|person| [Some(person.id.as_str()), self.deputy(&person.id)]);
        let person = heard.flatten().find(|person| self.can_hear(person))?.to_owned();
        let instead_of = meant.map(|meant| meant.id.clone()).filter(|meant| *meant != person);
        Some(Reached { person, instead_of })
    }

    /// Who owes a group, whether here or away.
    pub fn owner(&self, group: &DueGroup) -> Option<&StaffMember> {
        self.person(group, Recipient::Owner)
    }

    fn can_hear(&self, person: &str) -> bool {
        !self.away.contains_key(person) && self.routes.contains_key(person)
    }

    fn deputy(&self, person: &str) -> Option<&str> {
        self.away.get(person)?.as_deref()
    }

    /// Whom a step means.
    fn person(&self, group: &DueGroup, who: Recipient) -> Option<&StaffMember> {
        let role = match who {
            Recipient::Role(role) => role,
            Recipient::Owner => match (&group.staff_id, self.holding(group)) {
                (Some(owner), _) => return self.holders.person(owner),
                (None, Some(person)) => return Some(person),
                (None, None) => group.role,
            },
        };
        self.holders.holder(&self.tree, role, &group.area_id)
    }

    /// Whoever has the ball: reminders go to whoever can act.
    fn holding(&self, group: &DueGroup) -> Option<&StaffMember> {
        if !group.kind.follows_the_ball() {
            return None;
        }
        let of_role = |role| self.holders.holder(&self.tree, role, &group.area_id);
        match group.holder? {
            Holder::Department => {
                let unit = group.category.and_then(|category| self.departments.get(&category));
                unit.and_then(|unit| self.holders.department(unit))
            }
            Holder::Village => of_role(Role::GridMember),
            // The centre can press the platform; nobody here can do its work.
            Holder::Centre | Holder::Platform => of_role(Role::Centre),
            Holder::Resident => of_role(Role::Visitor),
        }
    }
}
