//! What is known of a referral about which the platform gives no answer, and from when on that is said.

/// For so long others are answered and it isn't before it's said: a question may fail once for no reason of its own.
const SAID_AFTER: i64 = 3_600_000;

/// Why a question about one had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub why: String,
    pub fault: Fault,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its own: the platform says so.
    Its,
    /// Perhaps its own: the platform answered others, or something else.
    Perhaps,
    /// The platform's, which answered nothing.
    Platforms,
}

/// What is known of one; instants are epoch milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Silence {
    /// Since when it has had no answer.
    pub since: Option<i64>,
    /// Since when that is said, and why.
    pub said_since: Option<i64>,
    pub why: Option<String>,
}

impl Silence {
    /// After it was asked about once more.
    ///
    /// ```
    /// use zoufang::domain::following::{Fault, Trouble, Silence};
    /// let trouble = |fault| Trouble { why: "HTTP 500".to_owned(), fault };
    /// let first = Silence::default().after(Some(&trouble(Fault::Perhaps)), 7);
    /// assert_eq!((first.since, first.said_since), (Some(7), None));
    /// let later = first.after(Some(&trouble(Fault::Perhaps)), 3_600_007);
    /// assert_eq!(later.said_since, Some(7));
    /// assert_eq!(later.after(Some(&trouble(Fault::Platforms)), 9_999_999), later);
    /// assert_eq!(later.after(None, 9_999_999), Silence::default());
    /// ```
    pub fn after(&self, trouble: Option<&Trouble>, now: i64) -> Silence {
        let Some(Trouble { why, fault }) = trouble else { return Silence::default() };
        if *fault == Fault::Platforms {
            return self.clone();
        }
        let since = self.since.unwrap_or(now);
        let known = Silence { since: Some(since), ..self.clone() };
        if *fault == Fault::Perhaps && now.saturating_sub(since) < SAID_AFTER {
            return known;
        }
        let said_since = known.said_since.or(Some(since));
        Silence { said_since, why: Some(why.clone()), ..known }
    }
}
