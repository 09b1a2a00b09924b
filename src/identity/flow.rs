//! One going to a provider and back: what binds it to its browser, kept there sealed, and nowhere else.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::clock::{Chance, span_millis};
use crate::domain::identity::Way;
use crate::seal::{Place, SealError, Sealer, hex};

/// A browser that doesn't come back within this time begins anew.
pub const LASTS: Duration = Duration::from_secs(10 * 60);

/// Of several machines, the clock of one may be behind another's by so much.
const LEEWAY: Duration = Duration::from_secs(120);

/// Where what a browser keeps is sealed for.
const PLACE: Place<'static> = Place { table: "provider", column: "flow", row: "" };

/// What a browser keeps while it's at a provider. Letters and digits only: WeCom's state takes no others, and so few that PKCE's
/// verifier (RFC 7636, 4.1) has as many as it must.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flow {
    pub way: Way,
    /// What comes back with the browser (RFC 6749, 10.12).
    pub state: String,
    /// What the ID token says (OpenID Connect Core 1.0, 3.1.2.1).
    pub nonce: String,
    /// What only whoever began knows (RFC 7636).
    pub verifier: String,
    /// The page that is wanted once signed in.
    pub next: String,
    pub begun_at: i64,
}

impl std::fmt::Debug for Flow {
    /// Secret: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("way", &self.way).finish_non_exhaustive()
    }
}

impl Flow {
    /// A new one, at this instant of real time.
    pub fn begin(way: Way, next: &str, chance: &Chance, now: i64) -> Flow {
        let secret = || {
            let mut bytes = [0; 32];
            chance.fill(&mut bytes);
            hex(&bytes)
        };
        let next = next.to_owned();
        Flow { way, state: secret(), nonce: secret(), verifier: secret(), next, begun_at: now }
    }

    /// Until when it's good.
    pub fn until(&self) -> i64 {
        self.begun_at + span_millis(LASTS)
    }

    /// As its browser keeps it.
    ///
    /// # Errors
    /// Where the cipher refuses.
    pub fn seal(&self, sealer: &Sealer) -> Result<String, SealError> {
        let text = serde_json::to_string(self).map_err(|_| SealError::CannotSeal)?;
        sealer.seal(PLACE, &text)
    }

    /// What a browser kept, where it's of this way, still good at this instant, and what came back is what went.
    pub fn open(
        sealed: &str,
        sealer: &Sealer,
        (way, state, now): (Way, &str, i64),
    ) -> Option<Flow> {
        let text = sealer.open(PLACE, sealed).ok()?;
        let flow: Flow = serde_json::from_str(&text).ok()?;
        let is_good =
            flow.way == way && flow.begun_at <= now + span_millis(LEEWAY) && now < flow.until();
        (is_good && sealer.is_same(state, &flow.state)).then_some(flow)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_opens_for_what_was_begun_and_only_for_a_while() {
        let (sealer, chance) = (Sealer::new(&[7; 32]), Chance::seeded(1));
        let flow = Flow::begin(Way::Oidc, "/my", &chance, 1_000_000);
        let kept = flow.seal(&sealer).unwrap();
        assert!(!kept.contains(&flow.verifier) && kept.len() < 1_000);
        let open = |kept: &str, way, state: &str, now| {
            Flow::open(kept, &sealer, (way, state, now)).is_some()
        };
        assert!(open(&kept, Way::Oidc, &flow.state, 1_000_001));
        assert!(!open(&kept, Way::WeCom, &flow.state, 1_000_001), "of another way");
        assert!(!open(&kept, Way::Oidc, &flow.nonce, 1_000_001), "another state");
        assert!(!open(&kept, Way::Oidc, "", 1_000_001));
        assert!(!open(&kept, Way::Oidc, &flow.state, flow.until()), "too late");
        assert!(open(&kept, Way::Oidc, &flow.state, 999_999), "by a machine whose clock is behind");
        assert!(!open(&kept, Way::Oidc, &flow.state, 879_999), "of a time to come");
        assert!(!open(&kept.replace("v3:", "v1:"), Way::Oidc, &flow.state, 1_000_001));
        let other = Sealer::new(&[8; 32]);
        assert!(Flow::open(&kept, &other, (Way::Oidc, &flow.state, 1_000_001)).is_none());
        // RFC 7636, 4.1, and WeCom's 128 letters and digits.
        for secret in [&flow.state, &flow.nonce, &flow.verifier] {
            assert!((43..=128).contains(&secret.len()));
            assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }
}
