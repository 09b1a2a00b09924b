//! One look: what [`Search`] wants to know, asked until it knows enough.

use async_trait::async_trait;

use super::NoContact;
use crate::delivery::http::Answer;
use crate::domain::delivery::answer::{Hearing, hearing};
use crate::domain::delivery::search::{Query, Reply, Search, SearchResult, Sought, Ways};

/// A question by which something is looked for.
#[async_trait]
pub(super) trait Question: Sync {
    fn ways(&self) -> Ways;

    /// Asks it once.
    async fn ask(&self, query: &Query) -> Result<Reply, NoContact>;
}

/// Looks for something to the end.
pub(super) async fn look(
    question: &dyn Question,
    sought: &Sought,
) -> Result<SearchResult, NoContact> {
    let mut search = Search::new(sought, question.ways());
    while let Some(query) = search.query() {
        let reply = question.ask(&query).await?;
        search.take(reply);
    }
    Ok(search.result())
}

/// What an answer without success is for a look: a refusal to say, or a failure. `by_itself`: the interface itself answers so,
/// in its own form, and not a page of whatever stands before it.
pub(super) fn unheard(answer: &Answer, words: &str, by_itself: bool) -> Result<Reply, NoContact> {
    let code = answer.status.as_u16();
    match hearing(code) {
        Hearing::Refused => {
            let why = format!("平台不回答查证：HTTP {code} {words}").trim_end().to_owned();
            Ok(Reply::Refused { why, by_itself })
        }
        Hearing::Answered | Hearing::Failed => Err(NoContact::of_answer(answer, words)),
    }
}
