//! A stand-in for the platform, for the demo, tests and rehearsals: speaks Open311 GeoReport v2, works
//! on its own clock, behaves like any of the real ones (`profiles`), and misbehaves as it's told (`faults`).
//!
//! Knows nothing of the rest of the program but the clock, chance and the words of an answer: what it
//! has written down is the ground truth against which the rest is judged.

mod behaviour;
mod faults;
mod ledger;
mod lists;
mod profiles;
mod questions;
mod requests;
mod server;
mod shown;
mod state;
mod wire;

pub use behaviour::{
    Attribute, Behaviour, Busy, Charset, Course, Description, Firewall, Look, Numbers, Order,
    Pages, Paging, Parameters, Receipt, Repeated, RetryAfter, Shape, Times, Window, Words,
};
pub use faults::{Fault, FaultError, Faults};
pub use ledger::{Fields, Ledger, Notice, Stored};
pub use profiles::{PROFILES, Profile, UnknownProfile};
pub use state::Sandbox;
