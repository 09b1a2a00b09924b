//! Seals personal data at rest with a key that stays outside the database.
//!
//! Knows nothing of what is sealed. Equal texts seal differently; [`Sealer::index`] gives the keyed
//! digest by which a sealed value is found again.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::clock::Chance;
use crate::domain::reason::of_system;

const VERSION: &str = "v1:";
const NONCE: usize = 24;

/// Seals and opens.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    index_key: [u8; 64],
    fingerprint: String,
}

/// Why sealed data or its key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(
        "{what}。配置项 privacy.key_file：第一次使用请用 zoufang key {file} 生成；以前用过的，把另存的那一份放回去",
        what = self.what()
    )]
    Unreadable { file: String, why: &'static str },
    #[error("{}。配置项 privacy.key_file：请换回另存的那一份", self.what())]
    Malformed { file: String },
    #[error("密钥文件 {file} 写不出来（{why}）")]
    Unwritable { file: String, why: &'static str },
    #[error("密钥文件 {file} 已经存在，不会覆盖：丢掉旧密钥，已存的个人信息就再也打不开")]
    Exists { file: String },
    #[error("加密的个人信息打不开：密钥不对，或数据被改动过")]
    CannotOpen,
    #[error("个人信息加密失败，没有存入")]
    CannotSeal,
}

impl SealError {
    /// What is wrong, without a cure: which one fits depends on what was sealed already.
    pub fn what(&self) -> String {
        match self {
            SealError::Unreadable { file, why } => format!("密钥文件 {file} 读不出来（{why}）"),
            SealError::Malformed { file } => {
                format!("密钥文件 {file} 的内容不是密钥（应为 64 个十六进制字符），可能被改动过")
            }
            other => other.to_string(),
        }
    }
}

impl Sealer {
    /// From a 32-byte key.
    pub fn new(key: &[u8; 32]) -> Sealer {
        let derive = |purpose: &str| -> [u8; 32] {
            Sha256::new().chain_update(purpose).chain_update(key).finalize().into()
        };
        // HMAC pads a shorter key to its block with zeros (RFC 2104).
        let mut index_key = [0; 64];
        index_key[..32].copy_from_slice(&derive("zoufang index"));
        Sealer {
            cipher: XChaCha20Poly1305::new(&derive("zoufang seal").into()),
            index_key,
            fingerprint: hex(&derive("zoufang fingerprint")[..8]),
        }
    }

    /// From a file of 64 hexadecimal characters.
    pub fn from_file(file: &Path) -> Result<Sealer, SealError> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|why| SealError::Unreadable {
            file: name.clone(),
            why: of_system(why.kind()),
        })?;
        let key = unhex(text.trim()).ok_or(SealError::Malformed { file: name })?;
        Ok(Sealer::new(&key))
    }

    /// Makes a new key file that only its owner can read.
    pub fn make_file(file: &Path, chance: &Chance) -> Result<(), SealError> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let name = file.display().to_string();
        if file.exists() {
            return Err(SealError::Exists { file: name });
        }
        let mut key = [0; 32];
        chance.fill(&mut key);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)
            .and_then(|mut out| writeln!(out, "{}", hex(&key)))
            .map_err(|why| SealError::Unwritable { file: name, why: of_system(why.kind()) })
    }

    /// Tells two keys apart without reminder either.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether this is what sealing gives.
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(VERSION)
    }

    /// Seals `text`.
    ///
    /// ```
    /// use zoufang::{clock::Chance, seal::Sealer};
    /// let sealer = Sealer::new(&[7; 32]);
    /// let sealed = sealer.seal("张三", &Chance::system()).unwrap();
    /// assert!(!sealed.contains("张三"));
    /// assert_eq!(sealer.open(&sealed).unwrap(), "张三");
    /// assert!(Sealer::new(&[8; 32]).open(&sealed).is_err());
    /// ```
    pub fn seal(&self, text: &str, chance: &Chance) -> Result<String, SealError> {
        let mut nonce = [0; NONCE];
        chance.fill(&mut nonce);
        let body = self
            .cipher
            .encrypt(&XNonce::from(nonce), text.as_bytes())
            .map_err(|_| SealError::CannotSeal)?;
        Ok(format!("{VERSION}{}", BASE64.encode([nonce.as_slice(), &body].concat())))
    }

    /// Opens what [`Sealer::seal`] gave.
    pub fn open(&self, sealed: &str) -> Result<String, SealError> {
        let bytes = sealed
            .strip_prefix(VERSION)
            .and_then(|body| BASE64.decode(body).ok())
            .ok_or(SealError::CannotOpen)?;
        let (nonce, body) = bytes.split_first_chunk::<NONCE>().ok_or(SealError::CannotOpen)?;
        let text =
            self.cipher.decrypt(&XNonce::from(*nonce), body).map_err(|_| SealError::CannotOpen)?;
        String::from_utf8(text).map_err(|_| SealError::CannotOpen)
    }

    /// A keyed digest of `parts`, by which a row is found without opening it.
    pub fn index(&self, parts: &[&str]) -> String {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.index_key.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        hex(&mac.finalize().into_bytes()[..16])
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(key)
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
