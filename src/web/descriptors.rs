//! How many files and connections the system lets the program have at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks for as many as are wanted, where there are fewer, and says how many there are; nothing where there's no limit.
pub fn as_many_as(wanted: usize) -> Option<usize> {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let most = wanted.min(maximum.unwrap_or(u64::MAX));
    if current < most {
        // Where that isn't allowed there are as many as before.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    }
    getrlimit(Resource::Nofile).current.map(|now| usize::try_from(now).unwrap_or(usize::MAX))
}
