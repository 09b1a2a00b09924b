//! 登录方式: how somebody signs in, and whom an identity provider says that it is.

use super::staff::AddressKind;
use crate::words;

words! {
    /// How somebody signs in.
    Way {
        Password = "password", "密码";
        Link = "link", "一次性链接";
        /// OpenID Connect.
        Oidc = "oidc", "统一身份认证";
        WeCom = "wecom", "企业微信";
    }
}

words! {
    /// By which of ours a provider's word of somebody is understood.
    KnownBy {
        Number = "number", "人员编号";
        Phone = "phone", "手机号";
        Email = "email", "邮箱";
        WeCom = "wecom", "企业微信账号";
    }
}

impl KnownBy {
    /// The address that it is; nothing where it's the staff number.
    pub const fn address(self) -> Option<AddressKind> {
        match self {
            KnownBy::Number => None,
            KnownBy::Phone => Some(AddressKind::Phone),
            KnownBy::Email => Some(AddressKind::Email),
            KnownBy::WeCom => Some(AddressKind::WeCom),
        }
    }

    /// Whether what a provider says is an address of ours: mail and WeCom accounts however their letters are written (WeCom's own
    /// rule of a userid), telephone numbers with or without the country's.
    ///
    /// ```
    /// use zoufang::domain::identity::KnownBy;
    /// assert!(KnownBy::Phone.is_same("13800000001", "+86 138-0000-0001"));
    /// assert!(KnownBy::Email.is_same("chu@example.cn", "Chu@Example.cn"));
    /// assert!(!KnownBy::Number.is_same("Z1", "z1"));
    /// assert!(!KnownBy::WeCom.is_same("", ""));
    /// ```
    pub fn is_same(self, ours: &str, theirs: &str) -> bool {
        if ours.trim().is_empty() {
            return false;
        }
        match self {
            KnownBy::Number => ours == theirs,
            KnownBy::Phone => digits(ours) == digits(theirs) && !digits(ours).is_empty(),
            KnownBy::Email | KnownBy::WeCom => {
                ours.trim().to_lowercase() == theirs.trim().to_lowercase()
            }
        }
    }
}

/// A telephone number without what is only written between, and without China's own number before a mobile's eleven digits.
fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mobile = digits.strip_prefix("86").filter(|rest| rest.len() == 11);
    mobile.map(str::to_owned).unwrap_or(digits)
}

/// Whom a provider says that it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimed {
    pub way: Way,
    pub known_by: KnownBy,
    pub value: String,
    /// Whether the provider asked for a second factor itself.
    pub second: bool,
}

impl std::fmt::Debug for Claimed {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claimed").field("way", &self.way).finish_non_exhaustive()
    }
}
