//! What the record is handed from outside: time, chance, the key, and how the township is configured.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::{Chance, Clock};
use crate::domain::campaign::Campaign;
use crate::domain::referral::PlatformStatus;
use crate::domain::staff::AddressKind;
use crate::domain::workdays::Workdays;
use crate::seal::Sealer;

/// A channel, and whom it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReach {
    pub lane: String,
    /// The address without which it can't reach a person.
    pub needs: Option<AddressKind>,
    /// Whether it gets every notice besides, wherever else it goes.
    pub copy: bool,
    /// How long it may be, and whether it may be more than text.
    pub form: Form,
}

impl ChannelReach {
    /// Whether it reaches who has these addresses, unless it found theirs dead.
    pub(super) fn reaches_by(&self, addresses: &[AddressKind], dead: bool) -> bool {
        !dead && self.needs.is_none_or(|needs| addresses.contains(&needs))
    }
}

/// The form in which a channel takes a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    /// Text that others than its reader see too, as in a group or a log: no link of theirs, no telephone.
    Group,
    /// A line, as for a text message.
    Short,
    /// Text, and the same as HTML.
    Mail,
}

/// What the record needs from outside to apply the plan.
#[derive(Debug)]
pub struct Context {
    pub clock: Clock,
    pub chance: Chance,
    pub sealer: Sealer,
    /// The plan as the file has it: in effect once it was applied.
    pub campaign: Campaign,
    pub workdays: Workdays,
    /// The lane to which joint and city issues are owed.
    pub platform_lane: String,
    /// Whether only people carry things there, and look.
    pub by_people: bool,
    /// How notices reach people, in order of preference.
    pub channels: Vec<ChannelReach>,
    /// For how long the centre may review what goes there before it goes by itself; `None` where it
    /// goes at once.
    pub review_within: Option<Duration>,
    /// Whether the platform is told what the town does and what residents say.
    pub messages: bool,
    /// Whether the platform gets the photos of what it has.
    pub photos: bool,
    /// What the platform's words mean, in lower case, where people bring them.
    pub platform_statuses: BTreeMap<String, PlatformStatus>,
    /// Whether an issue counts as done on the platform only with a word for the resident.
    pub close_needs_answer: bool,
}

impl Context {
    /// A new id.
    pub fn id(&self) -> String {
        self.chance.id(self.clock.now())
    }
}
