//! Requests to what runs on this machine.

pub use reqwest::Client;
use reqwest::RequestBuilder;
use serde_json::Value;

/// A client that goes straight to its target, whatever proxies this machine's user has.
pub fn client() -> Client {
    Client::builder().no_proxy().build().expect("this system has CA certificates")
}

/// The status and the body of an answer; null where the body is no JSON.
pub async fn json(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap_or_else(|error| panic!("half an answer: {error:?}"));
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
