//! The log of users' events, and the lease of whoever adds to it.

use redis::{Value, cmd, pipe};

use super::link::LinkError;
use super::store::{Fields, Store};
use crate::presence::log::KEPT;
use crate::presence::record::EntryId;

/// A lease that is not held on to is free after this.
const LEASE_MS: u64 = 8_000;

/// What was told is kept so long behind the last leader, so that whoever comes after it knows who is still to be said to have left.
const KEPT_MS: u64 = 24 * 3_600_000;

/// The field of an entry.
const ENTRY: &str = "e";

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    At(EntryId),
    Behind(EntryId),
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    Done,
    /// There is one behind it already: somebody else leads.
    Refused,
}

impl Store {
    /// Takes the lease where it is free, and holds on to it where it is this instance's own. Whether it is.
    pub(crate) async fn hold_lease(&mut self) -> Result<bool, LinkError> {
        let (key, me) = (self.keys.lease(), self.me.to_string());
        let mut take = cmd("SET");
        take.arg(&key).arg(&me).arg("NX").arg("PX").arg(LEASE_MS);
        if take.query_async::<Value>(&mut self.connection).await? == Value::Okay {
            return Ok(true);
        }
        let holder: Option<Vec<u8>> = cmd("GET").arg(&key).query_async(&mut self.connection).await?;
        let is_own = holder.as_deref() == Some(me.as_bytes());
        if is_own {
            // If it has run out in this moment another one's lasts longer, which does no harm.
            cmd("PEXPIRE").arg(&key).arg(LEASE_MS).query_async::<()>(&mut self.connection).await?;
        }
        Ok(is_own)
    }

    /// Leaves the lease to others.
    pub(crate) async fn free_lease(&mut self) -> Result<(), LinkError> {
        let key = self.keys.lease();
        let holder: Option<Vec<u8>> = cmd("GET").arg(&key).query_async(&mut self.connection).await?;
        if holder.as_deref() == Some(self.me.to_string().as_bytes()) {
            cmd("UNLINK").arg(&key).query_async::<()>(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Entries in their order, so many at most.
    pub(crate) async fn entries(&mut self, from: From, most: usize) -> Result<Vec<(EntryId, Vec<u8>)>, LinkError> {
        let start = match from {
            From::At(id) => id.to_string(),
            From::Behind(id) => format!("({id}"),
        };
        let mut question = cmd("XRANGE");
        question.arg(self.keys.events()).arg(start).arg("+").arg("COUNT").arg(most);
        let found: Vec<(String, Vec<Vec<u8>>)> = question.query_async(&mut self.connection).await?;
        let entry = |mut fields: Vec<Vec<u8>>| {
            let is_entry = fields.len() >= 2 && fields[0] == ENTRY.as_bytes();
            if is_entry { fields.swap_remove(1) } else { Vec::new() }
        };
        Ok(found.into_iter().filter_map(|(id, fields)| Some((id.parse().ok()?, entry(fields)))).collect())
    }

    /// Adds an entry under its id, and has all look at it.
    pub(crate) async fn append(&mut self, id: EntryId, entry: &[u8], hint: &[u8]) -> Result<Appended, LinkError> {
        let mut pipe = pipe();
        pipe.cmd("XADD").arg(self.keys.events()).arg("MAXLEN").arg("~").arg(KEPT).arg(id.to_string());
        pipe.arg(ENTRY).arg(entry).cmd("PUBLISH").arg(self.keys.hints()).arg(hint).ignore();
        match pipe.query_async::<Value>(&mut self.connection).await {
            Ok(_) => Ok(Appended::Done),
            Err(error) if is_older(&error) => Ok(Appended::Refused),
            Err(error) => Err(error.into()),
        }
    }

    /// Who was announced at some entry.
    pub(crate) async fn base(&mut self) -> Result<Fields, LinkError> {
        Ok(cmd("HGETALL").arg(self.keys.announced()).query_async(&mut self.connection).await?)
    }

    pub(crate) async fn write_base(&mut self, fields: &[(String, Vec<u8>)]) -> Result<(), LinkError> {
        let key = self.keys.announced();
        let mut pipe = pipe();
        pipe.atomic().cmd("UNLINK").arg(&key).ignore();
        for some in fields.chunks(1_000) {
            pipe.cmd("HSET").arg(&key).arg(some).ignore();
        }
        for key in [key, self.keys.events(), self.keys.delivered()] {
            pipe.cmd("PEXPIRE").arg(key).arg(KEPT_MS).ignore();
        }
        Ok(pipe.exec_async(&mut self.connection).await?)
    }

    /// Up to where the webhooks were told; nothing where that is not known.
    pub(crate) async fn delivered(&mut self) -> Result<Option<EntryId>, LinkError> {
        let text: Option<String> = cmd("GET").arg(self.keys.delivered()).query_async(&mut self.connection).await?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    pub(crate) async fn set_delivered(&mut self, id: EntryId) -> Result<(), LinkError> {
        let mut set = cmd("SET");
        set.arg(self.keys.delivered()).arg(id.to_string()).arg("PX").arg(KEPT_MS);
        Ok(set.query_async::<Value>(&mut self.connection).await.map(drop)?)
    }
}

/// Whether Redis has refused an entry since one of a later term is there.
fn is_older(error: &redis::RedisError) -> bool {
    error.to_string().contains("equal or smaller than the target stream top item")
}
