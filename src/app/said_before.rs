//! What is known of what residents said, as far as rows told now may say it again: otherwise, of another day, or by another
//! visitor.

use std::collections::{HashMap, HashSet};

use super::choices::{are_alike, is_counting};
use super::problem::{About, Asked, Did, Problem};
use crate::db::personal;
use crate::db::{Context, IssueWords, ResidentWords, Result, Session, Upsert};
use crate::domain::agreeing::before_bracket;
use crate::domain::issue::State;

/// What is known.
#[derive(Default)]
pub(super) struct Known {
    /// The contacts of residents, by their ids.
    pub contacts: HashMap<String, String>,
    /// Their names.
    pub names: HashMap<String, String>,
    /// What residents asked for, by their ids.
    said: HashMap<String, Vec<Said>>,
    /// What is said of these visits now.
    told: HashSet<(String, String)>,
    /// The visits that somebody tells of now.
    visits: HashSet<String>,
}

/// An issue and what was said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub issue: IssueWords,
    pub text: String,
}

impl Said {
    fn is_void(&self) -> bool {
        self.issue.state == State::Void.code()
    }

    fn shown(&self) -> String {
        let said: String = self.text.chars().take(20).collect();
        format!("{}「{said}」", self.issue.number)
    }
}

impl Known {
    /// Reads the contacts of everybody at the subjects of these numbers, and whose they are.
    pub async fn read_contacts(
        &mut self,
        session: &mut Session,
        context: &Context,
        numbers: &[&str],
    ) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        for (id, words) in session.told_at(numbers).await? {
            let words = ResidentWords::open(words, context)?;
            self.names.insert(id.clone(), words.name);
            self.contacts.extend(words.contact.map(|contact| (id, contact)));
        }
        Ok(())
    }

    /// That somebody is told of now who wasn't known, and how to reach them.
    pub fn meet(&mut self, id: &str, name: &str, contact: Option<&str>) {
        self.names.insert(id.to_owned(), name.to_owned());
        self.contacts.extend(contact.map(|contact| (id.to_owned(), contact.to_owned())));
    }

    /// The name of one of these residents who may be the one told of now, with a character put right: the same contact,
    /// and all of the name but one character, or with more around it.
    pub fn may_be_misspelt<'k>(
        &'k self,
        mut residents: impl Iterator<Item = &'k str>,
        name: &str,
        contact: &str,
    ) -> Option<&'k str> {
        let misspelt = residents.find(|id| {
            self.contacts.get(*id).is_some_and(|known| known == contact)
                && self.names.get(*id).is_some_and(|known| {
                    is_misspelt(known, name)
                        || known.contains(name)
                        || name.contains(known.as_str())
                })
        })?;
        self.names.get(misspelt).map(String::as_str)
    }

    /// Reads what these residents asked for.
    pub async fn read_words(
        &mut self,
        session: &mut Session,
        context: &Context,
        residents: &HashSet<String>,
    ) -> Result<()> {
        let residents: Vec<&str> = residents.iter().map(String::as_str).collect();
        if residents.is_empty() {
            return Ok(());
        }
        for issue in session.issues_of_residents(&residents).await? {
            let text = context.open(personal::ISSUE_TEXT, &issue.id, &issue.text_sealed)?;
            self.said.entry(issue.resident_id.clone()).or_default().push(Said { issue, text });
        }
        Ok(())
    }

    /// That a visit is told of now, and what is said of it.
    pub fn tell(&mut self, visit: String, text: Option<String>) {
        self.told.extend(text.map(|text| (visit.clone(), text)));
        self.visits.insert(visit);
    }

    /// Whether a visit is told of now.
    pub fn tells_of(&self, visit: &str) -> bool {
        self.visits.contains(visit)
    }

    fn is_told(&self, said: &Said) -> bool {
        self.told.contains(&(said.issue.visit_id.clone(), said.text.clone()))
    }

    /// What a resident asked for, as far as it was read: the numbers of issues and their words.
    pub fn said_by(&self, resident: &str) -> impl Iterator<Item = (&str, &str)> {
        let said = self.said.get(resident).into_iter().flatten();
        said.map(|said| (said.issue.number.as_str(), said.text.as_str()))
    }

    /// The issue of a resident that may be what is said now at a visit (nothing: one that isn't known). Of the same visit:
    /// the same, or much like it where nobody says the same as before. Of another: the same, or much like it.
    pub fn may_be(&self, resident: &str, visit: Option<&str>, text: &str) -> Option<Said> {
        let said = self.said.get(resident)?;
        let here = |said: &&Said| visit == Some(said.issue.visit_id.as_str());
        let like = |said: &&Said| !self.is_told(said) && are_alike(&said.text, text);
        let own = said.iter().filter(here).find(|said| said.text == text || like(said));
        let elsewhere = || said.iter().filter(|said| !here(said) && !said.is_void());
        own.or_else(|| elsewhere().find(|said| said.text == text))
            .or_else(|| elsewhere().find(like))
            .cloned()
    }

    /// A word on a visit of which it's said now that nothing was asked for, where something was.
    pub fn asked_before(&self, resident: &str, visit: &str) -> Option<Did> {
        let said = self.said.get(resident)?.iter();
        let mut stands = said
            .filter(|said| said.issue.visit_id == visit && !said.is_void() && !self.is_told(said));
        let said = stands.next()?;
        let text = format!(
            "这次走访登记过 {}，这里填的是无：没有改动。确实没有这个问题，请用 zoufang issue void {} --by 责任人编号 --reason 原因 作废",
            said.shown(),
            said.issue.number
        );
        Some(Did::noted(Upsert::Same, About::HasIssue, text))
    }
}

/// Whether two names are one but for a character.
pub(super) fn is_misspelt(one: &str, other: &str) -> bool {
    if one != other && before_bracket(one).trim() == before_bracket(other).trim() {
        return true;
    }
    let is_one_off = strsim::levenshtein(one, other) == 1;
    one.chars().count().min(other.chars().count()) > 1 && is_one_off && !are_counted(one, other)
}

/// Whether two names tell people apart by what counts: 群众3 and 群众39, 王大 and 王二.
fn are_counted(one: &str, other: &str) -> bool {
    let counts = |c: &char| is_counting(*c) || "大小老".contains(*c);
    let numbers = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    if numbers(one) != numbers(other) {
        return true;
    }
    let differing = one.chars().zip(other.chars()).find(|(a, b)| a != b);
    one.chars().count() == other.chars().count()
        && differing.is_some_and(|(a, b)| counts(&a) && counts(&b))
}

/// What is asked where somebody may be somebody who is known.
pub(super) fn ask_of_misspelt(known: &str, name: &str) -> Problem {
    let text = format!("「{name}」与这个对象已登记的「{known}」写法相近，联系方式相同");
    let how =
        format!("是同一个人请写成登记的「{known}」，是两个人请在导入命令后加 --alike another");
    Problem::asking(About::Resident, text, Asked::Misspelt(known.to_owned()), &how)
}

/// What is asked where something is said that may be what was said before.
pub(super) fn ask_of_alike(said: &Said, visit: Option<&str>) -> Problem {
    let shown = said.shown();
    if visit == Some(said.issue.visit_id.as_str()) {
        let text = format!("与这次走访已登记的 {shown}很像");
        let how = "是改字请在导入命令后加 --alike correction，是另一件事请加 --alike another";
        return Problem::asking(About::Text, text, Asked::SameMatter, how);
    }
    let text = format!("与这位群众 {} 已登记的 {shown}是一件事或很像", said.issue.visited_on);
    let how = "是同一件（改了日期、走访人员或字）请在导入命令后加 --alike correction，不会再登记一次；是另一件事请加 --alike another";
    Problem::asking(About::Text, text, Asked::SameMatter, how)
}

/// What is asked where an earlier row of the same table says it of another day, or by another visitor.
pub(super) fn ask_of_twin(row: &str) -> Problem {
    let text = format!(
        "与{row}是同一位群众的同一件事：只登记一次请在导入命令后加 --alike correction，是另一件事请加 --alike another"
    );
    Problem::new(About::Text, text)
}
