//! Controls: of what a receiver is known to have, that which is nearest to an entry of unknown fate.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Result, Store};
use crate::domain::delivery::Entry;
use crate::domain::delivery::search::{Control, Subject};
use crate::domain::issue::Category;
use crate::domain::referral::{message_reference, photo_reference};

#[derive(Deserialize)]
struct Row {
    reference: String,
    remote_id: String,
    /// A message's sequence, or a photo's place.
    part: i64,
    /// Empty for what is no referral.
    category: String,
    state: String,
    since: i64,
    at: i64,
}

/// The columns of a [`Row`].
const ROW: [&str; 7] = ["reference", "remote_id", "part", "category", "state", "since", "at"];
/// When it was first sent.
const SINCE: &str = "COALESCE((SELECT MIN(o.first_attempt_at) FROM outbox o WHERE o.target_id = t.id), t.delivered_at) AS since";
/// How many are taken on each side.
const NEAREST: i64 = 3;
/// Among how many of those before it one of its own category is looked for that the platform is at still.
const OF_ITS_KIND: i64 = 200;

impl Store {
    /// What is known to be there of the same kind, delivered before and after it, the newest first.
    pub async fn controls(&self, entry: &Entry) -> Result<Vec<Control>> {
        // Ids are in the order of time, so that the nearest are found without reading others.
        let (columns, source) = match entry.kind.as_str() {
            "message" => (
                "r.reference, r.remote_id, t.sequence AS part, '' AS category, r.state",
                "messages t JOIN referrals r ON r.id = t.referral_id",
            ),
            "photo" => (
                "r.reference, r.remote_id, p.place AS part, '' AS category, r.state",
                "referral_photos t JOIN referrals r ON r.id = t.referral_id JOIN photos p ON p.id = t.photo_id",
            ),
            _ => (
                "t.reference, t.remote_id, 0 AS part, i.category, t.state",
                "referrals t JOIN issues i ON i.id = t.issue_id",
            ),
        };
        let of_lane = if entry.kind == "referral" { "t.lane = $2" } else { "r.lane = $2" };
        let near = |is: &str, order: &str, limit: i64, name: &str| {
            format!(
                "(SELECT t.id, {columns}, {SINCE}, t.delivered_at AS at FROM {source} WHERE t.id {is} $1 AND {of_lane} AND t.delivered_at IS NOT NULL
                   AND remote_id IS NOT NULL ORDER BY t.id {order} LIMIT {limit}) AS {name}"
            )
        };
        let side = |is: &str, order: &str, name: &str| {
            format!("SELECT * FROM {}", near(is, order, NEAREST, name))
        };
        // The last of all shows how far behind a list may be.
        let mut sides =
            vec![side(">", "ASC", "after"), side("<", "DESC", "before"), side(">", "DESC", "last")];
        if entry.kind == "referral" {
            // What is of its own category shows whether that is listed at all.
            let own = near("<", "DESC", OF_ITS_KIND, "own");
            sides.push(format!(
                "SELECT * FROM (SELECT * FROM {own} WHERE own.state = 'open' AND own.category = (SELECT i.category FROM issues i
                   JOIN referrals r ON r.issue_id = i.id WHERE r.id = $1) ORDER BY own.id DESC LIMIT 2) AS nearest_own"
            ));
        }
        let read = sides.join(" UNION ");
        let lane = self.context.platform_lane.as_str();
        let of = [entry.target_id.as_str().into(), lane.into()];
        let rows: Vec<Row> = self.dialect.read(&self.read, &ROW, &read, &of).await?;
        let mut controls: Vec<Control> =
            rows.into_iter().filter_map(|row| row.read(&entry.kind)).collect();
        controls.sort_by_key(|control| std::cmp::Reverse(control.at));
        Ok(controls)
    }
}

impl Row {
    fn read(self, kind: &str) -> Option<Control> {
        let Row { reference, remote_id, part, category, state, since, at } = self;
        let since = Timestamp::from_millisecond(since).ok()?;
        let at = Timestamp::from_millisecond(at).ok()?;
        let (reference, number) = match kind {
            "message" => (message_reference(&reference, part), None),
            "photo" => (photo_reference(&reference, part), None),
            _ => (reference, Some(remote_id.clone())),
        };
        let (category, is_open) = (Category::read(&category), state == "open");
        let subject = Subject { reference, remote_id };
        Some(Control { subject, category, is_open, number, since, at })
    }
}
