//! How a file is taken: what whoever brings it has decided.

use super::bounds::Bounds;
use crate::app::choices::Choices;

/// How a file is taken.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub dry_run: bool,
    /// Blanks are meant: they clear what is known.
    pub clear: bool,
    /// What is done with what may be the same as before.
    pub choices: Choices,
    /// Columns that are meant for people.
    pub ignored: Vec<String>,
    pub bounds: Bounds,
}
