//! The service's own certificate: read from its files, and again when they change. And when any certificate ends: the one
//! date that is wanted of it (RFC 5280, 4.1), for which a reader of the whole would add a dozen crates to every build.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
};

use crate::domain::reason::of_system;

/// The certificate that the service shows, as its files have it.
#[derive(Debug)]
pub struct OwnCertificate {
    cert: PathBuf,
    key: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// As the files were when they were last read, well or not.
    texts: Texts,
    shown: Arc<CertifiedKey>,
    ends: Option<Timestamp>,
    /// Why what the files have now isn't shown.
    trouble: Option<String>,
}

/// What the two files hold.
#[derive(Default, PartialEq, Eq)]
struct Texts {
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// What became of looking at the files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    Same,
    Renewed,
    /// What is there now can't be used: the one from before is shown on.
    Useless(String),
}

impl OwnCertificate {
    /// Reads it.
    ///
    /// # Errors
    /// Which file is wrong, why, and what should stand there.
    pub fn read(cert: &Path, key: &Path) -> Result<OwnCertificate, String> {
        let texts = Texts::read(cert, key)?;
        let (shown, ends) = texts.understood(cert, key)?;
        let known = Mutex::new(Known { texts, shown, ends, trouble: None });
        Ok(OwnCertificate { cert: cert.to_owned(), key: key.to_owned(), known })
    }

    /// Looks whether the files have changed; what they hold now is shown from here on, where it can be.
    pub fn look_again(&self) -> Looked {
        let read = Texts::read(&self.cert, &self.key);
        let mut known = self.known();
        let texts = match read {
            Ok(texts) if texts == known.texts => return Looked::Same,
            Ok(texts) => texts,
            Err(why) => {
                known.texts = Texts::default();
                return known.is_useless(why);
            }
        };
        let understood = texts.understood(&self.cert, &self.key);
        known.texts = texts;
        match understood {
            Ok((shown, ends)) => {
                (known.shown, known.ends, known.trouble) = (shown, ends, None);
                Looked::Renewed
            }
            Err(why) => known.is_useless(why),
        }
    }

    /// When it ends, or the first of those above it.
    pub fn ends(&self) -> Option<Timestamp> {
        self.known().ends
    }

    /// Why what the files have now isn't shown, where it isn't.
    pub fn trouble(&self) -> Option<String> {
        self.known().trouble.clone()
    }

    /// The certificate itself, as it's shown.
    pub fn der(&self) -> Option<CertificateDer<'static>> {
        self.known().shown.cert.first().cloned()
    }

    /// What a TLS server needs to show it.
    ///
    /// # Errors
    /// Where the ciphers don't fit together, which they do.
    pub fn server(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let own: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(own);
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(server)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Notes why; whoever looks is told once.
    fn is_useless(&mut self, why: String) -> Looked {
        if self.trouble.as_ref() == Some(&why) {
            return Looked::Same;
        }
        self.trouble = Some(why.clone());
        Looked::Useless(why)
    }
}

/// How to speak with whoever shows this very certificate, and nobody else: its names and its end don't matter.
///
/// # Errors
/// Where the ciphers don't fit together, which they do.
pub fn only(certificate: CertificateDer<'static>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(default_provider());
    let only = Arc::new(Only { certificate, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(only)
        .with_no_client_auth())
}

/// Knows one certificate.
#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.known().shown))
    }
}

impl Texts {
    fn read(cert: &Path, key: &Path) -> Result<Texts, String> {
        let read = |setting: &str, file: &Path| {
            std::fs::read(file).map_err(|why| {
                format!("{setting}：{} 读不出来：{}", file.display(), of_system(why.kind()))
            })
        };
        Ok(Texts { cert: read("http.tls_cert", cert)?, key: read("http.tls_key", key)? })
    }

    /// As TLS shows it, and when it ends.
    fn understood(
        &self,
        cert: &Path,
        key: &Path,
    ) -> Result<(Arc<CertifiedKey>, Option<Timestamp>), String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
            let cert = cert.display();
            format!("http.tls_cert：{cert} 里没有证书，应以 -----BEGIN CERTIFICATE----- 开头，本站的证书在最前面")
        })?;
        let ends = chain.iter().filter_map(|one| not_after(one)).min();
        let own = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            let key = key.display();
            format!(
                "http.tls_key：{key} 里没有密钥，应以 -----BEGIN PRIVATE KEY----- 开头，不带密码"
            )
        })?;
        let shown = CertifiedKey::from_der(chain, own, &default_provider()).map_err(|_| {
            let (cert, key) = (cert.display(), key.display());
            format!("http.tls_cert、http.tls_key：{cert} 和 {key} 不是一对，或者写坏了：请换成同一次签发的")
        })?;
        Ok((Arc::new(shown), ends))
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = value(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut fields, _) = value(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    if let Some((VERSION, _, rest)) = value(fields) {
        fields = rest;
    }
    // The serial number, the algorithm, the issuer.
    for _ in 0..3 {
        (_, _, fields) = value(fields)?;
    }
    let (_, validity, _) = value(fields).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, after) = value(validity)?;
    let (tag, text, _) = value(after)?;
    instant(tag, std::str::from_utf8(text).ok()?)
}

/// A value's tag and content, and what comes behind it (X.690, 8.1).
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add((*byte).into());
            (bytes.iter().try_fold(0, add)?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// 250101000000Z, which is of this century before 50; or 20500101000000Z.
fn instant(tag: u8, text: &str) -> Option<Timestamp> {
    let year = text.get(..2)?.parse::<u8>().ok()?;
    let whole = match tag {
        UTC_TIME if year < 50 => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A certificate that ends with that year, and its key, as PEM.
    fn pair(year: i32) -> (String, String) {
        let mut parameters = rcgen::CertificateParams::new(vec!["a.cn".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn changed_files_hold_and_useless_ones_leave_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let write = |(one, other): (&str, &str)| {
            std::fs::write(&cert, one).unwrap();
            std::fs::write(&key, other).unwrap();
        };
        let missing = OwnCertificate::read(&cert, &key).unwrap_err();
        assert!(missing.contains("http.tls_cert") && missing.contains("没有这个文件"), "{missing}");
        let (first, second) = (pair(2031), pair(2032));
        write((&first.0, &first.1));
        let own = OwnCertificate::read(&cert, &key).unwrap();
        let ends = |year: i32| Some(format!("{year}-03-04T00:00:00Z").parse().unwrap());
        assert_eq!((own.ends(), own.look_again()), (ends(2031), Looked::Same));
        // One file is new already, the other isn't yet.
        write((&second.0, &first.1));
        assert!(matches!(own.look_again(), Looked::Useless(why) if why.contains("不是一对")));
        assert_eq!(own.look_again(), Looked::Same);
        assert_eq!(own.ends(), ends(2031));
        assert!(own.trouble().is_some());
        write((&second.0, &second.1));
        assert_eq!((own.look_again(), own.ends()), (Looked::Renewed, ends(2032)));
        assert_eq!(own.trouble(), None);
        for (texts, said) in [(("", ""), "里没有证书"), ((second.0.as_str(), ""), "里没有密钥")]
        {
            write(texts);
            assert!(matches!(own.look_again(), Looked::Useless(why) if why.contains(said)));
        }
        std::fs::remove_file(&key).unwrap();
        assert!(matches!(own.look_again(), Looked::Useless(why) if why.contains("http.tls_key")));
        write((&second.0, &second.1));
        assert_eq!(own.look_again(), Looked::Renewed);
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_either_form() {
        for year in [2031, 2061] {
            let mut parameters = rcgen::CertificateParams::new(vec!["a.cn".to_owned()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 3, 4);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            let expected = format!("{year}-03-04T00:00:00Z").parse().unwrap();
            assert_eq!(not_after(certificate.der()), Some(expected));
        }
        assert_eq!(not_after(b"\x30\x03\x02\x01"), None);
    }
}
