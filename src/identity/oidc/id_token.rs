//! What an ID token must say besides being signed: OpenID Connect Core 1.0, 3.1.3.7, by its numbers.

use serde_json::Value;

/// By so many seconds two clocks may differ.
const LEEWAY: i64 = 120;

/// What was asked, and when it's judged; in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'e> {
    pub issuer: &'e str,
    pub client_id: &'e str,
    pub nonce: &'e str,
    pub begun_at: i64,
    pub now: i64,
}

/// What doesn't hold of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Issuer,
    Audience,
    /// It was made for another client.
    Party,
    /// It has ended, or says no end.
    Expired,
    /// It wasn't made between the beginning and now, or not yet to be used.
    Time,
    Nonce,
    Subject,
}

impl Flaw {
    /// As logs have it.
    pub const fn name(self) -> &'static str {
        match self {
            Flaw::Issuer => "id_token_issuer",
            Flaw::Audience => "id_token_audience",
            Flaw::Party => "id_token_party",
            Flaw::Expired => "id_token_expired",
            Flaw::Time => "id_token_time",
            Flaw::Nonce => "id_token_nonce",
            Flaw::Subject => "id_token_subject",
        }
    }

    /// For people.
    pub const fn chinese(self) -> &'static str {
        match self {
            Flaw::Issuer => "签发者不是配置的那一个",
            Flaw::Audience => "不是签发给本系统的",
            Flaw::Party => "是签发给别的系统的",
            Flaw::Expired => "已经过期，或者两边的时钟差得太多",
            Flaw::Time => "签发的时间不对，两边的时钟可能差得太多",
            Flaw::Nonce => "不是这一次登录的",
            Flaw::Subject => "没有写明是谁",
        }
    }
}

/// Judges what a signed token says.
///
/// # Errors
/// What doesn't hold.
pub fn judge(claims: &Value, expected: &Expected<'_>) -> Result<(), Flaw> {
    let text = |name: &str| claims[name].as_str();
    // 2: as discovery gave it, letter by letter.
    hold(text("iss") == Some(expected.issuer), Flaw::Issuer)?;
    // 3: for this client, and for nobody besides whom nobody here trusts.
    let audience = match &claims["aud"] {
        Value::String(one) => one == expected.client_id,
        Value::Array(all) => all.len() == 1 && all[0].as_str() == Some(expected.client_id),
        _ => false,
    };
    hold(audience, Flaw::Audience)?;
    // 4 and 5.
    let party = claims.get("azp").filter(|party| !party.is_null());
    hold(party.is_none_or(|party| party.as_str() == Some(expected.client_id)), Flaw::Party)?;
    // 9 and 10; RFC 7519, 4.1.5.
    let ends = seconds(&claims["exp"]).ok_or(Flaw::Expired)?;
    hold(expected.now < ends.saturating_add(LEEWAY), Flaw::Expired)?;
    let made = seconds(&claims["iat"]).ok_or(Flaw::Time)?;
    let is_of_now = made >= expected.begun_at.saturating_sub(LEEWAY)
        && made <= expected.now.saturating_add(LEEWAY);
    hold(is_of_now, Flaw::Time)?;
    let begins = seconds(&claims["nbf"]).unwrap_or(made);
    hold(begins <= expected.now.saturating_add(LEEWAY), Flaw::Time)?;
    // 11.
    hold(text("nonce") == Some(expected.nonce), Flaw::Nonce)?;
    // 2, "sub": at most 255 ASCII characters.
    let subject = text("sub").unwrap_or_default();
    hold(!subject.is_empty() && subject.len() <= 255 && subject.is_ascii(), Flaw::Subject)
}

fn hold(holds: bool, flaw: Flaw) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(flaw) }
}

/// A NumericDate, of which some write a part of a second (RFC 7519, 2).
fn seconds(value: &Value) -> Option<i64> {
    let whole = value.as_i64();
    whole.or_else(|| value.as_f64().filter(|at| at.abs() < 1e15).map(|at| at.floor() as i64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_648_429_200;

    fn judged(change: impl Fn(&mut Value)) -> Result<(), Flaw> {
        let mut claims = json!({
            "iss": "https://sso.example.cn", "sub": "u1", "aud": "zoufang", "nonce": "n1",
            "iat": NOW - 1, "exp": NOW + 300,
        });
        change(&mut claims);
        let expected = Expected {
            issuer: "https://sso.example.cn",
            client_id: "zoufang",
            nonce: "n1",
            begun_at: NOW - 60,
            now: NOW,
        };
        judge(&claims, &expected)
    }

    #[test]
    fn a_token_is_held_against_each_point_of_the_standard() {
        assert_eq!(judged(|_| ()), Ok(()));
        let set = |name: &'static str, value: Value| judged(|claims| claims[name] = value.clone());
        for (name, value) in [
            ("aud", json!(["zoufang"])),
            ("azp", json!("zoufang")),
            ("azp", Value::Null),
            ("exp", json!(NOW as f64 + 0.5)),
            ("exp", json!(NOW - LEEWAY + 1)),
            ("iat", json!(NOW + LEEWAY)),
            ("nbf", json!(NOW)),
        ] {
            assert_eq!(set(name, value.clone()), Ok(()), "{name} {value}");
        }
        for (name, value, flaw) in [
            ("iss", json!("https://sso.example.cn/"), Flaw::Issuer),
            ("iss", json!("https://evil.example"), Flaw::Issuer),
            ("iss", json!(["https://sso.example.cn"]), Flaw::Issuer),
            ("aud", json!("other"), Flaw::Audience),
            ("aud", json!([]), Flaw::Audience),
            ("aud", json!(["zoufang", "other"]), Flaw::Audience),
            ("aud", json!({ "0": "zoufang" }), Flaw::Audience),
            ("azp", json!("other"), Flaw::Party),
            ("azp", json!(1), Flaw::Party),
            ("exp", json!(NOW - LEEWAY), Flaw::Expired),
            ("exp", json!("4000000000"), Flaw::Expired),
            ("exp", json!(1e300), Flaw::Expired),
            ("iat", json!(NOW + LEEWAY + 1), Flaw::Time),
            ("iat", json!(NOW - 60 - LEEWAY - 1), Flaw::Time),
            ("nbf", json!(NOW + LEEWAY + 1), Flaw::Time),
            ("nonce", json!("n2"), Flaw::Nonce),
            ("nonce", json!(""), Flaw::Nonce),
            ("sub", json!(""), Flaw::Subject),
            ("sub", json!("x".repeat(256)), Flaw::Subject),
            ("sub", json!("褚走"), Flaw::Subject),
        ] {
            assert_eq!(set(name, value.clone()), Err(flaw), "{name} {value}");
        }
        for (name, flaw) in [
            ("iss", Flaw::Issuer),
            ("aud", Flaw::Audience),
            ("exp", Flaw::Expired),
            ("iat", Flaw::Time),
            ("nonce", Flaw::Nonce),
            ("sub", Flaw::Subject),
        ] {
            let without = judged(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
            assert_eq!(without, Err(flaw), "{name}");
        }
    }
}
