//! What was once in Redis and once on its channels, written again later: what a replica that lagged, a retry, or a packet that was long
//! under way brings.

use std::time::Duration;

use futures_util::StreamExt;
use skew_tests::redis::Redis;
use tokio::time::{Instant, timeout_at};

/// How long channels are listened to.
const LISTENED: Duration = Duration::from_secs(2);

pub(crate) struct Record {
    /// Key, milliseconds to live or 0, and what it held.
    keys: Vec<(Vec<u8>, i64, Vec<u8>)>,
    /// Channel and message.
    messages: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// Keeps all keys as they are, and what is said for a moment.
    pub(crate) async fn take(redis: &Redis) -> Self {
        let mut connection = redis.connection().await.expect("Redis is there");
        let names: Vec<Vec<u8>> = redis.ask(&["KEYS", "*"]).await;
        let mut keys = Vec::new();
        for name in names {
            let mut both = redis::pipe();
            both.atomic().cmd("PTTL").arg(&name).cmd("DUMP").arg(&name);
            let (left, held): (i64, Option<Vec<u8>>) = both.query_async(&mut connection).await.expect("Redis answers");
            // It may have expired meanwhile.
            keys.extend(held.map(|held| (name, left.max(0), held)));
        }
        let client = redis::Client::open(redis.url()).expect("a URL of one's own");
        let mut channels = client.get_async_pubsub().await.expect("Redis is there");
        channels.psubscribe("*").await.expect("Redis answers");
        let (end, mut messages) = (Instant::now() + LISTENED, Vec::new());
        let mut heard = channels.on_message();
        while let Ok(Some(message)) = timeout_at(end, heard.next()).await {
            messages.push((message.get_channel_name().to_owned(), message.get_payload_bytes().to_vec()));
        }
        Self { keys, messages }
    }

    /// Puts all of it back over what is there now.
    pub(crate) async fn write_again(&self, redis: &Redis) {
        let mut all = redis::pipe();
        for (name, left, held) in &self.keys {
            all.cmd("RESTORE").arg(name).arg(left).arg(held).arg("REPLACE").ignore();
        }
        for (channel, message) in &self.messages {
            all.cmd("PUBLISH").arg(channel).arg(message).ignore();
        }
        let mut connection = redis.connection().await.expect("Redis is there");
        all.query_async::<()>(&mut connection).await.expect("Redis takes what it had");
        println!("written again: {} keys, {} messages", self.keys.len(), self.messages.len());
    }
}
