//! Which keys there are: one that isn't in the annotated defaults is a mistake, named with the nearest that is.

use super::{DEFAULTS, SettingsError, mistakes};

/// Maps under which an operator writes keys of their own.
const OPEN_TABLES: &[&str] = &["platform.statuses."];

pub(super) fn check_keys(written: &str, name: &str) -> Result<(), SettingsError> {
    let table: toml::Table = written.parse().map_err(|error: toml::de::Error| {
        SettingsError::Wrong(format!("{name}：{}", mistakes::in_toml(written, &error)))
    })?;
    let known = known_keys();
    for key in leaves(&table, "") {
        if !is_known(&known, &key) {
            let nearest = nearest(&known, &key);
            return Err(SettingsError::UnknownKey { file: name.to_owned(), key, nearest });
        }
    }
    Ok(())
}

/// That the key exists which a variable of the environment gives.
pub(super) fn check_variable(
    known: &[String],
    variable: &str,
    key: &str,
) -> Result<(), SettingsError> {
    if is_known(known, key) {
        return Ok(());
    }
    let nearest = nearest(known, key);
    Err(SettingsError::UnknownVariable {
        variable: variable.to_owned(),
        key: key.to_owned(),
        nearest,
    })
}

/// What stands at a key by default.
pub(super) fn by_default(key: &str) -> Option<toml::Value> {
    let mut found = toml::Value::Table(DEFAULTS.parse().ok()?);
    for part in key.split('.') {
        found = found.as_table_mut()?.remove(part)?;
    }
    Some(found)
}

pub(super) fn known_keys() -> Vec<String> {
    DEFAULTS.parse::<toml::Table>().map(|table| leaves(&table, "")).unwrap_or_default()
}

fn is_known(known: &[String], key: &str) -> bool {
    known.iter().any(|known| known == key) || OPEN_TABLES.iter().any(|table| key.starts_with(table))
}

fn nearest(known: &[String], key: &str) -> String {
    known
        .iter()
        .min_by_key(|known| strsim::damerau_levenshtein(known, key))
        .cloned()
        .unwrap_or_default()
}

fn leaves(table: &toml::Table, prefix: &str) -> Vec<String> {
    table
        .iter()
        .flat_map(|(key, value)| match value {
            toml::Value::Table(inner) => leaves(inner, &format!("{prefix}{key}.")),
            _ => vec![format!("{prefix}{key}")],
        })
        .collect()
}
