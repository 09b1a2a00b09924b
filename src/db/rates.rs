//! The figures by village, branch, department and person, from the record.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Result, Store, date, word};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::issue::{Category, State};
use crate::domain::rates::Counts;
use crate::domain::staff::Role;
use crate::domain::visit::Satisfaction;
use crate::words;

words! {
    /// By what figures are told apart.
    By {
        Village = "village", "村";
        Branch = "branch", "总支";
        Department = "department", "部门";
        Person = "person", "走访人";
    }
}

/// The figures of one village, branch, department or person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiguresLine {
    pub name: String,
    pub counts: Counts,
}

/// What a count belongs to, on the way into one line or another.
struct Place {
    area_id: String,
    staff_id: Option<String>,
    category: Option<Category>,
}

type IssueRow =
    (String, Option<String>, Option<String>, String, Option<String>, Option<String>, Option<i64>);

impl Store {
    /// All of the campaign's.
    pub async fn counts(&self) -> Result<Counts> {
        let mut total = Counts::default();
        for (_, counts) in self.counted(false).await? {
            total += counts;
        }
        Ok(total)
    }

    /// By village, branch, department or person, in their order. A department's are those of the issues in its
    /// categories, and of the residents who asked for them.
    pub async fn figures_by(&self, by: By) -> Result<Vec<FiguresLine>> {
        let tree = self.area_tree().await?;
        let campaign = self.campaign();
        let staff: HashMap<String, String> = self
            .staff()
            .await?
            .into_iter()
            .map(|p| (p.id, format!("{} {}", p.number, p.name)))
            .collect();
        let name = |place: &Place| match by {
            By::Village | By::Branch => {
                let kind = if by == By::Village { AreaKind::Village } else { AreaKind::Branch };
                let area = tree.upward(&place.area_id).find(|area| area.kind == kind);
                area.map(|area| area.name.clone())
            }
            By::Department => {
                place.category.and_then(|category| campaign.departments.get(&category).cloned())
            }
            By::Person => place.staff_id.as_ref().and_then(|id| staff.get(id).cloned()),
        };
        let mut lines: BTreeMap<String, Counts> = BTreeMap::new();
        for (place, counts) in self.counted(by == By::Department).await? {
            if let Some(name) = name(&place) {
                *lines.entry(name).or_default() += counts;
            }
        }
        Ok(lines.into_iter().map(|(name, counts)| FiguresLine { name, counts }).collect())
    }

    async fn counted(&self, by_category: bool) -> Result<Vec<(Place, Counts)>> {
        let mut counted = self.counted_issues().await?;
        if by_category {
            counted.extend(self.counted_answers_by_category().await?);
        } else {
            counted.extend(self.counted_subjects().await?);
            counted.extend(self.counted_answers().await?);
        }
        Ok(counted)
    }

    async fn counted_subjects(&self) -> Result<Vec<(Place, Counts)>> {
        let rows: Vec<(String, Option<String>, i64, i64)> = sqlx::query_as(
            "SELECT s.area_id, a.staff_id, COUNT(*), COUNT(CASE WHEN d.state = 'met' THEN 1 END)
             FROM subjects s LEFT JOIN assignments a ON a.subject_id = s.id
             LEFT JOIN duties d ON d.subject_id = s.id AND d.duty_key = 'visit:' || s.id
             GROUP BY s.area_id, a.staff_id",
        )
        .fetch_all(&self.read)
        .await?;
        let counts = |(area_id, staff_id, subjects, visited)| {
            let place = Place { area_id, staff_id, category: None };
            (place, Counts { subjects, visited, ..Counts::default() })
        };
        Ok(rows.into_iter().map(counts).collect())
    }

    /// Issues of this campaign: in time is, by the end of the day on which the grid member's note of it was due.
    async fn counted_issues(&self) -> Result<Vec<(Place, Counts)>> {
        let rows: Vec<IssueRow> = sqlx::query_as(
            "SELECT i.area_id, a.staff_id, i.category, i.state, d.state, b.due_on, d.met_at FROM issues i
             LEFT JOIN assignments a ON a.subject_id = i.subject_id
             LEFT JOIN duties d ON d.duty_key = $1 || i.id || $2 LEFT JOIN duty_groups b ON b.id = d.group_id
             WHERE i.state <> 'void' AND i.number LIKE $3",
        )
        .bind(format!("{}:", DutyKind::Acknowledge.code()))
        .bind(format!("/{}", Role::GridMember.code()))
        .bind(format!("{}-%", self.campaign().code))
        .fetch_all(&self.read)
        .await?;
        let today = self.context.clock.today();
        rows.into_iter().map(|row| self.count_issue(row, today)).collect()
    }

    fn count_issue(&self, row: IssueRow, today: Date) -> Result<(Place, Counts)> {
        let (area_id, staff_id, category, state, noted, due_on, met_at) = row;
        let state = word("issues.state", &state, State::read)?;
        let due_on = due_on.as_deref().map(|on| date("duty_groups.due_on", on)).transpose()?;
        let noted_on =
            met_at.map(crate::clock::township_date).filter(|_| noted.as_deref() == Some("met"));
        let in_time = noted_on.zip(due_on).is_some_and(|(on, due_on)| on <= due_on);
        let passed = due_on.is_some_and(|due_on| due_on < today);
        let category =
            category.as_deref().map(|text| word("issues.category", text, Category::read));
        let counts = Counts {
            issues: 1,
            to_respond: i64::from(noted_on.is_some() || passed),
            responded: i64::from(in_time),
            resolved: i64::from(matches!(state, State::Resolved | State::Closed)),
            ..Counts::default()
        };
        Ok((Place { area_id, staff_id, category: category.transpose()? }, counts))
    }

    /// Each resident's last answer.
    async fn counted_answers(&self) -> Result<Vec<(Place, Counts)>> {
        let rows: Vec<(String, Option<String>, String, i64)> = sqlx::query_as(
            "SELECT s.area_id, a.staff_id, v.satisfaction, COUNT(*) FROM visits v
             JOIN subjects s ON s.id = v.subject_id LEFT JOIN assignments a ON a.subject_id = s.id
             WHERE v.kind = 'revisit' AND v.visited_on >= $1 AND v.id =
               (SELECT w.id FROM visits w WHERE w.resident_id = v.resident_id AND w.kind = 'revisit'
                ORDER BY w.visited_on DESC, w.id DESC LIMIT 1)
             GROUP BY s.area_id, a.staff_id, v.satisfaction",
        )
        .bind(self.campaign_start())
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(area_id, staff_id, answer, count)| {
                let place = Place { area_id, staff_id, category: None };
                Ok((place, answers(&answer, count)?))
            })
            .collect()
    }

    /// Each resident's last answer, once for each category in which they asked for something.
    async fn counted_answers_by_category(&self) -> Result<Vec<(Place, Counts)>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT c.category, v.satisfaction, COUNT(*) FROM visits v
             JOIN (SELECT DISTINCT resident_id, category FROM issues WHERE category IS NOT NULL AND state <> 'void') c
               ON c.resident_id = v.resident_id
             WHERE v.kind = 'revisit' AND v.visited_on >= $1 AND v.id =
               (SELECT w.id FROM visits w WHERE w.resident_id = v.resident_id AND w.kind = 'revisit'
                ORDER BY w.visited_on DESC, w.id DESC LIMIT 1)
             GROUP BY c.category, v.satisfaction",
        )
        .bind(self.campaign_start())
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(category, answer, count)| {
                let category = Some(word("issues.category", &category, Category::read)?);
                let place = Place { area_id: String::new(), staff_id: None, category };
                Ok((place, answers(&answer, count)?))
            })
            .collect()
    }
}

fn answers(answer: &str, count: i64) -> Result<Counts> {
    let answer = word("visits.satisfaction", answer, Satisfaction::read)?;
    let satisfied = if answer.closes() { count } else { 0 };
    Ok(Counts { asked: count, satisfied, ..Counts::default() })
}
