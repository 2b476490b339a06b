//! Events of connections: those of this instance passed on while another one wants them, and the others' handed to the hub.

use serde::{Deserialize, Serialize};
use skew_proto::Event;
use tokio::sync::mpsc;

use super::{Line, LinkError, Task};
use crate::handle::Handle;
use crate::presence::record::{FORMAT, MIN};

/// Events that may wait for the next tick. What is past it is lost, and shows in the numbers.
const QUEUE: usize = 4_096;

/// What is said on the channel.
#[derive(Serialize, Deserialize)]
struct Batch {
    v: u32,
    /// The oldest form whose readers understand it.
    #[serde(default)]
    min: u32,
    /// The tag of the instance.
    tag: u32,
    events: Vec<Event>,
}

impl Task {
    /// Passes on what has happened here, as long as anybody elsewhere wants it.
    pub(super) async fn pass_events(&mut self, hub: &Handle) -> Result<(), LinkError> {
        if !self.fleet.wants().events {
            self.events = None;
            return Ok(());
        }
        let Some(events) = &mut self.events else {
            let (sender, receiver) = mpsc::channel(QUEUE);
            hub.offer_events(sender);
            self.events = Some(receiver);
            return Ok(());
        };
        let mut batch = Vec::new();
        while let Ok(event) = events.try_recv() {
            batch.push(event);
        }
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        if batch.is_empty() {
            return Ok(());
        }
        let batch = Batch { v: FORMAT, min: MIN, tag: self.tag, events: batch };
        // There is nothing in it that JSON can't hold.
        let bytes = serde_json::to_vec(&batch).unwrap_or_default();
        store.publish(&self.keys.connections(), &bytes).await
    }

    /// Takes what has happened elsewhere.
    pub(super) async fn take_events(&self, hub: &Handle, bytes: &[u8]) {
        let Ok(batch) = serde_json::from_slice::<Batch>(bytes) else { return };
        if batch.min <= FORMAT && batch.tag != self.tag && self.wants.events {
            // Nobody hears of it where the server has stopped.
            let _ = hub.events_of_others(batch.events).await;
        }
    }
}
