//! What stands in the place of a result: it must say that something is done, wholly, and that it lasted.

use super::{Saying, bare, of};

/// What says that something is done.
const DONE: &[&str] = &[
    "已",
    "完成",
    "完毕",
    "办结",
    "办好",
    "办完",
    "办理完",
    "办妥",
    "做好",
    "做完",
    "解决",
    "修好",
    "修复",
    "修完",
    "好了",
    "换了",
    "通了",
    "恢复",
    "正常",
    "更换",
    "换上",
    "清理",
    "清运",
    "清走",
    "清除",
    "拆除",
    "安装",
    "装上",
    "装好",
    "疏通",
    "铺好",
    "发放",
    "发给",
    "消除",
    "整改",
    "落实了",
    "解释",
    "答复",
    "调解",
    "达成",
    "满意",
    "理解",
    "硬化",
    "补上",
    "补发",
    "处理了",
    "处理好",
    "办了",
    "竣工",
    "通车",
    "通水",
    "通电",
    "销号",
];

/// What is done on the way, and ends nothing.
const ON_THE_WAY: &[&str] = &[
    "已安排",
    "已交办",
    "已派",
    "已联系",
    "已通知",
    "已登记",
    "已受理",
    "已申请",
    "已协调",
    "已收到",
    "已请示",
    "已知",
    "已阅",
    "已记录",
    "已纳入",
    "已查看",
    "已现场查看",
    "已看",
    "已核实",
    "已了解",
    "已摸排",
    "已沟通",
    "已研究",
    "已制定",
    "已立项",
    "已招标",
    "已开工",
    "已动工",
    "已进场",
    "已买",
    "已购",
    "已采购",
    "已订",
    "已下单",
    "已预约",
    "已催",
    "已督促",
    "已要求",
    "已建议",
    "已提交",
    "已递交",
    "已上门",
    "已到位",
];

/// What says that it didn't last, wasn't all, or wasn't taken.
const NOT_AN_END: &[&str] = &[
    "仍",
    "依旧",
    "依然",
    "但",
    "可是",
    "不过",
    "又坏",
    "又漏",
    "又堵",
    "又不",
    "又出",
    "又停",
    "又破",
    "又塌",
    "又断",
    "复发",
    "反复",
    "不认可",
    "不满意",
    "不接受",
    "其余",
    "剩余",
    "剩下",
    "还有",
    "另有",
    "后修",
    "后办",
    "后解决",
    "后处理",
    "后再",
    "后安装",
    "后更换",
    "等资金",
    "等材料",
    "等上级",
    "等通知",
    "等天",
    "换错",
    "装错",
    "修错",
    "建议更",
    "建议安",
    "建议修",
    "建议拆",
    "建议清",
    "同意更",
    "同意安",
    "同意修",
    "同意拆",
    "同意清",
];
/// What begins like that and isn't: 但凡; a doubt that is answered.
const AN_END: &[&str] = &["非但", "但凡", "不但"];

/// What says that it's still to come, is another's now, or can't be.
const TO_COME: &[&str] = &[
    "明天",
    "后天",
    "明日",
    "下周",
    "下星期",
    "下个月",
    "下月",
    "月底",
    "年底",
    "本周",
    "这周",
    "近期",
    "前完成",
    "前修",
    "前办",
    "前解决",
    "前处理",
    "以后",
    "过几天",
    "会尽",
    "将会",
    "将要",
    "打算",
    "要等",
    "还要",
    "还需",
    "还差",
    "还缺",
    "需要",
    "需资金",
    "需市",
    "需上",
    "不了",
    "无法",
    "不能",
    "难以",
    "不好办",
    "解决不",
    "转市",
    "转交",
    "转给",
    "转到",
    "移交",
    "请示",
    "见附件",
    "不属",
    "不予",
];

/// What can't be resolved ends too (能办则办，办不了的解释清楚): the resident was told why.
const EXPLAINED: &[&str] =
    &["已向", "已给", "已跟", "已同", "已对", "已做", "已作", "已解释", "已说明", "已讲"];
const EXPLAINS: &[&str] = &["解释", "说明", "讲清", "讲明"];
const CAN_NOT_BE: &[&str] =
    &["不了", "无法", "不能", "难以", "不好办", "解决不", "不属", "不符合", "不予"];

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
    let text = not_said.fold(without_reports(text), |text, known| text.replace(known, ""));
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match said {
        Saying::Something if !has(DONE) || has(TO_COME) || has(NOT_AN_END) => Saying::Doubtful,
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
        ] {
            assert_eq!(of_result(text), Saying::Doubtful, "{text}");
        }
        for text in [
            "已更换灯泡，群众满意",
            "群众反映的问题已解决",
            "已向镇里申请，现已安装",
            "材料已买并安装好",
            "不予解决，已向群众解释",
            "已整改到位",
            "不但修好了路灯，井盖也换了",
        ] {
            assert_eq!(of_result(text), Saying::Something, "{text}");
        }
    }
}
