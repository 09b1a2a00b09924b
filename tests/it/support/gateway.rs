//! A REST platform of unusual shape, as docs/connecting.md describes it: what it has received is the ground truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hmac::{KeyInit, Mac, SimpleHmac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};
use zoufang::clock::Clock;

/// One page.
const PAGE: usize = 30;
pub const SECRET: &str = "s3cret";

/// What it does, held by whoever asks it to.
#[derive(Clone)]
pub struct Gateway {
    clock: Clock,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    events: Vec<Event>,
    given: usize,
    /// Every so manieth submission is stored and answered 504.
    loses_every: Option<usize>,
}

#[derive(Clone)]
pub struct Event {
    pub flow_no: String,
    pub matter: String,
    /// In local time, as it's listed and asked for.
    at_local: String,
    at_millis: i64,
}

impl Gateway {
    /// One that has as many events of others as make two pages.
    pub async fn start(clock: Clock, loses_every: Option<usize>) -> (MockServer, Gateway) {
        let held = Arc::new(Mutex::new(Held { loses_every, ..Held::default() }));
        let gateway = Gateway { clock, held };
        for place in 0..PAGE + 5 {
            gateway.store(&format!("别处的第{place}件"));
        }
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(gateway.clone()).mount(&server).await;
        (server, gateway)
    }

    pub fn events(&self) -> Vec<Event> {
        self.held.lock().unwrap().events.clone()
    }

    fn store(&self, matter: &str) -> String {
        let now = self.clock.now();
        let mut held = self.held.lock().unwrap();
        let flow_no = format!("F{:05}", held.events.len());
        held.events.push(Event {
            flow_no: flow_no.clone(),
            matter: matter.to_owned(),
            at_local: zoufang::clock::local_text(now),
            at_millis: now.as_millisecond(),
        });
        flow_no
    }

    fn loses(&self) -> bool {
        let mut held = self.held.lock().unwrap();
        held.given += 1;
        held.loses_every.is_some_and(|every| held.given.is_multiple_of(every))
    }

    fn create(&self, request: &Request) -> ResponseTemplate {
        let is_form = request
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.to_str().unwrap().contains("x-www-form-urlencoded"));
        let form: HashMap<String, String> =
            url_pairs(&String::from_utf8_lossy(&request.body)).into_iter().collect();
        let known = ["01", "02", "03", "04", "05", "06", "99"];
        let kind = form.get("kind").is_some_and(|kind| known.contains(&kind.as_str()));
        let Some(matter) = form.get("matter").filter(|_| is_form && kind) else {
            return said("E1001", "内容不全或类别不对", Value::Null);
        };
        let flow_no = self.store(matter);
        if self.loses() {
            return ResponseTemplate::new(504);
        }
        said("000000", "成功", json!({ "flowNo": flow_no }))
    }

    fn page(&self, body: &Value) -> ResponseTemplate {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (from, to, page) = (text("from"), text("to"), body["pageNo"].as_u64().unwrap_or(0));
        let within = |event: &Event| from <= event.at_local && event.at_local <= to;
        let found: Vec<Event> = self.events().into_iter().filter(within).collect();
        let shown = |event: &Event| json!({ "flowNo": event.flow_no, "matter": event.matter, "at": event.at_local });
        let rows: Vec<Value> =
            found.iter().skip(page as usize * PAGE).take(PAGE).map(shown).collect();
        said("000000", "成功", json!({ "page": { "rows": rows, "total": found.len() } }))
    }

    fn query(&self, body: &Value) -> ResponseTemplate {
        let asked: Vec<&str> =
            body["flowNos"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // A number that it doesn't know it answers by its oldest, as some do.
        let events = self.events();
        let known = |event: &&Event| {
            asked.contains(&event.flow_no.as_str()) || (asked == ["0"] && event.flow_no == "F00000")
        };
        let shown = |event: &Event| {
            json!({ "flowNo": event.flow_no,
                "node": { "name": "登记", "opinion": "已登记", "at": event.at_millis } })
        };
        let rows: Vec<Value> = events.iter().filter(known).map(shown).collect();
        said("000000", "成功", json!({ "rows": rows }))
    }

    fn knows(&self, request: &Request) -> bool {
        let given = |name: &str| {
            request
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let digest: String =
            Sha256::digest(&request.body).iter().map(|b| format!("{b:02x}")).collect();
        let mut mac = <SimpleHmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{}{}{digest}", given("appkey"), given("ts")).as_bytes());
        let sign: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let at: i64 = given("ts").parse().unwrap_or_default();
        let fresh = (at - self.clock.millis()).abs() < 300_000;
        given("appkey") == "chd" && given("sign") == sign && fresh
    }
}

impl Respond for Gateway {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if request.url.path() != "/gw" {
            return ResponseTemplate::new(404);
        }
        if !self.knows(request) {
            return ResponseTemplate::new(401).set_body_string("签名不对");
        }
        if request.method.as_str() != "POST" {
            return ResponseTemplate::new(405);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match request.url.query() {
            Some("service=matter.create") => self.create(request),
            Some("service=matter.page") => self.page(&body),
            Some("service=matter.query") => self.query(&body),
            _ => said("E4040", "没有这个服务", Value::Null),
        }
    }
}

fn said(code: &str, words: &str, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({ "head": { "rtnCode": code, "rtnMsg": words }, "body": body }))
}

fn url_pairs(form: &str) -> Vec<(String, String)> {
    let address = format!("http://x/?{form}");
    reqwest::Url::parse(&address)
        .map(|url| url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect())
        .unwrap_or_default()
}
