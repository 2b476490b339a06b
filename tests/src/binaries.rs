//! The programs under test, built once for each run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of one of the workspace's programs (`skew-tui`, `skew-server`), built first when it is not up to date.
pub fn binary(name: &str) -> PathBuf {
    static PROFILE_DIR: OnceLock<PathBuf> = OnceLock::new();
    let path = PROFILE_DIR.get_or_init(build).join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "the workspace builds no program {name}: there is no {}", path.display());
    path
}

/// What keeps the configuration of whoever runs the tests out of them.
pub(crate) const NO_CONFIGURATION: (&str, &str) = ("XDG_CONFIG_HOME", "/nonexistent");

/// The program that an environment variable names, from the root of the workspace, or else one that is built now.
pub fn built_or(variable: &str, name: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| binary(name), |path| workspace().join(path))
}

/// A command of that program, in an environment without the variables that our programs read, and with state of its own.
pub fn command(name: &str) -> tokio::process::Command {
    command_of(&binary(name))
}

/// A command of the program at that path, in such an environment.
pub fn command_of(path: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(path);
    command.env("XDG_STATE_HOME", state_home(path));
    for variable in environment() {
        command.env_remove(variable);
    }
    command.env(NO_CONFIGURATION.0, NO_CONFIGURATION.1);
    command
}

/// Where programs under test keep what they remember, such as an audit log: beside them, and not in anybody's home.
pub(crate) fn state_home(program: &Path) -> PathBuf {
    program.with_file_name("tests-state")
}

/// The variables of this environment that would change what our programs do.
pub(crate) fn environment() -> impl Iterator<Item = String> {
    let others = ["NO_COLOR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NUXT_SESSION_PASSWORD"];
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(move |name| name.starts_with("SKEW_") || others.contains(&name.to_uppercase().as_str()))
}

/// Builds all programs into the target directory and profile of the running test, and answers where they are.
fn build() -> PathBuf {
    // <target>/<profile>/deps/<this test>
    let test = env::current_exe().expect("a running test has a path");
    let profile_dir = test.ancestors().nth(2).expect("a test lies in <target>/<profile>/deps").to_path_buf();
    let target_dir = profile_dir.parent().expect("a profile lies in a target directory");
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };

    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(workspace())
        // All of the workspace, so that its dependencies keep the features that `cargo test --workspace` chose.
        .args(["build", "--workspace", "--bins", "--locked", "--quiet", "--profile", profile, "--target-dir"])
        .arg(target_dir)
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "the programs under test do not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    profile_dir
}

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}
