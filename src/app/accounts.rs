//! Signing in: a first time by a one-time link, by which one chooses a password, then by number and password; and its end,
//! everywhere at once where an operator says so. All by real time, in a rehearsal too.

use serde_json::json;

use super::passwords::{digest, fits};
use crate::clock::span_millis;
use crate::db::{Account, Context, Invitation, Manner, Result, Session, Store, StoreError, Tx};
use crate::domain::identity::Way;
use crate::domain::password::{self, Known, WRONG, locked_for};
use crate::domain::staff::StaffMember;

/// For so many days a link leads to a first sign-in.
pub const INVITED_DAYS: i64 = 7;
const DAY: i64 = 24 * 3_600 * 1_000;
/// For so long whoever gave their password may give the code, in milliseconds.
const HALF: i64 = 10 * 60 * 1_000;
/// A browser that is used is noted so often, in milliseconds: reading takes no turn otherwise.
const SEEN_EVERY: i64 = 10 * 60 * 1_000;

/// For how long somebody stays signed in.
#[derive(Debug, Clone, Copy)]
pub struct Stay {
    /// Without doing anything, and at all.
    pub idle: std::time::Duration,
    pub longest: std::time::Duration,
}

/// That somebody left, to whoever would give them something to come in by.
const HAS_LEFT: &str =
    "走访人员表里已经离岗，不能再登录，也不给链接；回岗的，请先在走访人员表里写明角色再导入";

/// Whether a person is let in by whatever they have, and may be given something to come in by: whoever is still here. Passwords,
/// links, sessions, codes, providers and programs' tokens all ask this.
pub fn is_let_in(person: &StaffMember) -> bool {
    !person.has_left()
}

/// That they are still here to whom something to come in by is to be given.
///
/// # Errors
/// [`StoreError::Rule`] where they left.
pub fn still_here(person: &StaffMember) -> Result<()> {
    match is_let_in(person) {
        true => Ok(()),
        false => Err(StoreError::Rule(format!("「{}」{HAS_LEFT}", person.signed()))),
    }
}

/// The person of that id, where they are let in.
pub(super) async fn let_in(session: &mut Session, id: &str) -> Result<Option<StaffMember>> {
    Ok(session.staff_member(id).await?.filter(is_let_in))
}

/// Gives a person a one-time link for a first sign-in, or for another password; those before end. Its secret.
///
/// # Errors
/// [`StoreError::Rule`] where they left, or where the record can't be written.
pub async fn invite(tx: &mut Tx, person: &StaffMember, by: &StaffMember) -> Result<String> {
    still_here(person)?;
    let (token, now) = (tx.context().secret(), real(tx.context()));
    tx.invite(&person.id, &token, now, now + INVITED_DAYS * DAY).await?;
    tx.audit(&by.signed(), "invite", &person.number, &json!({ "days": INVITED_DAYS })).await?;
    Ok(token)
}

/// Signs a person out everywhere; with `closes` their password, their links, their calendar's address and the
/// tokens of programs that act as them end too. In how many browsers they were signed in.
///
/// # Errors
/// Where the record can't be written.
pub async fn end(
    tx: &mut Tx,
    person: &StaffMember,
    closes: bool,
    by: &StaffMember,
    reason: &str,
) -> Result<u64> {
    end_by(tx, person, closes, &by.signed(), reason).await
}

/// Ends all by which somebody signs in who has left, on the word of the table that says so.
pub(super) async fn left(tx: &mut Tx, person: &StaffMember) -> Result<()> {
    tx.drop_notices_of(&person.id, "收件人已离岗；没有发出").await?;
    end_by(tx, person, true, "import", "走访人员表：离岗").await.map(drop)
}

async fn end_by(
    tx: &mut Tx,
    person: &StaffMember,
    closes: bool,
    by: &str,
    reason: &str,
) -> Result<u64> {
    let now = real(tx.context());
    let ended = tx.end_sign_ins(&person.id, now).await?;
    if closes {
        tx.end_invitations(&person.id, now).await?;
        tx.close_account(&person.id, now).await?;
        tx.end_program_tokens_of(&person.id, now).await?;
        tx.revoke_links(&person.id).await?;
        tx.renew_calendar(&person.id).await?;
    }
    let detail = json!({ "reason": reason, "closed": closes, "signed_in": ended });
    tx.audit(by, "end_sign_ins", &person.number, &detail).await?;
    Ok(ended)
}

/// Where a one-time link leads.
#[derive(Debug)]
pub enum Invited {
    /// To a first sign-in of this person.
    Person(Box<StaffMember>),
    /// It was used, replaced, or has ended.
    Ended,
    Unknown,
}

/// Where a one-time link leads; looking ends nothing, as programs that show a preview look too.
///
/// # Errors
/// Where the record can't be read.
pub async fn invited(session: &mut Session, token: &str) -> Result<Invited> {
    let now = real(session.context());
    let Some(Invitation { staff_id, until_at, ended }) = session.invitation(token).await? else {
        return Ok(Invited::Unknown);
    };
    let person = let_in(session, &staff_id).await?;
    Ok(match person.filter(|_| !ended && until_at > now) {
        Some(person) => Invited::Person(Box::new(person)),
        None => Invited::Ended,
    })
}

/// What came of signing in.
#[derive(Debug)]
pub enum Entered {
    /// The secret of the cookie.
    In(String),
    /// The same, of a browser in which nobody is signed in before a code is given too.
    Half(String),
    /// Why not, for whoever tried.
    Not(String),
}

/// Chooses a password by a one-time link, which ends, and signs in; whoever was signed in before isn't any more.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn take_up(store: &Store, token: &str, chosen: &str, stay: Stay) -> Result<Entered> {
    let mut record = store.snapshot().await?;
    let found = invited(&mut record, token).await?;
    let Invited::Person(person) = found else {
        record.end().await?;
        return Ok(Entered::Not(
            "这个链接已经用过或过期，请向镇组织人事办公室要新的登录链接".to_owned(),
        ));
    };
    let phone = record.phones(&[person.id.as_str()]).await?.remove(&person.id);
    record.end().await?;
    let known = Known { number: &person.number, phone: phone.as_deref() };
    if let Err(why) = password::check(chosen, known) {
        return Ok(Entered::Not(why));
    }
    let kept = digest(store.context(), &person.id, chosen).await?;
    let mut tx = store.begin().await?;
    // Somebody else may have used it meanwhile.
    if !matches!(invited(&mut tx, token).await?, Invited::Person(_)) {
        tx.rollback().await?;
        return Ok(Entered::Not("这个链接已经用过，请用密码登录".to_owned()));
    }
    let now = real(tx.context());
    tx.end_invitations(&person.id, now).await?;
    tx.end_sign_ins(&person.id, now).await?;
    tx.set_password(&person.id, Some(&kept), now).await?;
    let entered =
        begin_or_half(&mut tx, &person, stay, ("set_password", Manner::own(Way::Link))).await?;
    tx.commit().await?;
    Ok(entered)
}

/// Signs in by number and password; who was signed in in this browser `before` is no more. Whoever can't learns nothing of why: not whether there is such a number, nor whether it's
/// locked.
///
/// # Errors
/// Where the record can't be read or written, or too many sign in at once.
pub async fn sign_in(
    store: &Store,
    number: &str,
    given: &str,
    before: Option<&str>,
    stay: Stay,
) -> Result<Entered> {
    let mut record = store.snapshot().await?;
    let number = number.trim();
    let person = record.staff_numbered(number).await?.filter(is_let_in);
    let id = person.as_ref().map(|person| person.id.clone()).unwrap_or_default();
    let account = record.account(&id).await?;
    record.end().await?;
    let now = real(store.context());
    let kept = account.password.filter(|_| account.locked_until <= now);
    let tried = kept.clone();
    let fits = fits(store.context(), &id, given, kept).await?;
    let Some(person) = person.filter(|_| tried.is_some()) else { return Ok(not_in()) };
    let mut tx = store.begin().await?;
    // As it stands in this turn: many may have tried at once, another password was chosen, or they left.
    let account = tx.account(&person.id).await?;
    let is_here = let_in(&mut tx, &person.id).await?.is_some();
    if account.locked_until > now || account.password != tried || !is_here {
        tx.rollback().await?;
        return Ok(not_in());
    }
    if !fits {
        wrong_once(&mut tx, &person, &account).await?;
        tx.commit().await?;
        return Ok(not_in());
    }
    if let Some(before) = before {
        tx.end_sign_in(before, now).await?;
    }
    let entered =
        begin_or_half(&mut tx, &person, stay, ("sign_in", Manner::own(Way::Password))).await?;
    if matches!(entered, Entered::In(_)) {
        tx.count_wrong(&person.id, 0, 0).await?;
    }
    tx.commit().await?;
    Ok(entered)
}

/// Counts what was given wrongly; after some the account is locked for a while.
pub(super) async fn wrong_once(tx: &mut Tx, person: &StaffMember, account: &Account) -> Result<()> {
    let (wrong, now) = (account.wrong + 1, real(tx.context()));
    let locked = locked_for(wrong).map_or(0, |span| now + span_millis(span));
    tx.count_wrong(&person.id, wrong, locked).await?;
    if locked > 0 {
        tx.audit("sign-in", "lock_account", &person.number, &json!({ "wrong": wrong })).await?;
    }
    Ok(())
}

pub(super) fn not_in() -> Entered {
    let minutes = password::LOCKED_FOR.as_secs() / 60;
    Entered::Not(format!(
        "没有登录：人员编号或密码不对。连续填错 {WRONG} 次会锁定 {minutes} 分钟，锁定期间密码对了也不能登录。忘记密码的，请向镇组织人事办公室要新的登录链接"
    ))
}

/// To whoever has shown who they are, and may not sign in for so many milliseconds yet.
pub(super) fn locked(for_millis: i64) -> String {
    let minutes = (for_millis + 59_999).div_euclid(60_000);
    format!(
        "没有登录：这个账号因为密码或验证码连错太多次被锁定，请 {minutes} 分钟后再试。不是您自己填错的，请告诉镇组织人事办公室"
    )
}

/// Signs in, or only half where a code is to be given too and nobody else asked for a second factor.
pub(super) async fn begin_or_half(
    tx: &mut Tx,
    person: &StaffMember,
    stay: Stay,
    (act, manner): (&str, Manner),
) -> Result<Entered> {
    let has_second = tx.second_factor(&person.id).await?.is_some_and(|found| found.confirmed);
    if !has_second || manner.second_elsewhere {
        return begin(tx, person, stay, (act, manner)).await.map(Entered::In);
    }
    let (secret, now) = (tx.context().secret(), real(tx.context()));
    tx.begin_sign_in(&secret, &person.id, now, (now + HALF, true, manner)).await?;
    Ok(Entered::Half(secret))
}

pub(super) async fn begin(
    tx: &mut Tx,
    person: &StaffMember,
    stay: Stay,
    (act, manner): (&str, Manner),
) -> Result<String> {
    let (secret, now) = (tx.context().secret(), real(tx.context()));
    let until = now + span_millis(stay.longest);
    tx.begin_sign_in(&secret, &person.id, now, (until, false, manner)).await?;
    let Manner { way, second_elsewhere } = manner;
    let detail = match second_elsewhere {
        true => json!({ "way": way, "second_elsewhere": true }),
        false => json!({ "way": way }),
    };
    tx.audit(&person.signed(), act, &person.number, &detail).await?;
    Ok(secret)
}

/// Somebody who is signed in.
#[derive(Debug)]
pub struct SignedIn {
    pub person: StaffMember,
    pub manner: Manner,
    /// Whether its use is to be noted by [`seen`].
    pub is_news: bool,
}

/// Whose browser it is that shows this secret; nothing where nobody is signed in there any more.
///
/// # Errors
/// Where the record can't be read.
pub async fn whose(session: &mut Session, secret: &str, stay: Stay) -> Result<Option<SignedIn>> {
    let now = real(session.context());
    let Some(found) = session.signed_in(secret).await? else { return Ok(None) };
    if found.until_at <= now || found.seen_at + span_millis(stay.idle) <= now {
        return Ok(None);
    }
    let person = let_in(session, &found.staff_id).await?;
    let is_news = found.seen_at + SEEN_EVERY <= now;
    Ok(person.map(|person| SignedIn { person, manner: found.manner, is_news }))
}

/// A browser is in use.
///
/// # Errors
/// Where the record can't be written.
pub async fn seen(store: &Store, secret: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    let now = real(tx.context());
    tx.see_signed_in(secret, now).await?;
    tx.commit().await
}

/// Signs one browser out.
///
/// # Errors
/// Where the record can't be written.
pub async fn sign_out(store: &Store, secret: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    let now = real(tx.context());
    tx.end_sign_in(secret, now).await?;
    tx.commit().await
}

/// Real time.
pub(super) fn real(context: &Context) -> i64 {
    context.clock.wire_millis()
}
