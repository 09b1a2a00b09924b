//! What the record holds that counts for something in the figures, read by sets: a few that change, or page by page all
//! there is. What each counts for is the domain's (domain/counted.rs).

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::personal::ERASED_KEY;
use super::projection::Projection;
use super::{Result, Session, date, word};
use crate::clock::township_date;
use crate::domain::counted::{
    CountedEntry, CountedIssue, CountedReferral, CountedResident, CountedSubject, Note, Reach,
    Thing, campaign_of,
};
use crate::domain::duty::{self, DutyKind, DutyState};
use crate::domain::figures::{Counted, Tally};
use crate::domain::issue::{Category, EventKind};
use crate::domain::staff::{AddressKind, Role};
use crate::domain::visit::Satisfaction;

/// How many are read at once where all are: so many that a statement costs nothing beside them, so few that memory stays
/// flat.
const PAGE: i64 = 4_000;

/// A row that says what something counts for.
trait CountedRow: DeserializeOwned {
    type Facts: Counted;
    const COLUMNS: &'static [&'static str];
    /// The column of its id, as the query names it.
    const ID: &'static str;
    /// Up to the condition.
    fn query() -> String;
    fn id(&self) -> &str;
    fn facts(self) -> Result<Self::Facts>;
}

impl Session {
    /// What these things (a JSON list of ids) count for now, so many times.
    pub(super) async fn count_among(
        &mut self,
        thing: Thing,
        ids: &str,
        tally: &mut Tally,
        times: i64,
    ) -> Result<()> {
        match thing {
            Thing::Subject => self.among::<SubjectRow>(ids, tally, times).await,
            Thing::Resident => self.among::<ResidentRow>(ids, tally, times).await,
            Thing::Issue => self.among::<IssueRow>(ids, tally, times).await,
            Thing::Entry => self.among::<EntryRow>(ids, tally, times).await,
            Thing::Referral => self.among::<ReferralRow>(ids, tally, times).await,
            Thing::Staff => {
                let reaches = self.reaches(Some(ids)).await?;
                tally.count(&reaches, times);
                Ok(())
            }
        }
    }

    async fn among<R: CountedRow>(
        &mut self,
        ids: &str,
        tally: &mut Tally,
        times: i64,
    ) -> Result<()> {
        let query = format!("{} WHERE {} {}", R::query(), R::ID, self.dialect.among());
        let rows: Vec<R> = self.read_rows(R::COLUMNS, &query, &[ids.into()]).await?;
        for row in rows {
            row.facts()?.count(tally, times);
        }
        Ok(())
    }

    /// What everything that is counted one by one counts for.
    pub(super) async fn count_all_things(&mut self, tally: &mut Tally) -> Result<()> {
        self.count_all::<SubjectRow>(tally).await?;
        self.count_all::<ResidentRow>(tally).await?;
        self.count_all::<IssueRow>(tally).await?;
        self.count_all::<ReferralRow>(tally).await?;
        tally.count(&self.reaches(None).await?, 1);
        Ok(())
    }

    async fn count_all<R: CountedRow>(&mut self, tally: &mut Tally) -> Result<()> {
        let (query, id) = (R::query(), R::ID);
        let page = format!("{query} WHERE {id} > $1 ORDER BY {id} LIMIT {PAGE}");
        let mut after = String::new();
        loop {
            let rows: Vec<R> = self.read_rows(R::COLUMNS, &page, &[after.into()]).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id().to_owned();
            for row in rows {
                row.facts()?.count(tally, 1);
            }
        }
    }

    /// How these people, or all, can be reached.
    async fn reaches(&mut self, ids: Option<&str>) -> Result<Vec<Reach>> {
        let whose = match ids {
            Some(_) => format!("WHERE s.id {}", self.dialect.among()),
            None => "WHERE $1 = ''".to_owned(),
        };
        let query = format!(
            "SELECT s.id, CASE WHEN s.phone_sealed IS NULL THEN 0 ELSE 1 END AS phone,
               CASE WHEN s.email_sealed IS NULL THEN 0 ELSE 1 END AS email,
               CASE WHEN s.wecom_sealed IS NULL THEN 0 ELSE 1 END AS wecom,
               CASE WHEN s.feishu_sealed IS NULL THEN 0 ELSE 1 END AS feishu, d.channel
             FROM staff s LEFT JOIN dead_addresses d ON d.staff_id = s.id {whose}"
        );
        let columns = ["id", "phone", "email", "wecom", "feishu", "channel"];
        let list = ids.unwrap_or_default().into();
        let rows: Vec<ReachRow> = self.read_rows(&columns, &query, &[list]).await?;
        let mut reaches: BTreeMap<String, Reach> = BTreeMap::new();
        for row in rows {
            let addresses = row.addresses();
            let reach = reaches.entry(row.id).or_default();
            reach.addresses = addresses;
            reach.dead.extend(row.channel);
        }
        Ok(reaches.into_values().collect())
    }

    /// What these outbox entries (a JSON list of ids) count for, by their ids.
    pub(super) async fn counted_entries(
        &mut self,
        ids: &str,
    ) -> Result<HashMap<String, CountedEntry>> {
        let query = format!("{} WHERE id {}", EntryRow::query(), self.dialect.among());
        let columns = EntryRow::COLUMNS;
        let rows: Vec<EntryRow> = self.read_rows(columns, &query, &[ids.into()]).await?;
        rows.into_iter().map(|row| Ok((row.id.clone(), row.facts()?))).collect()
    }

    /// The outbox's entries, as many of each as there are that count for the same.
    pub(super) async fn count_entries(&mut self, tally: &mut Tally) -> Result<()> {
        // Those that aren't owed any more count the same whenever they came to be.
        let query = "SELECT lane, state, unsure, leased, created_at, COUNT(*) AS times FROM (
               SELECT lane, state, CASE WHEN unknown_since IS NULL THEN 0 ELSE 1 END AS unsure,
                 CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END AS leased,
                 CASE WHEN state IN ('ready', 'handed', 'held') THEN created_at / 60000 * 60000 ELSE 0 END AS created_at
               FROM outbox) AS entries
             GROUP BY lane, state, unsure, leased, created_at";
        let columns = ["lane", "state", "unsure", "leased", "created_at", "times"];
        for row in self.read_rows::<EntryRow>(&columns, query, &[]).await? {
            let times = row.times;
            row.facts()?.count(tally, times);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct SubjectRow {
    id: String,
    area: String,
    visitor: Option<String>,
    visited: i64,
    ended_on: Option<String>,
}

impl CountedRow for SubjectRow {
    type Facts = CountedSubject;
    const COLUMNS: &'static [&'static str] = &["id", "area", "visitor", "visited", "ended_on"];
    const ID: &'static str = "s.id";

    fn query() -> String {
        format!(
            "SELECT s.id, s.area_id AS area, a.staff_id AS visitor, CASE WHEN d.state = 'met' THEN 1 ELSE 0 END AS visited, s.ended_on
             FROM subjects s LEFT JOIN assignments a ON a.subject_id = s.id
             LEFT JOIN duties d ON d.duty_key = '{}' || s.id",
            duty::key(DutyKind::Visit, "", 1)
        )
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn facts(self) -> Result<CountedSubject> {
        let ended = self.ended_on.as_deref().map(|on| date("subjects.ended_on", on));
        Ok(CountedSubject {
            area: self.area,
            visitor: self.visitor,
            visited: self.visited != 0,
            ended: ended.transpose()?,
        })
    }
}

#[derive(Deserialize)]
struct ResidentRow {
    id: String,
    area: String,
    visitor: Option<String>,
    met: Option<String>,
    revisited: Option<String>,
    revisit: Option<String>,
    answered_on: Option<String>,
    answer: Option<String>,
    /// A bit for each, in the order of [`Category::ALL`].
    categories: Option<i64>,
    /// Since when their subject isn't visited any more, where they weren't erased.
    ended: Option<String>,
}

impl CountedRow for ResidentRow {
    type Facts = CountedResident;
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "area",
        "visitor",
        "met",
        "revisited",
        "revisit",
        "answered_on",
        "answer",
        "categories",
        "ended",
    ];
    const ID: &'static str = "r.id";

    fn query() -> String {
        let bits = Category::ALL.iter().enumerate();
        let bits: Vec<String> =
            bits.map(|(place, of)| format!("WHEN '{}' THEN {}", of.code(), 1 << place)).collect();
        format!(
            "SELECT r.id, s.area_id AS area, a.staff_id AS visitor,
               (SELECT MAX(w.visited_on) FROM visits w WHERE w.resident_id = r.id AND w.kind = 'first') AS met,
               (SELECT MAX(w.visited_on) FROM visits w WHERE w.resident_id = r.id AND w.kind = 'revisit') AS revisited,
               d.state AS revisit,
               v.visited_on AS answered_on, v.satisfaction AS answer,
               (SELECT SUM(DISTINCT CASE i.category {} END) FROM issues i
                WHERE i.resident_id = r.id AND i.state <> 'void') AS categories,
               CASE WHEN r.natural_key NOT LIKE '{ERASED_KEY}%' THEN s.ended_on END AS ended
             FROM residents r JOIN subjects s ON s.id = r.subject_id LEFT JOIN assignments a ON a.subject_id = s.id
             LEFT JOIN duties d ON d.duty_key = '{}' || r.id
             LEFT JOIN visits v ON v.id = (SELECT w.id FROM visits w WHERE w.resident_id = r.id AND w.kind = 'revisit'
               AND w.satisfaction IS NOT NULL ORDER BY w.visited_on DESC, w.id DESC LIMIT 1)",
            bits.join(" "),
            duty::key(DutyKind::Revisit, "", 1)
        )
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn facts(self) -> Result<CountedResident> {
        let answer = match (&self.answered_on, &self.answer) {
            (Some(on), Some(answer)) => {
                let answer = word("visits.satisfaction", answer, Satisfaction::read)?;
                Some((date("visits.visited_on", on)?, answer.closes()))
            }
            _ => None,
        };
        let revisit =
            self.revisit.as_deref().map(|state| word("duties.state", state, DutyState::read));
        let revisit = revisit.transpose()?;
        let is_cancelled = revisit == Some(DutyState::Cancelled);
        let bits = self.categories.unwrap_or(0);
        let day = |on: Option<String>| on.map(|on| date("visits.visited_on", &on)).transpose();
        let asked = |(place, of): (usize, &Category)| (bits >> place & 1 == 1).then_some(*of);
        let met = day(self.met)?;
        let ended = self.ended.map(|on| date("subjects.ended_on", &on)).transpose()?;
        // What was owed in this campaign ended in it, though they were heard in an earlier one.
        let left = |ended: Date| met.map(|met| if is_cancelled { met.max(ended) } else { met });
        let revisit = revisit
            .filter(|state| *state != DutyState::Cancelled)
            .map(|state| state == DutyState::Met);
        Ok(CountedResident {
            area: self.area,
            visitor: self.visitor,
            ended: ended.and_then(left).filter(|_| revisit.is_none()),
            met,
            revisited: day(self.revisited)?,
            revisit,
            answer,
            categories: Category::ALL.iter().enumerate().filter_map(asked).collect(),
        })
    }
}

#[derive(Deserialize)]
struct IssueRow {
    id: String,
    number: String,
    area: String,
    visitor: Option<String>,
    #[serde(flatten)]
    projection: Projection,
    due_on: Option<String>,
    note_due_on: Option<String>,
    noted_at: Option<i64>,
    reopened: i64,
    mediated: i64,
    agreed: i64,
}

impl CountedRow for IssueRow {
    type Facts = CountedIssue;
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "number",
        "area",
        "visitor",
        "state",
        "round",
        "level",
        "category",
        "urgency",
        "town_finished",
        "platform_finished",
        "due_on",
        "note_due_on",
        "noted_at",
        "reopened",
        "mediated",
        "agreed",
    ];
    const ID: &'static str = "i.id";

    fn query() -> String {
        format!(
            "SELECT i.id, i.number, i.area_id AS area, a.staff_id AS visitor, i.state, i.round, i.level, i.category, i.urgency,
               i.town_finished, i.platform_finished, i.due_on, b.due_on AS note_due_on,
               (SELECT MIN(n.at) FROM issue_events n WHERE n.issue_id = i.id AND n.kind = '{}' AND n.role = '{}') AS noted_at,
               CASE WHEN EXISTS (SELECT 1 FROM issue_events e WHERE e.issue_id = i.id AND e.kind IN ('reopened', 'platform_reopened'))
                 THEN 1 ELSE 0 END AS reopened,
               CASE WHEN EXISTS (SELECT 1 FROM mediations m WHERE m.issue_id = i.id) THEN 1 ELSE 0 END AS mediated,
               CASE WHEN EXISTS (SELECT 1 FROM mediations m WHERE m.issue_id = i.id AND m.agreement_sealed IS NOT NULL)
                 THEN 1 ELSE 0 END AS agreed
             FROM issues i LEFT JOIN assignments a ON a.subject_id = i.subject_id
             LEFT JOIN duties d ON d.duty_key = '{}' || i.id || '/{}'
             LEFT JOIN duty_groups b ON b.id = d.group_id",
            EventKind::Acknowledged.code(),
            Role::GridMember.code(),
            duty::key(DutyKind::Acknowledge, "", 1),
            Role::GridMember.code()
        )
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn facts(self) -> Result<CountedIssue> {
        let noted_on = self.noted_at.map(township_date);
        let due_on = self.note_due_on.as_deref().map(|on| date("duty_groups.due_on", on));
        Ok(CountedIssue {
            campaign: campaign_of(&self.number).to_owned(),
            area: self.area,
            visitor: self.visitor,
            issue: self.projection.issue()?,
            due_on: self.due_on.as_deref().map(|on| date("issues.due_on", on)).transpose()?,
            note: due_on.transpose()?.map(|due_on| Note { due_on, noted_on }),
            reopened: self.reopened != 0,
            mediated: self.mediated != 0,
            agreed: self.agreed != 0,
        })
    }
}

#[derive(Deserialize)]
struct EntryRow {
    #[serde(default)]
    id: String,
    lane: String,
    state: String,
    unsure: i64,
    leased: i64,
    created_at: i64,
    /// How many they are, where they are read as many of a kind.
    #[serde(default)]
    times: i64,
}

impl CountedRow for EntryRow {
    type Facts = CountedEntry;
    const COLUMNS: &'static [&'static str] =
        &["id", "lane", "state", "unsure", "leased", "created_at"];
    const ID: &'static str = "id";

    fn query() -> String {
        "SELECT id, lane, state, CASE WHEN unknown_since IS NULL THEN 0 ELSE 1 END AS unsure,
           CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END AS leased, created_at FROM outbox"
            .to_owned()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn facts(self) -> Result<CountedEntry> {
        Ok(CountedEntry {
            lane: self.lane,
            state: self.state,
            unknown: self.unsure != 0,
            leased: self.leased != 0,
            created_at: self.created_at,
        })
    }
}

#[derive(Deserialize)]
struct ReferralRow {
    id: String,
    state: String,
    unanswered: i64,
}

impl CountedRow for ReferralRow {
    type Facts = CountedReferral;
    const COLUMNS: &'static [&'static str] = &["id", "state", "unanswered"];
    const ID: &'static str = "r.id";

    fn query() -> String {
        "SELECT r.id, r.state, CASE WHEN r.state = 'open' AND EXISTS (
             SELECT 1 FROM referral_numbers n
             JOIN referral_updates u ON u.lane = n.lane AND u.remote_id = n.remote_id AND u.at = n.said_at
               AND u.received_at = COALESCE(n.heard_at, u.received_at)
             WHERE n.referral_id = r.id AND n.state = 'current' AND u.status = 'resolved' AND TRIM(u.body) = '')
           THEN 1 ELSE 0 END AS unanswered FROM referrals r"
            .to_owned()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn facts(self) -> Result<CountedReferral> {
        Ok(CountedReferral { state: self.state, unanswered: self.unanswered != 0 })
    }
}

#[derive(Deserialize)]
struct ReachRow {
    id: String,
    phone: i64,
    email: i64,
    wecom: i64,
    feishu: i64,
    channel: Option<String>,
}

impl ReachRow {
    fn addresses(&self) -> Vec<AddressKind> {
        let all = [
            (AddressKind::Phone, self.phone),
            (AddressKind::Email, self.email),
            (AddressKind::WeCom, self.wecom),
            (AddressKind::Feishu, self.feishu),
        ];
        all.into_iter().filter(|(_, has)| *has != 0).map(|(kind, _)| kind).collect()
    }
}
