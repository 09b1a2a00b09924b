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
pub const SIGN_IN: &str = "/my/sign-in";
pub const SIGN_OUT: &str = "/my/sign-out";
pub const WELCOME: &str = "/my/welcome/{token}";
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

/// Every one.
pub const ROUTES: &[Route] = &[
    route(Method::GET, STYLE, Needs::Nobody),
    route(Method::GET, SIGN_IN, Needs::Nobody),
    route(Method::POST, SIGN_IN, Needs::Nobody),
    route(Method::GET, WELCOME, Needs::Nobody),
    route(Method::POST, WELCOME, Needs::Nobody),
    route(Method::POST, SIGN_OUT, Needs::Person),
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
];

/// What a route asks; nothing where it isn't in the table.
pub(super) fn needs(method: &Method, path: &str) -> Option<Needs> {
    // What is asked for without its body is the same page.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let found = ROUTES.iter().find(|route| route.method == *method && route.path == path);
    found.map(|route| route.needs)
}
