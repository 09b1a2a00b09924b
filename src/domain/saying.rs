//! What people write into a cell in which there's nothing to write yet: a placeholder, a word that says "not yet". Where a
//! cell's mere being filled does something, none of these may do it.

/// What a text says of something that may be done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    /// Nothing: a dash, 无, 暂无.
    Nothing,
    /// That it isn't done yet.
    NotYet,
    /// Something in which it's said that it isn't done, or not wholly.
    Doubtful,
    /// Something.
    Something,
}

/// What stands where nothing is to be said.
const NOTHING: &[&str] = &[
    "",
    "无",
    "没有",
    "暂无",
    "暂无结果",
    "无结果",
    "空",
    "空白",
    "略",
    "不详",
    "无内容",
    "none",
    "null",
    "n/a",
];

/// What says alone that it isn't done yet.
const NOT_YET: &[&str] = &[
    "否",
    "未",
    "没",
    "没办",
    "未办",
    "不",
    "待",
    "待定",
    "待办",
    "待处理",
    "待办理",
    "待解决",
    "待办结",
    "待落实",
    "待核实",
    "待确认",
    "待签收",
    "待回复",
    "未办结",
    "未办理",
    "未完成",
    "未解决",
    "未处理",
    "未落实",
    "未结",
    "未回复",
    "未确认",
    "未签收",
    "未开始",
    "未着手",
    "未开工",
    "尚未",
    "尚未办结",
    "尚未办理",
    "尚未解决",
    "尚未完成",
    "尚未处理",
    "还没有",
    "还没办",
    "还未办结",
    "还未办理",
    "没办结",
    "没办完",
    "没有办结",
    "没有办理",
    "没有解决",
    "没解决",
    "没完成",
    "暂未办理",
    "暂未办结",
    "暂未解决",
    "暂未处理",
    "暂缓",
    "办理中",
    "处理中",
    "解决中",
    "进行中",
    "推进中",
    "协调中",
    "整改中",
    "落实中",
    "跟进中",
    "施工中",
    "维修中",
    "核实中",
    "研究中",
    "正在办",
    "正在办理",
    "正在处理",
    "正在解决",
    "正在进行",
    "正在推进",
    "正在协调",
    "正在落实",
    "正在整改",
    "正在办理中",
    "正在处理中",
    "在办",
    "在办理",
    "继续办理",
    "跟进",
    "no",
    "x",
    "×",
    "todo",
    "pending",
];

/// What says in the midst of a text that it isn't done, or not wholly.
const SIGNS: &[&str] = &[
    "未办",
    "未完成",
    "未解决",
    "未处理",
    "未落实",
    "未结",
    "未能",
    "未修",
    "未通",
    "未到位",
    "未开",
    "尚未",
    "还未",
    "还没",
    "还在",
    "没有办",
    "没办",
    "没解决",
    "没完成",
    "没修",
    "没有解决",
    "没有完成",
    "没有修",
    "暂未",
    "暂缓",
    "暂不",
    "正在",
    "办理中",
    "处理中",
    "解决中",
    "进行中",
    "推进中",
    "协调中",
    "整改中",
    "落实中",
    "跟进中",
    "施工中",
    "维修中",
    "核实中",
    "研究中",
    "审批中",
    "跟进",
    "待办",
    "待处",
    "待解",
    "待定",
    "待批",
    "待修",
    "待落实",
    "待协调",
    "待核",
    "待回复",
    "有待",
    "等待",
    "预计",
    "计划",
    "准备",
    "拟于",
    "拟在",
    "下一步",
    "争取",
    "力争",
    "尽快",
    "即将",
    "将于",
    "排期",
    "列入",
    "部分",
    "基本完成",
    "基本办",
    "基本解决",
    "基本处理",
    "一半",
    "已上报",
    "已转",
    "已反映",
    "已报送",
    "已报市",
    "已报镇",
];

/// What begins like a sign and isn't one.
const NO_SIGNS: &[&str] = &["正在使用", "正在正常", "按计划完成", "已按计划", "列入并完成"];

/// A text without what stands around it and says nothing.
pub(super) fn bare(text: &str) -> String {
    let marks =
        |c: char| c.is_whitespace() || "。.、，,；;：:-—–_－~～/\\|…()（）[]【】?？!！".contains(c);
    text.trim_matches(marks).to_lowercase()
}

/// Whether a text only stands there because the cell must not be empty.
///
/// ```
/// use zoufang::domain::saying::is_nothing;
/// assert!(is_nothing(" / ") && is_nothing("暂无") && is_nothing("——"));
/// assert!(!is_nothing("无锡路1号"));
/// ```
pub fn is_nothing(text: &str) -> bool {
    NOTHING.contains(&bare(text).as_str())
}

/// What a text says of whether something is done.
///
/// ```
/// use zoufang::domain::saying::{Saying, of};
/// assert_eq!(of("/"), Saying::Nothing);
/// assert_eq!(of("正在办理。"), Saying::NotYet);
/// assert_eq!(of("已联系供电所，预计月底修好"), Saying::Doubtful);
/// assert_eq!(of("已更换灯泡，正在使用"), Saying::Something);
/// ```
pub fn of(text: &str) -> Saying {
    let bare = bare(text);
    if NOTHING.contains(&bare.as_str()) {
        return Saying::Nothing;
    }
    if NOT_YET.contains(&bare.as_str()) {
        return Saying::NotYet;
    }
    let without = NO_SIGNS.iter().fold(bare, |text, known| text.replace(known, ""));
    if SIGNS.iter().any(|sign| without.contains(sign)) || is_less_than_all(&without) {
        return Saying::Doubtful;
    }
    Saying::Something
}

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

/// Whether a share is told that isn't all: 完成80%.
pub fn is_less_than_all(text: &str) -> bool {
    let shares = text.split(['%', '％']).rev().skip(1).map(|before| {
        let digits = before.rsplit(|c: char| !c.is_ascii_digit() && c != '.').next();
        digits.and_then(|digits| digits.parse::<f64>().ok())
    });
    shares.flatten().any(|share| share < 100.0)
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

    #[test]
    fn what_is_done_is_told_from_what_is_not() {
        for text in ["", "/", "-", "——", "无", "暂无", "没有。", "N/A", "（无）", "\\"]
        {
            assert_eq!(of(text), Saying::Nothing, "{text}");
        }
        for text in ["未办结", "正在办理", "待办", "尚未解决！", "办理中...", "否", "没办完", "×"]
        {
            assert_eq!(of(text), Saying::NotYet, "{text}");
        }
        for text in [
            "已联系供电所，正在维修",
            "路面未修，等待材料",
            "已完成80%",
            "部分解决",
            "计划5月底前完成",
            "已上报市住建局",
        ] {
            assert_eq!(of(text), Saying::Doubtful, "{text}");
        }
        for text in [
            "已更换灯泡",
            "已办结",
            "完成100%",
            "已修好，接待群众三次",
            "水压正常",
            "已将垃圾清走",
            "已办1",
        ] {
            assert_eq!(of(text), Saying::Something, "{text}");
            assert_eq!(of_result(text), Saying::Something, "{text}");
        }
    }
}
