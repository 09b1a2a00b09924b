//! zoufang (走访): a township's visit campaign, from the first knock to the last answer.
//!
//! The rooms, from the inside out:
//!
//! - [`domain`]: the campaign's rules, pure: no I/O, no clock, no SQL.
//! - [`clock`], [`seal`]: time and chance, and the sealing of personal data, handed to all others.
//! - [`store`]: the record; all the SQL there is.

pub mod clock;
pub mod domain;
pub mod seal;
pub mod store;
