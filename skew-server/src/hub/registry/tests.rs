//! The registry, and the totals that follow from what happens to it.

use proptest::prelude::*;

use super::super::aggregates::Aggregates;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Open(String, String, Option<String>),
    Close(usize),
    Move(usize, String),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => ("[ab]|__proto__", "/[ab]?", prop::option::of("[uvw]"))
            .prop_map(|(version, route, user)| Step::Open(version, route, user)),
        2 => any::<prop::sample::Index>().prop_map(|index| Step::Close(index.index(30))),
        2 => (any::<prop::sample::Index>(), "/[ab]?").prop_map(|(index, route)| Step::Move(index.index(30), route)),
    ]
}

fn recount(registry: &Registry<()>) -> Aggregates {
    let mut counted = Aggregates::default();
    for (key, entry) in registry.iter() {
        counted.apply(&Change::Opened {
            key,
            id: entry.id,
            version: entry.version.clone(),
            route: entry.route.clone(),
        });
    }
    counted
}

proptest! {
    #[test]
    fn incremental_totals_equal_a_recount(steps in prop::collection::vec(step(), 0..120)) {
        let mut registry = Registry::new();
        let mut aggregates = Aggregates::default();
        let mut opened = Vec::new();
        for step in steps {
            let change = match step {
                Step::Open(version, route, user) => {
                    let (version, route) = (aggregates.versions.share(&version), aggregates.routes.share(&route));
                    let (connection_id, id) = (ConnectionId::random(7), PublicId::random());
                    let user = user.map(Into::into);
                    let (key, change) =
                        registry.open(Entry { connection_id: Some(connection_id), id, version, route, ip: None, user, peer: () });
                    prop_assert_eq!(registry.key_of(connection_id), Some(key));
                    prop_assert_eq!(registry.key_of_public(id), Some(key));
                    opened.push(key);
                    Some(change)
                }
                // Also keys that are long closed: both must be without effect then.
                Step::Close(nth) => {
                    opened.get(nth).and_then(|key| registry.close(*key)).map(|(_, change)| change)
                }
                Step::Move(nth, route) => {
                    let route = aggregates.routes.share(&route);
                    opened.get(nth).and_then(|key| registry.navigate(*key, &route))
                }
            };
            if let Some(change) = change {
                aggregates.apply(&change);
            }
            prop_assert_eq!(&aggregates, &recount(&registry));
            prop_assert_eq!(registry.by_connection_id.len(), registry.iter().count());
            prop_assert_eq!(registry.by_id.len(), registry.iter().count());
            prop_assert_eq!(registry.at(0..registry.places()).count(), registry.len());
            for user in ["u", "v", "w"] {
                let mut theirs: Vec<Key> = registry
                    .iter()
                    .filter(|(_, entry)| entry.user.as_deref() == Some(user))
                    .map(|(key, _)| key)
                    .collect();
                theirs.reverse();
                prop_assert_eq!(registry.of_user(user).map(|(key, _)| key).collect::<Vec<_>>(), theirs);
            }
            for (key, entry) in registry.iter() {
                prop_assert_eq!(entry.connection_id.and_then(|id| registry.key_of(id)), Some(key));
                prop_assert_eq!(registry.key_of_public(entry.id), Some(key));
            }
        }
        prop_assert!(registry.iter().map(|(key, _)| key).is_sorted());
    }
}

#[test]
fn connections_on_one_page_share_its_name() {
    let mut aggregates = Aggregates::default();
    let first: Arc<str> = "/a".into();
    aggregates.apply(&Change::Opened {
        key: Key { nth: 0, slot: 0 },
        id: PublicId::random(),
        version: "v".into(),
        route: first.clone(),
    });
    assert!(Arc::ptr_eq(&aggregates.routes.share("/a"), &first));
}
