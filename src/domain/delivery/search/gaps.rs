//! What a list leaves out though it shows what came later: an index that is filled out of order, matters that somebody approves
//! one by one, a category that is never listed. And how old what was read is, where a cache on the way had kept it.

use jiff::{SignedDuration, Timestamp};

use super::{Control, Gap, Search, SearchResult, ZONES};

/// So many times as long as was seen may it be: what was seen is the least.
const AT_MOST: i32 = 2;
/// Where a look has taken more questions than this, the platform's lists are long: none is asked for one of the same category alone.
const LONG: usize = super::MOST_QUESTIONS / 4;

const KEPT: &str =
    "平台的答复是中间的缓存在这一件发出以前留下的，没列出来不等于没收到：请让缓存放过这个接口";
const DISORDER: &str = "平台的清单里没有，而它的清单不按先后：确知送达的曾经没有列出来，更晚的却先列了，要再等一段时间才能断定";
const OMITS: &str = "平台的清单里没有，而同一类别确知送达的也没有列出来，多半这一类的都不列出，没列出来不等于没收到：请到平台上核对";

impl Search<'_> {
    /// When what was read was so.
    fn as_of(&self) -> Timestamp {
        let now = self.sought.lag.now;
        now.checked_sub(self.oldest).unwrap_or(Timestamp::MIN)
    }

    /// What came to nothing because a cache gave what it had kept since before it was sent.
    pub(super) fn kept_before(&self) -> Option<SearchResult> {
        let is_older = !self.oldest.is_zero() && self.as_of() <= self.sought.sent;
        is_older.then(|| SearchResult::Unproven(KEPT.to_owned()))
    }

    /// Absence, unless the list may be behind. One that shows what came after the attempt isn't, but where it's known to be out of
    /// order; another is behind by no more than the age of the newest that it has shown to any look for this one, and what was
    /// sent that long ago would stand in it.
    pub(super) fn unless_behind(&self, newest: Timestamp) -> SearchResult {
        let (sent, lag, now) = (self.sought.sent, self.sought.lag, self.as_of());
        // Nothing is from the future but by a clock that was ahead.
        let newest = Some(newest).filter(|newest| *newest <= lag.now);
        let is_later = newest.is_some_and(|newest| newest >= sent);
        let known = lag.shown.unwrap_or(lag.longest).min(lag.longest);
        let disorder = lag.gaps.behind.saturating_mul(AT_MOST).min(lag.longest);
        let least = if is_later { disorder } else { known.max(disorder) };
        // What shows something later is no older than that.
        if least.is_zero() || now.duration_since(sent) >= least {
            return SearchResult::Absent;
        }
        if is_later {
            return SearchResult::TooEarly { why: DISORDER.to_owned(), lag: lag.shown };
        }
        let lag = newest.map(|newest| now.duration_since(newest).min(known)).or(lag.shown);
        SearchResult::TooEarly { why: super::BEHIND.to_owned(), lag }
    }

    /// What lies within what was read and wasn't shown: others may have been left out, too.
    pub(super) fn leaves_out(&self) -> Option<SearchResult> {
        let zones = SignedDuration::try_from(ZONES).unwrap_or_default();
        let within = |control: &Control| {
            !self.ways.window
                || control.since.duration_since(self.sought.from) >= zones
                    && self.sought.to.duration_since(control.at) >= zones
        };
        let as_of = self.as_of();
        let controls = || self.sought.controls.iter().zip(&self.shown);
        let left_out = || {
            let unseen = controls().filter(|(_, shown)| !**shown).map(|(control, _)| control);
            unseen.filter(|control| self.is_list && within(control) && control.at <= as_of)
        };
        let first = left_out().next()?;
        let shown = first.number.as_ref().unwrap_or(&first.subject.reference);
        let why = format!("平台的清单不全：确知送达的 {shown} 也没有列出来");
        // What is closed may be listed no more, and of what is old only the newest: that's no disorder.
        let listed = controls().filter(|(_, shown)| **shown).map(|(control, _)| control.since);
        let span = listed.clone().min().zip(listed.max());
        let passed = left_out().filter(|control| {
            let is_between = |(oldest, newest)| oldest < control.at && control.at < newest;
            control.is_open && span.is_some_and(is_between)
        });
        Some(match passed.min_by_key(|control| control.at) {
            None => SearchResult::Unproven(why),
            Some(oldest) => {
                let (reference, category) = (oldest.subject.reference.clone(), oldest.category);
                let behind = as_of.duration_since(oldest.at);
                SearchResult::LeavesOut { why, gap: Gap { reference, category, behind } }
            }
        })
    }

    /// What of the same category is still to be asked for, where none of it was shown though some is known to be there and open.
    pub(super) fn own_kind(&self) -> Result<Option<usize>, SearchResult> {
        let sought = self.sought;
        let is_own = |control: &Control| {
            control.is_open && control.category.is_some() && control.category == sought.category
        };
        let own = sought.controls.iter().enumerate().filter(|(_, control)| is_own(control));
        let own: Vec<usize> = own.map(|(place, _)| place).collect();
        if own.iter().any(|place| self.shown[*place]) {
            return Ok(None);
        }
        match own.iter().find(|place| !self.asked_control[**place]) {
            Some(_) if self.questions > LONG && !sought.lag.gaps.omits => Ok(None),
            Some(place) => Ok(Some(*place)),
            None if own.is_empty() && !sought.lag.gaps.omits => Ok(None),
            None => Err(SearchResult::Unproven(OMITS.to_owned())),
        }
    }
}
