//! The ciphers that personal data is sealed with (RFC 5116).

use aes_gcm::AesGcm;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::Deserialize;
use sm4::Sm4;
use sm4::cipher::consts::U12;

/// How long a nonce is.
pub(super) const NONCE: usize = 24;
/// How much of it SM4-GCM takes.
const SM4_NONCE: usize = 12;

/// SM4 (GB/T 32907) in Galois/Counter Mode, as RFC 8998 has it.
type Sm4Gcm = AesGcm<Sm4, U12>;

/// Which cipher seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Cipher {
    #[default]
    #[serde(rename = "xchacha20-poly1305")]
    XChaCha20,
    #[serde(rename = "sm4-gcm")]
    Sm4,
}

impl Cipher {
    /// How sealed values name it.
    pub(super) const fn code(self) -> u8 {
        match self {
            Cipher::XChaCha20 => 1,
            Cipher::Sm4 => 2,
        }
    }

    pub(super) const fn read(code: u8) -> Option<Cipher> {
        match code {
            1 => Some(Cipher::XChaCha20),
            2 => Some(Cipher::Sm4),
            _ => None,
        }
    }
}

/// One key's ciphers.
#[derive(Clone)]
pub(super) struct Ciphers {
    xchacha: XChaCha20Poly1305,
    sm4: Sm4Gcm,
}

impl Ciphers {
    pub fn new(xchacha: [u8; 32], sm4: [u8; 16]) -> Ciphers {
        Ciphers { xchacha: XChaCha20Poly1305::new(&xchacha.into()), sm4: Sm4Gcm::new(&sm4.into()) }
    }

    /// What is sealed and its tag; nothing where the cipher won't.
    pub fn seal(&self, by: Cipher, nonce: &[u8; NONCE], text: &[u8]) -> Option<Vec<u8>> {
        match by {
            Cipher::XChaCha20 => self.xchacha.encrypt(&XNonce::from(*nonce), text).ok(),
            Cipher::Sm4 => self.sm4.encrypt(&shortened(nonce).into(), text).ok(),
        }
    }

    /// Opens that.
    pub fn open(&self, by: Cipher, nonce: &[u8; NONCE], sealed: &[u8]) -> Option<Vec<u8>> {
        match by {
            Cipher::XChaCha20 => self.xchacha.decrypt(&XNonce::from(*nonce), sealed).ok(),
            Cipher::Sm4 => self.sm4.decrypt(&shortened(nonce).into(), sealed).ok(),
        }
    }

    /// Opens what the second version sealed: a nonce of the cipher's own length, and something that stands beside it.
    pub fn open_second(&self, by: Cipher, sealed: &[u8], beside: &[u8]) -> Option<Vec<u8>> {
        match by {
            Cipher::XChaCha20 => {
                let (nonce, msg) = sealed.split_first_chunk::<24>()?;
                self.xchacha.decrypt(&XNonce::from(*nonce), Payload { msg, aad: beside }).ok()
            }
            Cipher::Sm4 => {
                let (nonce, msg) = sealed.split_first_chunk::<SM4_NONCE>()?;
                self.sm4.decrypt(&(*nonce).into(), Payload { msg, aad: beside }).ok()
            }
        }
    }
}

/// The nonce's end, where place and text are.
fn shortened(nonce: &[u8; NONCE]) -> [u8; SM4_NONCE] {
    let mut end = [0; SM4_NONCE];
    end.copy_from_slice(&nonce[NONCE - SM4_NONCE..]);
    end
}

#[cfg(test)]
mod tests {
    use sm4::cipher::BlockCipherEncrypt;

    use super::super::hexadecimal::{hex, unhex};
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let two = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        text.chunks(2).map(two).collect()
    }

    /// GB/T 32907-2016, annex A.1.
    #[test]
    fn sm4_is_the_standards() {
        let key: [u8; 16] = bytes("0123456789abcdeffedcba9876543210").try_into().unwrap();
        let cipher = <Sm4 as KeyInit>::new(&key.into());
        let mut block = key.into();
        cipher.encrypt_block(&mut block);
        assert_eq!(hex(&block), "681edf34d206965e86b3e94f536e4246");
    }

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_gcm_is_the_rfcs() {
        let key: [u8; 16] = bytes("0123456789ABCDEFFEDCBA9876543210").try_into().unwrap();
        let nonce: [u8; 12] = bytes("00001234567800000000ABCD").try_into().unwrap();
        let aad = bytes("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        let text = bytes(
            "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD
             EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA",
        );
        let sealed = bytes(
            "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
             D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
             83DE3541E4C2B58177E065A9BF7B62EC",
        );
        let ciphers = Ciphers::new([0; 32], key);
        let both = [nonce.as_slice(), &sealed].concat();
        assert_eq!(ciphers.open_second(Cipher::Sm4, &both, &aad), Some(text.clone()));
        let cipher = Sm4Gcm::new(&key.into());
        let payload = Payload { msg: &text, aad: &aad };
        assert_eq!(cipher.encrypt(&nonce.into(), payload).unwrap(), sealed);
    }

    #[test]
    fn each_opens_what_it_sealed() {
        let key = unhex(&"07".repeat(32)).unwrap();
        let ciphers = Ciphers::new(key, [7; 16]);
        for by in [Cipher::XChaCha20, Cipher::Sm4] {
            let sealed = ciphers.seal(by, &[1; NONCE], "张三".as_bytes()).unwrap();
            assert_eq!(ciphers.open(by, &[1; NONCE], &sealed).unwrap(), "张三".as_bytes());
            assert_eq!(ciphers.open(by, &[2; NONCE], &sealed), None);
            assert_eq!(Cipher::read(by.code()), Some(by));
        }
    }
}
