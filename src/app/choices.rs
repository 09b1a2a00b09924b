//! What whoever brings a table has decided of what may be the same as before: without a word it's asked, never guessed.

use serde::{Deserialize, Serialize};

use super::problem::{About, Problem};

/// The choices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// Whoever has the same name at the same subject and another number is the same person.
    pub same_person: bool,
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

/// From here on two texts are much like each other.
const MUCH: f64 = 0.6;

/// Whether one text may be the other, put right. What differs in what counts or points (3号楼 and 5号楼, 东头 and 西头)
/// is another thing.
pub(super) fn are_alike(one: &str, other: &str) -> bool {
    const POINTS: &str = "一二三四五六七八九十百甲乙丙丁戊己庚辛壬癸东南西北前后左右上下首";
    let points = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || POINTS.contains(*c)).collect()
    };
    points(one) == points(other) && strsim::normalized_levenshtein(one, other) >= MUCH
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
        let text = format!(
            "这个对象已有叫「{name}」的群众，登记的联系方式不同：是两个人请在姓名后加以区别（如「{name}甲」），是同一个人换了号码请在导入命令后加 --same-person"
        );
        Err(Problem::new(About::Contact, text))
    }
}
