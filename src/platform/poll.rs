//! Follows what the platform has: by its feed of changes, else young referrals often and old ones seldom;
//! all of them each night. What it can't say of one is that one's outcome, and the others are followed on.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tracing::{debug, warn};

use super::others::{OF_OTHERS, of_others};
use super::{Answers, Changed, NoContact, Platform, Unanswered, Unread};
use crate::app::receive_updates::{End, ask_about_all, forget_answers_of_nobody, receive_all};
use crate::db::{OpenReferral, Store, StoreError, Trouble};
use crate::delivery::http::TOO_LONG;
use crate::domain::following::names_one;
use crate::domain::reason::{in_words, name_of};
use crate::domain::referral::PlatformUpdate;

/// What a poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    pub asked: usize,
    pub answers: usize,
    pub news: usize,
}

/// What of a platform is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Referrals whose time it is.
    All,
    /// Of those, only the ones that have no number yet: a feed tells of the others.
    Numbers,
}

/// No reading of a feed turns more pages; the next one goes on from there.
const MOST_PAGES: usize = 1_000;
/// So many refusals in a row, and no answer in between, aren't about what was asked.
const MOST_REFUSALS: usize = 20;
/// How long the part of an address may be that lists numbers: servers take some two thousand characters.
const LONGEST_LIST: usize = 1_500;

/// Learns what changed: by the platform's feed where it has one, so that the cost grows with what changed and
/// not with what is open; else by asking about every referral that is due, `batch` at a time. What wasn't asked because
/// the platform didn't answer stays due.
pub async fn poll(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    let mut polled = Polled::default();
    let due = match platform.has_feed() {
        true => match read_feed(store, platform, &mut polled).await? {
            Feed::Silent => return Ok(polled),
            Feed::Read => Due::Numbers,
            Feed::Doubtful => Due::All,
        },
        false => Due::All,
    };
    ask_due(store, platform, batch, due, &mut polled).await?;
    if polled.asked == 0 && !platform.has_feed() {
        greet(store, platform).await?;
    }
    Ok(polled)
}

/// A platform that nobody has to ask anything is greeted: one that is gone is seen before it's needed.
async fn greet(store: &Store, platform: &dyn Platform) -> Result<(), StoreError> {
    let lane = store.context().platform_lane.clone();
    match platform.greet().await {
        Ok(()) => store.mark_asked(&lane, None).await.map(drop),
        Err(none) => silent(store, &lane, &none).await,
    }
}

/// How the reading of a feed went.
enum Feed {
    /// The platform didn't answer.
    Silent,
    Read,
    /// It may not have told all.
    Doubtful,
}

/// Reads the feed to its end. What a page told and where the next one begins are kept together.
async fn read_feed(
    store: &Store,
    platform: &dyn Platform,
    polled: &mut Polled,
) -> Result<Feed, StoreError> {
    let lane = store.context().platform_lane.clone();
    let mut cursor = store.feed_cursor().await?;
    // A cursor that comes again leads round in a circle.
    let (mut read_from, mut feed) = (HashSet::from([cursor.clone()]), Feed::Read);
    for _ in 0..MOST_PAGES {
        let changed = match changes(store, platform, cursor.as_deref()).await? {
            Ok(changed) => changed,
            Err(none) => {
                silent(store, &lane, &none).await?;
                return Ok(Feed::Silent);
            }
        };
        feed = if changed.unsure { Feed::Doubtful } else { feed };
        polled.answers += changed.updates.len();
        note(store, &changed.unread, &changed.updates).await?;
        let end = changed.cursor.as_deref().map_or(End::Nothing, End::Feed);
        polled.news += receive_all(store, &changed.updates, end).await?;
        store.mark_asked(&lane, None).await?;
        cursor = changed.cursor;
        if !changed.more || !read_from.insert(cursor.clone()) {
            return Ok(feed);
        }
    }
    warn!(event = "poll.endless", %lane, "the feed of changes has no end; it's gone on with at the next poll");
    let sample = format!("读了 {MOST_PAGES} 页还没有读完，下次接着读");
    let endless = Unread { what: "平台的更新清单读不到头".to_owned(), sample };
    note(store, &[endless], &[]).await?;
    Ok(feed)
}

/// What changed since a cursor. Where the platform doesn't take that any more, having forgotten it or holding more since
/// then than can be read, the feed is begun anew, and all that is open is asked about: what lies between may be lost.
async fn changes(
    store: &Store,
    platform: &dyn Platform,
    cursor: Option<&str>,
) -> Result<Result<Changed, NoContact>, StoreError> {
    let refused = match platform.changes(cursor).await {
        Ok(changed) => return Ok(Ok(changed)),
        Err(Unanswered::This(reason)) => NoContact::because(reason),
        Err(Unanswered::At(none)) if none.reason.starts_with(TOO_LONG) => none,
        Err(Unanswered::At(none)) => return Ok(Err(none)),
    };
    if cursor.is_none() {
        return Ok(Err(refused));
    }
    let Ok(begun) = platform.changes(None).await else { return Ok(Err(refused)) };
    if begun.cursor.as_deref() != cursor {
        let why = name_of(&refused.reason);
        warn!(
            event = "poll.begun_anew",
            why, "the feed of changes is begun anew: its cursor isn't taken any more"
        );
        let sample = in_words(&refused.reason).said;
        note(store, &[Unread { what: BEGUN_ANEW.to_owned(), sample }], &[]).await?;
        ask_about_all(store).await?;
    }
    Ok(Ok(Changed { unsure: true, ..begun }))
}

/// What is said of a feed that had to be begun anew.
const BEGUN_ANEW: &str = "平台的更新清单接不上上次读到的地方，已从头读起，并逐件查问在办的；一再出现的，请平台查看清单保留多久";

async fn silent(store: &Store, lane: &str, none: &NoContact) -> Result<(), StoreError> {
    let why = name_of(&none.reason);
    if store.mark_asked(lane, Some(&none.reason)).await? {
        warn!(event = "poll.unanswered", %lane, why, "the platform didn't answer; asked again at the next poll");
    } else {
        debug!(event = "poll.unanswered", %lane, why, "the platform still doesn't answer");
    }
    Ok(())
}

/// Notes what couldn't be read.
async fn note(
    store: &Store,
    unread: &[Unread],
    updates: &[PlatformUpdate],
) -> Result<(), StoreError> {
    for update in updates.iter().filter(|update| update.status.is_none()) {
        warn!(
            event = "poll.unknown_word",
            letters = update.word.chars().count(),
            "a status that configuration doesn't know; kept, not applied"
        );
    }
    // One of each kind says what is wrong.
    let notes: HashMap<&str, &str> =
        unread.iter().map(|unread| (unread.what.as_str(), unread.sample.as_str())).collect();
    if notes.is_empty() {
        return Ok(());
    }
    let notes: Vec<(String, String)> =
        notes.into_iter().map(|(what, sample)| (what.to_owned(), sample.to_owned())).collect();
    let mut tx = store.begin().await?;
    tx.note_platform(&notes).await?;
    tx.commit().await
}

async fn ask_due(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
    what: Due,
    polled: &mut Polled,
) -> Result<(), StoreError> {
    let lane = store.context().platform_lane.clone();
    let batch = platform.batch().unwrap_or(batch).max(1);
    let limit = i64::try_from(batch).unwrap_or(i64::MAX);
    // What is due again before the poll has ended was asked by it.
    let mut seen = HashSet::new();
    let mut questions =
        Questions { platform, batch, in_a_row: 0, refused: 0, answered: false, put: false };
    loop {
        let due = match what {
            Due::All => store.due_polls(limit, platform.tells_successors()).await?,
            Due::Numbers => store.due_numbers(limit).await?,
        };
        let mut more = false;
        for open in &due {
            more |= seen.insert(open.id.clone());
        }
        if !more {
            return Ok(());
        }
        let (mut told, silence) = questions.ask(&due).await;
        told.leave_out_others(store, &due).await?;
        let Told { answers, numbers, troubles, asked } = told;
        polled.asked += if questions.put { asked.len() } else { 0 };
        polled.answers += answers.updates.len();
        note(store, &answers.unread, &answers.updates).await?;
        let referrals: Vec<&OpenReferral> =
            due.iter().filter(|open| asked.contains(&open.id)).collect();
        let end = End::Asked { referrals: &referrals, numbers: &numbers, troubles: &troubles };
        polled.news += receive_all(store, &answers.updates, end).await?;
        debug!(event = "poll.done", asked = asked.len(), answers = answers.updates.len(), "polled");
        if let Some(none) = silence {
            return silent(store, &lane, &none).await;
        }
        if questions.put {
            store.mark_asked(&lane, None).await?;
        }
    }
}

/// Makes every open referral due, then polls: what was missed for any reason is found within a day.
pub async fn sweep(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    ask_about_all(store).await?;
    let mut polled = Polled::default();
    ask_due(store, platform, batch, Due::All, &mut polled).await?;
    forget_answers_of_nobody(store).await?;
    Ok(polled)
}

/// What the platform told of referrals that were asked about.
#[derive(Default)]
struct Told {
    answers: Answers,
    /// The numbers that it gave for tokens, by the referral's id.
    numbers: HashMap<String, String>,
    /// Why it gave no answer about some, by the referral's id.
    troubles: HashMap<String, Trouble>,
    /// The referrals that were asked about to their end.
    asked: HashSet<String>,
}

/// What is said of one that has neither number nor token.
const UNNAMED: &str = "没有编号：平台回答 已收下，没有给编号，也没有凭证，无从跟踪。请在平台上查出编号，再运行 zoufang outbox resolve 写明";

/// The referrals that go by a number.
type OfNumber<'o> = HashMap<&'o str, Vec<&'o OpenReferral>>;

impl Told {
    /// Takes the answers about some numbers. What was left out of a list is to be asked alone; alone, it's that number's
    /// outcome.
    fn take(
        &mut self,
        part: &[String],
        answers: Answers,
        of_number: &OfNumber<'_>,
    ) -> Vec<Vec<String>> {
        let told_of: HashSet<&str> =
            answers.updates.iter().map(|update| update.remote_id.as_str()).collect();
        let (done, missing): (Vec<&String>, Vec<&String>) =
            part.iter().partition(|number| told_of.contains(number.as_str()));
        let opens = done.iter().filter_map(|number| of_number.get(number.as_str())).flatten();
        self.asked.extend(opens.map(|open| open.id.clone()));
        let alone = match (part, missing.as_slice()) {
            ([number], [_]) => {
                let other = told_of.iter().next().map(|other| format!("，却答了「{other}」"));
                let why = format!("平台的答复里没有这个编号{}", other.unwrap_or_default());
                let opens = of_number.get(number.as_str()).map_or(&[][..], Vec::as_slice);
                self.trouble(opens, &why, false);
                Vec::new()
            }
            (_, missing) => missing.iter().map(|number| vec![(*number).clone()]).collect(),
        };
        self.answers.updates.extend(answers.updates);
        self.answers.unread.extend(answers.unread);
        self.answers.unmarked.extend(answers.unmarked);
        alone
    }

    /// Under a number that was given away anew, as after the platform itself was restored, stands somebody else's matter: how
    /// that goes says nothing of ours.
    async fn leave_out_others(
        &mut self,
        store: &Store,
        due: &[OpenReferral],
    ) -> Result<(), StoreError> {
        let unmarked = std::mem::take(&mut self.answers.unmarked);
        for (number, opens) in of_others(store, due, unmarked).await? {
            self.answers.updates.retain(|update| update.remote_id != number);
            self.trouble(&opens, &format!("编号 {number}：平台回答 {OF_OTHERS}"), false);
        }
        Ok(())
    }

    /// It has neither number nor token: somebody has to look it up, where anybody follows by that.
    fn unnamed(&mut self, open: &OpenReferral, platform: &dyn Platform) {
        if platform.answers_questions() || platform.has_feed() {
            self.trouble(&[open], UNNAMED, false);
        } else {
            self.asked.insert(open.id.clone());
        }
    }

    fn trouble(&mut self, opens: &[&OpenReferral], why: &str, soon: bool) {
        self.asked.extend(opens.iter().map(|open| open.id.clone()));
        for open in opens.iter().filter(|open| open.replaced == 0) {
            let name = name_of(why);
            warn!(event = "poll.not_of_this", referral = %open.id, why = name, "the platform gives no answer about this one");
            let why = why.chars().take(300).collect();
            self.troubles.insert(open.id.clone(), Trouble { why, soon });
        }
    }
}

/// Asks one platform in one poll.
struct Questions<'p> {
    platform: &'p dyn Platform,
    batch: usize,
    /// How many questions in a row had no answer, and how many were refused.
    in_a_row: usize,
    refused: usize,
    /// Whether any had one.
    answered: bool,
    /// Whether any was put at all: a platform that nobody asks shows nothing of itself.
    put: bool,
}

impl Questions<'_> {
    /// Asks about these; and why it wasn't asked further, where the platform doesn't answer at all.
    async fn ask(&mut self, due: &[OpenReferral]) -> (Told, Option<NoContact>) {
        let mut told = Told::default();
        // One that is there, as the platform or a person says, may have neither number nor token: there's nothing to ask by.
        for open in due.iter().filter(|open| open.remote_id.is_none()) {
            let Some(token) = &open.token else {
                told.unnamed(open, self.platform);
                continue;
            };
            self.put = true;
            let asked = AssertUnwindSafe(self.platform.number_of(token)).catch_unwind().await;
            match asked.unwrap_or_else(|_| Err(broken_off().into())) {
                Ok(number) => {
                    self.heard();
                    let number = number.filter(|number| names_one(number));
                    told.numbers.extend(number.map(|number| (open.id.clone(), number)));
                }
                Err(unanswered) => {
                    let why = format!("凭证 {token}");
                    if let Some(none) = self.unanswered(unanswered, &[open], &why, 1, &mut told) {
                        return (told, Some(none));
                    }
                }
            }
            told.asked.insert(open.id.clone());
        }
        let silence = self.ask_numbers(due, &mut told).await;
        (told, silence)
    }

    async fn ask_numbers(&mut self, due: &[OpenReferral], told: &mut Told) -> Option<NoContact> {
        let mut of_number = OfNumber::new();
        for open in due {
            if let Some(number) = open.remote_id.as_deref() {
                of_number.entry(number).or_default().push(open);
            }
        }
        if !self.platform.answers_questions() {
            told.asked.extend(of_number.values().flatten().map(|open| open.id.clone()));
            return None;
        }
        let mut parts = self.parts(due);
        while let Some(part) = parts.pop_front() {
            self.put = true;
            let asked = AssertUnwindSafe(self.platform.fetch(&part)).catch_unwind().await;
            let unanswered = match asked.unwrap_or_else(|_| Err(broken_off().into())) {
                Ok(answers) => {
                    self.heard();
                    // Not every server gives all that it's asked for at once.
                    parts.extend(told.take(&part, answers, &of_number));
                    continue;
                }
                Err(unanswered) => unanswered,
            };
            let opens = match part.as_slice() {
                [number] => of_number.get(number.as_str()).cloned().unwrap_or_default(),
                _ => Vec::new(),
            };
            let whose = format!("编号 {}", part.first().map_or("", String::as_str));
            let silent = self.unanswered(unanswered, &opens, &whose, part.len(), told);
            if silent.is_some() {
                return silent;
            }
            if part.len() > 1 {
                // One of them may be what it can't answer: the others are asked without it.
                let (left, right) = part.split_at(part.len() / 2);
                parts.push_front(right.to_vec());
                parts.push_front(left.to_vec());
            }
        }
        None
    }

    /// The numbers in lists that a server takes; one that can't stand in a list stands alone.
    fn parts(&self, due: &[OpenReferral]) -> VecDeque<Vec<String>> {
        let mut parts: VecDeque<Vec<String>> = VecDeque::new();
        let (mut listed, mut length, mut seen) = (Vec::new(), 0, HashSet::new());
        for open in due {
            let Some(number) = &open.remote_id else { continue };
            if !seen.insert(number) {
                continue;
            }
            // The old number of what was joined may be gone: it stands in nobody's way.
            if open.replaced == 1 || !self.platform.can_list(number) {
                parts.push_back(vec![number.clone()]);
                continue;
            }
            if listed.len() >= self.batch || length + number.len() > LONGEST_LIST {
                parts.extend((!listed.is_empty()).then(|| std::mem::take(&mut listed)));
                length = 0;
            }
            length += number.len() + 1;
            listed.push(number.clone());
        }
        parts.extend((!listed.is_empty()).then_some(listed));
        parts
    }

    fn heard(&mut self) {
        (self.in_a_row, self.refused, self.answered) = (0, 0, true);
    }

    /// A question has no answer: it's the fault of what was asked, or the platform's. Gives the platform's, where asking on
    /// wouldn't help.
    fn unanswered(
        &mut self,
        unanswered: Unanswered,
        opens: &[&OpenReferral],
        whose: &str,
        many: usize,
        told: &mut Told,
    ) -> Option<NoContact> {
        match unanswered {
            Unanswered::This(reason) => {
                self.in_a_row = 0;
                self.refused += 1;
                if self.refused > MOST_REFUSALS && !self.answered {
                    let reason = format!("对每个编号都回答 {reason}");
                    return Some(NoContact::because(reason));
                }
                told.trouble(opens, &format!("{whose}：平台回答 {reason}"), false);
                None
            }
            Unanswered::At(none) if none.is_of_the_platform() => Some(none),
            Unanswered::At(none) => {
                self.in_a_row += 1;
                // A list is halved as often as it takes to find one that it can't answer.
                let most = 2 + usize::try_from(many.ilog2()).unwrap_or(0);
                let most =
                    if many == 1 { self.most_silent() } else { most.max(self.most_silent()) };
                if self.in_a_row > most {
                    return Some(none);
                }
                told.trouble(opens, &none.reason, true);
                None
            }
        }
    }

    /// How many questions in a row may have no answer before the platform is taken to be silent.
    fn most_silent(&self) -> usize {
        2 + usize::try_from(self.batch.max(1).ilog2()).unwrap_or(0)
    }
}

fn broken_off() -> NoContact {
    NoContact::because("broken_off: 处理答复时程序出错".to_owned())
}
