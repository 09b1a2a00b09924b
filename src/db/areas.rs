//! Areas 区划, and the tree by which "whose village is this" is answered.

use std::sync::Arc;

use super::{NewDuty, Result, Session, Store, StoreError, Tx, Upsert, word};
use crate::domain::area::{Area, AreaKind, AreaTree};
use crate::domain::campaign::ExtraPhase;
use crate::domain::duty::DutyKind;

/// A place as it comes in; `parent` names one that is already there, by code or by name.
#[derive(Debug, Clone)]
pub struct NewArea {
    pub code: Option<String>,
    pub name: String,
    pub kind: AreaKind,
    pub parent: Option<String>,
}

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

    /// All areas, for climbing.
    pub async fn area_tree(&self) -> Result<AreaTree> {
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&self.read).await?;
        tree_of(rows)
    }
}

impl Session {
    /// All areas as this transaction sees them.
    pub async fn area_tree(&mut self) -> Result<Arc<AreaTree>> {
        if let Some(tree) = &self.areas {
            return Ok(Arc::clone(tree));
        }
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&mut *self.db).await?;
        let tree = Arc::new(tree_of(rows)?);
        self.areas = Some(Arc::clone(&tree));
        Ok(tree)
    }

    /// What the campaign wants of an area itself.
    pub(super) async fn owed_of_area(
        &mut self,
        area_id: &str,
        kind: AreaKind,
    ) -> Result<Vec<NewDuty>> {
        let owed: &[DutyKind] = match kind {
            AreaKind::Village => {
                &[DutyKind::Materials, DutyKind::SelfCheck, DutyKind::LookBack, DutyKind::SpotCheck]
            }
            AreaKind::Branch => &[DutyKind::Summary],
            _ => &[],
        };
        if owed.is_empty() || !self.is_in_campaign(area_id).await? {
            return Ok(Vec::new());
        }
        let extra: &[ExtraPhase] = if kind == AreaKind::Village { &self.plan.extra } else { &[] };
        let of_kinds = owed.iter().map(|kind| NewDuty::of_area(*kind, area_id));
        Ok(of_kinds.chain(extra.iter().map(|phase| NewDuty::of_phase(phase, area_id))).collect())
    }

    /// What the campaign wants of every area.
    pub(super) async fn owed_of_areas(&mut self) -> Result<Vec<NewDuty>> {
        let areas: Vec<(String, String)> = sqlx::query_as("SELECT id, kind FROM areas ORDER BY id")
            .fetch_all(&mut *self.db)
            .await?;
        let mut owed = Vec::new();
        for (area, kind) in areas {
            owed.extend(
                self.owed_of_area(&area, word("areas.kind", &kind, AreaKind::read)?).await?,
            );
        }
        Ok(owed)
    }

    /// Whether the area lies in the town whose campaign this is.
    async fn is_in_campaign(&mut self, area_id: &str) -> Result<bool> {
        let tree = self.area_tree().await?;
        let town = &self.plan.town;
        Ok(tree.upward(area_id).any(|area| area.code.as_ref() == Some(town)))
    }
}

impl Tx {
    /// Adds an area, or brings its name and place in the tree up to date.
    pub async fn put_area(&mut self, new: &NewArea) -> Result<Upsert> {
        let tree = self.area_tree().await?;
        let parent = new.parent.as_deref().and_then(|parent| tree.find(parent).ok());
        let needs_parent = !matches!(new.kind, AreaKind::County | AreaKind::Town);
        if let (Some(missing), None, true) = (&new.parent, parent, needs_parent) {
            return Err(StoreError::Rule(format!("上级区划「{missing}」还没有，请先导入上级区划")));
        }
        let known = tree.all().find(|area| match &new.code {
            Some(code) => area.code.as_ref() == Some(code),
            None => area.name == new.name && area.kind == new.kind,
        });
        let area = Area {
            id: known.map_or_else(|| self.context.id(), |area| area.id.clone()),
            code: new.code.clone(),
            name: new.name.clone(),
            kind: new.kind,
            parent_id: parent.map(|area| area.id.clone()),
        };
        let put = match known {
            None => Upsert::Added,
            Some(known) if *known == area => return Ok(Upsert::Same),
            Some(_) => Upsert::Changed,
        };
        drop(tree);
        match put {
            Upsert::Added => self.add_area(&area).await?,
            _ => self.change_area(&area).await?,
        }
        Ok(put)
    }

    async fn change_area(&mut self, area: &Area) -> Result<()> {
        sqlx::query("UPDATE areas SET name = $1, kind = $2, parent_id = $3 WHERE id = $4")
            .bind(&area.name)
            .bind(area.kind.code())
            .bind(&area.parent_id)
            .bind(&area.id)
            .execute(&mut *self.db)
            .await?;
        self.keep_in_tree(area);
        Ok(())
    }

    fn keep_in_tree(&mut self, area: &Area) {
        if let Some(tree) = &mut self.areas {
            Arc::make_mut(tree).put(area.clone());
        }
    }

    async fn add_area(&mut self, area: &Area) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO areas (id, code, name, kind, parent_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&area.id)
        .bind(&area.code)
        .bind(&area.name)
        .bind(area.kind.code())
        .bind(&area.parent_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.keep_in_tree(area);
        self.owe_of_area(&area.id, area.kind).await?;
        Ok(())
    }

    /// Opens what the campaign wants of an area itself.
    async fn owe_of_area(&mut self, area_id: &str, kind: AreaKind) -> Result<()> {
        for duty in self.owed_of_area(area_id, kind).await? {
            self.open_duty(&duty).await?;
        }
        Ok(())
    }
}
