//! What a program may read by a token of its own.

use super::rights::Right;
use crate::words;

words! {
    /// What a token is given for.
    Scope {
        /// The status, whole.
        Status = "status", "运行情况";
        /// The rates of each visitor, with their names.
        Figures = "figures", "各走访人的比率";
        /// The ledger and its issues, as whoever gave the token sees them.
        Issues = "issues", "看问题台账";
        /// What may be done with issues, in their name.
        Act = "act", "办理问题";
        /// Visits and revisits at their subjects, in their name.
        Visits = "visits", "登记走访";
    }
}

impl Scope {
    /// The right over the town that it takes besides; nothing where each act asks for its own.
    pub const fn right(self) -> Option<Right> {
        match self {
            Scope::Status => Some(Right::Operate),
            Scope::Figures => Some(Right::SeeProgress),
            Scope::Issues | Scope::Act | Scope::Visits => None,
        }
    }

    /// Several, as they are kept.
    pub fn kept(scopes: &[Scope]) -> String {
        let codes: Vec<&str> = scopes.iter().map(|scope| scope.code()).collect();
        codes.join(" ")
    }

    /// Those that are kept so; what this version doesn't know gives nothing.
    pub fn of_kept(text: &str) -> Vec<Scope> {
        text.split(' ').filter_map(Scope::read).collect()
    }
}
