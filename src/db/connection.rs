//! Connections to the database. None of their answers is waited for without end: where the network swallows one, nobody ever
//! says so. One whose work went wrong is closed.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Either, Execute, Executor, SqlStr};

/// How long a connection that was at rest, or goes to rest, may take to answer; it's closed then.
pub(super) const REST: Duration = Duration::from_millis(500);

/// Connections that are used again, and how long each may take to answer.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: AnyPool,
    longest: Duration,
}

impl Pool {
    pub fn new(connections: AnyPool, longest: Duration) -> Pool {
        Pool { connections, longest }
    }

    /// One of them.
    async fn take(&self) -> sqlx::Result<Connection> {
        let pooled = self.connections.acquire().await?;
        Ok(Connection { pooled, longest: self.longest, ended: false })
    }

    /// Begins a transaction on one of them by `begin`.
    pub async fn begin(&self, begin: &'static str) -> sqlx::Result<Connection> {
        let mut taken = self.take().await?;
        sqlx::raw_sql(begin).execute(&mut taken).await?;
        Ok(taken)
    }

    /// Ends every connection.
    pub async fn close(&self) {
        self.connections.close().await;
    }
}

/// A connection at work. One that is let go before its work has ended well may be in any state: it's closed, which takes back
/// what its transaction had changed, and never comes back to its pool.
#[derive(Debug)]
pub(super) struct Connection {
    pooled: PoolConnection<Any>,
    longest: Duration,
    ended: bool,
}

impl Connection {
    /// Ends its transaction by `end`, and gives it back to its pool. Where that fails, whether it was kept isn't known.
    pub async fn end(mut self, end: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(end).execute(&mut self).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.ended {
            // The pool asks whether it's still there. Where no answer comes, its place is another's.
            tokio::spawn(tokio::time::timeout(REST, self.pooled.return_to_pool()));
        } else {
            self.pooled.close_on_drop();
        }
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<AnyQueryResult, AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let longest = self.longest;
        let answers = self.pooled.fetch_many(query);
        let each = stream::unfold(Some(answers), move |answers| async move {
            let mut answers = answers?;
            match tokio::time::timeout(longest, answers.next()).await {
                Ok(answer) => answer.map(|answer| (answer, Some(answers))),
                Err(_) => Some((Err(no_answer()), None)),
            }
        });
        each.boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        within(self.longest, self.pooled.fetch_optional(query)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<AnyStatement>>
    where
        'c: 'e,
    {
        within(self.longest, self.pooled.prepare_with(sql, parameters)).boxed()
    }

    #[cfg(feature = "describe")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Any>>>
    where
        'c: 'e,
    {
        within(self.longest, self.pooled.describe(sql)).boxed()
    }
}

/// One statement on a connection of its own.
impl<'p> Executor<'p> for &'_ Pool {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<AnyQueryResult, AnyRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let pool = self.clone();
        let all = async move {
            let mut taken = pool.take().await?;
            let all: Vec<_> = taken.fetch_many(query).try_collect().await?;
            taken.ended = true;
            Ok::<_, sqlx::Error>(stream::iter(all.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<AnyRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let pool = self.clone();
        let one = async move {
            let mut taken = pool.take().await?;
            let row = taken.fetch_optional(query).await?;
            taken.ended = true;
            Ok(row)
        };
        one.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<AnyStatement>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        let prepared = async move {
            let mut taken = pool.take().await?;
            let statement = taken.prepare_with(sql, parameters).await?;
            taken.ended = true;
            Ok(statement)
        };
        prepared.boxed()
    }

    #[cfg(feature = "describe")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Any>>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        let described = async move {
            let mut taken = pool.take().await?;
            let described = taken.describe(sql).await?;
            taken.ended = true;
            Ok(described)
        };
        described.boxed()
    }
}

/// What comes of it, unless it isn't there in time.
pub(super) async fn within<T>(
    longest: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(longest, answer).await.unwrap_or_else(|_| Err(no_answer()))
}

fn no_answer() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use sqlx::any::AnyPoolOptions;

    use super::*;

    const TIME_ENOUGH: Duration = Duration::from_secs(60);

    fn is_silence<T>(answer: sqlx::Result<T>) -> bool {
        matches!(answer, Err(sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut)
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_not_waited_for_and_the_next_connection_is_another() {
        sqlx::any::install_default_drivers();
        let connections =
            AnyPoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let pool = Pool::new(connections, TIME_ENOUGH);
        sqlx::raw_sql("CREATE TEMP TABLE own (id INT)").execute(&pool).await.unwrap();
        let mut held = pool.begin("BEGIN").await.unwrap();
        let count = || sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM own");
        assert_eq!(count().fetch_one(&mut held).await.unwrap(), 0);
        assert_eq!(count().fetch_all(&mut held).await.unwrap(), [0]);
        // What follows stands behind an answer that takes long.
        held.longest = Duration::from_millis(1);
        const LONG: &str = "WITH RECURSIVE n(i) AS
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT COUNT(*) FROM n";
        let long = || sqlx::query_scalar::<_, i64>(LONG);
        assert!(is_silence(long().fetch_all(&mut held).await));
        assert!(is_silence(long().fetch_optional(&mut held).await));
        assert!(is_silence(held.end("COMMIT").await));
        let missing = count().fetch_one(&pool).await;
        assert!(matches!(missing, Err(sqlx::Error::Database(_))), "{missing:?}");
    }
}
