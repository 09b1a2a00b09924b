//! What receives: an HTTP server in this process that stores nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Answers each submission with a number after `latency`.
pub async fn sink(latency: Duration) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let next = Arc::new(AtomicUsize::new(0));
    let router = Router::new().route(
        "/submit",
        post(move |Json(_): Json<Value>| {
            let id = next.fetch_add(1, Ordering::Relaxed);
            async move {
                if !latency.is_zero() {
                    tokio::time::sleep(latency).await;
                }
                Json(json!({ "id": id.to_string() }))
            }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
