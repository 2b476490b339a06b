//! Stats as changes, over both transports.

use serde_json::{Value, json};
use skew_proto::{ServerMessage, Stats};

use crate::support::{Server, config};

const STATS: (&str, &str) = ("authorization", "Bearer st4ts");

/// What is known after one more message.
fn learn(known: Option<Stats>, message: &Value) -> Stats {
    match (known, ServerMessage::decode(&message.to_string()).unwrap()) {
        (_, ServerMessage::Stats(stats)) => *stats,
        (Some(mut known), ServerMessage::StatsChanges(changes)) => {
            known.apply(*changes).unwrap();
            known
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_subscriber_to_changes_gets_a_snapshot_and_then_changes_alone() {
    let server = Server::start(config()).await;
    let mut admin = server.sse("?route=/admin", &[]).await;
    let asked = json!({"connectionId": admin.connection_id, "changes": true, "list": "all", "interval": 1});
    let answer = server.post("/__skew/subscribe-stats", &[STATS], &asked).await;
    assert_eq!(answer.body, json!({"ok": true}));
    let first = admin.next().await;
    assert_eq!(
        (&first["type"], &first["granted"]),
        (&json!("stats"), &json!({"changes": true, "list": "all", "interval": 20})),
        "the server's own tick is the shortest"
    );
    let mut known = learn(None, &first);

    let tab = server.ws("?route=/cart", &[("cookie", "__nkpv=old")]).await;
    while known.total < 2 {
        let message = admin.next().await;
        assert_eq!(message["type"], "stats-changes");
        known = learn(Some(known), &message);
    }
    assert_eq!((known.versions["old"], known.routes["/cart"], known.connections.len()), (1, 1, 2));
    drop(tab);
    while known.total > 1 {
        known = learn(Some(known), &admin.next().await);
    }
    assert_eq!(known.versions.get("old"), None);
    assert_eq!(known.connections[0].id, known.your_id.unwrap());
}

#[tokio::test]
async fn a_websocket_asks_by_its_message_and_may_leave_out_the_list() {
    let server = Server::start(config()).await;
    let mut admin = server.ws("", &[STATS]).await;
    admin.send(r#"{"type":"subscribe-stats","changes":true,"list":"none"}"#).await;
    let first = admin.next().await;
    assert_eq!(
        (&first["total"], &first["connections"], &first["granted"]["list"]),
        (&json!(1), &json!([]), &json!("none"))
    );
    let _tab = server.sse("", &[]).await;
    let message = admin.next().await;
    assert_eq!(
        (&message["type"], &message["total"], message.get("opened")),
        (&json!("stats-changes"), &json!(2), None)
    );
    // Asking anew, for the first connection alone.
    admin.send(r#"{"type":"subscribe-stats","list":1}"#).await;
    let again = admin.next().await;
    assert_eq!((&again["type"], &again["total"]), (&json!("stats"), &json!(2)));
    assert_eq!((again["connections"].as_array().unwrap().len(), &again["granted"]["changes"]), (1, &json!(false)));
}

#[tokio::test]
async fn who_asks_for_nothing_sees_nothing_of_it() {
    let server = Server::start(config()).await;
    let mut admin = server.ws("", &[STATS]).await;
    admin.send(r#"{"type":"subscribe-stats"}"#).await;
    let stats = admin.next().await;
    assert_eq!((stats.get("seq"), stats.get("granted")), (None, None));
    let _tab = server.sse("", &[]).await;
    assert_eq!(admin.next().await["type"], "stats");
}
