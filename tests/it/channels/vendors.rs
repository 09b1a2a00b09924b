//! The vendors' servers, as their documents have them: each checks signature, body and limits, and answers by its codes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use zoufang::clock::Clock;

pub const SECRET: &str = "SECd0e1f2";

/// What the vendors got.
#[derive(Clone)]
pub struct Vendors {
    pub url: String,
    clock: Clock,
    taken: Arc<Mutex<Vec<Value>>>,
    /// Tokens given out; only the last is good.
    tokens: Arc<Mutex<u32>>,
    /// Whether the last token was taken back before its time.
    revoked: Arc<Mutex<bool>>,
}

type Parameters = Query<HashMap<String, String>>;

impl Vendors {
    pub async fn start(clock: Clock) -> Vendors {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let vendors = Vendors {
            url,
            clock,
            taken: Arc::default(),
            tokens: Arc::default(),
            revoked: Arc::default(),
        };
        let router = Router::new()
            .route("/robot/send", post(dingtalk))
            .route("/open-apis/bot/v2/hook/good", post(feishu))
            .route("/cgi-bin/webhook/send", post(wecom_robot))
            .route("/cgi-bin/gettoken", get(wecom_token))
            .route("/cgi-bin/message/send", post(wecom_app))
            .route("/hook", post(webhook))
            .route("/v1/messages", post(sms))
            .with_state(vendors.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        vendors
    }

    /// The bodies that were taken.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }

    pub fn revoke_token(&self) {
        *self.revoked.lock().unwrap() = true;
    }

    pub fn tokens_given(&self) -> u32 {
        *self.tokens.lock().unwrap()
    }

    fn take(&self, body: Value, limit: usize) -> bool {
        let mut taken = self.taken.lock().unwrap();
        let fits = taken.len() < limit;
        if fits {
            taken.push(body);
        }
        fits
    }
}

pub fn mac(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn bytes(body: &Value, at: &str) -> usize {
    body.pointer(at).and_then(Value::as_str).unwrap().len()
}

/// Not more than an hour from now, in milliseconds; signed over the timestamp, a line break and the secret.
async fn dingtalk(
    State(vendors): State<Vendors>,
    Query(query): Parameters,
    Json(body): Json<Value>,
) -> Json<Value> {
    let answer = |code: i64, text: &str| Json(json!({"errcode": code, "errmsg": text}));
    if query["access_token"] != "good" {
        return answer(300_001, "token is not exist");
    }
    let timestamp: i64 = query["timestamp"].parse().unwrap();
    let fresh = (vendors.clock.millis() - timestamp).abs() <= 3_600_000;
    if !fresh || query["sign"] != mac(SECRET, &format!("{timestamp}\n{SECRET}")) {
        return answer(310_000, "sign not match");
    }
    assert!(body.to_string().len() <= 20_000 && body["msgtype"] == "text");
    for mobile in body["at"]["atMobiles"].as_array().unwrap() {
        let text = body["text"]["content"].as_str().unwrap();
        assert!(text.contains(&format!("@{}", mobile.as_str().unwrap())), "called but not named");
    }
    if !vendors.take(body, 20) {
        return answer(130_101, "send too fast, exceed 20 times per minute");
    }
    answer(0, "ok")
}

/// Not more than an hour from now, in seconds; the MAC of nothing under timestamp, line break and secret.
async fn feishu(State(vendors): State<Vendors>, Json(body): Json<Value>) -> Json<Value> {
    let answer = |code: i64, text: &str| Json(json!({"code": code, "msg": text, "data": {}}));
    let timestamp = body["timestamp"].as_str().unwrap_or("0");
    let apart = vendors.clock.now().as_second() - timestamp.parse::<i64>().unwrap();
    if apart.abs() > 3600 || body["sign"] != mac(&format!("{timestamp}\n{SECRET}"), "") {
        return answer(
            19_021,
            "sign match fail or timestamp is not within one hour from current time",
        );
    }
    assert!(body.to_string().len() <= 20_480 && body["msg_type"] == "text");
    if !vendors.take(body, 100) {
        return answer(11_232, "frequency limited");
    }
    answer(0, "success")
}

async fn wecom_robot(
    State(vendors): State<Vendors>,
    Query(query): Parameters,
    Json(body): Json<Value>,
) -> Json<Value> {
    let answer = |code: i64, text: &str| Json(json!({"errcode": code, "errmsg": text}));
    if query["key"] != "good" {
        return answer(93_000, "invalid webhook url");
    }
    assert!(body["msgtype"] == "text" && bytes(&body, "/text/content") <= 2048);
    if !vendors.take(body, 20) {
        return answer(45_009, "api freq out of limit");
    }
    answer(0, "ok")
}

async fn wecom_token(State(vendors): State<Vendors>, Query(query): Parameters) -> Json<Value> {
    if query["corpid"] != "corp" || query["corpsecret"] != SECRET {
        return Json(json!({"errcode": 40_001, "errmsg": "invalid credential"}));
    }
    *vendors.revoked.lock().unwrap() = false;
    let mut tokens = vendors.tokens.lock().unwrap();
    *tokens += 1;
    Json(
        json!({"errcode": 0, "errmsg": "ok", "access_token": format!("t{tokens}"), "expires_in": 7200}),
    )
}

async fn wecom_app(
    State(vendors): State<Vendors>,
    Query(query): Parameters,
    Json(body): Json<Value>,
) -> Json<Value> {
    let token = format!("t{}", vendors.tokens_given());
    if query["access_token"] != token || *vendors.revoked.lock().unwrap() {
        return Json(json!({"errcode": 42_001, "errmsg": "access_token expired"}));
    }
    assert!(bytes(&body, "/text/content") <= 2048 && body["agentid"] == 1_000_002);
    if body["touser"] == "gone" {
        return Json(json!({"errcode": 81_013, "errmsg": "user & party & tag all invalid"}));
    }
    if body["touser"] == "unlicensed" {
        return Json(
            json!({"errcode": 0, "errmsg": "ok", "invaliduser": "", "unlicenseduser": "unlicensed"}),
        );
    }
    // The same message to the same person within the interval is given once.
    let known = vendors.taken().contains(&body);
    if !known || body["enable_duplicate_check"] != 1 {
        vendors.take(body, usize::MAX);
    }
    Json(json!({"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m"}))
}

async fn webhook(State(vendors): State<Vendors>, headers: HeaderMap, body: String) -> Json<Value> {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    assert_eq!(header("webhook-signature"), format!("v1,{}", mac(SECRET, &signed)));
    vendors.take(serde_json::from_str(&body).unwrap(), usize::MAX);
    Json(json!({}))
}

async fn sms(
    State(vendors): State<Vendors>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    assert_eq!(headers["authorization"].to_str().unwrap(), format!("Bearer {SECRET}"));
    let code = match body["mobile"].as_str().unwrap() {
        "10000000000" => "1002",
        "10000000429" => "2001",
        "10000000500" => "5555",
        _ => "0",
    };
    if code == "0" {
        vendors.take(body, usize::MAX);
    }
    Json(json!({"code": code, "msg": "…"}))
}
