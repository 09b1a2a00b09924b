//! The interface for programs: as its document says, in the name of whoever gave the token, each thing once.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use zoufang::app::tokens::{NewToken, give};
use zoufang::domain::scope::Scope;
use zoufang::web::api::DOCUMENT;

use crate::accounts::served;
use crate::db::{one_city_issue, the_issue};
use crate::support::browser::person;
use crate::support::{Fixture, client, on_both};

/// A program with a token that somebody gave it.
struct Program {
    url: String,
    token: String,
}

impl Program {
    async fn of(fixture: &Fixture, url: &str, number: &str, scopes: &[Scope]) -> Program {
        let by = person(&fixture.store, "Z1").await;
        let acts_as = person(&fixture.store, number).await;
        let new =
            NewToken {
                title: "台账程序".to_owned(), scopes: scopes.to_vec(), days: 30, acts_as
            };
        let mut tx = fixture.store.begin().await.unwrap();
        let (_, token) = give(&mut tx, &new, &by).await.unwrap();
        tx.commit().await.unwrap();
        Program { url: url.to_owned(), token }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        client().request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let is_problem = kind.as_deref() == Some("application/problem+json");
    let value: Value = answer.json().await.unwrap();
    assert_eq!(is_problem, status >= 400, "{status} {kind:?} {value}");
    (status, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_names_is_there_and_asks_for_a_token() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let fixture = one_city_issue(Fixture::sqlite().await).await;
    let url = served(&fixture.store, "").await;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let place = format!("{url}{}", path.replace("{number}", "X-1"));
            let request = client().request(method.clone(), &place);
            let answer = request.json(&json!({})).send().await.unwrap();
            let open = about["security"].as_array().is_some_and(Vec::is_empty);
            let expected = if open { [200, 200] } else { [401, 429] };
            let status = answer.status().as_u16();
            assert!(expected.contains(&status), "{method} {path}: {status}");
            let documented = about["responses"].as_object().unwrap();
            assert!(documented.contains_key(&status.to_string()), "{method} {path}: {status}");
        }
    }
}

on_both!(a_program_acts_in_the_name_of_whoever_gave_its_token, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    let url = served(&fixture.store, "").await;
    let number = the_issue(&fixture.store).await.number;
    let all = [Scope::Issues, Scope::Act];
    let centre = Program::of(&fixture, &url, "Z1", &all).await;
    let (status, page) = read(centre.get("/issues?state=queued&limit=1").await).await;
    assert_eq!((status, &page["items"][0]["number"]), (200, &json!(number)), "{page}");
    let (status, wrong) = read(centre.get("/issues?state=%E5%9D%8F").await).await;
    assert!(status == 422 && wrong["detail"].as_str().unwrap().contains("状态"), "{wrong}");
    // What the token isn't for, and what isn't theirs.
    let (status, _) = read(centre.get("/status").await).await;
    assert_eq!(status, 401);
    let other = Program::of(&fixture, &url, "Z7", &all).await;
    let (status, _) = read(other.get(&format!("/issues/{number}")).await).await;
    assert_eq!(status, 404, "another's household");

    let answer = centre.get(&format!("/issues/{number}")).await;
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let (_, issue) = read(answer).await;
    assert!(issue["masked"] == json!(true) && !issue.to_string().contains("13800000001"));
    let again = centre.ask(Method::GET, &format!("/issues/{number}"));
    let again = again.header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 304);
    let act = |etag: Option<&str>, body: Value| {
        let request = centre.ask(Method::POST, &format!("/issues/{number}/acts")).json(&body);
        match etag {
            Some(etag) => request.header("if-match", etag),
            None => request,
        }
    };
    let void = json!({ "act": "void", "said": "重复登记", "confirmed": true });
    let (status, _) = read(act(None, void.clone()).send().await.unwrap()).await;
    assert_eq!(status, 428);
    let (status, _) = read(act(Some("\"999\""), void.clone()).send().await.unwrap()).await;
    assert_eq!(status, 412);
    for (body, said) in [
        (json!({ "act": "fly" }), "act"),
        (json!({ "act": "void", "level": "moon" }), "level"),
        (json!({ "act": "mediate", "on": "2022-03-02", "follow_up_on": "soon" }), "follow_up_on"),
        (json!({ "act": "void", "grounds": "重复" }), "grounds"),
    ] {
        let (status, wrong) = read(act(Some(&etag), body).send().await.unwrap()).await;
        assert!(status == 422 && wrong.to_string().contains(said), "{wrong}");
    }
    // Nothing waits for a review, nor ever did.
    fixture.visit("2022-03-05,Z6,H2,李秀英,,门口积水,有,镇村自办,居住环境,急").await.unwrap();
    let (_, page) = read(centre.get("/issues?subject=H2").await).await;
    let of_town = format!("/issues/{}", page["items"][0]["number"].as_str().unwrap());
    let etag_of_town = centre.get(&of_town).await.headers()["etag"].to_str().unwrap().to_owned();
    let release = centre.ask(Method::POST, &format!("{of_town}/acts"));
    let release = release.json(&json!({ "act": "release", "confirmed": true }));
    let (status, _) = read(release.header("if-match", etag_of_town).send().await.unwrap()).await;
    assert_eq!(status, 403);
    for _ in 0..2 {
        let (status, done) = read(act(Some(&etag), void.clone()).send().await.unwrap()).await;
        assert_eq!((status, &done["state"]), (200, &json!("void")), "{done}");
    }
    let trail = fixture.store.audit_trail().await.unwrap();
    let voided = trail.iter().filter(|entry| entry.action == "void").count();
    assert_eq!(voided, 1, "pressed twice, done once");
});

on_both!(a_visit_is_recorded_once_however_often_it_is_sent, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    let url = served(&fixture.store, "").await;
    let program = Program::of(&fixture, &url, "Z6", &[Scope::Visits]).await;
    let visit = json!({
        "subject": "H1", "on": "2022-03-05", "name": "王建国", "heard": "issue", "text": "路灯不亮", "pledge": true,
    });
    let send = |key: &str, visit: &Value| {
        let request = program.ask(Method::POST, "/visits").json(visit);
        if key.is_empty() { request } else { request.header("idempotency-key", key) }
    };
    let (status, _) = read(send("", &visit).send().await.unwrap()).await;
    assert_eq!(status, 400);
    let (status, first) = read(send("k1", &visit).send().await.unwrap()).await;
    assert_eq!((status, &first["added"]), (201, &json!(true)), "{first}");
    let (status, again) = read(send("k1", &visit).send().await.unwrap()).await;
    assert_eq!((status, &again["issue"]), (200, &first["issue"]));
    let mut other = visit.clone();
    other["text"] = json!("水管漏水");
    let (status, _) = read(send("k1", &other).send().await.unwrap()).await;
    assert_eq!(status, 409);
    let (status, wrong) = read(send("k2", &json!({ "subject": "H1" })).send().await.unwrap()).await;
    let fields: Vec<&str> = wrong["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert!(status == 422 && fields.contains(&"on") && fields.contains(&"pledge"), "{wrong}");

    for (field, value) in [
        ("level", "moon"),
        ("category", "moon"),
        ("urgency", "moon"),
        ("manner", "moon"),
        ("rank", "town"),
    ] {
        let mut bogus = visit.clone();
        bogus["level"] = json!("town");
        bogus["category"] = json!("other");
        bogus[field] = json!(value);
        let (status, wrong) = read(send("k3", &bogus).send().await.unwrap()).await;
        assert!(status == 422 && wrong.to_string().contains(field), "{field}: {wrong}");
    }

    // Many at once: what is wrong with one keeps none of the others back.
    let (_, household) = read(program.get("/households/H1").await).await;
    let known = &household["residents"][0];
    assert_eq!(known["name"], json!("王建国"));
    let many = json!({ "visits": [
        { "key": "m1", "visit": { "subject": "H2", "on": "2022-03-05", "name": "李秀英", "heard": "nothing", "pledge": true } },
        { "key": "m2", "visit": { "subject": "H3", "on": "2022-03-05", "name": "赵六", "heard": "nothing", "pledge": true } },
    ] });
    let bulk = program.ask(Method::POST, "/visits/bulk").json(&many).send().await.unwrap();
    let (status, bulk) = read(bulk).await;
    let each: Vec<&Value> =
        bulk["results"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!((status, each[0]), (200, &json!(201)), "{bulk}");
    assert_ne!(each[1], &json!(201), "not theirs: {bulk}");
});
