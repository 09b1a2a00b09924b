//! How what was sent is known again in what a platform lists, whatever the platform has put around it, escaped, masked,
//! wrapped or cut.

use unicode_normalization::UnicodeNormalization;

use super::referral::{bracketed, described, is_reference, marked, neutral, opening_clause};

/// So many of a text's first characters tell it from others.
const TELLING: usize = 6;
/// So many first characters that are equal make it likely that all of a text is.
const ENOUGH: usize = 12;

/// What was sent, and by what it's known.
#[derive(Debug)]
pub struct Sent {
    reference: String,
    mark: String,
    words: String,
    /// The words, and all that was sent of them, as they can be compared.
    plain_words: String,
    plain_sent: String,
}

impl Sent {
    /// Of this reference, with these words.
    pub fn new(reference: &str, words: &str) -> Sent {
        let neutral = neutral(words);
        Sent {
            reference: reference.to_owned(),
            mark: marked(reference),
            plain_words: plain(&neutral),
            plain_sent: plain(&described(words, "", reference)),
            words: neutral,
        }
    }
}

/// A text as a platform lists it.
#[derive(Debug)]
pub struct Shown<'t> {
    text: &'t str,
    /// As it can be compared.
    plain: String,
}

impl<'t> Shown<'t> {
    /// This text.
    pub fn of(text: &'t str) -> Shown<'t> {
        Shown { text: text.trim(), plain: plain(text) }
    }

    /// The references of all marks in it, whatever they are of.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        references(&self.plain)
    }

    /// Whether it carries this mark at all, or is the reference itself.
    pub fn carries(&self, reference: &str) -> bool {
        let mark = marked(reference);
        self.text == reference || self.text.contains(&mark) || self.plain.contains(&mark)
    }

    /// Whether it's what was sent: it's the reference itself, or carries the mark in its own place, with our words beside
    /// it, or with all of them. A mark that somebody quotes stands elsewhere.
    ///
    /// ```
    /// use zoufang::domain::recognition::{Sent, Shown};
    /// let sent = Sent::new("X-1-R1", "路灯不亮，修修");
    /// let ours = |listed: &str| Shown::of(listed).is(&sent);
    /// assert!(ours("X-1-R1") && ours("路灯不亮，[X-1-R1]修") && ours("路灯不亮，修修[X-1-R1]"));
    /// assert!(ours("<p>转办：路灯不亮，[X-1-\nR1]修修[X-1-R1]</p>"), "whatever the platform has put around it");
    /// let sent = Sent::new("X-1-R1", "路灯<东>&井盖");
    /// assert!(Shown::of("路灯&amp;lt;东&amp;gt;&amp;amp;井盖[X-1-R1]").is(&sent), "escaped twice");
    /// assert!(!ours("别处的事，[X-1-R1]没人管") && !ours("路灯不亮，修修[X-1-R12]") && !ours("见[X-1-R1]"));
    /// ```
    pub fn is(&self, sent: &Sent) -> bool {
        let Shown { text, plain } = self;
        let Sent { reference, mark, words, plain_words, .. } = sent;
        if text == reference || text == mark {
            return true;
        }
        if stands_in_place(text, mark, words) || stands_in_place(plain, mark, plain_words) {
            return true;
        }
        // Whole, with something before or behind it, and no other's mark.
        let said = without_marks(plain_words);
        let is_whole = said.chars().count() >= TELLING && without_marks(plain).contains(&said);
        is_whole && plain.contains(mark) && references(plain).all(|other| other == reference)
    }

    /// Whether it may be what was sent though it isn't known by its mark: it carries that letter by letter and no other, whatever
    /// the platform has made of the words (question marks, a summary, another language); or changed, with some of our words; or
    /// it begins as ours does, where a cut may have taken the mark.
    ///
    /// ```
    /// use zoufang::domain::recognition::{Sent, Shown};
    /// let sent = Sent::new("X-1-R1", "老王来电反映，村口的路灯坏了三个月没人修");
    /// let may_be = |listed: &str| Shown::of(listed).may_be(&sent);
    /// assert!(may_be("某某来电反映，[X-1-R1]村口的路灯坏了三个月没人修[X-1-R1]"), "a name was masked");
    /// assert!(may_be("老王来电反映，[X-1-") && may_be("老王来电反映，村口的路灯坏了"));
    /// assert!(may_be("老王来电反映，\u{fffd}"), "cut within a character");
    /// assert!(may_be("?????[X-1-R1]????") && may_be("路灯类诉求[X-1-R1]"), "its words were changed");
    /// assert!(!may_be("条子上写着［X-1-R1］没人来") && !may_be("邻镇的事，见[X-1-R1]") && !may_be("老王来电"));
    /// ```
    pub fn may_be(&self, sent: &Sent) -> bool {
        let mut marks = references(&self.plain).peekable();
        if marks.peek().is_some() {
            return marks.any(|mark| mark == sent.reference)
                && (self.bears_alone(sent) || shares_words(&self.plain, &sent.plain_words));
        }
        [&sent.plain_sent, &sent.plain_words].into_iter().any(|ours| self.begins(ours))
    }

    /// Whether it carries the mark of what was sent letter by letter, and no other; 见[…] only refers to it.
    fn bears_alone(&self, sent: &Sent) -> bool {
        let refers = |at: usize| self.text[..at].trim_end().ends_with('见');
        references(self.text).all(|mark| mark == sent.reference)
            && self.text.match_indices(&sent.mark).any(|(at, _)| !refers(at))
    }

    /// Whether its words are kept from us: then it may be anything.
    ///
    /// ```
    /// use zoufang::domain::recognition::Shown;
    /// assert!(Shown::of("该诉求不公开").is_withheld() && Shown::of("（审核中）").is_withheld());
    /// assert!(!Shown::of("村务不公开，账目看不到").is_withheld());
    /// ```
    pub fn is_withheld(&self) -> bool {
        const SAYS: [&str; 14] = [
            "不公开",
            "未公开",
            "不予公开",
            "审核中",
            "待审核",
            "未审核",
            "已隐藏",
            "内容隐藏",
            "涉及隐私",
            "个人隐私",
            "已屏蔽",
            "已脱敏",
            "保密",
            "无权查看",
        ];
        const LONGEST: usize = 10;
        let length = self.plain.chars().count();
        length <= LONGEST && SAYS.iter().any(|says| self.plain.contains(says))
    }

    /// Whether it has anything of what was sent: its mark, some of its words, or too little of its own to tell.
    ///
    /// ```
    /// use zoufang::domain::recognition::{Sent, Shown};
    /// let sent = Sent::new("X-1-R1", "老王来电反映，村口的路灯坏了三个月没人修");
    /// let has_of = |shown: &str| Shown::of(shown).has_of(&sent);
    /// assert!(has_of("【转办】村口的路灯坏了三个月") && has_of("略") && has_of("见[X-1-R1]"));
    /// assert!(!has_of("邻镇的事：路面塌陷，请尽快派人处理"));
    /// ```
    pub fn has_of(&self, sent: &Sent) -> bool {
        self.carries(&sent.reference)
            || self.plain.chars().count() < TELLING
            || shares_words(&self.plain, &sent.plain_words)
            || self.begins(&sent.plain_sent)
    }

    /// Whether it begins as a text of ours, and may be the rest of it.
    fn begins(&self, ours: &str) -> bool {
        let cut = self.plain.trim_end_matches(['…', '.', char::REPLACEMENT_CHARACTER]);
        if let Some(rest) = ours.strip_prefix(cut) {
            // Some keep nothing from the first character on that they can't store, or take for something else; and where all
            // that is shown is how ours begins, it's hardly another's.
            let unstored =
                rest.chars().next().is_some_and(|c| c > '\u{ffff}' || "[<&%#\\'\"".contains(c));
            let is_telling = cut.chars().count() >= TELLING;
            if cut.contains('[') || is_telling || unstored && !cut.is_empty() {
                return true;
            }
        }
        let first: String = ours.chars().take(ENOUGH).collect();
        first.chars().count() >= TELLING && self.plain.starts_with(&first)
    }
}

/// Whether the mark stands behind the opening clause, or first or last beside our words.
fn stands_in_place(listed: &str, mark: &str, words: &str) -> bool {
    let opening = words[..opening_clause(words)].trim();
    let behind = listed.strip_prefix(opening).map(str::trim_start);
    if !opening.is_empty() && behind.is_some_and(|rest| rest.starts_with(mark)) {
        return true;
    }
    let beside = listed.strip_prefix(mark).or(listed.strip_suffix(mark));
    let telling = telling(words);
    beside.is_some_and(|text| text.contains(telling) || telling.starts_with(text.trim()))
}

/// The first characters of a text, up to the first blank.
fn telling(words: &str) -> &str {
    let words = words.trim();
    let end = words
        .char_indices()
        .enumerate()
        .find(|(place, (_, character))| *place >= TELLING || character.is_whitespace())
        .map_or(words.len(), |(_, (at, _))| at);
    &words[..end]
}

/// Whether a text has so many characters of another one after the other as tell it from others; all of a short one.
fn shares_words(text: &str, words: &str) -> bool {
    let (text, words) = (without_marks(text), without_marks(words));
    let words: Vec<char> = words.chars().collect();
    let length = TELLING.min(words.len()).max(1);
    words.windows(length).any(|some| text.contains(&some.iter().collect::<String>()))
}

/// A text as it can be compared, however a platform stores and shows texts: wide characters as they are usually written,
/// entities as what they stand for however often they were escaped, without tags, blanks and line ends.
fn plain(text: &str) -> String {
    let mut text: String = text.nfkc().collect();
    for _ in 0..ESCAPED {
        let decoded = without(&text, ('&', ';'), 10, |name| entity(name).map(Some));
        if decoded == text {
            break;
        }
        text = decoded;
    }
    // What an entity stood for, too.
    let text: String = text.nfkc().collect();
    let untagged = without(&text, ('<', '>'), 200, |_| Some(None));
    let shown = untagged.chars().filter(|c| !c.is_whitespace() && !c.is_control());
    shown.filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}')).collect()
}

/// A text is escaped so often at the most: by one who stores it and one who shows it, and once by mistake.
const ESCAPED: usize = 3;

/// A text in which each stretch between two such characters, if it isn't longer than that in bytes, is replaced by what
/// stands for it; where nothing does, it stays.
fn without(
    text: &str,
    (begin, end): (char, char),
    longest: usize,
    replaced: impl Fn(&str) -> Option<Option<char>>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(begin) {
        out.push_str(before);
        let inside = behind.split_once(end).filter(|(inside, _)| inside.len() <= longest);
        rest = match inside.and_then(|(name, after)| Some((replaced(name)?, after))) {
            Some((character, after)) => {
                out.extend(character);
                after
            }
            None => {
                out.push(begin);
                behind
            }
        };
    }
    out + rest
}

/// The character of an entity's name; nothing for one that we don't know.
fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" | "ldquo" | "rdquo" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let code = name.strip_prefix('#')?;
            let hex = code.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
            char::from_u32(hex.unwrap_or_else(|| code.parse()).ok()?)
        }
    }
}

/// A text without any of our marks.
fn without_marks(text: &str) -> String {
    let mut out = text.to_owned();
    for reference in references(text) {
        out = out.replace(&marked(reference), "");
    }
    out
}

/// The references that stand marked in a text.
fn references(text: &str) -> impl Iterator<Item = &str> {
    bracketed(text).filter(|inside| is_reference(inside))
}
