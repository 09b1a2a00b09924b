//! However the world answers.

use proptest::prelude::*;

use super::*;

fn known(entry: &Entry) -> Known {
    Known { withdrawn: entry.withdrawn, accepted: entry.accepted_at.is_some() }
}

const AGAIN: Again =
    Again { retry_at: 5, look_at: 9, look_soon_at: 6, asks_a_person: false, at_most_twice: false };

fn unproven(for_want_of_a_control: bool) -> LookUp {
    LookUp::Unproven { reason: "x".to_owned(), for_want_of_a_control, lag: None }
}

fn entry(unknown: bool, withdrawn: Option<Withdrawal>) -> Entry {
    Entry {
        id: "1".to_owned(),
        kind: "referral".to_owned(),
        debt_key: "referral:1".to_owned(),
        target_id: "2".to_owned(),
        attempts: 0,
        unknown_since: unknown.then_some(1),
        accepted_at: None,
        list_lag: None,
        first_attempt_at: None,
        last_attempt_at: Some(1),
        lease_until: 10,
        withdrawn,
    }
}

/// What the world may answer to one claim: how a look ends, and how an attempt does.
#[derive(Debug, Clone)]
struct Answers {
    look: LookUp,
    outcome: Outcome,
    /// Whether it stops being owed after the claim and before the settlement.
    withdrawn_meanwhile: bool,
}

fn answers() -> impl Strategy<Value = Answers> {
    let reason = || "x".to_owned();
    let look = prop_oneof![
        Just(LookUp::Found(Receipt::default())),
        Just(LookUp::Absent),
        Just(LookUp::Repeatable),
        Just(LookUp::Blind),
        any::<bool>().prop_map(unproven),
        any::<bool>().prop_map(|by_itself| LookUp::Mute { reason: "x".to_owned(), by_itself }),
        Just(LookUp::Failed { reason: reason(), retry_after: None, cause: Cause::Thing }),
    ];
    let outcome = prop_oneof![
        Just(Outcome::Delivered(Receipt::default())),
        Just(Outcome::Accepted { reason: "x".to_owned() }),
        Just(Outcome::Unread { reason: "x".to_owned() }),
        Just(Outcome::Refused { reason: reason() }),
        Just(Outcome::NotSent { reason: reason(), retry_after: None, cause: Cause::Thing }),
        Just(Outcome::Unknown { reason: reason() }),
        Just(Outcome::Errored { reason: reason() }),
    ];
    (look, outcome, any::<bool>()).prop_map(|(look, outcome, withdrawn_meanwhile)| Answers {
        look,
        outcome,
        withdrawn_meanwhile,
    })
}

proptest! {
    /// However often it's claimed and whatever is answered: what isn't owed is never sent, what may have arrived is
    /// never sent without a look that allows it, never called cancelled without proof, and a reason always says why.
    #[test]
    fn what_isnt_owed_is_never_sent_and_what_may_be_there_never_given_up(
        claims in proptest::collection::vec(answers(), 1..12),
    ) {
        let mut one = entry(false, None);
        for Answers { look, outcome, withdrawn_meanwhile } in claims {
            let mut sent = false;
            let settlement = match first_step(&one) {
                Step::Send => { sent = true; after_attempt(outcome.clone(), false, AGAIN) }
                Step::Cancel => Settlement::Released,
                Step::Look => match after_look(look.clone(), known(&one), OnUnknown::Hold, AGAIN) {
                    AfterLook::Settle(settlement) => settlement,
                    AfterLook::Send => {
                        prop_assert_eq!(&look, &LookUp::Repeatable);
                        sent = true;
                        after_attempt(outcome.clone(), true, AGAIN)
                    }
                },
            };
            prop_assert!(!(sent && one.withdrawn.is_some()));
            prop_assert!(!(sent && one.accepted_at.is_some()), "sent again though it's said to be there");
            let was_unknown = one.unknown_since.is_some();
            let withdrawn = one.withdrawn.or(withdrawn_meanwhile.then_some(Withdrawal::Voided));
            let settlement = of_the_debt(&one, settlement, withdrawn, 7);
            let kept = keep(&one, &settlement, withdrawn, 7);
            if kept.standing == Standing::Cancelled {
                prop_assert!(withdrawn.is_some());
                let didnt_arrive = matches!(outcome, Outcome::NotSent { .. } | Outcome::Refused { .. });
                let proved = if was_unknown { look == LookUp::Absent } else { !sent || didnt_arrive };
                prop_assert!(proved);
            }
            if let Some(why) = withdrawn && kept.standing != Standing::Ready {
                prop_assert!(kept.error.as_deref().is_some_and(|error| error.contains(why.chinese())));
            }
            let lost = matches!(kept.standing, Standing::Ready) && withdrawn.is_some() && kept.unknown_since.is_none();
            prop_assert!(!lost, "not owed, not sent, and still waiting");
            prop_assert!(one.accepted_at.is_none() || kept.standing != Standing::Ready || kept.accepted_at.is_some());
            (one.unknown_since, one.accepted_at) = (kept.unknown_since, kept.accepted_at);
            one.withdrawn = withdrawn;
            if kept.standing != Standing::Ready { break; }
        }
    }
}

#[test]
fn what_may_have_arrived_is_resent_only_where_that_is_safe_or_so_told() {
    let after = |look, on_unknown| after_look(look, Known::default(), on_unknown, AGAIN);
    assert_eq!(after(LookUp::Repeatable, OnUnknown::Hold), AfterLook::Send);
    assert_eq!(after(LookUp::Blind, OnUnknown::Resend), AfterLook::Send);
    let held = Settlement::Held { reason: MAY_HAVE_ARRIVED.to_owned() };
    assert_eq!(after(LookUp::Blind, OnUnknown::Hold), AfterLook::Settle(held));
    let voided = Known { withdrawn: Some(Withdrawal::Voided), accepted: false };
    for look in [LookUp::Repeatable, LookUp::Blind] {
        let settled = after_look(look, voided, OnUnknown::Resend, AGAIN);
        assert!(matches!(settled, AfterLook::Settle(Settlement::Held { .. })), "{settled:?}");
    }
}

#[test]
fn what_isnt_proved_is_looked_for_on_and_after_long_a_person_is_asked() {
    let long = Again { asks_a_person: true, ..AGAIN };
    let none = Known::default();
    let after = |look, again| after_look(look, none, OnUnknown::Resend, again);
    let waits = |settled: &AfterLook| {
        matches!(settled, AfterLook::Settle(Settlement::NotSeen { not_before: 5, .. }))
    };
    let held = |settled: &AfterLook| matches!(settled, AfterLook::Settle(Settlement::Held { reason }) if reason.contains("x"));
    assert!(waits(&after(unproven(false), AGAIN)) && waits(&after(unproven(true), AGAIN)));
    assert!(held(&after(unproven(false), long)));
    // The next that arrives may show it: nobody need decide before.
    assert!(waits(&after(unproven(true), long)));
    // One that refuses to answer looks is blind.
    let mute = |by_itself| LookUp::Mute { reason: "x".to_owned(), by_itself };
    assert_eq!(after(mute(true), AGAIN), AfterLook::Send);
    assert!(held(&after_look(mute(true), none, OnUnknown::Hold, AGAIN)));
    let voided = Known { withdrawn: Some(Withdrawal::Voided), accepted: false };
    assert!(held(&after_look(mute(true), voided, OnUnknown::Resend, AGAIN)));
    // Whatever stands between may only be away for now.
    assert!(waits(&after(mute(false), AGAIN)));
    assert_eq!(after(mute(false), long), AfterLook::Send);
    assert!(held(&after_look(mute(false), none, OnUnknown::Hold, long)));
}

#[test]
fn what_its_receiver_says_it_has_is_looked_for_then_a_persons_and_never_sent_again() {
    let accepted = Outcome::Accepted { reason: "no_number".to_owned() };
    let settled = after_attempt(accepted, false, AGAIN);
    let kept = keep(&entry(false, None), &settled, None, 7);
    assert_eq!(
        (kept.standing, kept.unknown_since, kept.accepted_at),
        (Standing::Ready, Some(7), Some(7))
    );
    let known = Known { withdrawn: None, accepted: true };
    let long = Again { asks_a_person: true, ..AGAIN };
    let reason = || "x".to_owned();
    let after = |look, again| after_look(look, known, OnUnknown::Resend, again);
    let failed = LookUp::Failed { reason: reason(), retry_after: None, cause: Cause::Thing };
    for look in [LookUp::Absent, unproven(true), unproven(false), failed] {
        let waits = after(look.clone(), AGAIN);
        assert!(
            matches!(waits, AfterLook::Settle(Settlement::NotSeen { not_before: 5, .. })),
            "{waits:?}"
        );
        let AfterLook::Settle(Settlement::Held { reason }) = after(look, long) else {
            panic!("held")
        };
        assert!(reason.contains("--arrived") && reason.contains("--absent"), "{reason}");
    }
    for look in
        [LookUp::Blind, LookUp::Repeatable, LookUp::Mute { reason: reason(), by_itself: true }]
    {
        assert!(matches!(after(look, AGAIN), AfterLook::Settle(Settlement::Held { .. })));
    }
    let receipt = Receipt { remote_id: Some("7".to_owned()), token: None };
    let found = after(LookUp::Found(receipt.clone()), AGAIN);
    assert_eq!(found, AfterLook::Settle(Settlement::Delivered(receipt)));
}

#[test]
fn a_receiver_that_has_ended_with_it_is_looked_at_sooner() {
    let looked = |outcome| match after_attempt(outcome, false, AGAIN) {
        Settlement::Unknown { not_before, .. } => not_before,
        other => panic!("{other:?}"),
    };
    assert_eq!(looked(Outcome::Unknown { reason: String::new() }), 9);
    assert_eq!(looked(Outcome::Errored { reason: String::new() }), 6);
}

#[test]
fn a_rate_is_held_by_all_who_spend_from_it() {
    let rate = Rate(120);
    let (mut spent, mut used) = (0, 0);
    for tenth in 0..600i64 {
        let now = tenth * 100_000;
        for wanted in [3, 5] {
            let permits = rate.permits(spent, now).min(wanted);
            spent = if permits > 0 { rate.spend(spent, now, permits) } else { spent };
            used += permits;
        }
    }
    assert!((118..=122).contains(&used), "{used} in a minute");
    assert_eq!(rate.permits(spent, 0), 2, "a clock set back leaves nothing to wait for");
}

#[test]
fn what_is_kept_of_a_claim() {
    let unknown = Settlement::Unknown { reason: "x".to_owned(), not_before: 9 };
    let kept = keep(&entry(false, None), &unknown, None, 7);
    assert_eq!((kept.standing, kept.unknown_since), (Standing::Ready, Some(7)));
    assert_eq!((kept.not_before, kept.tried, kept.first_attempt_at), (9, true, Some(1)));
    let kept = keep(&entry(true, None), &unknown, None, 7);
    assert_eq!(kept.unknown_since, Some(1), "unknown since the first time");
    let kept = keep(&entry(true, None), &Settlement::Absent, None, 7);
    assert_eq!((kept.unknown_since, kept.tried, kept.first_attempt_at), (None, false, None));
    let delivered = Settlement::Delivered(Receipt::default());
    let kept = keep(&entry(true, None), &delivered, Some(Withdrawal::Voided), 7);
    assert_eq!(kept.standing, Standing::Delivered);
    assert!(kept.error.unwrap().starts_with("问题已作废"));
}

#[test]
fn a_no_to_what_was_sent_again_says_nothing_of_the_first() {
    let no = || Settlement::Refused { reason: "外部编号重复".to_owned() };
    let unnamed = || Settlement::Delivered(Receipt::default());
    let of = |unknown, settlement| of_the_debt(&entry(unknown, None), settlement, None, 7);
    assert_eq!(of(false, no()), no());
    let Settlement::Held { reason } = of(true, no()) else { panic!("it's held") };
    assert!(reason.contains("外部编号重复"), "{reason}");
    // Sent again as the lane is told to, it's what came of it; unless it stopped being owed meanwhile: that it isn't there
    // nobody knows.
    let again = || Settlement::RefusedAgain { reason: "外部编号重复".to_owned() };
    assert_eq!(of(true, again()), no());
    let withdrawn = of_the_debt(&entry(true, None), again(), Some(Withdrawal::Voided), 7);
    assert!(matches!(withdrawn, Settlement::Held { .. }), "{withdrawn:?}");
    let notice = Entry { kind: "notice".to_owned(), ..entry(true, None) };
    assert_eq!(of_the_debt(&notice, no(), None, 7), no(), "a no to its address");
    // There already, and by which number nobody says: that is looked for.
    for unknown in [false, true] {
        assert!(matches!(of(unknown, unnamed()), Settlement::Accepted { not_before: 7, .. }));
    }
    let message = Entry { kind: "message".to_owned(), ..entry(false, None) };
    assert_eq!(of_the_debt(&message, unnamed(), None, 7), unnamed());
}

#[test]
fn who_cant_be_understood_is_sent_the_same_twice_at_the_most() {
    let unread = || Outcome::Unread { reason: "unexpected_code: code OK".to_owned() };
    assert!(matches!(
        after_attempt(unread(), false, AGAIN),
        Settlement::Unknown { not_before: 9, .. }
    ));
    let Settlement::Held { reason } = after_attempt(unread(), true, AGAIN) else { panic!("held") };
    assert!(reason.contains("OK"), "{reason}");
}
