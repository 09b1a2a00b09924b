//! The use cases: one file for each thing that can happen. Each loads the facts of a set, lets the domain decide, and writes
//! the difference, in a transaction of its own or in its caller's.
//!
//! Knows the domain and the SQL room; nothing of files, platforms, channels, pages or the command line. No rule of the plan
//! stands here, and no SQL.

mod casework;
mod centre;
mod issue_debt;
mod issue_doing;
mod issue_glance;
mod issue_note;
mod met_before;
mod near;
mod passwords;
mod renumbered;
mod returned;
mod said_before;
mod visit_demands;
mod visit_desk;
mod visit_rows;

pub mod absences;
pub mod accounts;
pub mod acknowledge;
pub mod areas;
pub mod as_of;
pub mod assignments;
pub mod batch;
pub mod beside;
pub mod cards;
pub mod choices;
pub mod claimed;
pub mod confirm;
pub mod deliveries;
pub mod doctor;
pub mod draws;
mod duplicates;
pub mod endings;
pub mod erase;
pub mod files;
pub mod hand_ins;
pub mod hand_off;
pub mod household;
pub mod imports;
pub mod inspections;
pub mod issue_acts;
pub mod issues;
pub mod ledger;
pub mod links;
pub mod mediations;
pub mod owed;
pub mod owners;
pub mod people;
pub mod photos;
pub mod plan;
mod plan_change;
pub mod problem;
pub mod put_back;
pub mod receive_updates;
pub mod recording;
pub mod rederive;
pub mod registered;
pub mod remind;
pub mod restored;
pub mod screens;
pub mod sealing;
pub mod second;
pub mod shown;
pub mod staff;
pub mod standing;
pub mod subjects;
pub mod tokens;
pub mod told;
pub mod uploads;
pub mod vacant;
pub mod visits;
pub mod without_subjects;
pub mod without_visitor;
