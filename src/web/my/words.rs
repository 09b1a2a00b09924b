//! What the use cases say to whoever brings a table, as a page says it.

/// Without what is to be typed into a command: that's done on the page.
pub(super) fn on_a_page(text: &str) -> String {
    const MARKS: [char; 5] = ['。', '；', '：', '，', '\n'];
    let mut said = String::new();
    for part in text.split_inclusive(MARKS) {
        let bare = part.trim_end_matches(MARKS);
        if bare.contains("zoufang ") || bare.contains(" --") {
            said.push_str("请在问题页面处理");
            // A bracket that was opened before it is closed.
            let count = |mark: char| bare.matches(mark).count();
            said.push_str(&"）".repeat(count('）').saturating_sub(count('（'))));
            said.push_str(&part[bare.len()..]);
        } else {
            said.push_str(part);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::on_a_page;

    #[test]
    fn nobody_is_told_a_command() {
        let said = "以这里为准；已销号的问题不会因此重新办理，要重新办理请用 zoufang issue reopen";
        let shown = "以这里为准；已销号的问题不会因此重新办理，请在问题页面处理";
        assert_eq!(on_a_page(said), shown);
        let said = "请重新办理（在问题页面，或用 zoufang issue reopen）";
        assert_eq!(on_a_page(said), "请重新办理（在问题页面，请在问题页面处理）");
        assert_eq!(on_a_page("以前登记过，没有改动"), "以前登记过，没有改动");
    }
}
