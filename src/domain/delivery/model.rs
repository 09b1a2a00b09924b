//! The protocol walked whole: two replicas, two debts, three attempts each, a process that dies between any two steps,
//! somebody who voids, and a platform that answers in every way that there is. The model is the code: what is done with an
//! entry, what a look allows, how an attempt ends and what is kept are the functions that the engine runs.

use stateright::{Model, Property};

use super::*;

const DEBTS: usize = 2;
const REPLICAS: usize = 2;
const ATTEMPTS: u8 = 3;
const CRASHES: u8 = 2;
const AGAIN: Again =
    Again { retry_at: 0, look_at: 0, look_soon_at: 0, asks_a_person: false, at_most_twice: false };

/// Where the platform has a debt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct There {
    copies: u8,
    /// It was taken and isn't there yet: it comes within `settle_after`.
    coming: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Debt {
    standing: &'static str,
    unknown: bool,
    /// The platform has said that it has it.
    accepted: bool,
    withdrawn: bool,
    /// Who holds its lease; `REPLICAS` where the holder is dead.
    lease: Option<usize>,
    attempts: u8,
    there: There,
    /// It was sent though it had stopped being owed before.
    sent_late: bool,
    /// It was sent though the platform had said that it has it.
    sent_after_yes: bool,
}

/// What a replica has in hand, from the claim to the settlement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    Idle,
    /// Claimed, as it was unknown then.
    Claimed(usize, bool),
    /// A look allowed it to be sent.
    MaySend(usize, bool),
    /// How it ended, to be written.
    Ended(usize, bool, End),
}

/// A settlement, without its words and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Delivered,
    Accepted,
    Refused,
    NotSent,
    Unknown,
    NotSeen,
    Absent,
    Held,
    Released,
    Cancelled,
}

impl End {
    fn of(settlement: &Settlement) -> End {
        match settlement {
            Settlement::Delivered(_) => End::Delivered,
            Settlement::Accepted { .. } => End::Accepted,
            Settlement::Refused { .. } | Settlement::RefusedAgain { .. } => End::Refused,
            Settlement::NotSent { .. } => End::NotSent,
            Settlement::Unknown { .. } => End::Unknown,
            Settlement::NotSeen { .. } => End::NotSeen,
            Settlement::Absent => End::Absent,
            Settlement::Held { .. } => End::Held,
            Settlement::Released => End::Released,
            Settlement::Cancelled { .. } => End::Cancelled,
        }
    }

    fn settlement(self) -> Settlement {
        let (reason, not_before) = (String::new(), 0);
        match self {
            End::Delivered => {
                let remote_id = Some("7".to_owned());
                Settlement::Delivered(Receipt { remote_id, token: None })
            }
            End::Accepted => Settlement::Accepted { reason, not_before },
            End::Refused => Settlement::Refused { reason },
            End::NotSent => Settlement::NotSent { reason, not_before },
            End::Unknown => Settlement::Unknown { reason, not_before },
            End::NotSeen => Settlement::NotSeen { reason, not_before, answered: false, lag: None },
            End::Absent => Settlement::Absent,
            End::Held => Settlement::Held { reason },
            End::Released => Settlement::Released,
            End::Cancelled => Settlement::Cancelled { reason },
        }
    }
}

/// How the platform answers an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Takes,
    /// It says that it has it, and names no number: it's listed now, at some time, or never.
    Accepts(There),
    Refuses,
    /// Certainly not taken.
    Busy,
    /// No answer: it was taken now, is taken late, or never.
    Silent(There),
    /// It says that it failed, and had taken it or not.
    Errs(bool),
}

const SILENT: [There; 3] = [
    There { copies: 0, coming: false },
    There { copies: 1, coming: false },
    There { copies: 0, coming: true },
];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Action {
    Claim(usize, usize),
    /// The replica's next step: nothing to do, or a look.
    Step(usize, Option<Look>),
    Send(usize, Answer),
    /// It dies while it sends: what had become of that.
    DieSending(usize, There),
    Settle(usize),
    Die(usize),
    /// Another finds the lease of a dead holder ended.
    TakeOver(usize),
    /// What was taken late is there.
    Arrive(usize),
    Void(usize),
}

/// How a look ends: as things are, without proof, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Look {
    True,
    Unproven,
    /// Still, after long.
    Long,
    Failed,
}

/// What the platform offers, and a rule that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct World {
    /// It can be looked at.
    can_look: bool,
    on_unknown: OnUnknown,
    broken: Option<Broken>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// Not seeing it counts as proof.
    BelievesWithoutProof,
    /// A look doesn't wait until what is late has come.
    LooksTooSoon,
    /// What a dead holder had taken counts as never tried.
    ForgetsTheDead,
    /// What isn't owed any more is sent all the same.
    SendsWhatIsVoided,
    /// What the platform says that it has counts as unknown.
    DoubtsTheYes,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    debts: [Debt; DEBTS],
    jobs: [Job; REPLICAS],
    crashes: u8,
    voids: u8,
}

impl World {
    /// Where nothing can be asked and it's to be sent again all the same, it may be there twice.
    fn resends(&self) -> bool {
        self.on_unknown == OnUnknown::Resend && !self.can_look
    }

    fn entry(&self, debt: &Debt, unknown: bool) -> Entry {
        let owed = !debt.withdrawn || self.broken == Some(Broken::SendsWhatIsVoided);
        Entry {
            id: String::new(),
            kind: "referral".to_owned(),
            debt_key: String::new(),
            target_id: String::new(),
            attempts: i64::from(debt.attempts),
            unknown_since: unknown.then_some(0),
            accepted_at: (debt.accepted && self.broken != Some(Broken::DoubtsTheYes)).then_some(0),
            list_lag: None,
            first_attempt_at: None,
            last_attempt_at: None,
            lease_until: 0,
            withdrawn: (!owed).then_some(Withdrawal::Voided),
        }
    }

    fn look(&self, debt: &Debt, look: Look) -> LookUp {
        let reason = String::new();
        match look {
            _ if !self.can_look => LookUp::Blind,
            Look::True if debt.there.copies > 0 => LookUp::Found(Receipt::default()),
            Look::True => LookUp::Absent,
            Look::Unproven if self.broken == Some(Broken::BelievesWithoutProof) => LookUp::Absent,
            Look::Unproven => LookUp::Unproven { reason, for_want_of_a_control: false, lag: None },
            Look::Long => LookUp::Unproven { reason, for_want_of_a_control: false, lag: None },
            Look::Failed => LookUp::Failed { reason, retry_after: None, cause: Cause::Thing },
        }
    }

    /// What the replica does next with what it claimed.
    fn step(&self, state: &mut State, replica: usize, look: Option<Look>) -> Option<()> {
        let (place, unknown) = match (&state.jobs[replica], look) {
            (Job::Claimed(place, unknown), _) => (*place, *unknown),
            // It has stopped being owed while it was looked for.
            (Job::MaySend(place, unknown), None) => {
                let (place, unknown) = (*place, *unknown);
                let known = known(&self.entry(&state.debts[place], unknown));
                let seen = self.look(&state.debts[place], Look::Failed);
                let after = after_look(seen, known, self.on_unknown, AGAIN);
                let AfterLook::Settle(settlement) = after else { return None };
                state.jobs[replica] = Job::Ended(place, unknown, End::of(&settlement));
                return Some(());
            }
            _ => return None,
        };
        let debt = &state.debts[place];
        let entry = self.entry(debt, unknown);
        state.jobs[replica] = match (first_step(&entry), look) {
            (Step::Cancel, None) => Job::Ended(place, unknown, End::Released),
            (Step::Look, Some(look)) => {
                let seen = self.look(debt, look);
                let again = Again { asks_a_person: look == Look::Long, ..AGAIN };
                match after_look(seen, known(&entry), self.on_unknown, again) {
                    AfterLook::Send => Job::MaySend(place, unknown),
                    AfterLook::Settle(settlement) => {
                        Job::Ended(place, unknown, End::of(&settlement))
                    }
                }
            }
            _ => return None,
        };
        Some(())
    }

    /// Which debt the replica may send now.
    fn may_send(&self, state: &State, replica: usize) -> Option<(usize, bool)> {
        match state.jobs[replica] {
            Job::MaySend(place, unknown) => {
                let entry = self.entry(&state.debts[place], unknown);
                entry.withdrawn.is_none().then_some((place, unknown))
            }
            Job::Claimed(place, unknown) => {
                let entry = self.entry(&state.debts[place], unknown);
                (first_step(&entry) == Step::Send).then_some((place, unknown))
            }
            _ => None,
        }
    }

    fn send(&self, state: &mut State, replica: usize, answer: Answer) -> Option<()> {
        let (place, unknown) = self.may_send(state, replica)?;
        let reason = String::new();
        let debt = &mut state.debts[place];
        debt.sends();
        let outcome = match answer {
            Answer::Takes => {
                debt.there.copies += 1;
                Outcome::Delivered(Receipt::default())
            }
            Answer::Accepts(there) => {
                debt.take(there);
                Outcome::Accepted { reason }
            }
            Answer::Refuses => Outcome::Refused { reason },
            Answer::Busy => Outcome::NotSent { reason, retry_after: None, cause: Cause::Thing },
            Answer::Silent(there) => {
                debt.take(there);
                Outcome::Unknown { reason }
            }
            Answer::Errs(taken) => {
                debt.there.copies += u8::from(taken);
                Outcome::Errored { reason }
            }
        };
        let end = End::of(&after_attempt(outcome, unknown, AGAIN));
        state.jobs[replica] = Job::Ended(place, unknown, end);
        Some(())
    }

    /// Writes how a claim ended, if the lease is still the replica's.
    fn settle(&self, state: &mut State, replica: usize) -> Option<()> {
        let Job::Ended(place, unknown, end) = state.jobs[replica] else { return None };
        state.jobs[replica] = Job::Idle;
        let debt = &mut state.debts[place];
        if debt.lease != Some(replica) {
            return Some(());
        }
        let entry = self.entry(debt, unknown);
        let settlement = of_the_debt(&entry, end.settlement(), entry.withdrawn, 0);
        let kept = keep(&entry, &settlement, entry.withdrawn, 0);
        debt.standing = kept.standing.code();
        debt.unknown = kept.unknown_since.is_some();
        debt.accepted |= kept.accepted_at.is_some();
        debt.lease = None;
        Some(())
    }

    fn die(state: &mut State, replica: usize) -> Option<()> {
        state.crashes = state.crashes.checked_sub(1)?;
        if let Job::Claimed(place, _) | Job::MaySend(place, _) | Job::Ended(place, ..) =
            state.jobs[replica]
        {
            state.debts[place].lease = Some(REPLICAS);
        }
        state.jobs[replica] = Job::Idle;
        Some(())
    }

    /// Whether what may have been taken late has had its time.
    fn has_settled(&self, debt: &Debt) -> bool {
        // What it says that it has it may list whenever it likes.
        !debt.unknown
            || debt.accepted
            || !debt.there.coming
            || self.broken == Some(Broken::LooksTooSoon)
    }
}

impl Debt {
    fn sends(&mut self) {
        self.attempts += 1;
        self.sent_late |= self.withdrawn;
        self.sent_after_yes |= self.accepted;
    }

    fn take(&mut self, there: There) {
        self.there.copies += there.copies;
        self.there.coming |= there.coming;
    }
}

fn known(entry: &Entry) -> Known {
    Known { withdrawn: entry.withdrawn, accepted: entry.accepted_at.is_some() }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let debt = Debt {
            standing: Standing::Ready.code(),
            unknown: false,
            accepted: false,
            withdrawn: false,
            lease: None,
            attempts: 0,
            there: There::default(),
            sent_late: false,
            sent_after_yes: false,
        };
        let debts = [debt.clone(), debt];
        vec![State { debts, jobs: [Job::Idle, Job::Idle], crashes: CRASHES, voids: 1 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let ready = Standing::Ready.code();
        for (place, debt) in state.debts.iter().enumerate() {
            if debt.standing == ready && debt.lease.is_none() && self.has_settled(debt) {
                let idle = (0..REPLICAS).filter(|replica| state.jobs[*replica] == Job::Idle);
                actions.extend(idle.map(|replica| Action::Claim(replica, place)));
            }
            if debt.lease == Some(REPLICAS) {
                actions.push(Action::TakeOver(place));
            }
            if debt.there.coming {
                actions.push(Action::Arrive(place));
            }
            let open = [ready, Standing::Held.code()].contains(&debt.standing);
            if open && state.voids > 0 {
                actions.push(Action::Void(place));
            }
        }
        for (replica, job) in state.jobs.iter().enumerate() {
            if let Some((place, _)) = self.may_send(state, replica) {
                let last = state.debts[place].attempts + 1 >= ATTEMPTS;
                actions.extend([Answer::Takes, Answer::Refuses].map(|a| Action::Send(replica, a)));
                if !last {
                    let errs = [Answer::Errs(false), Answer::Errs(true), Answer::Busy];
                    let silent = SILENT.map(Answer::Silent);
                    let accepts = SILENT.map(Answer::Accepts);
                    let answers = errs.into_iter().chain(silent).chain(accepts);
                    actions.extend(answers.map(|a| Action::Send(replica, a)));
                    actions.extend(SILENT.map(|there| Action::DieSending(replica, there)));
                }
            } else if matches!(job, Job::MaySend(..)) {
                actions.push(Action::Step(replica, None));
            } else if matches!(job, Job::Claimed(..)) {
                actions.push(Action::Step(replica, None));
                let looks = [Look::True, Look::Unproven, Look::Long, Look::Failed];
                actions.extend(looks.map(|look| Action::Step(replica, Some(look))));
            }
            if matches!(job, Job::Ended(..)) {
                actions.push(Action::Settle(replica));
            }
            if *job != Job::Idle {
                actions.push(Action::Die(replica));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Claim(replica, place) => {
                state.debts[place].lease = Some(replica);
                state.jobs[replica] = Job::Claimed(place, state.debts[place].unknown);
            }
            Action::Step(replica, look) => self.step(&mut state, replica, look)?,
            Action::Send(replica, answer) => self.send(&mut state, replica, answer)?,
            Action::DieSending(replica, there) => {
                let (place, _) = self.may_send(&state, replica)?;
                state.debts[place].sends();
                state.debts[place].take(there);
                World::die(&mut state, replica)?;
            }
            Action::Settle(replica) => self.settle(&mut state, replica)?,
            Action::Die(replica) => World::die(&mut state, replica)?,
            Action::TakeOver(place) => {
                state.debts[place].lease = None;
                state.debts[place].unknown |= self.broken != Some(Broken::ForgetsTheDead);
            }
            Action::Arrive(place) => {
                let there = &mut state.debts[place].there;
                *there = There { copies: there.copies + 1, coming: false };
            }
            Action::Void(place) => {
                state.voids -= 1;
                let debt = &mut state.debts[place];
                debt.withdrawn = true;
                // As db/referrals.rs has it: what certainly hasn't left is cancelled at once.
                if debt.lease.is_none() && !debt.unknown {
                    debt.standing = Standing::Cancelled.code();
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("never twice", |world: &World, state: &State| {
                world.resends() || state.debts.iter().all(|debt| debt.there.copies <= 1)
            }),
            Property::always("never lost, nor called lost what is there", |_, state: &State| {
                // Where it's resent, one copy may have been called lost and another be there: that is what was chosen.
                state.debts.iter().all(|debt| {
                    let there = debt.there.copies > 0 || debt.there.coming;
                    match debt.standing {
                        "delivered" => there,
                        "cancelled" | "refused" => !there,
                        _ => true,
                    }
                })
            }),
            Property::always("never sent once it isn't owed", |_, state: &State| {
                state.debts.iter().all(|debt| !debt.sent_late)
            }),
            Property::always("never sent again once it's said to be there", |_, state: &State| {
                state.debts.iter().all(|debt| !debt.sent_after_yes)
            }),
            Property::always("always settled, or shown, or still tried", |world, state: &State| {
                let mut actions = Vec::new();
                world.actions(state, &mut actions);
                let over = |debt: &Debt| debt.standing != Standing::Ready.code();
                !actions.is_empty() || state.debts.iter().all(over)
            }),
            Property::sometimes("both arrive", |_, state: &State| {
                state.debts.iter().all(|debt| debt.standing == Standing::Delivered.code())
            }),
        ]
    }
}

mod walked;
