//! Which of the system's users a process is of, and who signed in for it: as the audit says it.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// Nobody signed in for it, such as for a service.
const NOBODY: u32 = u32::MAX;

/// The user's name, and behind it who signed in where that's somebody else (`sudo`).
pub(super) fn os_user() -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let Ok(process) = fs::metadata("/proc/self") else { return String::new() };
    let user = name_of(&users, process.uid());
    let signed_in = fs::read_to_string("/proc/self/loginuid").ok();
    let signed_in = signed_in.and_then(|text| text.trim().parse().ok());
    match signed_in.filter(|id| *id != NOBODY && *id != process.uid()) {
        Some(id) => format!("{user}←{}", name_of(&users, id)),
        None => user,
    }
}

/// By the list of users; its number where it isn't in it.
fn name_of(users: &str, id: u32) -> String {
    let of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    };
    users.lines().find_map(of).unwrap_or_else(|| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_or_numbered() {
        let users = "root:x:0:0:root:/root:/bin/sh\nzoufang:x:998:998::/:/bin/false\n";
        assert_eq!(name_of(users, 998), "zoufang");
        assert_eq!(name_of(users, 5), "5");
        assert!(!os_user().is_empty());
    }
}
