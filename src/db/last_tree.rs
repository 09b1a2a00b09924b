//! The tree of areas that was last read.

use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;

use super::connection::Connection;
use super::{Dialect, Result, StoreError, word};
use crate::domain::area::{Area, AreaKind, AreaTree};

#[derive(Deserialize)]
struct Row {
    id: String,
    code: Option<String>,
    name: String,
    kind: String,
    parent_id: Option<String>,
    generation: i64,
}

const COLUMNS: [&str; 6] = ["id", "code", "name", "kind", "parent_id", "generation"];

impl TryFrom<Row> for Area {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Area> {
        let kind = word("areas.kind", &row.kind, AreaKind::read)?;
        Ok(Area { id: row.id, code: row.code, name: row.name, kind, parent_id: row.parent_id })
    }
}

/// The counter of the areas' changes: each gives another generation.
pub(super) const CHANGES: &str = "areas";
const GENERATION: &str = "SELECT value FROM counters WHERE name = 'areas'";

/// The tree that was last read, with its generation: a county's thousand areas seldom change and are asked for by each view.
#[derive(Debug, Clone, Default)]
pub(super) struct LastTree(Arc<RwLock<Option<Generation>>>);

type Generation = (i64, Arc<AreaTree>);

impl LastTree {
    /// All areas, as the connection sees them.
    pub(super) async fn read(
        &self,
        db: &mut Connection,
        dialect: Dialect,
    ) -> Result<Arc<AreaTree>> {
        let generation: Option<i64> =
            sqlx::query_scalar(GENERATION).fetch_optional(&mut *db).await?;
        if let Some((of, tree)) = &*self.0.read().unwrap_or_else(PoisonError::into_inner)
            && Some(*of) == generation
        {
            return Ok(Arc::clone(tree));
        }
        let all = format!(
            "SELECT id, code, name, kind, parent_id, COALESCE(({GENERATION}), 0) AS generation
             FROM areas ORDER BY code, name"
        );
        let rows: Vec<Row> = dialect.read(db, &COLUMNS, &all, &[]).await?;
        let generation = rows.first().map(|row| row.generation);
        let areas = rows.into_iter().map(Area::try_from).collect::<Result<Vec<_>>>()?;
        let tree = Arc::new(AreaTree::new(areas));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            generation.map(|generation| (generation, Arc::clone(&tree)));
        Ok(tree)
    }
}
