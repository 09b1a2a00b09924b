//! What shows that somebody was shown all of an issue, which was written down.

use crate::db::Session;
use crate::domain::staff::StaffMember;

/// What the page shows that was noted down as read in clear: today it opens the photos that belong to it, and shows that whoever
/// signs for it was shown it.
pub fn reveal_pass(session: &Session, person: &StaffMember, number: &str) -> String {
    let today = session.today().to_string();
    session.context().sealer.index(&["photos shown", &person.id, number, &today])
}
