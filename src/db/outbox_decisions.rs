//! The operator's desk at the outbox: what is there, and the few moves that only a named person may make.

use sqlx::{Any, Executor};

use super::personal::OUTBOX_ERROR;
use super::{Context, Result, Session, Store, StoreError, Tx, word};
use crate::domain::counted::Thing;
use crate::domain::delivery::Withdrawal;
use crate::words;

words! {
    /// How a debt stands, as an operator sees it.
    DebtState {
        Ready = "ready", "待发送";
        /// Somebody holds its lease.
        Leased = "leased", "发送中";
        /// Ready, but an earlier attempt may have arrived.
        Unknown = "unknown", "下落不明";
        Review = "review", "待中心审核";
        Held = "held", "等人处理";
        /// It stands in a hand-off workbook.
        Handed = "handed", "已列入交接表";
        Refused = "refused", "被拒收";
        Delivered = "delivered", "已送达";
        Cancelled = "cancelled", "已撤回";
    }
}

/// A debt as an operator sees it. Instants are epoch milliseconds.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Debt {
    pub lane: String,
    pub debt_key: String,
    pub kind: String,
    pub state: String,
    pub unknown_since: Option<i64>,
    /// The code of the [`Withdrawal`] by which it isn't owed any more.
    pub withdrawn: Option<String>,
    pub attempts: i64,
    pub not_before: i64,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub settled_at: Option<i64>,
}

from_row!(Debt {
    lane,
    debt_key,
    kind,
    state,
    unknown_since,
    withdrawn,
    attempts,
    not_before,
    last_error,
    created_at,
    settled_at
});

struct DebtRow {
    id: String,
    debt: Debt,
}

from_row!(DebtRow { ..debt, id });

impl DebtRow {
    fn opened(self, context: &Context) -> Result<Debt> {
        let DebtRow { id, debt } = self;
        let last_error = context.open_optional(OUTBOX_ERROR, &id, debt.last_error)?;
        Ok(Debt { last_error, ..debt })
    }
}

/// As it's shown: what is in flight has a lease.
const STATE: &str = "CASE WHEN lease_until IS NULL THEN state ELSE 'leased' END";

impl Debt {
    /// How it stands, for people.
    pub fn standing(&self) -> &str {
        match DebtState::read(&self.state) {
            Some(DebtState::Ready) if self.unknown_since.is_some() => DebtState::Unknown.chinese(),
            Some(state) => state.chinese(),
            None => &self.state,
        }
    }
}

fn debts() -> String {
    format!(
        "SELECT id, lane, debt_key, kind, shown AS state, unknown_since, withdrawn, attempts, not_before, last_error, created_at,
           settled_at FROM (SELECT outbox.*, {STATE} AS shown FROM outbox) AS debts"
    )
}

/// What a person decides of a debt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Try it now; what may have arrived is looked for first.
    Retry,
    /// The centre has reviewed it: it goes now.
    Release,
    /// Leave it until somebody retries it.
    Hold,
    /// It arrived: the person has seen it there, under this number.
    Arrived { remote_id: Option<String> },
    /// It did not arrive: the person has looked. It's sent again where it's still owed.
    Absent,
}

impl Decision {
    /// Its name in the audit.
    pub const fn code(&self) -> &'static str {
        match self {
            Decision::Retry => "outbox_retry",
            Decision::Release => "outbox_release",
            Decision::Hold => "outbox_hold",
            Decision::Arrived { .. } => "outbox_arrived",
            Decision::Absent => "outbox_absent",
        }
    }
}

impl Store {
    /// The debts of a lane and of a [`DebtState`], by its code, oldest first, at most `limit`.
    pub async fn debts(
        &self,
        lane: Option<&str>,
        state: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Debt>> {
        let listed = format!(
            "{} WHERE ($1 = '' OR lane = $1) AND (($2 = '' AND shown NOT IN ('delivered', 'cancelled'))
               OR shown = $2 OR ($2 = 'unknown' AND shown = 'ready' AND unknown_since IS NOT NULL))
             ORDER BY created_at, id LIMIT $3",
            debts()
        );
        let rows: Vec<DebtRow> = sqlx::query_as(sqlx::AssertSqlSafe(listed))
            .bind(lane.unwrap_or_default())
            .bind(state.unwrap_or_default())
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(|row| row.opened(&self.context)).collect()
    }

    /// The debts of a lane that stand so, the oldest first, at most `limit`: found by an index, however many were delivered.
    pub async fn debts_standing(
        &self,
        lane: &str,
        standing: DebtState,
        limit: i64,
    ) -> Result<Vec<Debt>> {
        let which = match standing {
            DebtState::Held => "state = 'held' ORDER BY created_at, id",
            DebtState::Unknown => {
                "state = 'ready' AND unknown_since IS NOT NULL ORDER BY unknown_since, id"
            }
            DebtState::Review => {
                "state IN ('ready', 'review') AND state = 'review' ORDER BY not_before, id"
            }
            DebtState::Refused => "state = 'refused' ORDER BY settled_at DESC, id",
            _ => "state IN ('ready', 'review') AND state = 'ready' ORDER BY not_before, id",
        };
        let found = format!(
            "SELECT id, lane, debt_key, kind, {STATE} AS state, unknown_since, withdrawn, attempts, not_before, last_error,
               created_at, settled_at FROM outbox WHERE lane = $1 AND {which} LIMIT $2"
        );
        let rows: Vec<DebtRow> = sqlx::query_as(sqlx::AssertSqlSafe(found))
            .bind(lane)
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(|row| row.opened(&self.context)).collect()
    }

    /// One debt by its key.
    pub async fn debt(&self, debt_key: &str) -> Result<Debt> {
        debt(&self.read, debt_key).await?.opened(&self.context)
    }
}

impl Session {
    /// The same, as it's seen here.
    pub async fn debt(&mut self, debt_key: &str) -> Result<Debt> {
        debt(&mut self.db, debt_key).await?.opened(&self.context)
    }
}

async fn debt<'e>(db: impl Executor<'e, Database = Any>, debt_key: &str) -> Result<DebtRow> {
    let found = format!("{} WHERE debt_key = $1", debts());
    let read = sqlx::query_as(sqlx::AssertSqlSafe(found)).bind(debt_key.to_owned());
    read.fetch_optional(db).await?.ok_or_else(|| no_debt(debt_key))
}

/// A debt of which a person decides.
pub(crate) struct DecidedDebt {
    id: String,
    pub kind: String,
    pub target_id: String,
    /// How it stands.
    pub state: String,
    pub withdrawn: Option<Withdrawal>,
    /// It's there, and by which number isn't known.
    pub lacks_a_number: bool,
    /// The number that the receiver gave for it and that is another's.
    pub given_number: Option<String>,
}

impl Tx {
    /// A debt that may be decided so.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where there is none, or it may not.
    pub(crate) async fn debt_to_decide(
        &mut self,
        debt_key: &str,
        decision: &Decision,
    ) -> Result<DecidedDebt> {
        let (id, kind, target_id, state, withdrawn, given_number): (
            String,
            String,
            String,
            String,
            Option<String>,
            Option<String>,
        ) = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT id, kind, target_id, {STATE}, withdrawn, given_number FROM outbox WHERE debt_key = $1"
        )))
        .bind(debt_key)
        .fetch_optional(&mut self.db)
        .await?
        .ok_or_else(|| no_debt(debt_key))?;
        let read = |why: String| word("outbox.withdrawn", &why, Withdrawal::read);
        let withdrawn = withdrawn.map(read).transpose()?;
        // What stands in a hand-off is settled by what comes back, unless nobody is to enter it any more.
        let handed = match decision {
            Decision::Arrived { .. } => state == "handed",
            Decision::Absent => state == "handed" && withdrawn.is_some(),
            _ => false,
        };
        let named = matches!(decision, Decision::Arrived { remote_id: Some(_) });
        let lacks_a_number =
            named && state == "delivered" && kind == "referral" && self.waits(&target_id).await?;
        if !lacks_a_number && !handed && !matches!(state.as_str(), "ready" | "held" | "review") {
            let standing = DebtState::read(&state).map(DebtState::chinese);
            return Err(StoreError::Rule(format!(
                "「{debt_key}」现在是「{}」：只有等待发送或等人处理的才能处置；在途的请过一会儿再试",
                standing.unwrap_or(&state)
            )));
        }
        Ok(DecidedDebt { id, kind, target_id, state, withdrawn, lacks_a_number, given_number })
    }

    /// Whether a referral is there, and its number isn't known.
    async fn waits(&mut self, referral: &str) -> Result<bool> {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM referrals WHERE id = $1 AND state = 'waiting'",
        )
        .bind(referral)
        .fetch_one(&mut self.db)
        .await?;
        Ok(waiting > 0)
    }

    /// Writes a person's decision, with a note where there is something to say.
    pub(crate) async fn write_decision(
        &mut self,
        debt: &DecidedDebt,
        decision: &Decision,
        note: Option<&str>,
    ) -> Result<()> {
        self.retally(Thing::Entry, [debt.id.as_str()]).await?;
        let now = self.now();
        let (state, forget_unknown, not_before) = match decision {
            Decision::Retry | Decision::Release => ("ready", 0, 0),
            Decision::Absent if debt.withdrawn.is_some() => ("cancelled", 1, now),
            Decision::Absent => ("ready", 1, 0),
            Decision::Hold => ("held", 0, now),
            Decision::Arrived { .. } => ("delivered", 1, now),
        };
        sqlx::query(
            "UPDATE outbox SET state = $1, not_before = $2,
               unknown_since = CASE WHEN $3 = 1 THEN NULL ELSE unknown_since END,
               accepted_at = CASE WHEN $3 = 1 THEN NULL ELSE accepted_at END,
               list_lag = CASE WHEN $3 = 1 THEN NULL ELSE list_lag END,
               last_error = COALESCE($6, last_error),
               settled_at = CASE WHEN $1 IN ('delivered', 'cancelled') THEN $4 ELSE NULL END WHERE id = $5",
        )
        .bind(state)
        .bind(not_before)
        .bind(forget_unknown)
        .bind(now)
        .bind(&debt.id)
        .bind(note)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

fn no_debt(debt_key: &str) -> StoreError {
    StoreError::Rule(format!("发件箱里没有「{debt_key}」；用 zoufang outbox list 查看有哪些"))
}
