//! People in stats, over real sockets.

use serde_json::{Value, json};
use skew_server::{Config, UserConfig, UserHash};

use super::support::{Server, config};

const STATS: (&str, &str) = ("authorization", "Bearer st4ts");

/// Believes what the header `x-user` says.
fn named() -> Config {
    let users = UserConfig { header: Some("x-user".into()), hash: UserHash::Never, ..UserConfig::default() };
    Config { users, trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..config() }
}

fn numbers(message: &Value) -> [Option<u64>; 3] {
    ["total", "users", "anonymous"].map(|name| message[name].as_u64())
}

#[tokio::test]
async fn a_person_counts_once_and_is_named_to_who_asks_for_it_alone() {
    let server = Server::start(named()).await;
    let mut admin = server.sse("?route=/admin", &[STATS]).await;
    let asked = json!({"connectionId": admin.connection_id, "changes": true, "users": true});
    assert_eq!(server.post("/__skew/subscribe-stats", &[STATS], &asked).await.status, 200);
    let first = admin.next().await;
    assert_eq!((numbers(&first), &first["granted"]["users"]), ([Some(1), Some(0), Some(1)], &json!(true)));

    let phone = server.ws("?route=/a", &[("x-user", "ann")]).await;
    let opened = admin.next().await;
    assert_eq!((numbers(&opened), &opened["opened"][0]["user"]), ([Some(2), Some(1), Some(1)], &json!("ann")));
    let laptop = server.sse("?route=/b", &[("x-user", "ann")]).await;
    let also = admin.next().await;
    assert_eq!((numbers(&also), &also["opened"][0]["user"]), ([Some(3), None, None], &json!("ann")), "nobody new");

    let mut stock = server.ws("", &[STATS]).await;
    stock.send(r#"{"type":"subscribe-stats"}"#).await;
    let stats = stock.stats(|stats| stats["total"] == 4).await;
    assert_eq!(numbers(&stats), [Some(4), Some(1), Some(2)]);
    assert!(!stats.to_string().contains("ann"), "{stats}");

    drop((phone, laptop));
    let gone = stock.stats(|stats| stats["users"] == 0).await;
    assert_eq!(numbers(&gone), [Some(2), Some(0), Some(2)]);
}
