//! Which kinds of platform a history lives with, by seed; and how a township is configured for them.

use zoufang::clock::Chance;
use zoufang::sandbox::{PROFILES, Profile};

/// Kinds that can't be asked about what arrived: what isn't known is held there for a person.
const BLIND: [&str; 4] = ["no-list-404", "no-list-400", "no-list-500", "accela"];
/// Kinds towards which the engine isn't proved yet.
const NOT_YET: [&str; 3] = ["fixmystreet", "gbk-unsaid", "bom"];

/// One kind, or two together.
pub struct Kinds(Vec<&'static Profile>);

impl Kinds {
    pub fn drawn(seed: u64) -> Kinds {
        let chance = Chance::seeded(seed ^ 0x200);
        let known: Vec<&Profile> =
            PROFILES.iter().filter(|profile| !NOT_YET.contains(&profile.name)).collect();
        let count = if chance.fraction() < 0.3 { 1 } else { 2 };
        Kinds((0..count).map(|_| known[chance.below(known.len())]).collect())
    }

    /// As the sandbox takes them.
    pub fn names(&self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(",")
    }

    /// Whether nothing can be asked about what arrived.
    pub fn are_blind(&self) -> bool {
        self.0.iter().any(|kind| BLIND.contains(&kind.name))
    }
}

/// The lines under `[platform]` by which a township speaks with them, whichever they are.
pub fn configuration(names: &str) -> String {
    let key_in = if names.contains("key-everywhere") { "everywhere" } else { "submissions" };
    format!(
        "api_key = 'k'\napi_key_in = '{key_in}'\nattributes = [{{ code = 'easting', value = '1' }}, \
         {{ code = 'northing', value = '1' }}, {{ code = 'fixmystreet_id', value = '{{{{ reference }}}}' }}]\n\
         statuses.'in progress' = 'in_progress'\n"
    )
}
