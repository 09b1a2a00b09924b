//! The pages of this room, each understood once.

use std::sync::LazyLock;

use minijinja::{Environment, Error};
use serde::Serialize;

// Named so that what is put into them is escaped.
pub(super) const OVERVIEW: &str = "overview.html";
pub(super) const UNAVAILABLE: &str = "unavailable.html";
pub(super) const SIGNING_IN: &str = "my/sign_in.html";
pub(super) const WELCOMING: &str = "my/welcome.html";
pub(super) const SECOND: &str = "my/second.html";
pub(super) const SECURITY: &str = "my/security.html";
pub(super) const MESSAGE: &str = "my/message.html";
pub(super) const TASKS: &str = "my/tasks.html";
pub(super) const HOUSEHOLDS: &str = "my/households.html";
pub(super) const HOUSEHOLD: &str = "my/household.html";
pub(super) const VISIT: &str = "my/visit.html";
pub(super) const ISSUE: &str = "my/issue.html";
pub(super) const LEDGER: &str = "my/ledger.html";
pub(super) const WALL: &str = "my/wall.html";
pub(super) const WALL_PERSON: &str = "my/wall_person.html";
pub(super) const SCREENS: &str = "my/screens.html";
pub(super) const SCREEN: &str = "screen.html";
// Of the operator, and of whoever sees to others' work.
pub(super) const DESK: &str = "my/desk/health.html";
pub(super) const DEBTS: &str = "my/desk/debts.html";
pub(super) const DEBT: &str = "my/desk/debt.html";
pub(super) const ACCOUNTS: &str = "my/desk/accounts.html";
pub(super) const ACCOUNT: &str = "my/desk/account.html";
pub(super) const AUDIT: &str = "my/desk/audit.html";
pub(super) const UPLOAD_LIST: &str = "my/desk/uploads.html";
pub(super) const UPLOAD: &str = "my/desk/upload.html";
pub(super) const MISSING: &str = "my/desk/missing.html";
pub(super) const HAND_INS: &str = "my/desk/hand_ins.html";
pub(super) const HAND_IN: &str = "my/desk/hand_in.html";
pub(super) const PEOPLE: &str = "my/desk/people.html";
pub(super) const HAND_OVER: &str = "my/desk/hand_over.html";
pub(super) const UNIT: &str = "my/desk/unit.html";
pub(super) const CENTRE: &str = "my/desk/centre.html";
pub(super) const INSPECTIONS: &str = "my/desk/inspections.html";
pub(super) const INSPECTION: &str = "my/desk/inspection.html";
pub(super) const SUBJECTS: &str = "my/desk/subjects.html";
pub(super) const SUBJECT: &str = "my/desk/subject.html";
pub(super) const BREACHES: &str = "my/desk/breaches.html";
pub(super) const CARD: &str = "my/card.html";
pub(super) const OFFLINE: &str = "my/offline.html";

const SOURCES: &[(&str, &str)] = &[
    (OVERVIEW, include_str!("overview.html")),
    (UNAVAILABLE, include_str!("unavailable.html")),
    // What the pages of whoever signs in share.
    ("my/frame.html", include_str!("my/frame.html")),
    ("my/fields.html", include_str!("my/fields.html")),
    ("my/visit_fields.html", include_str!("my/visit_fields.html")),
    ("my/issue_photos.html", include_str!("my/issue_photos.html")),
    (SIGNING_IN, include_str!("my/sign_in.html")),
    (WELCOMING, include_str!("my/welcome.html")),
    (SECOND, include_str!("my/second.html")),
    (SECURITY, include_str!("my/security.html")),
    (MESSAGE, include_str!("my/message.html")),
    (TASKS, include_str!("my/tasks.html")),
    (HOUSEHOLDS, include_str!("my/households.html")),
    (HOUSEHOLD, include_str!("my/household.html")),
    (VISIT, include_str!("my/visit.html")),
    (ISSUE, include_str!("my/issue.html")),
    (LEDGER, include_str!("my/ledger.html")),
    ("my/wall_table.html", include_str!("my/wall_table.html")),
    ("my/without_visitor.html", include_str!("my/without_visitor.html")),
    (WALL, include_str!("my/wall.html")),
    (WALL_PERSON, include_str!("my/wall_person.html")),
    (SCREENS, include_str!("my/screens.html")),
    (SCREEN, include_str!("screen/screen.html")),
    ("my/desk/parts.html", include_str!("my/desk/parts.html")),
    ("my/desk/debt_line.html", include_str!("my/desk/debt_line.html")),
    ("my/desk/issue_line.html", include_str!("my/desk/issue_line.html")),
    ("my/desk/ways.html", include_str!("my/desk/ways.html")),
    (DESK, include_str!("my/desk/health.html")),
    (DEBTS, include_str!("my/desk/debts.html")),
    (DEBT, include_str!("my/desk/debt.html")),
    (ACCOUNTS, include_str!("my/desk/accounts.html")),
    (ACCOUNT, include_str!("my/desk/account.html")),
    (AUDIT, include_str!("my/desk/audit.html")),
    (UPLOAD_LIST, include_str!("my/desk/uploads.html")),
    (UPLOAD, include_str!("my/desk/upload.html")),
    (MISSING, include_str!("my/desk/missing.html")),
    (HAND_INS, include_str!("my/desk/hand_ins.html")),
    (HAND_IN, include_str!("my/desk/hand_in.html")),
    (PEOPLE, include_str!("my/desk/people.html")),
    (HAND_OVER, include_str!("my/desk/hand_over.html")),
    (UNIT, include_str!("my/desk/unit.html")),
    (CENTRE, include_str!("my/desk/centre.html")),
    (INSPECTIONS, include_str!("my/desk/inspections.html")),
    (INSPECTION, include_str!("my/desk/inspection.html")),
    (SUBJECTS, include_str!("my/desk/subjects.html")),
    (SUBJECT, include_str!("my/desk/subject.html")),
    (BREACHES, include_str!("my/desk/breaches.html")),
    (OFFLINE, include_str!("my/offline.html")),
    (CARD, include_str!("my/card.html")),
];

static PAGES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, source) in SOURCES {
        pages.add_template(name, source)?;
    }
    Ok(pages)
});

/// Fills in the page of that name.
pub(super) fn render(name: &str, values: impl Serialize) -> Result<String, String> {
    let wrong = |error: &Error| format!("{name}: {error:#}");
    let pages = PAGES.as_ref().map_err(wrong)?;
    pages.get_template(name).and_then(|page| page.render(values)).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_understood() {
        assert!(PAGES.is_ok());
        let values = minijinja::context! { reason => "<坏>", reads => false, again => 5 };
        let page = render(UNAVAILABLE, values).unwrap();
        assert!(page.contains("&lt;坏&gt;") && page.contains("content=\"5\""), "{page}");
    }
}
