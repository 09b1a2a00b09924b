//! The temporary PostgreSQL of the tests, made durable.

/// A rate counts only where a power cut loses nothing.
pub const FSYNC: &str = "on";

#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "../../../tests/it/support/postgres.rs"]
pub mod postgres;
