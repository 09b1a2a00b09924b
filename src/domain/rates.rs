//! 走访率、响应率、解决率、满意率: the figures by which the campaign is judged, defined once (docs/figures.md).

use serde::{Deserialize, Serialize};

/// What the rates are made of; it adds up over areas and people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Subjects, also those that nobody was assigned yet, and those of them whose first visit is complete.
    pub subjects: i64,
    pub visited: i64,
    /// Issues that aren't void; those of them of which somebody had to take note by now, and did in time.
    pub issues: i64,
    pub to_respond: i64,
    pub responded: i64,
    /// Those of the issues that are resolved or closed.
    pub resolved: i64,
    /// Residents who were asked at a revisit, and those whose last answer was satisfied or fairly satisfied.
    pub asked: i64,
    pub satisfied: i64,
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
    /// use zoufang::domain::rates::Counts;
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

#[allow(clippy::cast_precision_loss, reason = "counts of people and matters")]
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.subjects += other.subjects;
        self.visited += other.visited;
        self.issues += other.issues;
        self.to_respond += other.to_respond;
        self.responded += other.responded;
        self.resolved += other.resolved;
        self.asked += other.asked;
        self.satisfied += other.satisfied;
    }
}

/// A rate as people read it: 85.3%, or — where there is none.
pub fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "—".to_owned(), |rate| format!("{:.1}%", rate * 100.0))
}
