//! A connection within a transaction: it closes itself where that goes wrong, and waits for no answer for ever.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Either, Execute, Executor, SqlStr};

/// A pool's connection within a transaction. One that is let go before the transaction's end, or whose end failed, may
/// be in any state: it's closed, which takes back what it had changed, and never comes back to its pool. Each answer of a
/// server is waited for within bounds: where the network swallows it nobody would ever say so, and a turn wouldn't end.
#[derive(Debug)]
pub(super) struct TxConnection {
    connection: PoolConnection<Any>,
    longest: Duration,
    ended: bool,
}

impl TxConnection {
    /// Begins a transaction by `begin` on a connection of this pool; one on which that fails is closed. No answer is waited
    /// for longer than `longest`.
    pub async fn begin(
        pool: &AnyPool,
        begin: &'static str,
        longest: Duration,
    ) -> sqlx::Result<TxConnection> {
        let mut held = TxConnection { connection: pool.acquire().await?, longest, ended: false };
        sqlx::raw_sql(begin).execute(&mut held).await?;
        Ok(held)
    }

    /// Ends it by `end`, and gives it back to its pool. Where that fails, whether it was kept isn't known.
    pub async fn end(mut self, end: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(end).execute(&mut self).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for TxConnection {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl<'c> Executor<'c> for &'c mut TxConnection {
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
        let answers = self.connection.fetch_many(query);
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
        within(self.longest, self.connection.fetch_optional(query)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<AnyStatement>>
    where
        'c: 'e,
    {
        within(self.longest, self.connection.prepare_with(sql, parameters)).boxed()
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
        let pool =
            AnyPoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let make = sqlx::raw_sql("CREATE TEMP TABLE own (id INT)");
        make.execute(&mut *pool.acquire().await.unwrap()).await.unwrap();
        let begin = async || TxConnection::begin(&pool, "BEGIN", TIME_ENOUGH).await.unwrap();
        let mut held = begin().await;
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
        let mut next = begin().await;
        let missing = count().fetch_one(&mut next).await;
        assert!(matches!(missing, Err(sqlx::Error::Database(_))), "{missing:?}");
    }
}
