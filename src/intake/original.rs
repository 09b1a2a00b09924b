//! A file as it came.

use std::sync::Arc;

use super::bounds::Bounds;

/// A file as it came.
#[derive(Clone)]
pub struct Original {
    pub file: String,
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) form: Form,
    /// How much of it is read.
    pub(super) bounds: Bounds,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
    Text,
}

impl std::fmt::Debug for Original {
    /// What stands in it is personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Original").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Original {
    /// The extension that a copy gets.
    pub(super) fn copy_extension(&self) -> &'static str {
        if self.form == Form::Text { "csv" } else { "xlsx" }
    }
}
