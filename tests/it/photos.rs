//! Photos of an issue: kept sealed, given to the platform once, fetched from us by their address.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zoufang::daemon::Daemon;
use zoufang::db::{LARGEST_PHOTO, Upsert};
use zoufang::sandbox::{Faults, Sandbox};
use zoufang::settings::Settings;
use zoufang::web;

use crate::db::{one_city_issue, the_issue};
use crate::support::{Fixture, client, on_both};

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a lamp that is out";

async fn add(fixture: &Fixture, number: &str, bytes: &[u8]) -> Result<Upsert, String> {
    let mut tx = fixture.store.begin().await.unwrap();
    let put = tx.add_photo(number, "路灯.jpg", bytes).await.map_err(|error| error.to_string())?;
    tx.commit().await.unwrap();
    Ok(put)
}

on_both!(photos_follow_their_issue_once_each, async |fixture: Fixture| {
    let fixture = fixture.within(|context| context.photos = true).await;
    let fixture = one_city_issue(fixture).await;
    let faults = Faults::read("reset-after=0.6").unwrap();
    let sandbox = Sandbox::new(fixture.clock.clone(), 5, faults);
    let (listener, stop) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), CancellationToken::new());
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (serving, until) = (sandbox.clone(), stop.clone());
    tokio::spawn(async move { serving.serve(listener, until).await });
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = format!(
        "[platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\ntimeout = '20s'\nphotos = true\n\
         service_request_updates = true\nmedia_url = 'http://{}/photos/'",
        own.local_addr().unwrap()
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let daemon = Arc::new(Daemon::new(settings, fixture.store.clone(), stop.clone()).unwrap());
    tokio::spawn(web::serve(own, Arc::clone(&daemon), stop.clone()));
    let number = the_issue(&fixture.store).await.number;
    // One before the platform has the issue, one after; the same picture again is nothing new. What arrives is found: that one
    // that broke off before arriving did not, nothing else of ours would prove.
    assert_eq!(add(&fixture, &number, JPEG).await, Ok(Upsert::Added));
    assert_eq!(add(&fixture, &number, JPEG).await, Ok(Upsert::Same));
    let hours = async |hours| {
        for _ in 0..hours {
            fixture.clock.set(fixture.clock.now() + Duration::from_secs(3600));
            daemon.settle().await.unwrap();
        }
    };
    hours(24).await;
    assert_eq!(add(&fixture, &number, b"\x89PNG mended").await, Ok(Upsert::Added));
    hours(24).await;
    let messages = sandbox.ledger().messages.clone();
    let mut told: Vec<&str> = messages.iter().map(|m| m.form["update_id"].as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, [format!("{number}-R1-P1"), format!("{number}-R1-P2")]);
    // The platform fetches it from where it was told.
    let first = messages.iter().find(|m| m.form["update_id"].ends_with("P1")).unwrap();
    let answer = client().get(&first.form["media_url"]).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    assert_eq!(answer.bytes().await.unwrap(), JPEG);
    let guessed = first.form["media_url"].rsplit_once('/').unwrap().0.to_owned() + "/1";
    assert_eq!(client().get(guessed).send().await.unwrap().status().as_u16(), 404);
    stop.cancel();
});

#[tokio::test]
async fn what_is_no_photo_is_refused() {
    let fixture = one_city_issue(Fixture::sqlite().await).await;
    let number = the_issue(&fixture.store).await.number;
    let wrong = add(&fixture, &number, b"MZ").await.unwrap_err();
    assert!(wrong.contains("不是 JPEG"), "{wrong}");
    let large = [JPEG, &vec![0; LARGEST_PHOTO]].concat();
    let wrong = add(&fixture, &number, &large).await.unwrap_err();
    assert!(wrong.contains("太大"), "{wrong}");
    for n in 0..9u8 {
        assert_eq!(add(&fixture, &number, &[JPEG, &[n]].concat()).await, Ok(Upsert::Added));
    }
    let wrong = add(&fixture, &number, &[JPEG, b"x"].concat()).await.unwrap_err();
    assert!(wrong.contains("9 张"), "{wrong}");
}
