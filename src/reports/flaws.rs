//! What is wrong with templates that can be read.

use super::{Document, ReportError, Templates, print, summary};

/// Each that can't be filled in: with something, or with nothing.
pub fn flaws(templates: &Templates) -> Vec<ReportError> {
    let documents = Document::ALL.iter().filter_map(|of| summary::try_out(templates, *of));
    documents.chain(print::try_out(templates)).collect()
}
