//! What can happen: one file for each thing, from the facts it needs to the difference it writes, in a turn of its own.
//!
//! Knows the rules (`domain`) and the record (`db`). It must not know who asks (pages, commands, the schedule) nor how anything
//! travels (platforms, channels).

pub mod deliveries;
