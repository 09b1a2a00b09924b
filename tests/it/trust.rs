//! What an auditor asks: whether the trail is what it was, and whether what people said lies anywhere in clear.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{AnyPool, AssertSqlSafe, Row};
use zoufang::app::assignments::reassign;
use zoufang::app::endings::{self, StateOf, ToldState};
use zoufang::app::erase::{erase_old, erase_resident};
use zoufang::app::sealing::{go_by_present_key, go_on, seal_anew};
use zoufang::app::told::Told;
use zoufang::clock::Chance;
use zoufang::db::personal::{Kept, TABLES};
use zoufang::db::{Act, ERASED, Store};
use zoufang::domain::audit::{Anchor, Flaw};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::subject::SubjectState;
use zoufang::seal::{Cipher, DigestKind, KeyFile, Place, Sealer, Suite};

use crate::db::{deliver, one_city_issue, the_issue};
use crate::support::{Fixture, on_both};

async fn raw(fixture: &Fixture) -> AnyPool {
    sqlx::any::install_default_drivers();
    AnyPool::connect(&fixture.url).await.unwrap()
}

async fn run(pool: &AnyPool, statement: &str) {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(pool).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// A few entries more, with all that an entry may have.
async fn write_some(store: &Store) {
    let store = store.coming_from("命令 zoufang test");
    for number in 0..4 {
        let mut tx = store.begin().await.unwrap();
        tx.audit_act(Act {
            by: "Z1",
            action: "photo",
            target: &format!("H{number}"),
            detail: &json!({"reason": "电话核实"}),
            was: (number % 2 == 0).then_some(json!({"state": "town"})).as_ref(),
            became: Some(&json!({"state": "city"})),
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
}

const COLUMNS: &[(&str, bool)] = &[
    ("at", true),
    ("actor", false),
    ("via", false),
    ("os_user", false),
    ("action", false),
    ("target", false),
    ("detail", false),
    ("was", false),
    ("became", false),
    ("previous_hash", false),
    ("hash", false),
];

on_both!(any_single_change_of_the_trail_is_found, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    write_some(&fixture.store).await;
    let store = &fixture.store;
    let last = store.audit_head().await.unwrap().unwrap().sequence;
    assert!(last >= 8);
    assert_eq!(store.broken_audit().await.unwrap(), None);
    let db = raw(&fixture).await;
    run(&db, "CREATE TABLE kept AS SELECT * FROM audit").await;
    for at in 1..=last {
        for (column, is_number) in COLUMNS {
            let changes: &[&str] = if *is_number {
                &["at + 1", "0"]
            } else {
                &[
                    "COALESCE({c}, '') || 'x'",
                    "SUBSTR(COALESCE({c}, 'yy'), 2) || 'y'",
                    "(SELECT kept.{c} FROM kept WHERE sequence <> {n} AND COALESCE(kept.{c}, '') <> COALESCE(audit.{c}, '') LIMIT 1)",
                    "'{}'",
                ]
            };
            for change in changes {
                let change = change.replace("{c}", column).replace("{n}", &at.to_string());
                // What must not be nothing can't be made so.
                let nullable = ["was", "became"].contains(column);
                let change = if nullable { change } else { format!("COALESCE({change}, '')") };
                let change = if *is_number {
                    change.replace("COALESCE(", "(").replace(", '')", ")")
                } else {
                    change
                };
                run(&db, &format!("UPDATE audit SET {column} = {change} WHERE sequence = {at}"))
                    .await;
                let same: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
                    "SELECT COUNT(*) FROM audit a JOIN kept k ON k.sequence = a.sequence
                     AND COALESCE(a.{column}, {0}) = COALESCE(k.{column}, {0}) WHERE a.sequence = {at}",
                    if *is_number { "-1" } else { "'-'" }
                )))
                .fetch_one(&db)
                .await
                .unwrap();
                if same == 0 {
                    let found = store.broken_audit().await.unwrap();
                    assert!(
                        matches!(found, Some(Flaw::Changed(n) | Flaw::Unkeyed(n)) if n == at || n == at + 1),
                        "{column} of {at} by {change}: {found:?}"
                    );
                }
                run(&db, &format!("UPDATE audit SET {column} = (SELECT k.{column} FROM kept k WHERE k.sequence = {at}) WHERE sequence = {at}")).await;
            }
        }
        // A renumbered one, and one that isn't there.
        run(&db, &format!("UPDATE audit SET sequence = 1000 WHERE sequence = {at}")).await;
        assert!(store.broken_audit().await.unwrap().is_some(), "{at} renumbered");
        run(&db, &format!("UPDATE audit SET sequence = {at} WHERE sequence = 1000")).await;
        run(&db, &format!("DELETE FROM audit WHERE sequence = {at}")).await;
        let found = store.broken_audit().await.unwrap();
        let cut = Some(Flaw::Cut(at)).filter(|_| at == last).or(Some(Flaw::Missing(at)));
        assert_eq!(found, cut, "{at} deleted");
        run(&db, &format!("INSERT INTO audit SELECT * FROM kept WHERE sequence = {at}")).await;
    }
    assert_eq!(store.broken_audit().await.unwrap(), None);
    // Two that change places.
    run(&db, "UPDATE audit SET sequence = CASE sequence WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE sequence IN (2, 3)").await;
    run(&db, "UPDATE audit SET sequence = -sequence WHERE sequence < 0").await;
    assert_eq!(store.broken_audit().await.unwrap(), Some(Flaw::Changed(2)));
    run(&db, "DELETE FROM audit").await;
    run(&db, "INSERT INTO audit SELECT * FROM kept").await;
    assert_eq!(store.broken_audit().await.unwrap(), None);
});

on_both!(a_tail_that_is_cut_is_known_by_what_is_kept_outside, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    write_some(&fixture.store).await;
    let store = &fixture.store;
    let head = store.audit_head().await.unwrap().unwrap();
    let db = raw(&fixture).await;
    for cut in 1..=head.sequence {
        run(&db, &format!("DELETE FROM audit WHERE sequence = {}", head.sequence + 1 - cut)).await;
        run(
            &db,
            &format!("UPDATE counters SET value = {} WHERE name = 'audit'", head.sequence - cut),
        )
        .await;
        let found = store.verify_audit(Some(head.clone())).await.unwrap().flaw;
        assert_eq!(found, Some(Flaw::Cut(head.sequence + 1 - cut)));
    }
    // As many others in their place are others.
    for _ in 0..4 {
        write_some(store).await;
    }
    assert_eq!(store.broken_audit().await.unwrap(), None, "by itself it's whole");
    let found = store.verify_audit(Some(head.clone())).await.unwrap().flaw;
    assert_eq!(found, Some(Flaw::Changed(head.sequence)));
    assert!(!store.has_anchor(&head).await.unwrap());
});

/// As versions before chained.
fn unkeyed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    zoufang::seal::hex(&hash.finalize())
}

on_both!(
    a_trail_of_before_is_covered_by_the_first_that_is_vouched_for,
    async |fixture: Fixture| {
        let db = raw(&fixture).await;
        let mut previous = String::new();
        for at in 1..=3 {
            let (sequence, actor) = (at.to_string(), format!("Z{at} 周正"));
            let hash =
                unkeyed(&[&sequence, "7", &actor, "void", "CHD", "{\"reason\":\"a\"}", &previous]);
            run(&db, &format!(
            "INSERT INTO audit (sequence, at, actor, action, target, detail, previous_hash, hash)
             VALUES ({at}, 7, '{actor}', 'void', 'CHD', '{{\"reason\":\"a\"}}', '{previous}', '{hash}')"
        )).await;
            previous = hash;
        }
        run(&db, "INSERT INTO counters (name, value) VALUES ('audit', 3)").await;
        let store = fixture.reopened().await;
        let trail = store.audit_trail().await.unwrap();
        assert_eq!((trail.len(), trail[3].previous_hash.as_str()), (4, previous.as_str()));
        assert_eq!(store.broken_audit().await.unwrap(), None);
        // Opened again it's covered already; what it says is sealed, and it holds as before.
        assert_eq!(fixture.reopened().await.audit_trail().await.unwrap().len(), 4);
        assert!(seal_anew(&store, &|_| {}).await.unwrap() > 0);
        assert_eq!(store.broken_audit().await.unwrap(), None);
        // All of it written anew without the key, as if it had never been vouched for.
        run(&db, "DELETE FROM audit WHERE sequence = 4").await;
        run(&db, "UPDATE counters SET value = 3 WHERE name = 'audit'").await;
        assert_eq!(store.broken_audit().await.unwrap(), Some(Flaw::Unkeyed(3)));
    }
);

/// A Sealer of a file, as every process has one of its own.
fn of_file(file: &std::path::Path, cipher: Cipher) -> Sealer {
    Sealer::from_file(file).unwrap().with(Suite { cipher, digest: DigestKind::Sha256 })
}

async fn resealed_as(db: &AnyPool, mark: &str) -> (usize, Vec<String>) {
    let (mut sealed, mut others) = (0, Vec::new());
    for table in TABLES {
        for column in table.columns {
            let read = format!(
                "SELECT \"{0}\" FROM {1} WHERE TRIM(\"{0}\") <> ''",
                column.name, table.name
            );
            for row in sqlx::query(AssertSqlSafe(read)).fetch_all(db).await.unwrap() {
                let text: String = row.get(0);
                if column.kept == Kept::Plain {
                    assert!(!Sealer::is_sealed(&text), "{}.{}: {text}", table.name, column.name);
                } else if text.starts_with(mark) {
                    sealed += 1;
                } else {
                    others.push(format!("{}.{}: {text}", table.name, column.name));
                }
            }
        }
    }
    (sealed, others)
}

on_both!(another_key_takes_the_place_of_one_while_the_service_runs, async |fixture: Fixture| {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("zoufang.key");
    std::fs::write(&file, format!("{}\n", "07".repeat(32))).unwrap();
    let fixture =
        fixture.within(|context| context.sealer = of_file(&file, Cipher::XChaCha20)).await;
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "77").await;
    let index = fixture.store.context().sealer.index(&["a"]);
    let db = raw(&fixture).await;
    // Something as earlier versions left it: sealed without its place, and in clear.
    let id: String = sqlx::query_scalar("SELECT id FROM residents").fetch_one(&db).await.unwrap();
    let key: [u8; 32] =
        Sha256::new().chain_update("zoufang seal").chain_update([7; 32]).finalize().into();
    let first = XChaCha20Poly1305::new(&key.into())
        .encrypt(&XNonce::from([1; 24]), "王建国".as_bytes())
        .unwrap();
    let first = format!("v1:{}", STANDARD_NO_PAD.encode([&[1; 24][..], &first].concat()));
    run(&db, &format!("UPDATE residents SET name_sealed = '{first}' WHERE id = '{id}'")).await;
    // And a name of staff, which the version before sealed.
    let staff: String = sqlx::query_scalar("SELECT id FROM staff WHERE number = 'Z6'")
        .fetch_one(&db)
        .await
        .unwrap();
    let place = Place { table: "staff", column: "name", row: &staff };
    let name = fixture.store.context().sealer.seal(place, "褚走").unwrap();
    run(&db, &format!("UPDATE staff SET name = '{name}' WHERE id = '{staff}'")).await;
    assert_eq!(fixture.store.staff().await.unwrap()[5].name, "褚走");

    let next = KeyFile::read(&std::fs::read_to_string(&file).unwrap())
        .unwrap()
        .replaced(&Chance::system());
    std::fs::write(&file, next.text()).unwrap();
    let command =
        fixture.reopened_within(|context| context.sealer = of_file(&file, Cipher::Sm4)).await;
    go_by_present_key(&command).await.unwrap();
    // Killed in its midst: some is sealed anew, and some isn't.
    let staff = TABLES.iter().find(|table| table.name == "staff").unwrap();
    assert!(command.reseal(staff, &|_| {}).await.unwrap() > 0);
    // Who runs reads both, and writes with the new one.
    let again = "2022-03-06,Z6,H2,李秀英,13800000002,井盖坏了,有,镇村自办,居住环境,急";
    fixture.at(3, 6, 10);
    fixture.visit(again).await.unwrap();
    assert_eq!(fixture.store.staff().await.unwrap()[5].name, "褚走");
    assert_eq!(
        fixture.store.context().sealer.fingerprint(),
        command.context().sealer.fingerprint()
    );
    // The service itself goes on with what a killed command left.
    assert!(go_on(&command).await.unwrap() > 0);
    let (sealed, others) = resealed_as(&db, &command.context().sealer.mark()).await;
    let others: Vec<_> =
        others.iter().filter(|other| !other.starts_with("issue_events.actor")).collect();
    assert!(sealed > 30 && others.is_empty(), "{sealed}, {others:?}");
    std::fs::write(&file, next.settled().unwrap().0.text()).unwrap();
    let last =
        fixture.reopened_within(|context| context.sealer = of_file(&file, Cipher::Sm4)).await;
    let mut snapshot = last.snapshot().await.unwrap();
    let number = "CHD2022-000001";
    let sheet = snapshot.issue_sheet(number).await.unwrap();
    assert_eq!((sheet.resident.as_str(), sheet.text.as_str()), ("王建国", "路灯不亮"));
    snapshot.end().await.unwrap();
    assert_eq!(last.context().sealer.index(&["a"]), index);
    assert_eq!(last.broken_audit().await.unwrap(), None, "the trail of before holds");
    assert!(last.audit_trail().await.unwrap().iter().any(|entry| entry.action == "rotate_key"));
    assert_eq!(go_on(&last).await.unwrap(), 0);
});

on_both!(what_was_moved_to_another_row_doesnt_open, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    let db = raw(&fixture).await;
    run(&db, "UPDATE subjects SET name_sealed = (SELECT o.name_sealed FROM subjects o WHERE o.number = 'H2') WHERE number = 'H1'").await;
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let number = the_issue(&fixture.store).await.number;
    let sheet = snapshot.issue_sheet(&number).await;
    assert!(sheet.is_err_and(|error| error.to_string().contains("打不开")));
});

/// What people might be called or say, in each place where somebody can put it.
const MARKERS: &[&str] = &[
    "王建国甲",
    "13812340001",
    "路灯乙",
    "高桥村丙号",
    "10000009999",
    "名册己",
    "平台答复庚",
    "对方报错辛",
    "照片壬",
    "反映癸",
    "更换丑",
    "迁往寅",
    "作废寅",
    "卯的文件",
    "辰的样子",
    "巳失败",
    "午不通",
];

/// Somebody of the staff, whose name the notice has posted: in clear with them, and nowhere else.
const STAFF: &str = "李戊";

async fn everything(db: &AnyPool, fixture: &Fixture) -> String {
    let is_sqlite = fixture.url.starts_with("sqlite");
    let names = match is_sqlite {
        true => "SELECT name FROM sqlite_schema WHERE type = 'table'",
        false => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'",
    };
    let mut all = String::new();
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(db).await.unwrap();
    // The schema's own versions have bytes that are no text.
    for name in names.into_iter().filter(|name| name != "_sqlx_migrations") {
        if is_sqlite {
            let columns: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT name FROM pragma_table_info('{name}')"
            )))
            .fetch_all(db)
            .await
            .unwrap();
            for column in columns {
                let read = format!("SELECT COALESCE(CAST(\"{column}\" AS TEXT), '') FROM {name}");
                let values: Vec<String> =
                    sqlx::query_scalar(AssertSqlSafe(read)).fetch_all(db).await.unwrap();
                values
                    .iter()
                    .for_each(|value| all.push_str(&format!("{name}.{column}: {value}\n")));
            }
        } else {
            let read = format!("SELECT CAST(t AS TEXT) FROM {name} t");
            let values: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(read)).fetch_all(db).await.unwrap();
            values.iter().for_each(|value| all.push_str(&format!("{name}: {value}\n")));
        }
    }
    if is_sqlite {
        let file = fixture.url.trim_start_matches("sqlite://");
        for file in [file.to_owned(), format!("{file}-wal")] {
            let bytes = std::fs::read(&file).unwrap_or_default();
            for marker in MARKERS {
                let found = bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
                assert!(!found, "{marker} in {file}");
            }
        }
    }
    all
}

on_both!(what_people_said_lies_nowhere_in_clear, async |fixture: Fixture| {
    let fixture = fixture.within(|context| context.photos = true).await.township().await;
    let store = &fixture.store;
    fixture
        .import(
            "s.csv",
            "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ8,李戊,走访人员,高桥村,村,10000009999\n",
        )
        .await
        .unwrap();
    fixture
        .import(
            "o.csv",
            "对象编号,对象类型,对象名称,所属村,地址\nH9,家庭,王建国甲,高桥村,高桥村丙号\n",
        )
        .await
        .unwrap();
    fixture.import("f.csv", "对象编号,走访人员\nH9,Z8\n").await.unwrap();
    fixture.import("r.csv", "对象编号,群众姓名,未走访原因\nH9,王建国甲,名册己\n").await.unwrap();
    fixture.at(3, 5, 10);
    let row = "2022-03-05,Z8,H9,王建国甲,13812340001,路灯乙不亮,有,市直单办,居住环境,急";
    fixture.import("卯的文件.csv", &format!("{}\n{row}\n", crate::support::VISITS)).await.unwrap();
    let number = the_issue(store).await.number;
    // What a platform, a channel and a fault say.
    let claimed = crate::support::claim(store, "ehushanying", "me", 10, 120_000).await.unwrap();
    let failed = |entry| {
        (
            entry,
            zoufang::domain::delivery::Settlement::NotSent {
                reason: "对方报错辛 13812340001".to_owned(),
                not_before: 0,
            },
        )
    };
    crate::support::settle(
        store,
        "ehushanying",
        "me",
        &claimed.into_iter().map(failed).collect::<Vec<_>>(),
    )
    .await
    .unwrap();
    fixture.at(3, 5, 12);
    deliver(store, "77").await;
    store.mark_asked("ehushanying", Some("午不通 王建国甲")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.note_platform(&[("times".to_owned(), "辰的样子 王建国甲".to_owned())]).await.unwrap();
    tx.add_photo(&number, "照片壬.jpg", b"\xFF\xD8\xFF\xE0 a lamp").await.unwrap();
    tx.commit().await.unwrap();
    let mut said =
        crate::db::update(&fixture, "77", zoufang::domain::referral::PlatformStatus::InProgress, 0);
    said.text = "平台答复庚：已联系王建国甲".to_owned();
    assert!(crate::db::receive(store, &said).await);
    store.claim_slot("poll", 60_000, 600_000, None).await.unwrap();
    store
        .finish_slot("poll", 60_000, &zoufang::db::Ended::Failed("巳失败 13812340001".to_owned()))
        .await
        .unwrap();
    // What commands are told.
    let staff = store.staff().await.unwrap();
    let breach = zoufang::db::NewBreach {
        kind: zoufang::domain::breach::BreachKind::Gift,
        happened_on: "2022-03-05".parse().unwrap(),
        area: "高桥村".to_owned(),
        text: "反映癸".to_owned(),
        about: Some("李戊".to_owned()),
        reporter: Some("王建国甲".to_owned()),
    };
    fixture
        .import(
            "d.csv",
            "人员编号,姓名,角色,所属区划,工作单位\nZ9,何督,督导组,370481111000,督导组\n",
        )
        .await
        .unwrap();
    let mut tx = store.begin().await.unwrap();
    reassign(&mut tx, "H9", &staff[0].id, "Z1", "更换丑").await.unwrap();
    let words = Told::Is("迁往寅".to_owned());
    let told = ToldState { state: Told::Is(SubjectState::MovedAway), on: None, words };
    let ends = StateOf { subject_number: "H9".to_owned(), told };
    assert!(endings::put(&mut tx, &[ends], "Z1").await.unwrap()[0].is_ok());
    zoufang::app::breaches::record(&mut tx, &breach, "Z1").await.unwrap();
    let id = tx.issue_id(&number).await.unwrap();
    let event = zoufang::domain::issue::Event::Voided { reason: "作废寅".to_owned() };
    tx.issue_event(&id, &event, "Z1 李戊").await.unwrap();
    tx.audit("Z1", "voided", &number, &json!({"reason": "作废寅"})).await.unwrap();
    tx.commit().await.unwrap();
    let db = raw(&fixture).await;
    let all = everything(&db, &fixture).await;
    assert!(all.len() > 10_000);
    for marker in MARKERS {
        let found: Vec<&str> = all.lines().filter(|line| line.contains(marker)).collect();
        assert!(found.is_empty(), "{marker}: {found:?}");
    }
    let elsewhere = all.lines().filter(|line| line.contains(STAFF) && !line.starts_with("staff"));
    assert_eq!(elsewhere.collect::<Vec<_>>(), Vec::<&str>::new());
    // And it's there for whoever may see it.
    let timeline = store.timeline(&number).await.unwrap();
    assert!(format!("{timeline:?}").contains("作废寅"));
});

on_both!(a_resident_is_found_exported_and_erased, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    let store = &fixture.store;
    deliver(store, "77").await;
    let mut said =
        crate::db::update(&fixture, "77", zoufang::domain::referral::PlatformStatus::Resolved, 0);
    said.text = "已给王建国修好".to_owned();
    assert!(crate::db::receive(store, &said).await);
    let number = the_issue(store).await.number;
    let mut tx = store.begin().await.unwrap();
    tx.add_photo(&number, "灯.jpg", b"\xFF\xD8\xFF\xE0 a lamp").await.unwrap();
    for wanted in ["王 建国", "138-0000-0001", "+86 13800000001"] {
        let found = tx.residents_found(wanted).await.unwrap();
        assert_eq!((found.len(), found[0].name.as_str()), (1, "王建国"), "{wanted}");
    }
    assert!(tx.residents_found("王建").await.unwrap().is_empty());
    let id = tx.residents_found("王建国").await.unwrap()[0].id.clone();
    // Somebody still has to visit them.
    let refused = erase_resident(&mut tx, &id, "Z1", "本人要求").await.unwrap_err().to_string();
    assert!(refused.contains(&number) && refused.contains("没销号"), "{refused}");
    let issue = tx.issue_id(&number).await.unwrap();
    let event = zoufang::domain::issue::Event::Voided { reason: "王建国搬走了".to_owned() };
    tx.issue_event(&issue, &event, "Z1 周正").await.unwrap();
    let erased = erase_resident(&mut tx, &id, "Z1", "本人要求").await.unwrap();
    assert_eq!((erased.issues, erased.answers, erased.photos), (1, 1, 1));
    let again = erase_resident(&mut tx, &id, "Z1", "再来一次").await.unwrap_err().to_string();
    assert!(again.contains("已经删除过"), "{again}");
    assert_eq!(erased.events, 2, "the platform's reply, and why it was void");
    tx.commit().await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.residents_found("王建国").await.unwrap().is_empty());
    assert!(snapshot.residents_found("13800000001").await.unwrap().is_empty());
    let sheet = snapshot.issue_sheet(&number).await.unwrap();
    assert_eq!(
        (sheet.resident.as_str(), sheet.text.as_str(), sheet.contact),
        (ERASED, ERASED, None)
    );
    snapshot.end().await.unwrap();
    let timeline = format!("{:?}", store.timeline(&number).await.unwrap());
    assert!(!timeline.contains("王建国"), "{timeline}");
    assert!(store.recount().await.unwrap().is_empty(), "the figures stay");
    let owed = store.duty_lines("", 10_000).await.unwrap();
    let of_people = [DutyKind::Revisit, DutyKind::Classify];
    let owed = owed.iter().filter(|duty| of_people.contains(&duty.kind) && duty.state == "open");
    assert_eq!(owed.count(), 0, "nobody can visit whoever isn't known any more");
    assert_eq!(zoufang::app::doctor::examine(store, None).await.unwrap(), []);
    assert_eq!(store.broken_audit().await.unwrap(), None);
    assert!(store.audit_trail().await.unwrap().iter().any(|entry| entry.action == "erase"));
    // The period's end does the same to whoever nobody visits any more.
    fixture.at(3, 6, 10);
    fixture.visit("2022-03-06,Z6,H2,李秀英,13800000002,,无,,,").await.unwrap();
    assert_eq!(erase_old(store, "2022-03-06".parse().unwrap()).await.unwrap(), 0);
    assert_eq!(erase_old(store, "2022-03-07".parse().unwrap()).await.unwrap(), 1);
    assert_eq!(erase_old(store, "2022-03-07".parse().unwrap()).await.unwrap(), 0);
});

/// What the service at this address answers, once it's there.
fn answer(address: &str, page: &str) -> String {
    use std::io::{Read, Write};
    for _ in 0..2400 {
        if let Ok(mut stream) = std::net::TcpStream::connect(address) {
            let ask =
                format!("GET {page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(ask.as_bytes()).unwrap();
            let mut text = Vec::new();
            stream.read_to_end(&mut text).unwrap();
            return String::from_utf8_lossy(&text).into_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nothing answers at {address}")
}

/// A whole run of the program, with every word that it logs, its libraries' as far as they're heard.
#[test]
fn logs_metrics_and_pages_hold_nothing_of_residents() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let listen = format!("127.0.0.1:{}", crate::support::postgres::free_port());
    let config = format!(
        "[database]\nurl = 'sqlite://town.db'\n[http]\nlisten = '{listen}'\n[log]\nfilter = 'trace'\nformat = 'json'\n\
         [notify]\nchannels = ['webhook']\n[notify.webhook]\nurl = 'http://127.0.0.1:9/'\n"
    );
    std::fs::write(path.join("zoufang.toml"), config).unwrap();
    let write = |name: &str, table: &str| std::fs::write(path.join(name), table).unwrap();
    write("a.csv", crate::support::AREAS);
    write("s.csv", &crate::support::STAFF.replace("10000000006", "10000009999"));
    write("o.csv", "对象编号,对象类型,对象名称,所属村,地址\nH9,家庭,王建国甲,高桥村,高桥村丙号\n");
    write("f.csv", "对象编号,走访人员\nH9,Z6\n");
    let visit = "2022-03-05,Z6,H9,王建国甲,13812340001,路灯乙不亮,有,市直单办,居住环境,急";
    write("v.csv", &format!("{}\n{visit}\n", crate::support::VISITS));
    let mut logged = String::new();
    let mut say = |arguments: &[&str]| {
        let output = crate::support::program::zoufang()
            .args(arguments)
            .current_dir(path)
            .env("ZOUFANG__LOG__FILTER", "trace")
            .output()
            .unwrap();
        let (out, log) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            &log[log.len().saturating_sub(2000)..]
        );
        logged.push_str(&log);
        out
    };
    say(&["key", "zoufang.key"]);
    say(&["import", "a.csv", "s.csv", "o.csv", "f.csv", "v.csv"]);
    let verified = say(&["audit", "verify"]);
    assert!(verified.contains("都对得上"), "{verified}");
    let listed = say(&["audit", "list", "--json"]);
    assert!(listed.contains("命令 zoufang import") && listed.contains("导入"), "{listed}");
    let mut serving = crate::support::program::Running::start(&["serve"], path, "log");
    let get = |page: &str| answer(&listen, page);
    let pages: String =
        ["/status", "/metrics", "/", "/figures?by=person", "/healthz"].map(get).concat();
    assert!(pages.contains("zoufang_"), "{pages}");
    let serving_log = || std::fs::read_to_string(path.join("log")).unwrap();
    for _ in 0..1_200 {
        if serving_log().contains("audit_head") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(serving.terminate(), 0);
    logged.push_str(&serving_log());
    assert!(logged.contains("import.done") && logged.contains("audit_head"));
    for marker in MARKERS.iter().chain(&[STAFF]) {
        for (what, text) in [("the log", &logged), ("a page", &pages)] {
            let at = text.find(marker);
            assert!(
                at.is_none(),
                "{marker} in {what}: {}",
                &text[at.unwrap_or(0).saturating_sub(300)..]
            );
        }
    }
    // What is remembered beside the record knows a tail that was cut while nothing ran.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let db = AnyPool::connect(&format!("sqlite://{}", path.join("town.db").display()))
            .await
            .unwrap();
        run(&db, "DELETE FROM audit WHERE sequence = (SELECT MAX(sequence) FROM audit)").await;
        run(&db, "UPDATE counters SET value = value - 1 WHERE name = 'audit'").await;
        db.close().await;
    });
    for command in [&["audit", "verify"][..], &["doctor"]] {
        let (code, out, _) = crate::support::program::run(command, path);
        assert!(code == 1 && out.contains("被删掉了"), "{command:?}: {out}");
    }
}

/// Killed again and again in its midst, the command goes on, and ends with one key.
#[test]
fn a_rotation_that_is_killed_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("zoufang.toml"), "[database]\nurl = 'sqlite://town.db'\n").unwrap();
    let write = |name: &str, table: &str| std::fs::write(path.join(name), table).unwrap();
    write("a.csv", crate::support::AREAS);
    write("s.csv", crate::support::STAFF);
    let many: String =
        (0..3_000).map(|at| format!("K{at},家庭,户主{at},高桥村,{at}号\n")).collect();
    write("o.csv", &format!("对象编号,对象类型,对象名称,所属村,地址\n{many}"));
    let say = |arguments: &[&str]| {
        let (code, out, error) = crate::support::program::run(arguments, path);
        assert_eq!(code, 0, "{arguments:?}: {error}");
        out
    };
    say(&["key", "zoufang.key"]);
    say(&["import", "a.csv", "s.csv", "o.csv"]);
    let first = std::fs::read_to_string(path.join("zoufang.key")).unwrap();
    for millis in [60, 120, 200] {
        let mut rotating =
            crate::support::program::Running::start(&["keys", "rotate"], path, "log");
        std::thread::sleep(std::time::Duration::from_millis(millis));
        rotating.kill();
        assert!(say(&["export", "走访对象表"]).contains("K2999"));
    }
    let said = say(&["keys", "rotate"]);
    assert!(said.contains("已换成新密钥"), "{said}");
    let key = std::fs::read_to_string(path.join("zoufang.key")).unwrap();
    assert!(!key.contains(first.trim()) && key.contains("index") && key.contains("audit"));
    let kept = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
    let kept = kept.filter(|file| {
        std::fs::read_to_string(file).is_ok_and(|text| text.starts_with(first.trim()))
    });
    assert_eq!(kept.count(), 1, "the key of old backups stays");
    assert!(say(&["export", "走访对象表", "--reveal", "--by", "Z1"]).contains("户主2999"));
    assert!(say(&["audit", "verify"]).contains("都对得上"));
}

#[test]
fn an_anchor_is_read_as_it_is_written() {
    let anchor = Anchor { sequence: 3, hash: "sm3:a:b".to_owned() };
    assert_eq!(Anchor::read(&anchor.to_string()), Some(anchor));
}

on_both!(what_was_mediated_goes_with_whoever_is_erased, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 6, 9);
    fixture.visit("2022-04-06,Z6,H1,王建国,,与邻居争滴水,有,镇村,其他,一般").await.unwrap();
    let header = "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期,实际回访日期,是否履行,履行情况,回访人";
    let row = |rest: &str| {
        format!(
            "{header}\nCHD2022-000001,2022-04-06,赵六,王建国、李四,以滴水线为界,2022-04-22{rest}\n"
        )
    };
    fixture.import("m.csv", &row(",,,,")).await.unwrap();
    let issue = fixture.store.issue_id("CHD2022-000001").await.unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    let event = zoufang::domain::issue::Event::Voided { reason: "已和好".to_owned() };
    tx.issue_event(&issue, &event, "Z1 周正").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    let id = tx.residents_found("王建国").await.unwrap()[0].id.clone();
    let erased = erase_resident(&mut tx, &id, "Z1", "本人要求").await;
    let erased = match erased {
        Ok(erased) => erased,
        Err(open) => {
            assert!(open.to_string().contains("调解回访"), "{open}");
            tx.rollback().await.unwrap();
            fixture.at(4, 22, 16);
            fixture.import("m2.csv", &row(",2022-04-22,履行,都照办,Z5")).await.unwrap();
            tx = fixture.store.begin().await.unwrap();
            erase_resident(&mut tx, &id, "Z1", "本人要求").await.unwrap()
        }
    };
    assert_eq!(erased.mediations, 1);
    let rows = tx.mediations_of_issues(&[&issue]).await.unwrap();
    let said = format!("{:?}", rows[0].open(tx.context()).unwrap());
    assert!(said.contains(ERASED) && !said.contains("王建国") && !said.contains("滴水"), "{said}");
    tx.commit().await.unwrap();
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});
