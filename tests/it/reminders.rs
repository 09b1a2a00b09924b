//! Who is told of what, on which day: once, in working hours, whatever restarts lie between.

use std::collections::{HashMap, HashSet};

use jiff::civil::{Date, date};
use sqlx::Connection;
use zoufang::app::acknowledge::acknowledge_digest;
use zoufang::app::remind as app;
use zoufang::daemon::{load_campaign, load_workdays};
use zoufang::db::{DIGEST, NewNotice, Store, Told};
use zoufang::domain::campaign::Recipient;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::escalation::Away;
use zoufang::domain::staff::Role;
use zoufang::domain::workdays::WorkingTime;
use zoufang::notify::{Messages, ReminderRules, Reworded, remind, reword};

use crate::support::{Fixture, claim, notices, on_both};

pub fn rules() -> ReminderRules {
    ReminderRules {
        hours: WorkingTime {
            workdays: load_workdays("".as_ref()).unwrap(),
            from: "08:30".parse().unwrap(),
            until: "18:00".parse().unwrap(),
        },
        messages: Messages::read("".as_ref()).unwrap(),
        public_url: String::new(),
    }
}

/// Who hears of late visits in the small township at a role's step, by village: in 杨桥 nobody is village lead, so the branch
/// hears that step too; nobody is a leader over the branch, so the leading group does.
fn holder(role: Role, village: &str) -> &'static str {
    match (role, village) {
        (Role::VillageLead, "高桥") => "Z4",
        (Role::VillageLead | Role::BranchSecretary, _) => "Z3",
        (Role::SupervisingLeader | Role::LeadingGroup, _) => "Z1",
        _ => panic!("{role:?}"),
    }
}

/// The visits of the small township as the plan has them, read naively: every day, every step.
fn expected_visits(until: Date) -> HashSet<(String, Date)> {
    let (campaign, workdays) =
        (load_campaign("".as_ref()).unwrap(), load_workdays("".as_ref()).unwrap());
    let due_on = campaign.due_on(DutyKind::Visit);
    let mut expected = HashSet::new();
    let mut day = date(2022, 3, 1);
    while day <= until {
        for step in campaign.steps(DutyKind::Visit) {
            for (village, visitor) in [("高桥", "Z6"), ("杨桥", "Z7")] {
                if step.told_on(due_on, &workdays) == day {
                    let who = match step.who {
                        Recipient::Owner => visitor,
                        Recipient::Role(role) => holder(role, village),
                    };
                    expected.insert((who.to_owned(), day));
                }
            }
        }
        day = day.tomorrow().unwrap();
    }
    expected
}

fn once_each(told: &[Told]) {
    let mut seen = HashSet::new();
    for told in told {
        assert!(
            seen.insert((&told.duty_key, told.step, &told.staff_number)),
            "told twice: {told:?}"
        );
    }
}

on_both!(
    each_rung_is_told_once_on_its_workday_whatever_restarts_lie_between,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let workdays = load_workdays("".as_ref()).unwrap();
        let mut day = date(2022, 3, 1);
        let mut digests: HashMap<Date, usize> = HashMap::new();
        while day <= date(2022, 7, 20) {
            for hour in [3, 9, 14, 20] {
                fixture.clock.set(fixture.clock.instant(day.at(hour, 0, 0, 0)));
                // Opened anew before each run, as if it had been restarted.
                let store = fixture.reopened().await;
                let reminded = remind(&store, &rules()).await.unwrap();
                if reminded.people > 0 {
                    assert!(workdays.is_workday(day) && (9..18).contains(&hour), "{day} {hour}");
                    *digests.entry(day).or_default() += reminded.people;
                }
                store.close().await;
            }
            day = day.tomorrow().unwrap();
        }
        let told = fixture.store.told().await.unwrap();
        once_each(&told);
        let visits: HashSet<(String, Date)> = told
            .iter()
            .filter(|told| told.duty_key.starts_with("visit:"))
            .map(|told| (told.staff_number.clone(), told.on_date.parse().unwrap()))
            .collect();
        assert_eq!(visits, expected_visits(date(2022, 7, 20)));
        for told in &told {
            let (due_on, on): (Date, Date) =
                (told.due_on.parse().unwrap(), told.on_date.parse().unwrap());
            assert!(
                told.step > 1 || on <= due_on,
                "a reminder before the date came after it: {told:?}"
            );
        }
        // One digest for each person and day, in each channel.
        let people: HashSet<_> =
            told.iter().map(|told| (&told.staff_number, &told.on_date)).collect();
        let lanes = fixture.store.lane_figures(i64::MAX).await.unwrap();
        assert_eq!(lanes.len(), 2);
        assert!(lanes.iter().all(|lane| lane.queued as usize == people.len()));
        assert_eq!(digests.values().sum::<usize>(), people.len());
    }
);

on_both!(after_days_of_silence_only_the_latest_rung_is_told_to_each, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 4, 9);
    assert_eq!(remind(&fixture.store, &rules()).await.unwrap().people, 0); // 清明节
    fixture.at(4, 6, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let told = fixture.store.told().await.unwrap();
    once_each(&told);
    let visitor: Vec<_> = told.iter().filter(|t| t.staff_number == "Z6").map(|t| t.step).collect();
    assert_eq!(visitor, [2, 2], "two households, each once: {told:?}");
});

on_both!(what_becomes_due_after_the_days_digest_waits_for_the_next, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 31, 9);
    assert!(remind(&fixture.store, &rules()).await.unwrap().people > 0);
    let more = "对象编号,对象类型,对象名称,所属村\nH4,家庭,孙后来,高桥村\n";
    fixture.import("late.csv", more).await.unwrap();
    fixture.import("late2.csv", "对象编号,走访人员\nH4,Z6\n").await.unwrap();
    fixture.at(3, 31, 15);
    assert_eq!(remind(&fixture.store, &rules()).await.unwrap().people, 0);
    fixture.at(4, 1, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let told = fixture.store.told().await.unwrap();
    once_each(&told);
    let next_day = told.iter().filter(|t| t.staff_number == "Z6" && t.on_date == "2022-04-01");
    assert_eq!(next_day.count(), 3);
});

on_both!(who_said_that_they_know_hears_anew_once_it_is_another_s, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    // Nobody visits it, and nobody below the branch secretary could: it's theirs.
    let more = "对象编号,对象类型,对象名称,所属村\nH4,家庭,孙后来,杨桥村\n";
    fixture.import("late.csv", more).await.unwrap();
    let heard = async |day: &str| -> Vec<(String, i64)> {
        remind(&fixture.store, &rules()).await.unwrap();
        let told = fixture.store.told().await.unwrap().into_iter();
        let told = told.filter(|told| told.on_date == day && told.staff_number == "Z3");
        let told = told.filter(|told| told.duty_key.starts_with("visit:"));
        told.map(|told| (told.duty_key, told.step)).collect()
    };
    fixture.at(4, 1, 9);
    let told = heard("2022-04-01").await;
    let [(visit, 2)] = told.as_slice() else { panic!("{told:?}") };
    let secretary =
        fixture.store.staff().await.unwrap().into_iter().find(|p| p.number == "Z3").unwrap();
    acknowledge_digest(&fixture.store, &secretary.id, "2022-04-01").await.unwrap();
    fixture.import("late2.csv", "对象编号,走访人员\nH4,Z7\n").await.unwrap();
    // What they knew was their own; now it's somebody's whom they press.
    fixture.at(4, 6, 9);
    let again = heard("2022-04-06").await;
    assert!(again.contains(&(visit.clone(), 4)), "{again:?}");
});

/// A run of which only one turn comes to its end: one group's due steps are told.
async fn begin_a_run(fixture: &Fixture) {
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let roster = app::roster(&mut snapshot, fixture.clock.today()).await.unwrap();
    snapshot.end().await.unwrap();
    let today = fixture.clock.today();
    let told = app::tell(&fixture.store, &roster, &Away::new(), today, 1).await.unwrap();
    assert!(told.is_some());
}

/// Whose digest of which day there is, for each that was written.
async fn digests(store: &Store) -> Vec<(String, String)> {
    let entries = claim(store, "log", "t", 1_000, 60_000).await.unwrap();
    let written = notices(store, &entries).await.into_iter();
    let mut digests: Vec<(String, String)> =
        written.map(|notice| (notice.staff_number, notice.on_date)).collect();
    digests.sort();
    digests
}

on_both!(a_run_that_dies_between_its_turns_is_gone_on_with, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    // Died after a turn, and gone on with an hour later.
    fixture.at(3, 28, 9);
    begin_a_run(&fixture).await;
    let begun = fixture.store.told().await.unwrap();
    assert!(!begun.is_empty());
    fixture.at(3, 28, 10);
    remind(&fixture.reopened().await, &rules()).await.unwrap();
    assert!(fixture.store.told().await.unwrap().len() > begun.len());
    // Died before a digest was written, and not started again before the next workday.
    fixture.at(3, 31, 17);
    begin_a_run(&fixture).await;
    fixture.at(4, 1, 9);
    remind(&fixture.reopened().await, &rules()).await.unwrap();
    fixture.at(4, 2, 9);
    assert_eq!(remind(&fixture.store, &rules()).await.unwrap().people, 0, "nothing is left");
    let told = fixture.store.told().await.unwrap();
    once_each(&told);
    let of_visits = |who: &str| -> Vec<(i64, &str)> {
        let those = told.iter().filter(|told| told.staff_number == who);
        let those = those.filter(|told| told.duty_key.starts_with("visit:"));
        let mut steps: Vec<_> = those.map(|told| (told.step, told.on_date.as_str())).collect();
        steps.dedup();
        steps
    };
    // Whichever of the two groups was told on the 31st and whichever wasn't: the reader has it in the digest of 1 April.
    for visitor in ["Z6", "Z7"] {
        let steps = of_visits(visitor);
        assert_eq!(steps[0], (0, "2022-03-28"), "{told:?}");
        assert!(steps[1..].iter().all(|(_, on)| *on == "2022-04-01"), "{told:?}");
        assert!(steps.iter().any(|(step, _)| *step == 2), "{told:?}");
    }
    let mut people: Vec<(String, String)> =
        told.iter().map(|told| (told.staff_number.clone(), told.on_date.clone())).collect();
    people.sort();
    people.dedup();
    assert_eq!(digests(&fixture.store).await, people, "one digest for each reader and day");
});

on_both!(a_digest_that_another_run_has_paid_is_not_paid_again, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 28, 9);
    begin_a_run(&fixture).await;
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let owed = snapshot.owed_digests(fixture.clock.today(), "", 10).await.unwrap();
    snapshot.end().await.unwrap();
    let notice = |channel: &str| NewNotice {
        staff_id: owed[0].clone(),
        channel: channel.to_owned(),
        on: fixture.clock.today(),
        topic: DIGEST.to_owned(),
        title: "一".to_owned(),
        body: "一".to_owned(),
        html: None,
        several: None,
        link: None,
    };
    for paid in [1, 0] {
        let digest = HashMap::from([(owed[0].clone(), vec![notice("log")])]);
        assert_eq!(app::pay_digests(&fixture.store, digest).await.unwrap(), paid);
    }
    // What else falls due that day waits for the next, since they have the day's digest; the others get theirs.
    let begun = fixture.store.told().await.unwrap().len();
    remind(&fixture.store, &rules()).await.unwrap();
    let told = fixture.store.told().await.unwrap();
    once_each(&told);
    assert!(told.len() > begun);
    let written = digests(&fixture.store).await;
    let once: HashSet<_> = written.iter().collect();
    assert_eq!(once.len(), written.len(), "{written:?}");
    assert!(written.len() > 1);
});

/// Groups of a county, by the shovel: every visitor of `villages` owes `of_each`, and in each twenty-four duties.
async fn county(fixture: &Fixture, villages: usize, of_each: usize) -> usize {
    let mut areas =
        String::from("区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,\n");
    let mut staff = String::from("人员编号,姓名,角色,所属区划\nZ1,周正,领导小组,370481111000\n");
    for n in 0..villages {
        // A village's: one that ends in three zeros is a town's.
        let code = format!("37048{:04}{:03}", 1_200 + n / 800, 200 + n % 800);
        areas.push_str(&format!("{code},{n}号村,村,370481111000\n"));
        for k in 0..3 {
            staff.push_str(&format!("V{n:05}-{k},示例{n}{k},走访人员,{code}\n"));
        }
    }
    fixture.import("areas.csv", &areas).await.unwrap();
    fixture.import("staff.csv", &staff).await.unwrap();
    let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    let numbers = |end: usize| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})",
            end - 1
        )
    };
    let groups = format!(
        "INSERT INTO duty_groups (id, kind, role, staff_id, area_id, due_on, next_step, next_step_on, created_at)
         {} SELECT 'x-' || s.number || '-' || n.i, 'visit', 'visitor', s.id, s.area_id, '2022-03-31', 0, '2022-03-28', 0
         FROM staff s CROSS JOIN n WHERE s.number LIKE 'V%'",
        numbers(of_each)
    );
    let duties = format!(
        "INSERT INTO duties (id, duty_key, kind, group_id, state, created_at)
         {} SELECT g.id || '-' || n.i, 'visit:' || g.id || '-' || n.i, 'visit', g.id, 'open', 0
         FROM duty_groups g CROSS JOIN n WHERE g.id LIKE 'x-%'",
        numbers(24)
    );
    for statement in [groups, duties] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut db).await.unwrap();
    }
    fixture.store.analyze().await.unwrap();
    villages * 3 * of_each
}

on_both!(a_countys_day_is_told_in_short_turns, async |fixture: Fixture| {
    // A county with COUNTY=1, else a town of it.
    let villages = if std::env::var("COUNTY").is_ok() { 1_180 } else { 40 };
    let groups = county(&fixture, villages, 4).await;
    let store = fixture.reopened().await;
    // Every step is due: each visitor hears of four groups, the leading group of all.
    fixture.at(4, 20, 9);
    let began = std::time::Instant::now();
    let reminded = remind(&store, &rules()).await.unwrap();
    let (took, turn) = (began.elapsed(), store.longest_turn());
    eprintln!(
        "{:?}: {groups} groups, {reminded:?}, {took:?}, longest turn {turn:?}",
        store.dialect()
    );
    assert!(reminded.people > villages * 3 && reminded.duties >= 24 * groups as i64);
    assert_eq!(remind(&store, &rules()).await.unwrap().people, 0);
    // A machine that does much else besides is no measure: short all the same, or beside the whole.
    assert!(turn < (took / 2).max(std::time::Duration::from_secs(10)), "{turn:?} of {took:?}");
});

#[tokio::test]
async fn a_digest_as_it_is_read() {
    let fixture = Fixture::sqlite().await.township().await;
    fixture.at(4, 6, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let entries = claim(&fixture.store, "log", "t", 100, 60_000).await.unwrap();
    let mut texts = Vec::new();
    for notice in notices(&fixture.store, &entries).await {
        texts.push(format!("{} {}\n{}", notice.staff_name, notice.title, notice.body));
    }
    texts.sort();
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[tokio::test]
async fn what_is_too_long_for_a_telephone_is_summed_up_by_larger_areas() {
    let fixture = Fixture::sqlite().await;
    let mut areas =
        String::from("区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,\n");
    areas.push_str(",东总支,总支,370481111000\n,西总支,总支,370481111000\n");
    for village in 0..40 {
        let branch = ["东总支", "西总支"][village % 2];
        areas.push_str(&format!("3704811112{village:02},{village}号村,村,{branch}\n"));
    }
    fixture.import("a.csv", &areas).await.unwrap();
    let staff =
        "人员编号,姓名,角色,所属区划\nZ1,周正,领导小组,370481111000\nZ3,郑书,总支书记,东总支\n";
    fixture.import("s.csv", staff).await.unwrap();
    fixture.at(3, 17, 9);
    let notices =
        zoufang::notify::preview(&fixture.store, &rules(), date(2022, 3, 17)).await.unwrap();
    let of = |number: &str, staff: &[zoufang::db::StaffMember]| {
        let id = &staff.iter().find(|person| person.number == number).unwrap().id;
        notices.iter().find(|notice| notice.staff_id == *id).unwrap().body.clone()
    };
    let staff = fixture.store.staff().await.unwrap();
    // A branch's twenty villages are twenty lines; the town's forty are a line for each branch.
    assert_eq!(of("Z3", &staff).matches("走访材料准备 1项").count(), 20);
    // The week's word stands below.
    let town = of("Z1", &staff);
    insta::assert_snapshot!(town.split("\n每周进展").next().unwrap(), @r"
    需要您办理：
    【西总支】
    · [红] 走访材料准备 20项，3月10日已到期，超期7天（没有包村干部，请代办或指定人员）：备齐工作牌、明白纸和联系服务群众卡，报送任务确认表
    需要您督办：
    【东总支】
    · [红] 走访材料准备 20项，3月10日已到期，超期7天：请督促办理；责任人：郑书
    ");
}

on_both!(what_is_met_while_its_digest_waits_isnt_told_any_more, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 31, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let of_z6 = async || {
        let waiting = claim(&fixture.store, "log", "reader", 100, 0).await.unwrap();
        let told = notices(&fixture.store, &waiting).await;
        told.into_iter().find(|notice| notice.staff_number == "Z6").map(|notice| notice.body)
    };
    let visits = "走访日期,走访人员,对象编号,群众姓名,反映问题\n";
    let met = |household: &str| format!("{visits}2022-03-30,Z6,{household},李一,无\n");
    fixture.import("h1.csv", &met("H1")).await.unwrap();
    // It was written a moment ago.
    let done = reword(&fixture.store, &rules()).await.unwrap();
    assert_eq!(done, Reworded::default());
    fixture.at(3, 31, 10);
    let done = reword(&fixture.store, &rules()).await.unwrap();
    assert_eq!((done.worded > 0, done.dropped), (true, 0));
    assert_eq!(reword(&fixture.store, &rules()).await.unwrap(), Reworded::default(), "once");
    let body = of_z6().await.unwrap();
    assert!(body.contains("入户走访 1项"), "{body}");
    // What an attempt has, or may have sent, stays as it is.
    claim(&fixture.store, "log", "lane", 100, 60_000).await.unwrap();
    fixture.import("h2.csv", &met("H2")).await.unwrap();
    // Its copy, which nobody has begun with, tells of nothing any more.
    let copy = Reworded { worded: 0, dropped: 1 };
    assert_eq!(reword(&fixture.store, &rules()).await.unwrap(), copy);
});
