//! The walks: every world that there is, and each rule broken on purpose.

use stateright::{Checker, HasDiscoveries};

use super::*;

const WORLD: World = World { can_look: true, on_unknown: OnUnknown::Hold, broken: None };

#[test]
fn every_interleaving_delivers_each_once_or_shows_it() {
    for (can_look, on_unknown) in
        [(true, OnUnknown::Hold), (false, OnUnknown::Hold), (false, OnUnknown::Resend)]
    {
        let world = World { can_look, on_unknown, ..WORLD };
        let checked = world.checker().threads(2).spawn_bfs().join();
        checked.assert_properties();
        assert!(checked.unique_state_count() > 1_000, "{}", checked.unique_state_count());
    }
}

#[test]
fn a_rule_that_is_broken_on_purpose_is_found() {
    for (broken, property) in [
        (Broken::BelievesWithoutProof, "never twice"),
        (Broken::LooksTooSoon, "never twice"),
        (Broken::ForgetsTheDead, "never twice"),
        (Broken::SendsWhatIsVoided, "never sent once it isn't owed"),
        (Broken::DoubtsTheYes, "never sent again once it's said to be there"),
    ] {
        let world = World { broken: Some(broken), ..WORLD };
        let found = HasDiscoveries::AnyOf([property].into());
        let checked = world.checker().threads(2).finish_when(found).spawn_bfs().join();
        assert!(checked.discovery(property).is_some(), "{broken:?} isn't found");
    }
}
