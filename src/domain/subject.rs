//! 走访对象: what is visited.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;

use crate::words;

words! {
    /// The kinds of subject that the plan's scope names (二(一)).
    SubjectKind {
        Household = "household", "家庭" | "户" | "农户" | "住户" | "村家庭";
        Shop = "shop", "商铺" | "门店" | "商户";
        Enterprise = "enterprise", "企业";
        School = "school", "学校";
        Hospital = "hospital", "医院" | "卫生室" | "卫生院";
        Market = "market", "市场" | "集贸市场";
        Organ = "organ", "机关";
        Institution = "institution", "事业单位";
    }
}

words! {
    /// Whether a subject is to be visited; where it isn't, why: it's no longer there (二(一) 本镇辖区内), or never was one of its own.
    SubjectState {
        InPlace = "in_place", "在册" | "正常" | "在" | "在村" | "在户" | "在家" | "营业" | "营业中" | "恢复";
        MovedAway = "moved_away", "迁出" | "已迁出" | "外迁" | "搬走" | "已搬走" | "搬迁" | "整户迁出";
        Died = "died", "去世" | "已去世" | "死亡" | "病故" | "亡故" | "绝户" | "户消亡";
        Closed = "closed", "停业" | "已停业" | "歇业" | "关闭" | "已关闭" | "关门" | "关停" | "注销" | "撤销" | "撤并" | "倒闭";
        Duplicate = "duplicate", "重复" | "重复登记" | "登记重复";
        Other = "other", "其他" | "其它";
    }
}

impl SubjectState {
    /// Whether it isn't to be visited any more.
    pub fn is_ended(self) -> bool {
        self != SubjectState::InPlace
    }

    /// Whether a subject of that kind may end so: nobody's household closes, and no shop dies.
    pub fn is_of(self, kind: SubjectKind) -> bool {
        match self {
            SubjectState::Died => kind == SubjectKind::Household,
            SubjectState::Closed => kind != SubjectKind::Household,
            _ => true,
        }
    }

    /// Whether what is said of it says something else: that it's still there, or ended otherwise.
    ///
    /// ```
    /// use zoufang::domain::subject::SubjectState::{Closed, Died, InPlace, MovedAway};
    /// assert!(Closed.is_denied_by("仍在正常营业") && MovedAway.is_denied_by("已去世"));
    /// assert!(InPlace.is_denied_by("全家已搬走"));
    /// assert!(!MovedAway.is_denied_by("户主去世，由女儿接到县城") && !Died.is_denied_by("独居老人，已去世"));
    /// assert!(!InPlace.is_denied_by("停业整顿后恢复营业"));
    /// ```
    pub fn is_denied_by(self, words: &str) -> bool {
        const STAYS: [&str; 18] = [
            "仍在",
            "还在",
            "正常营业",
            "继续营业",
            "照常营业",
            "恢复营业",
            "没有搬",
            "未搬",
            "没搬",
            "未迁",
            "没迁",
            "没有迁",
            "没有停业",
            "未停业",
            "健在",
            "常住",
            "已搬回",
            "已回村",
        ];
        const GONE: [&str; 14] = [
            "搬走", "搬离", "搬到", "迁出", "外迁", "去世", "死亡", "病故", "停业", "歇业", "关门",
            "倒闭", "注销", "拆除",
        ];
        const AGAIN: [&str; 10] = ["恢复", "又", "回", "重新", "没", "未", "误", "错", "不", "曾"];
        let says = |words_of: &[&str]| words_of.iter().any(|word| words.contains(word));
        match self {
            SubjectState::InPlace => says(&GONE) && !says(&AGAIN),
            SubjectState::Duplicate | SubjectState::Other => false,
            state => {
                let other = SubjectState::read(words.trim_matches(['。', '，', ' ']));
                says(&STAYS) || other.is_some_and(|other| other != state)
            }
        }
    }

    /// Why subjects end.
    pub fn endings() -> impl Iterator<Item = SubjectState> {
        SubjectState::ALL.iter().copied().filter(|state| state.is_ended())
    }

    /// Whether the word alone doesn't say it: which other one it is, or what else happened.
    pub const fn needs_words(self) -> bool {
        matches!(self, SubjectState::Duplicate | SubjectState::Other)
    }
}

/// That a subject isn't to be visited any more: since when, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub on: Date,
    pub why: SubjectState,
}

impl Ended {
    /// Whether it was still to be visited when a campaign began: one that had ended by then is no part of it.
    pub fn is_since(self, starts_on: Date) -> bool {
        self.on >= starts_on
    }
}

words! {
    /// How far a subject was visited before it ended.
    Seen {
        /// In this campaign, completely.
        Visited = "visited", "走访过";
        /// In this campaign, but not everybody there was heard.
        Partly = "partly", "没有走访完";
        /// In a campaign of before.
        Earlier = "earlier", "以前的活动走访过";
        Never = "never", "没走访过";
    }
}

impl Seen {
    /// By whether its first visit is complete, and when somebody was last heard there.
    pub fn of(visited: bool, heard_on: Option<Date>, starts_on: Date) -> Seen {
        match heard_on {
            _ if visited => Seen::Visited,
            Some(on) if on >= starts_on => Seen::Partly,
            Some(_) => Seen::Earlier,
            None => Seen::Never,
        }
    }
}

/// How many subjects ended, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endings(BTreeMap<SubjectState, i64>);

impl Endings {
    /// One more.
    pub fn add(&mut self, why: SubjectState) {
        self.add_all(why, 1);
    }

    /// So many more.
    pub fn add_all(&mut self, why: SubjectState, count: i64) {
        *self.0.entry(why).or_default() += count;
    }

    /// How many.
    pub fn count(&self) -> i64 {
        self.0.values().sum()
    }
}

/// Each with its number: 迁出 2，停业 1.
impl fmt::Display for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> =
            self.0.iter().map(|(why, count)| format!("{why} {count}")).collect();
        f.write_str(&each.join("，"))
    }
}

/// What may be subjects' numbers in what somebody wrote: runs of letters and digits, and what stands between the usual words.
///
/// ```
/// use zoufang::domain::subject::numbers_in;
/// let all = |text| numbers_in(text).collect::<Vec<_>>();
/// assert!(all("与H0012重复").contains(&"H0012"));
/// assert!(all("和东-01号重复（张三家）").contains(&"东-01"));
/// assert!(!all("与H0012重复").contains(&"H001"));
/// ```
pub fn numbers_in(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let runs = text.split(move |c| !is_part(c)).map(|run| run.trim_matches(['-', '_', '.', '/']));
    let parts =
        text.split(|c: char| c.is_whitespace() || "（）()「」“”\"，,、；;。：:".contains(c));
    runs.chain(parts.map(without_usual_words)).filter(|found| !found.is_empty())
}

fn without_usual_words(text: &str) -> &str {
    const BEFORE: [&str; 7] = ["与", "和", "同", "跟", "是", "对象编号", "编号"];
    const BEHIND: [&str; 7] = ["重复登记", "重复", "同一户", "一户", "相同", "号", "是"];
    let mut rest = text;
    while let Some(shorter) = BEFORE.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    while let Some(shorter) = BEHIND.iter().find_map(|word| rest.strip_suffix(word)) {
        rest = shorter;
    }
    rest
}

/// A number as it's compared with one that is nearly the same: large and small letters, leading zeros, blanks and hyphens,
/// what a spreadsheet or a program put to it, O for 0 and I for 1.
///
/// ```
/// use zoufang::domain::subject::near_number;
/// for number in ["H1", "h1", "H01", "H-1", "H 001", "H1.0", "HO1", "Ｈ－1"] {
///     assert_eq!(near_number(number), "H1", "{number}");
/// }
/// assert_eq!(near_number("00051"), near_number("51"));
/// assert_ne!(near_number("1-12"), near_number("11-2"));
/// assert_ne!(near_number("L1"), near_number("11"));
/// ```
pub fn near_number(number: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let text: String = number.nfkc().flat_map(char::to_uppercase).collect();
    let text = text.trim();
    let text = text.strip_suffix(".0").unwrap_or(text);
    let chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digit = |at: usize| match chars.get(at) {
        Some('O') if at > 0 || chars.get(1).is_some_and(char::is_ascii_digit) => Some('0'),
        Some('I' | 'L') if at > 0 && chars.get(at + 1).is_some_and(char::is_ascii_digit) => {
            Some('1')
        }
        Some(c) if c.is_ascii_digit() => Some(*c),
        _ => None,
    };
    let (mut near, mut run) = (String::new(), String::new());
    let end_run = |near: &mut String, run: &mut String| {
        let short = run.trim_start_matches('0');
        near.push_str(if short.is_empty() && !run.is_empty() { "0" } else { short });
        run.clear();
    };
    for (at, c) in chars.iter().enumerate() {
        match digit(at) {
            Some(digit) => run.push(digit),
            None => {
                end_run(&mut near, &mut run);
                let parts = at > 0 && digit(at - 1).is_some() && digit(at + 1).is_some();
                match *c {
                    c if c.is_alphanumeric() => near.push(c),
                    _ if parts => near.push('-'),
                    _ => {}
                }
            }
        }
    }
    end_run(&mut near, &mut run);
    near
}
