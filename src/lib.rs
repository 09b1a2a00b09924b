//! zoufang (走访): a township's visit campaign, from the first knock to the last answer.
//!
//! The rooms, from the inside out:
//!
//! - [`domain`]: the campaign's rules, pure: no I/O, no clock, no SQL.
//! - [`clock`], [`seal`]: time and chance, and the sealing of personal data, handed to all others.
//! - [`private_file`]: every file that is made is made by it.
//! - [`tls`]: the service's own certificate.
//! - [`picture`]: photos, looked through, and nothing of them but the picture.
//! - [`db`]: the record; all the SQL there is.
//! - [`backup`]: sealed copies of the record, and what takes one back.
//! - [`app`]: what can happen, each in a turn of its own.
//! - [`settings`]: typed configuration.
//! - [`intake`]: what comes in: workbooks and csv.
//! - [`delivery`]: the delivery engine: each debt once.
//! - [`platform`]: what is owed to the platform, and what it answers.
//! - [`notify`]: what is owed to people: reminders, in digests.
//! - [`identity`]: identity providers, by whose word people sign in.
//! - [`schedule`]: which reconciler wakes when.
//! - [`reports`]: what is handed in and handed out: workbooks, documents, pages to print.
//! - [`daemon`]: all of it put together by configuration.
//! - [`check`]: everything that it would need, asked before it's needed.
//! - [`web`], [`cli`]: how operators see and run it.
//! - [`rehearsal`]: one's own campaign on a copy of the record, to its end.
//! - [`demo`]: a whole campaign in a minute.
//! - [`sandbox`]: a stand-in platform that misbehaves as it's told.

pub mod app;
pub mod backup;
mod cell_text;
pub mod check;
pub mod cli;
pub mod clock;
pub mod daemon;
pub mod db;
pub mod delivery;
pub mod demo;
pub mod domain;
pub mod identity;
pub mod intake;
pub mod notify;
pub mod picture;
pub mod platform;
pub mod private_file;
pub mod rehearsal;
pub mod reports;
pub mod sandbox;
pub mod schedule;
pub mod seal;
pub mod settings;
mod templates;
pub mod tls;
pub mod web;
mod wecom;
