//! Which pages there are for people who sign in, and what each asks of whoever opens it: one table. What isn't in it isn't served.

use axum::http::Method;

use crate::domain::rights::Right;

/// What a page asks of whoever opens it, before it looks at anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nobody need be signed in.
    Nobody,
    /// Whoever is signed in.
    Person,
    /// Whoever has this right anywhere; over what, the page asks once it knows what it's about.
    Right(Right),
}

/// One page, or one form.
#[derive(Debug, Clone)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub needs: Needs,
}

const fn route(method: Method, path: &'static str, needs: Needs) -> Route {
    Route { method, path, needs }
}

pub const STYLE: &str = "/my/style.css";
pub const SCRIPT: &str = "/my/script/{version}/{name}";
pub const WORKER: &str = "/my/worker.js";
pub const OFFLINE: &str = "/my/offline";
pub const PACK: &str = "/my/offline/pack";
pub const SIGN_IN: &str = "/my/sign-in";
/// Where a browser goes to an identity provider, and comes back to.
pub const PROVIDER: &str = "/my/sign-in/{way}";
pub const PROVIDER_BACK: &str = "/my/sign-in/{way}/back";
pub const SIGN_OUT: &str = "/my/sign-out";
pub const SECOND: &str = "/my/second";
pub const SECURITY: &str = "/my/security";
pub const WELCOME: &str = "/my/welcome/{token}";
/// In whose place somebody acts who stands in.
pub const STAND_IN: &str = "/my/stand-in";
pub const TASKS: &str = "/my";
pub const HOUSEHOLDS: &str = "/my/households";
pub const HOUSEHOLD: &str = "/my/households/{number}";
pub const VISIT: &str = "/my/households/{number}/visit";
pub const REVISIT: &str = "/my/households/{number}/revisit";
pub const LEDGER: &str = "/my/issues";
pub const EXPORT: &str = "/my/export/issues";
pub const WALL: &str = "/my/wall";
pub const WALL_PERSON: &str = "/my/wall/people/{number}";
pub const SCREENS: &str = "/my/screens";
pub const ISSUE: &str = "/my/issues/{number}";

// Of the operator, and of whoever sees to others' work.
pub const DESK: &str = "/my/desk";
pub const DEBTS: &str = "/my/desk/debts";
pub const DEBT: &str = "/my/desk/debts/{key}";
pub const ACCOUNTS: &str = "/my/desk/accounts";
pub const ACCOUNT: &str = "/my/desk/accounts/{number}";
pub const AUDIT: &str = "/my/desk/audit";
pub const UPLOADS: &str = "/my/imports";
pub const UPLOAD: &str = "/my/imports/{id}";
pub const UPLOAD_COPY: &str = "/my/imports/{id}/copy";
pub const MISSING: &str = "/my/missing";
pub const HAND_INS: &str = "/my/hand-ins";
pub const HAND_IN: &str = "/my/hand-ins/{key}";
pub const HAND_IN_FILE: &str = "/my/hand-ins/files/{id}";
pub const PEOPLE: &str = "/my/people";
/// What somebody visits, to be given to somebody else.
pub const HAND_OVER: &str = "/my/people/{number}";
pub const UNIT: &str = "/my/unit";
pub const CENTRE: &str = "/my/centre";
pub const HANDOFF: &str = "/my/centre/handoffs/{number}";
pub const INSPECTIONS: &str = "/my/inspections";
pub const INSPECTION: &str = "/my/inspections/{number}";
pub const SUBJECTS: &str = "/my/subjects";
pub const SUBJECT: &str = "/my/subjects/{number}";
pub const BREACHES: &str = "/my/breaches";
pub const PHOTOS: &str = "/my/issues/{number}/photos";
pub const PHOTO: &str = "/my/issues/{number}/photos/{place}";

/// Whoever has a household's card.
pub const CARD: &str = "/card/{number}/{code}";

/// Every one.
pub const ROUTES: &[Route] = &[
    route(Method::GET, STYLE, Needs::Nobody),
    route(Method::GET, SCRIPT, Needs::Nobody),
    route(Method::GET, WORKER, Needs::Nobody),
    route(Method::GET, OFFLINE, Needs::Nobody),
    route(Method::GET, PACK, Needs::Right(Right::RecordVisit)),
    route(Method::GET, SIGN_IN, Needs::Nobody),
    route(Method::POST, SIGN_IN, Needs::Nobody),
    route(Method::GET, PROVIDER, Needs::Nobody),
    // It signs in, though it's a GET: browsers come back so. What they come back with is good once, in one browser.
    route(Method::GET, PROVIDER_BACK, Needs::Nobody),
    route(Method::GET, WELCOME, Needs::Nobody),
    route(Method::POST, WELCOME, Needs::Nobody),
    route(Method::GET, SECOND, Needs::Nobody),
    route(Method::POST, SECOND, Needs::Nobody),
    route(Method::GET, CARD, Needs::Nobody),
    route(Method::POST, CARD, Needs::Nobody),
    route(Method::POST, SIGN_OUT, Needs::Person),
    route(Method::GET, SECURITY, Needs::Person),
    route(Method::POST, SECURITY, Needs::Person),
    route(Method::POST, STAND_IN, Needs::Person),
    route(Method::GET, TASKS, Needs::Person),
    route(Method::GET, HOUSEHOLDS, Needs::Right(Right::RecordVisit)),
    route(Method::GET, HOUSEHOLD, Needs::Right(Right::RecordVisit)),
    route(Method::GET, VISIT, Needs::Right(Right::RecordVisit)),
    route(Method::POST, VISIT, Needs::Right(Right::RecordVisit)),
    route(Method::GET, REVISIT, Needs::Right(Right::RecordVisit)),
    route(Method::POST, REVISIT, Needs::Right(Right::RecordVisit)),
    route(Method::GET, ISSUE, Needs::Right(Right::SeeIssue)),
    route(Method::POST, ISSUE, Needs::Right(Right::SeeIssue)),
    route(Method::GET, LEDGER, Needs::Right(Right::SeeIssue)),
    route(Method::POST, LEDGER, Needs::Right(Right::SeeIssue)),
    route(Method::POST, EXPORT, Needs::Right(Right::SeeIssue)),
    // Counts by area: everybody may see them.
    route(Method::GET, WALL, Needs::Person),
    // One's own, or by the right to see others'.
    route(Method::GET, WALL_PERSON, Needs::Person),
    route(Method::GET, SCREENS, Needs::Right(Right::Screen)),
    route(Method::POST, SCREENS, Needs::Right(Right::Screen)),
    route(Method::GET, DESK, Needs::Right(Right::Operate)),
    route(Method::GET, DEBTS, Needs::Right(Right::DecideDebt)),
    route(Method::GET, DEBT, Needs::Right(Right::DecideDebt)),
    route(Method::POST, DEBT, Needs::Right(Right::DecideDebt)),
    route(Method::GET, ACCOUNTS, Needs::Right(Right::Account)),
    route(Method::GET, ACCOUNT, Needs::Right(Right::Account)),
    route(Method::POST, ACCOUNT, Needs::Right(Right::Account)),
    route(Method::GET, AUDIT, Needs::Right(Right::ReadAudit)),
    route(Method::POST, AUDIT, Needs::Right(Right::ReadAudit)),
    route(Method::GET, UPLOADS, Needs::Right(Right::Import)),
    route(Method::POST, UPLOADS, Needs::Right(Right::Import)),
    route(Method::GET, UPLOAD, Needs::Right(Right::Import)),
    route(Method::POST, UPLOAD, Needs::Right(Right::Import)),
    route(Method::GET, UPLOAD_COPY, Needs::Right(Right::Import)),
    route(Method::GET, MISSING, Needs::Right(Right::SeeMissing)),
    route(Method::GET, HAND_INS, Needs::Right(Right::SeeHandIns)),
    route(Method::GET, HAND_IN, Needs::Right(Right::SeeHandIns)),
    route(Method::POST, HAND_IN, Needs::Right(Right::SeeHandIns)),
    // Who takes a file is written down: no answer to a GET changes anything.
    route(Method::POST, HAND_IN_FILE, Needs::Right(Right::SeeHandIns)),
    route(Method::GET, PEOPLE, Needs::Right(Right::SeePeople)),
    route(Method::GET, HAND_OVER, Needs::Right(Right::Reassign)),
    route(Method::POST, HAND_OVER, Needs::Right(Right::Reassign)),
    route(Method::GET, UNIT, Needs::Right(Right::SeeUnit)),
    route(Method::GET, CENTRE, Needs::Right(Right::DecideDebt)),
    route(Method::POST, HANDOFF, Needs::Right(Right::DecideDebt)),
    route(Method::GET, INSPECTIONS, Needs::Right(Right::SeeInspections)),
    route(Method::POST, INSPECTIONS, Needs::Right(Right::SeeInspections)),
    route(Method::GET, INSPECTION, Needs::Right(Right::SeeInspections)),
    route(Method::POST, INSPECTION, Needs::Right(Right::SeeInspections)),
    route(Method::GET, SUBJECTS, Needs::Right(Right::EndSubject)),
    route(Method::GET, SUBJECT, Needs::Right(Right::EndSubject)),
    route(Method::POST, SUBJECT, Needs::Right(Right::EndSubject)),
    route(Method::GET, BREACHES, Needs::Right(Right::Inspect)),
    route(Method::POST, BREACHES, Needs::Right(Right::Inspect)),
    route(Method::POST, PHOTOS, Needs::Right(Right::Photo)),
    route(Method::GET, PHOTO, Needs::Right(Right::SeeIssue)),
];

/// What a route asks; nothing where it isn't in the table.
pub(super) fn needs(method: &Method, path: &str) -> Option<Needs> {
    // What is asked for without its body is the same page.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let found = ROUTES.iter().find(|route| route.method == *method && route.path == path);
    found.map(|route| route.needs)
}
