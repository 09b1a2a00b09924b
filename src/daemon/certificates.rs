//! When the certificates end that the platform is reached by: the one that it shows, and those in our own files.

use std::path::Path;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::clock::{Clock, township_zone};
use crate::delivery::http::{Tls, certificate};
use crate::domain::health::CertificateFacts;
use crate::settings::Settings;
use crate::tls::not_after;

const PATIENCE: Duration = Duration::from_secs(10);

/// Each certificate, by the key of the configuration, and its end.
pub async fn ends(settings: &Settings) -> Vec<CertificateFacts> {
    let platform = &settings.platform;
    if !platform.adapter.is_by_wire() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (key, file) in [
        ("platform.ca_file", &platform.ca_file),
        ("platform.client_certificate_file", &platform.client_certificate_file),
    ] {
        found.extend(in_file(key, file));
    }
    if platform.endpoint.starts_with("https://") {
        let tls = platform.tls().unwrap_or_else(|_| Tls::default());
        let shown = certificate(&platform.endpoint, PATIENCE, &tls).await;
        found.extend(shown.and_then(|der| end("platform.endpoint", &der)));
    }
    found
}

/// The certificates in a file.
pub fn in_file(key: &str, file: &Path) -> Vec<CertificateFacts> {
    let Ok(text) = std::fs::read(file) else { return Vec::new() };
    let certificates = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok);
    certificates.filter_map(|der| end(key, &der)).collect()
}

pub fn end(key: &str, der: &[u8]) -> Option<CertificateFacts> {
    let until = not_after(der)?;
    let left = until.duration_since(Clock::system().now());
    Some(CertificateFacts {
        key: key.to_owned(),
        until: township_zone().to_datetime(until),
        days_left: left.as_hours().div_euclid(24),
    })
}
