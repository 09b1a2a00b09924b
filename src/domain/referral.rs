//! 上报: one submission of one issue to the platform, in one round, and what the platform answers.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::delivery::Withdrawal;
use super::issue::{Event, Issue, State};
use crate::words;

words! {
    /// What a platform's own status means to us; configuration maps its words to these.
    PlatformStatus {
        Received = "received", "已收到";
        Accepted = "accepted", "已受理";
        InProgress = "in_progress", "办理中";
        Resolved = "resolved", "已办结";
        Refused = "refused", "退回";
        Replaced = "replaced", "并入或拆分";
    }
}

impl PlatformStatus {
    /// Whether it says that somebody is at it.
    pub const fn is_open(self) -> bool {
        use PlatformStatus::{Accepted, InProgress, Received};
        matches!(self, Received | Accepted | InProgress)
    }
}

/// One answer of the platform about one of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformUpdate {
    /// The platform's own number.
    pub remote_id: String,
    /// The platform's own word.
    pub word: String,
    /// What the word means, where configuration knows it.
    pub status: Option<PlatformStatus>,
    /// What it tells the resident.
    pub text: String,
    /// When it happened, by the platform's clock, where it says so.
    pub at: Option<Timestamp>,
    /// The numbers under which the platform goes on with it, where this one was replaced: renumbered or joined to
    /// another (one), or split (several).
    pub successors: Vec<String>,
    /// The platform's own number of this answer, where it gives one: the same again is the same answer, and numbers that
    /// count tell the order.
    pub update_id: Option<String>,
    pub told: Told,
}

/// Whether an answer says how a request stands now, or what happened to it at some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Told {
    #[default]
    Now,
    Then,
}

/// What a platform's word means: however it writes it (`In Progress`, `IN_PROGRESS`), it's one word.
///
/// ```
/// use zoufang::domain::referral::{PlatformStatus, meaning};
/// let words = [("in_progress".to_owned(), PlatformStatus::InProgress)].into();
/// assert_eq!(meaning(&words, " In-Progress"), Some(PlatformStatus::InProgress));
/// assert_eq!(meaning(&words, "progress"), None);
/// ```
pub fn meaning(words: &BTreeMap<String, PlatformStatus>, word: &str) -> Option<PlatformStatus> {
    let exact = words.get(&word.to_lowercase()).copied();
    let plain = plain_word(word);
    exact.or_else(|| words.iter().find(|(known, _)| plain_word(known) == plain).map(|(_, of)| *of))
}

fn plain_word(word: &str) -> String {
    let letters = word.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// The text by which a referral is found again on any platform: it stands in every description.
///
/// ```
/// assert_eq!(zoufang::domain::referral::reference("CHD2022-000007", 2), "CHD2022-000007-R2");
/// ```
pub fn reference(issue_number: &str, round: i64) -> String {
    format!("{issue_number}-R{round}")
}

/// The number of the issue that a referral is of.
///
/// ```
/// assert_eq!(zoufang::domain::referral::issue_of("CHD2022-000007-R2"), "CHD2022-000007");
/// ```
pub fn issue_of(reference: &str) -> &str {
    reference.rsplit_once("-R").map_or(reference, |(issue, _)| issue)
}

/// A number of ours as somebody wrote it, as we write it: with whatever dash, in letters of whatever size or width. What is no
/// number of ours stays.
///
/// ```
/// use zoufang::domain::referral::as_given;
/// assert_eq!(as_given("chd2022－000002–r1", "CHD2022"), "CHD2022-000002-R1");
/// assert_eq!(as_given("ChD2022—c0001", "CHD2022"), "CHD2022-C0001");
/// assert_eq!(as_given("old2021-000002", "CHD2022"), "old2021-000002");
/// assert_eq!(as_given("路灯—不亮", "CHD2022"), "路灯—不亮");
/// ```
pub fn as_given(text: &str, code: &str) -> String {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ad}' => '-',
        c => c,
    };
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(plain).collect();
    let is_ours = plain.split_once('-').is_some_and(|(of, rest)| {
        of.eq_ignore_ascii_case(code) && !rest.is_empty() && rest.is_ascii()
    });
    match plain.split_once('-') {
        Some((_, rest)) if is_ours => format!("{code}-{}", rest.to_ascii_uppercase()),
        Some(_) if plain.is_ascii() && !text.contains(char::is_whitespace) => plain,
        _ => text.to_owned(),
    }
}

/// The reference as it stands in a description: brackets keep `R1` from matching `R12`.
pub fn marked(reference: &str) -> String {
    format!("[{reference}]")
}

/// How far in the mark stands at the most, in characters: behind the opening clause, where people read on over it and no
/// platform's cut takes it.
const OPENING: usize = 20;

/// What is said, with no bracket in it that could be read as a mark: only we write marks. And what gateways take for the
/// beginning of a tag, of another field or of a code, and cut a text at, is as wide as the characters beside it.
///
/// ```
/// use zoufang::domain::referral::neutral;
/// assert_eq!(neutral("条子上写着[CHD2022-000001-R1]，[急]"), "条子上写着［CHD2022-000001-R1］，[急]");
/// assert_eq!(neutral("管径<30%，A&B路口#3"), "管径＜30％，A＆B路口＃3");
/// ```
pub fn neutral(text: &str) -> String {
    let wide = |character| match character {
        '<' => '＜',
        '>' => '＞',
        '&' => '＆',
        '%' => '％',
        '#' => '＃',
        other => other,
    };
    unmarked(&text.chars().map(wide).collect::<String>())
}

fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        match after.split_once(']') {
            Some((inside, after)) if is_reference(inside) => {
                out.push_str(&format!("［{inside}］"));
                rest = after;
            }
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out + rest
}

/// A text, and more of ours behind it, with the mark in both of its places: behind the opening clause, where no cut takes
/// it, and at the end.
///
/// ```
/// use zoufang::domain::referral::described;
/// assert_eq!(described("路灯不亮，修修", "（急）", "X-1-R1"), "路灯不亮，[X-1-R1]修修（急）[X-1-R1]");
/// assert_eq!(described("路灯", "", "X-1-R1"), "路灯[X-1-R1]");
/// ```
pub fn described(text: &str, more: &str, reference: &str) -> String {
    let (text, more, mark) = (neutral(text), neutral(more), marked(reference));
    let (opening, rest) = text.split_at(opening_clause(&text));
    let rest = format!("{rest}{more}");
    let end = if rest.trim().is_empty() { "" } else { &mark };
    format!("{opening}{mark}{rest}{end}")
}

/// Where the opening clause of a text ends, in bytes: the whole of a short one; 0 where it's longer than [`OPENING`].
pub(super) fn opening_clause(text: &str) -> usize {
    let ends = |character: char| "：:，,。；;！!？?、\n".contains(character);
    // Where some keep nothing from such a character on: beyond the characters of old databases, or what closes a quotation.
    let cuts = |character: char| {
        character > '\u{ffff}' || "\\'\"".contains(character) || character.is_control()
    };
    let mut opening = text.char_indices().take(OPENING);
    let found = opening.find(|(_, character)| ends(*character) || cuts(*character));
    match found {
        Some((at, character)) if cuts(character) => at,
        Some((at, character)) => at + character.len_utf8(),
        None if text.chars().count() <= OPENING => text.len(),
        None => 0,
    }
}

/// The reference that stands marked in a text, if one does.
///
/// ```
/// use zoufang::domain::referral::reference_in;
/// assert_eq!(reference_in("路灯不亮[CHD2022-000007-R1]"), Some("CHD2022-000007-R1"));
/// assert_eq!(reference_in("路灯不亮[急]"), None);
/// ```
pub fn reference_in(text: &str) -> Option<&str> {
    bracketed(text).find(|inside| {
        let round = inside.rsplit_once("-R").map(|(_, round)| round).unwrap_or_default();
        is_digits(round)
    })
}

/// Whether it's written as references of referrals, messages and photos are.
pub(super) fn is_reference(inside: &str) -> bool {
    inside.split_once("-R").is_some_and(|(_, rest)| {
        let round = rest.split("-M").next().and_then(|rest| rest.split("-P").next());
        round.is_some_and(is_digits)
    })
}

pub(super) fn bracketed(text: &str) -> impl Iterator<Item = &str> {
    text.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the platform is told of an event, if it is told at all: the town's part of a joint matter, what the
/// resident says at the revisit (plan, 三(四)), and that a matter is withdrawn.
pub fn message(event: &Event) -> Option<String> {
    match event {
        Event::TownFinished { result } => Some(format!("镇村部分已办结：{result}")),
        Event::Satisfied => Some("回访：群众表示满意".to_owned()),
        Event::Reopened { reason } => Some(format!("重新办理：{reason}")),
        Event::AnswerCorrected { reason } => {
            Some(format!("回访：更正，上次登记的「不满意」有误，不用重新办理：{reason}"))
        }
        Event::Voided { reason } => Some(format!("不再需要办理：{reason}")),
        Event::PlatformOverridden { reason, .. } => Some(format!("不再需要平台办理：{reason}")),
        _ => None,
    }
}

/// Why an event, which brought the issue to `after`, leaves what wasn't delivered of it owed no longer.
pub fn withdrawal(event: &Event, after: &Issue) -> Option<Withdrawal> {
    match event {
        Event::Voided { .. } => Some(Withdrawal::Voided),
        Event::PlatformOverridden { .. } => Some(Withdrawal::Overridden),
        Event::Reopened { .. } | Event::AnswerCorrected { .. } => Some(Withdrawal::Superseded),
        // One in its first round was never referred.
        Event::Classified { level, .. } if after.round > 1 && !level.is_referred() => {
            Some(Withdrawal::Reclassified)
        }
        _ => None,
    }
}

/// The text by which a message is found again: that of its referral, and the event's sequence.
pub fn message_reference(reference: &str, sequence: i64) -> String {
    format!("{reference}-M{sequence}")
}

/// The text by which a photo is found again: that of its referral, and its place among the issue's.
pub fn photo_reference(reference: &str, place: i64) -> String {
    format!("{reference}-P{place}")
}

/// How what we tell the platform begins: a text of its own that only quotes a mark of ours doesn't.
const TOLD: [&str; 6] =
    ["镇村部分已办结：", "回访：", "重新办理：", "不再需要办理：", "不再需要平台办理：", "照片"];
/// What stands beside a photo.
pub const PHOTO: &str = "照片：";

/// Whether a text of the platform is a message or photo of ours that comes back: it begins as ours do, and carries a mark
/// of one in its own place.
///
/// ```
/// use zoufang::domain::referral::is_own_message;
/// assert!(is_own_message("回访：[CHD2022-000007-R1-M5]群众表示满意"));
/// assert!(is_own_message("照片[CHD2022-000007-R1-P1]"));
/// assert!(!is_own_message("已办结 [CHD2022-000007-R1]"));
/// assert!(!is_own_message("已按你们的[CHD2022-000007-R1-M5]办结"));
/// ```
pub fn is_own_message(text: &str) -> bool {
    let text = text.trim();
    let Some(said) = TOLD.iter().find_map(|opening| text.strip_prefix(opening)) else {
        return false;
    };
    let first = said
        .trim_start_matches(['：', ' '])
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let last = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    let inside = [first.map(|(inside, _)| inside), last.map(|(_, inside)| inside)];
    inside.into_iter().flatten().any(|inside| {
        ["-M", "-P"]
            .iter()
            .filter_map(|kind| inside.rsplit_once(kind))
            .filter_map(|(reference, number)| Some((reference.rsplit_once("-R")?.1, number)))
            .any(|(round, number)| is_digits(round) && is_digits(number))
    })
}

/// The event by which the platform takes back that it refused what was referred in that round, where nothing was done with
/// it yet.
pub fn refusal_taken_back(
    issue: &Issue,
    round: i64,
    status: PlatformStatus,
    text: &str,
) -> Option<Event> {
    let waits = issue.state == State::Returned && issue.round == round + 1;
    let is_open = status.is_open();
    (waits && is_open).then(|| Event::PlatformReopened { reason: text.to_owned() })
}

/// The event by which the platform takes up again what it had ended.
pub fn taken_up_again(issue: &Issue, status: PlatformStatus, text: &str) -> Option<Event> {
    let open = status.is_open();
    let ended = matches!(issue.state, State::InProgress | State::Resolved | State::Closed);
    (open && ended && issue.platform_finished)
        .then(|| Event::PlatformReopened { reason: text.to_owned() })
}

/// The event that brings `issue` to where the platform says it is, if that is further on.
pub fn event_for(issue: &Issue, status: PlatformStatus, text: &str) -> Option<Event> {
    let with_platform =
        matches!(issue.state, State::Referred | State::Accepted | State::InProgress)
            && !issue.platform_finished;
    if !with_platform {
        return None;
    }
    match status {
        PlatformStatus::Received | PlatformStatus::Replaced => None,
        PlatformStatus::Accepted => (issue.state == State::Referred).then_some(Event::Accepted),
        PlatformStatus::InProgress => (issue.state != State::InProgress).then_some(Event::Started),
        PlatformStatus::Resolved => Some(Event::PlatformFinished { reply: text.to_owned() }),
        PlatformStatus::Refused => Some(Event::Refused { reason: text.to_owned() }),
    }
}
/// The longest number that a platform is believed to give.
const LONGEST_NUMBER: usize = 200;

/// Whether what a person typed can be a platform's number.
///
/// # Errors
/// What is wrong with it.
pub fn is_a_number(number: &str) -> Result<(), String> {
    if number.chars().count() > LONGEST_NUMBER {
        return Err(format!("平台编号太长（最多 {LONGEST_NUMBER} 个字）：请只填编号，不要填别的"));
    }
    match number.trim().is_empty() || number.chars().any(char::is_control) {
        true => Err("平台编号是空的，或者里面有换行：请只填编号".to_owned()),
        false => Ok(()),
    }
}
