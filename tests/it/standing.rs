//! What goes out besides the day's digests: how the campaign stands, what was handed in, what nobody holds; each once.

use zoufang::db::Notice;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::workdays::WorkingTime;
use zoufang::notify::{preview, remind, tell_standing};

use crate::reminders::rules;
use crate::support::{Fixture, claim, notices, on_both};

fn hours() -> WorkingTime {
    rules().hours
}

/// What was written since it was last asked, with whom it's for.
async fn said(fixture: &Fixture) -> Vec<Notice> {
    let entries = claim(&fixture.store, "log", "t", 1_000, 8_640_000_000).await.unwrap();
    let mut said = notices(&fixture.store, &entries).await;
    said.sort_by(|a, b| (&a.staff_number, &a.title).cmp(&(&b.staff_number, &b.title)));
    said
}

/// What a run of the job tells.
async fn run(fixture: &Fixture) -> usize {
    let told = tell_standing(&fixture.store, &hours()).await.unwrap();
    remind(&fixture.store, &rules()).await.unwrap();
    told
}

on_both!(the_leading_group_hears_each_week_how_it_stands, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let second = "人员编号,姓名,角色,所属区划\nZ8,齐组,组织人事办公室,370481111000\nZ9,周副,领导小组,370481111000\n";
    fixture.import("s2.csv", second).await.unwrap();
    // A Sunday, and before hours: nobody is disturbed.
    for (day, hour) in [(6, 9), (7, 7)] {
        fixture.at(3, day, hour);
        assert_eq!(run(&fixture).await, 0);
    }
    fixture.visit("2022-03-05,Z6,H1,王建国,,,无,,,").await.unwrap();
    // Who looks ahead sees it on the day on which it comes, and on no other.
    for (day, hear) in [(7, 3), (8, 0), (14, 3)] {
        let day = jiff::civil::date(2022, 3, day);
        let ahead = preview(&fixture.store, &rules(), day).await.unwrap();
        let with = ahead
            .iter()
            .filter(|one| one.body.contains("每周进展") || one.body.contains("没有人负责"));
        let mut seen: Vec<&str> = with.map(|one| one.staff_id.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), hear, "{day}: {seen:?}");
    }
    fixture.at(3, 7, 9);
    assert_eq!(run(&fixture).await, 3);
    let week = said(&fixture).await;
    let of = |number: &str| {
        let own = week.iter().filter(|one| one.staff_number == number);
        let own: Vec<&Notice> = own.collect();
        assert_eq!(own.len(), 1, "one digest a day: {own:?}");
        own[0]
    };
    for leader in ["Z1", "Z9"].map(of) {
        assert!(leader.title.contains("每周进展：走访排查阶段，到3月31日还有24天"), "{leader:?}");
        for part in ["走访率 33.3%（1/3）", "· 入户走访 2项", "· 第一总支：走访率 33.3%"]
        {
            assert!(leader.body.contains(part), "{part}: {}", leader.body);
        }
    }
    let office = of("Z8");
    assert_eq!(office.title, "【走访】3月7日：有5处没有人负责，请补齐");
    assert!(office.body.contains("· 杨桥村委会：没有人担任网格员"), "{}", office.body);
    // Once a week, and only while a phase runs.
    for (day, told) in [(7, 0), (8, 0), (14, 3)] {
        fixture.at(3, day, 15);
        assert_eq!(run(&fixture).await, told, "{day}");
    }
    // Afterwards only what is still missing is told, of whoever it's handed in to.
    fixture.at(7, 4, 9);
    run(&fixture).await;
    let last: Vec<_> = said(&fixture)
        .await
        .into_iter()
        .filter(|one| one.on_date == "2022-07-04" && one.body.contains("请报送任务确认表"))
        .collect();
    assert!(!last.is_empty() && last.iter().all(|one| one.staff_number == "Z8"));
    assert!(last.iter().any(|one| one.body.contains(DutyKind::LookBack.chinese())), "{last:?}");
});

on_both!(the_office_hears_what_is_in_and_what_is_missing_by_name, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let office = "人员编号,姓名,角色,所属区划\nZ8,齐组,组织人事办公室,370481111000\n";
    fixture.import("s2.csv", office).await.unwrap();
    let about = async |kind: DutyKind| {
        run(&fixture).await;
        let all = said(&fixture).await.into_iter().filter(|one| one.staff_number == "Z8");
        let said = format!("{kind}（");
        let lines = all.flat_map(|one| one.body.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.skip_while(|line| !line.starts_with(&said)).collect::<Vec<String>>()
    };
    // Three days before the date, who still owes it.
    fixture.at(4, 12, 9);
    let word = about(DutyKind::Summary).await;
    assert_eq!(word[0], "总支工作总结（4月15日前）：已报0份，还缺1份");
    assert!(word.contains(&"· 第一总支（郑书）".to_owned()), "{word:?}");
    fixture.import("c.csv", "任务,区划,确认人\n总支工作总结,第一总支,齐组\n").await.unwrap();
    fixture.at(4, 15, 9);
    let word = about(DutyKind::Summary).await;
    assert_eq!(word[0], "总支工作总结（4月15日前）：已报1份，还缺0份");
    assert!(word.contains(&"已报：第一总支".to_owned()), "{word:?}");
    fixture.at(4, 18, 9);
    assert!(about(DutyKind::Summary).await.is_empty(), "all of it is in");
    // A village without work owes no report; one with work is missed by name each week until it's in.
    fixture.visit("2022-04-18,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.at(6, 6, 9);
    let word = about(DutyKind::Report).await;
    assert_eq!(word[0], "问题解决情况（5月31日前）：已报0份，还缺1份");
    assert!(word.contains(&"· 高桥村委会（冯包）".to_owned()), "{word:?}");
});

// Whoever had today's digest isn't written to again: the word waits for the next working day.
on_both!(a_word_that_comes_after_the_digest_waits_for_the_next, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let leader = async |day: i8| {
        fixture.at(4, day, 9);
        remind(&fixture.store, &rules()).await.unwrap();
        said(&fixture).await.iter().any(|one| one.staff_number == "Z1")
    };
    let mut days = 1..=30;
    let mut had_one = None;
    for day in &mut days {
        if leader(day).await {
            had_one = Some(day);
            break;
        }
    }
    assert!(had_one.is_some(), "visits are late in April: the leading group hears of them");
    assert_eq!(tell_standing(&fixture.store, &hours()).await.unwrap(), 0);
    let mut next = 0;
    for day in days {
        fixture.at(4, day, 9);
        next = tell_standing(&fixture.store, &hours()).await.unwrap();
        if next > 0 {
            break;
        }
    }
    assert!(next > 0, "on the next working day");
});

on_both!(the_revisit_is_told_as_its_phase_opens, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    fixture.visit("2022-03-10,Z6,H1,王建国,,,无,,,").await.unwrap();
    fixture.at(5, 31, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    fixture.at(6, 1, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let told = fixture.store.told().await.unwrap();
    let told = told.iter().filter(|told| told.duty_key.starts_with("revisit:"));
    let told: Vec<(&str, &str)> =
        told.map(|told| (told.staff_number.as_str(), told.on_date.as_str())).collect();
    assert_eq!(told, [("Z6", "2022-06-01")]);
});
