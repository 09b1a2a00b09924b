//! The pages of the operator and of whoever sees to others' work: tables that are brought by a browser, debts, sign-ins, the audit,
//! what is handed in, what is missing, spot checks and breaches.

use std::time::Duration;

use zoufang::app::files::{forget_old, keep};
use zoufang::daemon::load_campaign;
use zoufang::db::{DebtState, Store, Upload, UploadState};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::Category;
use zoufang::intake::Bounds;
use zoufang::intake::uploaded::go_on;
use zoufang::reports::missing::{Wanted, lines};

use crate::accounts::served;
use crate::db::one_city_issue;
use crate::support::browser::{Answer, Browser, person, signed_in};
use crate::support::{Fixture, client, on_both};

/// A campaign's days pass while one browser stays signed in.
const LONG: &str = "[accounts]\nidle = '90d'\nlongest = '180d'\n";

const STAFF: &str = "人员编号,姓名,角色,所属区划,工作单位,手机号
O1,孙组,组织人事办公室,370481111000,组织人事办公室,
I1,钱督,督导组,370481111000,督导组,
D1,李城,镇直部门,370481111000,城建办,
";

async fn township(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.import("more.csv", STAFF).await.unwrap_or_else(|error| panic!("{error}"));
    fixture
}

/// A form with a file, as a browser sends it.
fn with_file(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> (String, Vec<u8>) {
    let mark = "----zoufang-test";
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!(
                "--{mark}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .bytes(),
        );
    }
    if let Some((name, bytes)) = file {
        body.extend(
            format!(
                "--{mark}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            )
            .bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{mark}--\r\n").bytes());
    (format!("multipart/form-data; boundary={mark}"), body)
}

async fn bring(
    browser: &mut Browser,
    path: &str,
    fields: &[(&str, &str)],
    file: Option<(&str, &[u8])>,
) -> Answer {
    let (kind, body) = with_file(fields, file);
    let origin = browser.url.clone();
    let request = client()
        .post(format!("{}{path}", browser.url))
        .header("origin", origin)
        .header("content-type", kind)
        .body(body);
    browser.send(request).await
}

/// Waits until the service is through with a table.
async fn through(browser: &mut Browser, path: &str) -> Answer {
    for _ in 0..1200 {
        let shown = browser.get(path).await;
        if !shown.text.contains("这一页会自己刷新") {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came through");
}

async fn upload(browser: &mut Browser, name: &str, table: &str) -> (String, Answer) {
    let key = browser.get("/my/imports").await.is(200).field("key");
    let sent =
        bring(browser, "/my/imports", &[("key", &key)], Some((name, table.as_bytes()))).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let shown = through(browser, &sent.to).await;
    (sent.to, shown)
}

fn marks(shown: &Answer) -> (String, String) {
    (shown.field("key"), shown.field("version"))
}

async fn subjects(store: &Store) -> i64 {
    store.figures().await.unwrap().counts.subjects
}

const GOOD: &str =
    "对象编号,对象类型,对象名称,所属村,地址\nH81,家庭,冯新,高桥村,\nH82,家庭,何新,高桥村,\n";
const BAD: &str =
    "对象编号,对象类型,对象名称,所属村,地址\nH91,家庭,吴新,高桥村,\nH92,楼房,郑新,没有村,\n";

on_both!(who_brings_a_table_has_the_right_to_what_it_holds, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut centre = signed_in(&fixture.store, &url, "Z2").await;
    let staff = "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ2,吴心,领导小组,370481111000,服务中心,10000000002\n";
    let (_, shown) = upload(&mut centre, "人员.csv", staff).await;
    shown.says("要由").says("来导入，没有导入").hides("确认导入");
    let mut office = signed_in(&fixture.store, &url, "O1").await;
    upload(&mut office, "人员.csv", staff).await.1.says("核对通过，还没有写入");
});

on_both!(a_table_is_shown_before_it_is_taken_and_taken_once, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "O1").await;
    let before = subjects(&fixture.store).await;
    let (at, shown) = upload(&mut browser, "C:\\表\\走访对象.csv", GOOD).await;
    shown.is(200).says("核对通过，还没有写入").says("新增 2").says("走访对象.csv").hides("C:");
    assert_eq!(subjects(&fixture.store).await, before, "nothing before it's confirmed");
    // Nobody else sees it, whatever their role.
    let mut other = signed_in(&fixture.store, &url, "Z1").await;
    other.get(&at).await.is(404);
    let (key, version) = marks(&shown);
    let others_key = other.get("/my").await.field("key");
    let fields = [("key", others_key.as_str()), ("version", &version), ("act", "take")];
    other.post(&at, &fields).await.is(404);
    // A double click: both at once, and the day after again.
    let fields = [("key", key.as_str()), ("version", &version), ("act", "take")];
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.post(&at, &fields), two.post(&at, &fields));
    assert!([first.status, second.status].contains(&303), "{} {}", first.status, second.status);
    through(&mut browser, &at).await.says("已导入").says("新增 2");
    assert_eq!(subjects(&fixture.store).await, before + 2);
    browser.post(&at, &fields).await.is(303);
    assert_eq!(subjects(&fixture.store).await, before + 2);
    // The very same file again is told as such.
    let (_, again) = upload(&mut browser, "同一个.csv", GOOD).await;
    again.says("以前导入过同一个文件").hides("确认导入");
    browser.get("/my/imports").await.says("走访对象表").says("已经导入");
    // By whom it was, stands in the audit; nothing of the file lies anywhere in clear, nor at all once it's over.
    let audit = fixture.store.audit_trail().await.unwrap();
    for act in ["upload_table", "take_table"] {
        assert!(audit.iter().any(|entry| entry.action == act && entry.actor == "O1 孙组"), "{act}");
    }
    let took = audit.iter().rfind(|entry| entry.action == "subjects").unwrap();
    assert!(took.actor == "O1 孙组" && took.via.contains("O1"), "{took:?}");
});

on_both!(whoever_brings_a_table_did_it_whomever_its_rows_name, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut office = signed_in(&fixture.store, &url, "O1").await;
    let ready = "任务,所属区划,确认人\n走访材料准备,高桥村,冯包\n";
    let (at, shown) = upload(&mut office, "确认.csv", ready).await;
    let (key, version) = marks(shown.is(200).says("核对通过"));
    office.post(&at, &[("key", &key), ("version", &version), ("act", "take")]).await.is(303);
    through(&mut office, &at).await.says("已导入");
    let audit = fixture.store.audit_trail().await.unwrap();
    let named: Vec<&str> = audit
        .iter()
        .filter(|entry| entry.via.starts_with("网页上传"))
        .map(|entry| entry.actor.as_str())
        .collect();
    assert!(!named.is_empty() && named.iter().all(|actor| *actor == "O1 孙组"), "{named:?}");
    assert!(audit.iter().any(|entry| entry.detail.contains("\"named\":\"Z4")), "{audit:?}");
    assert!(fixture.store.broken_audit().await.unwrap().is_none());
});

on_both!(a_table_that_is_wrong_changes_nothing_and_comes_back_marked, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "O1").await;
    let before = subjects(&fixture.store).await;
    let (at, shown) = upload(&mut browser, "对象.csv", BAD).await;
    shown.is(200).says("没有导入，什么都没有改").says("第 3 行").says("楼房").hides("确认导入");
    assert_eq!(subjects(&fixture.store).await, before);
    let copy = client()
        .get(format!("{url}{at}/copy"))
        .header("cookie", format!("zoufang={}", browser.cookies["zoufang"]))
        .send()
        .await
        .unwrap();
    assert_eq!(copy.status(), 200);
    let said = copy.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(said.starts_with("attachment") && said.ends_with(".csv"), "{said}");
    let copy = String::from_utf8(copy.bytes().await.unwrap().to_vec()).unwrap();
    assert!(copy.contains("问题说明") && copy.contains("吴新"), "{copy}");
    // What can't be taken can't be confirmed either.
    let (key, version) = marks(&shown);
    let take = [("key", key.as_str()), ("version", &version), ("act", "take")];
    browser.post(&at, &take).await.is(409);
    assert_eq!(subjects(&fixture.store).await, before);
    // Mended, it goes its way; the one before is dropped with its files.
    let (_, shown) =
        upload(&mut browser, "对象.csv", &BAD.replace("楼房", "家庭").replace("没有村", "高桥村"))
            .await;
    shown.says("核对通过");
    assert!(browser.get(&at).await.is(200).text.contains("已经放弃"));
    let mut record = fixture.store.snapshot().await.unwrap();
    let own = record.uploads_of(&person(&fixture.store, "O1").await.id, 9).await.unwrap();
    record.end().await.unwrap();
    assert_eq!(own.len(), 2);
    let dropped = own.iter().find(|one| one.state == UploadState::Dropped).unwrap();
    assert_eq!((dropped.file_id.as_ref(), dropped.copy_id.as_ref()), (None, None));
    // What nobody goes on with is gone after a day.
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(25 * 3_600));
    assert_eq!(forget_old(&fixture.store).await.unwrap(), 1);
});

on_both!(a_table_whose_process_was_killed_is_gone_on_with, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let (store, office) = (&fixture.store, person(&fixture.store, "O1").await);
    let before = subjects(store).await;
    let came = store.context().clock.wire_millis();
    // One is being taken, by whoever died; the other just came and waits for its turn.
    // A third has killed whoever was at it twice.
    let uploads =
        [("left", came - 3_600_000, 1), ("waits", came, 0), ("kills", came - 3_600_000, 2)];
    for (id, created_at, attempts) in uploads {
        let file_id = keep(store, "对象.csv", GOOD.as_bytes()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let upload = Upload {
            id: id.to_owned(),
            staff_id: office.id.clone(),
            file_id: Some(file_id),
            copy_id: None,
            file: "对象.csv".to_owned(),
            options: "{}".to_owned(),
            state: UploadState::Taking,
            version: 1,
            told: None,
            lease_until: 0,
            attempts,
            created_at,
        };
        tx.put_upload(&upload).await.unwrap();
        tx.note_upload(&upload).await.unwrap();
        tx.commit().await.unwrap();
    }
    go_on(store, Bounds::default()).await.unwrap();
    assert_eq!(subjects(store).await, before + 2);
    let mut record = store.snapshot().await.unwrap();
    let [left, waits, kills] = [
        record.upload("left").await.unwrap().unwrap(),
        record.upload("waits").await.unwrap().unwrap(),
        record.upload("kills").await.unwrap().unwrap(),
    ];
    record.end().await.unwrap();
    let states = [left.state, waits.state, kills.state];
    assert_eq!(states, [UploadState::Taken, UploadState::Taking, UploadState::Wrong]);
    assert!(kills.told.unwrap().contains("拆成几份"));
    let audit = store.audit_trail().await.unwrap();
    assert!(audit.iter().rfind(|entry| entry.action == "subjects").unwrap().actor == "O1 孙组");
});

on_both!(what_a_table_asks_is_answered_on_its_page, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "O1").await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,村口路灯不亮,有,,,").await.unwrap();
    let table = "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题\n2022-03-01,Z6,H1,王建国,13900000099,,无\n";
    let (at, shown) = upload(&mut browser, "记录.csv", table).await;
    shown.says("请勾选「是同一个人换了号码」").hides("--same-person").hides("zoufang");
    let (key, version) = marks(&shown);
    let again =
        [("key", key.as_str()), ("version", &version), ("act", "again"), ("same_person", "yes")];
    browser.post(&at, &again).await.is(303);
    through(&mut browser, &at).await.hides("换了号码</strong>");
    // Not a table at all, an empty one, and none.
    let (_, shown) = upload(&mut browser, "照片.xlsx", "\u{1}\u{2} not a workbook").await;
    shown.says("没有导入，什么都没有改").says("另存为 .xlsx");
    let key = browser.get("/my/imports").await.field("key");
    bring(&mut browser, "/my/imports", &[("key", &key)], None).await.is(422).says("没有选文件");
    // Too much of it.
    let large = vec![b'x'; 17 << 20];
    let sent = bring(&mut browser, "/my/imports", &[("key", &key)], Some(("大.csv", &large))).await;
    sent.is(413).says("文件太大");
    // Not by a form of ours.
    bring(&mut browser, "/my/imports", &[("key", "0")], Some(("a.csv", b"x"))).await.is(403);
});

on_both!(a_debt_is_decided_on_its_page_once, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z2").await;
    let list = browser.get("/my/desk/debts?state=ready").await;
    list.is(200).says("referral:CHD2022-000001-R1").says("待发送");
    let at = browser.get("/my/desk/debts?find=CHD2022-000001").await.is(303).to.clone();
    let shown = browser.get(&at).await;
    shown.is(200).says("CHD2022-000001").says("马上再试");
    let (key, seen) = (shown.field("key"), shown.field("seen"));
    let decide = |act: &'static str, reason: &'static str| {
        [
            ("key", key.clone()),
            ("seen", seen.clone()),
            ("act", act.to_owned()),
            ("reason", reason.to_owned()),
        ]
    };
    let send = async |browser: &mut Browser, fields: [(&str, String); 4]| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(&at, &fields).await
    };
    send(&mut browser, decide("hold", "")).await.is(422).says("请写原因");
    send(&mut browser, decide("absent", "看过")).await.is(422).says("请勾选确认");
    let long = "1".repeat(300);
    let arrived = [
        ("key", key.as_str()),
        ("seen", &seen),
        ("act", "arrived"),
        ("reason", "看过"),
        ("confirmed", "yes"),
        ("number", &long),
    ];
    browser.post(&at, &arrived).await.is(422).says("平台编号太长");
    send(&mut browser, decide("hold", "等镇里商量")).await.is(303);
    assert_eq!(fixture.store.debt("referral:CHD2022-000001-R1").await.unwrap().state, "held");
    // The page of before is stale now.
    send(&mut browser, decide("retry", "再试")).await.is(409).says("有了变化");
    let held = fixture.store.debts_standing("ehushanying", DebtState::Held, 9).await.unwrap();
    assert_eq!(held.len(), 1);
    browser.get("/my/desk").await.is(200).says("等人处理").says("没有送达的");
    browser.get("/my/centre").await.is(200).says("referral:CHD2022-000001-R1");
    let audit = fixture.store.audit_trail().await.unwrap();
    let hold = audit.iter().find(|entry| entry.action == "outbox_hold").unwrap();
    assert!(hold.actor == "Z2" && hold.via.contains("/my/desk"), "{hold:?}");
});

on_both!(sign_ins_are_given_and_ended_by_whoever_may, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut office = signed_in(&fixture.store, &url, "O1").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    office.get("/my/desk/accounts?find=Z6").await.is(200).says("褚走").says("登录着 1 处");
    let key = office.get("/my/desk/accounts/Z6").await.is(200).field("key");
    let end = [("key", key.as_str()), ("act", "end"), ("reason", "手机丢了")];
    office.post("/my/desk/accounts/Z6", &end).await.is(303);
    visitor.get("/my").await.is(303);
    let close = [("key", key.as_str()), ("act", "close"), ("reason", "调走")];
    office.post("/my/desk/accounts/Z6", &close).await.is(422).says("请勾选确认");
    let link = office.post("/my/desk/accounts/Z7", &[("key", &key), ("act", "invite")]).await;
    link.is(200).says("/my/welcome/").says("只显示这一次");
    office.get("/my/desk/accounts/Z7").await.hides("/my/welcome/");
    let trail = office.get("/my/desk/audit?find=O1").await;
    trail.is(200).says("O1 孙组").says("Z7").hides("手机丢了");
    let fields = [("key", key.as_str()), ("find", "Z6"), ("before", "")];
    office.post("/my/desk/audit", &fields).await.is(200).says("手机丢了");
    office.get("/my/desk/audit").await.says("查看审计内容");
    // The centre sees to debts, and to nobody's sign-in.
    let mut centre = signed_in(&fixture.store, &url, "Z2").await;
    for path in ["/my/desk/accounts", "/my/desk/accounts/Z6", "/my/desk/audit"] {
        centre.get(path).await.is(403);
    }
});

on_both!(
    what_is_handed_in_meets_its_duty_and_is_sent_back_with_a_word,
    async |fixture: Fixture| {
        let fixture = township(fixture).await;
        let url = served(&fixture.store, LONG).await;
        let mut branch = signed_in(&fixture.store, &url, "Z3").await;
        let mut office = signed_in(&fixture.store, &url, "O1").await;
        let what = "/my/hand-ins?what=%E6%80%BB%E6%94%AF%E5%B7%A5%E4%BD%9C%E6%80%BB%E7%BB%93";
        let list = branch.get(what).await;
        list.is(200).says("总支工作总结").says("第一总支").says("还没有报");
        let mut at = list.text.split("href=\"").filter_map(|rest| rest.split('"').next());
        let at = at.find(|link| link.starts_with("/my/hand-ins/summary")).unwrap().to_owned();
        let shown = branch.get(&at).await;
        let (key, version) = marks(&shown);
        let own = [("key", key.as_str()), ("version", &version), ("act", "hand_in")];
        bring(&mut branch, &at, &own, None).await.is(422).says("没有选文件");
        let file: Option<(&str, &[u8])> = Some(("工作总结.docx", b"PK the summary"));
        bring(&mut branch, &at, &own, file).await.is(303);
        // Sent twice it's handed in once.
        bring(&mut branch, &at, &own, file).await.is(409);
        office.get(what).await.says("已收到");
        let shown = office.get(&at).await;
        shown.says("工作总结.docx").says("第 1 次").says("Z3 郑书");
        let mut link = shown.text.split("action=\"").filter_map(|rest| rest.split('"').next());
        let link = link.find(|link| link.contains("/files/")).unwrap().to_owned();
        let (key, version) = marks(&shown);
        // It's written down, so it's no answer to a GET.
        office.get(&link).await.is(405);
        office.post(&link, &[("key", "0")]).await.is(403);
        office.post(&link, &[("key", &key)]).await.is(200).says("PK the summary");
        let audit = fixture.store.audit_trail().await.unwrap();
        assert_eq!(audit.iter().filter(|entry| entry.action == "read_hand_in").count(), 1);
        let back =
            [("key", key.as_str()), ("version", &version), ("act", "send_back"), ("word", "")];
        bring(&mut office, &at, &back, None).await.is(422).says("请写明为什么退回");
        let back = [
            ("key", key.as_str()),
            ("version", &version),
            ("act", "send_back"),
            ("word", "请补上数字"),
        ];
        // A branch doesn't send back what it handed in itself.
        let branch_key = branch.get(&at).await.field("key");
        let own_back = [("key", branch_key.as_str()), back[1], back[2], back[3]];
        bring(&mut branch, &at, &own_back, None).await.is(404);
        bring(&mut office, &at, &back, None).await.is(303);
        let shown = branch.get(&at).await;
        shown.says("已退回").says("请补上数字");
        branch.get("/my").await.is(200).says("已退回：请补上数字");
        let (key, version) = marks(&shown);
        let own = [("key", key.as_str()), ("version", &version), ("act", "hand_in")];
        bring(&mut branch, &at, &own, file).await.is(303);
        branch.get(&at).await.says("第 2 次").says("已收到");
        branch.get("/my").await.is(200).hides("已退回");
        assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
        // Of a village one sees what is the village's.
        let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
        let key = visitor.get("/my").await.field("key");
        visitor.post(&link, &[("key", &key)]).await.is(404);
        visitor.get(&at).await.is(404);
    }
);

on_both!(
    what_is_missing_and_who_is_how_far_is_shown_within_ones_areas,
    async |fixture: Fixture| {
        let fixture = township(fixture).await;
        let url = served(&fixture.store, LONG).await;
        let mut branch = signed_in(&fixture.store, &url, "Z3").await;
        branch
            .get("/my/missing")
            .await
            .is(200)
            .says("第一总支还缺什么")
            .says("H1")
            .says("褚走")
            .hides("王建国");
        branch.get("/my/people").await.is(200).says("褚走").says("走访 0 /");
        branch.get("/my/missing?kind=materials").await.is(200).says("走访材料准备");
        let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
        for path in ["/my/missing", "/my/people", "/my/desk", "/my/centre", "/my/imports"] {
            visitor.get(path).await.is(403);
        }
    }
);

on_both!(who_owes_what_is_missing_is_who_the_reminders_say, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    fixture.at(3, 5, 10);
    let table = "2022-03-05,Z6,H1,王建国,13800000001,低保没有批,有,市直单办,社会帮扶,一般";
    fixture.visit(table).await.unwrap();
    fixture.at(4, 2, 10);
    let url = served(&fixture.store, LONG).await;
    let mut branch = signed_in(&fixture.store, &url, "Z3").await;
    for kind in DutyKind::ALL {
        let wanted = Wanted { kind: Some(*kind), ..Wanted::default() };
        let listed = lines(&fixture.store, &wanted).await.unwrap();
        let tree = fixture.store.area_tree().await.unwrap();
        let branch_id = &tree.find("第一总支").unwrap().id;
        let wanted = Wanted { within: Some(branch_id.clone()), ..wanted };
        let mut owners: Vec<String> = lines(&fixture.store, &wanted)
            .await
            .unwrap()
            .into_iter()
            .filter(|(_, cells, _)| cells[7] != "没有走访人" && cells[7] != "没有走访对象")
            .map(|(_, cells, _)| cells[7].clone())
            .collect();
        owners.sort();
        assert!(owners.len() <= listed.len());
        let shown = branch.get(&format!("/my/missing?kind={}", kind.code())).await;
        let mut named: Vec<String> = shown
            .text
            .split("责任人 ")
            .skip(1)
            .filter_map(|rest| rest.split("</span>").next())
            .map(str::to_owned)
            .collect();
        named.sort();
        // A household is a line for each who wasn't heard there, and one on the page.
        owners.dedup();
        named.dedup();
        assert_eq!(named, owners, "{kind}");
    }
    // Of what the platform has, the centre has the ball; the visits of March are late.
    branch.get("/my/missing?kind=resolve").await.says("责任人 Z2 吴心");
    branch.get("/my/missing?kind=visit&late=yes").await.says("H2").says("超期");
    branch.get("/my/missing?kind=resolve&late=yes").await.says("没有缺的");
});

on_both!(what_is_late_is_read_past_what_is_not, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,13800000001,路灯不亮,有,,,").await.unwrap();
    fixture.at(3, 20, 10);
    fixture.visit("2022-03-20,Z6,H2,李秀英,13800000002,门口积水,有,,,").await.unwrap();
    let mut record = fixture.store.snapshot().await.unwrap();
    let tree = record.area_tree().await.unwrap();
    let all: Vec<&str> = tree.all().map(|area| area.id.as_str()).collect();
    let kind = DutyKind::Acknowledge;
    let each = record.missing_in(&all, kind, None, "", 9).await.unwrap();
    assert_eq!(each.len(), 2);
    // A page of one: the late one is on it whichever comes first by its key.
    for late in &each {
        let other = each.iter().find(|one| one.key != late.key).unwrap();
        let day = late.due_on.max(other.due_on);
        let found = record.missing_in(&all, kind, Some(day), "", 1).await.unwrap();
        assert_eq!(found[0].due_on, late.due_on.min(other.due_on));
    }
    record.end().await.unwrap();
});

on_both!(a_unit_sees_what_it_answers_for, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    let mut unit = signed_in(&fixture.store, &url, "D1").await;
    unit.get("/my/unit").await.is(200).says("城建办").says("没有");
    unit.get("/my/unit?done=yes").await.is(200);
    unit.get("/my/desk").await.is(403);
});

on_both!(
    a_unit_sees_what_was_classified_before_the_plan_gave_it_the_category,
    async |fixture: Fixture| {
        let fixture = township(fixture).await;
        // Of two units of one person each is theirs.
        let both =
            "人员编号,姓名,角色,所属区划,工作单位\nD2,赵管,镇直部门,370481111000,城建办、民政办\n";
        fixture.import("both.csv", both).await.unwrap();
        fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急").await.unwrap();
        fixture.visit("2022-03-01,Z6,H2,李秀英,,学校太远,有,镇村,基础教育,急").await.unwrap();
        let mut plan = load_campaign("".as_ref()).unwrap();
        plan.departments.insert(Category::LivingEnvironment, "城建办".to_owned());
        zoufang::app::plan::apply(&fixture.store, &plan, "周正", "部门分工").await.unwrap();
        let url = served(&fixture.store, LONG).await;
        for number in ["D1", "D2"] {
            let mut unit = signed_in(&fixture.store, &url, number).await;
            let shown = unit.get("/my/unit").await;
            shown.is(200).says("CHD2022-000001").hides("CHD2022-000002");
            // What is listed opens.
            unit.get("/my/issues/CHD2022-000001").await.is(200);
            unit.get("/my/unit?done=yes").await.is(200).hides("CHD2022-000001");
        }
        fixture
            .import("r.csv", "问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡,陈网\n")
            .await
            .unwrap();
        let mut unit = signed_in(&fixture.store, &url, "D1").await;
        unit.get("/my/unit").await.is(200).hides("CHD2022-000001").says("居住环境");
        unit.get("/my/unit?done=yes").await.is(200).says("CHD2022-000001");
    }
);

on_both!(a_spot_check_is_drawn_recorded_and_answered, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, LONG).await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,,无,,,").await.unwrap();
    let mut inspector = signed_in(&fixture.store, &url, "I1").await;
    let shown = inspector.get("/my/inspections").await;
    shown.is(200).says("抽样");
    let (key, form, until) = (shown.field("key"), shown.field("form"), "2022-03-20");
    let draw = [
        ("key", key.as_str()),
        ("form", &form),
        ("act", "draw"),
        ("by", "all"),
        ("count", "1"),
        ("until", until),
        ("seed", "7"),
    ];
    inspector.post("/my/inspections", &draw).await.is(303);
    inspector.post("/my/inspections", &draw).await.is(303);
    let list = inspector.get("/my/inspections?which=open").await;
    list.says("CHD2022-C0001").hides("CHD2022-C0002").says("H1").hides("王建国");
    let at = "/my/inspections/CHD2022-C0001";
    let shown = inspector.get(at).await;
    shown.hides("王建国").hides("13800000011");
    let (key, seen) = (shown.field("key"), shown.field("seen"));
    // Whom to ask there is shown to whoever checks, and noted.
    let clear = [("key", key.as_str()), ("seen", &seen), ("act", "reveal")];
    inspector.post(at, &clear).await.is(200).says("王建国").says("13800000011");
    let audit = fixture.store.audit_trail().await.unwrap();
    let seen_by = |entry: &&zoufang::db::AuditEntry| entry.action == "reveal";
    assert_eq!(audit.iter().filter(seen_by).count(), 1);
    let record = |finding: &'static str, text: &'static str| {
        [
            ("key", key.clone()),
            ("seen", seen.clone()),
            ("act", "record".to_owned()),
            ("finding", finding.to_owned()),
            ("on", "2022-03-01".to_owned()),
            ("text", text.to_owned()),
        ]
    };
    let send = async |browser: &mut Browser, fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(at, &fields).await
    };
    send(&mut inspector, &record("unrecorded", "")).await.is(422);
    send(&mut inspector, &record("unrecorded", "他说过路灯不亮")).await.is(303);
    send(&mut inspector, &record("true", "")).await.is(409);
    // Whoever stands above the visitor answers; a branch elsewhere doesn't see it.
    let mut lead = signed_in(&fixture.store, &url, "Z3").await;
    let shown = lead.get(at).await;
    shown.is(200).says("漏记诉求").says("他说过路灯不亮").hides("记入审计");
    let key_of_lead = shown.field("key");
    let clear = [("key", key_of_lead.as_str()), ("act", "reveal")];
    lead.post(at, &clear).await.is(404).hides("王建国");
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    visitor.get(at).await.is(403);
    let mut breaches = inspector.clone();
    let shown = breaches.get("/my/breaches").await;
    shown.is(200).says("没有违纪反映");
    let (key, form) = (shown.field("key"), shown.field("form"));
    for (day, why) in [("2022-03-02", "在将来"), ("2019-03-01", "早了一年以上")] {
        let report = [
            ("key", key.as_str()),
            ("form", "another"),
            ("act", "record"),
            ("kind", "gift"),
            ("on", day),
            ("area", "高桥村"),
            ("text", "收了礼"),
        ];
        breaches.post("/my/breaches", &report).await.is(422).says(why);
    }
    let report = [
        ("key", key.as_str()),
        ("form", &form),
        ("act", "record"),
        ("kind", "gift"),
        ("on", "2022-03-01"),
        ("area", "高桥村"),
        ("text", "收了一箱苹果"),
        ("about", "某某"),
    ];
    breaches.post("/my/breaches", &report).await.is(303);
    breaches.post("/my/breaches", &report).await.is(303);
    let mut other = report.to_vec();
    other.retain(|(name, _)| *name != "text");
    other.push(("text", "另一件事"));
    breaches.post("/my/breaches", &other).await.is(422).says("登记过别的内容");
    let list = breaches.get("/my/breaches").await;
    list.says("WJ-000001").hides("WJ-000002").hides("苹果");
    breaches.post("/my/breaches", &[("key", &key), ("act", "read")]).await.is(200).says("苹果");
    let audit = fixture.store.audit_trail().await.unwrap();
    assert!(audit.iter().any(|entry| entry.action == "read_breaches" && entry.actor == "I1 钱督"));
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    leader.get("/my/breaches").await.is(403);
});

/// Whatever is audited has a name for whoever reads the trail.
#[test]
fn every_act_of_the_trail_has_a_chinese_name() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut acts) = (vec![root], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                for call in source.split(".audit(").skip(1) {
                    let second = call.split(',').nth(1).unwrap_or_default().trim();
                    let literal = second.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                    acts.extend(literal.map(str::to_owned));
                }
            }
        }
    }
    assert!(acts.len() > 20, "{acts:?}");
    for act in acts.iter().filter(|act| *act != "import") {
        assert!(zoufang::domain::audit::action_in_words(act).is_some(), "{act}");
    }
}
