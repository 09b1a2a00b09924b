//! The pages of the operator and of whoever sees to others' work: health and what is owed, sign-ins, the audit, tables that come
//! by a browser, what was handed in and what is missing, a branch's people, a department's issues, the centre's referrals, spot
//! checks and breaches. Each goes through the use case of its command.

mod accounts;
mod audit;
mod breaches;
mod centre;
mod debts;
mod download;
mod hand_ins;
mod hand_over;
mod health;
mod inspections;
mod issue_lines;
mod missing;
mod multipart;
mod once;
mod people;
mod scope;
mod subjects;
mod unit;
mod uploads;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::routing::{get, post};

use super::routes::{
    ACCOUNT, ACCOUNTS, AUDIT, BREACHES, CENTRE, DEBT, DEBTS, DESK, HAND_IN, HAND_IN_FILE, HAND_INS,
    HAND_OVER, HANDOFF, INSPECTION, INSPECTIONS, MISSING, PEOPLE, SUBJECT, SUBJECTS, UNIT, UPLOAD,
    UPLOAD_COPY, UPLOADS,
};
use crate::daemon::Daemon;

/// The pages.
pub(super) fn router() -> Router<Arc<Daemon>> {
    // What brings a file reads it within a bound of its own.
    let unbounded = DefaultBodyLimit::disable;
    Router::new()
        .route(DESK, get(health::show))
        .route(DEBTS, get(debts::list))
        .route(DEBT, get(debts::show).post(debts::put))
        .route(ACCOUNTS, get(accounts::list))
        .route(ACCOUNT, get(accounts::show).post(accounts::put))
        .route(AUDIT, get(audit::show).post(audit::reveal))
        .route(UPLOADS, get(uploads::list).post(uploads::receive).layer(unbounded()))
        .route(UPLOAD, get(uploads::show).post(uploads::put))
        .route(UPLOAD_COPY, get(uploads::copy))
        .route(MISSING, get(missing::show))
        .route(HAND_INS, get(hand_ins::list))
        .route(HAND_IN, get(hand_ins::show).post(hand_ins::put).layer(unbounded()))
        .route(HAND_IN_FILE, post(hand_ins::file))
        .route(PEOPLE, get(people::show))
        .route(HAND_OVER, get(hand_over::show).post(hand_over::put))
        .route(UNIT, get(unit::show))
        .route(CENTRE, get(centre::show))
        .route(HANDOFF, post(centre::handoff))
        .route(INSPECTIONS, get(inspections::list).post(inspections::draw))
        .route(INSPECTION, get(inspections::show).post(inspections::put))
        .route(SUBJECTS, get(subjects::list))
        .route(SUBJECT, get(subjects::show).post(subjects::put))
        .route(BREACHES, get(breaches::list).post(breaches::put))
        .layer(Extension(Arc::new(uploads::Bench::default())))
}
