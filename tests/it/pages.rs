//! What one person may open: their digest with its button, their calendar; and that nobody is disturbed at night.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use zoufang::daemon::Daemon;
use zoufang::db::Store;
use zoufang::domain::figures::percent;
use zoufang::notify::{calendar_link, preview};
use zoufang::settings::Settings;
use zoufang::web::serve;

use crate::support::{Fixture, claim, client, notices, on_both};

/// The service at an address of its own.
async fn served(store: &Store) -> (String, Arc<Daemon>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let text = format!("[notify]\npublic_url = '{url}'\n");
    let settings = Settings::from_text(&text, "test").unwrap();
    let daemon = Arc::new(Daemon::new(settings, store.clone(), CancellationToken::new()).unwrap());
    tokio::spawn(serve(listener, Arc::clone(&daemon), CancellationToken::new()));
    (url, daemon)
}

async fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Where a person's digest that was just written links to.
async fn link_to(store: &Store, number: &str) -> String {
    let entries = claim(store, "log", "t", 100, 60_000).await.unwrap();
    let notices = notices(store, &entries).await;
    let notice = notices.iter().find(|notice| notice.staff_number == number).unwrap();
    notice.body.lines().last().unwrap().trim_start_matches("查看并签收：").to_owned()
}

on_both!(what_is_owed_and_watched_over_stands_once_on_the_page, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_, daemon) = served(&fixture.store).await;
    // Nobody leads 杨桥村: its branch's secretary stands in, and watches over both villages besides.
    fixture.at(3, 14, 9);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let link = link_to(&fixture.store, "Z3").await;
    let page = get(&link).await.1;
    assert_eq!(page.matches("走访材料准备 1项").count(), 2, "{page}");
    assert!(page.contains("需要您办理") && page.contains("需要您督办"), "{page}");
    for village in ["高桥村", "杨桥村"] {
        fixture
            .import(village, &format!("任务,区划,确认人\n走访材料准备,{village},郑书\n"))
            .await
            .unwrap();
    }
    let page = get(&link).await.1;
    assert!(page.contains("当天提醒的事项都已完成") && !page.contains("另外"), "{page}");
});

on_both!(a_digest_links_to_its_page_and_is_acknowledged_there, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_, daemon) = served(&fixture.store).await;
    fixture.at(3, 28, 9);
    let notices =
        preview(&fixture.store, &daemon.reminder_rules, fixture.clock.today()).await.unwrap();
    assert!(notices.len() >= 2);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let link = link_to(&fixture.store, "Z6").await;
    let (status, page) = get(&link).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("入户走访 2项") && page.contains("李**、王**") && page.contains("<button>"),
        "{page}"
    );
    let guess = format!("{}0", &link[..link.len() - 1]);
    let other = if guess == link { format!("{}1", &link[..link.len() - 1]) } else { guess };
    assert_eq!(get(&other).await.0, 404);
    let answer = client().post(&link).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("已签收") && !answer.contains("<button>"), "{answer}");
    // On its date they aren't told again; the day after, when it's red, they are.
    let mut told = Vec::new();
    for day in [31, 32] {
        fixture.clock.set(
            fixture.clock.instant(
                jiff::civil::date(2022, 3, 31)
                    .at(10, 0, 0, 0)
                    .saturating_add(jiff::ToSpan::days(day - 31)),
            ),
        );
        zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
        let all = fixture.store.told().await.unwrap();
        let today = fixture.clock.today().to_string();
        told.push(all.iter().filter(|t| t.staff_number == "Z6" && t.on_date == today).count());
    }
    assert_eq!(told, [0, 2]);
    // What is done meanwhile isn't asked for any more.
    fixture.visit("2022-03-30,Z6,H1,王建国,,,无,,,").await.unwrap();
    let page = get(&link).await.1;
    assert!(page.contains("入户走访 1项"), "{page}");
});

on_both!(
    a_calendar_has_ones_own_duties_at_an_address_that_can_be_changed,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let (url, _daemon) = served(&fixture.store).await;
        let person = async |number: &str| {
            let staff = fixture.store.staff().await.unwrap();
            staff.into_iter().find(|person| person.number == number).unwrap()
        };
        let link = |person| calendar_link(fixture.store.context(), &url, &person);
        let visitors = link(person("Z6").await);
        let (status, calendar) = get(&visitors).await;
        assert_eq!(status, 200);
        for line in [
            "BEGIN:VCALENDAR",
            "DTSTART;VALUE=DATE:20220331",
            "DTEND;VALUE=DATE:20220401",
            "SUMMARY:高桥村委会 入户走访 2项",
            "DTSTAMP:20220301T010000Z",
        ] {
            assert!(calendar.contains(line), "{line}: {calendar}");
        }
        // And as one of the village's cadres, its self-check.
        assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 2);
        // A branch secretary owes the summary; a village lead the materials and more.
        let secretary = get(&link(person("Z3").await)).await.1;
        assert!(secretary.contains("总支小结") && !secretary.contains("入户走访"), "{secretary}");
        let mut tx = fixture.store.begin().await.unwrap();
        tx.renew_calendar(&person("Z6").await.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(get(&visitors).await.0, 404);
        assert_eq!(get(&link(person("Z6").await)).await.0, 200);
    }
);

on_both!(a_notice_that_waited_waits_for_the_morning, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let taken = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (clock, came) = (fixture.clock.clone(), Arc::clone(&taken));
    let app = axum::Router::new().fallback(move || async move {
        came.lock().unwrap().push(clock.local());
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let text = format!(
        "[notify]\nchannels = ['log']\ncopies = ['webhook']\n[notify.webhook]\nurl = '{url}'\n"
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    fixture.at(4, 1, 17);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    for (day, hour) in [(1, 19), (2, 3), (2, 8)] {
        fixture.at(4, day, hour);
        daemon.settle().await.unwrap();
        assert!(taken.lock().unwrap().is_empty(), "{day} {hour}");
    }
    // A Saturday that is worked.
    fixture.at(4, 2, 9);
    daemon.settle().await.unwrap();
    assert!(!taken.lock().unwrap().is_empty());
});

on_both!(the_campaign_is_seen_at_a_glance, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (url, daemon) = served(&fixture.store).await;
    fixture.at(4, 20, 9);
    fixture.visit("2022-03-30,Z6,H1,王建国,,<路灯>不亮,有,镇村,居住环境,急").await.unwrap();
    let (status, page) = get(&url).await;
    assert_eq!(status, 200);
    let told = fixture.store.counts().await.unwrap();
    let visited = percent(told.rates().visit);
    for seen in ["集中办结阶段", "超期", "各总支", "高桥村", visited.as_str()] {
        assert!(page.contains(seen), "{seen}: {page}");
    }
    // Counts only: nobody's name, nor what anybody said.
    for private in ["王建国", "路灯", "李"] {
        assert!(!page.contains(private), "{private}: {page}");
    }
    let by = get(&format!("{url}/figures?by=village")).await.1;
    assert!(by.contains("高桥村"), "{by}");
    for (path, status, said) in [
        ("/figures", 400, "/figures?by=village（按村）"),
        ("/figures?by=shop", 400, "请写明按什么分列"),
        ("/nowhere", 404, "没有这个页面：/nowhere"),
        ("/platform/updates", 405, "不接受 GET 请求"),
    ] {
        let (found, text) = get(&format!("{url}{path}")).await;
        assert_eq!(found, status, "{path}: {text}");
        assert!(text.contains(said), "{path}: {text}");
    }
    drop(daemon);
});
