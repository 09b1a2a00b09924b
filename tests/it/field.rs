//! Recording a visit on a telephone: photos, what a script hears that sends what was kept without a network, and what is kept.

use serde_json::Value;
use zoufang::db::Store;

use crate::accounts::served;
use crate::support::browser::{Answer, Browser, person, signed_in};
use crate::support::pictures::{PLACE, photo};
use crate::support::{Fixture, client, on_both};

const LONG: &str = "[accounts]\nidle = '90d'\nlongest = '180d'\n";
const VISIT: &str = "/my/households/H1/visit";
const ISSUE: &str = "/my/issues/CHD2022-000001";

type Fields = Vec<(String, String)>;

/// A form's fields as it's shown, filled in with an issue.
async fn filled(browser: &mut Browser, at: &str) -> Fields {
    let shown = browser.get(at).await;
    shown.is(200);
    let mut fields: Fields = Vec::new();
    for name in ["key", "form", "resident", "seen", "listed"] {
        if shown.text.contains(&format!("name=\"{name}\" value=\"")) {
            fields.push((name.to_owned(), shown.field(name)));
        }
    }
    let today = shown.text.split("name=\"on\" type=\"date\" value=\"").nth(1).unwrap();
    let more = [
        ("on", &today[..10]),
        ("heard", "issue"),
        ("text", "村口路灯不亮"),
        ("pledge", "yes"),
        ("name", "王建国"),
    ];
    fields.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    fields
}

fn with(fields: &Fields, changes: &[(&str, &str)]) -> Fields {
    let kept = fields.iter().filter(|(name, _)| changes.iter().all(|(known, _)| known != name));
    let new = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    kept.cloned().chain(new).collect()
}

/// A form in parts, with photos.
fn parts(fields: &Fields, photos: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--b7\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    for bytes in photos {
        body.extend(
            b"--b7\r\ncontent-disposition: form-data; name=\"photos\"; filename=\"IMG_20220305.jpg\"\r\n\
              content-type: image/jpeg\r\n\r\n",
        );
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--b7--\r\n");
    body
}

async fn post(
    browser: &mut Browser,
    at: &str,
    fields: &Fields,
    photos: &[Vec<u8>],
    by_script: bool,
) -> Answer {
    let request = client()
        .post(format!("{}{at}", browser.url))
        .header("origin", browser.url.clone())
        .header("content-type", "multipart/form-data; boundary=b7")
        .header("accept", if by_script { "application/json" } else { "text/html" })
        .body(parts(fields, photos));
    browser.send(request).await
}

async fn sent(browser: &mut Browser, at: &str, fields: &Fields) -> (u16, Value) {
    let answer = post(browser, at, fields, &[], true).await;
    (answer.status, serde_json::from_str(&answer.text).unwrap_or_else(|_| panic!("{answer:?}")))
}

/// The bytes of what a page shows.
async fn picture(browser: &Browser, at: &str) -> (u16, Vec<u8>) {
    let cookie = format!("zoufang={}", browser.cookies["zoufang"]);
    let request = client().get(format!("{}{at}", browser.url)).header("cookie", cookie);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

async fn issues(store: &Store) -> usize {
    let figures = store.figures().await.unwrap();
    usize::try_from(figures.issues_by_state.values().sum::<i64>()).unwrap()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

on_both!(photos_come_with_their_issue_without_their_place, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let fields = filled(&mut browser, VISIT).await;
    let two = [photo(1), photo(2)];
    for (photos, said) in [
        (vec![b"MZ not a photo".to_vec()], "「照片1」不是 JPEG、PNG 或 WebP 图片"),
        (vec![photo(1), photo(2)[..60].to_vec()], "「照片2」照片不完整或已损坏"),
        (vec![b"\0\0\0\x18ftypheic0000".to_vec()], "兼容性最佳"),
        ((0..10).map(photo).collect(), "一次最多 9 张"),
    ] {
        let answer = post(&mut browser, VISIT, &fields, &photos, false).await;
        answer.is(422).says(said).says("张照片没有存下，请再选一次").says("村口路灯不亮");
    }
    let nothing = with(&fields, &[("heard", "nothing"), ("text", "")]);
    post(&mut browser, VISIT, &nothing, &two, false).await.is(422).says("请去掉照片");
    let large = vec![vec![7; 13 << 20], vec![7; 13 << 20]];
    post(&mut browser, VISIT, &fields, &large, false).await.is(413).says("照片合在一起太大");
    assert_eq!(issues(&fixture.store).await, 0);
    // A double tap, and again the day after: once.
    let (mut one, mut other) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(
        post(&mut one, VISIT, &fields, &two, false),
        post(&mut other, VISIT, &fields, &two, false)
    );
    assert_eq!((first.status, second.status), (303, 303), "{first:?} {second:?}");
    fixture.at(3, 2, 9);
    post(&mut browser, VISIT, &fields, &two, false).await.is(303);
    post(&mut browser, VISIT, &fields, &[photo(3)], false).await.is(422).says("登记过一次");
    assert_eq!(issues(&fixture.store).await, 1);
    let shown = browser.get(ISSUE).await;
    assert_eq!(shown.text.matches("<img src=").count(), 2, "{}", shown.text);
    for place in [1, 2] {
        let (status, bytes) = picture(&browser, &format!("{ISSUE}/photos/{place}")).await;
        assert!(status == 200 && bytes.starts_with(&[0xFF, 0xD8]) && !holds(&bytes, PLACE));
        // Which side is up stays.
        assert!(holds(&bytes, "Exif") && !holds(&bytes, "GPS"));
    }
    assert_eq!(picture(&browser, &format!("{ISSUE}/photos/3")).await.0, 404);
});

on_both!(photos_are_added_and_seen_by_whom_they_concern, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,,,").await.unwrap();
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let mut lead = signed_in(&fixture.store, &url, "Z3").await;
    let mut other = signed_in(&fixture.store, &url, "Z7").await;
    let at = format!("{ISSUE}/photos");
    let key = async |browser: &mut Browser| {
        vec![("key".to_owned(), browser.get("/my").await.field("key"))]
    };
    let mine = key(&mut visitor).await;
    visitor.get(ISSUE).await.says("加照片").hides("<h2>照片");
    post(&mut visitor, &at, &mine, &[], false).await.is(422).says("请先选照片");
    post(&mut visitor, &at, &mine, &[b"GIF89a".to_vec()], false).await.is(422).says("照片没有加上");
    post(&mut visitor, &at, &mine, &[photo(1)], false).await.is(303);
    post(&mut visitor, &at, &mine, &[photo(1), photo(2)], false).await.is(303);
    let seven: Vec<Vec<u8>> = (3..11).map(photo).collect();
    post(&mut visitor, &at, &mine, &seven, false).await.is(422).says("不能再加");
    assert_eq!(visitor.get(ISSUE).await.text.matches("<img src=").count(), 2);
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "photo").count(), 2);
    // Who only oversees sees how many there are, and them once that was written down; who has nothing to do with it nothing.
    let theirs = key(&mut lead).await;
    let masked = lead.get(ISSUE).await;
    masked.says("有 2 张照片，已隐去").hides("<img").hides("加照片");
    assert_eq!(picture(&lead, &format!("{at}/1")).await.0, 404);
    post(&mut lead, &at, &theirs, &[photo(4)], false).await.is(404);
    let reveal = [("key", theirs[0].1.as_str()), ("act", "reveal")];
    let shown = lead.post(ISSUE, &reveal).await;
    let place = shown.text.split("<img src=\"").nth(1).unwrap().split('"').next().unwrap();
    let place = place.replace("&amp;", "&");
    assert_eq!(picture(&lead, &place).await.0, 200, "{place}");
    assert_eq!(picture(&other, &place).await.0, 404);
    let theirs = key(&mut other).await;
    post(&mut other, &at, &theirs, &[photo(4)], false).await.is(404);
});

on_both!(what_was_kept_without_a_network_is_taken_once, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let pack = browser.get("/my/offline/pack").await;
    let pack: Value = serde_json::from_str(&pack.is(200).text).unwrap();
    assert_eq!(pack["subjects"].as_array().unwrap().len(), 2);
    assert_eq!((&pack["today"], &pack["more"]), (&"2022-03-01".into(), &0.into()));
    let fields = with(
        &filled(&mut browser, VISIT).await,
        &[("form", "7f9c24e8-3b12-4fef-91e0-5c8c2b7d1a55"), ("listed", "")],
    );
    let (status, first) = sent(&mut browser, VISIT, &fields).await;
    assert_eq!((status, &first["outcome"]), (200, &"done".into()), "{first}");
    assert_eq!(first["issue"], "CHD2022-000001");
    // The answer was lost: sent again, it's the same answer.
    assert_eq!(sent(&mut browser, VISIT, &fields).await, (200, first.clone()));
    // What was filled in behind it goes by how the resident stands since; what was filled in before doesn't.
    let resident = &first["resident"];
    let known = [
        ("resident", resident["id"].as_str().unwrap()),
        ("seen", resident["seen"].as_str().unwrap()),
        ("text", "下水道堵塞"),
        ("form", "0b6c3a52-second"),
    ];
    let second = with(&fields, &known);
    let (status, answer) = sent(&mut browser, VISIT, &second).await;
    assert_eq!((status, &answer["issue"]), (200, &"CHD2022-000002".into()), "{answer}");
    assert_ne!(answer["resident"]["seen"], resident["seen"]);
    let third = with(&second, &[("form", "0b6c3a52-third"), ("text", "厕所要修")]);
    let (status, answer) = sent(&mut browser, VISIT, &third).await;
    assert_eq!((status, &answer["outcome"]), (409, &"stale".into()));
    assert_eq!(issues(&fixture.store).await, 2);
    // Wrong in itself, or to be asked.
    let wrong = with(&fields, &[("form", "0b6c3a52-fourth"), ("pledge", "")]);
    let (status, answer) = sent(&mut browser, VISIT, &wrong).await;
    assert_eq!((status, &answer["outcome"]), (422, &"wrong".into()));
    assert!(answer["said"][0].as_str().unwrap().contains("没有收受礼品"));
    // Nothing that isn't needed is kept, and nothing of anybody else's.
    let pack = browser.get("/my/offline/pack").await;
    pack.says("王建国").says("村口路灯不亮").hides("便民超市").hides("13800000011");
});

on_both!(conflicts_are_told_and_nothing_is_recorded_over_them, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let fields = with(&filled(&mut browser, VISIT).await, &[("form", "met-meanwhile")]);
    // Somebody of that name was met meanwhile, whom the telephone didn't know.
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,,无,,,").await.unwrap();
    let (status, answer) = sent(&mut browser, VISIT, &fields).await;
    assert_eq!((status, &answer["outcome"]), (409, &"stale".into()), "{answer}");
    post(&mut browser, VISIT, &fields, &[], false).await.is(409).says("在您打开页面之后");
    // Somebody else's name is somebody else.
    let other = with(&fields, &[("name", "王小明"), ("form", "somebody-else")]);
    assert_eq!(sent(&mut browser, VISIT, &other).await.0, 200);
    // The household is somebody else's by now; what was taken before is still told to be.
    let moved = "/my/households/H2/visit";
    let mine = with(&filled(&mut browser, moved).await, &[("name", "李秀英"), ("form", "in-time")]);
    assert_eq!(sent(&mut browser, moved, &mine).await.0, 200);
    let mut tx = fixture.store.begin().await.unwrap();
    let to = person(&fixture.store, "Z7").await.id;
    let put = zoufang::app::assignments::reassign(&mut tx, "H2", &to, "Z3 郑书", "换人").await;
    assert!(put.is_ok(), "{put:?}");
    tx.commit().await.unwrap();
    assert_eq!(sent(&mut browser, moved, &mine).await.0, 200);
    let late = with(&mine, &[("form", "too-late"), ("text", "井盖松动")]);
    let (status, answer) = sent(&mut browser, moved, &late).await;
    assert_eq!((status, &answer["outcome"]), (404, &"not_yours".into()), "{answer}");
    // The sign-in has ended, by which what is kept does too.
    let key = browser.get("/my").await.field("key");
    let out = client().post(format!("{url}/my/sign-out")).header("origin", url.clone());
    let cookie = format!("zoufang={}", browser.cookies["zoufang"]);
    let out = out.header("cookie", cookie).form(&[("key", &key)]).send().await.unwrap();
    assert_eq!(out.headers()["clear-site-data"], "\"storage\"");
    let answer =
        post(&mut browser, VISIT, &with(&fields, &[("form", "signed-out")]), &[], true).await;
    answer.is(401);
    assert_eq!(browser.get("/my/offline/pack").await.status, 303);
});

#[tokio::test]
async fn scripts_are_ours_and_ask_nobody_else() {
    let fixture = Fixture::sqlite().await.township().await;
    let url = served(&fixture.store, "").await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let worker = client().get(format!("{url}/my/worker.js")).send().await.unwrap();
    assert_eq!(worker.headers()["service-worker-allowed"], "/my");
    let policy = worker.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'; connect-src 'self'"), "{policy}");
    let text = worker.text().await.unwrap();
    let kept = text.split("JSON.parse('").nth(1).unwrap().split('\'').next().unwrap();
    let kept: Vec<String> = serde_json::from_str(kept).unwrap();
    assert!(kept.len() > 8 && !text.contains("__"), "{text}");
    // All that it keeps is there, for nobody signed in, and names nobody.
    for place in &kept {
        let answer = client().get(format!("{url}{place}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{place}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("褚走") && !text.contains("http://") && !text.contains("https://"));
        // Each module that one needs is among them.
        for needed in text.split("from './").skip(1).map(|rest| rest.split('\'').next().unwrap()) {
            assert!(kept.iter().any(|known| known.ends_with(needed)), "{needed}");
        }
    }
    browser.get("/my/script/0/page.js").await.is(404);
    let page = client().get(format!("{url}/my/offline")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
}

on_both!(a_forms_number_leads_to_its_household, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let visit = "2022-03-01,Z6,CHD2022-H1,王建国,,路灯不亮,有,镇村,居住环境,急";
    fixture.visit(visit).await.unwrap();
    assert_eq!(fixture.visit(&visit.replace("CHD2022-", "")).await.unwrap().same, 1);
    // Another campaign's form, and a form of nobody.
    for number in ["CHD2021-H1", "CHD2022-H9"] {
        let row = visit.replace("CHD2022-H1", number);
        let why = fixture.visit(&row).await.unwrap_err().to_string();
        assert!(why.contains(number), "{why}");
    }
    let url = served(&fixture.store, "").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let found = visitor.get("/my/households?find=CHD2022-H1").await;
    found.is(200).says("找到 1 个").says("/my/households/H1");
    visitor.get("/my/households?find=CHD2021-H1").await.is(200).says("找到 0 个");
    // A subject that has that very number is meant by it.
    fixture
        .import(
            "o.csv",
            "对象编号,对象类型,对象名称,所属村,地址\nCHD2022-H1,家庭,孙大壮,高桥村,高桥村9号\n",
        )
        .await
        .unwrap();
    let why = fixture.visit(&visit.replace("王建国", "孙大壮")).await.unwrap_err().to_string();
    assert!(why.contains("「CHD2022-H1」还没有走访人"), "{why}");
});
