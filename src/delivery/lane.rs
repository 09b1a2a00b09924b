//! One receiver's part of the outbox; a dead lane slows no other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::attempt::{LaneRules, Parts};
use super::flow::{Flow, Reading, Turn};
use super::gate::{Gate, GateState};
use super::{Outbox, Transport};
use crate::clock::{Chance, Clock, Stopwatch};
use crate::db::StoreError;
use crate::domain::delivery::{Claim, Rate};

/// One receiver's part of the outbox.
pub struct Lane {
    parts: Arc<Parts>,
    /// Whoever delivers has it; what goes wrong there leaves it whole.
    flow: Mutex<Flow>,
    wake: Notify,
}

/// How long an idle lane waits before it looks at the outbox without having been woken: another
/// process, such as an import, may have written to it.
const IDLE: Duration = Duration::from_secs(1);
/// How long an answer of the record to a short question is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How often a lane that was told to stop tries to write what it couldn't.
const LAST_TRIES: u32 = 10;

impl Lane {
    /// A lane that stops claiming when `shutdown` is given, and finishes what is in flight.
    pub fn new(
        name: &str,
        outbox: Arc<dyn Outbox>,
        transport: Arc<dyn Transport>,
        (clock, chance): (Clock, Chance),
        rules: LaneRules,
        shutdown: CancellationToken,
    ) -> Lane {
        let owner = chance.id(clock.now());
        let gate = Gate::new(clock.clone(), &rules);
        let flow = Mutex::new(Flow::new(rules.concurrency));
        let name = name.to_owned();
        let parts = Parts { name, owner, outbox, transport, clock, chance, rules, gate, shutdown };
        Lane { parts: Arc::new(parts), flow, wake: Notify::new() }
    }

    /// The lane's name.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// What its circuit breaker shows.
    pub fn gate(&self) -> GateState {
        self.parts.gate.state()
    }

    /// Says that something was written to the outbox.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Delivers until told to stop. What can't be read or written now is tried again until it can.
    pub async fn run(&self) {
        let mut flow = self.flow.lock().await;
        let mut last_tries = 0;
        loop {
            let stopping = self.parts.shutdown.is_cancelled();
            match self.work(&mut flow).await {
                Ok(_) if stopping => return,
                Ok(0) => self.idle().await,
                Ok(_) => {}
                Err(error) => {
                    let (lane, unwritten) = (self.name(), flow.ended.len());
                    let error = error.for_log();
                    error!(event = "record.unavailable", %lane, error, unwritten, "the outbox can't be read or written");
                    last_tries += u32::from(stopping);
                    // What isn't written by then is looked for by whoever starts next.
                    if last_tries > LAST_TRIES {
                        return;
                    }
                }
            }
        }
    }

    /// Delivers all that may be tried now. Returns how many were claimed.
    ///
    /// # Errors
    /// Where the record can't be read or written. What has ended is kept, and written by the next call.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let mut flow = self.flow.lock().await;
        let mut claimed = 0;
        loop {
            match self.work(&mut flow).await? {
                0 => return Ok(claimed),
                some => claimed += some,
            }
        }
    }

    /// Keeps as many attempts under way as the rules allow until nothing is left that may be tried now. What has
    /// ended is written, and the next is claimed, in one commit, while other attempts go on.
    async fn work(&self, flow: &mut Flow) -> Result<usize, StoreError> {
        flow.exhausted = false;
        loop {
            if let Err(error) = self.advance(flow).await {
                flow.failed();
                return Err(error);
            }
            if flow.is_idle() {
                return Ok(std::mem::take(&mut flow.total));
            }
            if let Err(error) = self.step(flow).await {
                flow.failed();
                return Err(error);
            }
        }
    }

    async fn advance(&self, flow: &mut Flow) -> Result<(), StoreError> {
        self.start_attempts(flow).await?;
        self.start_reading(flow);
        self.start_turn(flow).await
    }

    /// Waits for whatever happens next: the database's turn ends, an attempt ends, or something new is owed.
    async fn step(&self, flow: &mut Flow) -> Result<(), StoreError> {
        let Flow { reading, under_way, turn, pause, .. } = flow;
        tokio::select! {
            Some(done) = OptionFuture::from(turn.as_mut().map(|turn| &mut turn.task)) => {
                if let Some(turn) = flow.turn.take() {
                    let (wanted, concurrency) = (turn.wanted, self.parts.rules.concurrency);
                    let ended = flow.turn_ended(turn, done, concurrency);
                    self.parts.gate.unused(*ended.as_ref().unwrap_or(&wanted));
                    ended?;
                }
            }
            Some(read) = OptionFuture::from(reading.as_mut().map(|reading| &mut reading.task)) => {
                if let Some(reading) = flow.reading.take() {
                    flow.read(&reading, read);
                }
            }
            Some(ended) = under_way.join_next() => {
                flow.ended.extend(ended);
                while let Some(ended) = flow.under_way.try_join_next() {
                    flow.ended.extend(ended);
                }
            }
            Some(()) = OptionFuture::from(pause.as_mut()) => flow.pause = None,
            () = self.wake.notified() => flow.exhausted = false,
            () = crate::clock::pause(IDLE) => flow.exhausted = false,
        }
        Ok(())
    }

    /// Begins attempts, of what is still owed. While the record can't be written, none begins.
    async fn start_attempts(&self, flow: &mut Flow) -> Result<(), StoreError> {
        let concurrency = self.parts.rules.concurrency;
        if flow.in_doubt() || flow.under_way.len() >= concurrency {
            return Ok(());
        }
        self.recheck(flow).await?;
        while flow.under_way.len() < concurrency
            && let Some(loaded) = flow.waiting.pop_front()
        {
            flow.under_way.spawn(Arc::clone(&self.parts).deliver(loaded));
        }
        Ok(())
    }

    /// Asks again whether what has waited is still owed, all of it at once.
    async fn recheck(&self, flow: &mut Flow) -> Result<(), StoreError> {
        let after = self.parts.rules.recheck_after;
        if flow.waiting.front().is_none_or(|loaded| loaded.known.elapsed() < after) {
            return Ok(());
        }
        let ids: Vec<&str> = flow.waiting.iter().map(|loaded| loaded.entry.id.as_str()).collect();
        let asking = tokio::time::timeout(ANSWER_WITHIN, self.parts.outbox.withdrawn(&ids));
        let withdrawn = asking.await.map_err(|_| no_answer())??;
        flow.withdraw(&withdrawn);
        Ok(())
    }

    fn start_reading(&self, flow: &mut Flow) {
        if flow.reading.is_none()
            && let Some((claimed, known)) = flow.claimed.take()
        {
            let (parts, entries) = (Arc::clone(&self.parts), Arc::new(claimed));
            let those = Arc::clone(&entries);
            let task = tokio::spawn(async move { parts.load(&those, known).await });
            flow.reading = Some(Reading { entries, known, task });
        }
    }

    /// Begins a transaction where there is something to write, or room for as much as is worth one.
    async fn start_turn(&self, flow: &mut Flow) -> Result<(), StoreError> {
        if flow.turn.is_some() || flow.pause.is_some() {
            return Ok(());
        }
        let wanted = self.wanted(flow).await?;
        if wanted == 0 && flow.ended.is_empty() && !flow.in_doubt() {
            return Ok(());
        }
        let (parts, ended) = (Arc::clone(&self.parts), Arc::new(std::mem::take(&mut flow.ended)));
        let (ends, held, began) = (Arc::clone(&ended), flow.held_in_doubt(), Stopwatch::start());
        let task = tokio::spawn(async move {
            let claim = Claim {
                lane: &parts.name,
                owner: &parts.owner,
                limit: i64::try_from(wanted).unwrap_or(i64::MAX),
                lease: parts.span(parts.rules.lease),
                settle_after: parts.span(parts.rules.settle_after),
                rate_per_minute: parts.rules.rate_per_minute.map(Rate),
                probes: matches!(parts.gate.state(), GateState::HalfOpen),
                holds: held.as_deref(),
            };
            let claimed = parts.outbox.settle_and_claim(&claim, &ends).await?;
            ends.iter().for_each(|end| parts.report(end));
            Ok(claimed)
        });
        flow.turn = Some(Turn { began, ended, wanted, task });
        Ok(())
    }

    /// How many to claim: enough that no attempt waits for the database.
    async fn wanted(&self, flow: &mut Flow) -> Result<usize, StoreError> {
        let on_their_way = flow.on_their_way();
        let room = flow.reach.saturating_sub(on_their_way);
        let worth = on_their_way == 0 || room >= flow.reach / 4;
        if flow.exhausted || room == 0 || !worth || self.parts.shutdown.is_cancelled() {
            return Ok(0);
        }
        // Whoever is at work anyway sees by what is claimed; an idle lane looks before it begins a change.
        if on_their_way == 0 && flow.ended.is_empty() {
            let next = self.next_attempt().await?;
            if next.is_none_or(|next| next > self.parts.clock.millis()) {
                flow.exhausted = true;
                return Ok(0);
            }
        }
        let admitted = self.parts.gate.admit(room, on_their_way);
        flow.exhausted = admitted < room;
        Ok(admitted)
    }

    /// When something is next due here.
    async fn next_attempt(&self) -> Result<Option<i64>, StoreError> {
        let asking = self.parts.outbox.next_attempt(&self.parts.name);
        tokio::time::timeout(ANSWER_WITHIN, asking).await.map_err(|_| no_answer())?
    }

    async fn idle(&self) {
        let clock = &self.parts.clock;
        let next = self.next_attempt().await.ok().flatten();
        let wait = next.map_or(Duration::MAX, |next| {
            Duration::from_millis(u64::try_from(next - clock.millis()).unwrap_or(1).max(1))
        });
        // What is due and wasn't admitted waits for the gate, which IDLE looks at again.
        let wait = if wait <= Duration::from_millis(1) { IDLE } else { wait };
        tokio::select! {
            () = self.parts.shutdown.cancelled() => {}
            () = self.wake.notified() => {}
            () = clock.sleep(wait.min(Duration::from_secs(86_400))) => {}
            () = crate::clock::pause(IDLE) => {}
        }
    }
}

fn no_answer() -> StoreError {
    StoreError::Rule("数据库没有及时回答".to_owned())
}
