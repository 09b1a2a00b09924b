//! The identity providers: whether they're there, are what the configuration says, and take us for what we are.

use super::wire::unreached;
use crate::clock::Clock;
use crate::identity::Providers;
use crate::platform::Remark;
use crate::settings::sign_in::SignInSettings;
use crate::settings::{Settings, SettingsError};

pub(super) async fn findings(settings: &Settings) -> Vec<Remark> {
    let sign_in = &settings.sign_in;
    if !sign_in.oidc.is_on() && !sign_in.wecom.is_on() {
        return Vec::new();
    }
    let (mut remarks, usable) = with_secrets(settings);
    if let Some(remark) = unreached("sign_in.proxy", &sign_in.proxy).await {
        remarks.push(remark);
        return remarks;
    }
    let providers = match Providers::open(&usable, &Clock::system()) {
        Ok(providers) => providers,
        Err(error) => {
            remarks.push(Remark::wrong("sign_in", error.to_string()));
            return remarks;
        }
    };
    if let Some(oidc) = &providers.oidc {
        remarks.extend(issuer(settings, oidc.examine().await));
        if let Some(text) = no_secret(settings) {
            remarks.push(Remark::doubtful("sign_in.oidc.client_secret_file", text));
        }
    }
    if let Some(wecom) = &providers.wecom {
        remarks.push(match wecom.examine().await {
            Ok(()) => {
                let text = "企业微信给了访问凭证；可信域名和授权回调域要在企业微信后台登记，登录一次才见分晓";
                Remark::well("sign_in.wecom.secret_file", text)
            }
            Err(said) => Remark::wrong("sign_in.wecom", said),
        });
    }
    remarks
}

fn issuer(settings: &Settings, examined: Result<Vec<String>, String>) -> Vec<Remark> {
    const KEY: &str = "sign_in.oidc.issuer";
    match examined {
        Err(said) => vec![Remark::wrong(KEY, said)],
        Ok(doubts) => {
            let back = crate::identity::back(crate::domain::identity::Way::Oidc);
            let public = settings.notify.public_url.trim_end_matches('/');
            let text = format!(
                "{} 的说明文件和公钥都取到了；在对方登记的回调地址应是 {public}{back}",
                settings.sign_in.oidc.issuer
            );
            let well = Remark::well(KEY, text);
            let doubts = doubts.into_iter().map(|doubt| Remark::doubtful(KEY, doubt));
            std::iter::once(well).chain(doubts).collect()
        }
    }
}

fn no_secret(settings: &Settings) -> Option<&'static str> {
    let none = settings.sign_in.oidc.secret().is_ok_and(|secret| secret.is_empty());
    none.then_some(
        "没有客户端密钥，只靠 PKCE：对方把本系统登记为公开客户端才可以，一般请写密钥文件",
    )
}

/// The configuration without the providers whose secret can't be read, and why each can't: those aren't asked.
fn with_secrets(settings: &Settings) -> (Vec<Remark>, Settings) {
    let (mut remarks, mut usable) = (Vec::new(), settings.clone());
    let mut wrong = |key: &str, error: SettingsError| {
        let said = error.to_string();
        let text = said.strip_prefix(&format!("{key}：")).unwrap_or(&said);
        remarks.push(Remark::wrong(key, text));
    };
    let SignInSettings { oidc, wecom, .. } = &mut usable.sign_in;
    if let (true, Err(error)) = (oidc.is_on(), oidc.secret()) {
        wrong("sign_in.oidc.client_secret_file", error);
        oidc.issuer.clear();
    }
    if let (true, Err(error)) = (wecom.is_on(), wecom.secret()) {
        wrong("sign_in.wecom.secret_file", error);
        wecom.corp_id.clear();
    }
    (remarks, usable)
}
