//! The Chrome DevTools Protocol, as much as is needed: calls with answers, over one WebSocket.

use std::collections::HashMap;
use std::fmt;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Why a call failed, in the browser's words.
#[derive(Debug, Clone)]
pub(crate) struct CdpError(pub(crate) String);

impl fmt::Display for CdpError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

type Answer = Result<Value, CdpError>;

struct Call {
    request: Value,
    answer: oneshot::Sender<Answer>,
}

/// A handle to the connection; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Cdp {
    calls: mpsc::UnboundedSender<Call>,
}

impl Cdp {
    /// Connects to a `ws://` address on this machine, as the browser prints it.
    pub(crate) async fn connect(url: &str) -> Self {
        let authority = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(authority).await.expect("the browser listens where it says");
        let (socket, _) = client_async(url, stream).await.expect("the browser speaks WebSocket");
        let (calls, queue) = mpsc::unbounded_channel();
        tokio::spawn(serve(socket, queue));
        Self { calls }
    }

    /// Calls `method`, in the browser itself or in the page of `session`.
    pub(crate) async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Answer {
        let mut request = json!({ "method": method, "params": params });
        if let Some(session) = session {
            request["sessionId"] = json!(session);
        }
        let (answer, answered) = oneshot::channel();
        let gone = || CdpError("the browser has gone".to_owned());
        self.calls.send(Call { request, answer }).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Sends calls and hands out answers until either side ends; calls without answer then fail by being dropped.
async fn serve(socket: WebSocketStream<TcpStream>, mut queue: mpsc::UnboundedReceiver<Call>) {
    let (mut to_browser, mut from_browser) = socket.split();
    let mut waiting = HashMap::new();
    let mut next_id = 0_u64;
    loop {
        tokio::select! {
            call = queue.recv() => {
                let Some(Call { mut request, answer }) = call else { return };
                next_id += 1;
                request["id"] = json!(next_id);
                waiting.insert(next_id, answer);
                if to_browser.send(Message::text(request.to_string())).await.is_err() {
                    return;
                }
            }
            message = from_browser.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let Ok(mut message) = serde_json::from_str::<Value>(&text) else { continue };
                // Without an id it is an event: pages are asked instead.
                let Some(answer) = message["id"].as_u64().and_then(|id| waiting.remove(&id)) else { continue };
                let outcome = match message["error"]["message"].as_str() {
                    Some(error) => Err(CdpError(error.to_owned())),
                    None => Ok(message["result"].take()),
                };
                // Whoever asked may have given up.
                let _ = answer.send(outcome);
            }
        }
    }
}
