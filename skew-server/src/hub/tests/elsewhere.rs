//! Several instances, as one of their hubs is told of the others.

use skew_proto::{EventsAsked, Instance, InstanceState, List, Partial};

use super::*;
use crate::instance::InstanceId;
use crate::presence::exchange::{Elsewhere, FleetNow, SharedRow, Wants};

fn other() -> InstanceId {
    InstanceId { name: "other".into(), epoch: 3 }
}

fn fleet(rows_whole: bool, partial: Option<Partial>) -> Elsewhere {
    let instance = Instance {
        name: "other".into(),
        epoch: 3,
        build: "b1".into(),
        server: "0.1.0".into(),
        connections: 2,
        users: 1,
        state: InstanceState::Live,
        since: None,
    };
    let fleet = Some(FleetNow { instances: vec![instance], partial, rows_whole });
    Elsewhere { fleet, ..Elsewhere::default() }
}

/// The figures of another instance with two tabs of one user.
fn figures() -> Elsewhere {
    let two = |name: &str| vec![(name.into(), 2)];
    Elsewhere { versions: two("b0"), routes: two("/a"), came: vec![("ann".into(), 5)], ..fleet(false, None) }
}

fn row() -> (PublicId, SharedRow) {
    let row = SharedRow { version: "b0".into(), route: "/a".into(), user: Some("ann".into()), ip: None };
    (PublicId::random(), row)
}

/// The connections that these figures count.
fn rows() -> Elsewhere {
    let rows = [row(), row()].map(|(id, row)| (other(), id, row));
    Elsewhere { rows: rows.into(), ..fleet(true, None) }
}

fn wants(hub: &Handle) -> Wants {
    *hub.live.wants.borrow()
}

#[tokio::test(start_paused = true)]
async fn stats_are_the_sums_of_all_and_the_list_names_instances() {
    let hub = start();
    let admin = Client::open_as(&hub, "/", Some("ann")).await;
    let stats = admin.subscribe().await;
    assert_eq!((stats.get("instances"), stats["connections"][0].get("instance")), (None, None), "alone");

    hub.elsewhere(figures()).await.unwrap();
    let stats = admin.next().await;
    assert_eq!((&stats["total"], &stats["users"], &stats["anonymous"]), (&json!(3), &json!(1), &json!(0)));
    assert_eq!(stats["versions"], json!({"b0": 2, "b1": 1}));
    assert_eq!(
        (stats["instances"][0]["name"].as_str(), stats["instances"][1]["connections"].as_u64()),
        (Some("other"), Some(1))
    );
    assert_eq!((&stats["connections"][0]["instance"], stats.get("partial")), (&json!("skew"), None));

    hub.elsewhere(rows()).await.unwrap();
    let stats = admin.next().await;
    assert_eq!((&stats["total"], stats["connections"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!(stats["connections"][2]["instance"], "other");

    let missing = Partial { instances: vec!["other".into()], since: 7 };
    hub.elsewhere(fleet(true, Some(missing))).await.unwrap();
    assert_eq!(admin.next().await["partial"], json!({"instances": ["other"], "since": 7}));
}

#[tokio::test(start_paused = true)]
async fn connections_of_others_are_listed_and_left_alone() {
    let hub = start();
    hub.elsewhere(figures()).await.unwrap();
    hub.elsewhere(rows()).await.unwrap();
    let tab = Client::open_as(&hub, "/a", Some("ann")).await;
    assert_eq!(hub.broadcast(&json!({})).await.unwrap(), 1);
    tab.next().await;
    let sent = hub.invalidate(pattern("/a"), Mode::Send).await.unwrap();
    assert_eq!((sent.matched, sent.reached), (3, 1), "matched are those of all");
    tab.next().await;
    assert!(matches!(tab.outbox.next().await, Some(Parcel::Keepalive(_))));
    hub.close(tab.connection_id);
    hub.shut_down(Duration::ZERO).await.unwrap();
    assert_eq!(hub.stats().await.unwrap().total, 2);
}

#[tokio::test(start_paused = true)]
async fn the_hub_wants_of_others_what_its_subscribers_are_told() {
    let hub = start();
    let tab = Client::open(&hub, "/").await;
    let mut asked = Subscription { list: List::None, ..Subscription::default() };
    for (list, events, rows, all) in [
        (List::None, EventsAsked::None, false, false),
        (List::Top(5), EventsAsked::Users, true, false),
        (List::None, EventsAsked::All, false, true),
        (List::All, EventsAsked::All, true, true),
    ] {
        (asked.list, asked.events) = (list, events);
        tab.subscribe_to(asked).await;
        assert_eq!(wants(&hub), Wants { rows, events: all });
    }
    hub.close(tab.connection_id);
    hub.current().await.unwrap();
    assert_eq!(wants(&hub), Wants::default());
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_user_waits_for_the_connections_of_others_and_not_for_long() {
    let hub = start();
    hub.elsewhere(figures()).await.unwrap();
    let nobody = hub.user("ben").await.unwrap();
    assert_eq!((nobody.here, nobody.partial), (false, None), "of nobody there is nothing to wait for");

    let begun = Instant::now();
    let ann = hub.user("ann").await.unwrap();
    assert_eq!((ann.here, ann.since, ann.connections.len()), (true, Some(5), 0));
    assert_eq!(ann.partial.unwrap().instances, ["other"]);
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert!(wants(&hub).rows);

    let asked = tokio::spawn({
        let hub = hub.clone();
        async move { hub.users(None, 10).await.unwrap() }
    });
    tokio::task::yield_now().await;
    hub.elsewhere(rows()).await.unwrap();
    let page = asked.await.unwrap();
    assert_eq!((page.total, page.users[0].connections.len(), page.partial), (1, 2, None));
    assert_eq!(page.users[0].connections[0].instance(), Some("other"));
    assert_eq!(begun.elapsed(), Duration::from_secs(2), "as soon as they are here");

    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(!wants(&hub).rows, "nobody has asked for a while");
}
