//! Accounts 登录账号: passwords, the one-time links of first sign-ins, and who is signed in where. Secrets are kept as digests
//! under the key. Instants are real time, in a rehearsal too.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::personal::STAFF_NAME;
use super::{Context, Result, Session, Tx, word};
use crate::domain::identity::Way;

/// What is known of whoever signs in.
#[derive(Clone, Default)]
pub struct Account {
    /// As argon2 writes it; nothing until the first link was used.
    pub password: Option<String>,
    /// Wrong ones since the last right one.
    pub wrong: i64,
    pub locked_until: i64,
    /// Whether nobody may sign in as them by whichever way, until another link is given.
    pub closed: bool,
}

impl std::fmt::Debug for Account {
    /// Secret: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("wrong", &self.wrong).finish_non_exhaustive()
    }
}

struct AccountRow {
    password: Option<String>,
    wrong: i64,
    locked_until: i64,
    closed_at: Option<i64>,
}

from_row!(AccountRow { password, wrong, locked_until, closed_at });

/// A one-time link.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub staff_id: String,
    pub until_at: i64,
    pub ended: bool,
}

/// That somebody is signed in.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub staff_id: String,
    pub seen_at: i64,
    pub until_at: i64,
    pub manner: Manner,
}

/// In which manner somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    pub way: Way,
    /// Whether whoever vouched for them asked for a second factor.
    pub second_elsewhere: bool,
}

impl Manner {
    /// By what we ask ourselves.
    pub const fn own(way: Way) -> Manner {
        Manner { way, second_elsewhere: false }
    }
}

struct SignInRow {
    staff_id: String,
    seen_at: i64,
    until_at: i64,
    way: String,
    second_elsewhere: i64,
}

from_row!(SignInRow { staff_id, seen_at, until_at, way, second_elsewhere });

/// A person's account, as the operator sees it.
#[derive(Debug, Clone)]
pub struct AccountLine {
    pub number: String,
    pub name: String,
    pub has_password: bool,
    /// Whether nobody may sign in as them any more.
    pub closed: bool,
    /// The way of the last of the sign-ins that are kept.
    pub way: Option<Way>,
    /// Whether a link was ever given.
    pub invited: bool,
    /// Until when a link leads to a first sign-in; nothing where none does.
    pub invited_until: Option<i64>,
    pub locked_until: i64,
    /// In how many browsers they are signed in, and when one of them was last seen.
    pub signed_in: i64,
    pub seen_at: Option<i64>,
}

impl AccountLine {
    /// Whether they could ever sign in: a row alone may say that somebody left who never did.
    pub const fn was_opened(&self) -> bool {
        self.has_password || self.invited || self.way.is_some()
    }
}

struct LineRow {
    id: String,
    number: String,
    name: String,
    has_password: i64,
    closed_at: Option<i64>,
    way: Option<String>,
    invited: i64,
    invited_until: Option<i64>,
    locked_until: i64,
    signed_in: i64,
    seen_at: Option<i64>,
}

from_row!(LineRow {
    id,
    number,
    name,
    has_password,
    closed_at,
    way,
    invited,
    invited_until,
    locked_until,
    signed_in,
    seen_at
});

impl Context {
    /// A new secret of a link, a cookie or a form: 256 bits.
    pub fn secret(&self) -> String {
        let mut bytes = [0; 32];
        self.chance.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn invitation_hash(&self, token: &str) -> String {
        self.sealer.index(&["invitation", token])
    }

    fn sign_in_hash(&self, token: &str) -> String {
        self.sealer.index(&["sign-in", token])
    }

    fn state_hash(&self, state: &str) -> String {
        self.sealer.index(&["provider-state", state])
    }
}

impl Session {
    /// A person's account; an empty one where they have none.
    pub async fn account(&mut self, staff_id: &str) -> Result<Account> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT password, wrong, locked_until, closed_at FROM accounts WHERE staff_id = $1",
        )
        .bind(staff_id.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        let account = |AccountRow { password, wrong, locked_until, closed_at }| Account {
            password,
            wrong,
            locked_until,
            closed: closed_at.is_some(),
        };
        Ok(row.map(account).unwrap_or_default())
    }

    /// The one-time link with this secret, if it was ever given.
    pub async fn invitation(&mut self, token: &str) -> Result<Option<Invitation>> {
        let row: Option<(String, i64, Option<i64>)> = sqlx::query_as(
            "SELECT staff_id, until_at, ended_at FROM invitations WHERE token_hash = $1",
        )
        .bind(self.context.invitation_hash(token))
        .fetch_optional(&mut self.db)
        .await?;
        let invitation = |(staff_id, until_at, ended_at): (String, i64, Option<i64>)| Invitation {
            staff_id,
            until_at,
            ended: ended_at.is_some(),
        };
        Ok(row.map(invitation))
    }

    /// Who is signed in with this secret, unless that was ended.
    pub async fn signed_in(&mut self, token: &str) -> Result<Option<SignIn>> {
        self.sign_in_of(token, false).await
    }

    /// Who is half signed in in the browser with this secret: they gave no code yet.
    pub async fn half_signed_in(&mut self, token: &str) -> Result<Option<SignIn>> {
        self.sign_in_of(token, true).await
    }

    async fn sign_in_of(&mut self, token: &str, half: bool) -> Result<Option<SignIn>> {
        let row: Option<SignInRow> = sqlx::query_as(
            "SELECT staff_id, seen_at, until_at, way, second_elsewhere FROM sign_ins WHERE token_hash = $1 AND ended_at IS NULL AND half = $2",
        )
        .bind(self.context.sign_in_hash(token))
        .bind(i64::from(half))
        .fetch_optional(&mut self.db)
        .await?;
        let sign_in = |row: SignInRow| {
            let way = word("sign_ins.way", &row.way, Way::read)?;
            let manner = Manner { way, second_elsewhere: row.second_elsewhere != 0 };
            Ok(SignIn {
                staff_id: row.staff_id,
                seen_at: row.seen_at,
                until_at: row.until_at,
                manner,
            })
        };
        row.map(sign_in).transpose()
    }

    /// Everybody who was given a link, came by an identity provider or was shut out, by number, as it stands at an instant.
    pub async fn account_lines(&mut self, now: i64) -> Result<Vec<AccountLine>> {
        let rows: Vec<LineRow> = sqlx::query_as(
            "SELECT s.id, s.number, s.name, CASE WHEN a.password IS NULL THEN 0 ELSE 1 END AS has_password, a.closed_at,
               (SELECT n.way FROM sign_ins n WHERE n.staff_id = a.staff_id AND n.half = 0 ORDER BY n.created_at DESC, n.token_hash LIMIT 1)
                 AS way,
               CASE WHEN EXISTS (SELECT 1 FROM invitations i WHERE i.staff_id = a.staff_id) THEN 1 ELSE 0 END AS invited,
               (SELECT MAX(i.until_at) FROM invitations i WHERE i.staff_id = a.staff_id AND i.ended_at IS NULL
                AND i.until_at > $1) AS invited_until,
               a.locked_until,
               (SELECT COUNT(*) FROM sign_ins n WHERE n.staff_id = a.staff_id AND n.ended_at IS NULL AND n.until_at > $1 AND n.half = 0)
                 AS signed_in,
               (SELECT MAX(n.seen_at) FROM sign_ins n WHERE n.staff_id = a.staff_id) AS seen_at
             FROM accounts a JOIN staff s ON s.id = a.staff_id ORDER BY s.number",
        )
        .bind(now)
        .fetch_all(&mut self.db)
        .await?;
        let line = |row: LineRow| {
            Ok(AccountLine {
                name: self.context.open(STAFF_NAME, &row.id, &row.name)?,
                number: row.number,
                has_password: row.has_password != 0,
                closed: row.closed_at.is_some(),
                way: row.way.map(|way| word("sign_ins.way", &way, Way::read)).transpose()?,
                invited: row.invited != 0,
                invited_until: row.invited_until,
                locked_until: row.locked_until,
                signed_in: row.signed_in,
                seen_at: row.seen_at,
            })
        };
        rows.into_iter().map(line).collect()
    }
}

impl Tx {
    /// Gives a person a one-time link; those before end.
    pub async fn invite(
        &mut self,
        staff_id: &str,
        token: &str,
        now: i64,
        until: i64,
    ) -> Result<()> {
        self.end_invitations(staff_id, now).await?;
        sqlx::query(
            "INSERT INTO accounts (staff_id, wrong, locked_until) VALUES ($1, 0, 0) ON CONFLICT (staff_id) DO UPDATE SET closed_at = NULL",
        )
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        let hash = self.context.invitation_hash(token);
        sqlx::query(
            "INSERT INTO invitations (token_hash, staff_id, created_at, until_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(hash)
        .bind(staff_id.to_owned())
        .bind(now)
        .bind(until)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Lets a person have an account, without a password where they had none.
    pub async fn ensure_account(&mut self, staff_id: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO accounts (staff_id, wrong, locked_until) VALUES ($1, 0, 0) ON CONFLICT (staff_id) DO NOTHING",
        )
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Nobody signs in as this person any more, by whichever way, until they are given another link.
    pub async fn close_account(&mut self, staff_id: &str, now: i64) -> Result<()> {
        self.set_password(staff_id, None, now).await?;
        sqlx::query(
            "INSERT INTO accounts (staff_id, wrong, locked_until, closed_at) VALUES ($1, 0, 0, $2)
             ON CONFLICT (staff_id) DO UPDATE SET closed_at = $2",
        )
        .bind(staff_id.to_owned())
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Takes what a browser came back with from an identity provider, which is good once and until an instant. Whether it was.
    pub async fn take_state(&mut self, state: &str, now: i64, until: i64) -> Result<bool> {
        sqlx::query("DELETE FROM provider_states WHERE until_at < $1")
            .bind(now)
            .execute(&mut self.db)
            .await?;
        let hash = self.context.state_hash(state);
        let taken = sqlx::query(
            "INSERT INTO provider_states (state_hash, until_at) VALUES ($1, $2) ON CONFLICT (state_hash) DO NOTHING",
        )
        .bind(hash)
        .bind(until)
        .execute(&mut self.db)
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// No link of a person's leads to a first sign-in any more.
    pub async fn end_invitations(&mut self, staff_id: &str, now: i64) -> Result<()> {
        sqlx::query(
            "UPDATE invitations SET ended_at = $1 WHERE staff_id = $2 AND ended_at IS NULL",
        )
        .bind(now)
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Sets a person's password, or takes it away; what was given wrongly is forgotten.
    pub async fn set_password(
        &mut self,
        staff_id: &str,
        password: Option<&str>,
        now: i64,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE accounts SET password = $1, set_at = $2, wrong = 0, locked_until = 0 WHERE staff_id = $3",
        )
        .bind(password.map(str::to_owned))
        .bind(now)
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// How often a person's password was given wrongly, and until when nobody may try.
    pub async fn count_wrong(
        &mut self,
        staff_id: &str,
        wrong: i64,
        locked_until: i64,
    ) -> Result<()> {
        sqlx::query("UPDATE accounts SET wrong = $1, locked_until = $2 WHERE staff_id = $3")
            .bind(wrong)
            .bind(locked_until)
            .bind(staff_id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Signs a person in, until an instant and whole or half, and forgets who was signed in long ago.
    pub async fn begin_sign_in(
        &mut self,
        token: &str,
        staff_id: &str,
        now: i64,
        (until, half, manner): (i64, bool, Manner),
    ) -> Result<()> {
        sqlx::query("DELETE FROM sign_ins WHERE staff_id = $1 AND until_at < $2")
            .bind(staff_id.to_owned())
            .bind(now)
            .execute(&mut self.db)
            .await?;
        let hash = self.context.sign_in_hash(token);
        sqlx::query(
            "INSERT INTO sign_ins (token_hash, staff_id, created_at, seen_at, until_at, half, way, second_elsewhere)
             VALUES ($1, $2, $3, $3, $4, $5, $6, $7)",
        )
        .bind(hash)
        .bind(staff_id.to_owned())
        .bind(now)
        .bind(until)
        .bind(i64::from(half))
        .bind(manner.way.code())
        .bind(i64::from(manner.second_elsewhere))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Somebody who is signed in was seen.
    pub async fn see_signed_in(&mut self, token: &str, now: i64) -> Result<()> {
        let hash = self.context.sign_in_hash(token);
        sqlx::query("UPDATE sign_ins SET seen_at = $1 WHERE token_hash = $2 AND ended_at IS NULL")
            .bind(now)
            .bind(hash)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Signs this browser out.
    pub async fn end_sign_in(&mut self, token: &str, now: i64) -> Result<()> {
        let hash = self.context.sign_in_hash(token);
        sqlx::query("UPDATE sign_ins SET ended_at = $1 WHERE token_hash = $2 AND ended_at IS NULL")
            .bind(now)
            .bind(hash)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Signs a person out wherever they are signed in. In how many browsers that was.
    pub async fn end_sign_ins(&mut self, staff_id: &str, now: i64) -> Result<u64> {
        let ended = sqlx::query(
            "UPDATE sign_ins SET ended_at = $1 WHERE staff_id = $2 AND ended_at IS NULL AND until_at > $1",
        )
        .bind(now)
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(ended.rows_affected())
    }
}
