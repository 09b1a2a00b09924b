//! Which keys there are: one that isn't in the annotated defaults is a mistake, named with the nearest that is.

use config::Environment;

use super::{DEFAULTS, SettingsError, mistakes};

/// Maps under which an operator writes keys of their own.
const OPEN_TABLES: &[&str] = &["platform.statuses."];

/// Keys that hold a list, which the environment writes with commas.
const LISTS: &[&str] = &[
    "notify.channels",
    "notify.copies",
    "http.allowed_hosts",
    "http.trusted_proxies",
    "sign_in.oidc.second_factor",
];

/// What the environment says.
pub(super) fn environment() -> Environment {
    let environment = Environment::with_prefix("ZOUFANG")
        .prefix_separator("__")
        .separator("__")
        .list_separator(",")
        .try_parsing(true);
    LISTS.iter().fold(environment, |environment, key| environment.with_list_parse_key(key))
}

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

pub(super) fn check_environment() -> Result<(), SettingsError> {
    let known = known_keys();
    for (variable, _) in std::env::vars() {
        let Some(path) = variable.strip_prefix("ZOUFANG__") else {
            continue;
        };
        let key = path.to_lowercase().replace("__", ".");
        if !is_known(&known, &key) {
            let nearest = nearest(&known, &key);
            return Err(SettingsError::UnknownVariable { variable, key, nearest });
        }
    }
    Ok(())
}

/// The variable by which the environment gives this key, where it does.
pub(super) fn variable(key: &str) -> Option<String> {
    let named = |name: &str| name.to_lowercase().replace("__", ".") == format!("zoufang.{key}");
    std::env::vars().map(|(name, _)| name).find(|name| named(name))
}

fn known_keys() -> Vec<String> {
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
