//! What the tests stand on: a record in a temporary database of either kind, and a small township.

pub mod browser;
pub mod gateway;
pub mod kinds;
pub mod naive;
pub mod own_server;
pub mod pictures;
pub mod postgres;
pub mod program;
pub mod provider;
pub mod proxy;
pub mod real_process;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use zoufang::app::deliveries::{Deliveries, Ended, Outbox};
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{load_campaign, load_workdays};
use zoufang::db::{Area, ChannelReach, Context, Form, Notice, Store, StoreError};
use zoufang::delivery::{LaneRules, OnUnknown};
use zoufang::domain::delivery::search::{Control, KnownGaps, Lag, Sought, Subject};
use zoufang::domain::delivery::{Claim, Entry};
use zoufang::domain::staff::AddressKind;
use zoufang::intake::{ImportError, Report, import};
use zoufang::seal::Sealer;
use zoufang::settings::Settings;

/// Makes `NAME::sqlite` and `NAME::postgres` of one test over a fixture.
macro_rules! on_both {
    ($name:ident, $test:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                let fixture = crate::support::Fixture::sqlite().await;
                ($test)(fixture).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if let Some(fixture) = crate::support::Fixture::postgres().await {
                    ($test)(fixture).await
                }
            }
        }
    };
}
pub(crate) use on_both;

/// Tests don't end with a power cut.
pub const FSYNC: &str = "off";

pub const AREAS: &str = "区划代码,区划名称,区划类型,上级区划
370481111000,柴胡店镇,镇,370481000000
,第一总支,总支,370481111000
370481111200,高桥村委会,村,第一总支
370481111201,杨桥村委会,村,第一总支
";
pub const STAFF: &str = "人员编号,姓名,角色,所属区划,工作单位,手机号
Z1,周正,领导小组,370481111000,镇党委,10000000001
Z2,吴心,镇社会治理综合服务中心,370481111000,服务中心,10000000002
Z3,郑书,总支书记,第一总支,第一总支,10000000003
Z4,冯包,包村干部,高桥村,镇政府,10000000004
Z5,陈网,网格员,高桥村,高桥村,10000000005
Z6,褚走,走访人员、村两委,高桥村,高桥村,10000000006
Z7,卫访,走访人员,杨桥村,杨桥村,10000000007
";
pub const SUBJECTS: &str = "对象编号,对象类型,对象名称,所属村,地址
H1,家庭,王建国,高桥村,高桥村1号
H2,家庭,李秀英,高桥村,高桥村2号
H3,商铺,便民超市,杨桥村,
";
pub const ASSIGNMENTS: &str = "对象编号,走访人员\nH1,褚走\nH2,Z6\nH3,卫访\n";
pub const VISITS: &str =
    "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急";

/// A file that has the schema and nothing else: as a first start leaves it, in a tenth of its time.
static WITH_SCHEMA: OnceCell<Vec<u8>> = OnceCell::const_new();

async fn file_with_schema() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("zoufang.db");
    Store::migrate(&format!("sqlite://{}", file.display()), i64::MAX).await.unwrap();
    std::fs::read(&file).unwrap()
}

/// The same on PostgreSQL: the address of a new database. None where there's no PostgreSQL.
async fn database_with_schema() -> Option<String> {
    static WITH_SCHEMA: OnceCell<Option<String>> = OnceCell::const_new();
    let template = WITH_SCHEMA.get_or_init(|| async {
        let url = postgres::database().await?;
        Store::migrate(&url, i64::MAX).await.unwrap();
        url.rsplit('/').next().map(str::to_owned)
    });
    postgres::database_made(&format!("TEMPLATE {}", template.await.as_ref()?)).await
}

/// A record in a database of its own.
pub struct Fixture {
    pub store: Store,
    pub clock: Clock,
    pub url: String,
    /// Held so that it is removed only at the end.
    _dir: TempDir,
}

impl Fixture {
    pub async fn sqlite() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("zoufang.db");
        std::fs::write(&file, WITH_SCHEMA.get_or_init(file_with_schema).await).unwrap();
        Fixture::open(format!("sqlite://{}", file.display()), dir).await
    }

    /// None, and a word on standard error, where there is no PostgreSQL.
    pub async fn postgres() -> Option<Fixture> {
        Some(Fixture::at_url(database_with_schema().await?).await)
    }

    /// A record at this address.
    pub async fn at_url(url: String) -> Fixture {
        Fixture::open(url, tempfile::tempdir().unwrap()).await
    }

    async fn open(url: String, dir: TempDir) -> Fixture {
        let clock = Clock::manual(Clock::system().instant(date(2022, 3, 1).at(9, 0, 0, 0)));
        let store = open(&url, clock.clone(), 7).await.unwrap();
        Fixture { store, clock, url, _dir: dir }
    }

    /// The same record in other context.
    pub async fn within(self, change: impl FnOnce(&mut Context)) -> Fixture {
        let mut context = context(self.clock.clone(), 7);
        change(&mut context);
        let store = Store::open(&self.url, context).await.unwrap();
        Fixture { store, ..self }
    }

    /// Sets the township's date and time.
    pub fn at(&self, month: i8, day: i8, hour: i8) {
        self.clock.set(self.clock.instant(date(2022, month, day).at(hour, 0, 0, 0)));
    }

    pub async fn import(&self, name: &str, table: &str) -> Result<Report, ImportError> {
        import(&self.store, name, table.as_bytes(), false, &|_, _| {}).await
    }

    /// The small township, with its assignments.
    pub async fn township(self) -> Fixture {
        for (name, table) in
            [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)]
        {
            self.import(name, table).await.unwrap_or_else(|error| panic!("{error}"));
        }
        self
    }

    /// One visit record of one line after the header.
    pub async fn visit(&self, line: &str) -> Result<Report, ImportError> {
        self.import("visit.csv", &format!("{VISITS}\n{line}\n")).await
    }

    /// The same database, opened again in other context.
    pub async fn reopened_within(&self, change: impl FnOnce(&mut Context)) -> Store {
        let mut context = context(self.clock.clone(), 7);
        change(&mut context);
        Store::open(&self.url, context).await.unwrap()
    }

    /// The same database, opened again as after a restart.
    pub async fn reopened(&self) -> Store {
        open(&self.url, self.clock.clone(), 7).await.unwrap()
    }
}

pub async fn open(url: &str, clock: Clock, key: u8) -> Result<Store, StoreError> {
    Store::open(url, context(clock, key)).await
}

/// All areas, by code and name.
pub async fn areas(store: &Store) -> Vec<Area> {
    let tree = store.area_tree().await.unwrap();
    let mut areas: Vec<Area> = tree.all().cloned().collect();
    areas.sort_by(|a, b| (&a.code, &a.name).cmp(&(&b.code, &b.name)));
    areas
}

/// A client as the program makes its own: the first that is made chooses the ciphers for the whole process.
pub fn client() -> reqwest::Client {
    use zoufang::delivery::http;
    http::client(std::time::Duration::from_secs(60), &http::Tls::default()).unwrap()
}

/// A channel of that name; the first of several is the one by which a person is told.
pub fn reach(lane: &str, needs: Option<AddressKind>) -> ChannelReach {
    ChannelReach { lane: lane.to_owned(), needs, copy: lane == "webhook", form: Form::Text }
}

pub fn context(clock: Clock, key: u8) -> Context {
    Context {
        clock,
        chance: Chance::system(),
        sealer: Sealer::new(&[key; 32]),
        campaign: load_campaign("".as_ref()).unwrap(),
        workdays: load_workdays("".as_ref()).unwrap(),
        platform_lane: "ehushanying".to_owned(),
        by_people: false,
        channels: vec![reach("log", None), reach("webhook", None)],
        review_within: None,
        messages: false,
        photos: false,
        close_needs_answer: false,
        platform_statuses: std::collections::BTreeMap::new(),
    }
}

/// How a lane behaves where a test doesn't say otherwise.
/// How far a platform's list is taken to be behind where nothing else is configured.
pub fn list_lag() -> Duration {
    Settings::from_text("", "test").unwrap().platform.list_lag
}

pub fn lane_rules() -> LaneRules {
    LaneRules {
        concurrency: 4,
        lease: Duration::from_secs(120),
        settle_after: Duration::from_secs(60),
        retry_first: Duration::from_secs(5),
        retry_cap: Duration::from_secs(60),
        rate_per_minute: None,
        breaker_failures: 3,
        breaker_pause: Duration::from_secs(20),
        on_unknown: OnUnknown::Hold,
        prove_within: Duration::from_secs(24 * 3600),
        hours: None,
        recheck_after: Duration::ZERO,
    }
}

/// Settles as a lane would.
pub async fn settle(
    store: &Store,
    lane: &str,
    owner: &str,
    ended: &[Ended],
) -> Result<(), StoreError> {
    let none = Claim { limit: 0, ..claim_of(lane, owner) };
    Deliveries::new(store.clone()).settle_and_claim(&none, ended).await.map(|_| ())
}

/// The notices that these entries carry.
pub async fn notices(store: &Store, entries: &[Entry]) -> Vec<Notice> {
    let ids: Vec<&str> = entries.iter().map(|entry| entry.target_id.as_str()).collect();
    store.notices(&ids).await.unwrap()
}

/// Takes debts of a lane as a lane would.
pub async fn claim(
    store: &Store,
    lane: &str,
    owner: &str,
    limit: i64,
    lease: i64,
) -> Result<Vec<Entry>, StoreError> {
    let claim = Claim { limit, lease, ..claim_of(lane, owner) };
    Deliveries::new(store.clone()).settle_and_claim(&claim, &[]).await
}

/// What comes of it, unless it's dropped before, when it was woken so many times.
pub async fn until_waking<F: Future>(life: F, last: usize) -> Option<F::Output> {
    let mut life = pin!(life);
    let mut left = last;
    poll_fn(|context| match left {
        0 => Poll::Ready(None),
        _ => {
            left -= 1;
            life.as_mut().poll(context).map(Some)
        }
    })
    .await
}

pub fn claim_of<'c>(lane: &'c str, owner: &'c str) -> Claim<'c> {
    Claim {
        lane,
        owner,
        limit: 1,
        lease: 0,
        settle_after: 0,
        rate_per_minute: None,
        probes: false,
        holds: None,
    }
}

/// A look for a referral that was sent in that time, with one that is known to be there under the number.
pub fn sought(
    reference: &str,
    words: &str,
    from: Timestamp,
    to: Timestamp,
    known: &[(&str, &str)],
) -> Sought {
    let control = |(reference, number): &(&str, &str)| Control {
        subject: Subject { reference: (*reference).to_owned(), ..Subject::default() },
        category: None,
        is_open: true,
        number: Some((*number).to_owned()),
        since: to,
        at: to,
    };
    Sought {
        subject: Subject { reference: reference.to_owned(), ..Subject::default() },
        category: None,
        words: words.to_owned(),
        from,
        to,
        sent: from,
        controls: known.iter().map(control).collect(),
        lag: Lag {
            now: to,
            shown: None,
            longest: SignedDuration::ZERO,
            gaps: KnownGaps::default(),
        },
    }
}
