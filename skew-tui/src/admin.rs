//! Asking a site's server to act on its users.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use skew_proto::text;

use crate::http::{Answer, Http, HttpError, words};
use crate::target::Target;

/// Largest answer that is read, in bytes: it may list every route.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// How long an answer may bring no byte.
const SILENCE: Duration = Duration::from_secs(10);

/// Where the secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It is in the body already.
    InBody,
    /// It is the bearer token.
    Bearer,
}

/// Why an action was not carried out, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server knows who asks and does not let them, or does not know.
    Unauthorized(String),
    /// There is no such endpoint.
    NoEndpoint(String),
    /// The server refused.
    Rejected(String),
    /// The server failed on the way. It may have acted.
    Broke(String),
    /// The server may or may not have received it.
    Unknown(String),
}

/// Posts `body` to the first of `urls` that there is, and answers what the server said.
pub(crate) async fn ask<B: Serialize, A: DeserializeOwned>(
    target: &Target,
    urls: Vec<Url>,
    proof: Proof,
    body: &B,
) -> Result<A, Refusal> {
    let http = Http::new(Arc::new(target.clone()), SILENCE).map_err(|error| rejected(&error))?;
    let mut missing = Vec::new();
    for url in urls {
        match ask_at(&http, &url, proof, body).await {
            Err(Refusal::NoEndpoint(reason)) => missing.push(reason),
            answer => return answer,
        }
    }
    Err(Refusal::NoEndpoint(missing.join("; ")))
}

/// Reads what lies at the first of `urls` that there is.
pub(crate) async fn look<A: DeserializeOwned>(target: &Target, urls: Vec<Url>) -> Result<A, Refusal> {
    let http = Http::new(Arc::new(target.clone()), SILENCE).map_err(|error| rejected(&error))?;
    let mut missing = Vec::new();
    for url in urls {
        let answer = http.answer(http.get_as_admin(url.clone()), MAX_ANSWER_BYTES).await;
        let answer = answer.map_err(|error| rejected(&error))?;
        match read(http.target(), &url, &answer) {
            Err(Refusal::NoEndpoint(reason)) => missing.push(reason),
            answer => return answer,
        }
    }
    Err(Refusal::NoEndpoint(missing.join("; ")))
}

async fn ask_at<B: Serialize, A: DeserializeOwned>(
    http: &Http,
    url: &Url,
    proof: Proof,
    body: &B,
) -> Result<A, Refusal> {
    let request = match proof {
        Proof::InBody => http.post(url.clone(), body),
        Proof::Bearer => http.post_as_admin(url.clone(), body),
    };
    let answer = match http.answer(request, MAX_ANSWER_BYTES).await {
        Ok(answer) => answer,
        Err(error @ (HttpError::Setup(_) | HttpError::Redirected(_))) => return Err(rejected(&error)),
        Err(error) => return Err(Refusal::Unknown(format!("{}: {error}", url.path()))),
    };
    read(http.target(), url, &answer)
}

fn read<A: DeserializeOwned>(target: &Target, url: &Url, answer: &Answer) -> Result<A, Refusal> {
    let path = url.path();
    let said = || format!("{path} answered {}", target.redact(&words(answer.status, &answer.body)));
    match answer.status {
        status if status.is_success() => serde_json::from_str(&answer.body)
            .map_err(|_| Refusal::NoEndpoint(format!("{path} answered a page and no result"))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Refusal::Unauthorized(said())),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Err(Refusal::NoEndpoint(said())),
        StatusCode::INTERNAL_SERVER_ERROR => Err(Refusal::Broke(said())),
        _ => Err(Refusal::Rejected(said())),
    }
}

fn rejected(error: &HttpError) -> Refusal {
    const CHARS: usize = 300;
    Refusal::Rejected(text::cut(&error.to_string(), CHARS))
}

#[cfg(test)]
mod tests {
    use skew_proto::InvalidateAnswer;

    use super::*;
    use crate::credentials::Secret;
    use crate::target::Settings;

    #[test]
    fn an_answer_is_a_result_or_a_reason_and_never_repeats_the_secret() {
        let admin_secret = Some(Secret::new("adm1n-secret", "a test").unwrap());
        let settings = Settings { url: "http://127.0.0.1:1".into(), admin_secret, ..Settings::default() };
        let target = Target::new(settings).unwrap();
        let url: Url = "http://127.0.0.1:1/api/x".parse().unwrap();
        let read = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            read::<InvalidateAnswer>(&target, &url, &Answer { status, body: body.into() })
        };
        assert_eq!(read(200, r#"{"ok":true,"route":"/a","matched":3}"#).unwrap().matched, Some(3));
        assert!(matches!(read(200, "<html>"), Err(Refusal::NoEndpoint(_))));
        assert!(matches!(read(404, ""), Err(Refusal::NoEndpoint(_))));
        assert!(matches!(read(500, ""), Err(Refusal::Broke(_))));
        assert!(matches!(read(429, ""), Err(Refusal::Rejected(_))));
        let Err(Refusal::Unauthorized(reason)) = read(401, r#"{"message":"wrong secret adm1n-secret"}"#) else {
            panic!("401 is a refusal of who asks");
        };
        assert!(reason.contains("wrong secret") && !reason.contains("adm1n"), "{reason}");
    }
}
