//! What stands in the place of a result: it must say that something is done, wholly, and that it lasted.

use super::words::{
    ADVERBS, AN_END, BEFORE, CAN_NOT_BE, DONE, EXPLAINED, EXPLAINS, NOT_AN_END, ON_THE_WAY, ORDERS,
    TO_COME, WAS_DONE,
};
use super::{Saying, bare, of};

fn is_explained(text: &str) -> bool {
    let explained = |said: &str| EXPLAINED.iter().any(|word| said.contains(word));
    let parts = text.split(['，', ',', '；', ';', '。', '、', ' ']);
    let explains = |part: &str| EXPLAINS.iter().any(|word| part.contains(word));
    parts.filter(|part| explained(part)).any(explains)
}

/// A text without its parts that only say whom it was told: 已向供电公司反映.
fn without_reports(text: &str) -> String {
    const TELL: [&str; 5] = ["反映", "汇报", "报告", "申请", "上报"];
    let parts = text.split_inclusive(['，', ',', '；', ';', '。', '、', ' ']);
    let tells = |part: &str| {
        let said = bare(part);
        said.contains('向') && TELL.iter().any(|word| said.ends_with(word))
    };
    parts.filter(|part| !tells(part)).collect()
}

/// Whether a part of a text says that something is done: not that it's to be, that it isn't, or only for a time.
fn tells_of_an_end(part: &str) -> bool {
    let part = ADVERBS.iter().fold(part.to_owned(), |part, adverb| part.replace(adverb, ""));
    let ends = |part: &str| DONE.iter().any(|done| part.contains(done));
    let is_done = |behind: &str| WAS_DONE.iter().any(|word| behind.contains(word));
    let is_ordered = ORDERS.iter().any(|order| {
        part.split_once(order).is_some_and(|(_, behind)| ends(behind) && !is_done(behind))
    });
    // 5月办结 says no day on which it was.
    let is_still = |(at, done): (usize, &str)| {
        let (before, behind) = (&part[..at], &part[at + done.len()..]);
        let before_that = BEFORE.iter().any(|word| before.ends_with(word));
        let month = before.strip_suffix('月').is_some_and(|m| m.ends_with(char::is_numeric));
        done != "已" && (before_that && !is_done(behind) || month)
    };
    let mut told = DONE.iter().flat_map(|done| part.match_indices(done));
    ends(&part) && !is_ordered && !told.any(is_still)
}

/// What a text in the place of a result says: it must say that something is done.
///
/// ```
/// use zoufang::domain::saying::{Saying, of_result};
/// assert_eq!(of_result("已更换灯泡"), Saying::Something);
/// assert_eq!(of_result("已联系供电所更换"), Saying::Something);
/// assert_eq!(of_result("无法解决，已向群众解释"), Saying::Something);
/// for text in ["无法解决", "无法解决，将向群众解释", "已向市局说明，下周再办", "明天去修", "修不了", "已安排", "阅", "1", "5月1日前修好"] {
///     assert_eq!(of_result(text), Saying::Doubtful, "{text}");
/// }
/// ```
pub fn of_result(text: &str) -> Saying {
    let said = of(text);
    let explained = is_explained(text);
    let not_said = ON_THE_WAY.iter().chain(CAN_NOT_BE.iter().filter(|_| explained));
    let not_said = not_said.chain(AN_END);
    let text = not_said.fold(without_reports(text), |text, known| {
        // 已责令整改 is somebody's order still.
        let order = known.strip_prefix('已').filter(|word| ORDERS.contains(word));
        text.replace(known, order.unwrap_or_default())
    });
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let mut parts = text.split(['，', ',', '；', ';', '。', '、', ' ', '\n']);
    let ends = !has(TO_COME) && !has(NOT_AN_END) && parts.any(tells_of_an_end);
    match said {
        Saying::Something if !ends => Saying::Doubtful,
        said => said,
    }
}

/// Whether a remark takes back that something is done: 还有一盏没换, 不归我管，退回, 不满意.
///
/// ```
/// use zoufang::domain::saying::takes_back;
/// assert!(takes_back("还有一盏没换") && takes_back("不归我管，退回") && takes_back("还差50份"));
/// assert!(!takes_back("非常满意") && !takes_back("王强经办"));
/// ```
pub fn takes_back(text: &str) -> bool {
    const BACK: [&str; 14] = [
        "还有",
        "还差",
        "还没",
        "没换",
        "没修",
        "没印",
        "没做",
        "没完",
        "不归",
        "退回",
        "不满意",
        "不认可",
        "返工",
        "重新办",
    ];
    BACK.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_last_or_is_not_all_is_no_end() {
        for text in [
            "已换灯泡，仍不亮",
            "已修，仍漏水",
            "已修好但又坏了",
            "修好了又坏",
            "已处理，居民不认可",
            "已答复，不予解决",
            "已清理一段，其余待清",
            "已更换错",
            "等资金到位后修",
            "已记录",
            "已纳入台账",
            "已向供电公司反映",
            "已现场查看",
            "材料已买",
            "同意维修",
            "建议更换",
            "已修复，群众不满意",
            "还有一盏没换",
            "未完全解决",
            "没完全解决",
            "没有彻底解决",
            "未整改",
            "拟办结",
            "将办结",
            "可办结",
            "5月办结",
            "明年解决",
            "无力解决",
            "不解决",
            "限期整改",
            "责令整改",
            "要求施工方整改",
            "督促整改",
            "立即整改",
            "已责令整改",
            "逐步解决",
            "分期解决",
            "后期解决",
            "适时解决",
            "初步解决",
            "临时解决",
            "多数解决",
            "仅解决一户",
            "已报价",
            "已批复",
            "已拨款",
            "已有眉目",
            "群众满意",
            "满意",
        ] {
            assert_ne!(of_result(text), Saying::Something, "{text}");
        }
        for text in [
            "已更换灯泡，群众满意",
            "群众反映的问题已解决",
            "已向镇里申请，现已安装",
            "材料已买并安装好",
            "不予解决，已向群众解释",
            "已整改到位",
            "不但修好了路灯，井盖也换了",
            "督促物业清理完毕",
            "按要求整改",
            "已完全解决",
            "4月20日修好",
            "更换灯泡",
            "立即更换了灯泡",
            "将垃圾清走",
            "解决",
            "原来没有路灯，现已安装",
            "未硬化路面已硬化",
        ] {
            assert_eq!(of_result(text), Saying::Something, "{text}");
        }
    }
}
