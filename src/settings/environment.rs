//! What the environment sets: each variable is a key's value as it was typed, so that a secret stays what it is. What a key's
//! value is, number, truth or list, its default says.

use std::ffi::OsString;
use std::fmt;

use config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::{SettingsError, keys};

const PREFIX: &str = "zoufang__";

/// The variables that set something.
#[derive(Clone, Default)]
pub(super) struct Environment(Vec<Variable>);

#[derive(Clone)]
struct Variable {
    name: String,
    key: String,
    value: String,
}

impl fmt::Debug for Environment {
    /// Secret: not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|variable| &variable.name)).finish()
    }
}

impl Environment {
    /// That of the process.
    ///
    /// # Errors
    /// A variable whose key there isn't, or whose value is no text.
    pub fn read() -> Result<Environment, SettingsError> {
        Environment::of(std::env::vars_os())
    }

    /// Of these variables; what isn't for us may be called and be whatever it likes.
    pub fn of(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Environment, SettingsError> {
        let (known, mut own) = (keys::known_keys(), Vec::new());
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            let lower = name.to_lowercase();
            let Some(path) = lower.strip_prefix(PREFIX) else { continue };
            let key = path.replace("__", ".");
            keys::check_variable(&known, &name, &key)?;
            let value = value.into_string().map_err(|_| {
                SettingsError::Wrong(format!("环境变量 {name} 的值不是 UTF-8 文字，请用 UTF-8 写"))
            })?;
            own.push(Variable { name, key, value });
        }
        Ok(Environment(own))
    }

    /// The variable by which this key is given, where it is.
    pub fn variable(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|variable| variable.key == key).map(|variable| variable.name.as_str())
    }
}

impl Source for Environment {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.iter().map(|one| (one.key.clone(), value(&one.key, &one.value))).collect())
    }
}

/// What was typed, as what the key's default is.
fn value(key: &str, typed: &str) -> Value {
    let of = |kind: ValueKind| Value::new(Some(&"the environment".to_owned()), kind);
    let text = || ValueKind::String(typed.to_owned());
    of(match keys::by_default(key) {
        Some(toml::Value::Integer(_)) => {
            typed.trim().parse().map_or_else(|_| text(), ValueKind::I64)
        }
        Some(toml::Value::Boolean(_)) => {
            typed.trim().to_lowercase().parse().map_or_else(|_| text(), ValueKind::Boolean)
        }
        Some(toml::Value::Array(_)) => match in_brackets(typed) {
            Some(list) => list,
            None => {
                let parts = typed.split(',').map(str::trim).filter(|part| !part.is_empty());
                ValueKind::Array(parts.map(|part| of(ValueKind::String(part.to_owned()))).collect())
            }
        },
        _ => text(),
    })
}

/// A list that is written as in the file, such as one of tables.
fn in_brackets(typed: &str) -> Option<ValueKind> {
    let list = typed.trim().strip_prefix('[').map(|_| format!("list = {}", typed.trim()))?;
    let mut read = File::from_str(&list, FileFormat::Toml).collect().ok()?;
    read.remove("list").map(|list| list.kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Settings, reading};
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Settings {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        reading::read("", "", &Environment::of(variables).unwrap()).unwrap()
    }

    #[test]
    fn a_secret_of_the_environment_stays_as_it_was_typed() {
        for secret in ["0012345678", "0012", "1e10", "TRUE", "a,b", "[1]", " x "] {
            let settings = with(&[
                ("ZOUFANG__NOTIFY__EMAIL__PASSWORD", secret),
                ("zoufang__platform__api_key", secret),
                ("ZOUFANG__PLATFORM__STATUSES__0012", "accepted"),
            ]);
            assert_eq!(settings.notify.email.password, secret);
            assert_eq!(settings.platform.api_key, secret);
            assert!(settings.platform.statuses.contains_key("0012"));
        }
    }

    #[test]
    fn numbers_truths_and_lists_are_what_the_defaults_are() {
        let settings = with(&[
            ("ZOUFANG__PLATFORM__CONCURRENCY", "3"),
            ("ZOUFANG__PLATFORM__MESSAGES", "False"),
            ("ZOUFANG__NOTIFY__CHANNELS", "log, "),
            ("ZOUFANG__PLATFORM__HTTP__DONE", "409,208"),
            ("ZOUFANG__PLATFORM__HTTP__BUSY", "[423]"),
            ("ZOUFANG__PLATFORM__ATTRIBUTES", "[{ code = 'A', value = '1' }]"),
        ]);
        assert_eq!(settings.platform.concurrency, 3);
        assert!(!settings.platform.messages);
        assert_eq!(settings.notify.channels.len(), 1);
        assert_eq!(settings.platform.http.done, [409, 208]);
        assert_eq!(settings.platform.http.busy, [423]);
        assert_eq!(settings.platform.attributes[0].code, "A");
    }

    #[test]
    fn every_key_can_be_given_so() {
        let typed = |value: toml::Value| match value {
            toml::Value::String(text) => text,
            toml::Value::Array(parts) => {
                let parts: Vec<&str> = parts.iter().filter_map(toml::Value::as_str).collect();
                parts.join(",")
            }
            other => other.to_string(),
        };
        let known = keys::known_keys();
        let variable = |key: &String| {
            let name = format!("ZOUFANG__{}", key.replace('.', "__").to_uppercase());
            (OsString::from(name), OsString::from(typed(keys::by_default(key).unwrap())))
        };
        let all = Environment::of(known.iter().map(variable)).unwrap();
        assert_eq!(all.0.len(), known.len());
        let shown = |settings: Settings| format!("{settings:?}");
        let read = reading::read("", "", &all).unwrap();
        assert_eq!(shown(read), shown(Settings::from_text("", "").unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_told_where_it_is_for_us_and_is_nothing_to_us_elsewhere() {
        use std::os::unix::ffi::OsStringExt;
        let gbk = || OsString::from_vec(vec![0xB8, 0xDF, 0xC7, 0xC5]);
        assert!(Environment::of([("OLDPWD".into(), gbk()), (gbk(), gbk())]).is_ok());
        let ours = Environment::of([("ZOUFANG__PLATFORM__NAME".into(), gbk())]);
        let said = ours.unwrap_err().to_string();
        assert!(said.contains("环境变量 ZOUFANG__PLATFORM__NAME 的值不是 UTF-8"), "{said}");
        let unknown = Environment::of([("ZOUFANG__PLATFORM__NAMES".into(), "x".into())]);
        assert!(unknown.unwrap_err().to_string().contains("platform.name"));
    }
}
