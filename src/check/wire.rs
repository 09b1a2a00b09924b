//! What everything goes over: addresses in the clear, proxies of the environment, certificates near their end.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::daemon::certificate_ends;
use crate::delivery::http::Proxy;
use crate::domain::health::CertificateFacts;
use crate::platform::Remark;
use crate::settings::channels::{ChannelKind, EmailTls};
use crate::settings::{Settings, proxy, shown_url};

const ISSUER: &str = "sign_in.oidc.issuer";
/// One that ends within so many days is to be renewed now.
const NEAR: i64 = 30;
/// So long a proxy is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// As programs read them.
const PROXIES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

pub(super) async fn findings(settings: &Settings) -> Vec<Remark> {
    let mut findings = in_the_clear(settings);
    findings.extend(proxies(settings));
    findings.extend(unreached_proxies(settings).await);
    findings.extend(certificates(settings).await);
    findings
}

/// What others on the way could read: names, telephone numbers, keys.
fn in_the_clear(settings: &Settings) -> Vec<Remark> {
    let notify = &settings.notify;
    let used = |kind: ChannelKind| notify.all().any(|used| used == kind);
    let mut addresses = vec![("notify.public_url", &notify.public_url)];
    if settings.platform.adapter.is_by_wire() {
        addresses.push(("platform.endpoint", &settings.platform.endpoint));
    }
    if used(ChannelKind::Webhook) {
        addresses.push(("notify.webhook.url", &notify.webhook.url));
    }
    if used(ChannelKind::WecomApp) {
        addresses.push(("notify.wecom_app.endpoint", &notify.wecom_app.endpoint));
    }
    if settings.sign_in.oidc.is_on() {
        addresses.push((ISSUER, &settings.sign_in.oidc.issuer));
    }
    if settings.sign_in.wecom.is_on() {
        addresses.push(("sign_in.wecom.endpoint", &settings.sign_in.wecom.endpoint));
    }
    let clear = |(key, address): &(&'static str, &String)| {
        let shown = shown_url(address);
        let text = format!("{shown} 不加密：姓名、电话和密钥在路上谁都能看；请改用 https://");
        is_clear(address).then(|| Remark::doubtful(*key, text))
    };
    let mut remarks: Vec<Remark> = addresses.iter().filter_map(clear).collect();
    let mail = &notify.email;
    if used(ChannelKind::Email) && mail.tls == EmailTls::None && !is_near(&mail.host) {
        let text = format!("{} 不在本机，却不加密：请改为 implicit 或 starttls", mail.host);
        remarks.push(Remark::doubtful("notify.email.tls", text));
    }
    remarks
}

fn is_clear(address: &str) -> bool {
    let url = reqwest::Url::parse(address).ok();
    url.is_some_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_near))
}

/// This machine itself.
pub(super) fn is_near(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What the environment says of proxies, and whether it's obeyed.
fn proxies(settings: &Settings) -> Vec<Remark> {
    let set = |name: &&str| {
        [(*name).to_owned(), name.to_lowercase()]
            .into_iter()
            .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    };
    let found: Vec<String> = PROXIES.iter().filter_map(set).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let names = found.join("、");
    let said = |key: &str, value: &str| match proxy(value, key) {
        Ok(Proxy::Environment) => Some(Remark::well(key, format!("照环境变量 {names} 走代理"))),
        Ok(Proxy::None) => Some(Remark::doubtful(
            key,
            format!("环境里有 {names}，没有照着走：要走代理请写 \"environment\" 或代理地址"),
        )),
        _ => None,
    };
    let by_wire = settings.platform.adapter.is_by_wire();
    let platform = by_wire.then(|| said("platform.proxy", &settings.platform.proxy));
    let outside = |kind| !matches!(kind, ChannelKind::Log | ChannelKind::Email);
    let channels = settings.notify.all().any(outside);
    let channels = channels.then(|| said("notify.proxy", &settings.notify.proxy));
    let sign_in = &settings.sign_in;
    let asks = sign_in.oidc.is_on() || sign_in.wecom.is_on();
    let sign_in = asks.then(|| said("sign_in.proxy", &sign_in.proxy));
    platform.into_iter().chain(channels).chain(sign_in).flatten().collect()
}

/// Those of the platform and of the channels that nobody answers at; that of signing in is asked before its providers are.
async fn unreached_proxies(settings: &Settings) -> Vec<Remark> {
    let platform = &settings.platform;
    let outside = |kind| !matches!(kind, ChannelKind::Log | ChannelKind::Email);
    let asked = [
        (platform.adapter.is_by_wire(), "platform.proxy", &platform.proxy),
        (settings.notify.all().any(outside), "notify.proxy", &settings.notify.proxy),
    ];
    let mut remarks = Vec::new();
    for (is_used, key, text) in asked {
        if is_used {
            remarks.extend(unreached(key, text).await);
        }
    }
    remarks
}

/// That nobody answers at a proxy's own address: else it'd be laid on whoever is behind it.
pub(super) async fn unreached(key: &str, text: &str) -> Option<Remark> {
    let Ok(Proxy::Address(address)) = proxy(text, key) else { return None };
    let url = reqwest::Url::parse(&address).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let connecting = TcpStream::connect((host, url.port_or_known_default()?));
    let is_there = matches!(tokio::time::timeout(PATIENCE, connecting).await, Ok(Ok(_)));
    let text = format!("代理 {} 连不上；请核对地址、网络和防火墙", shown_url(&address));
    (!is_there).then(|| Remark::wrong(key, text))
}

/// Theirs, and our own, where they end soon or are past.
async fn certificates(settings: &Settings) -> Vec<Remark> {
    certificate_ends(settings).await.iter().filter_map(ends).collect()
}

pub(super) fn ends(certificate: &CertificateFacts) -> Option<Remark> {
    let CertificateFacts { key, until, days_left } = certificate;
    let at = until.strftime("%Y-%m-%d %H:%M:%S");
    if *days_left < 0 {
        return Some(Remark::wrong(key, format!("证书已在 {at} 到期，请换新的")));
    }
    (*days_left < NEAR)
        .then(|| Remark::doubtful(key, format!("证书 {at} 到期，只剩 {days_left} 天，请换新的")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::Clock;
    use crate::daemon::certificates_in;
    use crate::platform::Verdict;

    #[test]
    fn a_certificate_is_remarked_a_month_before_its_end() {
        let after = |days: i64| {
            let at = Clock::system().today() + jiff::SignedDuration::from_hours(24 * days);
            let (month, day) = (at.month().unsigned_abs(), at.day().unsigned_abs());
            let mut parameters = rcgen::CertificateParams::new(vec!["a.cn".to_owned()]).unwrap();
            parameters.not_before = rcgen::date_time_ymd(2000, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(at.year().into(), month, day);
            let key = rcgen::KeyPair::generate().unwrap();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), parameters.self_signed(&key).unwrap().pem()).unwrap();
            let found = certificates_in("platform.client_certificate_file", file.path());
            let remarks: Vec<Remark> = found.iter().filter_map(ends).collect();
            remarks.into_iter().map(|remark| remark.verdict).collect::<Vec<_>>()
        };
        assert_eq!(after(90), []);
        assert_eq!(after(10), [Verdict::Doubtful]);
        assert_eq!(after(-3), [Verdict::Wrong]);
    }

    #[test]
    fn only_what_leaves_this_machine_in_the_clear_is_remarked() {
        for (address, clear) in [
            ("http://10.0.0.3/open311", true),
            ("http://localhost:8080", false),
            ("http://127.0.0.2:8080", false),
            ("http://[::1]:8080", false),
            ("https://example.cn", false),
            ("", false),
        ] {
            assert_eq!(is_clear(address), clear, "{address}");
        }
    }
}
