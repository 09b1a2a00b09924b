//! Addresses that stand in the configuration: which of them may name a user with a password, and how each is shown to people.

use reqwest::Url;

use super::{Settings, SettingsError};

/// An address as people may see it: without the user and password, the query and the fragment that may stand in it.
///
/// ```
/// use zoufang::settings::shown_url;
/// assert_eq!(shown_url("https://admin:geheim@sso.example.cn/realm?key=geheim#x"), "https://sso.example.cn/realm");
/// assert_eq!(shown_url("https://sso.example.cn"), "https://sso.example.cn");
/// ```
pub fn shown_url(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    // What stands before the last @ is never shown, though a slash, a ? or a # in a password belongs coded.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split(['?', '#']).next().unwrap_or_default();
    if scheme.is_empty() { place.to_owned() } else { format!("{scheme}://{place}") }
}

/// Whether somebody's name or password stands in it.
fn names_a_user(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

/// Those that other people see, or browsers are sent to.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    let (oidc, wecom) = (&settings.sign_in.oidc, &settings.sign_in.wecom);
    for (key, address) in [
        ("notify.public_url", &settings.notify.public_url),
        ("platform.media_url", &settings.platform.media_url),
        ("sign_in.oidc.issuer", &oidc.issuer),
        ("sign_in.wecom.endpoint", &wecom.endpoint),
        ("sign_in.wecom.authorize_url", &wecom.authorize_url),
        ("sign_in.wecom.qr_url", &wecom.qr_url),
        ("notify.wecom_app.endpoint", &settings.notify.wecom_app.endpoint),
    ] {
        if names_a_user(address) {
            return Err(SettingsError::Wrong(format!(
                "{key}：地址里不能写用户名和密码（@ 和它前面的），请去掉"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_address_shows_a_password_and_where_others_see_it_none_may_stand() {
        for (address, shown) in [
            ("http://u:p@10.0.0.3:8080/a", "http://10.0.0.3:8080/a"),
            ("http://u:p/q@10.0.0.3/a", "http://10.0.0.3/a"),
            ("https://a.cn/hook?token=t", "https://a.cn/hook"),
            ("u:p@proxy:8080", "proxy:8080"),
            ("", ""),
        ] {
            assert_eq!(shown_url(address), shown);
        }
        for key in [
            "notify.public_url",
            "platform.media_url",
            "sign_in.wecom.endpoint",
            "sign_in.wecom.qr_url",
            "sign_in.oidc.issuer",
        ] {
            let (table, name) = key.rsplit_once('.').unwrap();
            for user in ["admin:S3cret@", "admin@", ":S3cret@"] {
                let public = match key {
                    "notify.public_url" => "",
                    _ => "[notify]\npublic_url = 'https://zoufang.example.cn'\n",
                };
                let text = format!("{public}[{table}]\n{name} = 'https://{user}a.example.cn/x'\n");
                let text = match key {
                    "sign_in.oidc.issuer" => format!("{text}client_id = 'zoufang'\n"),
                    _ => text,
                };
                let error = Settings::from_text(&text, "a.toml").unwrap_err().to_string();
                assert!(error.contains(key) && error.contains("用户名和密码"), "{error}");
                assert!(!error.contains("S3cret") && !error.contains("admin"), "{error}");
            }
        }
    }

    #[test]
    fn a_proxy_that_is_written_wrongly_is_named_without_its_password() {
        for proxy in ["admin:S3cret@10.0.0.3:3128", "socks5://admin:S3cret@10.0.0.3"] {
            let text = format!("[notify]\nproxy = '{proxy}'\n");
            let error = Settings::from_text(&text, "a.toml").unwrap_err().to_string();
            assert!(error.contains("notify.proxy") && !error.contains("S3cret"), "{error}");
        }
    }
}
