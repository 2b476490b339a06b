//! A cluster of three.

use std::net::SocketAddr;

use tokio::time::{Instant, sleep};

use super::{LOOK, Redis};
use crate::PATIENCE;

const SLOTS: u16 = 16_384;
const NODES: u16 = 3;

/// Three masters that share all slots.
#[derive(Debug)]
pub struct Cluster {
    /// Its servers.
    pub nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts them, and waits until each knows that all slots are served.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
            nodes.push(Redis::start_with(&settings).await);
        }
        for (at, node) in (0..NODES).zip(&nodes) {
            // Nodes of one epoch would have to agree on who is older first.
            node.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]).await;
            let slots: Vec<String> =
                (0..SLOTS).filter(|slot| slot / (SLOTS / NODES + 1) == at).map(|slot| slot.to_string()).collect();
            let words: Vec<&str> =
                ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
            node.ask::<()>(&words).await;
            let first = nodes[0].addr;
            if at > 0 {
                node.ask::<()>(&["CLUSTER", "MEET", &first.ip().to_string(), &first.port().to_string()]).await;
            }
        }
        let cluster = Self { nodes };
        for node in &cluster.nodes {
            cluster.until_whole(node).await;
        }
        cluster
    }

    /// Where its servers listen.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.addr).collect()
    }

    async fn until_whole(&self, node: &Redis) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let info: String = node.ask(&["CLUSTER", "INFO"]).await;
            if info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{NODES}")) {
                return;
            }
            assert!(Instant::now() < deadline, "the cluster is not whole: {info}");
            sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_slot_is_served_by_one_of_them() {
        let cluster = Cluster::start().await;
        let nodes: Vec<_> = cluster.addrs().into_iter().map(|addr| format!("redis://{addr}")).collect();
        let client = redis::cluster::ClusterClient::new(nodes).unwrap();
        let mut connection = client.get_async_connection().await.unwrap();
        for key in 0..100 {
            redis::cmd("SET").arg(key).arg(key).query_async::<()>(&mut connection).await.unwrap();
        }
        let mut held = 0;
        for node in &cluster.nodes {
            let keys: u64 = node.ask(&["DBSIZE"]).await;
            assert!(keys > 0);
            held += keys;
        }
        assert_eq!(held, 100);
    }
}
