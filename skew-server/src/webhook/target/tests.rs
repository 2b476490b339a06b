//! Sending on a clock that stands still until everybody waits, to receivers that are none.

use std::sync::Mutex;

use skew_proto::{Events, Happening};
use tokio::time::Instant;

use super::*;
use crate::metrics::Metrics;

fn target() -> Arc<Target> {
    Arc::new(Target::new("http://127.0.0.1:1/hook?token=t0ken".parse().unwrap()).unwrap())
}

fn event(seq: u64, what: Happening) -> Arc<Event> {
    Arc::new(Event { instance: "web-1".into(), epoch: 7, seq, at: 9, what })
}

fn came(seq: u64) -> Arc<Event> {
    event(seq, Happening::UserCame { user: "u".into() })
}

fn refused(status: u16, asked: Option<Duration>) -> Failure {
    Failure::Refused { status: StatusCode::from_u16(status).unwrap(), asked }
}

/// When each request came, its id, and the numbers of its events.
type Received = Arc<Mutex<Vec<(Instant, String, Vec<u64>)>>>;

/// Sends to a receiver that fails as is said, and then takes everything.
fn send(target: &Arc<Target>, failures: Vec<Failure>) -> (Received, WebhookMetrics) {
    let (received, metrics) = (Received::default(), Metrics::new().webhooks);
    let (target, journal, counted) = (target.clone(), received.clone(), metrics.clone());
    let failures = Mutex::new(failures.into_iter());
    tokio::spawn(async move {
        let post = |request: Arc<Request>| {
            let body: Events = serde_json::from_slice(&request.body).unwrap();
            let numbers = body.events.iter().map(|event| event.seq).collect();
            journal.lock().unwrap().push((Instant::now(), request.id.clone(), numbers));
            std::future::ready(failures.lock().unwrap().next().map_or(Ok(()), Err))
        };
        send_all(target, counted, post).await;
    });
    (received, metrics)
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_sent_again_later_and_later_under_the_same_id_until_it_is_taken() {
    let target = target();
    let (received, metrics) = send(&target, (0..9).map(|_| Failure::NoAnswer("no route".into())).collect());
    target.queue.push(came(1), 9, &metrics);
    target.queue.emptied().await;
    target.queue.push(came(2), 9, &metrics);
    target.queue.emptied().await;
    let received = received.lock().unwrap();
    let waits: Vec<_> = received.windows(2).map(|two| (two[1].0 - two[0].0).as_secs_f64()).collect();
    for (nth, wait) in waits[..9].iter().enumerate() {
        let longest = f64::from(1 << nth).min(60.0);
        assert!((longest / 2.0 - 0.01..=longest + 0.01).contains(wait), "{waits:?}");
    }
    assert!(received[..10].iter().all(|(_, id, numbers)| *id == received[0].1 && numbers == &[1]));
    assert!(received[10].1 != received[0].1 && received[10].2 == [2], "the next request has an id of its own");
    assert_eq!((metrics.failures.get(), metrics.delivered.get(), metrics.queue.get()), (9, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_may_ask_for_a_longer_wait() {
    let target = target();
    let (received, metrics) = send(&target, vec![refused(503, Some(Duration::from_secs(20)))]);
    target.queue.push(came(1), 9, &metrics);
    target.queue.emptied().await;
    let received = received.lock().unwrap();
    assert_eq!((received[1].0 - received[0].0).as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn when_the_server_ends_a_long_wait_does() {
    let target = target();
    let (_, metrics) = send(&target, vec![refused(503, Some(Duration::from_secs(60))), refused(503, None)]);
    target.queue.push(came(1), 9, &metrics);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    target.hurry();
    target.queue.emptied().await;
    assert!(begun.elapsed() < super::super::END_TIME, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn it_is_told_up_to_where_the_events_of_users_are_taken() {
    let target = target();
    let (_, metrics) = send(&target, Vec::new());
    let mut delivered = target.delivered.subscribe();
    let moved = Happening::ConnectionNavigated { id: "c".into(), from: "/".into(), to: "/a".into(), user: None };
    for event in [came(1), came(2), event(90, moved)] {
        target.queue.push(event, 9, &metrics);
    }
    delivered.changed().await.unwrap();
    assert_eq!(*delivered.borrow(), Some(Delivered { epoch: 7, seq: 2 }));
}

#[test]
fn only_what_somebody_has_to_mend_is_lasting() {
    for (status, lasting) in
        [(301, true), (400, true), (404, true), (410, true), (408, false), (425, false), (429, false), (500, false)]
    {
        assert_eq!(refused(status, None).is_lasting(), lasting, "{status}");
    }
    assert!(!Failure::NoAnswer(String::new()).is_lasting());
    assert!(!format!("{:?}", target()).contains("t0ken"));
}
