//! The two secrets by which others are known who call here: the platform's signing key, and the key of whoever uploads
//! returns. A weak one is refused: whoever guesses it moves issues.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{SettingsError, secret, span};

/// How the platform's own calls are known.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSettings {
    pub secret_file: PathBuf,
    pub secret: String,
    #[serde(deserialize_with = "span")]
    pub tolerance: Duration,
}

/// How whoever uploads returns is known.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnsSettings {
    pub secret_file: PathBuf,
    pub secret: String,
}

impl PushSettings {
    /// The secret as bytes; nothing where no calls are expected.
    ///
    /// # Errors
    /// Where it can't be read, or is easily guessed.
    pub fn secret(&self) -> Result<Option<Vec<u8>>, SettingsError> {
        let text = secret(&self.secret, &self.secret_file, "platform.push.secret_file")?;
        strong(PushSettings::bytes(&text)?, "platform.push.secret_file")
    }

    /// A secret as the specification hands it over: in base64 after whsec_, else as it stands.
    pub fn bytes(text: &str) -> Result<Vec<u8>, SettingsError> {
        match text.strip_prefix("whsec_") {
            Some(coded) => STANDARD.decode(coded).map_err(|_| {
                SettingsError::Wrong("platform.push.secret：whsec_ 后面不是 base64".to_owned())
            }),
            None => Ok(text.as_bytes().to_vec()),
        }
    }
}

impl ReturnsSettings {
    /// The secret; nothing where no uploads are expected.
    ///
    /// # Errors
    /// Where it can't be read, or is easily guessed.
    pub fn secret(&self) -> Result<Option<Vec<u8>>, SettingsError> {
        let text = secret(&self.secret, &self.secret_file, "platform.returns.secret_file")?;
        strong(text.into_bytes(), "platform.returns.secret_file")
    }
}

/// The secrets of those who call here; either may be missing.
#[derive(Clone, Default)]
pub struct Secrets {
    pub push: Option<Vec<u8>>,
    pub returns: Option<Vec<u8>>,
}

/// Both secrets.
///
/// # Errors
/// Where one is weak or unreadable, or both are one: whoever has the one could do what the other is for.
pub fn both(push: &PushSettings, returns: &ReturnsSettings) -> Result<Secrets, SettingsError> {
    let (push, returns) = (push.secret()?, returns.secret()?);
    if push.is_some() && push == returns {
        return Err(SettingsError::Wrong(format!(
            "platform.returns.secret_file：和 platform.push.secret_file 是同一个密钥；上传的和平台签名的要各用各的：{MAKE}"
        )));
    }
    Ok(Secrets { push, returns })
}

/// Of a platform that is reached by workbooks and so signs no calls, the key of `platform.push` has one meaning only: that
/// of uploads, which versions before took by it.
pub fn of_workbooks(secrets: Secrets) -> Secrets {
    Secrets { push: None, returns: secrets.returns.or(secrets.push) }
}

/// How a good one is made.
const MAKE: &str = "请用 openssl rand -base64 32 另外生成一个";
/// Of fewer bytes, or fewer different ones, none is safe.
const SHORTEST: usize = 16;
const FEWEST_DIFFERENT: usize = 8;
/// What stands in samples and is typed without thinking.
const SAMPLES: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "password",
    "passw0rd",
    "secret",
    "example",
    "sample",
    "default",
    "qwerty",
    "letmein",
    "admin",
    "zoufang",
    "whsec",
    "token",
    "test",
    "123456",
    "abcdef",
    "密钥",
    "密码",
];

/// A secret that isn't easily guessed; nothing where it's empty.
fn strong(secret: Vec<u8>, key: &'static str) -> Result<Option<Vec<u8>>, SettingsError> {
    if secret.is_empty() {
        return Ok(None);
    }
    match weakness(&secret) {
        None => Ok(Some(secret)),
        Some(why) => Err(SettingsError::Wrong(format!("{key}：这个密钥太弱（{why}）：{MAKE}"))),
    }
}

/// Why a secret is easily guessed, where it is.
fn weakness(secret: &[u8]) -> Option<String> {
    if secret.len() < SHORTEST {
        return Some(format!("只有 {} 个字节，至少要 {SHORTEST} 个", secret.len()));
    }
    let text = String::from_utf8_lossy(secret).to_lowercase();
    let rest = SAMPLES.iter().fold(text, |text, sample| text.replace(sample, ""));
    if rest.len() < SHORTEST && rest.len() < secret.len() {
        return Some("是样例里的或常见的字".to_owned());
    }
    if different(secret) < FEWEST_DIFFERENT
        || period(secret) < SHORTEST
        || unforeseen(secret) < SHORTEST / 2
    {
        return Some("总是那几个字，或者照着次序".to_owned());
    }
    None
}

fn different(secret: &[u8]) -> usize {
    secret.iter().collect::<BTreeSet<_>>().len()
}

/// After how many bytes it begins again, and again to its end; all of them where it doesn't.
fn period(secret: &[u8]) -> usize {
    let all = secret.len();
    (1..all).find(|period| secret[*period..] == secret[..all - period]).unwrap_or(all)
}

/// How many bytes aren't a step up or down of the same width as the one before.
fn unforeseen(secret: &[u8]) -> usize {
    let step = |at: usize| i16::from(secret[at]) - i16::from(secret[at - 1]);
    let stepped = (2..secret.len()).filter(|at| step(*at) == step(at - 1)).count();
    secret.len() - stepped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_easily_guessed_is_named_with_what_to_do() {
        for (secret, why) in [
            ("short", "5 个字节"),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", "总是那几个字"),
            ("1234567890123456789012", "常见的字"),
            ("qwerty-qwerty-qwerty", "常见的字"),
            ("changeme-changeme-123456", "常见的字"),
            ("abcdefghijklmnopqrstuvwxyz", "照着次序"),
            ("k3J9k3J9k3J9k3J9k3J9", "总是那几个字"),
            ("9Xw2Lm7Q9Xw2Lm7Q9Xw2Lm7Q", "照着次序"),
        ] {
            let error = strong(secret.as_bytes().to_vec(), "a.b").unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("openssl rand"), "{secret}: {error}");
        }
        for secret in [
            "mGkvjhOY2RyL1FUT8wAP0dPSvHCs1hXnZb4uEoUWb9A=",
            "3f9c1a77be20d4586e0b91c7",
            "村里的路灯坏了三天请来修一下吧",
        ] {
            assert_eq!(weakness(secret.as_bytes()), None, "{secret}");
        }
        assert_eq!(strong(Vec::new(), "a.b").unwrap(), None);
    }

    #[test]
    fn where_nobody_signs_calls_the_key_of_before_is_that_of_uploads() {
        let of = |push: Option<&str>, returns: Option<&str>| {
            let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
            let kept = of_workbooks(Secrets { push: bytes(push), returns: bytes(returns) });
            (kept.push, kept.returns.map(|key| String::from_utf8(key).unwrap()))
        };
        assert_eq!(of(Some("a"), None), (None, Some("a".to_owned())));
        assert_eq!(of(Some("a"), Some("b")), (None, Some("b".to_owned())));
        assert_eq!(of(None, None), (None, None));
    }
}
