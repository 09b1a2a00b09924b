//! Areas 区划.

use std::sync::Arc;

use serde::Serialize;

use super::last_tree::CHANGES;
use super::sets::Columns;
use super::{Result, Session, Store, Tx};
use crate::domain::area::{Area, AreaTree};

impl Store {
    /// All areas, for going up.
    pub async fn area_tree(&self) -> Result<Arc<AreaTree>> {
        let mut snapshot = self.snapshot().await?;
        let tree = snapshot.area_tree().await?;
        snapshot.end().await?;
        Ok(tree)
    }
}

impl Session {
    /// All areas, as they are seen here.
    pub async fn area_tree(&mut self) -> Result<Arc<AreaTree>> {
        if let Some(tree) = &self.areas {
            return Ok(Arc::clone(tree));
        }
        let tree = self.last_tree.clone().read(&mut self.db, self.dialect).await?;
        self.areas = Some(Arc::clone(&tree));
        Ok(tree)
    }
}

#[derive(Serialize)]
struct AreaRow {
    #[serde(flatten)]
    area: Area,
    created_at: i64,
}

impl AreaRow {
    fn of(area: &Area, created_at: i64) -> AreaRow {
        AreaRow { area: area.clone(), created_at }
    }
}

impl Tx {
    /// Adds areas, and brings others up to date.
    pub async fn write_areas(&mut self, added: &[Area], changed: &[Area]) -> Result<()> {
        let created_at = self.now();
        let rows = |areas: &'_ [Area]| -> Vec<AreaRow> {
            areas.iter().map(|area| AreaRow::of(area, created_at)).collect()
        };
        let (added_rows, changed_rows) = (rows(added), rows(changed));
        let texts = ["id", "code", "name", "kind", "parent_id"];
        let columns = Columns { texts: &texts, numbers: &["created_at"] };
        self.insert_set("areas", &columns, &added_rows).await?;
        let texts = ["id", "name", "kind", "parent_id"];
        let columns = Columns { texts: &texts, numbers: &[] };
        self.update_set("areas", &columns, &changed_rows).await?;
        self.next_value(CHANGES).await?;
        if let Some(tree) = &mut self.areas {
            let tree = Arc::make_mut(tree);
            added.iter().chain(changed).for_each(|area| tree.put(area.clone()));
        }
        Ok(())
    }
}
