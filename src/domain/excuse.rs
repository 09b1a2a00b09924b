//! Why somebody couldn't be heard, in the words in which people write it: that they were, or will be, is no reason.

use super::saying::{self, Saying, bare, is_nothing};

/// What a text says in the place of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excuse {
    /// A reason as it's usual.
    Reason,
    /// It may be one.
    Unsure,
    /// None: that there is nothing to be said, or that they were heard.
    Nothing,
    /// None: they are still to be heard.
    Owed,
    /// None: something else stands there.
    None,
}

/// Why people can't be heard.
const REASONS: &[&str] = &[
    "外出",
    "务工",
    "打工",
    "上班",
    "出差",
    "出国",
    "国外",
    "外地",
    "在外",
    "常年",
    "长期",
    "不在",
    "上学",
    "在校",
    "读书",
    "陪读",
    "住校",
    "住院",
    "生病",
    "患病",
    "病重",
    "卧床",
    "瘫痪",
    "昏迷",
    "植物人",
    "聋",
    "哑",
    "智力",
    "智障",
    "精神",
    "残疾",
    "痴呆",
    "失智",
    "年幼",
    "幼儿",
    "婴",
    "儿童",
    "未成年",
    "去世",
    "死亡",
    "病故",
    "已故",
    "亡故",
    "嫁",
    "离婚",
    "分户",
    "搬",
    "迁",
    "空户",
    "空挂",
    "无人",
    "没人",
    "锁门",
    "租",
    "城里",
    "城区",
    "市区",
    "县城",
    "儿子家",
    "女儿家",
    "子女家",
    "娘家",
    "亲戚",
    "探亲",
    "旅游",
    "养老院",
    "敬老院",
    "服刑",
    "看守所",
    "戒毒",
    "参军",
    "当兵",
    "服役",
    "部队",
    "入伍",
    "失联",
    "联系不上",
    "失踪",
    "走失",
    "拒",
    "不愿",
    "不见",
    "不配合",
    "隔离",
    "封控",
    "管控",
    "停业",
    "歇业",
    "关门",
    "注销",
    "转让",
];
/// That somebody is still to be heard.
const OWED: &[&str] = &[
    "未", "没", "待", "忘", "准备", "打算", "计划", "改天", "改日", "晚上", "明天", "后天", "下次",
    "下周", "下月", "抽空", "有空", "可以",
];
/// What is done there.
const VISITED: &[&str] = &["访", "去", "见", "到", "了", "谈", "上门", "入户"];
/// What stands there of somebody who was heard.
const WAS_VISITED: &[&str] = &["已走访", "走访了", "已见", "已见面", "已访"];
/// What says nothing of it.
const OTHER: &[&str] = &[
    "√",
    "✓",
    "✔",
    "是",
    "有",
    "正常",
    "在家",
    "好",
    "已完成",
    "完成",
    "ok",
    "y",
    "yes",
    "无问题",
    "没有问题",
    "本人",
    "户主",
    "可走访",
    "访",
    "时间不够",
    "没时间",
    "没空",
    "太忙",
    "工作忙",
    "家属",
    "见到",
    "见过",
    "走访过",
    "见走访记录",
    "见记录",
    "见附件",
    "见面",
    "本人在家",
];
/// That somebody was visited, or will be.
const VISITS: &[&str] =
    &["已走访", "再走访", "再访", "再去", "近期走访", "走访过", "走访了", "可走访", "能走访"];

/// What a text says in the place of a reason.
///
/// ```
/// use zoufang::domain::excuse::{Excuse, excuse};
/// assert_eq!(excuse("外出务工"), Excuse::Reason);
/// assert_eq!(excuse("还没去"), Excuse::Owed);
/// assert_eq!(excuse("2022-03-05"), Excuse::None);
/// assert_eq!(excuse("种大棚"), Excuse::Unsure);
/// ```
pub fn excuse(text: &str) -> Excuse {
    let bare = bare(text);
    let is = |words: &[&str]| words.contains(&bare.as_str());
    let says = |words: &[&str]| words.iter().any(|word| bare.contains(word));
    if is_nothing(text) || is(WAS_VISITED) {
        return Excuse::Nothing;
    }
    if is(OTHER) {
        return Excuse::None;
    }
    // 外出务工，返乡后再走访 says why, whatever else it says.
    if says(REASONS) {
        return Excuse::Reason;
    }
    let is_planned = says(&["计划", "下周", "下月", "改天", "改日"]) && bare.contains('访');
    // 没去过 and 未见到 say it of the visit; 去了三次没见到 says that it was tried.
    let short = bare.chars().count() <= 8;
    let was_tried = says(&["两次", "三次", "几次", "多次", "找", "联系"]);
    let is_owed = !is_planned && short && !was_tried && says(OWED) && says(VISITED);
    if is_owed || matches!(saying::of(text), Saying::NotYet) || bare.ends_with("忘了") {
        return Excuse::Owed;
    }
    let is_like_another = bare.starts_with('同') && bare.chars().count() <= 5;
    let is_number = bare.chars().any(char::is_numeric)
        && bare.chars().all(|c| c.is_numeric() || c.is_ascii() || "年月日号".contains(c));
    let was_visited = bare.starts_with("已于") && bare.contains('访');
    if says(VISITS) || was_visited || is_planned || is_like_another || is_number {
        return Excuse::None;
    }
    Excuse::Unsure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_reason_is_told_from_what_is() {
        for text in [
            "没去",
            "未访",
            "暂未走访",
            "准备走访",
            "晚上走访",
            "忘了",
            "未走访",
            "下次走访",
            "还没走访",
            "待走访",
            "未见到",
            "改天再去",
        ] {
            assert_eq!(excuse(text), Excuse::Owed, "{text}");
        }
        for text in [
            "见到",
            "见走访记录",
            "2022-03-05",
            "13800000001",
            "可走访",
            "时间不够",
            "本人",
            "户主",
            "访",
            "√",
            "近期走访",
            "同王建国",
            "在家",
            "1",
        ] {
            assert_eq!(excuse(text), Excuse::None, "{text}");
        }
        for text in [
            "外出务工",
            "常年在外",
            "走访时无人在家",
            "外出务工未能走访",
            "住院，近期走访不到",
            "多次走访过，无人在家",
            "已于2021年去世",
            "外出务工，返乡后再走访",
            "同母亲外出",
            "多次上门未见到人，长期在外",
            "住院",
            "去世",
            "不在家",
            "拒访",
            "没人在家",
        ] {
            assert_eq!(excuse(text), Excuse::Reason, "{text}");
        }
        for text in ["无", "已走访", ""] {
            assert_eq!(excuse(text), Excuse::Nothing, "{text}");
        }
    }
}
