//! The values: what this instance writes, and how those of the others are read.

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value, cmd, pipe};

use super::keys::Keys;
use super::link::LinkError;
use crate::instance::InstanceId;
use crate::presence::record::Section;
use crate::presence::writer::{Found, HEAD_LIFE_MS, SECTION_LIFE_MS, Transaction, Write};

/// Instances that are looked at: what is past it is nobody's deployment.
const MAX_INSTANCES: usize = 1_000;

/// A command has no more fields than this: arguments of one command have a limit.
const FIELDS_AT_ONCE: usize = 1_000;

/// Fields and their values.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// A connection for commands, and whose.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) keys: Keys,
    pub(crate) me: InstanceId,
}

impl Store {
    /// Carries out a transaction, and says something besides.
    pub(crate) async fn write(
        &mut self,
        transaction: Transaction,
        messages: &[(String, Vec<u8>)],
    ) -> Result<Found, LinkError> {
        let Transaction { figures, rows, head, hint } = transaction;
        let key = self.keys.head(&self.me);
        let mut pipe = pipe();
        pipe.atomic().cmd("GET").arg(&key);
        for section in Section::ALL {
            pipe.cmd("HLEN").arg(self.keys.section(&self.me, section));
        }
        for (section, write) in [(Section::Figures, figures), (Section::Rows, rows)] {
            add(&mut pipe, &self.keys.section(&self.me, section), write);
        }
        pipe.cmd("SET").arg(&key).arg(head).arg("PX").arg(HEAD_LIFE_MS).ignore();
        pipe.cmd("HSET").arg(self.keys.instances()).arg(self.me.to_string()).arg("").ignore();
        let hint = hint.map(|hint| (self.keys.hints(), hint));
        for (channel, message) in hint.iter().chain(messages) {
            pipe.cmd("PUBLISH").arg(channel).arg(message).ignore();
        }
        let (head, figures, rows) = pipe.query_async(&mut self.connection).await?;
        Ok(Found { head, figures, rows })
    }

    /// Every instance that there is or was, with its head where that is there.
    pub(crate) async fn look(&mut self) -> Result<Vec<(InstanceId, Option<Vec<u8>>)>, LinkError> {
        let names: Vec<Vec<u8>> = cmd("HKEYS").arg(self.keys.instances()).query_async(&mut self.connection).await?;
        let ids: Vec<InstanceId> = names
            .iter()
            .filter_map(|name| str::from_utf8(name).ok()?.parse().ok())
            .filter(|id| *id != self.me)
            .take(MAX_INSTANCES)
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut question = cmd("MGET");
        for id in &ids {
            question.arg(self.keys.head(id));
        }
        let heads: Vec<Option<Vec<u8>>> = question.query_async(&mut self.connection).await?;
        Ok(ids.into_iter().zip(heads).collect())
    }

    /// A section of another instance, with the head that it belongs to.
    pub(crate) async fn read(
        &mut self,
        id: &InstanceId,
        section: Section,
    ) -> Result<(Option<Vec<u8>>, Fields), LinkError> {
        let mut pipe = pipe();
        pipe.atomic().cmd("GET").arg(self.keys.head(id)).cmd("HGETALL").arg(self.keys.section(id, section));
        let (head, fields) = pipe.query_async(&mut self.connection).await?;
        Ok((head, fields))
    }

    /// Tells one channel something.
    pub(crate) async fn publish(&mut self, channel: &str, message: &[u8]) -> Result<(), LinkError> {
        Ok(cmd("PUBLISH").arg(channel).arg(message).query_async::<Value>(&mut self.connection).await.map(drop)?)
    }

    /// Takes everything of an instance out, and tells the others.
    pub(crate) async fn remove(&mut self, id: &InstanceId, messages: &[(String, Vec<u8>)]) -> Result<(), LinkError> {
        let mut pipe = pipe();
        pipe.atomic().cmd("UNLINK").arg(self.keys.head(id)).ignore();
        for section in Section::ALL {
            pipe.cmd("UNLINK").arg(self.keys.section(id, section)).ignore();
        }
        pipe.cmd("HDEL").arg(self.keys.instances()).arg(id.to_string()).ignore();
        for (channel, message) in messages {
            pipe.cmd("PUBLISH").arg(channel).arg(message).ignore();
        }
        Ok(pipe.exec_async(&mut self.connection).await?)
    }
}

fn add(pipe: &mut Pipeline, key: &str, write: Write) {
    let (set, del) = match write {
        Write::Nothing => return,
        Write::Changes { set, del } => (set, del),
        Write::Whole(set) => {
            pipe.cmd("UNLINK").arg(key).ignore();
            for some in set.chunks(FIELDS_AT_ONCE) {
                pipe.cmd("HSET").arg(key).arg(some).ignore();
            }
            pipe.cmd("PEXPIRE").arg(key).arg(SECTION_LIFE_MS).ignore();
            return;
        }
        Write::Gone => {
            pipe.cmd("UNLINK").arg(key).ignore();
            return;
        }
    };
    for some in set.chunks(FIELDS_AT_ONCE) {
        pipe.cmd("HSET").arg(key).arg(some).ignore();
    }
    for some in del.chunks(FIELDS_AT_ONCE) {
        pipe.cmd("HDEL").arg(key).arg(some).ignore();
    }
}
