use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const GRACE: Ms = 3000;

fn user(nth: u8) -> Arc<str> {
    format!("u{nth}").into()
}

fn announcer() -> Announcer {
    Announcer::new(Duration::from_millis(GRACE))
}

/// Says everything that is due.
fn say(announcer: &mut Announcer, now: Ms) -> Vec<News> {
    let mut said = Vec::new();
    loop {
        let due = announcer.due(now, 2);
        if due.is_empty() {
            return said;
        }
        for news in due {
            announcer.commit(&news, now);
            said.push(news);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Note(u8, Presence),
    Pass(Ms),
    /// Everything due is said.
    Say,
    /// What is due is lost on its way, but for the first so many, which have been said twice.
    SayPart(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let presence = prop_oneof![Just(Presence::Here), Just(Presence::Gone)];
    prop_oneof![
        4 => (0..4_u8, presence).prop_map(|(user, presence)| Step::Note(user, presence)),
        3 => (0..2 * GRACE).prop_map(Step::Pass),
        2 => Just(Step::Say),
        1 => (0..4_usize).prop_map(Step::SayPart),
    ]
}

/// What has been said of each user, in order.
fn by_user(said: &[News]) -> BTreeMap<&str, Vec<&News>> {
    let mut by_user = BTreeMap::<&str, Vec<&News>>::new();
    for news in said {
        by_user.entry(news.user()).or_default().push(news);
    }
    by_user
}

proptest! {
    #[test]
    fn what_is_said_of_a_user_alternates_and_is_the_truth_once_all_is_quiet(steps in prop::collection::vec(step(), 0..80)) {
        let (mut announcer, mut now) = (announcer(), 0);
        let (mut here, mut ever) = (BTreeMap::new(), BTreeSet::new());
        let mut said = Vec::new();
        for step in steps {
            match step {
                Step::Note(nth, presence) => {
                    announcer.note(&user(nth), presence, now);
                    here.insert(nth, presence);
                    if presence == Presence::Here {
                        ever.insert(nth);
                    }
                }
                Step::Pass(time) => now += time,
                Step::Say => said.extend(say(&mut announcer, now)),
                Step::SayPart(most) => {
                    for news in announcer.due(now, usize::MAX).into_iter().take(most) {
                        announcer.commit(&news, now);
                        announcer.commit(&news, now);
                        said.push(news);
                    }
                }
            }
        }
        said.extend(say(&mut announcer, now + GRACE));
        prop_assert_eq!(announcer.next_due(), None);
        let by_user = by_user(&said);
        prop_assert_eq!(by_user.len(), ever.len(), "everybody who ever came is told of");
        for (nth, presence) in here {
            let told = by_user.get(&*user(nth)).cloned().unwrap_or_default();
            for (place, news) in told.iter().enumerate() {
                prop_assert_eq!(matches!(news, News::Came(_)), place % 2 == 0, "{:?}", told);
            }
            prop_assert_eq!(told.len() % 2 == 1, presence == Presence::Here, "{:?}", told);
        }
        let kept = announcer.users.values().filter(|standing| **standing != Standing::Known).count();
        prop_assert_eq!(kept, 0, "of those who are gone nothing is kept");
    }

    #[test]
    fn who_is_back_within_the_grace_has_not_left(absences in prop::collection::vec((1..10 * GRACE, 0..GRACE), 1..20)) {
        let (mut announcer, mut now) = (announcer(), 0);
        announcer.note(&user(1), Presence::Here, now);
        prop_assert_eq!(say(&mut announcer, now).len(), 1);
        for (stays, goes) in absences {
            now += stays;
            announcer.note(&user(1), Presence::Gone, now);
            now += goes;
            prop_assert_eq!(announcer.due(now, 9), &[]);
            announcer.note(&user(1), Presence::Here, now);
            prop_assert_eq!(announcer.next_due(), None);
        }
    }

    #[test]
    fn whoever_takes_over_goes_on_where_the_last_has_stopped(
        steps in prop::collection::vec(step(), 0..60),
        lead in prop::collection::vec(0..3_usize, 60),
    ) {
        // Three see the same, one at a time says what is due, all hear it.
        let (mut three, mut now) = ([announcer(), announcer(), announcer()], 0);
        let mut said = Vec::new();
        for (step, lead) in steps.into_iter().zip(lead) {
            match step {
                Step::Note(nth, presence) => three.iter_mut().for_each(|one| one.note(&user(nth), presence, now)),
                Step::Pass(time) => now += time,
                Step::Say | Step::SayPart(_) => {
                    for news in three[lead].due(now, 3) {
                        three.iter_mut().for_each(|one| one.commit(&news, now));
                        said.push(news);
                    }
                }
            }
        }
        for told in by_user(&said).values() {
            for (place, news) in told.iter().enumerate() {
                prop_assert_eq!(matches!(news, News::Came(_)), place % 2 == 0, "{:?}", told);
            }
        }
        prop_assert!(three.iter().all(|one| one.users == three[0].users));
    }
}

#[test]
fn who_comes_and_goes_before_anything_is_said_is_told_of_all_the_same() {
    let mut announcer = announcer();
    announcer.note(&user(1), Presence::Here, 10);
    announcer.note(&user(1), Presence::Gone, 20);
    assert_eq!(announcer.next_due(), Some(10));
    assert_eq!(say(&mut announcer, 20), [News::Came(user(1))]);
    assert_eq!(announcer.next_due(), Some(20 + GRACE));
    assert_eq!(say(&mut announcer, 20 + GRACE), [News::Left(user(1))]);
    assert_eq!((announcer.next_due(), announcer.users.len()), (None, 0));
}

#[test]
fn what_another_has_said_is_corrected_where_it_is_not_so() {
    let mut announcer = announcer();
    announcer.commit(&News::Came(user(1)), 0);
    assert_eq!(say(&mut announcer, GRACE - 1), []);
    assert_eq!(say(&mut announcer, GRACE), [News::Left(user(1))]);

    announcer.note(&user(2), Presence::Here, GRACE);
    announcer.commit(&News::Came(user(2)), GRACE);
    announcer.commit(&News::Left(user(2)), GRACE);
    assert_eq!(say(&mut announcer, GRACE), [News::Came(user(2))]);
}
