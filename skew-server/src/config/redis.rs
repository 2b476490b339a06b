//! Where the Redis is over which several instances are one, and how they are let in.

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use skew_proto::text::is_harmful;

use super::{ConfigError, Secret};

/// A name of an instance or a prefix of keys is not longer than this.
const MAX_NAME_CHARS: usize = 64;

const DEFAULT_PREFIX: &str = "{skew}";
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;

/// Why a Redis can't be used. None of it repeats the URL, in which a password may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// None of the schemes.
    #[error(
        "the Redis URL must begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"
    )]
    Scheme,
    /// Nothing that could be a server.
    #[error(
        "the Redis URL must name a host, as in redis://127.0.0.1:6379; a host is a name, an IPv4 address or an IPv6 address in brackets"
    )]
    Host,
    /// Several servers, of which it is not said what they are.
    #[error("the Redis URL names several hosts: begin it with redis+sentinel:// or redis+cluster://")]
    SeveralHosts,
    /// Sentinels watch several masters.
    #[error(
        "the Redis URL must name the master after its sentinels, as in redis+sentinel://h1:26379,h2:26379/mymaster"
    )]
    Master,
    /// A cluster has one database, others have them by number.
    #[error("what follows the host in the Redis URL must be the number of a database, and nothing in a cluster")]
    Database,
    /// Percent-encoded and no UTF-8.
    #[error("user and password in the Redis URL must be percent-encoded UTF-8, and a password must not be empty")]
    User,
    /// It could not tell one deployment's keys from another's.
    #[error(
        "the prefix of keys in Redis must be of 1 to {MAX_NAME_CHARS} visible characters with at most one part in braces, such as {{shop}}"
    )]
    Prefix,
    /// It is built without what it needs.
    #[error("this server is built without the feature redis")]
    NotBuilt,
}

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// How the server that takes writes is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Servers {
    One(Place),
    /// Sentinels know which one is the master of that name.
    Sentinel {
        sentinels: Vec<Place>,
        master: String,
    },
    /// Each node of a cluster knows which one has our keys.
    Cluster(Vec<Place>),
}

/// The Redis (or Valkey) over which several instances are one.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    pub(crate) servers: Servers,
    pub(crate) tls: bool,
    pub(crate) database: u32,
    /// The user of its access control list; nothing for the default one.
    pub user: Option<String>,
    /// The password of that user.
    pub password: Option<Secret>,
    /// Certificates, in PEM, of who signs the servers' certificates, where that is nobody whom the system trusts.
    pub ca: Option<String>,
    /// What every key begins with. See [`Self::set_prefix`].
    prefix: String,
}

impl RedisConfig {
    /// What every key begins with. A part of it is in braces, so that a cluster keeps all keys on one node.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Has every key begin with this: one prefix for each deployment. Where no part of it is in braces the whole is put into them.
    ///
    /// # Errors
    ///
    /// When it is empty, too long or has braces that are not about one part of it.
    pub fn set_prefix(&mut self, prefix: &str) -> Result<(), RedisUrlError> {
        let braces = prefix.matches(['{', '}']).count();
        let tag = prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(tag, _)| tag);
        if !is_name(prefix) || braces > 0 && (braces != 2 || tag.is_empty()) {
            return Err(RedisUrlError::Prefix);
        }
        self.prefix = if braces == 0 { format!("{{{prefix}}}") } else { prefix.to_owned() };
        Ok(())
    }

    /// Whether it is the same place, whoever is let in there.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (&self.servers, self.tls, self.database, &self.prefix, &self.user)
            == (&other.servers, other.tls, other.database, &other.prefix, &other.user)
    }
}

/// Reads `redis://USER:PASSWORD@HOST:PORT/DATABASE`, with `rediss` for TLS; `redis+sentinel://HOST:PORT,HOST:PORT/MASTER`, after which
/// the number of a database may come, and `redis+cluster://HOST:PORT,HOST:PORT`.
impl FromStr for RedisConfig {
    type Err = RedisUrlError;

    fn from_str(url: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisUrlError::Scheme)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let path = path.trim_end_matches('/');
        let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(RedisUrlError::Scheme),
        };
        let places = |port| hosts.split(',').map(|text| place(text, port)).collect::<Result<Vec<_>, _>>();
        let (servers, database) = match kind {
            "" => {
                let mut places = places(REDIS_PORT)?;
                let place = places.pop().ok_or(RedisUrlError::Host)?;
                if !places.is_empty() {
                    return Err(RedisUrlError::SeveralHosts);
                }
                (Servers::One(place), path)
            }
            "sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                let master = decoded(master).filter(|name| is_name(name)).ok_or(RedisUrlError::Master)?;
                (Servers::Sentinel { sentinels: places(SENTINEL_PORT)?, master }, database)
            }
            "cluster" if path.is_empty() => (Servers::Cluster(places(REDIS_PORT)?), ""),
            "cluster" => return Err(RedisUrlError::Database),
            _ => return Err(RedisUrlError::Scheme),
        };
        let database = match database {
            "" => 0,
            number => number.parse().map_err(|_| RedisUrlError::Database)?,
        };
        let (user, password) = who.split_once(':').map_or((who, None), |(user, password)| (user, Some(password)));
        let user = decoded(user).ok_or(RedisUrlError::User)?;
        let password =
            password.map(|text| decoded(text).and_then(|text| Secret::new(&text).ok()).ok_or(RedisUrlError::User));
        Ok(Self {
            servers,
            tls,
            database,
            user: Some(user).filter(|user| !user.is_empty()),
            password: password.transpose()?,
            ca: None,
            prefix: DEFAULT_PREFIX.to_owned(),
        })
    }
}

fn place(text: &str, port: u16) -> Result<Place, RedisUrlError> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(text) => {
            let (address, rest) = text.split_once(']').ok_or(RedisUrlError::Host)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| RedisUrlError::Host)?;
            (address, rest)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| RedisUrlError::Host)?,
        None if rest.is_empty() => port,
        None => return Err(RedisUrlError::Host),
    };
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Err(RedisUrlError::Host);
    }
    Ok(Place { host: host.to_owned(), port })
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

fn is_name(text: &str) -> bool {
    let visible = |c: char| !c.is_whitespace() && !is_harmful(c);
    (1..=MAX_NAME_CHARS).contains(&text.chars().count()) && text.chars().all(visible)
}

/// Whether a text can be the name of an instance, which is a part of keys' names in Redis.
pub(super) fn check_instance(name: Option<&str>) -> Result<(), ConfigError> {
    match name {
        Some(name) if !is_name(name) || name.contains('/') => Err(ConfigError::Instance),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<RedisConfig, RedisUrlError> {
        url.parse()
    }

    fn at(host: &str, port: u16) -> Place {
        Place { host: host.into(), port }
    }

    #[test]
    fn a_url_names_one_server() {
        for (url, place, tls, database) in [
            ("redis://127.0.0.1", at("127.0.0.1", 6379), false, 0),
            ("redis://redis.internal:7000/", at("redis.internal", 7000), false, 0),
            ("rediss://[::1]:7000/3", at("::1", 7000), true, 3),
        ] {
            let config = read(url).unwrap();
            assert_eq!((config.servers, config.tls, config.database), (Servers::One(place), tls, database), "{url}");
        }
    }

    #[test]
    fn a_url_names_sentinels_or_nodes_of_a_cluster() {
        let places = vec![at("a", 1), at("b", 26_379)];
        let config = read("rediss+sentinel://a:1,b/main/2").unwrap();
        assert_eq!(config.servers, Servers::Sentinel { sentinels: places, master: "main".into() });
        assert_eq!((config.tls, config.database), (true, 2));
        assert_eq!(read("redis+cluster://a:1,b").unwrap().servers, Servers::Cluster(vec![at("a", 1), at("b", 6379)]));
    }

    #[test]
    fn what_is_no_url_of_a_redis_is_told_without_its_password() {
        for (url, error) in [
            ("127.0.0.1:6379", RedisUrlError::Scheme),
            ("http://127.0.0.1", RedisUrlError::Scheme),
            ("redis+unix://h", RedisUrlError::Scheme),
            ("redis://", RedisUrlError::Host),
            ("redis://h:x", RedisUrlError::Host),
            ("redis://:s3cret@", RedisUrlError::Host),
            ("redis://[::1", RedisUrlError::Host),
            ("redis://a b", RedisUrlError::Host),
            ("redis://a,b", RedisUrlError::SeveralHosts),
            ("redis://h/x", RedisUrlError::Database),
            ("redis+cluster://h/1", RedisUrlError::Database),
            ("redis+sentinel://h", RedisUrlError::Master),
            ("redis://u:@h", RedisUrlError::User),
            ("redis://%ff:s3cret@h", RedisUrlError::User),
        ] {
            let found = read(url).unwrap_err();
            assert!(!found.to_string().contains("s3cret"), "{found}");
            assert_eq!(found, error, "{url}");
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_the_password_is_never_shown() {
        let config = read("redis://skew:s3%40cret@h").unwrap();
        assert_eq!(
            (config.user.as_deref(), config.password.as_ref().unwrap().bytes()),
            (Some("skew"), &b"s3@cret"[..])
        );
        assert!(!format!("{config:?}").contains("@cret"));
        let config = read("redis://:s3cret@h").unwrap();
        assert_eq!((config.user, config.password.is_some()), (None, true));
    }

    #[test]
    fn a_prefix_has_one_part_in_braces() {
        let mut config = read("redis://h").unwrap();
        assert_eq!(config.prefix(), "{skew}");
        for (given, prefix) in [("shop", "{shop}"), ("{shop}", "{shop}"), ("eu:{shop}:skew", "eu:{shop}:skew")] {
            config.set_prefix(given).unwrap();
            assert_eq!(config.prefix(), prefix);
        }
        for given in ["", "a b", "{}", "}a{", "{a}{b}", "{a", "{{a}}", "a\u{1b}"] {
            assert_eq!(config.set_prefix(given), Err(RedisUrlError::Prefix), "{given}");
        }
    }

    #[test]
    fn an_instance_has_a_name_that_can_be_part_of_a_keys_name() {
        for name in [None, Some("web-1"), Some("pod.7:4400")] {
            assert_eq!(check_instance(name), Ok(()));
        }
        for name in ["", "a/b", "a b", "a\n", &"x".repeat(65)] {
            assert_eq!(check_instance(Some(name)), Err(ConfigError::Instance), "{name}");
        }
    }
}
