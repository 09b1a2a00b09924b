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
    counting_sink(latency, Arc::default()).await
}

/// As [`sink`], counting what it has received.
pub async fn counting_sink(latency: Duration, next: Arc<AtomicUsize>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route(
        "/submit",
        post(move |Json(_): Json<Value>| {
            // 0 is no number.
            let id = next.fetch_add(1, Ordering::Relaxed) + 1;
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
