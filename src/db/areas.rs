//! Areas 区划.

use std::sync::Arc;

use serde::Serialize;

use super::sets::Columns;
use super::{Result, Session, Store, StoreError, Tx, word};
use crate::domain::area::{Area, AreaKind, AreaTree};

struct Row {
    id: String,
    code: Option<String>,
    name: String,
    kind: String,
    parent_id: Option<String>,
}

from_row!(Row { id, code, name, kind, parent_id });

impl TryFrom<Row> for Area {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Area> {
        let kind = word("areas.kind", &row.kind, AreaKind::read)?;
        Ok(Area { id: row.id, code: row.code, name: row.name, kind, parent_id: row.parent_id })
    }
}

const ALL: &str = "SELECT id, code, name, kind, parent_id FROM areas ORDER BY code, name";

fn tree_of(rows: Vec<Row>) -> Result<AreaTree> {
    let areas = rows.into_iter().map(Area::try_from).collect::<Result<Vec<_>>>()?;
    Ok(AreaTree::new(areas))
}

impl Store {
    /// All areas.
    pub async fn areas(&self) -> Result<Vec<Area>> {
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&self.read).await?;
        rows.into_iter().map(Area::try_from).collect()
    }

    /// All areas, for going up.
    pub async fn area_tree(&self) -> Result<AreaTree> {
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&self.read).await?;
        tree_of(rows)
    }
}

impl Session {
    /// All areas, as they are seen here.
    pub async fn area_tree(&mut self) -> Result<Arc<AreaTree>> {
        if let Some(tree) = &self.areas {
            return Ok(Arc::clone(tree));
        }
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&mut *self.db).await?;
        let tree = Arc::new(tree_of(rows)?);
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
        if let Some(tree) = &mut self.areas {
            let tree = Arc::make_mut(tree);
            added.iter().chain(changed).for_each(|area| tree.put(area.clone()));
        }
        Ok(())
    }
}
