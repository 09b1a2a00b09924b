//! The addresses of pages, with whatever stands in numbers.

/// A part of a path, whatever it holds.
fn part(text: &str) -> String {
    let mut url = match reqwest::Url::parse("http://own/") {
        Ok(url) => url,
        Err(_) => return String::new(),
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(text);
    }
    url.path().trim_start_matches('/').to_owned()
}

/// An issue's page.
pub(super) fn issue(number: &str) -> String {
    format!("/my/issues/{}", part(number))
}

/// A page with what is asked of it.
pub(super) fn with(page: &str, query: &[(&str, &str)]) -> String {
    let own = reqwest::Url::parse("http://own/").and_then(|own| own.join(page));
    let asked = own.map(|mut url| {
        url.query_pairs_mut().extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
        let query = url.query().filter(|query| !query.is_empty());
        query.map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    });
    asked.unwrap_or_else(|_| page.to_owned())
}

/// Under this a page's address says what was done before it was shown.
pub(super) const DID: &str = "did";

/// A page, after something was done there: it says so.
pub(super) fn after(page: &str, did: &str) -> String {
    with(page, &[(DID, did)])
}

/// A page of something, by its number or key.
pub(super) fn of(page: &str, number: &str) -> String {
    format!("{page}/{}", part(number))
}

/// Where an issue's photos stand.
pub(super) fn photos(number: &str) -> String {
    format!("{}/photos", issue(number))
}

/// One's subjects, those where something is left.
pub(super) fn households(left: &str) -> String {
    format!("/my/households?left={left}")
}

/// One subject.
pub(super) fn household(number: &str) -> String {
    format!("/my/households/{}", part(number))
}

/// The wall chart of an area; of all where it's empty.
pub(super) fn wall(area: &str) -> String {
    if area.is_empty() { "/my/wall".to_owned() } else { format!("/my/wall?area={}", part(area)) }
}

/// What one person visits.
pub(super) fn wall_person(number: &str) -> String {
    format!("/my/wall/people/{}", part(number))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_number_may_hold_anything() {
        assert_eq!(super::household("H1/甲 ?#"), "/my/households/H1%2F%E7%94%B2%20%3F%23");
    }
}
