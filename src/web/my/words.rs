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

/// What people call a lane; the platform's has the name that it was configured with.
pub(crate) fn lane_name(lane: &str) -> &str {
    match lane {
        "log" => "日志",
        "webhook" => "自设的网络接口",
        "wecom_robot" => "企业微信群机器人",
        "wecom_app" => "企业微信应用",
        "dingtalk_robot" => "钉钉群机器人",
        "feishu_robot" => "飞书群机器人",
        "email" => "邮件",
        "sms" => "短信",
        other => other,
    }
}

/// A name or a word as people read it: itself where it's Chinese, or else what it means.
pub(crate) fn chinese_or<'w>(word: &'w str, meaning: &'w str) -> &'w str {
    let is_chinese = word.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    if is_chinese { word } else { meaning }
}

/// What is done on a page in the place of a command.
const PAGES: &[(&str, &str)] = &[
    ("zoufang issue ", "请在问题页面处理"),
    ("zoufang reassign ", "请镇组织人事办公室打开「人员进度」，从他的名字下交给别人"),
    ("zoufang duties --late", "请打开「还缺什么」查看是谁的"),
    ("zoufang notify unreachable", "请镇组织人事办公室打开「登录与联系」查看"),
    ("zoufang outbox resolve", "请在「上报与退回」打开这一件认定"),
    ("zoufang outbox ", "请服务中心打开「上报与退回」查看"),
    ("zoufang status", "请系统管理员打开「运行情况」查看"),
];

/// Where a setting is to be changed.
const SETTINGS: [&str; 2] = ["platform.", "notify."];

const MARKS: [char; 5] = ['。', '；', '：', '，', '\n'];

/// Without what is to be typed into a command: what is done with an issue is done on its page, the rest by whoever has the server.
pub(crate) fn on_a_page(text: &str) -> String {
    let mut said = String::new();
    for part in text.split_inclusive(MARKS) {
        let bare = part.trim_end_matches(MARKS);
        let is_setting = SETTINGS.iter().any(|setting| bare.contains(setting));
        if !bare.contains("zoufang ") && !bare.contains(" --") && !is_setting {
            said.push_str(part);
            continue;
        }
        // What can be done otherwise was just said.
        let is_another_way = bare.starts_with('或') && said.ends_with('，');
        if is_another_way {
            said.pop();
        } else {
            let page = PAGES.iter().find(|(command, _)| bare.contains(command));
            let on_server = match bare.contains(" --absent") {
                true => "请在「上报与退回」打开这一件写明",
                false => "请联系管理员在服务器上处理",
            };
            said.push_str(page.map_or(on_server, |(_, page)| page));
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
                "「甲」离岗，登录停用；任务仍算他的：请镇组织人事办公室打开「人员进度」，从他的名字下交给别人",
            ),
            (
                "抽查还没有抽，请用 zoufang inspect draw 抽",
                "抽查还没有抽，请联系管理员在服务器上处理",
            ),
            (
                "从本系统导出时，在导出命令后加 --reveal",
                "从本系统导出时，请联系管理员在服务器上处理",
            ),
            (
                "有 3 项任务超期（走访 3）：请用 zoufang duties --late 查看是谁的，督促办理",
                "有 3 项任务超期（走访 3）：请打开「还缺什么」查看是谁的，督促办理",
            ),
            (
                "请到对方查出编号，用 zoufang outbox resolve 写明 --arrived 编号；对方确实没有的，写明 --absent，会再发",
                "请到对方查出编号，请在「上报与退回」打开这一件认定；对方确实没有的，请在「上报与退回」打开这一件写明，会再发",
            ),
            (
                "把当地时间标成了世界时：请设 platform.times = \"Asia/Shanghai\"，或请平台对时",
                "把当地时间标成了世界时：请联系管理员在服务器上处理，或请平台对时",
            ),
            ("以前登记过，没有改动", "以前登记过，没有改动"),
        ] {
            assert_eq!(on_a_page(said), shown);
        }
    }
}
