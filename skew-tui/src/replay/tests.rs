use std::path::PathBuf;

use super::*;
use crate::SourceEvent;
use crate::recording::{Addresses, Overwrite, Recorder, Settings, Users};

const START: u64 = 1_795_325_310_321;

fn stats(total: u64) -> SourceEvent {
    SourceEvent::Frame(format!(r#"{{"type":"stats","total":{total}}}"#))
}

/// Every event of one site.
pub(super) fn settings() -> Settings {
    Settings {
        site: "x".to_owned(),
        targets: vec!["x".to_owned()],
        addresses: Addresses::Kept,
        users: Users::Hidden,
        interval_ms: 0,
        overwrite: Overwrite::Never,
    }
}

/// Stats at 0, 10, 20 … 600 seconds, and the end at 610.
fn recording(folder: &Path) -> PathBuf {
    let path = folder.join("x.ndjson");
    let at = |seconds: u64| Now { monotonic_ms: 77 + seconds * 1_000, unix_ms: START + seconds * 1_000 };
    let mut recorder = Recorder::create(&path, settings(), at(0)).unwrap();
    for n in 0..=60 {
        recorder.record(0, &stats(n), at(n * 10)).unwrap();
    }
    recorder.finish(at(610)).unwrap();
    path
}

fn all(replay: &mut Replay) -> Vec<Happening> {
    std::iter::from_fn(|| replay.ready()).collect()
}

fn newest(happenings: &[Happening]) -> &SourceEvent {
    &happenings.last().expect("something happened").event
}

#[tokio::test]
async fn by_its_own_clock_time_is_that_of_the_events_and_ends_with_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let mut replay = Replay::open(&recording(folder.path())).unwrap();
    for second in (0..=600).step_by(10) {
        assert_eq!(replay.arrived(None).await, Waited::News);
        let [happened] = &all(&mut replay)[..] else { panic!("one each time") };
        assert_eq!(happened.at, Now { monotonic_ms: second * 1_000, unix_ms: START + second * 1_000 });
        assert_eq!(replay.now(), happened.at);
    }
    assert_eq!(replay.arrived(None).await, Waited::Over);
    assert_eq!((replay.now().monotonic_ms, replay.error()), (610_000, None));
}

#[tokio::test]
async fn a_deadline_comes_before_a_later_event_and_none_comes_behind_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut replay = Replay::open(&recording(folder.path())).unwrap();
    assert_eq!(replay.arrived(Some(5_000)).await, Waited::News);
    all(&mut replay);
    assert_eq!(replay.arrived(Some(9_999)).await, Waited::Time);
    assert_eq!((replay.now().monotonic_ms, all(&mut replay)), (9_999, vec![]));
    replay.reach(10_000_000);
    assert_eq!(all(&mut replay).len(), 60);
    assert_eq!(replay.now().monotonic_ms, 610_000);
    assert_eq!(replay.arrived(Some(610_000)).await, Waited::Time);
    assert_eq!(replay.arrived(Some(610_001)).await, Waited::Over);
}

#[tokio::test(start_paused = true)]
async fn by_the_wall_it_goes_as_fast_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut replay = Replay::open(&recording(folder.path())).unwrap().paced(4.0);
    let start = Instant::now();
    for n in 0..=60 {
        assert_eq!(replay.arrived(None).await, Waited::News);
        assert_eq!(newest(&all(&mut replay)), &stats(n));
        assert_eq!(start.elapsed(), Duration::from_millis(n * 2_500));
    }
    assert_eq!(replay.playback().motion, Motion::Playing);
    assert_eq!(replay.real_time(Duration::from_secs(4)), Some(Duration::from_secs(1)));
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!((replay.playback().motion, replay.now().monotonic_ms), (Motion::Over, 610_000));
    assert_eq!(replay.real_time(Duration::from_secs(4)), None);
}

#[tokio::test(start_paused = true)]
async fn one_can_go_anywhere_and_hold_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut replay = Replay::open(&recording(folder.path())).unwrap().paced(1.0);
    let mut at = async |control: Control| {
        replay.control(control);
        assert_eq!(replay.arrived(None).await, Waited::News);
        let happenings = all(&mut replay);
        (newest(&happenings).clone(), replay.now().monotonic_ms, replay.playback().rewinds)
    };
    assert_eq!(at(Control::Skip(60_000)).await, (stats(6), 60_000, 0));
    assert_eq!(at(Control::Skip(-30_000)).await, (stats(3), 30_000, 1));
    assert_eq!(at(Control::End).await, (stats(60), 610_000, 1));
    assert_eq!(at(Control::Skip(-1_000)).await, (stats(60), 609_000, 2));
    assert_eq!(at(Control::Begin).await, (stats(0), 0, 3));

    replay.control(Control::Pause);
    assert_eq!((replay.playback().motion, replay.real_time(Duration::from_secs(1))), (Motion::Paused, None));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((replay.now().monotonic_ms, all(&mut replay)), (0, vec![]));
    replay.control(Control::Skip(10_000));
    assert_eq!(newest(&all(&mut replay)), &stats(1), "also while it is held");
    for _ in 0..99 {
        replay.control(Control::Faster);
    }
    assert_eq!(replay.playback().speed, *crate::playback::SPEEDS.end());
}
