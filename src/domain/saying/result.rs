//! What stands in the place of a result: it must say that something is done, wholly, and that it lasted.

use super::takes_back::CONTRADICTS;
use super::verbs::{STEPS, VERBS};
use super::words::{
    ADVERBS, AN_END, ASIDE, BEFORE, CAN_NOT_BE, DONE, EXPLAINED, EXPLAINS, ON_THE_WAY, ORDERS,
    OVER, WORK,
};
use super::{Saying, bare, is_less_than_all, of};

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

/// What a part of a text says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// That it's done.
    Done,
    /// That it isn't, though it was said.
    Contradicts,
    /// Neither.
    Silent,
}

/// A part is judged by where it last says that something is done, and by what it says behind that.
fn judged(part: &str) -> Part {
    let part = ADVERBS.iter().fold(part.to_owned(), |part, adverb| part.replace(adverb, ""));
    let ends = ends_in(&part).max();
    let behind = &part[ends.unwrap_or(0)..];
    let contradicts = CONTRADICTS.iter().any(|word| behind.contains(word))
        || waits(behind)
        || leaves_some(behind);
    match ends {
        // 解决了无法通行的问题: what it was before.
        _ if contradicts && !(ends.is_some() && is_what_was(behind)) => Part::Contradicts,
        Some(_) => Part::Done,
        None if is_denied(&part) || is_to_come(&part) => Part::Contradicts,
        None => Part::Silent,
    }
}

/// Whether a part that says of nothing that it's done says that something isn't, or went wrong again: 未达成协议, 又损坏, 余1盏.
fn is_denied(part: &str) -> bool {
    const WELL: [&str; 6] = ["不再", "没再", "未再", "没有再", "未发现", "没发现"];
    let begins = part.starts_with(['不', '没', '未', '又', '余', '剩', '尚', '缺', '差', '需']);
    begins && !WELL.iter().any(|well| part.starts_with(well))
}

/// Whether a part tells what is still to be done: 建议更换, 下步更换管道.
fn is_to_come(part: &str) -> bool {
    let ordered = ORDERS.iter().filter_map(|order| part.find(order)).min();
    let rest = ordered.map_or("", |at| &part[at..]);
    DONE.iter().chain(WORK).any(|word| rest.contains(word))
}

/// Whether something waits: 待换, but not 接待 or 待遇.
fn waits(text: &str) -> bool {
    text.match_indices('待').any(|(at, word)| {
        let (before, behind) = (&text[..at], &text[at + word.len()..]);
        let is_other = before.ends_with(['接', '招', '看', '对', '期', '款', '优', '虐', '善'])
            || behind.starts_with(['遇', '业', '人', '客']);
        !is_other
    })
}

/// Whether some is left: 余1盏, 剩2盏.
fn leaves_some(text: &str) -> bool {
    let counts = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_digit() || "一二两三四五六七八九十几下".contains(c))
    };
    text.contains('剩')
        || ["余", "缺", "差"].iter().any(|left| text.split(left).skip(1).any(counts))
}

/// Whether a text names what was wrong.
fn is_what_was(text: &str) -> bool {
    ["的问题", "的现象", "的情况", "的难题", "的隐患"].iter().any(|end| text.ends_with(end))
}

/// Where a part says that something is done, the ends of these words.
fn ends_in(part: &str) -> impl Iterator<Item = usize> {
    let done = DONE.iter().flat_map(|word| part.match_indices(word)).filter_map(|(at, word)| {
        let end = at + word.len();
        is_end(&part[..at], word, &part[end..]).then_some(end)
    });
    let work = WORK.iter().flat_map(|word| part.match_indices(word)).filter_map(|(at, word)| {
        let (before, behind) = (&part[..at], &part[at + word.len()..]);
        let over = OVER.iter().find(|over| behind.starts_with(**over) && !is_a_step(behind));
        let was = before.ends_with('已') || over.is_some();
        let end = at + word.len() + over.map_or(0, |over| over.len());
        (was && is_end(before, word, &part[end..])).then_some(end)
    });
    // What else was done is said so: 已铺沥青, 已把坑填平.
    let was = part.match_indices('已').filter_map(|(at, _)| {
        let end = at + '已'.len_utf8();
        let behind = &part[end..];
        let verb = verb_in(behind)?;
        (is_end(&part[..at], "已", &behind[verb..])).then_some(end + verb)
    });
    done.chain(work).chain(was)
}

/// Where a verb of what is done ends, in what stands behind 已: right there, or behind what it's done with (把坑填平).
fn verb_in(behind: &str) -> Option<usize> {
    if let Some(rest) = behind.strip_prefix('办')
        && !rest.starts_with(char::is_alphabetic)
    {
        return Some('办'.len_utf8());
    }
    match behind.starts_with(['将', '把', '对', '为', '给', '替']) {
        true => VERBS.iter().chain(WORK).find_map(|verb| Some(behind.find(verb)? + verb.len())),
        false => VERBS.iter().find(|verb| behind.starts_with(**verb)).map(|verb| verb.len()),
    }
}

/// Whether a word says that something is done, by what stands around it.
fn is_end(before: &str, word: &str, behind: &str) -> bool {
    // What stands before the last 已 was so before.
    let since = before.rfind('已').map_or(before, |at| &before[at..]);
    let is_over = |behind: &str| behind.starts_with('了') || behind.contains('已');
    let is_ordered = ORDERS.iter().any(|order| since.contains(order)) && !is_over(behind);
    let is_aside = ASIDE.iter().chain(STEPS).any(|aside| behind.starts_with(aside))
        || word == "完成" && is_a_length(behind);
    let is_near = word != "已" && BEFORE.iter().any(|near| since.ends_with(near));
    let month = since.strip_suffix(['月']).is_some_and(|m| m.ends_with(char::is_numeric));
    let is_still = (is_near || month) && !behind.starts_with('了');
    !(is_ordered || is_aside || is_still)
}

/// 施工完成 is judged by 完成; 办理上报 is a step.
fn is_a_step(behind: &str) -> bool {
    ["完成", "上报", "上传", "上级"].iter().any(|step| behind.starts_with(step))
}

/// 完成50米: of how much, nobody says.
fn is_a_length(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < text.len()
        && ["米", "公里", "里", "平", "亩", "方", "km"].iter().any(|of| unit.starts_with(of))
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
    let asks = text.contains(['?', '？']);
    if matches!(said, Saying::Nothing | Saying::NotYet) || is_less_than_all(text) || asks {
        return if said == Saying::Something { Saying::Doubtful } else { said };
    }
    let explained = is_explained(text);
    let not_said = ON_THE_WAY.iter().chain(CAN_NOT_BE.iter().filter(|_| explained));
    let text = without_reports(&text.replace("已经", "已"));
    let text = not_said.chain(AN_END).fold(text, |text, known| {
        // 已责令整改 is somebody's order still.
        let order = known.strip_prefix('已').filter(|word| ORDERS.contains(word));
        text.replace(known, order.unwrap_or_default())
    });
    // What is said last counts: 已换灯泡，仍不亮.
    let parts = text.split(['，', ',', '；', ';', '。', '、', ' ', '\n', '！', '!']).map(bare);
    let last = parts.map(|part| judged(&part)).rfind(|part| *part != Part::Silent);
    match last {
        Some(Part::Done) => Saying::Something,
        _ => Saying::Doubtful,
    }
}

/// Whether a remark takes back that something is done: 还有一盏没换, 不归我管，退回, 不满意.
///
/// ```
/// use zoufang::domain::saying::takes_back;
/// assert!(takes_back("还有一盏没换") && takes_back("不归我管，退回") && takes_back("还差50份"));
/// assert!(!takes_back("非常满意") && !takes_back("王强经办") && !takes_back("家里还有两个老人"));
/// ```
pub fn takes_back(text: &str) -> bool {
    const BACK: [&str; 13] = [
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
    // 家里还有两个老人 says nothing of the work.
    let is_left = |rest: &str| {
        ["没", "未", "盏", "处", "件", "项", "段", "份"].iter().any(|of| rest.contains(of))
    };
    BACK.iter().any(|word| text.contains(word))
        || text.split_once("还有").is_some_and(|(_, rest)| is_left(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_ENDS: &[&str] = &[
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
        "督促物业清理完毕",
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
        "已经上报",
        "已经联系",
        "已经在修",
        "已在办理",
        "已反馈",
        "已规划",
        "已打电话",
        "已下达整改通知书",
        "已落实责任人",
        "没法解决",
        "很难解决",
        "没资金更换",
        "无人更换",
        "拒绝更换",
        "不符合安装条件",
        "调解失败",
        "调解不成",
        "已调解未果",
        "已答复，群众不理解",
        "已处理，无效",
        "已更换，还是不亮",
        "已修，还漏",
        "已换，不亮",
        "请上级解决",
        "申请安装",
        "研究解决",
        "可以解决",
        "承诺解决",
        "三天内解决",
        "7个工作日内办结",
        "6月份更换",
        "六月份解决",
        "今年解决",
        "资金到位安装",
        "快修好",
        "方案已完成",
        "招标已完成",
        "解决方案研究",
        "完成后回复",
        "完成时限6月30日",
        "限期5日内整改完毕",
        "责令限期整改到位",
        "已搁置",
        "已延期",
        "已驳回",
        "已拒绝",
        "已放弃",
        "已取消",
        "已报修",
        "已到货",
        "已签收",
        "已付款给施工方，下周施工",
        "已上传平台",
        "已办理上报",
        "已办理延期",
        "已约定5月修",
        "已定于5月施工",
        "已排期",
        "已交村委会处理",
        "已完成招标",
        "已完成设计",
        "已完成一期",
        "已完成初步处理",
        "已解决1/3",
        "已解决三分之二",
        "已解决九成",
        "已解决？",
        "已换2盏余1盏待换",
        "已更换3盏，剩2盏",
        "已换3个，缺2个",
        "已更换，尚需验收",
        "已维修，需更换",
        "已维修，又损坏",
        "已维修，再次损坏",
        "已维修，不彻底",
        "已更换，待观察",
        "已更换，观察中",
        "已更换，效果不好",
        "已更换，群众仍有意见",
        "已维修，建议更换",
        "已维修，下步更换管道",
        "已维修，其余明年",
        "已维修三次，反复出现",
        "已维修多次，未根治",
        "已解决，有反弹",
        "已解决一户，另一户协调",
        "已处理，等待结果",
        "已处理，等通知",
        "已处理部分",
        "已处理完第一批",
        "已验收不合格",
        "已调解，未达成协议",
        "已协商，对方不同意",
        "不易解决",
        "想办法解决",
        "由市直部门解决",
        "施工完成50米",
        "已逾期",
        "已报警",
        "已谈妥",
        "已叫人修",
        "已派车",
        "已关注",
        "已跟进",
        "已落实资金",
        "已转信访",
        "已走程序",
        "已回绝",
        "已失效",
        "已挂牌督办",
        "已处理中",
        "已办理中",
        "办结中",
        "未处理完",
        "市里解决",
        "让村里修",
    ];
    const ENDS: &[&str] = &[
        "已更换灯泡，群众满意",
        "群众反映的问题已解决",
        "已向镇里申请，现已安装",
        "材料已买并安装好",
        "不予解决，已向群众解释",
        "已整改到位",
        "不但修好了路灯，井盖也换了",
        "按要求整改",
        "已完全解决",
        "4月20日修好",
        "更换灯泡",
        "立即更换了灯泡",
        "将垃圾清走",
        "解决",
        "原来没有路灯，现已安装",
        "未硬化路面已硬化",
        "经镇村协调后解决",
        "接到反映后修好",
        "联系供电所后更换",
        "解决了无法通行的问题",
        "已按群众需要安装路灯",
        "反复沟通后已解决",
        "镇里又出资修好",
        "本周三已换好",
        "一周内已修好",
        "4月底已完成",
        "近期已修好",
        "已处理，下一步加强管理",
        "已解决，计划定期回访",
        "已跟进处理完毕",
        "按计划完成",
        "已上报，镇里已修好",
        "已移交派出所处理完毕",
        "路灯亮了",
        "不漏了",
        "落实到位",
        "打扫干净",
        "已签订协议",
        "已报销医药费",
        "已纳入低保",
        "已铺沥青",
        "清理垃圾2车",
        "群众表示满意，路灯已修",
        "已把坑填平",
        "已将路灯扶正",
        "已拉走垃圾",
        "已栽树30棵",
        "已堵漏",
        "已落户",
        "已入学",
        "已退款",
        "已开具证明",
        "已刷墙",
        "已消杀",
        "已为其办理低保",
        "已给老人送去米面",
        "已落实待遇，补贴已到账",
        "4/20修好",
        "已解决，不再漏水",
        "已检修，未发现异常",
        "已处理，现场接待群众三次",
        "村里修好了",
        "已重新硬化",
        "已加装护栏",
        "已恢复供水",
        "双方和解",
        "已搁置后重新协调，现已解决",
        "已报修，已办结",
    ];

    #[test]
    fn what_did_not_last_or_is_not_all_is_no_end() {
        let ends = |text: &&&str| of_result(text) == Saying::Something;
        let taken: Vec<_> = NO_ENDS.iter().filter(ends).collect();
        assert_eq!(taken, [] as [&&str; 0]);
        let refused: Vec<_> = ENDS.iter().filter(|text| !ends(text)).collect();
        assert_eq!(refused, [] as [&&str; 0]);
    }
}
