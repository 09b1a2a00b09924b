//! 恢复备份: whether a record is older than what the program remembers of it outside of it.

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
    /// The slot of the last reminders that were finished.
    #[serde(default)]
    pub reminded: Option<i64>,
    /// The last entry of its audit trail.
    #[serde(default)]
    pub audit: Option<Anchor>,
}

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
        if found.record.is_empty() {
            return self.records.last();
        }
        let known = self.records.iter().find(|known| known.record == found.record)?;
        let moved = !known.cluster.is_empty()
            && !found.cluster.is_empty()
            && known.cluster != found.cluster;
        (found.beats < known.beats || moved).then_some(known)
    }

    /// The last entry of a record's audit trail, as far as it's remembered.
    pub fn anchor_of(&self, record: &str) -> Option<&Anchor> {
        self.records.iter().find(|known| known.record == record)?.audit.as_ref()
    }

    /// Remembers how far a record has come.
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
