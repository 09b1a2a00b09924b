//! What one person may open: their digest with its button, their calendar; and that nobody is disturbed at night.

use std::sync::Arc;

use sqlx::Connection;
use tokio_util::sync::CancellationToken;
use zoufang::daemon::Daemon;
use zoufang::db::{ChannelReach, Form, Store};
use zoufang::domain::delivery::Settlement;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::figures::percent;
use zoufang::domain::staff::AddressKind;
use zoufang::notify::{calendar_link, preview};
use zoufang::settings::Settings;
use zoufang::web::serve;

use crate::support::{Fixture, claim, client, notices, on_both, reach, settle};

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
    let theirs = notices.iter().filter(|notice| notice.staff_number == number);
    let notice = theirs.max_by_key(|notice| notice.on_date.clone()).unwrap();
    let last = notice.body.lines().last().unwrap();
    last[last.find("http").unwrap()..].to_owned()
}

on_both!(what_is_owed_and_watched_over_stands_once_on_the_page, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_, daemon) = served(&fixture.store).await;
    // Nobody leads 杨桥村: its branch's secretary owes what its lead would. Late with that, they press nobody else for the same;
    // the leading group hears of both villages.
    fixture.at(3, 17, 9);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let entries = claim(&fixture.store, "log", "t", 100, 60_000).await.unwrap();
    let said = notices(&fixture.store, &entries).await;
    let link_of = |who: &str| {
        let body = &said.iter().find(|notice| notice.staff_number == who).unwrap().body;
        body[body.rfind("http").unwrap()..].trim().to_owned()
    };
    let link = link_of("Z3");
    let page = get(&link).await.1;
    assert_eq!(page.matches("走访材料准备 1项").count(), 1, "{page}");
    assert!(page.contains("需要您办理") && !page.contains("需要您督办"), "{page}");
    let above = get(&link_of("Z1")).await.1;
    assert_eq!(above.matches("走访材料准备 1项").count(), 2, "{above}");
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
        page.contains("入户走访 2项")
            && page.contains("H1 王**、H2 李**")
            && page.contains("<button>已阅</button>"),
        "{page}"
    );
    // Behind their own link, whom to visit and where.
    assert!(page.contains("H1 王建国（家庭）高桥村1号"), "{page}");
    let guess = format!("{}0", &link[..link.len() - 1]);
    let other = if guess == link { format!("{}1", &link[..link.len() - 1]) } else { guess };
    assert_eq!(get(&other).await.0, 404);
    // It went through another program's hands: whoever signs is asked who they are.
    let sign = async |link: &str, who: &str| {
        let answer = client().post(link).body(format!("who={who}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, mistaken) = sign(&link, "Z7").await;
    assert!(status == 200 && mistaken.contains("没有签收"), "{mistaken}");
    let (status, answer) = sign(&link, "0006").await;
    assert_eq!(status, 200);
    assert!(answer.contains("已记为已阅") && !answer.contains("<button>"), "{answer}");
    // Used, it has ended, for reading too.
    let (status, ended) = get(&link).await;
    assert!(status == 410 && ended.contains("已经用过"), "{status} {ended}");
    assert_eq!(sign(&link, "0006").await.0, 410);
    assert_eq!(get(&format!("{}/2022-03-28/abc", link)).await.0, 410, "an address as they were");
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
    let link = link_to(&fixture.store, "Z6").await;
    let page = get(&link).await.1;
    assert!(page.contains("入户走访 1项"), "{page}");
    // Five wrong answers end it, however many come at once.
    let tries = (0..12).map(|_| sign(&link, "1234"));
    let tries = futures_util::future::join_all(tries).await;
    assert_eq!(tries.iter().filter(|(status, _)| *status != 410).count(), 5);
    assert!(get(&link).await.1.contains("多次填错"));
});

on_both!(a_link_ends_after_its_days_and_can_be_revoked, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (url, daemon) = served(&fixture.store).await;
    fixture.at(3, 28, 9);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let link = link_to(&fixture.store, "Z6").await;
    // What is kept of it leads nowhere.
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(token.len(), 22);
    let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    for query in ["SELECT token_hash FROM links", "SELECT body FROM notices"] {
        let kept: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut db).await.unwrap();
        assert!(!kept.is_empty() && kept.iter().all(|kept| !kept.contains(token)), "{query}");
    }
    fixture.at(4, 10, 9);
    assert_eq!(get(&link).await.0, 200);
    fixture.at(4, 11, 10);
    let (status, said) = get(&link).await;
    assert!(status == 410 && said.contains("已过14天"), "{status} {said}");
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = fixture.store.staff().await.unwrap();
    let person = staff.iter().find(|person| person.number == "Z6").unwrap();
    let new = zoufang::app::links::give(&mut tx, person, "周正").await.unwrap();
    tx.commit().await.unwrap();
    let link = zoufang::notify::digest_link(&url, &new.token);
    assert_eq!(get(&link).await.0, 200);
    let mut tx = fixture.store.begin().await.unwrap();
    let revoked = zoufang::app::links::revoke(&mut tx, person, "周正", "手机丢了").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(revoked, 1);
    assert!(get(&link).await.1.contains("已经作废"));
});

on_both!(whoever_acts_reads_what_it_is_about, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_, daemon) = served(&fixture.store).await;
    fixture.at(4, 6, 9);
    let line = "2022-04-06,Z6,H1,王小二,13912345678,<路灯>不亮,有,镇村,居住环境,急";
    fixture.visit(line).await.unwrap();
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let entries = claim(&fixture.store, "log", "t", 100, 60_000).await.unwrap();
    let said = notices(&fixture.store, &entries).await;
    let of = |who: &str| said.iter().find(|notice| notice.staff_number == who).unwrap();
    let link = |body: &str| body[body.rfind("http").unwrap()..].trim().to_owned();
    // The grid member is to take note of it: all of it on the page, and only its number in the message.
    let grid = of("Z5");
    assert!(
        grid.body.contains("CHD2022-000001，H1") && !grid.body.contains("路灯"),
        "{}",
        grid.body
    );
    let page = get(&link(&grid.body)).await.1;
    for part in [
        "&lt;路灯&gt;不亮",
        "王小二，13912345678",
        "H1 王建国（家庭）高桥村1号",
        "居住环境，镇村自办，急",
        "2022-04-06 登记，2022-04-16 前办结",
        "责任方：村",
        "<button>签收</button>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let grids = link(&grid.body);
    let signed = client().post(&grids).body("who=z5").send().await.unwrap();
    assert!(signed.text().await.unwrap().contains("已签收"));
    let lines = fixture.store.duty_lines("", 1_000).await.unwrap();
    let noted = lines.iter().find(|line| line.kind == DutyKind::Acknowledge).unwrap();
    assert_eq!(noted.state, "met");
    // Who presses reads whom to telephone, and nothing of what was asked.
    let lead = of("Z4");
    assert!(lead.body.contains("责任人：褚走 10000000006"), "{}", lead.body);
    let page = get(&link(&lead.body)).await.1;
    assert!(page.contains("责任人：褚走 10000000006") && !page.contains("路灯"), "{page}");
    // Before the revisit, the visitor reads the answer to bring.
    fixture.import("h.csv", "问题编号,办理结果\nCHD2022-000001,换了灯泡\n").await.unwrap();
    fixture.at(6, 27, 9);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let page = get(&link_to(&fixture.store, "Z6").await).await.1;
    assert!(page.contains("要当面见的群众") && page.contains("答复：换了灯泡"), "{page}");
});

on_both!(a_groups_robot_never_holds_a_link_of_ones_own, async |fixture: Fixture| {
    let robot = ChannelReach { form: Form::Group, ..reach("wecom_robot", None) };
    let app = reach("wecom_app", Some(AddressKind::Phone));
    let channels = vec![app, robot];
    let fixture = fixture.within(|context| context.channels = channels).await.township().await;
    let no_phone = "人员编号,姓名,角色,所属区划\nZ9,金包,包村干部,杨桥村\n";
    fixture.import("z9.csv", no_phone).await.unwrap();
    let (_, daemon) = served(&fixture.store).await;
    fixture.at(4, 6, 9);
    zoufang::notify::remind(&fixture.store, &daemon.reminder_rules).await.unwrap();
    let robots = async || {
        let entries = claim(&fixture.store, "wecom_robot", "t", 100, 60_000).await.unwrap();
        notices(&fixture.store, &entries).await
    };
    let said = robots().await;
    assert_eq!(said.len(), 1);
    let body = &said[0].body;
    assert!(body.contains("责任人：卫访") && body.contains("索取本人链接"), "{body}");
    assert!(!body.contains("http") && !body.contains("1000000"), "{body}");
    // The person's own channel refuses: what the robot takes over has neither.
    let entries = claim(&fixture.store, "wecom_app", "t", 100, 60_000).await.unwrap();
    assert!(notices(&fixture.store, &entries).await.iter().all(|own| own.body.contains("http")));
    let refused = Settlement::Refused { reason: "no_address: invaliduser".to_owned() };
    let settled: Vec<_> = entries.into_iter().map(|entry| (entry, refused.clone())).collect();
    settle(&fixture.store, "wecom_app", "t", &settled).await.unwrap();
    let taken_over = robots().await;
    assert!(taken_over.len() >= 3);
    for notice in taken_over {
        assert!(
            !notice.body.contains("http") && !notice.body.contains("1000000"),
            "{}",
            notice.body
        );
    }
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
        assert!(
            secretary.contains("总支工作总结") && !secretary.contains("入户走访"),
            "{secretary}"
        );
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
        // What isn't UTF-8 names nothing here.
        ("/my/households/%ff", 404, "没有这个页面"),
        // Programs are answered as their interface says.
        ("/api/v1/nowhere", 404, r#""detail":"没有这个接口：/api/v1/nowhere"#),
        ("/api/v1/visits", 405, r#""detail":"/api/v1/visits 不接受 GET 请求""#),
    ] {
        let (found, text) = get(&format!("{url}{path}")).await;
        assert_eq!(found, status, "{path}: {text}");
        assert!(text.contains(said), "{path}: {text}");
    }
    drop(daemon);
});
