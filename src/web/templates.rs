//! The pages of this room, each understood once.

use std::sync::LazyLock;

use minijinja::{Environment, Error};
use serde::Serialize;

// Named so that what is put into them is escaped.
pub(super) const OVERVIEW: &str = "overview.html";
pub(super) const UNAVAILABLE: &str = "unavailable.html";

static PAGES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.add_template(OVERVIEW, include_str!("overview.html"))?;
    pages.add_template(UNAVAILABLE, include_str!("unavailable.html"))?;
    Ok(pages)
});

/// Fills in the page of that name.
pub(super) fn render(name: &str, values: impl Serialize) -> Result<String, String> {
    let wrong = |error: &Error| format!("{name}: {error:#}");
    let pages = PAGES.as_ref().map_err(wrong)?;
    pages.get_template(name).and_then(|page| page.render(values)).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_understood() {
        assert!(PAGES.is_ok());
        let values = minijinja::context! { reason => "<坏>", reads => false, again => 5 };
        let page = render(UNAVAILABLE, values).unwrap();
        assert!(page.contains("&lt;坏&gt;") && page.contains("content=\"5\""), "{page}");
    }
}
