//! The campaign's rules as pure functions and data.
//!
//! This room knows nothing of time, chance, files, SQL or the network: what it needs is passed in,
//! and the same input always gives the same answer. It imports no other room.

pub mod agreeing;
pub mod area;
pub mod audit;
pub mod backup;
pub mod breach;
pub mod campaign;
pub mod card;
pub mod counted;
pub mod delivery;
pub mod demand;
pub mod duty;
pub mod escalation;
pub mod excuse;
pub mod figures;
pub mod following;
pub mod health;
pub mod holder;
pub mod identity;
pub mod inspection;
pub mod issue;
pub mod ledger;
pub mod mask;
pub mod memory;
pub mod number_form;
pub mod obligations;
pub mod password;
pub mod phone;
pub mod reason;
pub mod recognition;
pub mod referral;
pub mod rights;
#[cfg(test)]
mod samples;
pub mod sampling;
pub mod saying;
pub mod scope;
pub mod second;
pub mod staff;
pub mod subject;
pub mod there;
pub mod township;
pub mod visit;
pub mod wall;
pub mod words;
pub mod workdays;
