//! 审计: what an entry of the trail says, and what can be wrong with the trail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is done besides importing (whose entries go by the kind of file) and what happens to issues, by its code.
const ACTIONS: &[(&str, &str)] = &[
    ("acknowledge", "签收"),
    ("answer_inspection", "核实抽查发现"),
    ("apply_plan", "使方案生效"),
    ("away", "登记外出"),
    ("begin", "在页面登记着手办理"),
    ("begin_second_factor", "开始用验证码"),
    ("classify", "在页面分类"),
    ("close_breach", "登记违纪核实结果"),
    ("confirm", "确认任务"),
    ("correct_answer", "更正回访结果"),
    ("correct", "改正问题内容"),
    ("correct_name", "改正群众姓名"),
    ("correct_visit", "改正走访记录"),
    ("draw_inspections", "抽样"),
    ("end_second_factor", "取消验证码"),
    ("end_sign_ins", "让人退出登录"),
    ("end_subject", "登记走访对象不再走访"),
    ("end_token", "作废程序令牌"),
    ("erase", "删除个人信息"),
    ("export", "导出个人信息"),
    ("export_resident", "导出群众的个人信息"),
    ("find_resident", "查找群众"),
    ("finish", "在页面登记办理结果"),
    ("follow_up_mediation", "登记调解回访"),
    ("give_link", "给出链接"),
    ("give_token", "给出程序令牌"),
    ("hand_in", "报送材料"),
    ("inspect", "登记抽查结论"),
    ("invite", "给出登录链接"),
    ("list_issues", "列出问题内容"),
    ("lock_account", "锁定登录"),
    ("mediate", "登记调解"),
    ("note_inspection", "登记督查情况"),
    ("override", "在页面认定平台已办结"),
    ("release", "在页面审核通过上报"),
    ("resubmit", "在页面补正后再报"),
    ("return", "在页面退回，不上报"),
    ("outbox_absent", "认定没有送达"),
    ("outbox_arrived", "认定已经送达"),
    ("outbox_hold", "暂停发送"),
    ("outbox_release", "审核放行"),
    ("outbox_retry", "重新发送"),
    ("lock_card", "锁住群众查询"),
    ("list_issues", "列出问题内容"),
    ("make_screen", "开通大屏链接"),
    ("end_screen", "停用大屏链接"),
    ("export_issues", "导出台账"),
    ("search_issues", "按电话或内容查找问题"),
    ("merge", "并入另一个问题"),
    ("assign_visitor", "指定走访人"),
    ("override_assignment", "更换走访人"),
    ("photo", "加照片"),
    ("read_audit", "查看审计内容"),
    ("read_breaches", "查看违纪反映"),
    ("read_digest", "查看自己的任务页面"),
    ("read_hand_in", "下载报送的材料"),
    ("record_breach", "登记违纪反映"),
    ("record_visit", "登记走访"),
    ("renew_calendar", "更换日历地址"),
    ("give_calendar", "给出日历地址"),
    ("read_card", "查看联系服务群众卡"),
    ("test_channel", "发测试消息"),
    ("rename_staff", "改正人员姓名"),
    ("reopen", "在页面重新办理"),
    ("repair", "按记录改正任务"),
    ("resident_word", "群众在网上评价"),
    ("report", "写出上报材料（个人信息已隐去）"),
    ("restore", "恢复备份"),
    ("restored", "从备份恢复"),
    ("resume_subject", "恢复走访对象"),
    ("reveal", "查看个人信息"),
    ("revoke_links", "作废链接"),
    ("rotate_key", "更换密钥"),
    ("send_back", "退回报送的材料"),
    ("set_password", "设置密码"),
    ("sign_in", "登录"),
    ("stand_in", "开始代办"),
    ("take_note", "在页面签收"),
    ("take_table", "确认导入上传的表格"),
    ("upgrade", "超期转镇市联动"),
    ("upload_table", "上传表格"),
    ("void", "在页面作废"),
    ("vouch", "接管旧的审计记录"),
    ("write_handoff", "写出交接单"),
];

/// What people call an action, where it's one of these.
pub fn action_in_words(code: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

/// The code of an action that people call so.
pub fn action_called(words: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|(_, known)| *known == words).map(|(code, _)| *code)
}

/// From where the record is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// A command, a page, the schedule, the platform.
    pub via: String,
    /// The system's user whose process it is.
    pub os_user: String,
    /// Who brought the table that it's changed by: they did it, and whom a row names is noted beside.
    pub by: Option<String>,
}

/// What acts without being a person, by its code.
const DOERS: &[(&str, &str)] = &[
    ("import", "导入"),
    ("sign-in", "登录"),
    ("operator", "服务器上的操作人员"),
    ("zoufang", "本系统"),
    ("restore", "本系统"),
    ("platform", "平台"),
    ("card", "群众查询页面"),
    ("resident", "群众"),
];

/// What people call what acts without being a person.
pub fn doer_called(code: &str) -> Option<&'static str> {
    DOERS.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

/// How far the trail had come: its last entry, kept outside of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub sequence: i64,
    pub hash: String,
}

impl Anchor {
    /// As it's written for people, and in logs.
    ///
    /// ```
    /// use zoufang::domain::audit::Anchor;
    /// let anchor = Anchor { sequence: 7, hash: "sha256:ab:cd".to_owned() };
    /// assert_eq!(Anchor::read(&anchor.to_string()), Some(anchor));
    /// assert_eq!(Anchor::read("7"), None);
    /// ```
    pub fn read(text: &str) -> Option<Anchor> {
        let (sequence, hash) = text.trim().split_once('=')?;
        let sequence = sequence.parse().ok()?;
        (!hash.is_empty()).then(|| Anchor { sequence, hash: hash.to_owned() })
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.sequence, self.hash)
    }
}

/// What is wrong with the trail: the first thing that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// That entry says something else than it did, or stands behind another one than it did.
    Changed(i64),
    /// That entry isn't there, and later ones are.
    Missing(i64),
    /// That entry isn't vouched for by the key, though those before it are, or as the last one it should be.
    Unkeyed(i64),
    /// Entries from that one on were there and are no more.
    Cut(i64),
}

impl fmt::Display for Flaw {
    /// What it is, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Changed(at) => write!(f, "第 {at} 条被改动过，或者与前一条接不上")?,
            Flaw::Missing(at) => write!(f, "第 {at} 条不见了")?,
            Flaw::Unkeyed(at) => write!(f, "第 {at} 条没有密钥的凭据，不是本程序写的")?,
            Flaw::Cut(at) => write!(f, "从第 {at} 条起被删掉了")?,
        }
        f.write_str("：请马上把数据库、密钥旁的 .memory 文件和日志各另存一份，查清谁动过数据库；用 zoufang audit verify 再核对，用 zoufang audit list 查看前后各条；不要自己改回去")
    }
}
