//! What a provider says of itself: OpenID Connect Discovery 1.0, 3 and 4.

use serde::Deserialize;

use super::jws::is_known;

/// Its document, as far as it's used here.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: String,
    #[serde(default)]
    response_types_supported: Vec<String>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether each answer names its issuer (RFC 9207, 3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Where an issuer's document stands (4): one slash at the end of its path is left out.
pub fn address(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

impl Metadata {
    /// Reads the document of an issuer.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub fn read(text: &str, issuer: &str) -> Result<Metadata, String> {
        let found: Metadata = serde_json::from_str(text).map_err(|_| {
            "读不懂，或者缺 authorization_endpoint、token_endpoint、jwks_uri 里的一项".to_owned()
        })?;
        // 4.3: exactly the one that it was asked for.
        if found.issuer != issuer {
            let theirs: String = found.issuer.chars().take(200).collect();
            return Err(format!("里面写的签发者是「{theirs}」，与 sign_in.oidc.issuer 不一致"));
        }
        let secure = issuer.starts_with("https://");
        let endpoints = [
            ("authorization_endpoint", Some(&found.authorization_endpoint)),
            ("token_endpoint", Some(&found.token_endpoint)),
            ("userinfo_endpoint", found.userinfo_endpoint.as_ref()),
            ("jwks_uri", Some(&found.jwks_uri)),
        ];
        for (name, url) in endpoints {
            let Some(url) = url else { continue };
            let scheme = reqwest::Url::parse(url).map(|url| url.scheme().to_owned());
            let is_well = match scheme.as_deref() {
                Ok("https") => true,
                // Nothing that is asked for by TLS is had without it.
                Ok("http") => !secure,
                _ => false,
            };
            if !is_well {
                return Err(format!("里面的 {name} 不是 https:// 地址"));
            }
        }
        Ok(found)
    }

    /// Whether a token may be signed so: where it's said, by what is said.
    pub fn signs_by(&self, algorithm: &str) -> bool {
        let named = &self.id_token_signing_alg_values_supported;
        named.is_empty() || named.iter().any(|name| name == algorithm)
    }

    /// Whether the client's secret goes into the form instead of the header (Core 9): where only that is taken.
    pub fn takes_secret_in_form(&self) -> bool {
        let taken = &self.token_endpoint_auth_methods_supported;
        let takes = |name: &str| taken.iter().any(|method| method == name);
        !taken.is_empty() && !takes("client_secret_basic") && takes("client_secret_post")
    }

    /// What isn't as it's needed here, though it may work: for the operator.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let types = &self.response_types_supported;
        if !types.is_empty() && !types.iter().any(|name| name == "code") {
            doubts.push(
                "对方没有写支持授权码流程（response_types_supported 里没有 code）".to_owned(),
            );
        }
        match &self.code_challenge_methods_supported {
            Some(methods) if methods.iter().any(|method| method == "S256") => {}
            _ => doubts.push(
                "对方没有写支持 PKCE（code_challenge_methods_supported 里没有 S256）：照样会带上，少一道防护"
                    .to_owned(),
            ),
        }
        let signs = &self.id_token_signing_alg_values_supported;
        if !signs.is_empty() && !signs.iter().any(|name| is_known(name)) {
            doubts.push(format!(
                "对方的身份令牌只用 {} 签名，本系统不认，没有人登录得了：请对方改用 RS256、ES256 等",
                signs.join("、")
            ));
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn document(change: impl Fn(&mut Value)) -> String {
        let mut document = json!({
            "issuer": "https://sso.example.cn/realm",
            "authorization_endpoint": "https://sso.example.cn/auth?tenant=1",
            "token_endpoint": "https://sso.example.cn/token",
            "jwks_uri": "https://sso.example.cn/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        });
        change(&mut document);
        document.to_string()
    }

    #[test]
    fn a_document_is_its_issuers_own_and_leads_nowhere_without_tls() {
        let read = |text: &str| Metadata::read(text, "https://sso.example.cn/realm");
        let good = read(&document(|_| ())).unwrap();
        assert!(good.doubts().is_empty() && good.signs_by("RS256") && !good.signs_by("ES256"));
        assert!(!good.takes_secret_in_form());
        for (name, value, why) in [
            ("issuer", json!("https://sso.example.cn/realm/"), "不一致"),
            ("issuer", json!("https://evil.example"), "不一致"),
            ("token_endpoint", json!("http://sso.example.cn/token"), "token_endpoint"),
            ("jwks_uri", json!("file:///etc/keys"), "jwks_uri"),
            ("userinfo_endpoint", json!("//sso"), "userinfo_endpoint"),
            ("authorization_endpoint", json!("javascript:alert(1)"), "authorization_endpoint"),
            ("token_endpoint", Value::Null, "读不懂"),
        ] {
            let error = read(&document(|document| document[name] = value.clone())).unwrap_err();
            assert!(error.contains(why), "{name} {value}: {error}");
        }
        let doubtful = read(&document(|document| {
            document["response_types_supported"] = json!(["id_token"]);
            document["code_challenge_methods_supported"] = json!(["plain"]);
            document["id_token_signing_alg_values_supported"] = json!(["HS256", "ES512"]);
            document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        }));
        let doubtful = doubtful.unwrap();
        assert!(doubtful.doubts().len() == 3 && doubtful.takes_secret_in_form());
        assert_eq!(address("https://a.cn/"), "https://a.cn/.well-known/openid-configuration");
        assert_eq!(address("https://a.cn/b"), "https://a.cn/b/.well-known/openid-configuration");
    }
}
