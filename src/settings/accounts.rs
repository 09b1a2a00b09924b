//! For how long people stay signed in.

use std::time::Duration;

use serde::Deserialize;

use super::{SettingsError, span};
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    #[serde(deserialize_with = "span")]
    pub idle: Duration,
    #[serde(deserialize_with = "span")]
    pub longest: Duration,
    pub second_factor: SecondFactor,
}

/// Of whom a code is asked at signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// Of whoever wants it.
    Offered,
    /// Of whoever sees everything: they open nothing else before they have begun with it.
    Required,
}

impl Accounts {
    /// Whether a code is asked of this person, whether they want it or not.
    pub fn asks_second_of(&self, person: &StaffMember) -> bool {
        self.second_factor == SecondFactor::Required && Right::Reveal.is_held_by(person)
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        const SHORTEST: Duration = Duration::from_secs(15 * 60);
        if self.idle < SHORTEST || self.longest < self.idle {
            let text = "accounts.idle 至少为 15m，accounts.longest 不能比它短";
            return Err(SettingsError::Wrong(text.to_owned()));
        }
        Ok(())
    }
}
