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
    /// rule of a userid), of ASCII alone, as others have large and small letters that look like these; telephone numbers with or
    /// without China's own before a mobile's.
    ///
    /// ```
    /// use zoufang::domain::identity::KnownBy;
    /// assert!(KnownBy::Phone.is_same("13800000001", "+86 138-0000-0001"));
    /// assert!(KnownBy::Email.is_same("chu@example.cn", "Chu@Example.cn"));
    /// // What is dialled in another country, and what is no number at all.
    /// assert!(!KnownBy::Phone.is_same("13800000001", "+1 380-000-0001"));
    /// assert!(!KnownBy::Phone.is_same("13800000001", "zhang13800000001"));
    /// // The sign of Kelvin.
    /// assert!(!KnownBy::Email.is_same("kong@example.cn", "\u{212a}ong@example.cn"));
    /// assert!(!KnownBy::Number.is_same("Z1", "z1"));
    /// assert!(!KnownBy::WeCom.is_same("", ""));
    /// ```
    pub fn is_same(self, ours: &str, theirs: &str) -> bool {
        if ours.trim().is_empty() {
            return false;
        }
        match self {
            KnownBy::Number => ours == theirs,
            KnownBy::Phone => dialled(ours).is_some_and(|ours| dialled(theirs) == Some(ours)),
            KnownBy::Email | KnownBy::WeCom => ours.trim().eq_ignore_ascii_case(theirs.trim()),
        }
    }
}

/// A telephone number without what is only written between, and without China's own number before a mobile's eleven digits; another
/// country's keeps its +. Nothing where it isn't one number.
fn dialled(text: &str) -> Option<String> {
    let text = text.trim();
    let (abroad, number) = text.strip_prefix('+').map_or((false, text), |number| (true, number));
    let is_between = |c: char| c.is_whitespace() || "-()（）—.".contains(c);
    let is_number = |c: char| c.is_ascii_digit() || is_between(c);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() || !number.chars().all(is_number) {
        return None;
    }
    let mobile = digits.strip_prefix("86").filter(|rest| rest.len() == 11);
    let here = mobile.or((!abroad).then_some(digits.as_str()));
    Some(here.map_or_else(|| format!("+{digits}"), str::to_owned))
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
