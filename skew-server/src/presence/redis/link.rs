//! Reaching Redis: which server takes writes, and a connection to it.
//!
//! All keys of a deployment are on one server, also in a cluster, so that one plain connection to the right one is all there is. Whatever
//! goes wrong on it, a demoted master or a slot that has moved among them, is mended by looking for the right one anew.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, TlsCertificates, cmd,
};
use skew_proto::text::cut;
use tokio::time::timeout;

use crate::config::{Place, RedisConfig, Servers};

/// A connection is made, and every command answered, in this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// What is longer of an error's text is not logged.
const ERROR_CHARS: usize = 300;

/// Why Redis could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The server's own words are cleaned: they are text from outside.
    #[error("{}", cut(&.0.to_string(), ERROR_CHARS))]
    Redis(#[from] RedisError),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Slow,
    #[error("no sentinel knows a master of the name in --redis")]
    NoMaster,
    #[error("the server that the sentinels name is no master yet")]
    NotMaster,
    #[error("no node of the cluster says where the keys are")]
    NoNode,
}

/// The way to the server that takes writes.
#[derive(Debug)]
pub(crate) struct Link {
    config: RedisConfig,
    /// A key of ours, by which nodes of a cluster tell where all of them are.
    key: String,
}

impl Link {
    pub(crate) fn new(config: RedisConfig, key: String) -> Self {
        Self { config, key }
    }

    /// Connects to the server that takes writes now.
    pub(crate) async fn connect(&self) -> Result<MultiplexedConnection, LinkError> {
        Ok(self.find().await?.1)
    }

    /// A connection for messages, to the same server.
    pub(crate) async fn listen(&self) -> Result<PubSub, LinkError> {
        let (client, _) = self.find().await?;
        Ok(timeout(PATIENCE, client.get_async_pubsub()).await.map_err(|_| LinkError::Slow)??)
    }

    async fn find(&self) -> Result<(Client, MultiplexedConnection), LinkError> {
        match &self.config.servers {
            Servers::One(place) => self.reach(place).await,
            Servers::Sentinel { sentinels, master } => self.find_master(sentinels, master).await,
            Servers::Cluster(nodes) => self.find_node(nodes).await,
        }
    }

    async fn find_master(
        &self,
        sentinels: &[Place],
        master: &str,
    ) -> Result<(Client, MultiplexedConnection), LinkError> {
        let mut last = LinkError::NoMaster;
        for sentinel in sentinels {
            let place = match self.ask_sentinel(sentinel, master).await {
                Ok(Some(place)) => place,
                Ok(None) => continue,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let (client, mut connection) = self.reach(&place).await?;
            // Sentinels name the old master until they have agreed on a new one.
            let role: Vec<redis::Value> = cmd("ROLE").query_async(&mut connection).await?;
            let role = role.first().and_then(|role| String::from_redis_value_ref(role).ok());
            return if role.as_deref() == Some("master") {
                Ok((client, connection))
            } else {
                Err(LinkError::NotMaster)
            };
        }
        Err(last)
    }

    async fn ask_sentinel(&self, sentinel: &Place, master: &str) -> Result<Option<Place>, LinkError> {
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let ask = async |settings| -> Result<Option<(String, u16)>, LinkError> {
            let (_, mut connection) = self.open(sentinel, settings).await?;
            Ok(question.query_async(&mut connection).await?)
        };
        // Most have no password, and refuse one then.
        let answer = match ask(RedisConnectionInfo::default()).await {
            Err(LinkError::Redis(error)) if error.code() == Some("NOAUTH") => ask(self.credentials()).await,
            answer => answer,
        };
        Ok(answer?.map(|(host, port)| Place { host, port }))
    }

    async fn find_node(&self, nodes: &[Place]) -> Result<(Client, MultiplexedConnection), LinkError> {
        let mut last = LinkError::NoNode;
        for node in nodes {
            match self.follow(node).await {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Goes from a node to the one that has our keys.
    async fn follow(&self, node: &Place) -> Result<(Client, MultiplexedConnection), LinkError> {
        let mut place = node.clone();
        // One step leads there; a second one where the slot is moving just now.
        for _ in 0..3 {
            let (client, mut connection) = self.reach(&place).await?;
            match cmd("EXISTS").arg(&self.key).query_async::<u64>(&mut connection).await {
                Ok(_) => return Ok((client, connection)),
                Err(error) => match error.redirect_node() {
                    Some((address, _)) => place = redirected(address, &place).ok_or(LinkError::NoNode)?,
                    None => return Err(error.into()),
                },
            }
        }
        Err(LinkError::NoNode)
    }

    async fn reach(&self, place: &Place) -> Result<(Client, MultiplexedConnection), LinkError> {
        self.open(place, self.credentials().set_db(self.config.database.into())).await
    }

    async fn open(
        &self,
        place: &Place,
        settings: RedisConnectionInfo,
    ) -> Result<(Client, MultiplexedConnection), LinkError> {
        let (host, port) = (place.host.clone(), place.port);
        let address = if self.config.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info: ConnectionInfo = address.into_connection_info()?.set_redis_settings(settings);
        let client = match &self.config.ca {
            Some(ca) if self.config.tls => Client::build_with_tls(
                info,
                TlsCertificates { client_tls: None, root_cert: Some(ca.clone().into_bytes()) },
            )?,
            _ => Client::open(info)?,
        };
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let connection = timeout(2 * PATIENCE, connection).await.map_err(|_| LinkError::Slow)??;
        Ok((client, connection))
    }

    fn credentials(&self) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default();
        if let Some(user) = &self.config.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.config.password {
            settings = settings.set_password(String::from_utf8_lossy(password.bytes()));
        }
        settings
    }
}

/// Where a node points to: `host:port`, or `:port` of the same host.
fn redirected(address: &str, from: &Place) -> Option<Place> {
    let (host, port) = address.rsplit_once(':')?;
    let host = if host.is_empty() || host == "?" { &from.host } else { host };
    Some(Place { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_points_to_another_by_host_or_by_port_alone() {
        let from = Place { host: "10.0.0.1".into(), port: 7000 };
        let at = |host: &str, port| Some(Place { host: host.into(), port });
        assert_eq!(redirected("10.0.0.2:7001", &from), at("10.0.0.2", 7001));
        assert_eq!(redirected(":7001", &from), at("10.0.0.1", 7001));
        assert_eq!(redirected("2001:db8::2:7001", &from), at("2001:db8::2", 7001));
        assert_eq!(redirected("10.0.0.2", &from), None);
    }
}
