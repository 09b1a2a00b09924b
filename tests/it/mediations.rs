//! 矛盾调解 (三(三) 化解矛盾纠纷): recorded on an issue, sealed, counted, and seen to again by its date.

use zoufang::domain::duty::DutyKind;

use crate::support::{Fixture, on_both};

const HEADER: &str =
    "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期,实际回访日期,是否履行,履行情况,回访人";

async fn follow_ups(fixture: &Fixture) -> Vec<(String, String, String)> {
    let lines = fixture.store.duty_lines("", 10_000).await.unwrap();
    let own = lines.into_iter().filter(|line| line.kind == DutyKind::FollowUp);
    own.map(|line| (line.role.to_string(), line.due_on.to_string(), line.state)).collect()
}

on_both!(an_agreement_is_sealed_counted_and_seen_to_again, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 6, 9);
    fixture.visit("2022-04-06,Z6,H1,王建国,,与邻居争滴水,有,镇村,其他,一般").await.unwrap();
    fixture.at(4, 8, 9);
    let row = |rest: &str| format!("{HEADER}\nCHD2022-000001,{rest}\n");
    for (rest, why) in [
        ("2022-04-08,司法所赵六,王建国、李四,以滴水线为界,,,,,", "约定回访日期"),
        ("2022-04-20,司法所赵六,王建国、李四,,,,,,", "将来"),
        ("2022-04-08,司法所赵六,王建国、李四,以滴水线为界,2022-04-01,,,,", "早于调解日期"),
    ] {
        let error = fixture.import("m.csv", &row(rest)).await.unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    let agreed = "2022-04-08,司法所赵六,王建国、李四,以滴水线为界,2022-04-22";
    fixture.import("m.csv", &row(&format!("{agreed},,,,"))).await.unwrap();
    let stands =
        |state: &str| vec![("网格员".to_owned(), "2022-04-22".to_owned(), state.to_owned())];
    assert_eq!(follow_ups(&fixture).await, stands("open"));
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.mediated, counts.agreed), (1, 1));
    // The issue's own end doesn't end it, nor does what happens to the issue undo it.
    fixture.import("h.csv", "问题编号,办理结果\nCHD2022-000001,已调解\n").await.unwrap();
    assert_eq!(follow_ups(&fixture).await, stands("open"));
    let mut record = fixture.store.snapshot().await.unwrap();
    let rows = record.mediations_since("2022-03-01".parse().unwrap()).await.unwrap();
    let shown = format!("{rows:?}");
    assert!(
        !shown.contains("李四") && !shown.contains("滴水") && !shown.contains("赵六"),
        "{shown}"
    );
    let said = rows[0].1.open(record.context()).unwrap();
    assert_eq!(said.parties, "王建国、李四");
    record.end().await.unwrap();
    // Another agreement of the same day isn't written over it.
    let other = row("2022-04-08,司法所赵六,王建国、李四,各让一尺,2022-04-22,,,,");
    assert!(fixture.import("m2.csv", &other).await.unwrap_err().to_string().contains("不能改写"));
    fixture.at(4, 22, 16);
    let followed = row(&format!("{agreed},2022-04-22,履行,双方都照办,Z5"));
    fixture.import("m3.csv", &followed).await.unwrap();
    assert_eq!(follow_ups(&fixture).await, stands("met"));
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    assert_eq!(fixture.store.recount().await.unwrap(), []);
});

on_both!(what_is_withdrawn_is_not_seen_to_again, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 6, 9);
    fixture.visit("2022-04-06,Z6,H1,王建国,,与邻居争滴水,有,镇村,其他,一般").await.unwrap();
    let agreed = "CHD2022-000001,2022-04-06,赵六,王建国、李四,以滴水线为界,2022-04-22,,,,";
    fixture.import("m.csv", &format!("{HEADER}\n{agreed}\n")).await.unwrap();
    let id = fixture.store.issue_id("CHD2022-000001").await.unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    let void = zoufang::domain::issue::Event::Voided { reason: "群众撤回".to_owned() };
    tx.issue_event(&id, &void, "周正").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(follow_ups(&fixture).await[0].2, "cancelled");
    assert_eq!(fixture.store.counts().await.unwrap().mediated, 0);
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    assert_eq!(fixture.store.recount().await.unwrap(), []);
});
