//! The configuration is read: the defaults, the operator's file over them, and the environment over both.

use config::{Config, ConfigError, File, FileFormat};

use super::environment::Environment;
use super::{DEFAULTS, Settings, SettingsError, keys, mistakes};

/// What these say together; `name` is the file's.
///
/// # Errors
/// A key that doesn't exist, or a value of the wrong form.
pub(super) fn read(
    written: &str,
    name: &str,
    environment: &Environment,
) -> Result<Settings, SettingsError> {
    keys::check_keys(written, name)?;
    let config = Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from_str(written, FileFormat::Toml))
        .add_source(environment.clone())
        .build()
        .map_err(|error| SettingsError::Wrong(format!("{name}：{error}")))?;
    config
        .clone()
        .try_deserialize()
        .map_err(|error| SettingsError::Wrong(misfit(&error, config, (name, environment))))
}

/// A value that doesn't fit, with its key and what may stand there. The configuration's reader knows the key, and TOML's
/// which words are allowed. `name` is the file's; a value of the environment is said by its variable, and not shown: secrets
/// are given so.
fn misfit(
    error: &ConfigError,
    config: Config,
    (name, environment): (&str, &Environment),
) -> String {
    let said = error.to_string();
    let Some((said, key)) = said.rsplit_once(" for key `") else {
        return format!("{name}：{}", mistakes::in_chinese(&said));
    };
    let key = key.split('`').next().unwrap_or_default();
    let again = config.try_deserialize::<toml::Value>().map(toml::Value::try_into::<Settings>);
    let allowed = match again {
        Ok(Err(error)) if said.contains("variant constructor") => error.message().to_owned(),
        _ => said.to_owned(),
    };
    let given = said.rsplit(' ').next().unwrap_or_default();
    let said = mistakes::in_chinese(if allowed.contains(given) { &allowed } else { said });
    match environment.variable(key) {
        None => format!("{name}：{key}：{said}"),
        Some(variable) => format!("环境变量 {variable}：{}", mistakes::without_value(&said)),
    }
}
