//! What residents ask for, in the words in which it's written down that they ask for nothing.

use super::saying::{bare, is_nothing};

/// What people say who have no demand: none, of whatever kind.
const NONE_OF: [&str; 14] = [
    "暂时没有",
    "目前没有",
    "现在没有",
    "并没有",
    "暂没有",
    "没有",
    "暂无",
    "目前无",
    "未反映",
    "未发现",
    "没提",
    "没",
    "无",
    "未提出",
];
/// What a demand is called.
const DEMANDS: [&str; 11] =
    ["问题", "诉求", "意见", "建议", "困难", "需求", "反映", "异常", "要求", "想法", "事项"];
/// What may stand around that.
const AROUND: [&str; 14] = [
    "什么", "其他", "其它", "任何", "具体", "特殊", "明显", "相关", "任", "需要", "解决", "的",
    "和", "及",
];

/// Whether a text in the place of a demand says that there is none.
///
/// ```
/// use zoufang::domain::demand::is_no_demand;
/// for text in ["无", "1.无", "暂无意见建议", "没什么问题", "无意见、无建议", "没有需要解决的困难和问题。", "/", "无诉求"] {
///     assert!(is_no_demand(text), "{text}");
/// }
/// for text in ["无路灯", "没有自来水", "无人解决问题", "路灯不亮", "没有解决"] {
///     assert!(!is_no_demand(text), "{text}");
/// }
/// ```
pub fn is_no_demand(text: &str) -> bool {
    let whole = bare(text);
    let numbered = whole.trim_start_matches(|c: char| c.is_ascii_digit());
    let text = bare(numbered);
    if is_nothing(&whole) || text == "否" {
        return true;
    }
    let marks = |c: char| c.is_whitespace() || "、，,和及。".contains(c);
    let Some(mut left) = NONE_OF.iter().find_map(|none| text.strip_prefix(none)) else {
        return false;
    };
    // 没有解决 says of a demand that it's still one.
    let is_told_of = left.is_empty() || DEMANDS.iter().any(|of| left.contains(of));
    let words = DEMANDS.iter().chain(&AROUND).chain(&NONE_OF);
    while let Some(rest) = words.clone().find_map(|word| left.strip_prefix(word)) {
        left = rest.trim_start_matches(marks);
    }
    is_told_of && left.is_empty()
}

/// Whether a text in the place of a demand only says that all is well.
pub fn is_content(text: &str) -> bool {
    const WELL: [&str; 20] = [
        "满意",
        "很满意",
        "非常满意",
        "比较满意",
        "基本满意",
        "正常",
        "一切正常",
        "生活正常",
        "一切都好",
        "都好",
        "都挺好",
        "挺好",
        "很好",
        "良好",
        "已解决",
        "感谢",
        "谢谢",
        "感谢党和政府",
        "感谢政府",
        "感谢党",
    ];
    WELL.contains(&bare(text).as_str())
}
