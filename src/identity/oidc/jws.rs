//! A signed token (RFC 7515, compact) and the keys that it may be signed with (RFC 7517): asymmetric ones alone. `none`, and a
//! digest under what everybody may read, aren't among them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

/// No provider has more keys at once.
const MOST_KEYS: usize = 64;

/// Why a token isn't believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// It isn't a signed token.
    Malformed,
    /// `none`, a shared secret, or what isn't known here.
    Algorithm,
    /// It asks for what isn't understood here (RFC 7515, 4.1.11).
    Critical,
    /// No key that is known fits it.
    NoKey,
    /// A key fits, and didn't sign this.
    Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token, read and not believed yet.
pub struct Jws<'t> {
    header: Header,
    signed: &'t str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

impl Jws<'_> {
    /// Reads one.
    ///
    /// # Errors
    /// Where it isn't one, or can't be understood.
    pub fn read(token: &str) -> Result<Jws<'_>, Unsigned> {
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unsigned::Malformed);
        let (signed, signature) = token.rsplit_once('.').ok_or(Unsigned::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Unsigned::Malformed)?;
        let (header, payload) = (decoded(header)?, decoded(payload)?);
        let header: Header = serde_json::from_slice(&header).map_err(|_| Unsigned::Malformed)?;
        if header.crit.is_some() {
            return Err(Unsigned::Critical);
        }
        Ok(Jws { signed, signature: decoded(signature)?, payload, header })
    }

    /// By what it says that it's signed.
    pub fn algorithm(&self) -> &str {
        &self.header.alg
    }

    /// Whether it names the key that signed it.
    pub fn names_its_key(&self) -> bool {
        self.header.kid.is_some()
    }

    /// What it says, once one of these keys is shown to have signed it.
    ///
    /// # Errors
    /// Where none is.
    pub fn verified(&self, keys: &Keys) -> Result<Value, Unsigned> {
        let algorithm = Algorithm::named(&self.header.alg).ok_or(Unsigned::Algorithm)?;
        let fits = |key: &&Key| {
            let of_algorithm = key.alg.as_ref().is_none_or(|alg| *alg == self.header.alg);
            let is_named = self.header.kid.is_none() || key.kid == self.header.kid;
            of_algorithm && is_named && algorithm.takes(key)
        };
        let fitting: Vec<&Key> = keys.0.iter().filter(fits).collect();
        // OpenID Connect Core 1.0, 10.1: where there are several, the token says which.
        if fitting.is_empty() || self.header.kid.is_none() && fitting.len() > 1 {
            return Err(Unsigned::NoKey);
        }
        let signed = self.signed.as_bytes();
        if !fitting.iter().any(|key| algorithm.verify(key, signed, &self.signature)) {
            return Err(Unsigned::Signature);
        }
        serde_json::from_slice(&self.payload).map_err(|_| Unsigned::Malformed)
    }
}

/// What a token may be signed by (RFC 7518, 3.1; RFC 8037).
enum Algorithm {
    Rsa(&'static RsaParameters),
    Curve { name: &'static str, half: usize, by: &'static dyn VerificationAlgorithm },
    Edwards,
}

/// Every one of them, as a token names it.
const ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];

impl Algorithm {
    fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "RS256" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256),
            "PS384" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA384),
            "PS512" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA512),
            "ES256" => Algorithm::Curve { name: "P-256", half: 32, by: &ECDSA_P256_SHA256_FIXED },
            "ES384" => Algorithm::Curve { name: "P-384", half: 48, by: &ECDSA_P384_SHA384_FIXED },
            "EdDSA" | "Ed25519" => Algorithm::Edwards,
            _ => return None,
        })
    }

    /// Whether a key is of its kind.
    fn takes(&self, key: &Key) -> bool {
        let is_for_signing = key.usage.as_deref().is_none_or(|usage| usage == "sig");
        let on = |curve: &str| key.crv.as_deref() == Some(curve);
        let is_of_kind = match self {
            Algorithm::Rsa(_) => key.kty == "RSA",
            Algorithm::Curve { name, .. } => key.kty == "EC" && on(name),
            Algorithm::Edwards => key.kty == "OKP" && on("Ed25519"),
        };
        is_for_signing && is_of_kind
    }

    fn verify(&self, key: &Key, signed: &[u8], signature: &[u8]) -> bool {
        let part = |part: &Option<String>| {
            let text = part.as_deref()?;
            URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
        };
        let verified = || match self {
            Algorithm::Rsa(parameters) => {
                let (n, e) = (part(&key.n)?, part(&key.e)?);
                let components =
                    RsaPublicKeyComponents { n: without_zeros(&n), e: without_zeros(&e) };
                components.verify(parameters, signed, signature).ok()
            }
            Algorithm::Curve { half, by, .. } => {
                let (x, y) = (part(&key.x)?, part(&key.y)?);
                let point = [&[4][..], &x, &y].concat();
                let is_whole = x.len() == *half && y.len() == *half;
                let verified = UnparsedPublicKey::new(*by, point).verify(signed, signature);
                verified.ok().filter(|()| is_whole)
            }
            Algorithm::Edwards => {
                UnparsedPublicKey::new(&ED25519, part(&key.x)?).verify(signed, signature).ok()
            }
        };
        verified().is_some()
    }
}

/// Whether a token signed so can be judged here.
pub fn is_known(algorithm: &str) -> bool {
    Algorithm::named(algorithm).is_some()
}

/// Some write a number with zeros before it, which it mustn't have (RFC 7518, 2).
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// A public key, as far as it's used here.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// Whether a token that is judged here may be signed by it.
    fn is_of_use(&self) -> bool {
        let mut own =
            ALGORITHMS.iter().filter(|name| self.alg.as_deref().is_none_or(|alg| alg == **name));
        own.any(|name| Algorithm::named(name).is_some_and(|algorithm| algorithm.takes(self)))
    }
}

/// A provider's keys, those of use.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads a set; of keys that can't be understood or are for something else, none is used (RFC 7517, 5). Nothing where it isn't
    /// a set.
    pub fn read(text: &str) -> Option<Keys> {
        let set: Value = serde_json::from_str(text).ok()?;
        let keys = set.get("keys")?.as_array()?.iter().take(MOST_KEYS);
        let keys = keys.filter_map(|key| serde_json::from_value(key.clone()).ok());
        Some(Keys(keys.filter(Key::is_of_use).collect()))
    }

    /// Whether there's any that could have signed a token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7515, appendix A.2: RS256.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
    /// RFC 7515, appendix A.3: ES256.
    const CURVED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const CURVE: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    /// RFC 8037, appendix A.4: Ed25519.
    const EDWARDS: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const EDWARDS_KEY: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn keys(each: &[&str]) -> Keys {
        Keys::read(&format!(r#"{{"keys":[{}]}}"#, each.join(","))).unwrap()
    }

    fn judged(token: &str, known: &Keys) -> Result<Value, Unsigned> {
        Jws::read(token)?.verified(known)
    }

    #[test]
    fn the_examples_of_the_standard_hold_and_nothing_changed_does() {
        let all = keys(&[KEY, CURVE, EDWARDS_KEY, r#"{"kty":"oct","k":"AyM1"}"#, "7"]);
        assert_eq!(judged(TOKEN, &all).unwrap()["iss"], "joe");
        assert_eq!(judged(CURVED, &all).unwrap()["iss"], "joe");
        // Signed, and no JSON.
        assert_eq!(judged(EDWARDS, &all), Err(Unsigned::Malformed));
        for token in [TOKEN, CURVED, EDWARDS] {
            let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else {
                panic!("{token}")
            };
            let turned: String = signature.chars().rev().collect();
            let cut = &signature[..signature.len() - 4];
            for changed in [
                format!("{head}.{body}A.{signature}"),
                format!("{head}.{body}.{turned}"),
                format!("{head}.{body}.{cut}"),
                format!("{head}.{body}."),
                format!("{head}.{body}"),
                format!("{head}.{body}.{signature}.{signature}"),
                format!("{head}.{body}.{signature}="),
            ] {
                assert!(judged(&changed, &all).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn no_signature_and_one_by_what_everybody_reads_are_refused() {
        let all = keys(&[KEY, CURVE]);
        let body = TOKEN.split('.').nth(1).unwrap();
        let headed = |header: &str, signature: &str| {
            format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode(header))
        };
        for alg in ["none", "None", "HS256", "HS512", "RS1", "ES256K", ""] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            for signature in ["", TOKEN.split('.').nth(2).unwrap()] {
                assert_eq!(judged(&headed(&header, signature), &all), Err(Unsigned::Algorithm));
            }
        }
        // A digest under the public key's own text (RFC 8725, 2.1).
        use hmac::{Hmac, KeyInit, Mac};
        let signed = format!("{}.{body}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        assert_eq!(judged(&forged, &all), Err(Unsigned::Algorithm));
        let critical = headed(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "AA");
        assert_eq!(judged(&critical, &all), Err(Unsigned::Critical));
        assert_eq!(judged(&headed("RS256", "AA"), &all), Err(Unsigned::Malformed));
    }

    #[test]
    fn a_key_is_taken_for_what_it_is_for() {
        let with = |more: &str| KEY.replace(r#""kty""#, &format!(r#"{more},"kty""#));
        for (more, is) in [
            (r#""use":"sig""#, Ok(())),
            (r#""alg":"RS256""#, Ok(())),
            (r#""use":"enc""#, Err(Unsigned::NoKey)),
            (r#""alg":"PS256""#, Err(Unsigned::NoKey)),
        ] {
            assert_eq!(judged(TOKEN, &keys(&[&with(more)])).map(drop), is, "{more}");
        }
        // Where the token doesn't say which, there's one only.
        let two = keys(&[&with(r#""kid":"1""#), &with(r#""kid":"2""#)]);
        assert_eq!(judged(TOKEN, &two), Err(Unsigned::NoKey));
        assert_eq!(judged(TOKEN, &keys(&[CURVE])), Err(Unsigned::NoKey));
        assert!(judged(TOKEN, &keys(&[])).is_err());
        assert!(Keys::read("[]").is_none() && Keys::read("<html>").is_none());
        let of_no_use = [
            r#"{"kty":"oct","k":"AyM1"}"#,
            &with(r#""use":"enc""#),
            r#"{"kty":"EC","crv":"P-521"}"#,
        ];
        assert!(keys(&of_no_use).is_empty() && !keys(&[CURVE]).is_empty());
        assert!(
            ALGORITHMS.into_iter().all(is_known)
                && !["ES512", "ES256K", "HS256", "none"].into_iter().any(is_known)
        );
    }
}
