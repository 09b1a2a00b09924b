//! A rehearsal of one's own campaign: a copy of the record, its own clock, a stand-in platform, and messages that go nowhere. It's
//! played to its end by the real daemon, and tells who would hear what when, and what would be late.
//!
//! Nothing leaves the machine and nothing enters the record: that is only read, once, for the copy. It knows no SQL, and no rule of
//! the plan; what people do (where they do anything) comes in by the same files that a township would hand in.

mod checks;
mod options;
mod people;
mod played;
mod report;
mod scratch;
mod today;

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::{Date, Time};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use options::{NotPlayed, Options, Visits};
pub use people::{Doing, People};
pub use report::{Late, Message, Report};

use crate::clock::{Chance, Clock, Stopwatch};
use crate::daemon::{Daemon, look_at_store};
use crate::db::Store;
use crate::domain::campaign::{Campaign, PhaseName, plus};
use crate::intake::import;
use crate::sandbox::Sandbox;
use crate::settings::Settings;
use played::{Before, Played};
use scratch::Scratch;

/// So long after the plan's last day the last step of what is late is told.
const AFTERWARDS: i64 = 14;
/// When people's records of a day are in, and the other times at which the world moves after they were told in the morning.
const RECORDS_AT: Time = Time::constant(12, 31, 0, 0);
const LATER: [Time; 2] = [Time::constant(17, 31, 0, 0), Time::constant(23, 31, 0, 0)];

/// Lets a day pass: people hand in their files, and the daemon does what is due. What wasn't taken is told, with the reason.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn pass_day(
    daemon: &Daemon,
    clock: &Clock,
    people: &People,
    on: Date,
) -> anyhow::Result<Vec<String>> {
    let at = |time: Time| clock.set(clock.instant(on.to_datetime(time)));
    let morning = daemon.settings.notify.from.saturating_add(1.minute());
    at(morning);
    daemon.settle().await?;
    at(RECORDS_AT.max(morning));
    let mut refused = Vec::new();
    for (name, table) in people.records_of(on).await? {
        let taken = import(&daemon.store, &name, table.as_bytes(), false, &|_, _| {}).await;
        refused.extend(taken.err().map(|why| why.to_string()));
    }
    daemon.settle().await?;
    for time in LATER {
        at(time.max(morning));
        daemon.settle().await?;
    }
    Ok(refused)
}

/// Plays the campaign that is configured. `told` hears of each day.
///
/// # Errors
/// [`NotPlayed`] where there is nothing to play; else where the record can't be read, or the copy can't be written.
pub async fn rehearse(
    settings: &Settings,
    options: &Options,
    told: impl Fn(Date, Date),
) -> anyhow::Result<Report> {
    let began = Stopwatch::start();
    let scratch = Scratch::copy(settings).await?;
    let clock = Clock::manual(Clock::system().now());
    let platform = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", platform.local_addr()?);
    let settings = scratch.settings(settings, &address);
    let store = look_at_store(&settings, clock.clone()).await?;
    let (from, until) = days(&store, options).await?;
    clock.set(clock.instant(from.at(7, 0, 0, 0)));
    // What the record had begun is done first.
    crate::app::rederive::go_on(&store).await?;
    let mut tx = store.begin().await?;
    crate::app::inspections::were_there(&mut tx, from).await?;
    tx.commit().await?;
    let on_platform = store.figures().await?.referrals_by_state.get("open").copied();
    let before = Before {
        facts_after: store.facts_after(from, clock.millis()).await?,
        open_referrals: on_platform.unwrap_or(0),
    };

    let shutdown = CancellationToken::new();
    let sandbox =
        Sandbox::like(clock.clone(), options.seed, options.faults.clone(), options.platform);
    let serving = {
        let (sandbox, shutdown) = (sandbox.clone(), shutdown.clone());
        async move { sandbox.serve(platform, shutdown).await }
    };
    tokio::spawn(serving);
    let daemon = Daemon::rehearsing(settings.clone(), store.clone(), shutdown.clone())
        .context("演练用的服务没有搭起来")?;
    let chance = Chance::seeded(options.seed);
    let people = People::new(store.clone(), options.doing(), chance);
    let (mut refused, mut on) = (Vec::new(), from);
    while on <= until {
        refused.extend(pass_day(&daemon, &clock, &people, on).await?);
        told(on, until);
        on = on.tomorrow()?;
    }
    let played = Played { store: &store, settings: &settings, options, from, until };
    let mut report = played.report(&scratch, before, refused).await?;
    report.seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    shutdown.cancel();
    store.close().await;
    Ok(report)
}

/// The first day and the last.
async fn days(store: &Store, options: &Options) -> anyhow::Result<(Date, Date)> {
    let plan = store.campaign();
    let (starts, ends) = (plan.starts_on(), last_day(&plan));
    let from = options.from.unwrap_or_else(|| Clock::system().today().max(starts));
    if ends < from {
        let text = format!(
            "生效的方案「{}」到 {ends} 就结束了，{from} 起没有什么可演练：请用 --from 写活动期间的一天，或先用 zoufang campaign apply 使新方案生效",
            plan.name
        );
        return Err(NotPlayed(text).into());
    }
    let last = store.last_told_day().await?.and_then(|day| day.parse::<Date>().ok());
    if let Some(last) = last.filter(|last| *last >= from) {
        let text = format!(
            "记录里已经有 {last} 的通知，演练只能从那以后的一天开始：请用 --from {}",
            last.tomorrow().unwrap_or(last)
        );
        return Err(NotPlayed(text).into());
    }
    let until = options.until.unwrap_or_else(|| plus(ends, AFTERWARDS));
    if until < from {
        return Err(NotPlayed(format!("--until {until} 早于开始的 {from}")).into());
    }
    Ok((from, until))
}

/// The last day of the plan, with what was added to it.
fn last_day(plan: &Campaign) -> Date {
    let extra = plan.extra.iter().map(|extra| extra.ends_on);
    extra.chain([plan.ends_on(PhaseName::Feedback)]).max().unwrap_or(Date::MAX)
}
