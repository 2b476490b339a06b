//! Headless Chromium, driven over its DevTools protocol.

mod cdp;

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::process::Process;

use self::cdp::{Cdp, CdpError};

/// Chromium's own headless agent counts as a bot, and bots open no stream.
const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// A running browser; dropped, it is killed and its profile removed.
#[derive(Debug)]
pub struct Browser {
    cdp: Cdp,
    // Before its directory: it must have ended when that is removed.
    _process: Process,
    _directory: Directory,
}

/// Where Chromium keeps its profile and its temporary files.
#[derive(Debug)]
struct Directory(TempDir);

impl Drop for Directory {
    fn drop(&mut self) {
        // Chromium's children outlive it for a moment, and still write.
        let deadline = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir_all(self.0.path()).is_err() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Browser {
    /// Starts Chromium: the program that `CHROMIUM` names, else the first of the usual names on `PATH`.
    pub async fn launch() -> Self {
        let directory = tempfile::Builder::new().prefix("skew-tests-").tempdir().expect("a temporary directory");
        let directory = Directory(directory);
        let mut command = Command::new(chromium());
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--no-default-browser-check", "--disable-sync", "--disable-extensions"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-default-apps"])
            // Every tab counts, not only the one in front.
            .args(["--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows"])
            .args(["--disable-renderer-backgrounding", "--remote-debugging-port=0", "--password-store=basic"])
            .arg(format!("--user-agent={USER_AGENT}"))
            .arg(format!("--user-data-dir={}", directory.0.path().join("profile").display()))
            .env("TMPDIR", directory.0.path())
            .arg("about:blank");
        let mut process = Process::spawn("Chromium", command);
        let address = |line: &str| line.strip_prefix("DevTools listening on ").map(str::to_owned);
        let url = process.stderr.until("the address of DevTools", address).await;
        Self { cdp: Cdp::connect(&url).await, _process: process, _directory: directory }
    }

    /// A person at the browser: cookies and storage of its own, shared by its tabs and by nobody else.
    pub async fn person(&self) -> Person {
        let created = self.cdp.call(None, "Target.createBrowserContext", json!({})).await;
        let created = created.unwrap_or_else(|error| panic!("no browser context: {error}"));
        Person { cdp: self.cdp.clone(), context: string(&created, "browserContextId") }
    }
}

/// See [`Browser::person`].
#[derive(Debug)]
pub struct Person {
    cdp: Cdp,
    context: String,
}

impl Person {
    /// Sets a cookie for the origin of `url`.
    pub async fn set_cookie(&self, url: &str, name: &str, value: &str) {
        let cookies = json!([{ "url": url, "name": name, "value": value }]);
        let params = json!({ "cookies": cookies, "browserContextId": self.context });
        let set = self.cdp.call(None, "Storage.setCookies", params).await;
        set.unwrap_or_else(|error| panic!("the cookie {name} is not taken: {error}"));
    }

    /// Opens a tab and waits until `url` is loaded in it.
    pub async fn open(&self, url: &str) -> Tab {
        let opened = async {
            let params = json!({ "url": "about:blank", "browserContextId": self.context });
            let target = string(&self.cdp.call(None, "Target.createTarget", params).await?, "targetId");
            let params = json!({ "targetId": target, "flatten": true });
            let session = string(&self.cdp.call(None, "Target.attachToTarget", params).await?, "sessionId");
            Ok::<_, CdpError>(Tab { cdp: self.cdp.clone(), target, session })
        };
        let tab = opened.await.unwrap_or_else(|error| panic!("no new tab: {error}"));
        tab.go(url).await;
        tab
    }
}

/// An open tab. It stays open until [`Tab::close`] or the end of the browser.
#[derive(Debug)]
pub struct Tab {
    cdp: Cdp,
    target: String,
    session: String,
}

impl Tab {
    /// Loads `url` and waits until it is loaded.
    pub async fn go(&self, url: &str) {
        let answer = self.call("Page.navigate", json!({ "url": url })).await;
        let answer = answer.unwrap_or_else(|error| panic!("{url} cannot be opened: {error}"));
        assert!(answer["errorText"].is_null(), "{url} cannot be opened: {}", answer["errorText"]);
        self.wait_until("document.readyState === 'complete'").await;
    }

    /// Takes another user agent for all that is loaded from now on.
    pub async fn pose_as(&self, user_agent: &str) {
        let taken = self.call("Network.setUserAgentOverride", json!({ "userAgent": user_agent })).await;
        taken.unwrap_or_else(|error| panic!("the user agent is not taken: {error}"));
    }

    /// The value of a JavaScript expression in the page, awaited where it is a promise; it must be JSON.
    pub async fn eval(&self, expression: &str) -> Value {
        let value = timeout(PATIENCE, self.evaluate(expression)).await;
        let value = value.unwrap_or_else(|_| panic!("within {PATIENCE:?} there was no value of {expression}"));
        value.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until a JavaScript expression is truthy, over page loads too, and answers its value. What it throws
    /// counts as not yet true.
    pub async fn wait_until(&self, expression: &str) -> Value {
        // Inside the page: a look costs nothing, and no time is lost on the way.
        let promise = format!(
            "new Promise(resolve => {{
                const look = async () => {{
                    let value
                    try {{ value = await ({expression}) }} catch {{}}
                    value ? resolve(value) : setTimeout(look, 20)
                }}
                look()
            }})"
        );
        let found = async {
            loop {
                match self.evaluate(&promise).await {
                    Ok(value) => return value,
                    // The page was left while it looked: look in the next one.
                    Err(error) if error.0.contains("context") || error.0.contains("navigated") => {}
                    Err(error) => panic!("{expression}: {error}"),
                }
            }
        };
        match timeout(PATIENCE, found).await {
            Ok(value) => value,
            Err(_) => {
                let page = "({ url: location.href, text: document.body?.innerText, messages: window.__skewMessages })";
                let page = timeout(PATIENCE, self.evaluate(page)).await;
                panic!("within {PATIENCE:?} this was never true: {expression}\nthe page is {page:?}")
            }
        }
    }

    /// The text of the element with this `data-testid`, once it is there.
    pub async fn text(&self, testid: &str) -> String {
        let text = self.wait_until(&format!("({}).textContent.trim()", element(testid))).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks on the element with this `data-testid`, once it is there.
    pub async fn click(&self, testid: &str) {
        self.wait_until(&format!("(({}).click(), true)", element(testid))).await;
    }

    /// Closes the tab, as a user does.
    pub async fn close(self) {
        let closed = self.cdp.call(None, "Target.closeTarget", json!({ "targetId": self.target })).await;
        closed.unwrap_or_else(|error| panic!("the tab does not close: {error}"));
    }

    async fn evaluate(&self, expression: &str) -> Result<Value, CdpError> {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", params).await?;
        match answer["exceptionDetails"].take() {
            Value::Null => Ok(answer["result"]["value"].take()),
            thrown => Err(CdpError(format!("threw {thrown}"))),
        }
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, CdpError> {
        self.cdp.call(Some(&self.session), method, params).await
    }
}

fn element(testid: &str) -> String {
    format!("document.querySelector('[data-testid=\"{testid}\"]')")
}

fn string(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("the browser's answer has no {field}: {answer}")).to_owned()
}

fn chromium() -> PathBuf {
    if let Some(path) = env::var_os("CHROMIUM") {
        return path.into();
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|path| path.is_file());
    found.expect("no Chromium on PATH: run tests/run, which installs it, or name one in CHROMIUM")
}
