//! A stand-in for the platform, for the demo, tests and rehearsals: speaks Open311 GeoReport v2, works
//! on its own clock, and misbehaves as it's told.
//!
//! Knows nothing of the rest of the program but the clock, chance and the words of an answer: what it
//! has written down is the ground truth against which the rest is judged.

mod faults;
mod ledger;
mod server;
mod wire;

pub use faults::{Fault, FaultError, Faults};
pub use ledger::{Ledger, Notice, Stored};
pub use server::Sandbox;
