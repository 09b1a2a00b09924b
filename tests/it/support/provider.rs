//! An OpenID provider as OpenID Connect Core 1.0 has it, named by its sections, that lies as it's told; and WeCom as its developer
//! pages (developer.work.weixin.qq.com, 身份验证) have it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};
use zoufang::clock::Clock;

pub const CLIENT: &str = "zoufang";
/// With what a form writes otherwise (RFC 6749, 2.3.1).
pub const SECRET: &str = "se:cr et/密";

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// RFC 8725, 2.1: without a signature.
    None,
    /// RFC 8725, 2.1: a digest under the public key, as its JWK and as its bytes.
    HashedByPublic,
    /// Signed by a key that isn't published, under the name of one that is.
    OthersKey,
    /// 10.1.1: signed by a key that isn't published, under a name of its own.
    UnknownKey,
    /// The signature is cut.
    Cut,
    Huge,
    Slow,
    /// The token endpoint leads elsewhere.
    Redirects,
    NoIdToken,
    NotJson,
    /// RFC 6749, 5.2.
    InvalidClient,
    InvalidGrant,
    Broken,
}

type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Default)]
struct Held {
    keys: Vec<(String, Arc<Vec<u8>>)>,
    /// What was asked for each code that was given: the query of the authorization request, and the claims.
    codes: HashMap<String, (HashMap<String, String>, Value)>,
    lie: Option<Lie>,
    change: Option<Change>,
    metadata: Option<Change>,
    userinfo: Option<Value>,
    asked: Vec<String>,
    given: usize,
}

#[derive(Clone)]
pub struct Provider {
    clock: Clock,
    issuer: String,
    held: Arc<Mutex<Held>>,
}

fn new_key() -> Arc<Vec<u8>> {
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    Arc::new(pkcs8.unwrap().as_ref().to_vec())
}

fn pair(pkcs8: &[u8]) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).unwrap()
}

impl Provider {
    pub async fn start(clock: Clock) -> (MockServer, Provider) {
        let server = MockServer::start().await;
        let held = Arc::new(Mutex::new(Held::default()));
        let provider = Provider { clock, issuer: server.uri(), held };
        provider.rotate("key-1");
        Mock::given(any()).respond_with(provider.clone()).mount(&server).await;
        (server, provider)
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// As it's configured here.
    pub fn settings(&self) -> String {
        format!(
            "[notify]\npublic_url = 'http://zoufang.example.cn'\n[http]\ntrusted_proxies = ['127.0.0.1']\n\
             [sign_in.oidc]\nissuer = '{}'\nclient_id = '{CLIENT}'\nclient_secret = '{SECRET}'\n",
            self.issuer
        )
    }

    /// 10.1.1: another key takes the place of those before.
    pub fn rotate(&self, name: &str) {
        self.held.lock().unwrap().keys = vec![(name.to_owned(), new_key())];
    }

    pub fn lies(&self, lie: Option<Lie>) {
        self.held.lock().unwrap().lie = lie;
    }

    /// Changes what the next ID tokens say.
    pub fn says(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.held.lock().unwrap().change = Some(Arc::new(change));
    }

    pub fn describes(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.held.lock().unwrap().metadata = Some(Arc::new(change));
    }

    pub fn tells(&self, userinfo: Value) {
        self.held.lock().unwrap().userinfo = Some(userinfo);
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.held.lock().unwrap().asked.iter().filter(|asked| *asked == path).count()
    }

    /// 3.1.2: somebody is there with their browser, which was sent to this address, and agrees. Where it's sent back to.
    pub fn agreed(&self, to: &str, claims: Value) -> String {
        let url = reqwest::Url::parse(to).unwrap();
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert!(to.starts_with(&format!("{}/auth?tenant=1&", self.issuer)), "{to}");
        // 3.1.2.1 and RFC 7636, 4.3.
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", "http://zoufang.example.cn/my/sign-in/oidc/back"),
            ("scope", "openid profile"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(query[name], value, "{name}");
        }
        assert!(query["state"].len() >= 32 && query["nonce"].len() >= 32, "{query:?}");
        assert_ne!(query["state"], query["nonce"]);
        let state = query["state"].clone();
        let mut held = self.held.lock().unwrap();
        held.given += 1;
        let code = format!("code-{}", held.given);
        held.codes.insert(code.clone(), (query, claims));
        // RFC 9207.
        let issuer = &self.issuer;
        format!("/my/sign-in/oidc/back?code={code}&state={state}&iss={issuer}")
    }

    fn jwk(name: &str, pkcs8: &[u8]) -> Value {
        let public = pair(pkcs8).public_key().as_ref().to_vec();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": name,
            "x": part(&public[1..33]), "y": part(&public[33..]),
        })
    }

    fn signed(&self, claims: &Value, held: &Held) -> String {
        let (name, key) = held.keys[0].clone();
        let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let with = |header: Value, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
            let signed = format!("{}.{}", coded(&header), coded(claims));
            let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
            format!("{signed}.{signature}")
        };
        let by = |key: &[u8], text: &[u8]| {
            pair(key).sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec()
        };
        match held.lie {
            Some(Lie::None) => with(json!({ "alg": "none" }), &|_| Vec::new()),
            Some(Lie::HashedByPublic) => {
                let public = Provider::jwk(&name, &key).to_string();
                let mac = |text: &[u8]| {
                    let mut mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).unwrap();
                    mac.update(text);
                    mac.finalize().into_bytes().to_vec()
                };
                with(json!({ "alg": "HS256", "kid": name }), &mac)
            }
            Some(Lie::OthersKey) => {
                let other = new_key();
                with(json!({ "alg": "ES256", "kid": name }), &|text| by(&other, text))
            }
            Some(Lie::UnknownKey) => {
                let other = new_key();
                with(json!({ "alg": "ES256", "kid": "unknown" }), &|text| by(&other, text))
            }
            Some(Lie::Cut) => {
                with(json!({ "alg": "ES256", "kid": name }), &|text| by(&key, text)[..63].to_vec())
            }
            _ => with(json!({ "alg": "ES256", "kid": name }), &|text| by(&key, text)),
        }
    }

    /// 3.1.3: the code for tokens, once, to the client that asked for it.
    fn token(&self, request: &Request, held: &mut Held) -> ResponseTemplate {
        let error = |status, name: &str| {
            ResponseTemplate::new(status)
                .set_body_json(json!({ "error": name, "error_description": "<b>张三</b>" }))
        };
        match held.lie {
            Some(Lie::Huge) => {
                return ResponseTemplate::new(200).set_body_string("x".repeat(5 << 20));
            }
            Some(Lie::Slow) => {
                return ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
            }
            Some(Lie::Redirects) => {
                return ResponseTemplate::new(307).insert_header("location", "http://127.0.0.1:9/");
            }
            Some(Lie::NotJson) => return ResponseTemplate::new(200).set_body_string("<html>"),
            Some(Lie::InvalidClient) => return error(401, "invalid_client"),
            Some(Lie::InvalidGrant) => return error(400, "invalid_grant"),
            Some(Lie::Broken) => return ResponseTemplate::new(500),
            _ => {}
        }
        let basic = request.headers.get("authorization").map(|value| value.to_str().unwrap());
        let known = STANDARD.encode(format!("{CLIENT}:se%3Acr+et%2F%E5%AF%86"));
        if basic != Some(&format!("Basic {known}")) {
            return error(401, "invalid_client");
        }
        let url = format!("http://own/?{}", String::from_utf8_lossy(&request.body));
        let form: HashMap<String, String> =
            reqwest::Url::parse(&url).unwrap().query_pairs().into_owned().collect();
        let Some((query, mut claims)) = held.codes.remove(&form["code"]) else {
            return error(400, "invalid_grant");
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
        if form["grant_type"] != "authorization_code"
            || form["redirect_uri"] != query["redirect_uri"]
            || challenge != query["code_challenge"]
        {
            return error(400, "invalid_grant");
        }
        let now = self.clock.now().as_second();
        let own = json!({
            "iss": self.issuer, "sub": "u1", "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": query["nonce"],
        });
        for (name, value) in own.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if let Some(change) = &held.change {
            change(&mut claims);
        }
        let id_token = match held.lie {
            Some(Lie::NoIdToken) => Value::Null,
            _ => self.signed(&claims, held).into(),
        };
        let tokens = json!({
            "access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": id_token,
        });
        ResponseTemplate::new(200).set_body_json(tokens)
    }

    fn metadata(&self, held: &Held) -> ResponseTemplate {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut metadata = json!({
            "issuer": self.issuer, "authorization_endpoint": at("/auth?tenant=1"),
            "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
            "userinfo_endpoint": at("/userinfo"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        if let Some(change) = &held.metadata {
            change(&mut metadata);
        }
        ResponseTemplate::new(200).set_body_json(metadata)
    }
}

impl Respond for Provider {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut held = self.held.lock().unwrap();
        let path = request.url.path().to_owned();
        held.asked.push(path.clone());
        match path.as_str() {
            "/.well-known/openid-configuration" => self.metadata(&held),
            "/keys" => {
                let keys: Vec<Value> =
                    held.keys.iter().map(|(name, key)| Provider::jwk(name, key)).collect();
                ResponseTemplate::new(200).set_body_json(json!({ "keys": keys }))
            }
            "/token" => self.token(request, &mut held),
            "/userinfo" => {
                let bearer = request.headers.get("authorization").map(|value| value.as_bytes());
                match (&held.userinfo, bearer) {
                    (Some(userinfo), Some(b"Bearer access")) => {
                        ResponseTemplate::new(200).set_body_json(userinfo)
                    }
                    _ => ResponseTemplate::new(401),
                }
            }
            _ => ResponseTemplate::new(404),
        }
    }
}

/// WeCom: gettoken 获取access_token, auth/getuserinfo 获取访问用户身份.
#[derive(Clone, Default)]
pub struct Wecom {
    held: Arc<Mutex<WecomHeld>>,
}

#[derive(Default)]
struct WecomHeld {
    tokens: usize,
    asked: usize,
    /// Tokens until this one don't hold any more.
    worn: usize,
    /// What is answered instead.
    token: Option<Value>,
    member: Option<Value>,
}

impl Wecom {
    pub async fn start() -> (MockServer, Wecom) {
        let (server, wecom) = (MockServer::start().await, Wecom::default());
        Mock::given(any()).respond_with(wecom.clone()).mount(&server).await;
        (server, wecom)
    }

    pub fn settings(server: &MockServer) -> String {
        format!(
            "[notify]\npublic_url = 'http://zoufang.example.cn'\n[sign_in.wecom]\ncorp_id = 'ww1'\nagent_id = 1000002\n\
             secret = 's3cret'\nendpoint = '{}'\n",
            server.uri()
        )
    }

    pub fn tokens(&self) -> usize {
        self.held.lock().unwrap().tokens
    }

    pub fn asked(&self) -> usize {
        self.held.lock().unwrap().asked
    }

    /// 企业微信可能会出于运营需要，提前使access_token失效.
    pub fn wears_out(&self) {
        let mut held = self.held.lock().unwrap();
        held.worn = held.tokens;
    }

    pub fn gives_no_token(&self, answer: Option<Value>) {
        self.held.lock().unwrap().token = answer;
    }

    pub fn answers(&self, answer: Option<Value>) {
        self.held.lock().unwrap().member = answer;
    }
}

impl Respond for Wecom {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut held = self.held.lock().unwrap();
        let query: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let answer = match request.url.path() {
            "/cgi-bin/gettoken" => match &held.token {
                Some(answer) => answer.clone(),
                None if query["corpid"] != "ww1" => {
                    json!({ "errcode": 40013, "errmsg": "invalid corpid" })
                }
                None if query["corpsecret"] != "s3cret" => {
                    json!({ "errcode": 40001, "errmsg": "invalid credential" })
                }
                None => {
                    held.tokens += 1;
                    json!({ "errcode": 0, "errmsg": "ok", "access_token": format!("token-{}", held.tokens), "expires_in": 7200 })
                }
            },
            "/cgi-bin/auth/getuserinfo" => {
                held.asked += 1;
                let nth =
                    query["access_token"].strip_prefix("token-").and_then(|nth| nth.parse().ok());
                match (nth, &held.member) {
                    (Some(nth), _) if nth <= held.worn => {
                        json!({ "errcode": 42001, "errmsg": "access_token expired" })
                    }
                    (None::<usize>, _) => {
                        json!({ "errcode": 40014, "errmsg": "invalid access_token" })
                    }
                    (_, Some(answer)) => answer.clone(),
                    (_, None) => match query["code"].strip_prefix("code-of-") {
                        Some(user) => json!({ "errcode": 0, "errmsg": "ok", "userid": user }),
                        None => json!({ "errcode": 40029, "errmsg": "invalid code" }),
                    },
                }
            }
            _ => return ResponseTemplate::new(404),
        };
        ResponseTemplate::new(200).set_body_json(answer)
    }
}
