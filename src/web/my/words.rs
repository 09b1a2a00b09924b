//! What the use cases say to whoever brings a table, as a page says it; and what a page says of what was done on it.

use crate::app::issue_acts::Act;

/// What was done, where there's no more to be said of it.
pub(super) const NOTED: &str = "noted";

/// What a page says of what was just done, by the word in its address: nobody else's words are shown.
pub(super) fn said_of(did: &str) -> String {
    match Act::read(did) {
        Some(act) => format!("已登记：{}", act.chinese()),
        None if did == NOTED => "已登记".to_owned(),
        None => String::new(),
    }
}

const MARKS: [char; 5] = ['。', '；', '：', '，', '\n'];

/// Without what is to be typed into a command: what is done with an issue is done on its page, the rest by whoever has the server.
pub(super) fn on_a_page(text: &str) -> String {
    let mut said = String::new();
    for part in text.split_inclusive(MARKS) {
        let bare = part.trim_end_matches(MARKS);
        if !bare.contains("zoufang ") && !bare.contains(" --") {
            said.push_str(part);
            continue;
        }
        // What can be done otherwise was just said.
        let is_another_way = bare.starts_with('或') && said.ends_with('，');
        if is_another_way {
            said.pop();
        } else if bare.contains("zoufang issue ") {
            said.push_str("请在问题页面处理");
        } else {
            said.push_str("请联系管理员在服务器上处理");
        }
        // A bracket that was opened before it is closed.
        let count = |mark: char| bare.matches(mark).count();
        said.push_str(&"）".repeat(count('）').saturating_sub(count('（'))));
        said.push_str(&part[bare.len()..]);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::on_a_page;

    #[test]
    fn nobody_is_told_a_command() {
        for (said, shown) in [
            (
                "以这里为准；已销号的问题不会因此重新办理，要重新办理请用 zoufang issue reopen",
                "以这里为准；已销号的问题不会因此重新办理，请在问题页面处理",
            ),
            ("请重新办理（在问题页面，或用 zoufang issue reopen）", "请重新办理（在问题页面）"),
            ("请重新办理（请用 zoufang issue reopen）。", "请在问题页面处理。"),
            (
                "「甲」离岗，登录停用；任务仍算他的：请逐个用 zoufang reassign 对象编号 --to 接手人编号 交给别人",
                "「甲」离岗，登录停用；任务仍算他的：请联系管理员在服务器上处理",
            ),
            (
                "抽查还没有抽，请用 zoufang inspect draw 抽",
                "抽查还没有抽，请联系管理员在服务器上处理",
            ),
            (
                "从本系统导出时，在导出命令后加 --reveal",
                "从本系统导出时，请联系管理员在服务器上处理",
            ),
            ("以前登记过，没有改动", "以前登记过，没有改动"),
        ] {
            assert_eq!(on_a_page(said), shown);
        }
    }
}
