//! The figures of a campaign that another followed: its issues as they stand now, and what was visited and answered as it stood when
//! the other took its place.

use super::rates::{AreaFigures, BY_DAY, By, FiguresLine, KEPT, Kept, sums, with_nobodys};
use super::{Result, Store, Tx};
use crate::domain::area::AreaKind;
use crate::domain::figures::{Counts, Dimension};

impl Store {
    /// A campaign of before by village, branch, person or department.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn earlier_figures_by(&self, by: By, code: &str) -> Result<Vec<FiguresLine>> {
        match by {
            By::Village => Ok(self.earlier_by_area(code).await?.under(AreaKind::Village)),
            By::Branch => Ok(self.earlier_by_area(code).await?.under(AreaKind::Branch)),
            By::Person => {
                let lines = self.of_people(&self.earlier(Dimension::Person, code).await?).await?;
                Ok(with_nobodys(lines, self.earlier_counts(code).await?))
            }
            By::Department => self.of_departments(&self.earlier(Dimension::Category, code).await?),
        }
    }

    /// The same in all.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn earlier_counts(&self, code: &str) -> Result<Counts> {
        Ok(self.earlier_by_area(code).await?.whole(None))
    }

    /// Whether what was visited in it was kept when another took its place, as it is since version 67 of the record.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn are_visits_kept(&self, code: &str) -> Result<bool> {
        let kept = sqlx::query_scalar("SELECT COUNT(*) FROM campaign_figures WHERE campaign = $1");
        let kept: i64 = kept.bind(code.to_owned()).fetch_one(&self.read).await?;
        Ok(kept > 0)
    }

    async fn earlier_by_area(&self, code: &str) -> Result<AreaFigures> {
        Ok(AreaFigures::new(self.area_tree().await?, self.earlier(Dimension::Area, code).await?))
    }

    async fn earlier(&self, dimension: Dimension, code: &str) -> Result<Vec<Kept>> {
        let mut kept = self.kept_of_issues(dimension, code).await?;
        let at_its_end = format!(
            "SELECT of_id, {} FROM campaign_figures WHERE dimension = $1 AND campaign = $2 GROUP BY of_id",
            sums().join(", ")
        );
        let parameters = [dimension.code().into(), code.into()];
        let at_its_end: Vec<Kept> =
            self.dialect.read(&self.read, &KEPT, &at_its_end, &parameters).await?;
        kept.extend(at_its_end);
        Ok(kept)
    }
}

impl Tx {
    /// Keeps what was visited and answered in the campaign in effect, before another takes its place.
    pub async fn keep_figures(&mut self) -> Result<()> {
        let (code, start) = (self.campaign().code.clone(), self.campaign().starts_on().to_string());
        let keep = format!(
            "INSERT INTO campaign_figures (campaign, dimension, of_id, name, total)
             SELECT $1, dimension, of_id, name, CAST(SUM(total) AS BIGINT) FROM tallies
             WHERE campaign = '' AND dimension IN ('area', 'person', 'category')
               AND (name IN ('subjects', 'visited', 'to_revisit', 'revisit_done') OR name IN ({BY_DAY}) AND day >= $2)
             GROUP BY dimension, of_id, name HAVING SUM(total) <> 0"
        );
        sqlx::query(sqlx::AssertSqlSafe(keep)).bind(code).bind(start).execute(&mut self.db).await?;
        Ok(())
    }
}
