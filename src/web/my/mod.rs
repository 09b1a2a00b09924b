//! The pages of whoever signs in: what they owe, the subjects that they visit, recording a visit, an issue. Plain forms that need
//! no script; all that changes goes through the use cases that tables and commands go through.
//!
//! What each page asks of whoever opens it stands in one table, `routes`; what isn't there isn't served.

mod card;
mod desk;
mod fields;
mod frame;
mod households;
mod issue;
mod issue_lines;
mod issue_shown;
mod ledger;
mod ledger_areas;
mod ledger_export;
mod ledger_wanted;
mod links;
mod nav;
mod offline;
mod photos;
mod provided;
mod routes;
mod screens;
mod scripts;
mod second;
mod sign_in;
mod stand_in;
mod tasks;
mod unvisited;
mod visit;
mod visit_answer;
mod visit_form;
mod wall;
mod who;
pub(super) mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};

pub(super) use fields::Fields;
pub(super) use issue::doing;
pub(super) use ledger_wanted::Wanted;
pub use routes::{Needs, ROUTES, Route};
pub(super) use visit_form::{Wrong, read as read_visit};

use crate::daemon::Daemon;
use crate::web::bodies::Room;
use crate::web::guesses::Guesses;

/// A form with what somebody asked for, every character written as nine.
const LARGEST_FORM: usize = 64 << 10;

/// Behind one address a whole office may sit, so that some mistakes in signing in cost nothing.
const FREE: u32 = 20;

/// The pages.
pub(super) fn router<S: Clone + Send + Sync + 'static>(daemon: Arc<Daemon>) -> Router<S> {
    Router::new()
        .route(routes::STYLE, get(style))
        .route(routes::SCRIPT, get(scripts::show))
        .route(routes::WORKER, get(offline::worker))
        .route(routes::OFFLINE, get(offline::show))
        .route(routes::PACK, get(offline::pack))
        .route(routes::SIGN_IN, get(sign_in::show).post(sign_in::enter))
        .route(routes::PROVIDER, get(provided::begin))
        .route(routes::PROVIDER_BACK, get(provided::finish))
        .route(routes::SIGN_OUT, post(sign_in::leave))
        .route(routes::WELCOME, get(sign_in::welcome).post(sign_in::take_up))
        .route(routes::SECOND, get(second::show).post(second::enter))
        .route(routes::SECURITY, get(second::settings).post(second::put))
        .route(
            routes::CARD,
            // Apart from those who sign in: a card is in many hands.
            get(card::show).post(card::look).layer(Extension(Arc::new(Guesses::after(FREE)))),
        )
        .route(routes::STAND_IN, post(stand_in::put))
        .route(routes::TASKS, get(tasks::show))
        .route(routes::HOUSEHOLDS, get(households::list))
        .route(routes::HOUSEHOLD, get(households::one))
        .route(routes::VISIT, get(visit::show_visit).post(visit::put_visit))
        .route(routes::REVISIT, get(visit::show_revisit).post(visit::put_revisit))
        .route(routes::ISSUE, get(issue::show).post(issue::put))
        .route(routes::LEDGER, get(ledger::show).post(ledger::search))
        .route(routes::EXPORT, post(ledger_export::export))
        .route(routes::WALL, get(wall::show))
        .route(routes::WALL_PERSON, get(wall::person))
        .route(routes::SCREENS, get(screens::show).post(screens::put))
        .merge(desk::router())
        .route(routes::PHOTOS, post(photos::add))
        .route(routes::PHOTO, get(photos::show))
        .route_layer(from_fn_with_state(Arc::clone(&daemon), who::let_in))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(Extension(Arc::new(Guesses::after(FREE))))
        .layer(Extension(Room::for_photos()))
        .with_state(daemon)
}

/// GET /my/style.css
async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        // Another sheet has another address.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, frame::STYLE)
}
