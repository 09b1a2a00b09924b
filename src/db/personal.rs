//! Every column that may hold personal data: what people said, were called or are reached by, and what a platform, a channel
//! or a fault says of it. Each is sealed, bound to its row (docs/decisions/0035). What seals, what seals anew and the test
//! that looks for personal data in clear all go by this one list. Names of staff are in it as what stays in clear: the notice
//! itself has them posted (附件2) and printed on a card for each household.

use crate::seal::{Place, Sealer};

use super::{Context, Result};

/// By what the key of an erased resident begins: nobody is found by it.
pub const ERASED_KEY: &str = "erased ";

/// A column whose texts are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub table: &'static str,
    pub name: &'static str,
    pub kept: Kept,
}

/// How a column's texts are kept, and how versions before did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Sealed, always.
    Sealed,
    /// Sealed; versions before kept them as they were, so that what isn't sealed is what it says.
    SealedSince,
    /// As they are; a version before sealed them.
    Plain,
}

/// A table with such columns.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// Its primary key: what sealed values are bound to, behind one another.
    pub key: &'static [&'static str],
    /// Which columns of the key are whole numbers.
    pub numbers: &'static [&'static str],
    pub columns: &'static [Column],
    /// How many rows are sealed anew in one turn.
    pub at_once: i64,
}

/// How many rows of a usual table are sealed anew in one turn.
const ROWS: i64 = 400;
/// How many of one whose values are large.
const LARGE_ROWS: i64 = 2;

macro_rules! tables {
    ($($table:literal by [$($key:literal),+] $(numbers [$($number:literal),+])? $(at $at_once:ident)? {
        $(sealed $sealed:ident = $sealed_name:literal;)*
        $(words $words:ident = $words_name:literal;)*
        $(plain $plain:ident = $plain_name:literal;)*
    })+) => {
        $(
            $(pub const $sealed: Column =
                Column { table: $table, name: $sealed_name, kept: Kept::Sealed };)*
            $(pub const $words: Column =
                Column { table: $table, name: $words_name, kept: Kept::SealedSince };)*
            $(pub const $plain: Column =
                Column { table: $table, name: $plain_name, kept: Kept::Plain };)*
        )+

        /// All of them.
        pub const TABLES: &[Table] = &[$(Table {
            name: $table,
            key: &[$($key),+],
            numbers: &[$($($number),+)?],
            columns: &[$($sealed,)* $($words,)* $($plain),*],
            at_once: tables!(@at $($at_once)?),
        }),+];
    };
    (@at $at_once:ident) => { $at_once };
    (@at) => { ROWS };
}

// `sealed` are those that no version ever kept in clear, `words` those that earlier ones did, `plain` those that are so.
tables! {
    "staff" by ["id"] {
        sealed STAFF_PHONE = "phone_sealed";
        sealed STAFF_EMAIL = "email_sealed";
        sealed STAFF_WECOM = "wecom_sealed";
        sealed STAFF_FEISHU = "feishu_sealed";
        plain STAFF_NAME = "name";
    }
    "subjects" by ["id"] {
        sealed SUBJECT_NAME = "name_sealed";
        sealed SUBJECT_ADDRESS = "address_sealed";
        sealed SUBJECT_ENDED = "ended_words_sealed";
    }
    "residents" by ["id"] {
        sealed RESIDENT_NAME = "name_sealed";
        sealed RESIDENT_CONTACT = "contact_sealed";
        sealed RESIDENT_UNHEARD = "unheard_sealed";
    }
    "issues" by ["id"] {
        sealed ISSUE_TEXT = "text_sealed";
    }
    "assignments" by ["id"] {
        words OVERRIDDEN_BY = "overridden_by";
        words OVERRIDE_REASON = "override_reason";
    }
    "issue_events" by ["issue_id", "sequence"] numbers ["sequence"] {
        words EVENT_BODY = "body";
        words EVENT_ACTOR = "actor";
    }
    "referrals" by ["id"] {
        words UNASKED_WHY = "unasked_why";
    }
    "referral_updates" by ["id"] {
        words ANSWER_BODY = "body";
    }
    "outbox" by ["id"] {
        words OUTBOX_ERROR = "last_error";
    }
    "lanes" by ["name"] {
        words LANE_FAILURE = "failure";
    }
    "job_runs" by ["job", "slot"] numbers ["slot"] {
        words JOB_OUTCOME = "outcome";
    }
    "imports" by ["digest"] {
        words IMPORT_FILE = "file_name";
        words IMPORT_TOLD = "told";
    }
    "imports_under_way" by ["id"] {
        words UNDER_WAY_FILE = "file_name";
        words UNDER_WAY_TOLD = "told";
    }
    "plans" by ["version"] numbers ["version"] {
        words PLAN_BY = "applied_by";
        words PLAN_REASON = "reason";
    }
    "dead_addresses" by ["staff_id", "channel"] {
        words DEAD_REASON = "reason";
    }
    "platform_notes" by ["lane", "what"] {
        words NOTE_SAMPLE = "sample";
    }
    "notices" by ["id"] {
        words NOTICE_TITLE = "title";
        words NOTICE_BODY = "body";
        words NOTICE_HTML = "html";
        words NOTICE_SEVERAL = "several";
    }
    "audit" by ["sequence"] numbers ["sequence"] {
        words AUDIT_DETAIL = "detail";
        words AUDIT_WAS = "was";
        words AUDIT_BECAME = "became";
    }
    "import_pieces" by ["import_id", "sequence"] numbers ["sequence"] at LARGE_ROWS {
        sealed IMPORT_PIECE = "body_sealed";
    }
    "breaches" by ["id"] {
        sealed BREACH_TEXT = "text_sealed";
        sealed BREACH_REPORTER = "reporter_sealed";
        sealed BREACH_ABOUT = "about_sealed";
        sealed BREACH_RESULT = "result_sealed";
    }
    "inspections" by ["id"] {
        sealed INSPECTION_FOUND = "found_sealed";
        sealed INSPECTION_ANSWER = "answer_sealed";
    }
    "inspection_notes" by ["id"] {
        sealed INSPECTION_NOTE = "text_sealed";
    }
    "mediations" by ["id"] {
        sealed MEDIATION_MEDIATOR = "mediator_sealed";
        sealed MEDIATION_PARTIES = "parties_sealed";
        sealed MEDIATION_AGREEMENT = "agreement_sealed";
        sealed MEDIATION_FOLLOWED = "followed_sealed";
        sealed MEDIATION_FOLLOWED_BY = "followed_by";
    }
    "submissions" by ["id"] {
        sealed SUBMISSION_SAID = "said_sealed";
    }
    "words" by ["id"] {
        sealed WORD_TITLE = "title_sealed";
        sealed WORD_BODY = "body_sealed";
    }
    "files" by ["id"] {
        sealed FILE_NAME = "name_sealed";
    }
    "file_pieces" by ["file_id", "sequence"] numbers ["sequence"] at LARGE_ROWS {
        sealed FILE_PIECE = "body_sealed";
    }
    "uploads" by ["id"] {
        sealed UPLOAD_FILE = "file_sealed";
        sealed UPLOAD_TOLD = "told_sealed";
    }
    "second_factors" by ["staff_id"] {
        sealed SECOND_SECRET = "secret_sealed";
    }
    "program_tokens" by ["id"] {
        sealed TOKEN_TITLE = "title_sealed";
    }
    "hand_ins" by ["id"] {
        sealed HAND_IN_WORD = "word_sealed";
    }
    "photos" by ["id"] at LARGE_ROWS {
        sealed PHOTO_BYTES = "bytes_sealed";
        words PHOTO_FILE = "file_name";
    }
}

/// A row by its key of several columns, as sealed values are bound to it.
pub fn row_of(first: &str, second: impl std::fmt::Display) -> String {
    format!("{first}/{second}")
}

impl Column {
    fn of(self, row: &str) -> Place<'_> {
        Place { table: self.table, column: self.name, row }
    }
}

impl Context {
    /// Seals a text for a column of a row.
    pub(crate) fn seal(&self, column: Column, row: &str, text: &str) -> Result<String> {
        match column.kept {
            // A blank says nothing of anybody, and queries ask for it.
            Kept::SealedSince if text.trim().is_empty() => Ok(text.to_owned()),
            Kept::Plain => Ok(text.to_owned()),
            _ => Ok(self.sealer.seal(column.of(row), text)?),
        }
    }

    /// The same of what may not be there.
    pub(crate) fn seal_optional(
        &self,
        column: Column,
        row: &str,
        text: Option<&str>,
    ) -> Result<Option<String>> {
        text.map(|text| self.seal(column, row, text)).transpose()
    }

    /// Opens a column of a row.
    pub(crate) fn open(&self, column: Column, row: &str, sealed: &str) -> Result<String> {
        if column.kept != Kept::Sealed && !Sealer::is_sealed(sealed) {
            return Ok(sealed.to_owned());
        }
        Ok(self.sealer.open(column.of(row), sealed)?)
    }

    /// The same of what may not be there.
    pub(crate) fn open_optional(
        &self,
        column: Column,
        row: &str,
        sealed: Option<String>,
    ) -> Result<Option<String>> {
        sealed.map(|sealed| self.open(column, row, &sealed)).transpose()
    }
}
