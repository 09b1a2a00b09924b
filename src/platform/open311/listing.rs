//! The platform's lists, in which something is looked for.

use async_trait::async_trait;

use super::super::interface::NoContact;
use super::super::look::{Question, look, unheard};
use super::super::records::{Record, read_list};
use super::{Open311, whole_seconds};
use crate::delivery::http::TOO_LONG;
use crate::domain::delivery::NO_CONTROL;
use crate::domain::delivery::search::{Listed, Pages, Query, Reply, SearchResult, Sought, Ways};
use crate::domain::following::names_one;

/// GeoReport servers are known to cut at 20, 50, 100 … 1000.
const SHORTEST_CUT: usize = 20;

impl Open311 {
    /// One list of the platform's in which something is looked for.
    pub(super) const fn listing<'l>(&'l self, list: &'l str, key: &'l str) -> Listing<'l> {
        Listing { adapter: self, list, key, status: None }
    }

    /// Looks among what is closed alone: some list only what is open where nothing is asked for. What isn't there either is
    /// absent, as the list of all has shown.
    pub(super) async fn find_closed(&self, sought: &Sought) -> Result<SearchResult, NoContact> {
        let listing =
            Listing { status: Some("closed"), ..self.listing("requests", "service_request_id") };
        let sought = Sought { controls: Vec::new(), ..sought.clone() };
        Ok(match look(&listing, &sought).await? {
            SearchResult::Unproven(why) if why == NO_CONTROL => SearchResult::Absent,
            // It doesn't know such a question.
            SearchResult::Mute { .. } => SearchResult::Absent,
            seen => seen,
        })
    }
}

/// GET requests or servicerequestupdates, by the time of receipt.
pub(super) struct Listing<'l> {
    adapter: &'l Open311,
    list: &'l str,
    /// The field that tells one from another.
    key: &'l str,
    /// Only those that stand so.
    status: Option<&'static str>,
}

#[async_trait]
impl Question for Listing<'_> {
    fn ways(&self) -> Ways {
        // Pages aren't in the specification; most servers that cut a list have them.
        Ways { by_subject: false, pages: Pages::Optional, window: true, shortest_cut: SHORTEST_CUT }
    }

    async fn ask(&self, query: &Query) -> Result<Reply, NoContact> {
        let (from, to) = (whole_seconds(query.from), whole_seconds(query.to));
        let page = query.page.map(|page| page.to_string());
        let mut asked = vec![("start_date", from.as_str()), ("end_date", &to)];
        asked.extend(self.status.map(|status| ("status", status)));
        asked.extend(page.iter().map(|page| ("page", page.as_str())));
        let answer = match self.adapter.ask(self.adapter.get(self.list, &asked)).await {
            Ok(answer) => answer,
            Err(none) if none.reason.starts_with(TOO_LONG) => return Ok(Reply::TooLong),
            Err(none) => return Err(none.into()),
        };
        if !answer.status.is_success() {
            return unheard(&answer, &self.adapter.words(&answer), self.adapter.speaks(&answer));
        }
        let records = match read_list(&answer.body, self.adapter.format) {
            Ok(records) => records,
            // It doesn't know how to ask for what is closed.
            Err(why) if self.status.is_some() => {
                return Ok(Reply::Refused { why, by_itself: true });
            }
            Err(why) => return Err(NoContact::because(why)),
        };
        let listed = |record: &Record| Listed {
            key: record.get(self.key).cloned().unwrap_or_else(|| format!("{record:?}")),
            number: record.get("service_request_id").filter(|number| names_one(number)).cloned(),
            words: record.get("description").cloned(),
        };
        let things = records.iter().map(listed).collect();
        let age = self.adapter.clock.in_real_time(answer.age);
        Ok(Reply::Page { things, total: None, age })
    }
}
