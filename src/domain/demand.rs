//! What residents ask for, in the words in which it's written down that they ask for nothing.

use super::saying::{bare, is_nothing};

/// What people say who have no demand: none, of whatever kind.
const NONE_OF: [&str; 22] = [
    "暂时没有",
    "目前没有",
    "现在没有",
    "并没有",
    "暂没有",
    "没有",
    "暂时无",
    "暂无",
    "目前无",
    "暂未提出",
    "暂未反映",
    "未反映",
    "未发现",
    "未提出",
    "未提",
    "没提",
    "没反映",
    "不存在",
    "没啥",
    "没",
    "无需解决",
    "无",
];
/// What a demand is called.
const DEMANDS: [&str; 15] = [
    "问题", "诉求", "意见", "建议", "困难", "需求", "反映", "异常", "要求", "想法", "事项", "矛盾",
    "纠纷", "信访", "情况",
];
/// What says that all is well.
const WELL: [&str; 26] = [
    "满意",
    "很满意",
    "非常满意",
    "比较满意",
    "基本满意",
    "十分满意",
    "都满意",
    "都很满意",
    "正常",
    "一切正常",
    "生活正常",
    "一切都好",
    "一切很好",
    "都好",
    "都挺好",
    "都很好",
    "挺好",
    "很好",
    "良好",
    "已解决",
    "感谢",
    "谢谢",
    "感谢党和政府",
    "感谢政府",
    "感谢党",
    "表示感谢",
];
/// What may stand around that.
const AROUND: [&str; 21] = [
    "大的",
    "新增",
    "新的",
    "突出",
    "什么",
    "其他",
    "其它",
    "任何",
    "具体",
    "特殊",
    "明显",
    "相关",
    "任",
    "需要解决",
    "需解决",
    "要解决",
    "需要",
    "的",
    "和",
    "及",
    "或",
];
/// Who has none, or when.
const WHO: [&str; 14] = [
    "该户", "本户", "此户", "户主", "群众", "居民", "村民", "住户", "店主", "均", "都", "暂时",
    "目前", "现",
];
/// Nothing at all, in a word.
const NOTHING_AT_ALL: [&str; 8] =
    ["没事", "没啥", "没什么", "没啥事", "无其他", "无其它", "没其他", "没有其他"];

/// Whether a text in the place of a demand says that there is none.
///
/// ```
/// use zoufang::domain::demand::is_no_demand;
/// for text in ["暂时无诉求", "没啥问题", "该户无诉求", "都没问题", "诉求：无", "1、无 2、无", "满意无诉求", "生活良好，无诉求", "无矛盾纠纷"] {
///     assert!(is_no_demand(text), "{text}");
/// }
/// assert!(is_no_demand("没有大的问题") && is_no_demand("无新增问题"));
/// for text in ["没有解决问题", "没有要求解决", "未发现问题解决"] {
///     assert!(!is_no_demand(text), "{text}");
/// }
/// for text in ["无", "1.无", "暂无意见建议", "没什么问题", "无意见、无建议", "没有需要解决的困难和问题。", "/", "无诉求"] {
///     assert!(is_no_demand(text), "{text}");
/// }
/// for text in ["无路灯", "没有自来水", "无人解决问题", "路灯不亮", "没有解决"] {
///     assert!(!is_no_demand(text), "{text}");
/// }
/// ```
pub fn is_no_demand(text: &str) -> bool {
    // 很满意，没有问题 says it with praise around it.
    let says_none = parts(text).any(denies);
    denies(text)
        || says_none && parts(text).all(|part| denies(part) || praises(part) || is_label(part))
}

/// The parts of a text.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let apart = |c: char| c.is_whitespace() || "，,。；;、！!：:/（）()".contains(c);
    text.split(apart).filter(|part| !part.trim().is_empty())
}

/// What only says what stands behind it: 诉求：, 1、.
fn is_label(part: &str) -> bool {
    DEMANDS.contains(&part.trim()) || part.chars().all(char::is_numeric)
}

/// Whether a part says that there is none.
fn denies(text: &str) -> bool {
    let whole = bare(text);
    let numbered = whole.trim_start_matches(|c: char| c.is_ascii_digit());
    let text = bare(numbered);
    if is_nothing(&whole) || text == "否" {
        return true;
    }
    let mut text = text.as_str();
    while let Some(rest) = WHO.iter().find_map(|who| text.strip_prefix(who)) {
        text = rest;
    }
    // 满意无诉求: both in one.
    let praised =
        WELL.iter().filter_map(|well| text.strip_prefix(well)).min_by_key(|rest| rest.len());
    let text = praised.filter(|rest| !rest.is_empty()).unwrap_or(text);
    if NOTHING_AT_ALL.contains(&text) {
        return true;
    }
    let marks = |c: char| c.is_whitespace() || "、，,和及。".contains(c);
    let Some(mut left) = NONE_OF.iter().find_map(|none| text.strip_prefix(none)) else {
        return false;
    };
    // 没有解决 says of a demand that it's still one; 无无 says none twice.
    let is_told_of =
        left.is_empty() || DEMANDS.iter().any(|of| left.contains(of)) || NONE_OF.contains(&left);
    let words = DEMANDS.iter().chain(&AROUND).chain(&NONE_OF);
    while let Some(rest) = words.clone().find_map(|word| left.strip_prefix(word)) {
        left = rest.trim_start_matches(marks);
    }
    is_told_of && left.is_empty()
}

/// How many matters a text numbers one after the other: 1.路灯不亮；2.水管漏水. One that numbers none is one.
///
/// ```
/// use zoufang::domain::demand::numbered;
/// for text in ["1.路灯不亮；2.水管漏水", "1、路灯不亮\n2、水管漏水", "一、路灯不亮。二、水管漏水", "①路灯②水管", "（1）路灯（2）水管"] {
///     assert_eq!(numbered(text), 2, "{text}");
/// }
/// for text in ["路灯不亮", "1.5米宽的路", "1号楼、2号楼漏水", "3月1日、2日停水", "1.路灯不亮"] {
///     assert_eq!(numbered(text), 1, "{text}");
/// }
/// ```
pub fn numbered(text: &str) -> usize {
    const WAYS: [[&str; 5]; 3] =
        [["1", "2", "3", "4", "5"], ["一", "二", "三", "四", "五"], ["①", "②", "③", "④", "⑤"]];
    WAYS.iter().map(|numbers| count_in(text, numbers)).max().unwrap_or(1).max(1)
}

/// How many of these numbers stand there in their order, each at a beginning.
fn count_in(text: &str, numbers: &[&str]) -> usize {
    let mut rest = text;
    for (count, number) in numbers.iter().enumerate() {
        let begins = rest.match_indices(number).find(|(at, _)| {
            let before = rest[..*at].chars().next_back();
            let behind = &rest[at + number.len()..];
            let is_first = before.is_none_or(|c| c.is_whitespace() || "；;。，,（(".contains(c));
            let mark = behind.starts_with(['.', '．', '、', ')', '）', ':', '：']);
            let is_number = mark && !behind.trim_start_matches('.').starts_with(char::is_numeric);
            number.starts_with(|c| "①②③④⑤".contains(c)) || is_first && is_number
        });
        let Some((at, _)) = begins else { return count };
        rest = &rest[at + number.len()..];
    }
    numbers.len()
}

/// Whether a text in the place of a demand only says that all is well.
///
/// ```
/// use zoufang::domain::demand::is_content;
/// for text in ["满意", "一切都好！", "对政府工作满意", "满意，感谢政府"] {
///     assert!(is_content(text), "{text}");
/// }
/// for text in ["对收费不满意", "感谢政府修路，路灯不亮", "满意度低"] {
///     assert!(!is_content(text), "{text}");
/// }
/// ```
pub fn is_content(text: &str) -> bool {
    parts(text).next().is_some() && parts(text).all(praises)
}

/// Whether a part says that all is well.
fn praises(part: &str) -> bool {
    let part = bare(part);
    let of_something = part.starts_with('对') && part.ends_with("满意");
    let ends = ["良好", "正常", "健康", "挺好", "很好", "都好"];
    let is_short = part.chars().count() <= 6 && ends.iter().any(|end| part.ends_with(end));
    WELL.contains(&part.as_str()) || (of_something || is_short) && !part.contains('不')
}

/// Whether a text in the place of a demand says that nobody was met: 家中无人.
///
/// ```
/// use zoufang::domain::demand::is_nobody_met;
/// assert!(is_nobody_met("不在家") && is_nobody_met("走访时家中无人，外出务工") && is_nobody_met("拒访"));
/// assert!(!is_nobody_met("父母不在家，孩子无人照看") && !is_nobody_met("无人管理") && !is_nobody_met("外出务工没有路费"));
/// ```
pub fn is_nobody_met(text: &str) -> bool {
    const NOT_MET: [&str; 16] = [
        "不在家",
        "家中无人",
        "家里无人",
        "家里没人",
        "家中没人",
        "没人在家",
        "无人在家",
        "没有人在家",
        "锁门",
        "未见到人",
        "没见到人",
        "没有见到人",
        "拒访",
        "拒绝走访",
        "无人应答",
        "未遇",
    ];
    const BESIDE: [&str; 18] = [
        "外出",
        "务工",
        "打工",
        "全家",
        "户主",
        "本人",
        "家人",
        "走访时",
        "当时",
        "白天",
        "敲门",
        "多次",
        "上门",
        "常年",
        "长期",
        "已",
        "都",
        "人",
    ];
    let mut left: String = parts(text).map(bare).collect();
    let whole = left.len();
    NOT_MET.iter().for_each(|words| left = left.replace(words, ""));
    let is_told = left.len() < whole;
    BESIDE.iter().for_each(|words| left = left.replace(words, ""));
    is_told && left.is_empty()
}

/// Whether what stands in the place of a demand is no words of anybody's: a tick, a number, a date, where else to look.
///
/// ```
/// use zoufang::domain::demand::is_no_words;
/// for text in ["√", "×", "是", "3", "2022-03-05", "3月5日", "见附件", "80%", "待补充", "NA"] {
///     assert!(is_no_words(text), "{text}");
/// }
/// assert!(!is_no_words("3号楼漏水") && !is_no_words("路"));
/// ```
pub fn is_no_words(text: &str) -> bool {
    const MARKS: [&str; 35] = [
        "待补充",
        "待填",
        "待核实",
        "na",
        "nil",
        "电话联系",
        "搬走了",
        "外出打工",
        "拒绝回答",
        "不愿说",
        "不想说",
        "不需要",
        "问题已解决",
        "√",
        "✓",
        "✔",
        "×",
        "✗",
        "✘",
        "x",
        "y",
        "n",
        "yes",
        "no",
        "true",
        "false",
        "是",
        "有",
        "同意",
        "见附件",
        "详见附件",
        "附件",
        "见附表",
        "见照片",
        "另附",
    ];
    let bare = bare(text);
    let counted = |c: char| c.is_numeric() || c.is_whitespace() || ".,%-/:年月日号".contains(c);
    MARKS.contains(&bare.as_str()) || bare.contains(char::is_numeric) && bare.chars().all(counted)
}
