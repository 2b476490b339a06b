//! What proves to a site who is asking. Nothing here shows itself in a log, an error or a debug print.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as it stands in a file or an environment variable: without the line end behind it. `origin` names
    /// the place for the error.
    ///
    /// # Errors
    ///
    /// When nothing is left: an empty secret is a mistake in a deployment, and never a wish.
    pub fn new(text: &str, origin: &str) -> Result<Self, CredentialError> {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.trim().is_empty() {
            return Err(CredentialError::Empty { origin: origin.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a secret from a file that holds nothing else.
    ///
    /// # Errors
    ///
    /// When the file can't be read or is empty.
    pub fn read(path: &Path) -> Result<Self, CredentialError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CredentialError::Unreadable { path: path.to_owned(), source })?;
        Self::new(&text, &path.display().to_string())
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why credentials can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A file of a secret can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing in the place where a secret belongs.
    #[error("{origin} is empty; put the secret into it, or leave it out")]
    Empty {
        /// The file or the environment variable.
        origin: String,
    },
    /// A token or a cookie holds characters that no HTTP header may have.
    #[error("{what} holds characters that an HTTP header can't carry; it must be one line of plain text")]
    NotAHeader {
        /// What it is.
        what: &'static str,
    },
    /// A line of the header file is no header.
    #[error("line {line} of the header file is no header; write NAME: VALUE")]
    HeaderLine {
        /// The line's number, from 1.
        line: usize,
    },
    /// A header of the header file belongs to this program or to the connection.
    #[error("line {line} of the header file sets {name}, which belongs to the connection itself; leave it out")]
    ReservedHeader {
        /// The line's number, from 1.
        line: usize,
        /// The header's name.
        name: HeaderName,
    },
}

/// The headers that authorize a request.
#[derive(Clone, Default)]
pub struct Credentials {
    token: Option<Secret>,
    headers: HeaderMap,
}

impl Credentials {
    /// Credentials of a bearer token, a cookie and the text of a header file, as far as there are any.
    ///
    /// The cookie is a whole `Cookie` header (`a=1; b=2`), or the bare value of a `nuxt-session`, which has no `=`. The
    /// header file has a `NAME: VALUE` on each line; empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// When one of them can't be a header.
    pub fn new(
        token: Option<Secret>,
        cookie: Option<&Secret>,
        header_file: Option<&Secret>,
    ) -> Result<Self, CredentialError> {
        let mut headers = HeaderMap::new();
        for (index, line) in header_file.map(Secret::expose).unwrap_or_default().lines().enumerate() {
            let text = line.trim();
            if !text.is_empty() && !text.starts_with('#') {
                let (name, value) = header_line(text, index + 1)?;
                headers.append(name, value);
            }
        }
        if let Some(token) = &token {
            headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()), "the token")?);
        }
        if let Some(cookie) = cookie {
            headers.insert(COOKIE, sensitive(&cookie_header(cookie.expose()), "the cookie")?);
        }
        Ok(Self { token, headers })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// The headers to send, all marked as sensitive.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The bearer token by itself.
    pub(crate) fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// `text` without any of these credentials in it: a server may well repeat in an error what it was sent.
    pub(crate) fn redact(&self, text: &str) -> String {
        const SHORTEST: usize = 4; // a shorter one would blank out ordinary words
        let token = self.token.as_ref().map(Secret::expose);
        let values = self.headers.values().filter_map(|value| value.to_str().ok());
        let mut text = text.to_owned();
        for secret in token.into_iter().chain(values).filter(|secret| secret.len() >= SHORTEST) {
            text = text.replace(secret, "…");
        }
        text
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.headers.keys()).finish()
    }
}

fn header_line(text: &str, line: usize) -> Result<(HeaderName, HeaderValue), CredentialError> {
    const RESERVED: [&str; 8] =
        ["connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade", "accept"];
    let malformed = || CredentialError::HeaderLine { line };
    let (name, value) = text.split_once(':').ok_or_else(malformed)?;
    let name: HeaderName = name.trim().parse().map_err(|_| malformed())?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("sec-") {
        return Err(CredentialError::ReservedHeader { line, name });
    }
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| malformed())?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn sensitive(text: &str, what: &'static str) -> Result<HeaderValue, CredentialError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| CredentialError::NotAHeader { what })?;
    value.set_sensitive(true);
    Ok(value)
}

fn cookie_header(text: &str) -> String {
    let has_name = text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("cookie:"));
    let text = if has_name { &text[7..] } else { text }.trim();
    if text.contains('=') { text.to_owned() } else { format!("nuxt-session={text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text, "a test").unwrap()
    }

    fn header<'a>(credentials: &'a Credentials, name: &str) -> &'a str {
        credentials.headers().get(name).unwrap().to_str().unwrap()
    }

    #[test]
    fn a_token_is_a_bearer_header_without_its_line_end() {
        let credentials = Credentials::new(Some(secret("s3cret-token\n")), None, None).unwrap();
        assert_eq!(header(&credentials, "authorization"), "Bearer s3cret-token");
        assert!(credentials.headers().values().all(HeaderValue::is_sensitive));
    }

    #[test]
    fn a_cookie_is_a_whole_header_or_a_bare_session() {
        let cookie = |text| {
            let credentials = Credentials::new(None, Some(&secret(text)), None).unwrap();
            header(&credentials, "cookie").to_owned()
        };
        assert_eq!(cookie("a=1; nuxt-session=Fe26.2*1"), "a=1; nuxt-session=Fe26.2*1");
        assert_eq!(cookie("Cookie: a=1"), "a=1");
        assert_eq!(cookie("Fe26.2*1*x_y-z\r\n"), "nuxt-session=Fe26.2*1*x_y-z");
    }

    #[test]
    fn a_header_file_has_comments_and_errors_with_their_line() {
        let read = |text| Credentials::new(None, None, Some(&secret(text)));
        let credentials = read("# access\nCF-Access-Client-Id: abc\n\nX-Two:d: e\n").unwrap();
        assert_eq!(header(&credentials, "cf-access-client-id"), "abc");
        assert_eq!(header(&credentials, "x-two"), "d: e");
        let error = read("X: 1\nsecret-without-colon").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("secret-without"), "{error}");
        assert!(read("Host: elsewhere").unwrap_err().to_string().contains("host"));
    }

    #[test]
    fn an_empty_secret_is_refused_by_the_name_of_its_place() {
        let error = Secret::new(" \n", "SKEW_TOKEN").unwrap_err().to_string();
        assert_eq!(error, "SKEW_TOKEN is empty; put the secret into it, or leave it out");
        let missing = Secret::read(Path::new("/nonexistent/token")).unwrap_err().to_string();
        assert!(missing.starts_with("/nonexistent/token can't be read"), "{missing}");
    }

    #[test]
    fn nothing_shows_a_secret() {
        let credentials =
            Credentials::new(Some(secret("t0ken-abc")), Some(&secret("c00kie")), Some(&secret("X-Key: k3y-xyz")))
                .unwrap();
        let shown = format!("{credentials:?} {:?} {:?}", credentials.token(), credentials.headers());
        for part in ["t0ken", "c00kie", "k3y-xyz"] {
            assert!(!shown.contains(part), "{shown}");
        }
        let echoed = credentials.redact("bad credentials: Bearer t0ken-abc, k3y-xyz, nuxt-session=c00kie");
        assert!(!["t0ken", "c00kie", "k3y"].iter().any(|part| echoed.contains(part)), "{echoed}");
    }

    #[test]
    fn a_token_of_several_lines_is_no_header() {
        assert!(matches!(Credentials::new(Some(secret("a\nb")), None, None), Err(CredentialError::NotAHeader { .. })));
    }
}
