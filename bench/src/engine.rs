//! The engine as the service runs it, from owed in the record to referred in the record.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use zoufang::app::deliveries::Deliveries;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{load_campaign, load_workdays, platform};
use zoufang::db::{Context, Store};
use zoufang::delivery::{Lane, LaneRules, OnUnknown};
use zoufang::intake::import;
use zoufang::platform::PlatformTransport;
use zoufang::seal::Sealer;
use zoufang::settings::Settings;

use crate::{CONCURRENCY, rate};

const AREAS: &str = "区划名称,区划类型,区划代码,上级区划\n柴胡店镇,镇,370481111000,\n高桥村,村,370481111200,370481111000\n";
const STAFF: &str = "人员编号,姓名,角色,所属区划\nZ1,示例走访人,走访人员,高桥村\n";
const SUBJECTS: &str = "对象编号,对象类型,对象名称,所属村";
const ASSIGNMENTS: &str = "对象编号,走访人员";
const VISITS: &str = "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题,责任层级,类别,轻重缓急";

/// The sink, as a platform.
pub const DESCRIPTION: &str = r#"
name = "sink"
[submit]
method = "POST"
path = "/submit"
body = '{"reference": {{ reference | tojson }}, "text": {{ (text ~ mark) | tojson }}, "area": {{ area_code | tojson }}, "resident": {{ resident | tojson }}}'
[submit.answer]
id = "/id"
[categories]
other = "other"
[statuses]
new = "received"
"#;

/// A rest platform at `address`, described by `description`.
pub fn settings(address: &str, description: &str, folder: &Path) -> anyhow::Result<Settings> {
    let file = folder.join("platform.toml");
    std::fs::write(&file, description)?;
    let text = format!(
        "[platform]\nadapter = 'rest'\nendpoint = '{address}'\nfile = '{}'",
        file.display()
    );
    Ok(Settings::from_text(&text, "bench")?)
}

/// What a record needs, with its platform on this lane.
pub fn context(lane: &str) -> anyhow::Result<Context> {
    Ok(Context {
        clock: Clock::system(),
        chance: Chance::system(),
        sealer: Sealer::new(&[7; 32]),
        campaign: load_campaign("".as_ref())?,
        workdays: load_workdays("".as_ref())?,
        platform_lane: lane.to_owned(),
        by_people: false,
        channels: Vec::new(),
        review_within: None,
        messages: false,
        photos: false,
        close_needs_answer: false,
        platform_statuses: std::collections::BTreeMap::new(),
    })
}

/// A record with a township of a household for each of its `issues`, which are owed to the platform.
pub async fn township(url: &str, lane: &str, issues: usize) -> anyhow::Result<Store> {
    let store = Store::open(url, context(lane)?).await?;
    let table = |header: &str, line: &dyn Fn(usize) -> String| {
        let lines: String = (0..issues).map(line).collect();
        format!("{header}{lines}\n")
    };
    let subjects = table(SUBJECTS, &|n| format!("\nH{n},家庭,示例户{n},高桥村"));
    let assignments = table(ASSIGNMENTS, &|n| format!("\nH{n},Z1"));
    let visits =
        table(VISITS, &|n| format!("\n2022-03-01,Z1,H{n},示例{n},示例问题{n},有,市直,其他,急"));
    for table in [AREAS, STAFF, &subjects, &assignments, &visits] {
        import(&store, "bench.csv", table.as_bytes(), false, &|_, _| {}).await?;
    }
    Ok(store)
}

/// The platform's lane of a record, to the sink at `address`.
pub fn lane(store: &Store, address: &str, folder: &Path) -> anyhow::Result<Lane> {
    let settings = settings(address, DESCRIPTION, folder)?;
    let context = store.context();
    let sink = platform(&settings, &context.clock, &context.chance)?.context("no platform")?;
    let transport =
        Arc::new(PlatformTransport::new(store.clone(), sink, Duration::ZERO, Duration::ZERO));
    let rules = LaneRules {
        hours: None,
        concurrency: CONCURRENCY,
        lease: Duration::from_secs(120),
        settle_after: Duration::from_secs(300),
        retry_first: Duration::from_secs(5),
        retry_cap: Duration::from_secs(60),
        rate_per_minute: None,
        breaker_failures: 5,
        breaker_pause: Duration::from_secs(30),
        on_unknown: OnUnknown::Hold,
        prove_within: Duration::from_secs(24 * 3600),
        recheck_after: Duration::from_millis(200),
    };
    let outbox = Arc::new(Deliveries::new(store.clone()));
    let with = (context.clock.clone(), context.chance.clone());
    let name = &settings.platform.name;
    Ok(Lane::new(name, outbox, transport, with, rules, CancellationToken::new()))
}

/// Referrals in a second, of the `issues` that the record at `url` owes.
pub async fn engine(address: &str, issues: usize, url: &str, folder: &Path) -> anyhow::Result<f64> {
    let name = settings(address, DESCRIPTION, folder)?.platform.name;
    let store = Store::open(url, context(&name)?).await?;
    let lane = lane(&store, address, folder)?;
    let began = Instant::now();
    lane.drain().await?;
    let rate = rate(issues, began);
    let referred = store.platform_debts().await?.iter().filter(|(_, id)| id.is_some()).count();
    anyhow::ensure!(referred == issues, "{referred} of {issues} were referred");
    store.close().await;
    Ok(rate)
}
