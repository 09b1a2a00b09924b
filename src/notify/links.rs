//! The addresses of pages that need no login: each holds a code that only this service could have made.

use jiff::civil::Date;

use crate::db::{Context, StaffMember};

/// The page of a person's digest of a day; empty where readers can't reach this service.
pub(super) fn digest(context: &Context, public_url: &str, staff_id: &str, day: Date) -> String {
    address(
        public_url,
        &format!("digests/{staff_id}/{day}/{}", digest_code(context, staff_id, &day.to_string())),
    )
}

/// Whoever knows it was sent that digest.
pub(super) fn digest_code(context: &Context, staff_id: &str, day: &str) -> String {
    context.sealer.index(&["digest", staff_id, day])
}

/// The private address of a person's calendar.
pub fn calendar(context: &Context, public_url: &str, person: &StaffMember) -> String {
    address(public_url, &format!("calendar/{}/{}.ics", person.id, calendar_code(context, person)))
}

/// Whoever knows it was given that calendar's address.
pub(super) fn calendar_code(context: &Context, person: &StaffMember) -> String {
    context.sealer.index(&["calendar", &person.id, &person.calendar_version.to_string()])
}

fn address(public_url: &str, path: &str) -> String {
    if public_url.is_empty() {
        return String::new();
    }
    format!("{}/{path}", public_url.trim_end_matches('/'))
}
