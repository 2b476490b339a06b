//! Users, and what is meant for one of them.

use std::collections::BTreeMap;

use skew_proto::{List, StatsMode, UserIds};

use super::super::command::Errand;
use super::*;
use crate::presence::exchange::Target;

fn numbers(stats: &Value) -> (u64, u64, u64) {
    let number = |name: &str| stats[name].as_u64().unwrap();
    (number("total"), number("users"), number("anonymous"))
}

#[tokio::test(start_paused = true)]
async fn somebody_with_three_tabs_counts_once_and_is_shown_to_who_asks_for_it() {
    let hub = start();
    let ann = [
        Client::open_as(&hub, "/", Some("ann")).await,
        Client::open_as(&hub, "/a", Some("ann")).await,
        Client::open_as(&hub, "/b", Some("ann")).await,
    ];
    let ben = Client::open_as(&hub, "/", Some("ben")).await;
    let visitor = Client::open(&hub, "/").await;

    let stock = visitor.subscribe().await;
    assert_eq!(numbers(&stock), (5, 2, 1));
    assert!(!stock.to_string().contains("ann"), "{stock}");

    let asked = Subscription { mode: StatsMode::Changes, users: UserIds::Shown, ..Subscription::default() };
    let shown = ben.subscribe_to(asked).await;
    assert_eq!(shown["granted"]["users"], true);
    let mut users = BTreeMap::<_, usize>::new();
    for row in shown["connections"].as_array().unwrap() {
        *users.entry(row["user"].as_str()).or_default() += 1;
    }
    assert_eq!(users, BTreeMap::from([(Some("ann"), 3), (Some("ben"), 1), (None, 1)]));

    let also = Client::open_as(&hub, "/", Some("ann")).await;
    let changes = ben.next().await;
    assert_eq!((&changes["opened"][0]["user"], &changes["users"]), (&json!("ann"), &Value::Null), "still the same two");
    for tab in ann.iter().chain([&also]) {
        hub.close(tab.connection_id);
    }
    let changes = ben.next().await;
    assert_eq!((&changes["users"], &changes["anonymous"]), (&json!(1), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn totals_alone_tell_of_users_too() {
    let hub = start();
    let watcher = Client::open(&hub, "/").await;
    let asked = Subscription { mode: StatsMode::Changes, list: List::None, ..Subscription::default() };
    assert_eq!(numbers(&watcher.subscribe_to(asked).await), (1, 0, 1));
    Client::open_as(&hub, "/", Some("ann")).await;
    let changes = watcher.next().await;
    assert_eq!(numbers(&changes), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_is_here_is_told_page_by_page_and_one_by_one() {
    let hub = start();
    let mut tabs = Vec::new();
    for user in ["cid", "ann", "ben", "ann"] {
        tabs.push(Client::open_as(&hub, "/", Some(user)).await);
    }
    let first = hub.users(None, 2).await.unwrap();
    let names = |page: &skew_proto::UsersPage| -> Vec<(String, usize)> {
        page.users.iter().map(|user| (user.user.clone(), user.connections.len())).collect()
    };
    assert_eq!((first.total, names(&first)), (3, vec![("ann".into(), 2), ("ben".into(), 1)]));
    let last = hub.users(first.next.as_deref(), 2).await.unwrap();
    assert_eq!((names(&last), last.next), (vec![("cid".into(), 1)], None));

    let ann = hub.user("ann").await.unwrap();
    let ids: Vec<&str> = ann.connections.iter().map(|connection| &*connection.id).collect();
    assert_eq!((ann.here, ann.since.is_some()), (true, true));
    assert_eq!(ids, [tabs[1].id.to_string(), tabs[3].id.to_string()], "the longest connected first");
    let nobody = hub.user("dan").await.unwrap();
    assert_eq!((nobody.here, nobody.since, nobody.connections.len()), (false, None, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_meant_for_a_user_reaches_all_their_tabs_and_nobody_else() {
    let hub = start();
    let ann = [Client::open_as(&hub, "/", Some("ann")).await, Client::open_as(&hub, "/a", Some("ann")).await];
    let ben = Client::open_as(&hub, "/a", Some("ben")).await;
    let user = |name: &str| Target::User(name.into());

    let counted = hub.send(user("ann"), Errand::Reload, Mode::DryRun).await.unwrap();
    assert_eq!((counted.matched, counted.reached), (2, 0));
    let sent = hub.send(user("ann"), Errand::Reload, Mode::Send).await.unwrap();
    assert_eq!((sent.matched, sent.reached), (2, 2));
    for tab in &ann {
        assert_eq!(tab.next().await["force"], true);
    }
    let news = || Errand::Message(Message::custom(&json!({"type": "news"})).unwrap());
    let sent = hub.send(Target::Route(pattern("/a")), news(), Mode::Send).await.unwrap();
    assert_eq!((sent.matched, sent.reached, sent.routes["/a"]), (2, 2, 2));
    assert_eq!((&ann[1].next().await["type"], &ben.next().await["type"]), (&json!("news"), &json!("news")));
    assert_eq!(hub.send(user("dan"), news(), Mode::Send).await.unwrap().matched, 0);
    assert!(ann[0].nothing_waits() && ben.nothing_waits());
}
