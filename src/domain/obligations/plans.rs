//! The plans that were applied: which was in effect when, and which gives an issue its dates.

use std::sync::Arc;

use jiff::civil::Date;

use crate::domain::campaign::Campaign;
use crate::domain::visit::VisitKind;

/// The plans that were applied, oldest first, with the time of each in milliseconds; the last one holds.
#[derive(Debug, Clone)]
pub struct Plans {
    earlier: Vec<(i64, Arc<Campaign>)>,
    last: (i64, Arc<Campaign>),
}

/// How the plan of the configured file stands to the one in effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlanFile {
    #[default]
    InEffect,
    /// It was in effect before another took its place.
    OfBefore,
    Differs,
}

impl PlanFile {
    /// What is wrong with it, and what to do.
    pub const fn cure(self) -> Option<&'static str> {
        match self {
            PlanFile::InEffect => None,
            PlanFile::OfBefore => Some(
                "campaign.file 里还是以前的方案，现在生效的是后来的那一份：请把 campaign.file 改成生效的那份文件；不要用 zoufang campaign apply，那会退回以前的",
            ),
            PlanFile::Differs => Some(
                "方案文件与生效的方案不同：请用 zoufang campaign plan 查看变化，用 zoufang campaign apply 使它生效",
            ),
        }
    }
}

/// Why a plan can't be made the one in effect, or not without a word more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unapplied {
    /// The campaign of this code is over: the one of the other has taken its place.
    Over { code: String, now: String },
    /// It would end the campaign of this name, which runs to this day.
    Ends { now: String, last_day: Date },
}

impl std::fmt::Display for Unapplied {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unapplied::Over { code, now } => write!(
                to,
                "方案 {code} 已经结束，现在生效的是接着它的 {now}，不能退回去：请看 campaign.file（或 --file）写的是不是以前的那一份；要开始新的活动，请另取一个方案代号（code）"
            ),
            Unapplied::Ends { now, last_day } => write!(
                to,
                "「{now}」到 {last_day} 才结束，使新的活动生效会马上终止它没有完成的任务，不能恢复：请等它结束以后再使新的生效；确实要提前结束它，请加 --end-current"
            ),
        }
    }
}

impl Plans {
    /// Why this plan can't take the place of the one in effect, if it can't.
    pub fn unapplied(&self, plan: &Campaign, today: Date) -> Option<Unapplied> {
        let now = self.now();
        if self.is_over(&plan.code) {
            return Some(Unapplied::Over { code: plan.code.clone(), now: now.code.clone() });
        }
        let last_day = now.last_day();
        let ends = plan.code != now.code && today <= last_day;
        ends.then(|| Unapplied::Ends { now: now.name.clone(), last_day })
    }

    /// The campaign of before to which a day belongs that ended at `end`, in milliseconds: another was in effect then, and the
    /// present one hadn't begun.
    pub fn earlier_on(&self, day: Date, end: i64) -> Option<&Campaign> {
        let now = self.now();
        let earlier = end <= self.began() && day < now.starts_on();
        earlier.then(|| self.at(end.saturating_sub(1)))
    }

    /// The only plan so far.
    pub fn first(at: i64, plan: Arc<Campaign>) -> Plans {
        Plans { earlier: Vec::new(), last: (at, plan) }
    }

    /// These and one more, which holds from `at` on.
    #[must_use]
    pub fn followed_by(&self, at: i64, plan: Arc<Campaign>) -> Plans {
        let mut earlier = self.earlier.clone();
        earlier.push(self.last.clone());
        Plans { earlier, last: (at, plan) }
    }

    /// The one in effect.
    pub fn now(&self) -> &Arc<Campaign> {
        &self.last.1
    }

    /// The number of the one in effect, from 1 on.
    pub fn version(&self) -> i64 {
        i64::try_from(self.earlier.len()).map_or(i64::MAX, |earlier| earlier.saturating_add(1))
    }

    /// The one before it.
    pub fn before(&self) -> Option<&Campaign> {
        self.earlier.last().map(|(_, plan)| &**plan)
    }

    /// Whether a campaign of this code was in effect before another took its place.
    pub fn is_over(&self, code: &str) -> bool {
        code != self.last.1.code && self.earlier.iter().any(|(_, plan)| plan.code == code)
    }

    /// Whether this very plan was in effect before the one that is.
    pub fn held_before(&self, plan: &Campaign) -> bool {
        self.earlier.iter().any(|(_, earlier)| **earlier == *plan)
    }

    /// The one that was in effect at an instant; before the first was applied, the first.
    pub fn at(&self, at: i64) -> &Campaign {
        let mut all = self.all().rev();
        let applied = all.find(|(from, _)| *from <= at);
        applied.or_else(|| self.all().next()).map_or(&*self.last.1, |(_, plan)| plan)
    }

    /// The one that gives an issue its dates: the last of the campaign whose code opens its number.
    pub fn of_issue(&self, number: &str) -> &Campaign {
        let code = number.rsplit_once('-').map_or(number, |(code, _)| code);
        let own = self.all().rev().find(|(_, plan)| plan.code == code);
        own.map_or(&*self.last.1, |(_, plan)| plan)
    }

    /// Since when the campaign is the present one: what was owed before it, but for issues, has ended.
    pub fn began(&self) -> i64 {
        let code = &self.last.1.code;
        let others = self.all().take_while(|(_, plan)| plan.code != *code).count();
        let since = self.all().skip(others).find(|(_, plan)| plan.code == *code);
        if others == 0 { i64::MIN } else { since.map_or(i64::MIN, |(from, _)| *from) }
    }

    /// Since which day a visit of this kind may have been made to be recorded: the campaign's first; a revisit since that of the one
    /// before, as what was resolved in it goes on.
    pub fn visited_since(&self, kind: VisitKind) -> Date {
        let own = self.last.1.starts_on();
        let before = self.codes().get(1).and_then(|code| self.named(code));
        match kind {
            VisitKind::Revisit => before.map_or(own, |before| before.starts_on().min(own)),
            VisitKind::First | VisitKind::SpotCheck => own,
        }
    }

    /// Since when the present campaign asks for an inspection on each workday, where it does: from its first day, where it always
    /// did; else from the day on which a plan that asks for it was applied.
    /// In milliseconds.
    pub fn inspected_daily_since(&self) -> Option<i64> {
        let code = &self.last.1.code;
        let of_campaign = self.all().filter(|(_, plan)| plan.code == *code);
        let plans: Vec<_> = of_campaign.collect();
        let asks = |(_, plan): &&&(i64, Arc<Campaign>)| plan.daily_inspection;
        // What asks for it without a break until now.
        let since = plans.iter().rev().take_while(asks).last()?;
        let always = plans.iter().all(|plan| asks(&plan));
        Some(if always { i64::MIN } else { since.0 })
    }

    /// The campaign that somebody names: by its code, by its name, or by a day on which it ran; of those that several name the
    /// latest, as its last plan has it.
    pub fn named(&self, text: &str) -> Option<&Campaign> {
        let day = text.parse::<Date>().ok();
        let ran = |plan: &Campaign| {
            day.is_some_and(|day| plan.starts_on() <= day && day <= plan.last_day())
        };
        let mut all = self.all().rev().map(|(_, plan)| &**plan);
        let named = all.find(|plan| plan.code == text || plan.name == text || ran(plan))?;
        let mut all = self.all().rev().map(|(_, plan)| &**plan);
        all.find(|plan| plan.code == named.code)
    }

    /// The days of a campaign that is over: its first, and the first of the one that followed.
    pub fn days_of(&self, code: &str) -> Option<(Date, Date)> {
        // Going back from the last one: the earliest of those that came after its own.
        let (_, next) = self.all().rev().take_while(|(_, plan)| plan.code != code).last()?;
        Some((self.named(code)?.starts_on(), self.named(&next.code)?.starts_on()))
    }

    /// The codes of the campaigns that there were, the latest first.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.all().rev().map(|(_, plan)| plan.code.as_str()).collect();
        codes.dedup();
        codes
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = &(i64, Arc<Campaign>)> {
        self.earlier.iter().chain([&self.last])
    }
}
