//! Private authorities, certificates of our own, and certificates that have run out, against a real TLS server.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tower::ServiceExt;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::platform;
use zoufang::db::Dispatch;
use zoufang::delivery::Outcome;
use zoufang::settings::Settings;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of `authority` that holds to the end of `year`, and its key.
fn certificate(authority: &Authority, year: i32) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 12, 31);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Takes TLS connections under a certificate that holds to the end of `year`; wants a certificate from those who call
/// where `clients` is given.
pub fn acceptor(authority: &Authority, year: i32, clients: Option<&Authority>) -> TlsAcceptor {
    let (certificate, key) = certificate(authority, year);
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// An Open311 server behind TLS.
async fn server(authority: &Authority, year: i32, clients: Option<&Authority>) -> String {
    let acceptor = acceptor(authority, year, clients);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = || async { r#"[{"service_request_id": "7"}]"# };
    let router = Router::new().route("/requests.json", post(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    router.clone().oneshot(request.map(Body::new))
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                drop(connection.await);
            });
        }
    });
    format!("https://localhost:{port}")
}

/// How a submission ends where `more` is configured.
async fn submitted(endpoint: &str, more: &str) -> Outcome {
    let text = format!("[platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\n{more}");
    let settings = Settings::from_text(&text, "test").unwrap();
    let platform = platform(&settings, &Clock::system(), &Chance::system()).unwrap().unwrap();
    platform.submit(&Dispatch::example()).await
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn is_not_sent(outcome: &Outcome, name: &str) -> bool {
    matches!(outcome, Outcome::NotSent { reason, .. } if reason.starts_with(name))
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_configured() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let endpoint = server(&authority, 2099, None).await;
    let outcome = submitted(&endpoint, "").await;
    assert!(is_not_sent(&outcome, "certificate"), "{outcome:?}");
    let ca = write(folder.path(), "ca.pem", &authority.pem());
    let outcome = submitted(&endpoint, &format!("ca_file = '{ca}'")).await;
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_certificate_that_has_run_out_is_named() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let endpoint = server(&authority, 2020, None).await;
    let ca = write(folder.path(), "ca.pem", &authority.pem());
    let outcome = submitted(&endpoint, &format!("ca_file = '{ca}'")).await;
    assert!(
        is_not_sent(&outcome, "certificate") && format!("{outcome:?}").contains("expired"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn both_sides_show_a_certificate() {
    let (authority, own, folder) = (authority(), self::authority(), tempfile::tempdir().unwrap());
    let endpoint = server(&authority, 2099, Some(&own)).await;
    let ca = write(folder.path(), "ca.pem", &authority.pem());
    let outcome = submitted(&endpoint, &format!("ca_file = '{ca}'")).await;
    assert!(is_not_sent(&outcome, "certificate"), "{outcome:?}");
    let (certificate, key) = certificate(&own, 2099);
    let both =
        write(folder.path(), "own.pem", &format!("{}{}", certificate.pem(), key.serialize_pem()));
    let more = format!("ca_file = '{ca}'\nclient_certificate_file = '{both}'");
    let outcome = submitted(&endpoint, &more).await;
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
}
