//! The addresses of pages that need no login: each holds a secret that only its reader was given.

use crate::db::{Context, StaffMember};

/// The page of a digest, by the secret that its reader was sent; empty where readers can't reach this service.
pub fn digest(public_url: &str, token: &str) -> String {
    address(public_url, &format!("digests/{token}"))
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
