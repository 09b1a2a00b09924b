//! The platform's own calls: signed, fresh, taken once.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zoufang::daemon::Daemon;
use zoufang::db::Decision;
use zoufang::domain::issue::State;
use zoufang::domain::referral::PlatformStatus;
use zoufang::settings::Settings;
use zoufang::web;

use crate::support::{Fixture, VISITS, client, on_both};

const SECRET: &[u8] = b"9Q0rT2mZk4Lw8XyB1vNs";
const UPLOADS: &str = "h7Jd2KpVw0sQz5RtYb3M";

struct Service {
    fixture: Fixture,
    address: String,
    stop: CancellationToken,
}

/// A township with one issue that the platform has under the number 7, and its service.
async fn service(fixture: Fixture, push: &str) -> Service {
    let words = [("accepted".to_owned(), PlatformStatus::Accepted)].into();
    let fixture = fixture.within(|context| context.platform_statuses = words).await;
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    let text = format!("[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'\n{push}");
    let settings = Settings::from_text(&text, "test").unwrap();
    let stop = CancellationToken::new();
    let daemon = Daemon::new(settings, fixture.store.clone(), stop.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/platform/updates", listener.local_addr().unwrap());
    tokio::spawn(web::serve(listener, Arc::new(daemon), stop.clone()));
    let line = "2022-04-20,Z6,H1,王建国,,路灯不亮,有,市直,其他,急";
    fixture.import("v.csv", &format!("{VISITS}\n{line}\n")).await.unwrap();
    let key = fixture.store.debts(None, None, 1).await.unwrap()[0].debt_key.clone();
    let mut tx = fixture.store.begin().await.unwrap();
    let arrived = Decision::Arrived { remote_id: Some("7".to_owned()) };
    tx.decide_debt(&key, &arrived, "周正", "已看到").await.unwrap();
    tx.commit().await.unwrap();
    Service { fixture, address, stop }
}

impl Service {
    async fn call(&self, id: &str, age: Duration, body: &str, secret: &[u8]) -> u16 {
        let at = (self.fixture.clock.now() - age).as_second().to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let request = client()
            .post(&self.address)
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", format!("v1,AAAA v1,{signature}"))
            .body(body.to_owned());
        request.send().await.unwrap().status().as_u16()
    }

    async fn count(&self, state: State) -> usize {
        self.fixture.store.issues_in(state, 10).await.unwrap().len()
    }
}

fn update(status: &str, hour: u8) -> String {
    format!(
        r#"[{{"service_request_id": 7, "status": "{status}", "status_notes": "已派单", "updated_datetime": "2022-04-20T{hour:02}:30:00+08:00"}}]"#
    )
}

const NOW: Duration = Duration::ZERO;

on_both!(a_signed_call_moves_the_issue_once, async |fixture: Fixture| {
    let secret = STANDARD.encode(SECRET);
    let service = service(fixture, &format!("[platform.push]\nsecret = 'whsec_{secret}'")).await;
    assert_eq!(service.count(State::Referred).await, 1);
    let accepted = update("accepted", 10);
    assert_eq!(service.call("m1", NOW, &accepted, b"another").await, 401);
    assert_eq!(service.call("m1", Duration::from_secs(3600), &accepted, SECRET).await, 401);
    assert_eq!(service.count(State::Referred).await, 1);
    // That somebody wasn't let in is on status, with why; whoever called didn't wait for that.
    let mut noted = false;
    for _ in 0..100 {
        let notes = service.fixture.store.platform_notes(0).await.unwrap();
        noted |= notes.iter().any(|note| note.what.contains("有人向推送地址送来"));
        if noted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(noted);
    assert_eq!(service.call("m1", NOW, &accepted, SECRET).await, 204);
    assert_eq!(service.count(State::Accepted).await, 1);
    // The same call again is the same call; an older update moves nothing back.
    assert_eq!(service.call("m1", NOW, &accepted, SECRET).await, 204);
    assert_eq!(service.call("m2", NOW, &update("open", 8), SECRET).await, 204);
    assert_eq!(service.count(State::Accepted).await, 1);
    assert_eq!(service.call("m3", NOW, "<html>", SECRET).await, 422);
    let notes = service.fixture.store.platform_notes(0).await.unwrap();
    assert!(notes.iter().any(|note| note.what.contains("没有收下")), "{notes:?}");
    // Some give what they call about as the call's number, and call again under it with what is new.
    assert_eq!(service.call("m1", NOW, &update("closed", 12), SECRET).await, 204);
    assert_eq!(service.count(State::Resolved).await, 1);
    let too_long = "x".repeat(2 << 20);
    assert_eq!(service.call("m5", NOW, &too_long, SECRET).await, 413);
    service.stop.cancel();
});

#[tokio::test]
async fn without_a_secret_nobody_can_call() {
    let service = service(Fixture::sqlite().await, "").await;
    assert_eq!(service.call("m1", NOW, &update("accepted", 10), b"").await, 404);
    service.stop.cancel();
}

on_both!(a_return_is_uploaded_by_whoever_knows_the_secret, async |fixture: Fixture| {
    let service = service(fixture, &format!("[platform.returns]\nsecret = '{UPLOADS}'")).await;
    let upload = async |secret: &str, body: &str| {
        let request = client()
            .post(service.address.replace("updates", "returns"))
            .bearer_auth(secret)
            .body(body.to_owned());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let table = "平台编号,办理状态,办理时间\n7,accepted,2022-04-20 08:30\n8,accepted,\n";
    assert_eq!(upload("another", table).await.0, 401);
    let areas = "区划名称,区划类型,区划代码\n某镇,镇,370481112000\n";
    let (code, text) = upload(UPLOADS, areas).await;
    assert_eq!(code, 422, "{text}");
    let (code, text) = upload(UPLOADS, table).await;
    assert_eq!(code, 200, "{text}");
    assert!(
        text.starts_with("2 行，更新 1，不变 0，对不上 1") && text.contains("第 3 行"),
        "{text}"
    );
    let accepted = service.fixture.store.issues_in(State::Accepted, 10).await.unwrap();
    assert_eq!(accepted.len(), 1);
    service.stop.cancel();
});

on_both!(one_event_that_cannot_be_read_loses_no_other, async |fixture: Fixture| {
    let secret = STANDARD.encode(SECRET);
    let service = service(fixture, &format!("[platform.push]\nsecret = 'whsec_{secret}'")).await;
    // Another event of the same call has no number; the platform hears so, and may call again.
    let both = update("accepted", 10).replacen('[', r#"[{"status": "open"}, "#, 1);
    for _ in 0..2 {
        assert_eq!(service.call("m1", NOW, &both, SECRET).await, 422);
        assert_eq!(service.count(State::Accepted).await, 1);
    }
    let notes = service.fixture.store.platform_notes(0).await.unwrap();
    assert!(notes.iter().any(|note| note.what.contains("没有收下")), "{notes:?}");
    service.stop.cancel();
});
