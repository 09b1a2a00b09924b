//! What is known of visits that were recorded before, as far as the same visits told again may say otherwise.

use std::collections::{HashMap, HashSet};

use super::choices::are_alike;
use super::problem::{About, Problem};
use crate::db::{Context, IssueWords, ResidentWords, Result, Session};

/// What is known.
#[derive(Default)]
pub(super) struct Known {
    /// The contacts of residents, by their ids.
    pub contacts: HashMap<String, String>,
    /// The issues of visits, with what was said.
    said: HashMap<String, Vec<(IssueWords, String)>>,
    /// What is said of these visits now.
    told: HashSet<(String, String)>,
}

impl Known {
    /// Reads the contacts of everybody at the subjects of these numbers.
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
            let contact = ResidentWords::open(words, context)?.contact;
            self.contacts.extend(contact.map(|contact| (id, contact)));
        }
        Ok(())
    }

    /// Reads what was said at these visits.
    pub async fn read_words(
        &mut self,
        session: &mut Session,
        context: &Context,
        visits: &HashSet<String>,
    ) -> Result<()> {
        let visits: Vec<&str> = visits.iter().map(String::as_str).collect();
        if visits.is_empty() {
            return Ok(());
        }
        for words in session.issues_of_visits(&visits).await? {
            let said = context.sealer.open(&words.text_sealed)?;
            self.said.entry(words.visit_id.clone()).or_default().push((words, said));
        }
        Ok(())
    }

    /// That this is said of a visit now.
    pub fn tell(&mut self, visit: String, text: String) {
        self.told.insert((visit, text));
    }

    /// The issue of a visit that may be this one, put right: what is said now is much like it, and nobody says the same as
    /// before.
    pub fn put_right(&self, visit: &str, text: &str) -> Option<(IssueWords, String)> {
        let said = self.said.get(visit)?.iter();
        let gone = said.filter(|(_, said)| !self.told.contains(&(visit.to_owned(), said.clone())));
        let mut alike = gone.filter(|(_, said)| are_alike(said, text));
        alike.next().cloned()
    }
}

/// What is asked where a text is much like one that is known.
pub(super) fn ask_of_alike(number: &str, said: &str) -> Problem {
    let said: String = said.chars().take(20).collect();
    let text = format!(
        "与这次走访已登记的 {number}「{said}」很像：是改字请在导入命令后加 --alike correction，是另一件事请加 --alike another"
    );
    Problem::new(About::Text, text)
}
