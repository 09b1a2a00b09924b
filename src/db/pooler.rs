//! Whether a connection to PostgreSQL is one: behind a pooler that hands out its servers by the transaction (PgBouncer's
//! `pool_mode = transaction` or `statement`), what a connection was told, prepared or locked is another's a moment later.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Connection, Executor, Row};

use super::{Result, StoreError};

/// A server that is there answers at once; a pooler that has none left lets one wait.
const ANSWERS: Duration = Duration::from_secs(5);

const SHARED: &str = "数据库前面的连接池按事务（或语句）轮换连接，程序的锁、超时和预备语句会落到别人的连接上：\
     请把连接池的 pool_mode 改成 session，或让 database.url 直接连到数据库；数据没有改动";

const TOO_FEW: &str = "数据库（或它前面的连接池）给不出两个同时能用的连接：程序要十个左右，\
     请把连接池的 default_pool_size 或数据库的 max_connections 调大；数据没有改动";

/// # Errors
/// [`StoreError::Rule`] where the connections behind this address, to which the pool has some, are shared or too few.
pub(super) async fn refuse_shared(url: &str, pool: &AnyPool) -> Result<()> {
    let mut one = AnyConnection::connect(url).await?;
    let mut other = pool.acquire().await?;
    let Ok(is_own) = tokio::time::timeout(ANSWERS, is_own(&mut one, &mut other)).await else {
        return Err(StoreError::Rule(TOO_FEW.to_owned()));
    };
    if is_own? { Ok(()) } else { Err(StoreError::Rule(SHARED.to_owned())) }
}

/// While one has a transaction open, the other still has the server that it had: a pooler would have given it away.
async fn is_own(one: &mut AnyConnection, other: &mut AnyConnection) -> Result<bool> {
    let before = server(one).await?;
    if let Err(error) = other.execute("BEGIN").await {
        // A pooler by the statement knows no transactions; a server always does.
        return error.as_database_error().map(|_| false).ok_or_else(|| error.into());
    }
    let others = server(other).await?;
    let after = server(one).await?;
    other.execute("ROLLBACK").await?;
    Ok(before == after && before != others)
}

/// The server process behind a connection, asked without preparing anything.
async fn server(connection: &mut AnyConnection) -> Result<i32> {
    let row: AnyRow = connection.fetch_one("SELECT pg_backend_pid()").await?;
    Ok(row.try_get(0)?)
}
