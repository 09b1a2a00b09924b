//! 走访率、响应率、解决率、满意率 and every other count that somebody sees (docs/figures.md). Numbers are kept, and change
//! with what they count by [`Tally::change`]; what each thing counts for is in counted.rs.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::words;

/// What the rates are made of; it adds up over areas and people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Subjects, also those that nobody was assigned yet, and those of them whose first visit is complete. Those that ended before
    /// they were visited (迁出、去世、停业、重复) are none of them.
    pub subjects: i64,
    pub visited: i64,
    #[serde(default)]
    pub ended: i64,
    /// Issues that aren't void; those of them of which somebody had to take note by now, and did in time.
    pub issues: i64,
    pub to_respond: i64,
    pub responded: i64,
    /// Those of the issues that are resolved or closed, and those past their date that aren't.
    pub resolved: i64,
    #[serde(default)]
    pub late: i64,
    /// Those of the issues that aren't classified yet.
    #[serde(default)]
    pub unclassified: i64,
    /// Residents who are owed a revisit, and those of them to whom nothing of it is owed any more.
    #[serde(default)]
    pub to_revisit: i64,
    #[serde(default)]
    pub revisit_done: i64,
    /// Those heard at a subject that ended before they were revisited: none of these.
    #[serde(default)]
    pub revisit_ended: i64,
    /// Residents who were asked at a revisit, and those whose last answer was satisfied or fairly satisfied.
    pub asked: i64,
    pub satisfied: i64,
    /// Issues that were mediated (化解矛盾纠纷), and those of them on which the parties agreed.
    #[serde(default)]
    pub mediated: i64,
    #[serde(default)]
    pub agreed: i64,
}

/// The four rates, each between 0 and 1; nothing where there is nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// 走访率
    pub visit: Option<f64>,
    /// 响应率
    pub response: Option<f64>,
    /// 解决率
    pub resolution: Option<f64>,
    /// 满意率
    pub satisfaction: Option<f64>,
}

impl Counts {
    /// ```
    /// use zoufang::domain::figures::Counts;
    /// let counts = Counts { subjects: 4, visited: 3, ..Counts::default() };
    /// assert_eq!((counts.rates().visit, counts.rates().resolution), (Some(0.75), None));
    /// ```
    pub fn rates(&self) -> Rates {
        Rates {
            visit: share(self.visited, self.subjects),
            response: share(self.responded, self.to_respond),
            resolution: share(self.resolved, self.issues),
            satisfaction: share(self.satisfied, self.asked),
        }
    }
}

/// How lines of figures are ordered: by what goes worst, whatever their size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Who has the largest share past its date comes first, then the lowest rates.
    #[default]
    Lateness,
    /// The lowest rates first: 解决率, then 走访率.
    Rate,
    Name,
}

impl Counts {
    /// What goes worse than another's comes before it; `visits_due`: whether the visits' date has passed, from when on those
    /// that are missing are late.
    pub fn worse(&self, other: &Counts, order: Order, visits_due: bool) -> std::cmp::Ordering {
        let lateness = |of: &Counts| {
            let missing = if visits_due { of.subjects - of.visited } else { 0 };
            let whole = of.issues + if visits_due { of.subjects } else { 0 };
            share(of.late + missing, whole).unwrap_or(0.0)
        };
        let low = |rate: Option<f64>| rate.unwrap_or(1.0);
        let rates = |of: &Counts| {
            let rates = of.rates();
            (low(rates.resolution), low(rates.visit))
        };
        let (one, two) = (rates(self), rates(other));
        let by_rate = one.0.total_cmp(&two.0).then(one.1.total_cmp(&two.1));
        match order {
            Order::Lateness => lateness(other).total_cmp(&lateness(self)).then(by_rate),
            Order::Rate => by_rate,
            Order::Name => std::cmp::Ordering::Equal,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of people and matters")]
pub fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl std::ops::SubAssign for Counts {
    fn sub_assign(&mut self, other: Counts) {
        self.subjects -= other.subjects;
        self.visited -= other.visited;
        self.ended -= other.ended;
        self.issues -= other.issues;
        self.to_respond -= other.to_respond;
        self.responded -= other.responded;
        self.resolved -= other.resolved;
        self.late -= other.late;
        self.unclassified -= other.unclassified;
        self.to_revisit -= other.to_revisit;
        self.revisit_done -= other.revisit_done;
        self.revisit_ended -= other.revisit_ended;
        self.asked -= other.asked;
        self.satisfied -= other.satisfied;
        self.mediated -= other.mediated;
        self.agreed -= other.agreed;
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.subjects += other.subjects;
        self.visited += other.visited;
        self.ended += other.ended;
        self.issues += other.issues;
        self.to_respond += other.to_respond;
        self.responded += other.responded;
        self.resolved += other.resolved;
        self.late += other.late;
        self.unclassified += other.unclassified;
        self.to_revisit += other.to_revisit;
        self.revisit_done += other.revisit_done;
        self.revisit_ended += other.revisit_ended;
        self.asked += other.asked;
        self.satisfied += other.satisfied;
        self.mediated += other.mediated;
        self.agreed += other.agreed;
    }
}

/// A rate as people read it: 85.3%, or — where there is none. All is only said of all, and none of none.
///
/// ```
/// use zoufang::domain::figures::percent;
/// assert_eq!(percent(Some(2_999.0 / 3_000.0)), "99.9%");
/// assert_eq!(percent(Some(1.0 / 3_000.0)), "0.1%");
/// assert_eq!((percent(Some(1.0)), percent(Some(0.8525)), percent(None)), ("100.0%".into(), "85.3%".into(), "—".into()));
/// ```
pub fn percent(rate: Option<f64>) -> String {
    let Some(rate) = rate else { return "—".to_owned() };
    let shown = match rate {
        rate if rate >= 1.0 || rate <= 0.0 => rate * 100.0,
        rate => (rate * 1_000.0).round().clamp(1.0, 999.0) / 10.0,
    };
    format!("{shown:.1}%")
}

impl std::str::FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Order, String> {
        match text {
            "超期" | "lateness" => Ok(Order::Lateness),
            "比率" | "rate" => Ok(Order::Rate),
            "名称" | "name" => Ok(Order::Name),
            _ => Err("应为：超期、比率、名称".to_owned()),
        }
    }
}

words! {
    /// What is counted.
    Figure {
        Subjects = "subjects", "走访对象";
        Visited = "visited", "已走访的对象";
        /// By the day on which they ended, unvisited: a campaign counts those since its first day.
        Ended = "ended", "没走访就不再走访的对象";
        /// Heard at a first visit, by its day: a campaign counts those since its first day.
        Residents = "residents", "走访到的群众" | "群众";
        /// The same of a revisit.
        Revisited = "revisited", "已回访的群众";
        /// To whom a revisit is or was owed in this campaign, and of whom it's done.
        ToRevisit = "to_revisit", "要回访的群众";
        RevisitDone = "revisit_done", "回访完成的群众";
        /// Heard at a subject that then ended, by the day of that, or of an earlier hearing: a campaign counts those since its first day.
        RevisitEnded = "revisit_ended", "没回访就不再回访的群众";
        /// By the day of the answer: a campaign counts those since its first day.
        Asked = "asked", "回访时回答的群众";
        Satisfied = "satisfied", "满意的群众";
        Issues = "issues", "问题";
        Unclassified = "unclassified", "没有分类的问题";
        Resolved = "resolved", "已解决的问题";
        Noted = "noted", "已签收的问题";
        NotedInTime = "noted_in_time", "按期签收的问题";
        /// Not taken note of yet, by the day on which that is due.
        Unnoted = "unnoted", "未签收的问题";
        /// Not resolved, by the day on which that is due.
        Unresolved = "unresolved", "未办结的问题";
        Reopened = "reopened", "重新办理过的问题";
        Mediated = "mediated", "调解过的问题";
        Agreed = "agreed", "调解达成协议的问题";
        /// Open, by the day on which they are due.
        Duties = "duties", "未完成的任务";
        Referrals = "referrals", "上报";
        /// Closed by the platform without a word for the resident.
        Unanswered = "unanswered", "平台办结没有答复的上报";
        Notices = "notices", "已送达的通知";
        Words = "words", "平台的状态";
        Staff = "staff", "走访人员";
        Queued = "queued", "待发";
        InFlight = "in_flight", "在途";
        Handed = "handed", "已交接";
        Unknown = "unknown", "待核实";
        Held = "held", "待人工";
        Refused = "refused", "被拒";
        Delivered = "delivered", "已送达";
        Cancelled = "cancelled", "已撤回";
        /// Owed still, by the hour in which it came to be owed, and by the minute.
        OwedByHour = "owed_by_hour", "未了结的待发件（按小时）";
        OwedByMinute = "owed_by_minute", "未了结的待发件（按分钟）";
    }
}

words! {
    /// Of what a figure is.
    Dimension {
        All = "all", "全部";
        Area = "area", "区划";
        /// A person, as the visitor.
        Person = "person", "走访人";
        Category = "category", "类别";
        State = "state", "问题状态";
        Level = "level", "责任层级";
        /// Whose turn it is, as [`turn_of`](super::counted::turn_of) names it.
        Turn = "turn", "环节";
        DutyKind = "duty_kind", "任务类型";
        ReferralState = "referral_state", "上报状态";
        Word = "word", "平台的词";
        /// How people can be reached, as [`Reach`](super::counted::Reach) names it.
        Reach = "reach", "联系方式";
        Lane = "lane", "通道";
        /// Since when what is owed on a lane is.
        LaneAge = "lane_age", "通道积压";
    }
}

/// One kept number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counter {
    pub dimension: Dimension,
    /// Which area, person, state…; empty for all.
    #[serde(rename = "of_id")]
    pub of: String,
    #[serde(rename = "name")]
    pub figure: Figure,
    /// The code of the campaign whose issues it counts; empty where it isn't one campaign's.
    pub campaign: String,
    /// A date as ISO text, or an instant as [`since`](super::counted::since) names it; empty where the day doesn't matter.
    pub day: String,
}

impl Counter {
    /// One that is of no campaign and of no day.
    pub fn new(dimension: Dimension, of: impl Into<String>, figure: Figure) -> Counter {
        let (campaign, day) = (String::new(), String::new());
        Counter { dimension, of: of.into(), figure, campaign, day }
    }

    /// The same of a day.
    #[must_use]
    pub fn on(self, day: Date) -> Counter {
        Counter { day: day.to_string(), ..self }
    }

    /// The same of a campaign.
    #[must_use]
    pub fn of_campaign(self, campaign: &str) -> Counter {
        Counter { campaign: campaign.to_owned(), ..self }
    }
}

impl std::fmt::Display for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counter { dimension, of, figure, campaign, day } = self;
        let parts = [campaign.as_str(), figure.chinese(), dimension.chinese(), of, day];
        let told: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&told.join(" "))
    }
}

/// How much each number changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(HashMap<Counter, i64>);

/// What counts for something.
pub trait Counted {
    /// Adds what `times` of it count for.
    fn count(&self, into: &mut Tally, times: i64);
}

impl Tally {
    /// Adds to one number.
    pub fn add(&mut self, counter: Counter, number: i64) {
        *self.0.entry(counter).or_insert(0) += number;
    }

    /// A thing came, went, or became another.
    pub fn change<T: Counted>(&mut self, before: Option<&T>, after: Option<&T>) {
        self.count(before, -1);
        self.count(after, 1);
    }

    /// Adds what each of these counts for, so many times.
    pub fn count<'t, T: Counted + 't>(
        &mut self,
        things: impl IntoIterator<Item = &'t T>,
        times: i64,
    ) {
        things.into_iter().for_each(|thing| thing.count(self, times));
    }

    /// What isn't nothing, in its order; nothing is left.
    pub fn take(&mut self) -> Vec<(Counter, i64)> {
        let all = std::mem::take(&mut self.0).into_iter();
        let mut changed: Vec<_> = all.filter(|(_, number)| *number != 0).collect();
        changed.sort_unstable();
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(mut lines: Vec<(&'static str, Counts)>, order: Order, due: bool) -> Vec<&'static str> {
        lines.sort_by(|one, two| one.1.worse(&two.1, order, due));
        lines.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn lines_are_ordered_by_what_goes_worst_and_not_by_size() {
        let counts = |subjects, visited, issues, resolved, late| Counts {
            subjects,
            visited,
            issues,
            resolved,
            late,
            ..Counts::default()
        };
        let lines = vec![
            ("large", counts(1000, 990, 100, 98, 1)),
            ("small", counts(10, 8, 2, 1, 1)),
            ("slow", counts(10, 2, 10, 1, 0)),
        ];
        assert_eq!(order(lines.clone(), Order::Lateness, false), ["small", "large", "slow"]);
        assert_eq!(order(lines.clone(), Order::Lateness, true), ["slow", "small", "large"]);
        assert_eq!(order(lines.clone(), Order::Rate, true), ["slow", "small", "large"]);
        assert_eq!(order(lines, Order::Name, true), ["large", "small", "slow"]);
    }
}
