//! What whoever brings a table has decided of what may be the same as before: without a word it's asked, never guessed.

use serde::{Deserialize, Serialize};

use super::problem::{About, Asked, Problem};

/// The choices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// Whoever has the same name at the same subject and another number is the same person.
    pub same_person: bool,
    /// What has a known subject's number, and another name, kind or area, is that subject.
    pub same_subject: bool,
    /// The same of areas and their codes.
    pub same_area: bool,
    pub alike: Alike,
}

/// What a text is that is much like one that is known of the same visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alike {
    #[default]
    Ask,
    /// The same issue, put right.
    Correction,
    /// Another issue.
    Another,
}

/// From here on two texts are much like each other, and two short ones by the characters that they share.
const MUCH: f64 = 0.6;
const SHORT: usize = 8;

/// Whether a character counts: of two things that differ in it the one isn't the other.
pub(super) fn is_counting(character: char) -> bool {
    const ORDINALS: &str = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸";
    character.is_ascii_alphanumeric() || ORDINALS.contains(character)
}

/// Whether one text may be the other, put right. What differs in what counts or points (3号楼 and 5号楼, 东头 and 西头)
/// is another thing.
pub fn are_alike(one: &str, other: &str) -> bool {
    const POINTS: &str = "百东南西北前后左右上下首";
    let points = |text: &str| -> String {
        text.chars().filter(|c| is_counting(*c) || POINTS.contains(*c)).collect()
    };
    let (here, there) = (points(one), points(other));
    // Who says more says it more exactly; who points elsewhere says another thing.
    if !(here.is_empty() || there.is_empty() || here == there) {
        return false;
    }
    let (one, other) = (words_of(one), words_of(other));
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let contained = short.chars().count() >= 2 && long.contains(short.as_str());
    contained
        || strsim::normalized_levenshtein(&one, &other) >= MUCH
        || long.chars().count() <= SHORT && share(short, long) * 2 >= long.chars().count()
}

/// What is said, without the marks and the particles that change nothing.
fn words_of(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() && !"的了着呢吧啊很太请".contains(*c)).collect()
}

/// How many characters two texts share.
fn share(one: &str, other: &str) -> usize {
    let mut left: Vec<char> = other.chars().collect();
    let mut shared = 0;
    for c in one.chars() {
        if let Some(at) = left.iter().position(|there| *there == c) {
            left.swap_remove(at);
            shared += 1;
        }
    }
    shared
}

impl Choices {
    /// That whoever is told of is the one who is known.
    ///
    /// # Errors
    /// What is asked where their numbers differ.
    pub(super) fn same_person(&self, name: &str, known: &str, told: &str) -> Result<(), Problem> {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        if self.same_person
            || known == told
            || (digits(known) == digits(told) && !digits(told).is_empty())
        {
            return Ok(());
        }
        let text = format!("这个对象已有叫「{name}」的群众，登记的联系方式不同");
        let how = format!(
            "是两个人请在姓名后加以区别（如「{name}甲」），是同一个人换了号码请在导入命令后加 --same-person"
        );
        Err(Problem::asking(About::Contact, text, Asked::SamePerson, &how))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_the_same_is_asked_and_what_points_elsewhere_is_not() {
        for (one, other) in [
            ("下水道堵", "下水道堵塞"),
            ("路灯不亮", "路灯坏了"),
            ("停水", "停水了。"),
            ("路灯不亮", "村口3盏路灯不亮"),
            ("水管漏水", "漏水"),
            ("自来水压力低，高峰没有水", "自来水压力太低，高峰时没有水"),
        ] {
            assert!(are_alike(one, other) && are_alike(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("3号楼路灯不亮", "5号楼路灯不亮"),
            ("村东头路灯不亮", "村西头路灯不亮"),
            ("路灯不亮", "下水道堵"),
            ("申请低保", "村里没有幼儿园"),
        ] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }
}
