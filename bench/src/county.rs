//! What a day of reminders costs a county: in proportion to what is due that day, and not to what is owed.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use jiff::civil::date;
use sqlx::{Connection, Executor, SqliteConnection};
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{load_campaign, load_workdays, reminder_rules};
use zoufang::db::{Context, Store};
use zoufang::domain::duty::DutyKind;
use zoufang::intake::import;
use zoufang::notify::{Reminded, ReminderRules, remind};
use zoufang::seal::Sealer;
use zoufang::settings::Settings;

use crate::program::memory_of;

/// The real county: 21 towns, 1,180 villages.
const AREAS: &str = include_str!("../../config/areas/tengzhou-areas.csv");
const COUNTY: &str = "370481000000";
const SUBJECTS: usize = 300_000;
const ISSUES: usize = 25_000;

fn context(clock: &Clock, settings: &Settings) -> anyhow::Result<Context> {
    let mut campaign = load_campaign("".as_ref())?;
    campaign.town = COUNTY.to_owned();
    Ok(Context {
        clock: clock.clone(),
        chance: Chance::system(),
        sealer: Sealer::new(&[7; 32]),
        campaign,
        workdays: load_workdays("".as_ref())?,
        platform_lane: "ehushanying".to_owned(),
        by_people: false,
        channels: settings.notify.reach(),
        review_within: None,
        messages: false,
        photos: false,
        close_needs_answer: false,
        platform_statuses: std::collections::BTreeMap::new(),
    })
}

/// In each village three visitors, a grid member and a lead; above them a leading group.
fn staff() -> String {
    let mut lines = String::from("人员编号,姓名,角色,所属区划,工作单位,手机号\n");
    lines.push_str(&format!("L,示例组长,领导小组,{COUNTY},,\n"));
    for (index, code) in villages().enumerate() {
        let roles = ["走访人员", "走访人员", "走访人员", "网格员", "包村干部"];
        for (place, role) in roles.iter().enumerate() {
            lines.push_str(&format!("V{index:04}-{place},示例{role}{index},{role},{code},,\n"));
        }
    }
    lines
}

fn villages() -> impl Iterator<Item = &'static str> {
    let fields = AREAS.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    fields.filter(|fields| fields[2] == "village").map(|fields| fields[0])
}

/// Subjects, issues and what is owed for them, written by the shovel.
async fn fill(file: &Path, store: &Store) -> anyhow::Result<()> {
    let context = store.context();
    let name = context.sealer.seal_as_before("示例", &context.chance)?;
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    db.execute("PRAGMA foreign_keys = OFF").await?;
    db.execute("CREATE TEMP TABLE v (i INTEGER PRIMARY KEY, area_id TEXT, number TEXT)").await?;
    for (index, code) in villages().enumerate() {
        sqlx::query(
            "INSERT INTO v (i, area_id, number) SELECT $1, id, $2 FROM areas WHERE code = $3",
        )
        .bind(i64::try_from(index)?)
        .bind(format!("V{index:04}"))
        .bind(code)
        .execute(&mut db)
        .await?;
    }
    let count = villages().count();
    let numbers = |end: usize| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})",
            end - 1
        )
    };
    let subjects = format!(
        "INSERT INTO subjects (id, number, kind, area_id, name_sealed, address_sealed, content_key, created_at)
         {} SELECT printf('s%08d', n.i), 'S' || n.i, 'household', v.area_id, '{name}', NULL, 'k', 0
         FROM n JOIN v ON v.i = n.i % {count}",
        numbers(SUBJECTS)
    );
    db.execute(sqlx::AssertSqlSafe(subjects)).await?;
    for kind in [DutyKind::Visit, DutyKind::Classify, DutyKind::Revisit] {
        let (code, due_on) = (kind.code(), context.campaign.due_on(kind));
        let first = context.campaign.steps(kind).first().context("no ladder")?;
        let on = first.told_on(due_on, &context.workdays);
        let groups = format!(
            "INSERT INTO duty_groups (id, kind, role, staff_id, area_id, due_on, next_step, next_step_on, created_at)
             SELECT '{code}-' || v.i || '-' || k.i, '{code}', 'visitor', f.id, v.area_id, '{due_on}', 0, '{on}', 0
             FROM v, (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2) k JOIN staff f ON f.number = v.number || '-' || k.i"
        );
        db.execute(sqlx::AssertSqlSafe(groups)).await?;
        let duties = format!(
            "INSERT INTO duties (id, duty_key, kind, group_id, subject_id, state, created_at)
             {} SELECT printf('{code}-%08d', n.i), printf('{code}:s%08d', n.i), '{code}',
               '{code}-' || (n.i % {count}) || '-' || ((n.i / {count}) % 3), printf('s%08d', n.i), 'open', 0 FROM n",
            numbers(SUBJECTS)
        );
        db.execute(sqlx::AssertSqlSafe(duties)).await?;
    }
    let issues = format!(
        "INSERT INTO issues (id, number, natural_key, visit_id, resident_id, subject_id, area_id, text_sealed, state,
           round, level, category, urgency, town_finished, platform_finished, due_on, version, created_at, updated_at)
         {} SELECT printf('i%08d', n.i), 'CHD2022-' || n.i, 'k' || n.i, 'x', 'x', printf('s%08d', n.i),
           v.area_id, '{name}', 'classified', 1, 'town', 'other', 'normal', 0, 0, NULL, 1, 0, 0
         FROM n JOIN v ON v.i = n.i % {count}",
        numbers(ISSUES)
    );
    db.execute(sqlx::AssertSqlSafe(issues)).await?;
    for kind in [DutyKind::Acknowledge, DutyKind::Upload, DutyKind::Begin, DutyKind::Resolve] {
        let code = kind.code();
        // Dates over six weeks; the first step a few days before.
        let groups = format!(
            "INSERT INTO duty_groups (id, kind, role, area_id, issue_id, due_on, next_step, next_step_on, created_at)
             {} SELECT printf('{code}-i%08d', n.i), '{code}', 'grid_member', v.area_id, printf('i%08d', n.i),
               date('2022-04-18', '+' || (n.i % 42) || ' days'), 0, date('2022-04-15', '+' || (n.i % 42) || ' days'), 0
             FROM n JOIN v ON v.i = n.i % {count}",
            numbers(ISSUES)
        );
        db.execute(sqlx::AssertSqlSafe(groups)).await?;
        let duties = format!(
            "INSERT INTO duties (id, duty_key, kind, group_id, issue_id, state, created_at)
             {} SELECT printf('{code}-i%08d', n.i), printf('{code}:i%08d', n.i), '{code}', printf('{code}-i%08d', n.i),
               printf('i%08d', n.i), 'open', 0 FROM n",
            numbers(ISSUES)
        );
        db.execute(sqlx::AssertSqlSafe(duties)).await?;
    }
    db.close().await?;
    Ok(())
}

/// A county's record at the campaign's first morning.
pub async fn open(file: &Path) -> anyhow::Result<Store> {
    let settings = Settings::from_text("", "bench")?;
    let clock = Clock::manual(Clock::system().instant(date(2022, 3, 1).at(8, 0, 0, 0)));
    Ok(Store::open(&format!("sqlite://{}", file.display()), context(&clock, &settings)?).await?)
}

/// The same, new, with its areas and people.
pub async fn empty(file: &Path) -> anyhow::Result<Store> {
    let store = open(file).await?;
    for table in [AREAS, &staff()] {
        import(&store, "county.csv", table.as_bytes(), false, &|_, _| {}).await?;
    }
    Ok(store)
}

/// The whole table.
pub async fn table() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("county.db");
    let settings = Settings::from_text("", "bench")?;
    let store = empty(&file).await?;
    let clock = store.context().clock.clone();
    fill(&file, &store).await?;
    // Counted, as the shovel keeps no figures.
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    let open: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM duties WHERE state = 'open'")
        .fetch_one(&mut db)
        .await?;
    db.close().await?;
    let rules = reminder_rules(&settings)?;
    println!("\nA county's day of reminders: {open} duties open, SQLite FULL\n");
    println!("| day | duties due | digests | time | memory at most |\n|---|---|---|---|---|");
    let mut day = date(2022, 3, 2);
    while day <= date(2022, 5, 10) {
        clock.set(clock.instant(day.at(9, 0, 0, 0)));
        let told = run(&store, &rules).await?;
        let what = match day.to_string().as_str() {
            "2022-03-02" | "2022-03-29" => "nothing due",
            "2022-03-28" => "every visit, for the first time",
            "2022-03-31" => "every visit, on its date",
            "2022-05-10" => "issues of six weeks",
            _ => "",
        };
        if !what.is_empty() {
            println!("| {day}, {what} | {told} |");
        }
        day = day.tomorrow()?;
    }
    clock.set(clock.instant(date(2022, 7, 20).at(9, 0, 0, 0)));
    let told = run(&store, &rules).await?;
    println!("| 2022-07-20, after ten weeks without a run | {told} |");
    store.close().await;
    Ok(())
}

/// One run, as a line of the table.
async fn run(store: &Store, rules: &ReminderRules) -> anyhow::Result<String> {
    // Counts its highest memory from here on.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    let Reminded { duties, people, .. } = remind(store, rules).await?;
    let took = began.elapsed().as_secs_f64() * 1000.0;
    Ok(format!("{duties} | {people} | {took:.0} ms | {:.0} MiB", memory_of("self", "VmHWM")?))
}
