//! Who was met: one person, by their name. What stands there of several, or of nobody, is asked about.

use super::text::short;
use crate::domain::demand::is_nobody_met;
use crate::domain::reason::is_common_hanzi;

/// What people write where nobody was met.
const NOBODY: [&str; 18] = [
    "不在家",
    "不在",
    "没在家",
    "无人",
    "无人在家",
    "家中无人",
    "家里没人",
    "没人",
    "锁门",
    "外出",
    "外出务工",
    "外出打工",
    "住院",
    "未见到",
    "没见到",
    "拒访",
    "空户",
    "空房",
];
/// What is said of a person without naming them.
const UNNAMED: [&str; 15] = [
    "本人",
    "户主",
    "全家",
    "家人",
    "家属",
    "群众",
    "村民",
    "本户",
    "匿名",
    "保密",
    "不愿透露姓名",
    "不愿透露",
    "不便透露",
    "姓名保密",
    "未知",
];
/// What people are called besides their names.
const TITLES: [&str; 10] =
    ["同志", "先生", "女士", "书记", "主任", "老师", "大爷", "大娘", "大叔", "大妈"];
/// Whose somebody is.
const OF_SOMEBODY: [&str; 12] = [
    "父亲", "母亲", "妻子", "丈夫", "儿子", "女儿", "其父", "其母", "其妻", "老伴", "家属", "之子",
];
/// Surnames of two characters: 欧阳老师 has no name but that.
const COMPOUND: [&str; 8] = ["欧阳", "司马", "上官", "诸葛", "司徒", "皇甫", "尉迟", "夏侯"];
/// How a text ends that means more than one.
const SEVERAL: [&str; 16] = [
    "夫妇",
    "夫妻",
    "夫妻俩",
    "一家",
    "全家",
    "父子",
    "父女",
    "母子",
    "母女",
    "兄弟俩",
    "姐妹俩",
    "等人",
    "及家人",
    "和家人",
    "及妻子",
    "及其家人",
];
/// How people are counted.
const COUNTS: [&str; 5] = ["人", "口", "口人", "个人", "户"];
/// So many digits are a telephone's.
const A_NUMBER: usize = 7;
/// No name has so many characters; some of other peoples have twenty.
const LONGEST: usize = 50;

/// What is said of who isn't there any more, behind a name.
const GONE: [&str; 26] = [
    "去世",
    "死亡",
    "病故",
    "已故",
    "故去",
    "亡故",
    "过世",
    "离世",
    "搬走",
    "搬离",
    "搬迁",
    "搬家",
    "搬到",
    "外迁",
    "迁出",
    "迁走",
    "注销",
    "停业",
    "关门",
    "关停",
    "歇业",
    "倒闭",
    "转让",
    "拆除",
    "不在了",
    "空户",
];

/// What stands behind a name of somebody, or something, that isn't there any more: the name alone, and what is said of it.
pub(super) fn gone(text: &str) -> Option<(&str, &str)> {
    let marks = ['(', '（', '[', '【'];
    let at = text.find(marks).or_else(|| text.rfind('已').filter(|at| *at > 0))?;
    let (name, said) = text.split_at(at);
    let said = said.trim_matches(|c: char| marks.contains(&c) || ")）]】 ".contains(c));
    // 搬迁安置点店 is where a shop is.
    let is_a_place = said.ends_with(['店', '点', '区', '村', '院', '铺', '厂', '司', '部', '站']);
    let is_gone =
        !is_a_place && GONE.iter().any(|word| said.contains(word)) || matches!(said, "亡" | "故");
    is_gone.then_some((name.trim_matches([' ', '-', '—', '，', ',']), said))
}

/// Why a text isn't one person's name.
pub(super) fn not_one_person(text: &str) -> Option<String> {
    let bare = text.trim();
    let shown = short(bare);
    if NOBODY.contains(&bare) || is_nobody_met(bare) {
        return Some(format!(
            "「{shown}」不是姓名：没有见到人的不算走访，请从这张表里删掉这一行，在「群众名册」的「未走访原因」写明"
        ));
    }
    if let Some((name, said)) = gone(bare) {
        return Some(format!(
            "「{shown}」的后面写着「{said}」，不是姓名：不在了的人请删去这一行；见到的是别人的，填见到的那个人；写的是家里别人的事，请只填「{name}」"
        ));
    }
    if UNNAMED.contains(&bare) {
        return Some(format!("「{shown}」不是姓名：请填见到的那个人的姓名"));
    }
    if is_number(bare) {
        return Some(format!("「{shown}」是数字，不是姓名：请填见到的那个人的姓名"));
    }
    if bare.chars().filter(char::is_ascii_digit).count() >= A_NUMBER {
        return Some(format!("「{shown}」里有号码：姓名请只填姓名，号码写到「联系方式」列"));
    }
    if bare.chars().count() > LONGEST {
        return Some(format!("「{shown}」太长了，不像一个人的姓名：请只填姓名"));
    }
    let is_picture = |c: char| matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}');
    if bare.contains(is_picture) {
        return Some(format!("「{shown}」里有不是姓名的符号：请删掉"));
    }
    if let Some(several) = SEVERAL.iter().find(|word| bare.ends_with(**word)) {
        return Some(format!("「{shown}」不止一个人（{several}）：请一人写一行"));
    }
    if let Some(why) = more_than_a_name(bare) {
        return Some(why);
    }
    let count =
        bare.rsplit_once('等').is_some_and(|(_, rest)| is_number(rest) || rest.ends_with('人'));
    if count {
        return Some(format!("「{shown}」不止一个人：请一人写一行"));
    }
    let several = |parts: Vec<&str>, longest: usize| {
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let is_name = |name: &&str| {
            let all_hanzi = name.chars().all(|c| is_common_hanzi(c) || c == '·');
            all_hanzi && (2..=longest).contains(&name.chars().count())
        };
        (parts.len() > 1 && parts.iter().all(is_name)).then_some(parts.len())
    };
    let marked = bare.split(|c: char| "、，,；;/".contains(c)).collect();
    let spaced = bare.split(|c: char| c.is_whitespace() || "、，,；;/".contains(c)).collect();
    let joined = bare.split(['和', '及', '与', '跟']).collect();
    let found = several(marked, 20).or_else(|| several(spaced, 4)).or_else(|| several(joined, 4));
    found.map(|count| {
        format!("「{shown}」像是 {count} 个人：请一人写一行；是一个人的姓名请去掉中间的空格或标点")
    })
}

/// Why a name isn't all that stands there: 王建国同志, 户主王建国, or isn't theirs: 父亲王建国.
fn more_than_a_name(text: &str) -> Option<String> {
    let shown = short(text);
    let titled = TITLES.iter().find_map(|title| text.strip_suffix(title));
    let titled = titled.filter(|name| is_short_name(name) && !COMPOUND.contains(name));
    if let Some(name) = titled {
        return Some(format!("「{shown}」后面不是姓名：请只填姓名，如「{name}」"));
    }
    let mut whose = OF_SOMEBODY.iter().filter_map(|word| text.strip_prefix(word));
    let mut ends = OF_SOMEBODY.iter().filter_map(|word| text.strip_suffix(word));
    if whose.any(|rest| rest.is_empty() || is_short_name(rest)) || ends.any(is_short_name) {
        return Some(format!("「{shown}」不是姓名：请填见到的那个人自己的姓名"));
    }
    let head = ["户主", "姓名"].iter().find_map(|word| text.strip_prefix(word));
    let name = head.map(|rest| rest.trim_start_matches([':', '：', ' ']));
    let name = name.filter(|name| is_short_name(name))?;
    Some(format!("「{shown}」前面不是姓名：请只填姓名，如「{name}」"))
}

/// Whether it's a name of two to four hanzi.
fn is_short_name(text: &str) -> bool {
    (2..=4).contains(&text.chars().count()) && text.chars().all(is_common_hanzi)
}

/// Whether it's a number, or says how many there are: 5, 13800000001, 3人.
fn is_number(text: &str) -> bool {
    let count = COUNTS.iter().find_map(|count| text.strip_suffix(count)).unwrap_or(text);
    count.contains(char::is_numeric) && !count.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::not_one_person;

    #[test]
    fn one_name_is_one_person() {
        for name in [
            "王建国",
            "王 强",
            "欧阳 修",
            "买买提·艾力",
            "John Smith",
            "王建国（户主）",
            "赵掌柜",
            "王书记",
            "李先生",
            "欧阳老师",
            "王和平",
            "欧阳和",
            "等闲",
        ] {
            assert_eq!(not_one_person(name), None, "{name}");
        }
        assert_eq!(super::gone("阳光超市（搬迁安置点店）"), None);
        for (name, why) in [
            ("王建国、李秀英", "2 个人"),
            ("王建国 李秀英", "2 个人"),
            ("王建国/李秀英/赵强", "3 个人"),
            ("王建国和李秀英", "2 个人"),
            ("买买提·艾力、古丽", "2 个人"),
            ("王建国及妻子", "不止一个人"),
            ("王建国等3人", "不止一个人"),
            ("户主王建国", "请只填姓名，如「王建国」"),
            ("王建国（已去世）", "写着「已去世」"),
            ("李四（已搬走）", "请只填「李四」"),
            ("李四已搬走", "请只填「李四」"),
            ("王建国(亡)", "写着「亡」"),
            ("不在家", "未走访原因"),
            ("户主", "请填见到的那个人"),
            ("王建国同志", "请只填姓名，如「王建国」"),
            ("父亲王建国", "自己的姓名"),
            ("王建国妻子", "自己的姓名"),
            ("其妻", "自己的姓名"),
            ("家中没人", "未走访原因"),
            ("不愿透露姓名", "请填见到的那个人"),
            ("王建国😀", "符号"),
            ("5", "是数字"),
            ("13800000001", "是数字"),
            ("3 人", "是数字"),
            ("王建国13800000001", "有号码"),
            (
                "王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王",
                "太长",
            ),
        ] {
            assert!(not_one_person(name).is_some_and(|said| said.contains(why)), "{name}");
        }
    }
}
