//! zoufang (走访): a township's visit campaign, from the first knock to the last answer.
//!
//! The rooms, from the inside out:
//!
//! - [`domain`]: the campaign's rules, pure: no I/O, no clock, no SQL.

pub mod domain;
