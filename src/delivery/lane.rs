//! One receiver's part of the outbox; a dead lane slows no other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::delay::delay;
use super::gate::{Gate, GateState, LONGEST_RETRY_AFTER};
use super::http::TOO_MANY;
use super::{LookUp, OnUnknown, Outcome, Transport};
use crate::clock::{pause, span_millis};
use crate::db::{Claim, Content, OutboxEntry, Settlement, Store, StoreError};
use crate::domain::workdays::WorkingTime;

/// How a lane behaves.
#[derive(Debug, Clone)]
pub struct LaneRules {
    /// Attempts at the same time.
    pub concurrency: usize,
    pub lease: Duration,
    pub settle_after: Duration,
    pub retry_first: Duration,
    pub retry_cap: Duration,
    /// Attempts in a minute at the most; without a number, as many as the receiver takes.
    pub rate_per_minute: Option<u32>,
    /// How many failures in a row open the circuit breaker.
    pub breaker_failures: u32,
    /// Its first pause; each further one is twice as long, up to `retry_cap`.
    pub breaker_pause: Duration,
    pub on_unknown: OnUnknown,
    /// When the receiver may be disturbed; at any time where nothing is said.
    pub hours: Option<WorkingTime>,
}

/// One receiver's part of the outbox.
pub struct Lane {
    name: String,
    owner: String,
    store: Store,
    transport: Arc<dyn Transport>,
    rules: LaneRules,
    gate: Gate,
    wake: Arc<Notify>,
    shutdown: CancellationToken,
}

/// How long an idle lane waits before it looks at the outbox without having been woken: another
/// process, such as an import, may have written to it.
const IDLE: Duration = Duration::from_secs(1);
/// At most so many times as many debts are held as attempts are made at once.
const FARTHEST_REACH: usize = 16;

type Settled = Vec<(OutboxEntry, Settlement)>;

/// A debt with what it carries; nothing where the record couldn't tell.
type Loaded = (OutboxEntry, Option<Content>);

/// What one stretch of work holds: claimed, being read, waiting, under way, and ended but not written yet.
struct Flow {
    claimed: Vec<OutboxEntry>,
    /// How many, and what they carry, which is read while the next turn is taken.
    reading: Option<(usize, JoinHandle<Vec<Loaded>>)>,
    waiting: VecDeque<Loaded>,
    under_way: JoinSet<(OutboxEntry, Settlement)>,
    ended: Settled,
    /// The database's turn: at most one at a time, while attempts go on.
    turn: Option<JoinHandle<Result<Turn, StoreError>>>,
    /// Nothing more could be claimed when last asked.
    exhausted: bool,
    /// How many were claimed in all.
    total: usize,
    /// How many to hold, waiting and under way, so that no attempt waits for the database.
    reach: usize,
}

/// What one transaction did: wrote how attempts ended, and took the next.
struct Turn {
    claimed: Vec<OutboxEntry>,
    wanted: usize,
}

impl Flow {
    fn new(concurrency: usize) -> Flow {
        Flow {
            claimed: Vec::new(),
            reading: None,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            ended: Vec::new(),
            turn: None,
            exhausted: false,
            total: 0,
            reach: concurrency * 2,
        }
    }

    /// Reaches further where attempts waited for a turn that claimed, and less far where hardly any of those that
    /// waited when it began were tried meanwhile.
    fn adapt_reach(&mut self, concurrency: usize) {
        if self.waiting.is_empty() && self.under_way.len() < concurrency {
            self.reach = (self.reach * 2).min(concurrency * FARTHEST_REACH);
        } else if self.waiting.len() > self.reach * 5 / 8 {
            self.reach = (self.reach / 2).max(concurrency * 2);
        }
    }

    fn held(&self) -> usize {
        let reading = self.reading.as_ref().map_or(0, |(count, _)| *count);
        self.claimed.len() + reading + self.waiting.len() + self.under_way.len()
    }

    fn is_idle(&self) -> bool {
        self.held() == 0 && self.ended.is_empty() && self.turn.is_none()
    }

    fn take(&mut self, ended: Result<(OutboxEntry, Settlement), tokio::task::JoinError>) {
        match ended {
            Ok(ended) => self.ended.push(ended),
            // Its lease runs out, and it is looked for.
            Err(panic) => error!(%panic, "an attempt panicked"),
        }
    }
}

impl Lane {
    /// A lane that stops claiming when `shutdown` is given, and finishes what is in flight.
    pub fn new(
        name: &str,
        store: Store,
        transport: Arc<dyn Transport>,
        rules: LaneRules,
        shutdown: CancellationToken,
    ) -> Lane {
        let owner = store.context().id();
        let gate = Gate::new(store.context().clock.clone(), &rules);
        let (name, wake) = (name.to_owned(), Arc::default());
        Lane { name, owner, store, transport, rules, gate, wake, shutdown }
    }

    /// The lane's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its circuit breaker shows.
    pub fn gate(&self) -> GateState {
        self.gate.state()
    }

    /// Says that something was written to the outbox.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Delivers until told to stop.
    pub async fn run(self: &Arc<Self>) {
        while !self.shutdown.is_cancelled() {
            match self.work().await {
                Ok(0) => self.idle().await,
                Ok(_) => {}
                Err(error) => {
                    error!(lane = %self.name, %error, "the outbox can't be read or written");
                    self.idle().await;
                }
            }
        }
    }

    /// Delivers all that may be tried now. Returns how many were claimed.
    pub async fn drain(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut claimed = 0;
        loop {
            match self.work().await? {
                0 => return Ok(claimed),
                some => claimed += some,
            }
        }
    }

    /// Keeps as many attempts under way as the rules allow until nothing is left that may be tried now. What has
    /// ended is written, and the next is claimed, in one commit, while other attempts go on.
    async fn work(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut flow = Flow::new(self.rules.concurrency);
        loop {
            self.start_attempts(&mut flow);
            self.start_reading(&mut flow);
            self.start_turn(&mut flow).await?;
            if flow.is_idle() {
                return Ok(flow.total);
            }
            self.step(&mut flow).await?;
        }
    }

    /// Waits for whatever happens next: the database's turn ends, an attempt ends, or something new is owed.
    async fn step(&self, flow: &mut Flow) -> Result<(), StoreError> {
        let Flow { reading, under_way, turn, .. } = flow;
        tokio::select! {
            Some(done) = OptionFuture::from(turn.as_mut()) => {
                flow.turn = None;
                let turn = done.map_err(|panic| StoreError::Rule(panic.to_string()))??;
                flow.total += turn.claimed.len();
                if turn.wanted > 0 {
                    flow.adapt_reach(self.rules.concurrency);
                }
                flow.exhausted = turn.claimed.len() < turn.wanted;
                self.gate.unused(turn.wanted - turn.claimed.len());
                flow.claimed.extend(turn.claimed);
            }
            Some(read) = OptionFuture::from(reading.as_mut().map(|(_, reading)| reading)) => {
                flow.reading = None;
                match read {
                    Ok(loaded) => flow.waiting.extend(loaded),
                    // Their leases run out, and they are looked for.
                    Err(panic) => error!(%panic, "the reading of what is owed panicked"),
                }
            }
            Some(ended) = under_way.join_next() => {
                flow.take(ended);
                while let Some(ended) = flow.under_way.try_join_next() {
                    flow.take(ended);
                }
            }
            () = self.wake.notified() => flow.exhausted = false,
            () = pause(IDLE) => flow.exhausted = false,
        }
        Ok(())
    }

    fn start_attempts(self: &Arc<Self>, flow: &mut Flow) {
        while flow.under_way.len() < self.rules.concurrency
            && let Some((entry, content)) = flow.waiting.pop_front()
        {
            // Each attempt is a task of its own: its panic leaves only its own lease to expire.
            flow.under_way.spawn(Arc::clone(self).pay(entry, content));
        }
    }

    fn start_reading(self: &Arc<Self>, flow: &mut Flow) {
        if flow.reading.is_none() && !flow.claimed.is_empty() {
            let claimed = std::mem::take(&mut flow.claimed);
            let (count, lane) = (claimed.len(), Arc::clone(self));
            let reading = tokio::spawn(async move { lane.with_contents(claimed).await });
            flow.reading = Some((count, reading));
        }
    }

    /// Begins a transaction where there is something to write, or room for as much as is worth one.
    async fn start_turn(self: &Arc<Self>, flow: &mut Flow) -> Result<(), StoreError> {
        if flow.turn.is_some() {
            return Ok(());
        }
        let wanted = self.wanted(flow).await?;
        if wanted == 0 && flow.ended.is_empty() {
            return Ok(());
        }
        let (lane, ended) = (Arc::clone(self), std::mem::take(&mut flow.ended));
        flow.turn = Some(tokio::spawn(async move {
            let claim = Claim {
                lane: &lane.name,
                owner: &lane.owner,
                limit: i64::try_from(wanted).unwrap_or(i64::MAX),
                lease: span_millis(lane.rules.lease),
                settle_after: span_millis(lane.rules.settle_after),
            };
            let claimed = lane.store.settle_and_claim(&claim, &ended).await?;
            ended.iter().for_each(|(entry, settlement)| lane.report(entry, settlement));
            Ok(Turn { claimed, wanted })
        }));
        Ok(())
    }

    async fn with_contents(&self, claimed: Vec<OutboxEntry>) -> Vec<Loaded> {
        let mut contents = match self.store.contents(&claimed).await {
            Ok(contents) => contents,
            Err(error) => {
                error!(lane = %self.name, %error, "what is owed can't be read");
                HashMap::new()
            }
        };
        let with = |entry: OutboxEntry| {
            let content = contents.remove(&entry.target_id);
            (entry, content)
        };
        claimed.into_iter().map(with).collect()
    }

    /// How many to claim: enough that no attempt waits for the database.
    async fn wanted(&self, flow: &mut Flow) -> Result<usize, StoreError> {
        let room = flow.reach.saturating_sub(flow.held());
        let worth = flow.held() == 0 || room >= flow.reach / 4;
        if flow.exhausted || room == 0 || !worth || self.shutdown.is_cancelled() {
            return Ok(0);
        }
        // Whoever is at work anyway sees by what is claimed; an idle lane looks before it begins a change.
        if flow.held() == 0 && flow.ended.is_empty() {
            let next = self.store.next_attempt(&self.name).await?;
            if next.is_none_or(|next| next > self.store.context().clock.millis()) {
                flow.exhausted = true;
                return Ok(0);
            }
        }
        let admitted = self.gate.admit(room, flow.held());
        flow.exhausted = admitted < room;
        Ok(admitted)
    }

    async fn pay(
        self: Arc<Self>,
        entry: OutboxEntry,
        content: Option<Content>,
    ) -> (OutboxEntry, Settlement) {
        let refused_by_gate =
            matches!(self.gate.state(), GateState::Open { .. }) || self.gate.is_resting();
        // What waited here too long might be taken over while it's being sent.
        let late = self.after(self.rules.lease / 2) > entry.lease_until;
        if self.shutdown.is_cancelled() || refused_by_gate || late {
            return (entry, Settlement::Released);
        }
        let Some(content) = content else {
            let (reason, not_before) = ("unreadable".to_owned(), self.retry_at(&entry, None));
            return (entry, Settlement::NotSeen { reason, not_before });
        };
        let settlement = if entry.unknown_since.is_some() {
            self.look(&entry, &content).await
        } else {
            self.send(&entry, &content).await
        };
        (entry, settlement)
    }

    async fn look(&self, entry: &OutboxEntry, content: &Content) -> Settlement {
        match self.transport.look(entry, content).await {
            LookUp::Found(receipt) => {
                self.gate.succeeded();
                Settlement::Delivered(receipt)
            }
            LookUp::Absent => {
                self.gate.succeeded();
                Settlement::Absent
            }
            LookUp::Repeatable => self.send(entry, content).await,
            LookUp::Blind => match self.rules.on_unknown {
                OnUnknown::Resend => self.send(entry, content).await,
                OnUnknown::Hold => Settlement::Held {
                    reason: "it may have arrived, and the receiver can't be asked".to_owned(),
                },
            },
            LookUp::Failed { reason, retry_after } => {
                self.gate.failed(retry_after, false);
                Settlement::NotSeen { reason, not_before: self.retry_at(entry, retry_after) }
            }
        }
    }

    async fn send(&self, entry: &OutboxEntry, content: &Content) -> Settlement {
        match self.transport.send(content).await {
            Outcome::Delivered(receipt) => {
                self.gate.succeeded();
                Settlement::Delivered(receipt)
            }
            Outcome::Refused { reason } => {
                self.gate.succeeded();
                Settlement::Refused { reason }
            }
            Outcome::NotSent { reason, retry_after } => {
                self.gate.failed(retry_after, reason.starts_with(TOO_MANY));
                Settlement::NotSent { reason, not_before: self.retry_at(entry, retry_after) }
            }
            Outcome::Unknown { reason } => {
                self.gate.failed(None, false);
                Settlement::Unknown { reason, not_before: self.after(self.rules.settle_after) }
            }
        }
    }

    /// When to try again: as the receiver asked, else later each time, spread by full jitter.
    fn retry_at(&self, entry: &OutboxEntry, retry_after: Option<Duration>) -> i64 {
        let chance = &self.store.context().chance;
        let wait = retry_after.unwrap_or_else(|| {
            let longest = delay(entry.attempts, self.rules.retry_first, self.rules.retry_cap);
            longest.mul_f64(chance.fraction())
        });
        self.after(wait.min(LONGEST_RETRY_AFTER))
    }

    fn after(&self, wait: Duration) -> i64 {
        self.store.context().clock.millis().saturating_add(span_millis(wait))
    }

    async fn idle(&self) {
        let clock = &self.store.context().clock;
        let next = self.store.next_attempt(&self.name).await.ok().flatten();
        let wait = next.map_or(Duration::MAX, |next| {
            Duration::from_millis(u64::try_from(next - clock.millis()).unwrap_or(1).max(1))
        });
        // What is due and wasn't admitted waits for the gate, which IDLE looks at again.
        let wait = if wait <= Duration::from_millis(1) { IDLE } else { wait };
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            () = self.wake.notified() => {}
            () = clock.sleep(wait.min(Duration::from_secs(86_400))) => {}
            () = pause(IDLE) => {}
        }
    }

    fn report(&self, entry: &OutboxEntry, settlement: &Settlement) {
        let (lane, debt, attempts) = (&self.name, &entry.debt_key, entry.attempts + 1);
        let outcome = settlement.code();
        metrics::counter!("zoufang_attempts_total", "lane" => lane.clone(), "outcome" => outcome)
            .increment(1);
        match settlement {
            Settlement::Delivered(_) | Settlement::Absent | Settlement::Released => {
                info!(%lane, %debt, attempts, outcome, "settled");
            }
            Settlement::Refused { reason }
            | Settlement::NotSent { reason, .. }
            | Settlement::Unknown { reason, .. }
            | Settlement::NotSeen { reason, .. }
            | Settlement::Held { reason } => {
                warn!(%lane, %debt, attempts, outcome, %reason, "not settled yet");
            }
        }
    }
}
