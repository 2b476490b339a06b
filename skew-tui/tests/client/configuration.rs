//! The configuration, the environment and flags together, in a process that has an environment of its own.

use std::fs;

use crate::program::{bare, run};

const CONTEXT: &str =
    "[contexts.prod]\nurl = \"http://127.0.0.1:1\"\ntransport = \"ws\"\ntoken_file = \"none.token\"\n";

#[tokio::test]
async fn the_environment_comes_before_a_context_and_a_flag_before_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, CONTEXT).unwrap();
    let with = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = bare(arguments);
        command.env("SKEW_CONFIG", &file).envs(environment.iter().copied());
        run(command)
    };
    let ran = with(&["stats", "prod"], &[]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("none.token"), "the context's own: {}", ran.stderr);
    let ran = with(&["stats", "prod"], &[("SKEW_TOKEN_FILE", "other.token")]).await;
    assert!(ran.stderr.contains("other.token"), "the environment's: {}", ran.stderr);
    let ran = with(&["stats", "prod", "--token-file", "third.token"], &[("SKEW_TOKEN_FILE", "other.token")]).await;
    assert!(ran.stderr.contains("third.token"), "the flag's: {}", ran.stderr);
    let ran = with(&["stats", "prod"], &[("SKEW_TRANSPORT", "pigeon")]).await;
    assert!(ran.code == Some(2) && ran.stderr.contains("pigeon"), "{}", ran.stderr);
    // A secret of the environment spares the context's file.
    let ran = with(&["stats", "prod", "--timeout", "20ms"], &[("SKEW_TOKEN", "s3cret-token")]).await;
    assert!(ran.code == Some(1) && !ran.stderr.contains("none.token"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_context_stands_in_the_environment_too_and_a_missing_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let skew = folder.path().join("skew");
    fs::create_dir(&skew).unwrap();
    fs::write(skew.join("config.toml"), CONTEXT).unwrap();
    let mut command = bare(&["stats"]);
    command.env("XDG_CONFIG_HOME", folder.path()).env("SKEW_CONTEXT", "prod");
    let ran = run(command).await;
    assert!(ran.code == Some(2) && ran.stderr.contains("none.token"), "{}", ran.stderr);
    let mut command = bare(&["stats", "prod", "--json"]);
    command.env("SKEW_CONFIG", folder.path().join("none.toml"));
    let ran = run(command).await;
    assert_eq!(ran.code, Some(2));
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert!(error["message"].as_str().unwrap().contains("none.toml"), "{error}");
}
