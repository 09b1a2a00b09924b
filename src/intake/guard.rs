//! What breaks in reading a file is a refusal of that file, and nothing that anybody has to see on a terminal.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use super::refusal::ImportError;

thread_local! {
    /// What broke, while a file is read on this thread.
    static BROKEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Reads a file, or says that it can't be read, however the reading ends.
pub(super) fn guarded<T>(
    file: &str,
    read: impl FnOnce() -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let shown = panic::take_hook();
        panic::set_hook(Box::new(move |broken| {
            if !is_kept(broken) {
                shown(broken);
            }
        }));
    });
    BROKEN.set(Some(String::new()));
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    let broken = BROKEN.take().unwrap_or_default();
    read.unwrap_or_else(|_| Err(ImportError::broken(file, broken)))
}

/// Keeps what broke for whoever reads the file on this thread.
fn is_kept(broken: &PanicHookInfo<'_>) -> bool {
    BROKEN.with_borrow_mut(|kept| match kept {
        Some(text) => {
            *text = broken.to_string();
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_is_a_refusal() {
        let texts: Vec<u8> = Vec::new();
        let read: Result<u8, _> = guarded("甲.xlsx", || Ok(texts[3]));
        match read {
            Err(ImportError::BrokenWorkbook { file, why }) => {
                assert!(file == "甲.xlsx" && why.contains("guard.rs"), "{why}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(guarded("乙.xlsx", || Ok(1)), Ok(1)));
    }
}
