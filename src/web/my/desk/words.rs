//! What is said to whoever sits at the machine, as a page says it: a command that has a page becomes the way to it; one that
//! can only be typed on the server is shown as such.

use serde::Serialize;

use crate::web::my::links::with;
use crate::web::my::routes::{ACCOUNTS, AUDIT, BREACHES, DEBTS, DESK};
pub(super) use crate::web::my::words::lane_name;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    text: String,
    /// Where it leads.
    to: Option<String>,
    /// It's to be typed on the server.
    typed: bool,
}

const COMMAND: &str = "zoufang ";

/// The pages of commands; the longer first.
const PAGES: &[(&str, &str, &str)] = &[
    ("outbox list", DEBTS, "没有送达的"),
    ("outbox show", DEBTS, "没有送达的"),
    ("duties --late", "/my/missing?late=yes", "还缺什么"),
    ("notify unreachable", ACCOUNTS, "登录与联系"),
    ("audit list", AUDIT, "审计记录"),
    ("discipline list", BREACHES, "违纪反映"),
    ("status", DESK, "运行情况"),
];

/// The parts of what is said.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(COMMAND) {
        plain(&mut parts, &rest[..at]);
        let typed = &rest[at + COMMAND.len()..];
        let (part, length) = page_of(typed).unwrap_or_else(|| server(typed));
        parts.push(part);
        rest = &typed[length..];
    }
    plain(&mut parts, rest);
    parts
}

fn plain(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part { text: text.to_owned(), to: None, typed: false });
    }
}

/// The page of a command and how long the command is, with its options.
fn page_of(typed: &str) -> Option<(Part, usize)> {
    let (command, to, title) = PAGES.iter().find(|(command, ..)| typed.starts_with(command))?;
    let mut length = command.len();
    let mut query = Vec::new();
    for option in ["lane", "state"] {
        let mark = format!(" --{option} ");
        if let Some(value) = typed[length..].strip_prefix(&mark) {
            let value = value.split([' ', '，', '。', '；']).next().unwrap_or_default();
            query.push((option, value));
            length += mark.len() + value.len();
        }
    }
    let to = if query.is_empty() { (*to).to_owned() } else { with(to, &query) };
    Some((Part { text: format!("「{title}」"), to: Some(to), typed: false }, length))
}

/// What is to be typed on the server: as far as it's plain.
fn server(typed: &str) -> (Part, usize) {
    let is_typed = |c: char| c.is_ascii_alphanumeric() || " -_.:".contains(c);
    let length = typed.find(|c| !is_typed(c)).unwrap_or(typed.len());
    let length = typed[..length].trim_end().len();
    let text = format!("{COMMAND}{}", &typed[..length]);
    (Part { text, to: None, typed: true }, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_has_a_page_leads_there() {
        let shown = |text: &str| -> (String, Vec<Option<String>>) {
            let parts = parts(text);
            let to = parts.iter().map(|part| part.to.clone()).filter(Option::is_some).collect();
            (parts.iter().map(|part| part.text.as_str()).collect(), to)
        };
        assert_eq!(
            shown("3 件积压：请用 zoufang outbox list --lane e呼善应 查看原因，与对方联系"),
            (
                "3 件积压：请用 「没有送达的」 查看原因，与对方联系".to_owned(),
                vec![Some("/my/desk/debts?lane=e%E5%91%BC%E5%96%84%E5%BA%94".to_owned())]
            )
        );
        assert_eq!(
            shown("再用 zoufang outbox list --state held 查看并处置").1,
            [Some("/my/desk/debts?state=held".to_owned())]
        );
        let restore = parts("再用 zoufang restore 恢复最近的备份");
        assert!(restore[1].typed && restore[1].text == "zoufang restore", "{restore:?}");
        assert_eq!(
            parts("没有命令"),
            [Part { text: "没有命令".to_owned(), to: None, typed: false }]
        );
    }
}
