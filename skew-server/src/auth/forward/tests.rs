use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::any;
use tokio::sync::Notify;

use super::*;

/// What an operator's endpoint has heard, and what it answers.
struct Endpoint {
    status: Mutex<StatusCode>,
    heard: Mutex<Vec<Parts>>,
    /// While it is set, answers wait for [`Endpoint::go`].
    is_slow: AtomicBool,
    go: Notify,
    now: AtomicUsize,
    most: AtomicUsize,
}

async fn answer(
    State(endpoint): State<Arc<Endpoint>>,
    parts: Parts,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let now = endpoint.now.fetch_add(1, Ordering::SeqCst) + 1;
    endpoint.most.fetch_max(now, Ordering::SeqCst);
    endpoint.heard.lock().unwrap().push(parts);
    if endpoint.is_slow.load(Ordering::SeqCst) {
        endpoint.go.notified().await;
    }
    endpoint.now.fetch_sub(1, Ordering::SeqCst);
    let status = *endpoint.status.lock().unwrap();
    (status, [("location", "/login")])
}

impl Endpoint {
    async fn start(status: StatusCode) -> (Arc<Self>, Arc<Forward>) {
        let endpoint = Arc::new(Self {
            status: Mutex::new(status),
            heard: Mutex::default(),
            is_slow: AtomicBool::new(false),
            go: Notify::new(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/may-read", listener.local_addr().unwrap());
        let router = Router::new().route("/may-read", any(answer)).with_state(endpoint.clone());
        let router = router.route("/login", any(|| async { "welcome" }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, Arc::new(Forward::new(&url, "__nkpv").unwrap()))
    }

    fn answers(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    fn asked(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

fn cookie(text: &str) -> Credentials {
    Credentials { cookie: Some(text.into()), ..Credentials::default() }
}

/// Lets time pass, with nothing under way that a time-out could end.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what} did not come"));
}

#[tokio::test]
async fn only_2xx_admits_and_a_redirect_is_not_followed() {
    for (status, admits) in [
        (200, true),
        (204, true),
        (302, false),
        (307, false),
        (401, false),
        (403, false),
        (404, false),
        (500, false),
        (503, false),
    ] {
        let (endpoint, forward) = Endpoint::start(StatusCode::from_u16(status).unwrap()).await;
        assert_eq!(forward.admits(&cookie("sid=1")).await, admits, "{status}");
        assert_eq!(endpoint.asked(), 1);
    }
}

#[tokio::test]
async fn it_gets_the_credentials_and_nothing_else() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    let credentials = Credentials {
        cookie: Some("__nkpv=b1; sid=grün; theme=dark".into()),
        authorization: Some("Bearer t0ken".into()),
        session: Some("Fe26.2**x".into()),
    };
    assert!(forward.admits(&credentials).await);
    let heard = endpoint.heard.lock().unwrap();
    assert_eq!((heard[0].method.as_str(), heard[0].uri.path_and_query().unwrap().as_str()), ("GET", "/may-read"));
    let mut headers: Vec<(&str, &[u8])> =
        heard[0].headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.retain(|(name, _)| !["host", "accept", "user-agent"].contains(name));
    headers.sort_unstable();
    let expected: [(&str, &[u8]); 3] = [
        ("authorization", b"Bearer t0ken"),
        ("cookie", "sid=grün; theme=dark".as_bytes()),
        ("x-nuxt-session-session", b"Fe26.2**x"),
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn it_is_not_asked_about_who_has_sent_nothing() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    assert!(!forward.admits(&Credentials::default()).await);
    assert!(!forward.admits(&cookie("__nkpv=b1")).await, "a build is nobody's credential");
    assert!(!forward.admits(&cookie("")).await);
    assert_eq!(endpoint.asked(), 0);
}

#[tokio::test]
async fn an_answer_holds_for_a_while_a_no_for_less_and_each_for_its_own_credentials() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    assert!(forward.admits(&cookie("sid=1")).await);
    endpoint.answers(StatusCode::UNAUTHORIZED);
    assert!(!forward.admits(&cookie("sid=2")).await);
    let same_text = Credentials { authorization: Some("sid=1".into()), ..Credentials::default() };
    assert!(!forward.admits(&same_text).await, "another header is another credential");
    assert_eq!(endpoint.asked(), 3);
    pass(NO_TIME - Duration::from_secs(1)).await;
    assert!(forward.admits(&cookie("sid=1")).await && !forward.admits(&cookie("sid=2")).await);
    assert!(forward.admits(&cookie("sid=1; __nkpv=b2")).await, "a new build is no new credential");
    assert_eq!(endpoint.asked(), 3);
    endpoint.answers(StatusCode::OK);
    pass(Duration::from_secs(2)).await;
    assert!(forward.admits(&cookie("sid=2")).await);
    endpoint.answers(StatusCode::UNAUTHORIZED);
    pass(YES_TIME).await;
    assert!(!forward.admits(&cookie("sid=1")).await);
}

#[tokio::test]
async fn an_endpoint_that_is_down_admits_nobody_and_is_not_flooded() {
    let (endpoint, forward) = Endpoint::start(StatusCode::BAD_GATEWAY).await;
    for _ in 0..5 {
        assert!(!forward.admits(&cookie("sid=1")).await);
    }
    assert_eq!(endpoint.asked(), 1);
    let nobody_listens = Forward::new("http://127.0.0.1:1/", "__nkpv").unwrap();
    assert!(!nobody_listens.admits(&cookie("sid=1")).await);
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_up() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    endpoint.is_slow.store(true, Ordering::SeqCst);
    let asking = tokio::spawn({
        let forward = forward.clone();
        async move { forward.admits(&cookie("sid=1")).await }
    });
    until("the request", || endpoint.asked() == 1).await;
    pass(TIME).await;
    assert!(!asking.await.unwrap());
}

#[tokio::test]
async fn equal_ones_share_a_request_and_only_a_few_are_under_way() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    endpoint.is_slow.store(true, Ordering::SeqCst);
    let ask = |n: usize| {
        let forward = forward.clone();
        tokio::spawn(async move { forward.admits(&cookie(&format!("sid={n}"))).await })
    };
    let asking: Vec<_> = (0..60).map(|n| ask(n % 6)).collect();
    until("the first ones", || endpoint.asked() == AT_A_TIME).await;
    endpoint.is_slow.store(false, Ordering::SeqCst);
    endpoint.go.notify_waiters();
    for asked in asking {
        assert!(asked.await.unwrap());
    }
    assert_eq!((endpoint.asked(), endpoint.most.load(Ordering::SeqCst)), (6, AT_A_TIME));
}

#[tokio::test]
async fn what_is_remembered_is_bounded_and_made_up_ones_do_not_push_out_who_is_admitted() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    assert!(forward.admits(&cookie("sid=admin")).await);
    let no = Answer { admits: false, user: None, until: Instant::now() + NO_TIME };
    for n in 0..CACHE_LIMIT {
        let _ = forward.remembered(digest_of(&forward.headers(&cookie(&n.to_string())))).set(no.clone());
    }
    assert!(forward.answers.lock().unwrap().len() <= CACHE_LIMIT);
    assert!(forward.admits(&cookie("sid=admin")).await);
    assert_eq!(endpoint.asked(), 1);
}

/// The same where the header `location` of an answer names the user.
fn naming(forward: Arc<Forward>) -> Arc<Forward> {
    let ids = Arc::new(Ids::new(&crate::config::UserConfig::default(), None));
    Arc::new(Arc::into_inner(forward).unwrap().naming_users(axum::http::header::LOCATION, ids))
}

#[tokio::test]
async fn an_answer_names_the_user_where_it_says_that_they_are_known() {
    for (status, user) in [(200, Some("/login")), (403, Some("/login")), (401, None), (302, None), (500, None)] {
        let (_endpoint, forward) = Endpoint::start(StatusCode::from_u16(status).unwrap()).await;
        assert_eq!(naming(forward).user(&cookie("sid=1")).await.as_deref(), user, "{status}");
    }
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    assert_eq!(forward.user(&cookie("sid=1")).await, None, "it was not told by which header");
    assert_eq!(endpoint.asked(), 0);
}

#[tokio::test]
async fn while_it_does_not_answer_one_visitor_finds_out_and_the_others_do_not_wait() {
    let (endpoint, forward) = Endpoint::start(StatusCode::OK).await;
    let forward = naming(forward);
    endpoint.is_slow.store(true, Ordering::SeqCst);
    let ask = |sid: &str| {
        let (forward, credentials) = (forward.clone(), cookie(sid));
        tokio::spawn(async move { forward.user(&credentials).await })
    };
    let first = ask("sid=1");
    until("the request", || endpoint.asked() == 1).await;
    pass(VISITOR_TIME).await;
    assert_eq!(first.await.unwrap(), None);
    let probe = ask("sid=2");
    until("the next request", || endpoint.asked() == 2).await;
    assert_eq!(forward.user(&cookie("sid=3")).await, None);
    assert_eq!(endpoint.asked(), 2);
    endpoint.is_slow.store(false, Ordering::SeqCst);
    endpoint.go.notify_waiters();
    // The first one's handler was given up with its request; this one's answer comes.
    assert_eq!(probe.await.unwrap().as_deref(), Some("/login"));
    assert_eq!(forward.user(&cookie("sid=3")).await.as_deref(), Some("/login"), "it is not remembered as nobody");
}

#[test]
fn what_is_no_address_is_refused() {
    for url in ["", "auth.example", "file:///etc/passwd", "javascript:1"] {
        assert_eq!(Forward::new(url, "__nkpv").unwrap_err(), ConfigError::ForwardAuthUrl);
    }
}
