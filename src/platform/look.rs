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
    let (mut search, mut left) = (Search::new(sought, question.ways()), AGAIN_IN_ALL);
    while let Some(query) = search.query() {
        // That it's there is known; whether once more is worth no failure.
        let reply = match search.has_found() {
            true => question.ask(&query).await.ok(),
            false => Some(heard(question, &query, &mut left).await?),
        };
        let Some(reply) = reply else { break };
        search.take(reply);
    }
    Ok(search.result())
}

/// A look needs an answer to each of its questions, and of many one or the other always fails: each is asked again so often, and
/// in one look no oftener than so.
const AGAIN: usize = 2;
const AGAIN_IN_ALL: usize = 20;

async fn heard(
    question: &dyn Question,
    query: &Query,
    left: &mut usize,
) -> Result<Reply, NoContact> {
    for _ in 0..AGAIN {
        match question.ask(query).await {
            Err(none) if *left > 0 && may_pass(&none) => *left -= 1,
            heard => return heard,
        }
    }
    question.ask(query).await
}

/// Whether the same question may be answered at once. A server that asks to be left alone is, and one that let us wait isn't
/// waited for again.
fn may_pass(none: &NoContact) -> bool {
    !none.is_of_the_platform() && !none.reason.starts_with("timeout")
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::domain::delivery::search::{Pages, Subject};

    /// Fails so often, in this way, before it answers.
    struct Failing {
        fails: Mutex<usize>,
        with: NoContact,
    }

    #[async_trait]
    impl Question for Failing {
        fn ways(&self) -> Ways {
            Ways { by_subject: false, pages: Pages::Optional, window: true, shortest_cut: 1 }
        }

        async fn ask(&self, _: &Query) -> Result<Reply, NoContact> {
            let mut fails = self.fails.lock().unwrap();
            if *fails > 0 {
                *fails -= 1;
                return Err(self.with.clone());
            }
            Ok(Reply::Page { things: Vec::new(), total: None, age: Duration::ZERO })
        }
    }

    #[tokio::test]
    async fn a_question_that_fails_is_asked_again_and_not_for_ever() {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let query = Query { subject: Subject::default(), from: at(0), to: at(60), page: None };
        let asked = async |fails, with: NoContact, left| {
            let (question, mut left) = (Failing { fails: Mutex::new(fails), with }, left);
            heard(&question, &query, &mut left).await.is_ok()
        };
        let broken = || NoContact::because("HTTP 500".to_owned());
        assert!(asked(AGAIN, broken(), AGAIN_IN_ALL).await);
        assert!(!asked(AGAIN + 1, broken(), AGAIN_IN_ALL).await);
        assert!(!asked(1, broken(), 0).await, "in one look no oftener");
        let busy = NoContact { retry_after: Some(Duration::from_secs(9)), ..broken() };
        assert!(!asked(1, busy, AGAIN_IN_ALL).await, "it asked to be left alone");
        assert!(!asked(1, NoContact::because("timeout".to_owned()), AGAIN_IN_ALL).await);
    }
}
