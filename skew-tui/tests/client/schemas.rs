//! What programs read, held against `schema/`: every line of the real program, in every state that a site can be in.
//!
//! A schema lets fields pass that it does not name, since its readers must: fields are only ever added. Here it does not, so
//! that no field comes without its line in the schema.

use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::{Value, json};
use skew_proto::{Release, Releases};
use skew_tui::recording::{Addresses, Overwrite, Recorder, Settings, Users};
use skew_tui::{Now, SourceEvent, Transport};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use crate::program::{PATIENCE, Ran, bare, ended, run, skew_tui};
use crate::server::{Answer, CONNECTED, PEOPLE, STATS, Server, sse_with_stats, stock_sse};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema")
}

/// Every schema with its name, in the order of names.
fn schemas() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".schema.json").unwrap().to_owned();
        (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    };
    let mut schemas: Vec<_> = files.map(named).collect();
    schemas.sort_by(|(one, _), (other, _)| one.cmp(other));
    schemas
}

/// The schema as it is, but with no fields besides those it names.
fn strict(name: &str) -> Validator {
    let (_, mut schema) = schemas().into_iter().find(|(known, _)| known == name).unwrap();
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(schema) => {
            if schema.get("properties").is_some_and(Value::is_object) && !schema.contains_key("additionalProperties") {
                schema.insert("additionalProperties".to_owned(), false.into());
            }
            schema.values_mut().for_each(close);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(close),
        _ => {}
    }
}

/// Holds a line against a schema that allows nothing but what it names.
pub(crate) fn assert_fits(name: &str, line: &Value) {
    let errors: Vec<_> =
        strict(name).iter_errors(line).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?} in {line:#}");
}

/// Holds both outputs of a run against their schemas, and answers what was printed.
fn held(name: &str, ran: &Ran) -> Vec<Value> {
    let printed = ran.json();
    printed.iter().for_each(|line| assert_fits(name, line));
    for line in ran.stderr.lines() {
        assert_fits("stderr", &serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    }
    printed
}

async fn ran(arguments: &[&str], url: &str) -> Ran {
    let mut command = skew_tui(arguments);
    command.arg(url);
    run(command).await
}

#[test]
fn every_schema_is_one_and_says_its_version() {
    for (name, schema) in schemas() {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(schema["$id"], format!("skew:schema/1/{name}"));
    }
}

/// A line that is removed or changed here breaks somebody's script. Lines may only be added.
#[test]
fn the_fields_of_every_output() {
    let mut fields = Vec::new();
    for (name, schema) in schemas() {
        list(&name, &schema, &schema, &mut fields);
    }
    insta::assert_snapshot!(fields.join("\n"));
}

fn list(path: &str, schema: &Value, root: &Value, fields: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    for alternative in ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        match alternative["$ref"].as_str() {
            Some(reference) if alternative["type"].is_null() => {
                list(&format!("{path}<{}>", reference.rsplit('/').next().unwrap()), alternative, root, fields);
            }
            _ => list(path, alternative, root, fields),
        }
    }
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let kind = ["type", "const", "enum", "$ref"].iter().find_map(|key| field.get(key));
        let kind = kind.map_or_else(|| "one of several".to_owned(), Value::to_string);
        let presence = if required(name) { "always" } else { "sometimes" };
        fields.push(format!("{path}.{name}: {kind}, {presence}"));
        list(&format!("{path}.{name}"), field, root, fields);
        list(&format!("{path}.{name}[]"), &field["items"], root, fields);
    }
}

#[tokio::test]
async fn a_field_that_no_schema_names_is_found_and_so_is_one_that_is_missing() {
    let site = Server::start(stock_sse).await;
    let line = held("stats", &ran(&["stats", "--json"], &site.url("")).await).remove(0);
    let schema = strict("stats");
    for (field, value) in [("new", json!(1)), ("total", json!("2")), ("link", json!("up"))] {
        let mut changed = line.clone();
        changed[field] = value;
        assert!(!schema.is_valid(&changed), "{field}");
    }
    let mut less = line;
    less.as_object_mut().unwrap().remove("stale");
    assert!(!schema.is_valid(&less));
}

#[tokio::test]
async fn stats_in_every_state() {
    let site = Server::start(stock_sse).await;
    let other =
        Server::start(|seen, push| sse_with_stats(seen, push, &STATS.replace(r#""id":""#, r#""id":"2-"#))).await;
    let url = site.url("");
    let line = |ran: Ran| held("stats", &ran).remove(0);

    assert_eq!(line(ran(&["stats", "--json"], &url).await)["total"], 2);
    assert_eq!(
        line(ran(&["stats", "--json", "--top", "1"], &url).await)["omitted"],
        json!({"routes": 1, "connections": 2})
    );
    assert!(line(ran(&["stats", "--json", "--no-connections"], &url).await).get("connections").is_none());
    let both = line(ran(&["stats", "--json", "--target", &other.url("")], &url).await);
    assert_eq!(both["targets"].as_array().unwrap().len(), 2);

    let mut refused = bare(&["--json", &url]);
    refused.env("SKEW_LOG", "debug");
    let refused = run(refused).await;
    let lines = held("stats", &refused);
    assert_eq!(lines.last().unwrap()["authorized"], false);

    let several = Server::start(|seen, push| sse_with_stats(seen, push, PEOPLE)).await;
    let people = line(ran(&["stats", "--json"], &several.url("")).await);
    assert_eq!((&people["users"], &people["anonymous"]), (&json!(1), &json!(1)));
    assert_eq!(people["usersByRoute"], json!({"/": 1, "/shop": 1}));
    assert_eq!(people["instances"][1]["state"], "silent");
    assert_eq!(people["partial"]["instances"], json!(["web-2"]));

    let damaged = Server::start(|seen, push| {
        let stats = r#"{"type":"stats","total":-1,"versions":{"a":"x"},"routes":[],"connections":[5,{"id":"a","version":"b2","route":["/"],"instance":{"a":1}}]}"#;
        sse_with_stats(seen, push, stats)
    })
    .await;
    assert_eq!(line(ran(&["stats", "--json"], &damaged.url("")).await)["damage"]["connections"], 2);
}

#[tokio::test]
async fn stats_of_a_site_that_goes_away() {
    let (site, other) = (Server::start(stock_sse).await, Server::start(stock_sse).await);
    let mut child =
        skew_tui(&["--json", "--interval", "10ms", "--target", &other.url(""), &site.url("")]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = async |holds: fn(&Value) -> bool| loop {
        let line =
            timeout(PATIENCE, lines.next_line()).await.expect("a line comes").unwrap().expect("the output goes on");
        let line = serde_json::from_str(&line).unwrap();
        assert_fits("stats", &line);
        if holds(&line) {
            break;
        }
    };
    until(|line| line["targets"][0]["total"] == 2 && line["targets"][1]["total"] == 2).await;
    site.stop().await;
    until(|line| line["partial"] == json!({"answering": 1, "of": 2})).await;
    other.stop().await;
    until(|line| line["link"] == "reconnecting" && line["stale"] == true).await;
    child.kill().await.unwrap();
    ended(&mut child).await;
}

#[tokio::test]
async fn messages_whatever_they_are() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(
            [CONNECTED, "[1]", "null", "not json", r#"{"type":"welcome","a":{}}"#].map(str::to_owned).into(),
        ),
        _ => Answer::not_found(),
    })
    .await;
    let mut child = skew_tui(&["messages", &site.url("")]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..5 {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("a line comes").unwrap().unwrap();
        assert_fits("message", &serde_json::from_str(&line).unwrap());
    }
}

#[tokio::test]
async fn a_wait_that_is_met_and_one_that_is_not() {
    let site = Server::start(stock_sse).await;
    for (arguments, outcome) in [
        (&["wait", "--json", "--timeout", "0", "--percent", "50"][..], "met"),
        (&["wait", "--json", "--timeout", "0"], "notMet"),
        (&["wait", "--json", "--timeout", "1s", "--percent", "50", "--route", "/shop"], "timedOut"),
    ] {
        let lines = held("wait", &ran(arguments, &site.url("")).await);
        let last = lines.last().unwrap();
        assert_eq!((&last["type"], &last["outcome"]), (&json!("verdict"), &json!(outcome)), "{last}");
    }
}

#[tokio::test]
async fn a_diagnosis() {
    let site = Server::start(stock_sse).await;
    let lines = held("doctor", &ran(&["doctor", "--json"], &site.url("")).await);
    assert!(!lines[0]["findings"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn errors() {
    held("stats", &run(skew_tui(&["--json", "stats", "--nonsense"])).await);
    let site = Server::start(|_, _| Answer::not_found()).await;
    let ran = ran(&["--json", "--log", "debug"], &site.url("")).await;
    held("stats", &ran);
    let last: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["code"]), (&json!("error"), &json!(1)));
    assert!(ran.stderr.lines().any(|line| line.contains("DEBUG")), "{}", ran.stderr);
}

#[tokio::test]
async fn an_invalidation() {
    let site = Server::start(|seen, push| match seen.line().as_str() {
        "POST /api/admin/invalidate-route" => Answer::json(200, r#"{"ok":true,"route":"/"}"#),
        _ => stock_sse(seen, push),
    })
    .await;
    for arguments in [&["invalidate", "--json", "--dry-run"][..], &["invalidate", "--json", "--yes"]] {
        let mut command = skew_tui(arguments);
        command.args([&site.url(""), "/"]);
        assert_eq!(held("invalidation", &run(command).await).len(), 1);
    }
}

#[test]
fn a_recording_of_everything_that_can_happen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ndjson");
    let targets = vec!["a".to_owned()];
    let settings = Settings {
        site: "a".to_owned(),
        targets,
        addresses: Addresses::Masked,
        users: Users::Hidden,
        interval_ms: 0,
        overwrite: Overwrite::Never,
    };
    let now = Now { monotonic_ms: 0, unix_ms: 1_795_341_600_000 };
    let mut recorder = Recorder::create(&path, settings, now).unwrap();
    let reason = || "why".to_owned();
    let release = Release { version: "b2".to_owned(), released_at: Some(1) };
    for event in [
        SourceEvent::Connecting(Transport::Sse),
        SourceEvent::Open(Transport::Sse),
        SourceEvent::Frame(CONNECTED.to_owned()),
        SourceEvent::Frame("no JSON".to_owned()),
        SourceEvent::Subscribed,
        SourceEvent::Frame(STATS.to_owned()),
        SourceEvent::Refused { status: 403, reason: reason() },
        SourceEvent::Stale,
        SourceEvent::Lost { reason: reason(), retry_ms: 5 },
        SourceEvent::Releases(Releases { current: None, releases: vec![release] }),
        SourceEvent::Failed(reason()),
    ] {
        recorder.record(0, &event, now).unwrap();
    }
    recorder.finish(now).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 13, "{text}");
    text.lines().for_each(|line| assert_fits("recording", &serde_json::from_str(line).unwrap()));
}
