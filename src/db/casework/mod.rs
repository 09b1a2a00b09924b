//! The casework: subjects with their residents, visits and issues. Facts out for the derivation, rows in, both by sets.
//!
//! Knows rows; nothing of what follows from them.

mod events;
mod facts;
mod issues;

pub use events::{EventRow, IssueProjection};
pub use facts::{
    NewResident, NewSubjectRow, NewVisitRow, ResidentChange, ResidentRow, SubjectChange,
    SubjectEnding, SubjectKeys, SubjectPlace, VisitCounts,
};
pub use issues::{IssueRow, NewIssueRow};
