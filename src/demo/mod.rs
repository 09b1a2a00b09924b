//! A whole campaign in a minute: the real township, made-up people (each marked 示例), a platform that
//! fails now and then, and the real daemon under a clock that is moved by hand.
//!
//! Everything comes in by the same files that a township would import; nothing is written to the record
//! in any other way. What was lost or doubled is found by holding the record's debts against the
//! sandbox's own ledger.

mod outcome;
mod sign_ins;
mod township;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::civil::{Date, Time, date};
use jiff::{SignedDuration, ToSpan};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use outcome::{IssuesByLevel, Outcome};
pub use sign_ins::{SignIn, SignIns};

use crate::clock::{Chance, Clock, Stopwatch, pause};
use crate::daemon::{Daemon, open_store};
use crate::db::{Original, Store};
use crate::domain::campaign::{PhaseName, plus};
use crate::intake::import;
use crate::private_file::{self, Existing};
use crate::rehearsal::{Doing, People, pass_day};
use crate::reports::print::Press;
use crate::reports::{Asked, Templates, allow, write_all};
use crate::sandbox::{Faults, Sandbox};
use crate::seal::Sealer;
use crate::settings::Settings;
use crate::web;
use township::Township;

/// How a demo is run.
#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    /// Households in each village.
    pub households: usize,
    pub faults: Faults,
    /// A folder of the demo's own; what an earlier demo left there is removed.
    pub folder: PathBuf,
    pub listen: String,
    pub plays: Plays,
}

/// How far a demo plays before it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plays {
    /// To the campaign's end.
    All,
    /// To the morning after a day; none: to the one on which most is under way.
    Until(Option<Date>),
}

/// How far it has come, told after each day.
#[derive(Debug, Clone)]
pub struct Day {
    pub on: Date,
    pub phase: Option<PhaseName>,
    pub passed: usize,
    pub all: usize,
}

/// A demo whose campaign has run, to its end or so far; its daemon and platform still stand.
pub struct Demo {
    pub outcome: Outcome,
    /// Whom one can sign in as.
    pub sign_ins: SignIns,
    pub address: String,
    pub platform_address: String,
    daemon: Arc<Daemon>,
    clock: Clock,
    shutdown: CancellationToken,
}

/// Marks a folder as the demo's own, to be emptied by the next.
const MARK: &str = ".zoufang-demo";
/// Where what is handed in lies, and in whose name it's written.
pub const HANDED_IN: &str = "上报材料";
const LEADER: &str = "Z0001";
/// What the people of the demo do: everything in time, and some of them ask for something or aren't satisfied.
const DOING: Doing = Doing { visits: true, rest: true, demands: 0.12, dissatisfied: 0.15 };
/// After the campaign's last day the clock goes on this long at the most, for answers still under way.
const GRACE_DAYS: usize = 10;
/// So many days before the last of the first visits most is under way: to be visited, classified, worked at, answered.
const FULL_SWING: i64 = -7;
/// When a demo opens that isn't played to its end, and for how many minutes at the most answers may then be under way.
const OPENS_AT: Time = Time::constant(9, 0, 0, 0);
const SETTLES_WITHIN: usize = 60;
/// So often the clock of an open demo is moved on.
const TICK: Duration = Duration::from_millis(250);

/// Runs the campaign. `told` hears of each day.
pub async fn run(options: Options, told: impl Fn(&Day, &Outcome)) -> anyhow::Result<Demo> {
    let began = Stopwatch::start();
    let start = date(2022, 3, 1);
    let clock = Clock::manual(Clock::system().instant(start.at(7, 0, 0, 0)));
    let chance = Chance::seeded(options.seed);
    let shutdown = CancellationToken::new();
    let sandbox = Sandbox::new(clock.clone(), options.seed, options.faults.clone());
    let listener = TcpListener::bind(&options.listen).await;
    let listener = listener.with_context(|| {
        format!("{} 打不开：可能已有一个演示在运行；要另开一个，请用 --listen 换个地址（如 127.0.0.1:8390），用 --dir 换个目录", options.listen)
    })?;
    let address = format!("http://{}", listener.local_addr()?);
    let platform = TcpListener::bind("127.0.0.1:0").await?;
    let platform_address = format!("http://{}", platform.local_addr()?);
    let serving = {
        let (sandbox, shutdown) = (sandbox.clone(), shutdown.clone());
        async move { sandbox.serve(platform, shutdown).await }
    };
    tokio::spawn(serving);
    prepare_folder(&options).await?;
    let text = configuration(&options, &address, &platform_address);
    let settings = Settings::from_text(&text, "demo")?;
    let privacy = &settings.privacy;
    Sealer::make_file(&privacy.key_file, privacy.digest, &Chance::system())?;
    let store = open_store(&settings, clock.clone(), Chance::system()).await?;
    let daemon = Arc::new(Daemon::new(settings, store.clone(), shutdown.clone())?);
    tokio::spawn(web::serve(listener, Arc::clone(&daemon), shutdown.clone()));

    let township = Township::new(options.households, &chance);
    for (name, table) in township.files() {
        take_in(&store, &options, &name, &table).await?;
    }
    let people = People::new(store.clone(), DOING, chance);
    let stage = Stage { daemon: &daemon, sandbox: &sandbox, clock: &clock, people: &people, began };
    let outcome = stage.play(options.plays, start, told).await?;
    hand_in(&store, &options, &address).await?;
    let sign_ins = SignIns::open(&store, &Chance::system()).await?;
    Ok(Demo { outcome, sign_ins, address, platform_address, daemon, clock, shutdown })
}

/// Those who play.
struct Stage<'s> {
    daemon: &'s Daemon,
    sandbox: &'s Sandbox,
    clock: &'s Clock,
    people: &'s People,
    began: Stopwatch,
}

impl Stage<'_> {
    /// Day by day; and to the morning on which a demo opens that isn't played to its end.
    async fn play(
        &self,
        plays: Plays,
        start: Date,
        told: impl Fn(&Day, &Outcome),
    ) -> anyhow::Result<Outcome> {
        let store = &self.daemon.store;
        let end = last_day(store, plays)?;
        let all = usize::try_from((end - start).get_days() + 1).unwrap_or_default();
        let (mut on, mut passed) = (start, 0);
        loop {
            if let Some(refused) = pass_day(self.daemon, self.clock, self.people, on).await?.pop() {
                anyhow::bail!(refused);
            }
            passed += 1;
            let outcome = self.outcome().await?;
            let phase = store.campaign().phase_on(on).map(|phase| phase.name);
            told(&Day { on, phase, passed: passed.min(all), all }, &outcome);
            on = on.tomorrow()?;
            if plays != Plays::All && passed >= all {
                return self.settle_on(on).await;
            }
            if passed >= all && outcome.is_quiet() || passed >= all + GRACE_DAYS {
                return Ok(outcome);
            }
        }
    }

    /// In the morning, until nothing is under way.
    async fn settle_on(&self, on: Date) -> anyhow::Result<Outcome> {
        let mut at = on.to_datetime(OPENS_AT);
        for _ in 0..SETTLES_WITHIN {
            self.clock.set(self.clock.instant(at));
            self.daemon.settle().await?;
            let outcome = self.outcome().await?;
            if outcome.has_settled() {
                return Ok(outcome);
            }
            at = at.checked_add(1.minute())?;
        }
        self.outcome().await
    }

    async fn outcome(&self) -> anyhow::Result<Outcome> {
        Ok(Outcome::read(&self.daemon.store, self.sandbox, self.began.elapsed()).await?)
    }
}

/// The last day that is played.
fn last_day(store: &Store, plays: Plays) -> anyhow::Result<Date> {
    let campaign = store.campaign();
    let (start, end) = (campaign.starts_on(), campaign.ends_on(PhaseName::Feedback));
    Ok(match plays {
        Plays::All => end,
        Plays::Until(Some(day)) if (start..=end).contains(&day) => day,
        Plays::Until(Some(day)) => {
            anyhow::bail!("--day 要在活动期间，从 {start} 到 {end}，不能是 {day}")
        }
        Plays::Until(None) => plus(campaign.ends_on(PhaseName::Visit), FULL_SWING),
    })
}

/// Leaves everything that the notice asks to be handed in; its people are made up, so their names stand in it in full.
async fn hand_in(store: &Store, options: &Options, address: &str) -> anyhow::Result<()> {
    let asked = Asked { reveals: true, ..Asked::default() };
    allow(store, Some(LEADER), "all", &asked).await?;
    let press = Press { public_url: address.to_owned(), photos: None };
    let templates = Templates::read(std::path::Path::new(""))?;
    let folder = options.folder.join(HANDED_IN);
    write_all(store, &asked, (&templates, &press), &folder, true).await?;
    Ok(())
}

impl Demo {
    /// When it is, in the demo.
    pub fn today(&self) -> Date {
        self.clock.today()
    }

    /// Goes on as a daemon until told to stop; its time passes as fast as ours.
    pub async fn stay(&self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let running = self.daemon.run();
        tokio::pin!(running);
        tokio::select! {
            () = stop => {}
            ended = &mut running => return ended,
            () = self.passing() => {}
        }
        self.shutdown.cancel();
        running.await
    }

    /// Moves the clock on, without end.
    async fn passing(&self) {
        let (opened, watch) = (self.clock.now(), Stopwatch::start());
        loop {
            pause(TICK).await;
            let passed = SignedDuration::try_from(watch.elapsed()).unwrap_or_default();
            self.clock.set(opened.saturating_add(passed).unwrap_or(opened));
        }
    }

    /// Ends all that still stands.
    pub async fn end(self) {
        self.shutdown.cancel();
        self.daemon.store.close().await;
    }
}

async fn take_in(store: &Store, options: &Options, name: &str, table: &str) -> anyhow::Result<()> {
    private_file::write(&options.folder.join(name), table.as_bytes(), Existing::Replace)?;
    import(store, name, table.as_bytes(), false, &|_, _| {}).await?;
    Ok(())
}

async fn prepare_folder(options: &Options) -> anyhow::Result<()> {
    let folder = &options.folder;
    let database = folder.join("zoufang.db");
    if database.exists() {
        let url = format!("sqlite://{}", database.display());
        let alone = Original::alone(&url).await?;
        anyhow::ensure!(
            alone.is_some(),
            "{} 里的演示还在运行，不会动它；要另开一个，请用 --dir 换个目录",
            folder.display()
        );
    }
    if folder.join(MARK).exists() {
        std::fs::remove_dir_all(folder)?;
    } else if folder.exists() && std::fs::read_dir(folder)?.next().is_some() {
        anyhow::bail!("{} 里有别的东西，不会动它；请用 --dir 另选一个空目录", folder.display());
    }
    private_file::make_folder(folder, 0o750)?;
    let mark = "zoufang demo 的目录，下次演示会清空\n";
    private_file::write(&folder.join(MARK), mark.as_bytes(), Existing::Keep)?;
    Ok(())
}

/// The operator's file, as a township with this platform would write it.
fn configuration(options: &Options, address: &str, platform: &str) -> String {
    let folder = options.folder.display();
    let lines: BTreeMap<&str, Vec<String>> = BTreeMap::from([
        ("database", vec![format!("url = 'sqlite://{folder}/zoufang.db'")]),
        ("privacy", vec![format!("key_file = '{folder}/zoufang.key'")]),
        (
            "platform",
            vec![
                "adapter = 'open311'".to_owned(),
                format!("endpoint = '{platform}'"),
                "jurisdiction_id = 'tengzhou.example'".to_owned(),
                "timeout = '800ms'".to_owned(),
                "concurrency = 16".to_owned(),
            ],
        ),
        (
            "notify",
            vec![
                "channels = ['webhook']".to_owned(),
                "copies = ['log']".to_owned(),
                format!("public_url = '{address}'"),
            ],
        ),
        (
            "notify.webhook",
            vec![format!("url = '{platform}/sandbox/notices'"), "concurrency = 16".to_owned()],
        ),
    ]);
    lines.iter().map(|(table, lines)| format!("[{table}]\n{}\n", lines.join("\n"))).collect()
}
