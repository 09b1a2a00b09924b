//! Duties 任务 and the groups in which they climb the ladder, by sets.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::sets::Columns;
use super::{Result, Session, Store, Tx, date, word};
use crate::domain::counted::{CountedDuty, Thing};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::{Duty, DutyChange, GroupKey, Ladder, Standing};
use crate::domain::staff::Role;

#[derive(Deserialize)]
struct StandingRow {
    id: String,
    duty_key: String,
    kind: String,
    state: String,
    group_id: String,
    staff_id: Option<String>,
    role: String,
    area_id: String,
    issue_id: Option<String>,
    due_on: String,
    next_step: i64,
    subject_id: Option<String>,
    since: i64,
}

const COLUMNS: [&str; 13] = [
    "id",
    "duty_key",
    "kind",
    "state",
    "group_id",
    "staff_id",
    "role",
    "area_id",
    "issue_id",
    "due_on",
    "next_step",
    "subject_id",
    "since",
];

const STANDING: &str =
    "SELECT d.id, d.duty_key, d.kind, d.state, d.group_id, g.staff_id, g.role, g.area_id,
   g.issue_id, g.due_on, g.next_step, d.subject_id, d.created_at AS since
 FROM duties d JOIN duty_groups g ON g.id = d.group_id";

impl StandingRow {
    /// The subject that it hangs on, and the duty.
    fn read(self) -> Result<(Option<String>, Standing)> {
        let group = GroupKey {
            kind: word("duties.kind", &self.kind, DutyKind::read)?,
            staff_id: self.staff_id,
            role: word("duty_groups.role", &self.role, Role::read)?,
            area_id: self.area_id,
            issue_id: self.issue_id,
            due_on: date("duty_groups.due_on", &self.due_on)?,
            next_step: self.next_step,
        };
        let standing = Standing {
            id: self.id,
            key: self.duty_key,
            state: word("duties.state", &self.state, DutyState::read)?,
            since: self.since,
            group_id: self.group_id,
            group,
        };
        Ok((self.subject_id, standing))
    }
}

impl Session {
    /// The duties that hang on these subjects, those of their residents and issues among them, with the subject's id.
    pub async fn duties_of_subjects(&mut self, ids: &[&str]) -> Result<Vec<(String, Standing)>> {
        // A campaign's before bear its code.
        let among = self.dialect.among();
        let condition = format!("d.subject_id {among} AND d.duty_key NOT LIKE '%/%:%'");
        let of = self.standing(&condition, ids).await?;
        Ok(of.into_iter().map(|(subject, duty)| (subject.unwrap_or_default(), duty)).collect())
    }

    /// The duties of these issues.
    pub async fn duties_of_issues(&mut self, ids: &[&str]) -> Result<Vec<Standing>> {
        self.standing_by("d.issue_id", ids).await
    }

    /// The duties of these keys.
    pub async fn duties_of_keys(&mut self, keys: &[&str]) -> Result<Vec<Standing>> {
        self.standing_by("d.duty_key", keys).await
    }

    async fn standing_by(&mut self, column: &str, list: &[&str]) -> Result<Vec<Standing>> {
        let condition = format!("{column} {}", self.dialect.among());
        let of = self.standing(&condition, list).await?;
        Ok(of.into_iter().map(|(_, duty)| duty).collect())
    }

    /// The duties for which a condition on a list holds, each with the subject on which it hangs.
    async fn standing(
        &mut self,
        condition: &str,
        list: &[&str],
    ) -> Result<Vec<(Option<String>, Standing)>> {
        let query = format!("{STANDING} WHERE {condition}");
        let rows: Vec<StandingRow> = self.read_set(&COLUMNS, &query, list, &[]).await?;
        rows.into_iter().map(StandingRow::read).collect()
    }

    /// The duties that hang on no subject: those of areas and departments. A campaign's before bear its code and aren't
    /// among them.
    pub async fn duties_of_areas(&mut self) -> Result<Vec<Standing>> {
        let among = self.dialect.among();
        let condition =
            format!("d.kind {among} AND d.subject_id IS NULL AND d.duty_key NOT LIKE '%/%:%'");
        let kinds: Vec<&str> =
            DutyKind::ALL.iter().filter(|kind| kind.is_of_area()).map(|kind| kind.code()).collect();
        let of = self.standing(&condition, &kinds).await?;
        Ok(of.into_iter().map(|(_, duty)| duty).collect())
    }
}

#[derive(Serialize)]
struct NewDutyRow<'d> {
    id: String,
    duty_key: &'d str,
    kind: &'static str,
    group_id: &'d str,
    subject_id: &'d Option<String>,
    resident_id: &'d Option<String>,
    issue_id: &'d Option<String>,
    state: &'static str,
    met_at: Option<i64>,
    met_by: Option<&'d str>,
    created_at: i64,
}

const NEW_TEXTS: [&str; 9] = [
    "id",
    "duty_key",
    "kind",
    "group_id",
    "subject_id",
    "resident_id",
    "issue_id",
    "state",
    "met_by",
];

impl NewDutyRow<'_> {
    fn of<'d>(
        id: String,
        duty: &'d Duty,
        group_id: &'d str,
        created_at: i64,
        end: Option<(i64, &'d str)>,
    ) -> NewDutyRow<'d> {
        let Duty { key, kind, subject_id, resident_id, issue_id, state, .. } = duty;
        let (met_at, met_by) = end.unzip();
        NewDutyRow {
            id,
            duty_key: key,
            kind: kind.code(),
            group_id,
            subject_id,
            resident_id,
            issue_id,
            state: state.code(),
            met_at,
            met_by,
            created_at,
        }
    }
}

#[derive(Serialize)]
struct DutyStateRow<'d> {
    id: &'d str,
    group_id: &'d str,
    state: &'static str,
    met_at: Option<i64>,
    met_by: Option<&'d str>,
}

impl Tx {
    /// Writes what differs. `fact` is what ended that which ends.
    pub async fn write_duties(
        &mut self,
        changes: &[DutyChange],
        ladder: &Ladder<'_>,
        fact: &str,
    ) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.tally_duties(changes).await?;
        let keys: HashSet<&GroupKey> = changes.iter().filter_map(DutyChange::goes_to).collect();
        let groups = self.groups_of(&keys.into_iter().collect::<Vec<_>>(), ladder).await?;
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                DutyChange::Add { duty, group } => {
                    let end = self.end(duty.state, fact);
                    added.push(NewDutyRow::of(
                        self.context.id(),
                        duty,
                        &groups[group],
                        self.now,
                        end,
                    ));
                }
                DutyChange::Change { standing, state, group } => {
                    let group_id = group.as_ref().map_or(&standing.group_id, |key| &groups[key]);
                    let (met_at, met_by) = self.end(*state, fact).unzip();
                    let (id, state) = (&standing.id, state.code());
                    changed.push(DutyStateRow { id, group_id, state, met_at, met_by });
                }
            }
        }
        let columns = Columns { texts: &NEW_TEXTS, numbers: &["met_at", "created_at"] };
        self.insert_set("duties", &columns, &added).await?;
        let texts = ["id", "group_id", "state", "met_by"];
        self.update_set("duties", &Columns { texts: &texts, numbers: &["met_at"] }, &changed).await
    }

    /// When and by what something that isn't open ended.
    fn end<'f>(&self, state: DutyState, fact: &'f str) -> Option<(i64, &'f str)> {
        (state != DutyState::Open).then_some((self.now, fact))
    }

    /// What these change of the figures.
    async fn tally_duties(&mut self, changes: &[DutyChange]) -> Result<()> {
        let (mut subjects, mut residents, mut issues) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            let kind = change.kind();
            let open = |state: DutyState, group: &GroupKey| {
                (state == DutyState::Open).then_some(CountedDuty { kind, due_on: group.due_on })
            };
            let (key, issue) = match change {
                DutyChange::Add { duty, group } => {
                    self.tally_duty(None, open(duty.state, group));
                    (&duty.key, &duty.issue_id)
                }
                DutyChange::Change { standing, state, group } => {
                    let to = group.as_ref().unwrap_or(&standing.group);
                    self.tally_duty(open(standing.state, &standing.group), open(*state, to));
                    (&standing.key, &standing.group.issue_id)
                }
            };
            match kind {
                DutyKind::Visit => subjects.extend(whose(DutyKind::Visit, key)),
                DutyKind::Revisit => residents.extend(whose(DutyKind::Revisit, key)),
                DutyKind::Acknowledge => issues.extend(issue.as_deref()),
                _ => {}
            }
        }
        self.retally(Thing::Subject, subjects).await?;
        self.retally(Thing::Resident, residents).await?;
        self.retally(Thing::Issue, issues).await
    }

    /// Ends what a campaign that is over left open of its own, and frees the keys for the next one's.
    pub async fn archive_duties(&mut self, duties: &[Standing]) -> Result<()> {
        let Some(code) = self.plans.before().map(|plan| plan.code.clone()) else { return Ok(()) };
        for Standing { group, .. } in duties.iter().filter(|duty| duty.state == DutyState::Open) {
            let open = CountedDuty { kind: group.kind, due_on: group.due_on };
            self.tally_duty(Some(open), None);
        }
        for (thing, kind) in
            [(Thing::Subject, DutyKind::Visit), (Thing::Resident, DutyKind::Revisit)]
        {
            self.retally(thing, duties.iter().filter_map(|duty| whose(kind, &duty.key))).await?;
        }
        #[derive(Serialize)]
        struct Archived<'a> {
            id: &'a str,
        }
        let rows: Vec<Archived<'_>> = duties.iter().map(|duty| Archived { id: &duty.id }).collect();
        let source = self.dialect.rows(&["id"], &[]);
        let change = format!(
            "UPDATE duties SET duty_key = '{code}/' || duty_key,
               met_at = CASE WHEN state = 'open' THEN {now} ELSE met_at END,
               met_by = CASE WHEN state = 'open' THEN 'campaign ended' ELSE met_by END,
               state = CASE WHEN state = 'open' THEN 'cancelled' ELSE state END
             FROM {source} AS j WHERE duties.id = j.id",
            now = self.now()
        );
        self.write_set(&change, &rows).await
    }
}

/// Whose first visit, or revisit, a duty's key names.
fn whose(kind: DutyKind, key: &str) -> Option<&str> {
    key.split_once(':').filter(|(found, _)| *found == kind.code()).map(|(_, of)| of)
}

#[derive(Serialize)]
struct GroupRow<'g> {
    /// Its place in the list that is looked up, or its new id.
    id: String,
    kind: &'static str,
    role: &'static str,
    staff_id: Option<&'g str>,
    area_id: &'g str,
    issue_id: Option<&'g str>,
    due_on: String,
    next_step: i64,
    next_step_on: Option<String>,
    created_at: i64,
}

const GROUP_TEXTS: [&str; 8] =
    ["id", "kind", "role", "staff_id", "area_id", "issue_id", "due_on", "next_step_on"];

/// A group whose next step is told on another day.
#[derive(Serialize)]
struct MovedGroup<'g> {
    id: &'g str,
    next_step_on: Option<String>,
}

#[derive(Deserialize)]
struct FoundGroup {
    place: String,
    id: String,
    /// 1 where its next step is told on another day than the ladder now says.
    moved: i64,
}

impl Tx {
    /// The ids of groups of these keys, made where there are none. One that somebody has acknowledged takes nothing new.
    async fn groups_of(
        &mut self,
        keys: &[&GroupKey],
        ladder: &Ladder<'_>,
    ) -> Result<HashMap<GroupKey, String>> {
        let mut ids: HashMap<GroupKey, String> = HashMap::new();
        let mut asked = Vec::new();
        for key in keys {
            match self.groups.get(*key) {
                Some(id) => drop(ids.insert((*key).clone(), id.clone())),
                None => asked.push(*key),
            }
        }
        let found = self.find_groups(&asked, ladder).await?;
        let mut new = Vec::new();
        for key in asked {
            let id = found.get(key).cloned().unwrap_or_else(|| {
                let id = self.context.id();
                new.push(self.group_row(id.clone(), key, ladder));
                id
            });
            ids.insert(key.clone(), id);
        }
        let columns = Columns { texts: &GROUP_TEXTS, numbers: &["next_step", "created_at"] };
        self.insert_set("duty_groups", &columns, &new).await?;
        // An issue's own are few, and asked for once.
        let shared = ids.iter().filter(|(key, _)| key.issue_id.is_none());
        let shared: Vec<_> = shared.map(|(key, id)| (key.clone(), id.clone())).collect();
        self.groups.extend(shared);
        Ok(ids)
    }

    fn group_row<'g>(&self, id: String, key: &'g GroupKey, ladder: &Ladder<'_>) -> GroupRow<'g> {
        GroupRow {
            id,
            kind: key.kind.code(),
            role: key.role.code(),
            staff_id: key.staff_id.as_deref(),
            area_id: &key.area_id,
            issue_id: key.issue_id.as_deref(),
            due_on: key.due_on.to_string(),
            next_step: key.next_step,
            next_step_on: ladder.told_on(key).map(|on| on.to_string()),
            created_at: self.now(),
        }
    }

    /// Those that are there; a step that another ladder tells on another day is told on that.
    async fn find_groups(
        &mut self,
        keys: &[&GroupKey],
        ladder: &Ladder<'_>,
    ) -> Result<HashMap<GroupKey, String>> {
        let mut found = HashMap::new();
        // An issue that came in with this turn has none.
        let asked: Vec<&&GroupKey> = keys
            .iter()
            .filter(|key| {
                key.issue_id.as_ref().is_none_or(|issue| !self.new_issues.contains(issue))
            })
            .collect();
        let of_issues = "g.issue_id = j.issue_id AND g.area_id = j.area_id";
        // By what singles it out: an issue has a few groups, its area those of all of its issues.
        let of_others = "g.area_id = j.area_id AND g.issue_id IS NULL";
        for (is_of_issue, condition) in [(true, of_issues), (false, of_others)] {
            let some = asked.iter().filter(|key| key.issue_id.is_some() == is_of_issue);
            let some: Vec<&GroupKey> = some.map(|key| **key).collect();
            let rows: Vec<GroupRow<'_>> = some
                .iter()
                .enumerate()
                .map(|(place, key)| self.group_row(place.to_string(), key, ladder))
                .collect();
            if rows.is_empty() {
                continue;
            }
            let source = self.dialect.rows(&GROUP_TEXTS, &["next_step"]);
            let query = format!(
                "SELECT j.id AS place, MIN(g.id) AS id,
                   MAX(CASE WHEN COALESCE(g.next_step_on, '') <> COALESCE(j.next_step_on, '') THEN 1 ELSE 0 END) AS moved
                 FROM {source} AS j CROSS JOIN duty_groups g
                 WHERE g.kind = j.kind AND {condition} AND COALESCE(g.staff_id, '') = COALESCE(j.staff_id, '')
                   AND g.due_on = j.due_on AND g.next_step = j.next_step AND g.role = j.role
                   AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.group_id = g.id)
                 GROUP BY j.id"
            );
            let there: Vec<FoundGroup> =
                self.read_set(&["place", "id", "moved"], &query, &rows, &[]).await?;
            let place = |row: &FoundGroup| row.place.parse::<usize>().ok();
            let moved = there.iter().filter(|row| row.moved != 0).filter_map(|row| {
                let key = some.get(place(row)?)?;
                let next_step_on = ladder.told_on(key).map(|on| on.to_string());
                Some(MovedGroup { id: &row.id, next_step_on })
            });
            let moved: Vec<MovedGroup<'_>> = moved.collect();
            let columns = Columns { texts: &["id", "next_step_on"], numbers: &[] };
            self.update_set("duty_groups", &columns, &moved).await?;
            let pairs = there.into_iter().filter_map(|row| {
                let key = place(&row).and_then(|place| some.get(place))?;
                Some(((*key).clone(), row.id))
            });
            found.extend(pairs);
        }
        Ok(found)
    }
}

impl Store {
    /// The names of the areas that still owe a duty of their own.
    pub async fn areas_owing(&self, kind: DutyKind) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT COALESCE(a.code, a.name) FROM duties d JOIN duty_groups b ON b.id = d.group_id
             JOIN areas a ON a.id = b.area_id WHERE d.kind = $1 AND d.state = 'open' ORDER BY a.code, a.name",
        )
        .bind(kind.code())
        .fetch_all(&self.read)
        .await?)
    }

    /// What is owed, by kind: open, and open past its date. What each day asks for isn't owed before that day.
    pub async fn open_duties(&self, today: Date) -> Result<Vec<(DutyKind, i64, i64)>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT of_id, CAST(SUM(total) AS BIGINT), CAST(SUM(CASE WHEN day < $1 THEN total ELSE 0 END) AS BIGINT)
             FROM tallies WHERE dimension = 'duty_kind' AND NOT (of_id = $2 AND day > $1) GROUP BY of_id HAVING SUM(total) <> 0 ORDER BY of_id",
        )
        .bind(today.to_string())
        .bind(DutyKind::OF_EACH_DAY.code())
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(kind, open, late)| Ok((word("duties.kind", &kind, DutyKind::read)?, open, late)))
            .collect()
    }
}
