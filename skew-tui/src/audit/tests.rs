use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::credentials::{Credentials, Secret};
use crate::state::follow::{End, Fates};
use crate::target::Settings;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/skew/audit.jsonl");
    (folder, path)
}

fn target() -> Target {
    let secret = |text: &str| Secret::new(text, "a test").unwrap();
    let credentials = Credentials::new(Some(secret("t0ken")), None, None).unwrap();
    let url = "https://x.test/shop?key=s3cret".to_owned();
    Target::new(Settings { url, credentials, admin_secret: Some(secret("adm1n")), ..Settings::default() }).unwrap()
}

fn deed(pattern: &str) -> Deed {
    Deed {
        command: Command::Invalidate,
        action: Action::Invalidate { pattern: pattern.to_owned(), kind: MatchKind::Prefix },
        server: Some(ServerKind::Stock),
        expected: Some(2),
    }
}

fn followed() -> Followed {
    let fates = Fates { hit: 2, left: 1, unchanged: 1, ..Fates::default() };
    Followed { fates, after_ms: 30_000, end: End::TimeUp, interrupted: false }
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_action_leaves_its_beginning_and_what_came_of_it_and_no_secret() {
    let (_folder, path) = place();
    let audit = Audit::To(path.clone());
    let record = audit.begin(&target(), deed("/a\u{1b}[2J\n")).unwrap();
    assert_eq!(lines(&path)[0]["outcome"], "started", "before anything is sent");
    record.conclude(Outcome::Sent { matched: None }).unwrap();
    record.conclude(Outcome::Followed { followed: followed() }).unwrap();
    let lines = lines(&path);
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line["id"] == lines[0]["id"] && line["schema"] == 1 && line["type"] == "audit"));
    let sent = &lines[1];
    let fields =
        ["action", "pattern", "match", "target", "url", "server", "command", "outcome"].map(|name| &sent[name]);
    let said =
        ["invalidate", "/a\u{1b}[2J\n", "prefix", "x.test/shop", "https://x.test/shop", "stock", "invalidate", "sent"];
    assert_eq!(fields, said.map(Value::from).each_ref());
    assert_eq!((&sent["expected"], &sent["matched"]), (&2.into(), &Value::Null));
    assert_eq!((&lines[2]["followed"]["left"], &lines[2]["followed"]["end"]), (&1.into(), &"time-up".into()));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!["s3cret", "t0ken", "adm1n", "\u{1b}"].iter().any(|part| text.contains(part)), "{text}");
}

#[cfg(unix)]
#[test]
fn the_log_and_its_folder_are_their_owners_alone_and_stay_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    Audit::To(path.clone()).begin(&target(), deed("/a")).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    Audit::To(path.clone()).begin(&target(), deed("/b")).unwrap();
    assert_eq!(mode(&path), 0o640, "an operator may let others read it");
}

#[test]
fn several_writers_keep_their_lines_whole() {
    let (_folder, path) = place();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = path.clone();
            scope.spawn(move || {
                for action in 0..10 {
                    let pattern = format!("/{writer}/{action}/{}", "x".repeat(400));
                    let record = Audit::To(path.clone()).begin(&target(), deed(&pattern)).unwrap();
                    record.conclude(Outcome::Sent { matched: Some(action) }).unwrap();
                }
            });
        }
    });
    let log = read(&path).unwrap().unwrap();
    assert_eq!((log.actions.len(), log.damaged.len()), (80, 0));
    assert!(log.actions.iter().all(|action| action.lines.len() == 2));
}

#[test]
fn what_can_not_be_written_is_an_error_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    for audit in [Audit::To(folder.path().to_owned()), Audit::Homeless] {
        let error = audit.begin(&target(), deed("/a")).unwrap_err().to_string();
        assert!(error.contains("--audit-file") && error.contains("--no-audit"), "{error}");
    }
    assert!(Audit::Off.begin(&target(), deed("/a")).is_ok());
}

#[test]
fn a_damaged_line_is_named_and_the_others_are_read() {
    let (_folder, path) = place();
    let audit = Audit::To(path.clone());
    let record = audit.begin(&target(), deed("/a")).unwrap();
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str(&format!("{}\n\n{{\"schema\":1,\"ty", "x".repeat(200_000)));
    fs::write(&path, text).unwrap();
    // Cut off by a full disk, the line before must not take this one along.
    record.conclude(Outcome::Refused { error: "no".into() }).unwrap();
    audit.begin(&target(), deed("/b")).unwrap();
    let log = read(&path).unwrap().unwrap();
    assert_eq!(log.damaged, [2, 4]);
    assert_eq!(log.actions.len(), 2);
    assert_eq!(*log.actions[0].outcome(), Outcome::Refused { error: "no".into() });
    assert_eq!(*log.actions[1].outcome(), Outcome::Started, "what never ended stays seen");
}

#[test]
fn an_action_is_told_by_all_its_lines() {
    let (_folder, path) = place();
    assert!(read(&path).unwrap().is_none(), "nobody has acted yet");
    let record = Audit::To(path.clone()).begin(&target(), deed("/a")).unwrap();
    record.conclude(Outcome::Sent { matched: Some(2) }).unwrap();
    record.conclude(Outcome::Followed { followed: followed() }).unwrap();
    let log = read(&path).unwrap().unwrap();
    let action = &log.actions[0];
    assert_eq!((action.outcome(), action.followed()), (&Outcome::Sent { matched: Some(2) }, Some(followed())));
    assert_eq!(action.first().target, "x.test/shop");
}

#[test]
fn a_reason_is_kept_without_what_could_harm() {
    let hostile = format!("reset\u{1b}]0;x{}", "y".repeat(9_000));
    for outcome in [Outcome::unknown(&hostile), Outcome::refused(&hostile)] {
        let json = serde_json::to_string(&outcome).unwrap();
        assert!(json.len() < 2_000 && !json.contains("\\u001b") && json.contains("reset"), "{json}");
    }
}
