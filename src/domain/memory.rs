//! 恢复备份: whether a record is older than what the program remembers of it outside of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::audit::Anchor;

/// How far a record had come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// By which the record is known from others; empty for one that was never given a name.
    pub record: String,
    /// How often the service has written its heartbeat into it.
    pub beats: i64,
    /// PostgreSQL's own name of the server and its timeline; empty where it isn't known.
    #[serde(default)]
    pub cluster: String,
    /// The last number that was given to an issue.
    #[serde(default)]
    pub issues: i64,
    /// When it was written last, in epoch milliseconds of the campaign's clock.
    #[serde(default)]
    pub at: i64,
    /// The slot of the last reminders that were finished, as a memory of before has it.
    #[serde(default)]
    pub reminded: Option<i64>,
    /// Each job's last slot that was finished.
    #[serde(default)]
    pub slots: BTreeMap<String, i64>,
    /// How many entries of numbers there are, and the last hand-off's and breach's numbers.
    #[serde(default)]
    pub entries: i64,
    #[serde(default)]
    pub counters: BTreeMap<String, i64>,
    /// The last entry of its audit trail.
    #[serde(default)]
    pub audit: Option<Anchor>,
}

/// A number that an issue was given, and by what the issue is known again where it comes in once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenNumber {
    /// Counted in the order in which they were given.
    pub entry: i64,
    pub number: String,
    /// Of where it was told, by whom and in what words; and of where alone.
    pub identity: String,
    pub place: String,
}

/// What was counted for an issue: the end of the number that people see, also where it stands in a reference.
///
/// ```
/// use zoufang::domain::memory::sequence_of;
/// assert_eq!(sequence_of("CHD2022-000007"), Some(7));
/// assert_eq!(sequence_of("CHD2022-000007-R2"), Some(7));
/// assert_eq!(sequence_of("CHD2022"), None);
/// ```
pub fn sequence_of(number: &str) -> Option<i64> {
    let (number, _) = number.split_once("-R").unwrap_or((number, ""));
    number.rsplit_once('-').and_then(|(_, count)| count.parse().ok())
}

/// What is remembered of the numbers that a restored record has lost: all that was given after `found`, or nothing where
/// one entry isn't known, or the record is from before entries were kept: an issue would take another's number then.
///
/// ```
/// use zoufang::domain::memory::*;
/// let given = |entry| GivenNumber { entry, number: "A-000001".into(), identity: "i".into(), place: "p".into() };
/// let kept = |entries, issues| Recall { entries, issues, ..Recall::default() };
/// let remembered = [given(1), given(2), given(3)];
/// assert_eq!(lost_numbers(&remembered, &kept(1, 1), &kept(3, 3)), &remembered[1..]);
/// assert!(lost_numbers(&remembered[2..], &kept(1, 1), &kept(3, 3)).is_empty(), "the second isn't known");
/// assert!(lost_numbers(&remembered, &kept(0, 9), &kept(3, 12)).is_empty(), "nine had theirs before");
/// ```
pub fn lost_numbers(remembered: &[GivenNumber], found: &Recall, last: &Recall) -> Vec<GivenNumber> {
    let is_lost = |given: &&GivenNumber| given.entry > found.entries;
    let lost: Vec<GivenNumber> = remembered.iter().filter(is_lost).cloned().collect();
    let known: BTreeSet<i64> = lost.iter().map(|given| given.entry).collect();
    let was_kept = found.entries > 0 || found.issues == 0;
    let all = (found.entries + 1..=last.entries).all(|entry| known.contains(&entry));
    if was_kept && all { lost } else { Vec::new() }
}

/// What is said of a debt that a restored record believes unsent.
pub const UNSURE: &str = "数据库是从较早的备份恢复的，这一件可能在那以后已经送出：先核实，再发送";

/// What the program remembers of records that it served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub records: Vec<Recall>,
}

/// No more are remembered.
const MOST_RECORDS: usize = 8;

impl Memory {
    /// What is remembered of a record that has lost what came after: it was restored from a backup, or its server was
    /// another before. One without a name is older than any that has one.
    ///
    /// ```
    /// use zoufang::domain::memory::*;
    /// let seen = Recall { record: "a".to_owned(), beats: 9, ..Recall::default() };
    /// let memory = Memory { records: vec![seen.clone()] };
    /// assert_eq!(memory.lost_by(&Recall { beats: 8, ..seen.clone() }), Some(&seen));
    /// assert_eq!(memory.lost_by(&Recall { beats: 10, ..seen.clone() }), None);
    /// assert_eq!(memory.lost_by(&Recall { record: "b".to_owned(), ..seen.clone() }), None);
    /// ```
    pub fn lost_by(&self, found: &Recall) -> Option<&Recall> {
        let known = self.of(&found.record)?;
        if found.record.is_empty() {
            return Some(known);
        }
        let moved = !known.cluster.is_empty()
            && !found.cluster.is_empty()
            && known.cluster != found.cluster;
        (found.beats < known.beats || moved).then_some(known)
    }

    /// The last entry of a record's audit trail, as far as it's remembered.
    pub fn anchor_of(&self, record: &str) -> Option<&Anchor> {
        self.records.iter().find(|known| known.record == record)?.audit.as_ref()
    }

    /// What is remembered of the record of that name; without a name, of the last there was.
    pub fn of(&self, name: &str) -> Option<&Recall> {
        match name {
            "" => self.records.last(),
            _ => self.records.iter().find(|known| known.record == name),
        }
    }

    /// Remembers how far a record has come; whoever calls has seen that it isn't [`Memory::lost_by`] it.
    pub fn keep(&mut self, recall: Recall) {
        self.records.retain(|known| known.record != recall.record);
        self.records.push(recall);
        let many = self.records.len().saturating_sub(MOST_RECORDS);
        self.records.drain(..many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recall(record: &str, beats: i64, cluster: &str) -> Recall {
        let (record, cluster) = (record.to_owned(), cluster.to_owned());
        Recall { record, beats, cluster, ..Recall::default() }
    }

    #[test]
    fn another_server_or_timeline_is_another_memory() {
        let mut memory = Memory::default();
        memory.keep(recall("a", 5, "7312/1"));
        assert!(memory.lost_by(&recall("a", 6, "7312/2")).is_some());
        assert!(memory.lost_by(&recall("a", 6, "7312/1")).is_none());
        assert!(memory.lost_by(&recall("a", 6, "")).is_none(), "nobody may ask the server");
    }

    #[test]
    fn a_record_without_a_name_is_older_than_one_that_has_one() {
        let mut memory = Memory::default();
        assert!(memory.lost_by(&recall("", 0, "")).is_none());
        for name in 0..20 {
            memory.keep(recall(&name.to_string(), name, ""));
        }
        assert_eq!(memory.records.len(), MOST_RECORDS);
        assert!(memory.lost_by(&recall("", 0, "")).is_some());
        assert!(memory.lost_by(&recall("19", 0, "")).is_some());
        assert!(memory.lost_by(&recall("0", 0, "")).is_none(), "too long ago");
    }
}
