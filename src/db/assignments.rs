//! Assignments 责任田: one visitor for each subject, fixed (一访到底, plan 二(三)).

use super::{NewDuty, Result, StoreError, Tx, Upsert};

impl Tx {
    /// Gives the subject its visitor. The same pair again changes nothing; another visitor is refused.
    pub async fn assign(&mut self, subject_number: &str, staff_id: &str) -> Result<Upsert> {
        let subject = self.subject(subject_number).await?;
        if let Some(assigned) = &subject.staff_id {
            if assigned == staff_id {
                return Ok(Upsert::Same);
            }
            let name: String = sqlx::query_scalar("SELECT name FROM staff WHERE id = $1")
                .bind(assigned)
                .fetch_one(&mut *self.db)
                .await?;
            return Err(StoreError::Rule(format!(
                "「{subject_number}」已固定由「{name}」走访，一访到底，中途不得更换；确需更换请用 `zoufang reassign`，写明批准人和原因"
            )));
        }
        let id = self.context.id();
        let now = self.now();
        sqlx::query("INSERT INTO assignments (id, subject_id, staff_id, created_at) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(&subject.id)
            .bind(staff_id)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        self.open_duty(&NewDuty::visit(&subject.id, &subject.area_id, staff_id)).await?;
        Ok(Upsert::Added)
    }

    /// Gives the subject another visitor on a named person's word; what is still owed goes with it.
    pub async fn override_assignment(
        &mut self,
        subject_number: &str,
        staff_id: &str,
        by: &str,
        reason: &str,
    ) -> Result<()> {
        if by.trim().is_empty() || reason.trim().is_empty() {
            return Err(StoreError::Rule("更换走访人必须写明批准人和原因".to_owned()));
        }
        let subject = self.subject(subject_number).await?;
        let before = subject.staff_id.ok_or_else(|| {
            StoreError::Rule(format!("「{subject_number}」还没有走访人，请先导入走访安排表"))
        })?;
        let now = self.now();
        sqlx::query(
            "UPDATE assignments SET staff_id = $1, overridden_by = $2, override_reason = $3, overridden_at = $4
             WHERE subject_id = $5",
        )
        .bind(staff_id)
        .bind(by)
        .bind(reason)
        .bind(now)
        .bind(&subject.id)
        .execute(&mut *self.db)
        .await?;
        self.hand_over_duties(&subject.id, &before, staff_id).await?;
        let detail = serde_json::json!({"from": before, "to": staff_id, "reason": reason});
        self.audit(by, "override_assignment", subject_number, &detail).await
    }

    /// Every subject that has a visitor, its area and that visitor.
    pub(super) async fn pairs(&mut self) -> Result<Vec<(String, String, String)>> {
        Ok(sqlx::query_as(
            "SELECT s.id, s.area_id, a.staff_id FROM assignments a JOIN subjects s ON s.id = a.subject_id ORDER BY s.id",
        )
        .fetch_all(&mut *self.db)
        .await?)
    }
}
