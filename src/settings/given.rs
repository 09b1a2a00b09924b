//! A secret as it's given: by its own key, or by the file in which it stands.

use std::path::Path;

use super::{Settings, SettingsError};
use crate::domain::reason::of_system;

/// A secret as it was given, or from its file; empty where there is neither.
pub(super) fn secret(given: &str, file: &Path, key: &'static str) -> Result<String, SettingsError> {
    if !given.is_empty() || file.as_os_str().is_empty() {
        return Ok(given.to_owned());
    }
    let text = std::fs::read_to_string(file).map_err(|why| match may_be_shown(file) {
        true => {
            let why = of_system(why.kind());
            SettingsError::Secret { key, file: file.display().to_string(), why }
        }
        false => SettingsError::NoSecretFile { key },
    })?;
    match text.trim() {
        "" => Err(SettingsError::EmptySecret { key, file: file.display().to_string() }),
        text => Ok(text.to_owned()),
    }
}

/// Whether it's a file's name for sure. Else it may be the secret itself, written where the name of its file belongs.
fn may_be_shown(file: &Path) -> bool {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    file.exists() || folder.is_some_and(|folder| folder.is_dir() && folder.parent().is_some())
}

/// A secret's two keys in the configuration, and what stands there.
pub struct Given<'s> {
    pub key: &'static str,
    pub value: &'s str,
    pub file_key: &'static str,
    pub file: &'s Path,
}

/// Every secret that isn't made here.
pub fn all_given(settings: &Settings) -> Vec<Given<'_>> {
    let (platform, notify, sign_in) = (&settings.platform, &settings.notify, &settings.sign_in);
    let (wecom, dingtalk) = (&notify.wecom_robot, &notify.dingtalk_robot);
    let feishu = &notify.feishu_robot;
    macro_rules! given {
        ($($table:literal, $of:expr, $value:ident, $file:ident;)+) => {
            vec![$(Given {
                key: concat!($table, ".", stringify!($value)),
                value: &$of.$value,
                file_key: concat!($table, ".", stringify!($file)),
                file: &$of.$file,
            }),+]
        };
    }
    given! {
        "platform", platform, api_key, api_key_file;
        "platform.push", platform.push, secret, secret_file;
        "platform.returns", platform.returns, secret, secret_file;
        "notify.webhook", notify.webhook, secret, secret_file;
        "notify.wecom_robot", wecom, url, url_file;
        "notify.dingtalk_robot", dingtalk, url, url_file;
        "notify.dingtalk_robot", dingtalk, secret, secret_file;
        "notify.feishu_robot", feishu, url, url_file;
        "notify.feishu_robot", feishu, secret, secret_file;
        "notify.wecom_app", notify.wecom_app, secret, secret_file;
        "notify.email", notify.email, password, password_file;
        "notify.sms", notify.sms, secret, secret_file;
        "sign_in.oidc", sign_in.oidc, client_secret, client_secret_file;
        "sign_in.wecom", sign_in.wecom, secret, secret_file;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_in_the_place_of_its_file_is_not_shown() {
        const KEY: &str = "sign_in.oidc.client_secret_file";
        let said = |file: &Path| secret("", file, KEY).unwrap_err().to_string();
        let long = "x".repeat(300);
        for written in ["S3cret", "S3c/ret+/x==", "/S3cret", long.as_str()] {
            let said = said(Path::new(written));
            assert!(!said.contains(written), "{said}");
            assert!(said.contains(KEY) && said.contains("不写密钥本身"), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("client-secret");
        assert!(said(&file).contains("client-secret"), "a path is");
        std::fs::write(&file, " \n").unwrap();
        assert!(said(&file).contains("文件是空的"));
        std::fs::write(&file, "S3cret\n").unwrap();
        assert_eq!(secret("", &file, KEY).unwrap(), "S3cret");
    }

    #[test]
    fn every_secret_of_the_configuration_is_known() {
        let settings = Settings::from_text("", "").unwrap();
        let known: Vec<&str> = all_given(&settings).iter().map(|given| given.file_key).collect();
        let mut table = String::new();
        for line in super::super::DEFAULTS.lines() {
            if let Some(name) = line.strip_prefix('[') {
                table = name.trim_end_matches(']').to_owned();
            }
            let Some((name, _)) = line.split_once(" = ") else { continue };
            if ["secret_file", "api_key_file", "url_file", "password_file"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                let key = format!("{table}.{name}");
                assert!(known.contains(&key.as_str()), "{key}");
            }
        }
    }
}
