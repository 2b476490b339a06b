use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_000_000;

fn released(version: &str) -> Release {
    Release { version: version.into(), released_at: None }
}

/// What would be told of it, times of its own included.
fn told(knowledge: &Knowledge) -> String {
    knowledge.encode(NOW)
}

fn merged(a: &Knowledge, b: &Knowledge) -> Knowledge {
    let mut merged = a.clone();
    merged.merge(b.clone(), NOW);
    merged
}

prop_compose! {
    fn knowledge()(
        builds in prop::collection::vec(("[a-d]", 0..5_u64, prop::option::of(0..3_u64)), 0..4),
        invalidations in prop::collection::vec((0..4_u64, 0..3_usize, 0..50_000_u64), 0..4),
    ) -> Knowledge {
        let mut knowledge = Knowledge::default();
        for (version, stamp, released_at) in builds {
            knowledge.build(&version, Build { stamp, released_at });
        }
        for (id, target, age) in invalidations {
            let target = [TargetRecord::All, TargetRecord::User("u".into()), TargetRecord::User("w".into())][target].clone();
            knowledge.invalidation(id, Invalidation { target, at: NOW - age });
        }
        knowledge
    }
}

proptest! {
    #[test]
    fn neither_order_nor_repetition_matters(a in knowledge(), b in knowledge(), c in knowledge()) {
        prop_assert_eq!(told(&merged(&a, &b)), told(&merged(&b, &a)));
        prop_assert_eq!(told(&merged(&merged(&a, &b), &c)), told(&merged(&a, &merged(&b, &c))));
        prop_assert_eq!(told(&merged(&a, &a)), told(&a));
        let both = merged(&a, &b);
        prop_assert_eq!(merged(&both, &a).revision(), both.revision(), "what is known is no news");
    }

    #[test]
    fn it_survives_a_round_trip(a in knowledge(), delay in 0..1000_u64) {
        let back = Knowledge::decode(&told(&a), NOW + delay).unwrap();
        prop_assert_eq!(back.encode(NOW + delay), told(&a));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}|\\{\"builds\":\\{\"[ab]?\":\\[[0-9]{0,20},null\\]\\}\\}") {
        if let Ok(mut knowledge) = Knowledge::decode(&text, NOW) {
            knowledge.release(&released("c"), NOW);
            prop_assert_eq!(knowledge.current(), Some(released("c")), "a damaged stamp is not the newest for ever");
        }
    }
}

#[test]
fn a_build_that_somebody_knows_is_not_claimed_again() {
    let mut knowledge = Knowledge::default();
    knowledge.claim("b1", 10);
    knowledge.claim("b2", 5);
    assert_eq!(knowledge.current(), Some(released("b2")), "by a clock that is behind");
    knowledge.claim("b1", 20);
    assert_eq!(knowledge.current(), Some(released("b2")));
    knowledge.release(&released("b1"), 20);
    assert_eq!(knowledge.current(), Some(released("b1")), "somebody wants it back");
    let revision = knowledge.revision();
    knowledge.release(&released("b1"), 30);
    assert_eq!(knowledge.revision(), revision, "it is the current one already");
}

#[test]
fn an_invalidation_is_carried_out_once_and_not_by_who_comes_late() {
    let mut first = Knowledge::default();
    first.invalidate(7, &Target::All, NOW);
    let mut second = Knowledge::default();
    let heard = |at: u64, now: u64| Knowledge::decode(&first.encode(at), now).unwrap();
    assert_eq!(second.merge(heard(NOW, NOW + 5), NOW + 5).invalidations.len(), 1);
    assert_eq!(second.merge(heard(NOW + 9, NOW + 9), NOW + 9).invalidations.len(), 0);
    let late = NOW + OPEN_MS;
    assert_eq!(Knowledge::default().merge(heard(late, late), late).invalidations.len(), 0);
    assert!(!first.has_open(late) && first.has_done(7));
    first.forget(NOW + REMEMBERED_MS);
    assert!(!first.has_done(7));
}

#[test]
fn the_earlier_release_and_the_newer_stamp_are_right() {
    let mut knowledge = Knowledge::default();
    knowledge.release(&Release { version: "b1".into(), released_at: Some(9) }, 10);
    knowledge.release(&Release { version: "b1".into(), released_at: Some(4) }, 11);
    knowledge.release(&released("b1"), 12);
    assert_eq!(knowledge.current().unwrap().released_at, Some(4));
}

#[test]
fn it_does_not_grow_for_ever() {
    let mut knowledge = Knowledge::default();
    for nth in 0..2_000_u64 {
        knowledge.claim(&format!("b{nth}"), nth);
        knowledge.invalidate(nth, &Target::All, NOW + nth);
    }
    assert_eq!((knowledge.builds.len(), knowledge.invalidations.len()), (BUILDS, INVALIDATIONS));
    assert_eq!(knowledge.current(), Some(released("b1999")));
}
