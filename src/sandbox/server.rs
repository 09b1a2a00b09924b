//! The sandbox's HTTP server. It serves connections itself, so that it can cut them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

use super::questions::{counts, definition, ground_truth, list, notices, one, token};
use super::requests::{Cut, submit, take_notice};
use super::state::Sandbox;

impl Sandbox {
    /// Serves until `shutdown`.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        let router = router(self.clone());
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            if let Ok((stream, _)) = accepted {
                tokio::spawn(serve_connection(stream, router.clone(), shutdown.clone()));
            }
        }
    }
}

fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/{file}", get(list).post(submit))
        .route("/services/{file}", get(definition))
        .route("/requests/{file}", get(one))
        .route("/tokens/{file}", get(token))
        .route("/sandbox/requests", get(ground_truth))
        .route("/sandbox/counts", get(counts))
        .route("/sandbox/notices", post(take_notice).get(notices))
        .with_state(sandbox)
}

async fn serve_connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    let cut = CancellationToken::new();
    let service = {
        let cut = cut.clone();
        service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Cut(cut.clone()));
            let answered: Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>> =
                Box::pin(router.clone().oneshot(request.map(Body::new)));
            answered
        })
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Its end, good or bad, is the client's affair.
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => {}
        () = shutdown.cancelled() => {}
        () = cut.cancelled() => {
            // With no time to linger the kernel sends RST in place of FIN.
            let stream = connection.into_parts().io.into_inner();
            if let Err(error) = stream.set_zero_linger() {
                debug!(event = "sandbox.not_reset", %error, "the connection was closed, not reset");
            }
        }
    }
}
