//! The service's own server: whether it can listen, what it shows, whom it believes, and whether its secrets are any good.

use std::path::Path;

use tokio::net::TcpListener;

use super::wire::{ends, is_near};
use crate::daemon::{certificate_end, own_certificate};
use crate::domain::reason::of_system;
use crate::platform::{Remark, Verdict};
use crate::settings::{Adapter, Settings};

pub(super) async fn findings(settings: &Settings) -> Vec<Remark> {
    let mut remarks = vec![match listen(&settings.http.listen).await {
        Ok(text) => Remark::well("http.listen", text),
        Err(text) => Remark::wrong("http.listen", text),
    }];
    remarks.extend(in_the_open(settings));
    remarks.extend(certificate(settings));
    remarks.extend(proxies(settings));
    remarks.extend(secrets(settings));
    remarks
}

async fn listen(address: &str) -> Result<String, String> {
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} 可以监听")),
        Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{address} 已被占用：如果服务正在运行，这是正常的"))
        }
        Err(why) => {
            let why = of_system(why.kind());
            Err(format!("{address} 不能监听（{why}）；应写成 127.0.0.1:8380 的样子"))
        }
    }
}

/// What others on the way could read.
fn in_the_open(settings: &Settings) -> Option<Remark> {
    let http = &settings.http;
    let host = http.listen.rsplit_once(':').map_or("", |(host, _)| host);
    let text = format!(
        "{} 在本机以外也能访问，却不加密：请设 http.tls_cert 和 http.tls_key，或者只监听 127.0.0.1，由前面的代理加密",
        http.listen
    );
    (!is_near(host) && !http.is_tls()).then(|| Remark::doubtful("http.listen", text))
}

fn certificate(settings: &Settings) -> Vec<Remark> {
    const KEY: &str = "http.tls_cert";
    let own = match own_certificate(settings) {
        Ok(None) => return Vec::new(),
        Ok(Some(own)) => own,
        Err(error) => return vec![Remark::wrong(KEY, error.to_string())],
    };
    let mut remarks: Vec<Remark> =
        own.der().and_then(|der| ends(&certificate_end(KEY, &der)?)).into_iter().collect();
    if remarks.is_empty() {
        remarks.push(Remark::well(KEY, "证书和密钥是一对，还没有到期"));
    }
    if open_to_all(&settings.http.tls_key) {
        let text = format!(
            "{} 别的用户也能读：请改成只有服务能读（chmod 640，组改为服务的）",
            settings.http.tls_key.display()
        );
        remarks.push(Remark::doubtful("http.tls_key", text));
    }
    remarks
}

#[cfg(unix)]
fn open_to_all(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> bool {
    false
}

/// Where somebody comes through a proxy, it's named: else whoever guesses behind it slows all others.
fn proxies(settings: &Settings) -> Option<Remark> {
    let outside = [&settings.notify.public_url, &settings.platform.media_url];
    let outside = outside.iter().any(|url| !url.is_empty());
    let text = "从外面来的都经过代理，却没有写是哪些代理：猜密钥的会和别人算成同一个地址；请写代理的地址，如 [\"127.0.0.1\"]";
    (outside && !settings.http.is_tls() && settings.http.trusted_proxies.is_empty())
        .then(|| Remark::doubtful("http.trusted_proxies", text))
}

/// Where the platform is reached by workbooks nobody signs calls, and uploads have their own key.
fn by_workbook(settings: &Settings) -> Option<Remark> {
    let platform = &settings.platform;
    let given = matches!(platform.push.secret(), Ok(Some(_)));
    let text = "用工作簿对接的平台不会来推送；没有写 platform.returns 的时候，上传仍按老办法用这个密钥：请把它移到 platform.returns";
    (given && platform.adapter == Adapter::Workbook)
        .then(|| Remark::doubtful("platform.push.secret_file", text))
}

/// Those by which others are known who call here.
fn secrets(settings: &Settings) -> Vec<Remark> {
    let platform = &settings.platform;
    let each = [
        ("platform.push.secret_file", platform.push.secret()),
        ("platform.returns.secret_file", platform.returns.secret()),
    ];
    let mut remarks: Vec<Remark> = by_workbook(settings).into_iter().collect();
    for (key, secret) in each {
        match secret {
            Err(error) => remarks.push(Remark::wrong(key, error.to_string())),
            Ok(Some(_)) => remarks.push(Remark::well(key, "密钥够强")),
            Ok(None) => {}
        }
    }
    if remarks.iter().all(|remark| remark.verdict != Verdict::Wrong)
        && let Err(error) = platform.secrets()
    {
        remarks.push(Remark::wrong("platform.returns.secret_file", error.to_string()));
    }
    remarks
}
