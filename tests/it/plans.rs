//! Changes of plan, next year's campaign, and the doctor.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use sqlx::{Connection, Executor};
use tokio_util::sync::CancellationToken;
use zoufang::app::hand_ins::{self, Handled, hand_in, may};
use zoufang::app::plan::{self, PlanChange, Preview};
use zoufang::daemon::{Daemon, load_campaign};
use zoufang::db::{By, Reason, Store};
use zoufang::domain::campaign::{Campaign, EscalationStep, ExtraPhase, PhaseName};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::figures::Counts;
use zoufang::domain::obligations::PlanFile;
use zoufang::domain::staff::Role;
use zoufang::notify::{Upcoming, preview, remind, upcoming};
use zoufang::reports::{Asked, Table, write_table};
use zoufang::settings::Settings;

use crate::reminders::rules;
use crate::support::{Fixture, on_both};

/// The plan with another last day of visits.
fn visits_until(on: Date) -> Campaign {
    let mut plan = load_campaign("".as_ref()).unwrap();
    plan.phases.iter_mut().find(|phase| phase.name == PhaseName::Visit).unwrap().ends_on = on;
    plan
}

/// What a plan would change, and what the next ten workdays would tell by it.
async fn shown(store: &Store, plan: &Campaign) -> (PlanChange, Vec<Upcoming>) {
    let mut snapshot = store.snapshot().await.unwrap();
    snapshot.suppose(plan);
    let preview = plan::preview(&mut snapshot).await.unwrap();
    let change = preview.change.clone();
    let days = upcoming(&mut snapshot, 10, preview).await.unwrap();
    snapshot.end().await.unwrap();
    (change, days)
}

async fn apply(store: &Store, plan: &Campaign) -> PlanChange {
    let (shown_change, shown_days) = shown(store, plan).await;
    let change = plan::apply(store, plan, "周正", "推迟").await.unwrap();
    assert_eq!(change, shown_change, "a preview says what comes");
    let mut snapshot = store.snapshot().await.unwrap();
    let days = upcoming(&mut snapshot, 10, Preview::default()).await.unwrap();
    snapshot.end().await.unwrap();
    assert_eq!(days, shown_days, "and who hears of it");
    change
}

/// The days on which anybody was told of a visit that is still owed.
async fn told(fixture: &Fixture) -> Vec<String> {
    let told = fixture.store.told().await.unwrap();
    let mut days: Vec<String> = told
        .into_iter()
        .filter(|told| told.duty_key.starts_with("visit:") && told.staff_number == "Z6")
        .map(|told| told.on_date)
        .collect();
    days.dedup();
    days
}

on_both!(a_later_date_moves_what_is_owed_and_its_reminders, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 28, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    assert_eq!(told(&fixture).await, ["2022-03-28"]);
    fixture.at(3, 29, 9);
    let plan = visits_until(date(2022, 4, 10));
    let (change, days) = shown(&fixture.store, &plan).await;
    assert_eq!(
        change.moved,
        [(DutyKind::Visit, date(2022, 3, 31), date(2022, 4, 10), 3)],
        "{change:?}"
    );
    assert_eq!(days[0].on, date(2022, 4, 7), "three days before, and no earlier: {days:?}");
    assert_eq!(fixture.store.campaign().ends_on(PhaseName::Visit), date(2022, 3, 31));
    let at_work = fixture.reopened().await;
    assert_eq!(apply(&fixture.store, &plan).await, change);
    // Another process that runs takes it up with its next turn.
    let turn = at_work.begin().await.unwrap();
    assert_eq!(turn.campaign().ends_on(PhaseName::Visit), date(2022, 4, 10));
    turn.rollback().await.unwrap();
    assert_eq!(at_work.campaign().ends_on(PhaseName::Visit), date(2022, 4, 10));
    let other = fixture.reopened().await;
    assert_eq!(other.campaign().ends_on(PhaseName::Visit), date(2022, 4, 10));
    assert_eq!(other.plan_file(), PlanFile::OfBefore, "its file is the old one");
    fixture.store.refresh_plan().await.unwrap();
    for day in 29..=31 {
        fixture.at(3, day, 10);
        remind(&fixture.store, &rules()).await.unwrap();
    }
    for day in 1..=11 {
        fixture.at(4, day, 10);
        remind(&fixture.store, &rules()).await.unwrap();
    }
    // 10 April is a Sunday: told on Friday. The day after is a workday.
    let expected = ["2022-04-07", "2022-04-08", "2022-04-11"];
    assert_eq!(told(&fixture).await, expected);
    assert!(apply(&fixture.store, &plan).await.is_nothing());
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(only_another_plan_moves_the_ladder, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    let mut plan = load_campaign("".as_ref()).unwrap();
    let ladder = plan.ladder.iter_mut().find(|ladder| ladder.duties.contains(&DutyKind::Visit));
    let steps = &mut ladder.unwrap().steps;
    steps.insert(0, EscalationStep { days: -9, ..steps[0].clone() });
    apply(&fixture.store, &plan).await;
    fixture.at(3, 22, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    assert_eq!(told(&fixture).await, ["2022-03-22"]);
    for reason in [Reason::Departments, Reason::Repair] {
        let mut tx = fixture.store.begin().await.unwrap();
        tx.ask_derivation(reason).await.unwrap();
        tx.commit().await.unwrap();
        let change = zoufang::app::rederive::go_on(&fixture.store).await.unwrap();
        assert!(change.is_nothing(), "{reason:?}: {change:?}");
    }
    fixture.at(3, 23, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    assert_eq!(told(&fixture).await, ["2022-03-22"], "what was told isn't told again");
});

on_both!(an_earlier_date_is_told_at_once, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 22, 9);
    apply(&fixture.store, &visits_until(date(2022, 3, 21))).await;
    fixture.store.refresh_plan().await.unwrap();
    let notices = preview(&fixture.store, &rules(), date(2022, 3, 22)).await.unwrap();
    assert!(notices.iter().any(|n| n.body.contains("3月21日已到期，超期1天")), "{notices:?}");
    remind(&fixture.store, &rules()).await.unwrap();
    assert_eq!(told(&fixture).await, ["2022-03-22"]);
});

on_both!(an_issues_dates_move_with_the_plan, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 10, 9);
    fixture.visit("2022-04-10,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,长期").await.unwrap();
    let mut plan = load_campaign("".as_ref()).unwrap();
    plan.phases.iter_mut().find(|p| p.name == PhaseName::Resolve).unwrap().ends_on =
        date(2022, 5, 20);
    let change = apply(&fixture.store, &plan).await;
    let moved = |kind| {
        change.moved.iter().filter(move |moved| moved.0 == kind).map(|m| m.2).collect::<Vec<_>>()
    };
    assert_eq!(moved(DutyKind::Resolve), [date(2022, 5, 20)]);
    assert_eq!(moved(DutyKind::Report), [date(2022, 5, 20)]);
    // As far on its way as with all its time: a Saturday, after which the Sunday was worked.
    assert_eq!(moved(DutyKind::Begin), [date(2022, 4, 24)]);
    assert!(moved(DutyKind::Acknowledge).is_empty());
    fixture.store.refresh_plan().await.unwrap();
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(a_phase_can_be_added_moved_and_taken_away, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(6, 20, 9);
    let mut plan = load_campaign("".as_ref()).unwrap();
    let phase = |ends_on| ExtraPhase {
        code: "second_look".to_owned(),
        title: "二次回头看".to_owned(),
        starts_on: date(2022, 7, 1),
        ends_on,
        owed_by: Role::VillageLead,
    };
    plan.extra = vec![phase(date(2022, 7, 15))];
    let change = apply(&fixture.store, &plan).await;
    fixture.store.refresh_plan().await.unwrap();
    assert_eq!((change.opened, change.ended, change.moved.len()), (2, 0, 0), "{change:?}");
    plan.extra = vec![phase(date(2022, 7, 20))];
    let moved = [(DutyKind::Extra, date(2022, 7, 15), date(2022, 7, 20), 2)];
    assert_eq!(apply(&fixture.store, &plan).await.moved, moved);
    fixture.store.refresh_plan().await.unwrap();
    let notices = preview(&fixture.store, &rules(), date(2022, 7, 14)).await.unwrap();
    assert!(notices.iter().all(|notice| !notice.body.contains("二次回头看")));
    let notices = preview(&fixture.store, &rules(), date(2022, 7, 18)).await.unwrap();
    let line = "[黄] 阶段任务 1项，7月20日前完成，还有2天（二次回头看）";
    assert!(notices.iter().any(|notice| notice.body.contains(line)), "{notices:?}");
    let confirmed = "任务,区划,确认人\n二次回头看,高桥村,冯包\n";
    assert_eq!(fixture.import("c.csv", confirmed).await.unwrap().added, 1);
    plan.extra.clear();
    let change = apply(&fixture.store, &plan).await;
    assert_eq!((change.opened, change.ended), (0, 1), "the other village's");
    fixture.store.refresh_plan().await.unwrap();
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    plan.extra = vec![phase(date(2022, 7, 25))];
    let change = apply(&fixture.store, &plan).await;
    assert_eq!((change.opened, change.moved.len()), (1, 0), "it's owed again");
    fixture.store.refresh_plan().await.unwrap();
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});

/// The same plan a year later.
fn next_year() -> Campaign {
    let mut next = load_campaign("".as_ref()).unwrap();
    next.code = "CHD2023".to_owned();
    for phase in &mut next.phases {
        phase.starts_on = Date::new(2023, phase.starts_on.month(), phase.starts_on.day()).unwrap();
        phase.ends_on = Date::new(2023, phase.ends_on.month(), phase.ends_on.day()).unwrap();
    }
    next.materials_due_on = date(2023, 3, 10);
    next
}

/// How many of a kind are owed, and how many of these are late on a day.
async fn owed(store: &Store, kind: DutyKind, on: Date) -> (i64, i64) {
    let open = store.open_duties(on).await.unwrap();
    open.into_iter().find(|(k, ..)| *k == kind).map_or((0, 0), |(_, open, late)| (open, late))
}

on_both!(an_issue_of_before_is_still_classified_and_answered, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    fixture.visit("2022-03-10,Z7,H3,卫群众,,路灯不亮,有,,,").await.unwrap();
    fixture.clock.set(fixture.clock.instant(date(2023, 3, 1).at(9, 0, 0, 0)));
    let change = apply(&fixture.store, &next_year()).await;
    fixture.store.refresh_plan().await.unwrap();
    let store = &fixture.store;
    let kinds = [DutyKind::Acknowledge, DutyKind::Classify, DutyKind::Revisit];
    assert_eq!(change.carried, kinds.map(|kind| (kind, 1)));
    // By its own campaign's dates: late by now.
    assert_eq!(owed(store, DutyKind::Classify, date(2022, 4, 15)).await, (1, 0));
    assert_eq!(owed(store, DutyKind::Classify, date(2022, 4, 16)).await, (1, 1));
    assert_eq!(owed(store, DutyKind::Revisit, date(2022, 7, 1)).await, (1, 1));
    assert_eq!(zoufang::app::doctor::examine(store, None).await.unwrap(), []);
    let notices = preview(store, &rules(), date(2023, 3, 2)).await.unwrap();
    assert!(notices.iter().any(|notice| notice.body.contains("群众分类 1项")), "{notices:?}");
    // Of one that is heard of a visit before the campaign too, by the campaign under whose number it stands.
    fixture.visit("2022-06-20,Z6,H1,王建国,,水压低,有,,,").await.unwrap();
    assert_eq!(owed(store, DutyKind::Classify, date(2023, 4, 15)).await, (2, 1));
    assert_eq!(owed(store, DutyKind::Classify, date(2023, 4, 16)).await, (2, 2));
    assert_eq!(zoufang::app::doctor::examine(store, None).await.unwrap(), []);
    // Once they're classified that is met, and what follows is owed.
    fixture.visit("2022-03-10,Z7,H3,卫群众,,路灯不亮,有,镇村,其他,长期").await.unwrap();
    fixture.visit("2022-06-20,Z6,H1,王建国,,水压低,有,镇村,其他,长期").await.unwrap();
    assert_eq!(owed(store, DutyKind::Classify, date(2023, 4, 16)).await, (0, 0));
    assert_eq!(owed(store, DutyKind::Begin, date(2023, 4, 16)).await.0, 2);
    sqlx::any::install_default_drivers();
    let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    let states = "SELECT state FROM duties WHERE kind = 'classify' AND duty_key NOT LIKE '%/%'";
    let states: Vec<String> = sqlx::query_scalar(states).fetch_all(&mut db).await.unwrap();
    assert_eq!(states, ["met", "met"]);
    assert_eq!(zoufang::app::doctor::examine(store, None).await.unwrap(), []);
});

on_both!(a_campaign_that_runs_ends_only_by_a_word_more, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(6, 30, 9);
    let (store, next) = (&fixture.store, next_year());
    let refused = plan::apply(store, &next, "周正", "新一年").await.unwrap_err();
    assert!(refused.to_string().contains("--end-current"), "{refused}");
    assert_eq!(store.campaign().code, "CHD2022");
    plan::apply_ending_current(store, &next, "周正", "提前").await.unwrap();
    assert_eq!(store.campaign().code, "CHD2023");
});

on_both!(what_is_handed_in_is_of_the_present_campaign, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    fixture.visit("2022-03-10,Z6,H1,王建国,,,无,,,").await.unwrap();
    fixture.clock.set(fixture.clock.instant(date(2022, 12, 1).at(9, 0, 0, 0)));
    apply(&fixture.store, &next_year()).await;
    fixture.clock.set(fixture.clock.instant(date(2022, 12, 5).at(9, 0, 0, 0)));
    let folder = tempfile::tempdir().unwrap();
    let write = async |on: Option<Date>| {
        let asked = Asked { on, ..Asked::default() };
        write_table(&fixture.store, Table::Opinions, &asked, &folder.path().join("a.xlsx")).await
    };
    for day in [date(2022, 3, 31), date(2022, 11, 30)] {
        let refused = write(Some(day)).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("{day} 属于以前的活动")), "{refused}");
    }
    for day in [None, Some(date(2022, 12, 1)), Some(date(2022, 12, 5))] {
        write(day).await.unwrap();
    }
});

// By paper, as the office writes it down: once for each campaign.
on_both!(what_was_handed_in_last_year_is_handed_in_again, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    let staff = fixture.store.staff().await.unwrap();
    let office = staff.iter().find(|person| may(person).receive).unwrap();
    let receive = async || {
        let mut tx = fixture.store.begin().await.unwrap();
        let owed = hand_ins::owed(&mut tx, office).await.unwrap();
        let first = owed.iter().find(|owed| !owed.is_in).unwrap();
        let (key, version) = (first.key.clone(), first.version);
        let handled = hand_in(&mut tx, office, (&key, version), None).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(handled, Handled::Done), "{key}");
        (key, version)
    };
    let mut before = BTreeMap::new();
    for _ in 0..4 {
        let (key, version) = receive().await;
        before.insert(key, version);
    }
    fixture.clock.set(fixture.clock.instant(date(2023, 3, 1).at(9, 0, 0, 0)));
    apply(&fixture.store, &next_year()).await;
    fixture.store.refresh_plan().await.unwrap();
    let mut again = 0;
    for _ in 0..4 {
        let (key, version) = receive().await;
        again += usize::from(before.contains_key(&key));
        assert_eq!(version, before.get(&key).map_or(0, |version| version + 1), "{key}");
    }
    assert!(again > 0, "none was owed again");
});

on_both!(next_year_begins_with_the_same_pairs, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    fixture.visit("2022-03-10,Z6,H1,王建国,,,无,,,").await.unwrap();
    fixture.visit("2022-03-10,Z7,H3,卫群众,,路灯不亮,有,镇村,其他,长期").await.unwrap();
    let next = next_year();
    fixture.clock.set(fixture.clock.instant(date(2023, 3, 1).at(9, 0, 0, 0)));
    let change = apply(&fixture.store, &next).await;
    fixture.store.refresh_plan().await.unwrap();
    // Three visits, four of each village's and one of the branch's.
    assert_eq!(change.opened, 3 + 2 * 4 + 1);
    // What somebody waits for goes on: that it's noted, begun and resolved, and an answer.
    let kinds = [DutyKind::Acknowledge, DutyKind::Begin, DutyKind::Resolve, DutyKind::Revisit];
    assert_eq!(change.carried, kinds.map(|kind| (kind, 1)));
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    let open = |kind| {
        let store = fixture.store.clone();
        async move {
            let open = store.open_duties(date(2023, 3, 1)).await.unwrap();
            open.into_iter().find(|(k, ..)| *k == kind).map_or(0, |(_, open, _)| open)
        }
    };
    assert_eq!(open(DutyKind::Visit).await, 3, "last year's visit doesn't count");
    assert_eq!(open(DutyKind::Revisit).await, 1, "nor is a revisit owed for it");
    fixture.visit("2023-03-01,Z6,H1,王建国,,水压低,有,镇村,其他,急").await.unwrap();
    assert_eq!((open(DutyKind::Visit).await, open(DutyKind::Revisit).await), (2, 2));
    assert!(fixture.store.issue_id("CHD2023-000001").await.is_ok());
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    // The figures are this year's; what last year left open is told apart, and its own are asked for by name or day.
    let store = &fixture.store;
    let figures = store.figures().await.unwrap();
    assert_eq!(figures.issues_by_state.values().sum::<i64>(), 1, "{:?}", figures.issues_by_state);
    assert_eq!(figures.issues_by_level.values().sum::<i64>(), 1);
    assert_eq!(figures.earlier_open, BTreeMap::from([("CHD2022".to_owned(), 1)]));
    assert_eq!((figures.counts.subjects, figures.counts.visited), (3, 1));
    assert_eq!(
        store.late_by_holder().await.unwrap(),
        BTreeMap::new(),
        "last year's isn't this year's lateness"
    );
    let plans = store.plans();
    for named in ["CHD2022", "2022-04-01"] {
        assert_eq!(plans.named(named).map(|plan| plan.code.as_str()), Some("CHD2022"), "{named}");
    }
    assert_eq!(plans.named("2023-04-01").map(|plan| plan.code.as_str()), Some("CHD2023"));
    assert!(plans.named("CHD2021").is_none());
    let earlier = store.earlier_counts("CHD2022").await.unwrap();
    let kept = [earlier.subjects, earlier.visited, earlier.to_revisit, earlier.revisit_done];
    assert_eq!(kept, [3, 2, 2, 0], "H1 and H3 were visited");
    assert_eq!((earlier.issues, earlier.resolved, earlier.late), (1, 0, 1));
    for by in [By::Village, By::Branch, By::Person] {
        let mut whole = Counts::default();
        let lines = store.earlier_figures_by(by, "CHD2022").await.unwrap();
        lines.iter().for_each(|line| whole += line.counts);
        assert_eq!(whole, earlier, "{by}");
    }
    // The old file, which is still configured, doesn't come back by mistake.
    assert_eq!(fixture.store.plan_file(), PlanFile::OfBefore);
    let old = load_campaign("".as_ref()).unwrap();
    let refused = plan::apply(&fixture.store, &old, "周正", "照状态说的").await.unwrap_err();
    assert!(refused.to_string().contains("已经结束"), "{refused}");
    assert_eq!(fixture.store.campaign().code, "CHD2023");
});

on_both!(the_doctor_finds_what_the_record_doesnt_bear_out, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 10, 9);
    fixture.visit("2022-04-10,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急").await.unwrap();
    fixture.visit("2022-04-10,Z6,H2,李秀英,,水压低,有,市直,其他,急").await.unwrap();
    fixture.visit("2022-04-10,Z7,H3,卫群众,,,无,,,").await.unwrap();
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    sqlx::any::install_default_drivers();
    let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    let first = "(SELECT MIN(id) FROM duties WHERE kind = ";
    let hands = [
        ("revisit", format!("DELETE FROM duties WHERE id = {first}'revisit')"), "没有这一项"),
        ("upload", "DELETE FROM duties WHERE kind = 'upload'".to_owned(), "没有这一项"),
        (
            "acknowledge",
            format!("DELETE FROM duties WHERE id = {first}'acknowledge')"),
            "没有这一项",
        ),
        ("resolve", "UPDATE duties SET state = 'met' WHERE kind = 'resolve'".to_owned(), "已完成"),
        ("visit", "UPDATE duties SET state = 'open' WHERE kind = 'visit'".to_owned(), "未完成"),
        ("summary", "UPDATE duties SET state = 'met' WHERE kind = 'summary'".to_owned(), "已完成"),
        (
            "spot_check",
            format!("UPDATE duties SET state = 'met' WHERE id = {first}'spot_check')"),
            "已完成",
        ),
        (
            "self_check",
            format!("UPDATE duties SET state = 'cancelled' WHERE id = {first}'self_check')"),
            "已取消",
        ),
        (
            "begin",
            "UPDATE duty_groups SET due_on = '2022-05-30' WHERE kind = 'begin'".to_owned(),
            "期限 2022-05-30",
        ),
        (
            "look_back",
            format!(
                "UPDATE duties SET duty_key = 'look_back:nowhere' WHERE id = {first}'look_back')"
            ),
            "未完成",
        ),
    ];
    for (kind, hand, was) in &hands {
        db.execute(sqlx::AssertSqlSafe(hand.clone())).await.unwrap();
        let found = zoufang::app::doctor::examine(&fixture.store, None).await.unwrap();
        let kind = DutyKind::read(kind).unwrap();
        let says = found.iter().any(|difference| {
            let found = difference.found.as_deref().unwrap_or("没有这一项");
            difference.kind == Some(kind) && found.contains(was)
        });
        assert!(says, "{kind}: {found:?}");
        assert_eq!(
            zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(),
            found,
            "only reported"
        );
        assert_eq!(
            zoufang::app::doctor::examine(&fixture.store, Some("周正")).await.unwrap(),
            found
        );
        assert_eq!(
            zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(),
            [],
            "{kind}: put right"
        );
    }
    db.execute("UPDATE issues SET state = 'closed' WHERE level = 'town'").await.unwrap();
    db.execute("UPDATE issue_events SET body = '{}' WHERE kind = 'queued'").await.unwrap();
    let found = zoufang::app::doctor::examine(&fixture.store, None).await.unwrap();
    // Beside them are named the figures in which the issue's state, changed by hand, isn't kept.
    let (figures, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|d| d.because == "全部记录重新统计一遍");
    assert!(figures.iter().any(|d| d.what.ends_with("问题 问题状态 closed")), "{figures:?}");
    let issues: Vec<_> = found.iter().filter(|d| d.kind.is_none()).collect();
    let expected = ["已分类", "事件读不出来"].map(|text| Some(text.to_owned()));
    assert_eq!(issues.iter().map(|d| d.expected.clone()).collect::<Vec<_>>(), expected);
    // What is owed for an issue that isn't right itself is left alone.
    assert!(found.iter().all(|d| !d.kind.is_some_and(DutyKind::is_of_issue)), "{found:?}");
});

on_both!(a_plan_that_is_over_tells_nobody_before_a_person_has_seen_it, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let settings = Settings::from_text("", "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    let told = async || fixture.store.figures().await.unwrap().notices;
    fixture.at(7, 14, 9);
    daemon.settle().await.unwrap();
    assert_eq!(told().await, 0);
    assert!(fixture.store.waits_for_word().await.unwrap());
    let plan = fixture.store.campaign();
    plan::apply(&fixture.store, &plan, "Z1 周正", "看过了").await.unwrap();
    assert!(!fixture.store.waits_for_word().await.unwrap());
    fixture.at(7, 15, 9);
    daemon.settle().await.unwrap();
    assert!(told().await > 0);
});

on_both!(who_begins_in_its_time_needs_nobodys_word, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    // Late or not: the campaign is under way.
    fixture.at(4, 25, 9);
    assert!(!fixture.store.waits_for_word().await.unwrap());
    assert!(remind(&fixture.store, &rules()).await.unwrap().people > 0);
    fixture.at(7, 14, 9);
    assert!(!fixture.store.waits_for_word().await.unwrap(), "people hear of it as it comes");
});
