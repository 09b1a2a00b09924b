//! For how long people stay signed in.

use std::time::Duration;

use serde::Deserialize;

use super::{SettingsError, span};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    #[serde(deserialize_with = "span")]
    pub idle: Duration,
    #[serde(deserialize_with = "span")]
    pub longest: Duration,
}

impl Accounts {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        const SHORTEST: Duration = Duration::from_secs(15 * 60);
        if self.idle < SHORTEST || self.longest < self.idle {
            let text = "accounts.idle 至少为 15m，accounts.longest 不能比它短";
            return Err(SettingsError::Wrong(text.to_owned()));
        }
        Ok(())
    }
}
