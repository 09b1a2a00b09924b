//! Seals personal data at rest with a key that stays outside the database.
//!
//! Knows nothing of what is sealed. Equal texts seal differently in different places, and each opens only in its [`Place`]:
//! its nonce is made of place and text (a synthetic one, RFC 5297), so that chance that repeats itself, as that of a copied
//! machine does, gives no nonce to two texts. [`Sealer::index`] gives the keyed digest by which a sealed value is found again,
//! [`Sealer::vouch`] the one that chains the audit trail.

mod cipher;
mod derive;
mod hexadecimal;
mod key_file;
mod keys;
mod mark;
mod place;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use crate::clock::Chance;
use crate::domain::reason::of_system;
use crate::private_file::{Existing, Readers, Unwritten, write_for};
pub use cipher::Cipher;
use cipher::NONCE;
pub use hexadecimal::hex;
pub use key_file::KeyFile;
use keys::{Key, Keys};
pub use mark::DigestKind;
use place::HEAD;
pub use place::Place;

/// How what is sealed begins. Then in base64: the nonce (the cipher, the key's id, a keyed digest of place and text), what the
/// cipher gives, its tag.
const VERSION: &str = "v3:";
/// As a version before wrote it: the cipher, the key's id, a nonce of chance; bound to its place by what stands beside it.
const SECOND: &str = "v2:";
/// As the first wrote it: a nonce of chance and XChaCha20-Poly1305's, bound to nothing.
const FIRST: &str = "v1:";
/// All that tells how and with which key a value was sealed.
pub const MARK: usize = VERSION.len() + 8;

/// Which cipher and which digest are used, of those that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Suite {
    pub cipher: Cipher,
    pub digest: DigestKind,
}

/// Seals and opens. Its copies share their keys.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<RwLock<Arc<Keys>>>,
    /// From where the keys are read anew when another took their place.
    file: Option<PathBuf>,
    suite: Suite,
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
        Sealer::of(&KeyFile::of(*key))
    }

    /// With the keys of a file.
    pub fn of(file: &KeyFile) -> Sealer {
        let keys = Arc::new(RwLock::new(Arc::new(Keys::of(file))));
        Sealer { keys, file: None, suite: Suite::default() }
    }

    /// From the file of the key.
    ///
    /// # Errors
    /// Where it can't be read, or isn't one.
    pub fn from_file(file: &Path) -> Result<Sealer, SealError> {
        Ok(Sealer { file: Some(file.to_owned()), ..Sealer::of(&read_file(file)?) })
    }

    /// The same with another cipher or digest for what is sealed and vouched for from now on.
    #[must_use]
    pub fn with(self, suite: Suite) -> Sealer {
        Sealer { suite, ..self }
    }

    /// Makes a new key file that only its owner can read.
    ///
    /// # Errors
    /// Where there is one, or it can't be written.
    pub fn make_file(file: &Path, index: DigestKind, chance: &Chance) -> Result<(), SealError> {
        let name = file.display().to_string();
        let text = KeyFile::new(index, chance).text();
        let written = write_for(file, text.as_bytes(), Existing::Keep, Readers::Owner);
        written.map_err(|why| match why {
            Unwritten::Exists => SealError::Exists { file: name },
            Unwritten::Link => {
                SealError::Unwritable { file: name, why: "它是一个链接，请删掉链接" }
            }
            Unwritten::Folder(why) => {
                SealError::Unwritable { file: name, why: of_system(why.kind()) }
            }
        })
    }

    /// Reads the keys anew, where they come from a file that can be read.
    pub fn refresh(&self) {
        let Some(read) = self.file.as_ref().and_then(|file| read_file(file).ok()) else { return };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Keys::of(&read));
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells two keys apart without saying anything of either.
    pub fn fingerprint(&self) -> String {
        self.keys().present().map(|key| key.fingerprint.clone()).unwrap_or_default()
    }

    /// Whether it opens what a key of this fingerprint sealed: the present one, or the one that it's replacing.
    pub fn knows(&self, fingerprint: &str) -> bool {
        self.keys().keys.iter().any(|key| key.fingerprint == fingerprint)
    }

    /// Whether a key is being replaced.
    pub fn is_replacing(&self) -> bool {
        self.keys().keys.len() > 1
    }

    /// Whether this is what sealing gives, or gave.
    pub fn is_sealed(text: &str) -> bool {
        [VERSION, SECOND, FIRST].iter().any(|version| text.starts_with(version))
    }

    /// How everything begins that is sealed now.
    pub fn mark(&self) -> String {
        let keys = self.keys();
        let head = keys.present().map(|key| self.head(key)).unwrap_or_default();
        format!("{VERSION}{}", BASE64.encode(head))
    }

    fn head(&self, key: &Key) -> [u8; HEAD] {
        let mut head = [self.suite.cipher.code(); HEAD];
        head[1..].copy_from_slice(&key.id);
        head
    }

    /// Seals `text` for its place.
    ///
    /// ```
    /// use zoufang::seal::{Place, Sealer};
    /// let sealer = Sealer::new(&[7; 32]);
    /// let place = Place { table: "residents", column: "name_sealed", row: "1" };
    /// let sealed = sealer.seal(place, "张三").unwrap();
    /// assert!(!sealed.contains("张三"));
    /// assert_eq!(sealer.open(place, &sealed).unwrap(), "张三");
    /// assert!(sealer.open(Place { row: "2", ..place }, &sealed).is_err());
    /// assert!(Sealer::new(&[8; 32]).open(place, &sealed).is_err());
    /// ```
    ///
    /// # Errors
    /// Where the cipher refuses.
    pub fn seal(&self, place: Place<'_>, text: &str) -> Result<String, SealError> {
        let keys = self.keys();
        let key = keys.present().ok_or(SealError::CannotSeal)?;
        let nonce = key.nonce(self.head(key), place, text.as_bytes());
        let body = key.ciphers.seal(self.suite.cipher, &nonce, text.as_bytes());
        let body = body.ok_or(SealError::CannotSeal)?;
        Ok(format!("{VERSION}{}", BASE64.encode([nonce.as_slice(), &body].concat())))
    }

    /// Seals as versions before did, bound to nothing: for records that are made of copies, in tests and measurements.
    #[doc(hidden)]
    pub fn seal_as_before(&self, text: &str, chance: &Chance) -> Result<String, SealError> {
        let keys = self.keys();
        let key = keys.present().ok_or(SealError::CannotSeal)?;
        let mut nonce = [0; NONCE];
        chance.fill(&mut nonce);
        let body = key.ciphers.seal(Cipher::XChaCha20, &nonce, text.as_bytes());
        let body = body.ok_or(SealError::CannotSeal)?;
        Ok(format!("{FIRST}{}", BASE64.encode([nonce.as_slice(), &body].concat())))
    }

    /// Opens what [`Sealer::seal`] gave for this place.
    ///
    /// # Errors
    /// Where it was sealed for another place or with another key, or was changed.
    pub fn open(&self, place: Place<'_>, sealed: &str) -> Result<String, SealError> {
        let text = sealed.split_at_checked(VERSION.len()).and_then(|(version, body)| {
            let bytes = BASE64.decode(body).ok()?;
            match version {
                VERSION => self.opened(place, &bytes),
                SECOND => self.opened_second(place, &bytes),
                FIRST => self.opened_first(&bytes),
                _ => None,
            }
        });
        String::from_utf8(text.ok_or(SealError::CannotOpen)?).map_err(|_| SealError::CannotOpen)
    }

    /// The keys, and which of them has this head's id; they're read anew where none has, as another process may have replaced
    /// the key.
    fn keys_with(&self, head: &[u8; HEAD]) -> Option<(Arc<Keys>, usize)> {
        let of = |keys: Arc<Keys>| {
            let at = keys.keys.iter().position(|key| key.id == head[1..])?;
            Some((keys, at))
        };
        of(self.keys()).or_else(|| {
            self.refresh();
            of(self.keys())
        })
    }

    fn opened(&self, place: Place<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = bytes.split_first_chunk::<NONCE>()?;
        let head = nonce.first_chunk::<HEAD>()?;
        let (keys, at) = self.keys_with(head)?;
        let key = &keys.keys[at];
        let text = key.ciphers.open(Cipher::read(head[0])?, nonce, body)?;
        (key.nonce(*head, place, &text) == *nonce).then_some(text)
    }

    fn opened_second(&self, place: Place<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
        let (head, body) = bytes.split_first_chunk::<HEAD>()?;
        let (keys, at) = self.keys_with(head)?;
        keys.keys[at].second.open_second(Cipher::read(head[0])?, body, &beside(head, place))
    }

    /// Never what was sealed for a place: whoever may write to the record could free it from there by another beginning.
    fn opened_first(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = bytes.split_first_chunk::<NONCE>()?;
        let keys = self.keys();
        let bound = |key: &Key| Cipher::read(nonce[0]).is_some() && nonce[1..HEAD] == key.id;
        let free = keys.keys.iter().filter(|key| !bound(key));
        free.into_iter().find_map(|key| key.ciphers.open(Cipher::XChaCha20, nonce, body))
    }

    /// A keyed digest of `parts`, by which a row is found without opening it.
    pub fn index(&self, parts: &[&str]) -> String {
        let keys = self.keys();
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        hex(&keys.index.kind.keyed(&keys.index_key, &parts)[..16])
    }

    /// Whether what was given is what's known. Compared as digests: how long it takes says nothing.
    pub fn is_same(&self, given: &str, known: &str) -> bool {
        self.index(&["same", given]) == self.index(&["same", known])
    }

    /// A mark that only a holder of the key can make of these parts: the digest, the key's id, and what they make of them.
    pub fn vouch(&self, parts: &[&str]) -> String {
        let keys = self.keys();
        let kind = self.suite.digest;
        keys.audit.first().map(|(id, key)| vouched(kind, id, key, parts)).unwrap_or_default()
    }

    /// Whether a mark is of these parts, made with the present key or one before.
    pub fn vouches(&self, parts: &[&str], mark: &str) -> bool {
        let mut words = mark.split(':');
        let (Some(kind), Some(id)) = (words.next().and_then(DigestKind::read), words.next()) else {
            return false;
        };
        let mut keys = self.keys();
        if keys.audit.iter().all(|(known, _)| known != id) {
            self.refresh();
            keys = self.keys();
        }
        let key = keys.audit.iter().find(|(known, _)| known == id);
        key.is_some_and(|(id, key)| vouched(kind, id, key, parts) == mark)
    }
}

fn vouched(kind: DigestKind, id: &str, key: &[u8; 32], parts: &[&str]) -> String {
    let head = format!("{}:{id}:", kind.name());
    let parts = std::iter::once(head.as_bytes()).chain(parts.iter().map(|part| part.as_bytes()));
    let digest = hex(&kind.keyed(key, &parts.collect::<Vec<_>>()));
    head + &digest
}

/// What a value of the second version is bound to: how it's sealed, and where it stands.
fn beside(head: &[u8; HEAD], place: Place<'_>) -> Vec<u8> {
    let mut bytes = head.to_vec();
    for part in [place.table, place.column, place.row] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

/// The key in a file, for what isn't the record's own data.
///
/// # Errors
/// Where it can't be read, or isn't one.
pub fn key_in(file: &Path) -> Result<[u8; 32], SealError> {
    Ok(read_file(file)?.key())
}

fn read_file(file: &Path) -> Result<KeyFile, SealError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|why| SealError::Unreadable { file: name.clone(), why: of_system(why.kind()) })?;
    KeyFile::read(&text).ok_or(SealError::Malformed { file: name })
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'static> = Place { table: "residents", column: "name_sealed", row: "1" };

    #[test]
    fn what_was_moved_doesnt_open() {
        let sealer = Sealer::new(&[7; 32]);
        for cipher in [Cipher::XChaCha20, Cipher::Sm4] {
            let sealer = sealer.clone().with(Suite { cipher, ..Suite::default() });
            let sealed = sealer.seal(HERE, "张三").unwrap();
            assert!(sealed.starts_with(&sealer.mark()) && sealer.mark().len() == MARK);
            assert_eq!(sealer.open(HERE, &sealed).unwrap(), "张三");
            for there in [
                Place { table: "subjects", ..HERE },
                Place { column: "contact_sealed", ..HERE },
                Place { row: "2", ..HERE },
                Place { table: "residentsname_sealed", column: "", row: "1" },
            ] {
                assert!(sealer.open(there, &sealed).is_err(), "{there:?}");
                assert_ne!(sealer.seal(there, "张三").unwrap(), sealed, "{there:?}");
            }
            let freed = sealed.replacen(VERSION, FIRST, 1);
            assert!(sealer.open(HERE, &freed).is_err(), "as if it were bound to nothing");
        }
    }

    /// What the program of the version before wrote, with XChaCha20-Poly1305 and with SM4-GCM.
    #[test]
    fn what_the_version_before_sealed_opens() {
        for (row, sealed) in [
            (
                "01a21839-260a-7b91-824f-6a0e525d9b47",
                "v2:AaB3KfDLF3Kw52h88T7k84UZfgLI8Y36zRpMlFiO3uUkB85lMVjFmsXvZADijFenLbzCeTJl8A",
            ),
            (
                "01a21839-273a-79eb-94e8-181def7f7d69",
                "v2:AqB3KfDLi5GYvJ+oECksA5KO4rNeteGRyiphItWcL/jdoBl3h5RF41ZuBQ",
            ),
        ] {
            let sealer = Sealer::new(&[7; 32]);
            let place = Place { table: "subjects", column: "name_sealed", row };
            assert_eq!(sealer.open(place, sealed).unwrap(), "王建国");
            assert!(sealer.open(Place { row: "2", ..place }, sealed).is_err());
        }
    }

    #[test]
    fn what_was_sealed_before_opens() {
        let (sealer, chance) = (Sealer::new(&[7; 32]), Chance::seeded(1));
        let sealed = sealer.seal_as_before("x", &chance).unwrap();
        assert_eq!(sealer.open(HERE, &sealed).unwrap(), "x");
        assert!(!sealed.starts_with(&sealer.mark()));
    }

    #[test]
    fn another_key_takes_the_place_of_one_while_both_are_read() {
        let (dir, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(2));
        let file = dir.path().join("key");
        Sealer::make_file(&file, DigestKind::Sha256, &chance).unwrap();
        let running = Sealer::from_file(&file).unwrap();
        let sealed = running.seal(HERE, "张三").unwrap();
        let (index, vouched) = (running.index(&["a"]), running.vouch(&["a"]));
        let first = running.fingerprint();

        let next = read_file(&file).unwrap().replaced(&chance);
        std::fs::write(&file, next.text()).unwrap();
        let other = Sealer::from_file(&file).unwrap();
        assert!(other.knows(&first) && other.fingerprint() != first);
        assert_eq!(other.open(HERE, &sealed).unwrap(), "张三");
        // Whoever runs already learns of it by what it can't open.
        let anew = other.seal(HERE, "李四").unwrap();
        assert_eq!(running.open(HERE, &anew).unwrap(), "李四");
        assert_eq!(running.fingerprint(), other.fingerprint());

        let (settled, before) = next.settled().unwrap();
        std::fs::write(&file, settled.text()).unwrap();
        let last = Sealer::from_file(&file).unwrap();
        assert_eq!(last.open(HERE, &anew).unwrap(), "李四");
        assert!(last.open(HERE, &sealed).is_err() && !last.is_replacing());
        assert_eq!(last.index(&["a"]), index, "rows are found as before");
        assert!(last.vouches(&["a"], &vouched), "the trail of before holds");
        assert_eq!(Sealer::of(&before).open(HERE, &sealed).unwrap(), "张三");
    }

    #[test]
    fn a_mark_is_of_its_parts_and_its_key() {
        for digest in [DigestKind::Sha256, DigestKind::Sm3] {
            let with = |key| Sealer::new(&[key; 32]).with(Suite { digest, ..Suite::default() });
            let mark = with(7).vouch(&["a", "b"]);
            assert!(with(7).vouches(&["a", "b"], &mark));
            assert!(!with(7).vouches(&["ab", ""], &mark) && !with(8).vouches(&["a", "b"], &mark));
            assert!(Sealer::new(&[7; 32]).vouches(&["a", "b"], &mark), "whatever is configured");
        }
    }
}
