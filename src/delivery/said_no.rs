//! A no under a success: many an interface answers everything with 200 and says in a form of its own how it went.

/// Whether what stands under an answer's names says no.
pub(crate) fn says_no<'v>(said: impl Fn(&str) -> Option<&'v str>) -> bool {
    let is = |name: &str, words: &[&str]| {
        said(name).map(|text| words.contains(&text.trim().to_ascii_lowercase().as_str()))
    };
    let denied = ["success", "ok"].iter().any(|name| is(name, &["false", "fail"]) == Some(true));
    let none = ["", "0", "false", "none", "null", "ok"];
    // A code like HTTP's for failures, as many frameworks put it into each answer.
    let is_failure =
        |code: &str| code.trim().parse().is_ok_and(|code: u16| (400..600).contains(&code));
    let coded = ["code", "errcode", "errCode", "rtnCode", "retCode"];
    let failed = coded.iter().any(|name| said(name).is_some_and(is_failure));
    denied || failed || ["error", "errors"].iter().any(|name| is(name, &none) == Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_known_and_what_only_has_a_place_for_one_isnt() {
        for (name, text, no) in [
            ("success", "false", true),
            ("success", "true", false),
            ("error", "系统繁忙", true),
            ("error", "0", false),
            ("errors", "", false),
            ("message", "成功", false),
            ("code", "500", true),
            ("code", "0", false),
            ("code", "200", false),
            ("code", "1001", false),
        ] {
            assert_eq!(says_no(|asked| (asked == name).then_some(text)), no, "{name}: {text}");
        }
    }
}
