//! A day as the record has it: what is owed, and who does what.

use std::sync::Arc;

use jiff::civil::Date;

use crate::db::{AreaTree, Holders, Missing, StaffMember, Store, StoreError};
use crate::domain::campaign::Campaign;
use crate::domain::duty::DutyKind;
use crate::domain::staff::Role;

/// The columns of a record of visits.
pub(super) const VISITS: &str =
    "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题,责任层级,类别,轻重缓急,走访类型,满意度";
/// Who is met where nobody is registered.
pub(super) const SOMEBODY: &str = "示例群众";
/// How much is read at once.
const PAGE: i64 = 5_000;

/// A day as the record has it.
pub(super) struct Today {
    pub on: Date,
    pub plan: Arc<Campaign>,
    pub tree: Arc<AreaTree>,
    holders: Holders,
    pub open: Vec<Missing>,
}

impl Today {
    pub async fn of(store: &Store, on: Date) -> Result<Today, StoreError> {
        let mut record = store.snapshot().await?;
        let (tree, staff) = (record.area_tree().await?, record.staff().await?);
        let (mut open, mut after) = (Vec::new(), String::new());
        loop {
            let page = record.missing(&after, PAGE, true).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.key);
            open.extend(page);
        }
        record.end().await?;
        let (plan, holders) = (store.campaign(), Holders::new(staff));
        Ok(Today { on, plan, tree, holders, open })
    }

    pub fn open(&self, kind: DutyKind) -> impl Iterator<Item = &Missing> {
        self.open.iter().filter(move |duty| duty.kind == kind)
    }

    /// Who does what a duty asks for: its person, or the first who holds its role there, or stands next above.
    pub fn doer(&self, duty: &Missing) -> Option<&StaffMember> {
        let of = (duty.role, duty.area_id.as_str());
        self.holders.owing(&self.tree, duty.staff.as_deref(), of).into_iter().next()
    }

    pub fn person(&self, id: &str) -> Option<&StaffMember> {
        self.holders.person(id)
    }

    pub fn holder(&self, role: Role, area: &str) -> Option<&StaffMember> {
        self.holders.holder(&self.tree, role, area)
    }

    /// Whoever takes in what is handed in, or sends on what is to be sent on, for the town.
    pub fn of_town(&self, role: Role) -> Option<&StaffMember> {
        let town = self.tree.all().find(|area| area.code.as_ref() == Some(&self.plan.town))?;
        [role, Role::LeadingGroup].into_iter().find_map(|role| self.holder(role, &town.id))
    }

    /// How an area is named in a table.
    pub fn area(&self, id: &str) -> &str {
        self.tree.get(id).map_or("", |area| area.code.as_ref().unwrap_or(&area.name))
    }
}
