//! What other programs want to know of the command line: completions of shells, and man pages.

use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::stop::Stop;
use crate::cli::Cli;

const NAME: &str = "skew-tui";

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    print(&script)
}

/// Prints the program's man page, or writes it and one for each command into a folder.
pub(super) fn man(folder: Option<&Path>) -> Result<(), Stop> {
    let pages = pages().map_err(|error| Stop::Failed(format!("the man pages can't be made: {error}")))?;
    let Some(folder) = folder else {
        let program = pages.first().map(|(_, page)| page.as_slice());
        return print(program.unwrap_or_default());
    };
    let failed = |error: io::Error| Stop::Failed(format!("{} can't be written: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, page) in pages {
        std::fs::write(folder.join(name), page).map_err(failed)?;
    }
    Ok(())
}

/// The man pages by their file names, the program's own first.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut commands = vec![program.clone()];
    commands.extend(program.get_subcommands().filter(|command| !command.is_hide_set()).map(|command| {
        let name = format!("{NAME}-{}", command.get_name());
        command.clone().name(name).version(env!("CARGO_PKG_VERSION"))
    }));
    commands.into_iter().map(page).collect()
}

fn page(command: Command) -> io::Result<(String, Vec<u8>)> {
    let name = format!("{}.1", command.get_name());
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok((name, page))
}

fn print(bytes: &[u8]) -> Result<(), Stop> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Stop::Failed(error.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_the_program_and_for_each_command() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "skew-tui.1");
        assert_eq!(names.len(), 1 + Cli::command().get_subcommands().count());
        for command in ["stats", "invalidate", "config", "man"] {
            assert!(names.contains(&format!("skew-tui-{command}.1").as_str()), "{names:?}");
        }
        for (name, page) in &pages {
            let page = String::from_utf8(page.clone()).unwrap();
            assert!(page.contains(".TH skew-tui") && page.contains(".SH NAME"), "{name}");
            assert!(page.contains("SKEW_TRANSPORT"), "{name} tells the options of all commands");
        }
        assert!(String::from_utf8_lossy(&pages[0].1).contains("not authorized"), "the exit codes");
    }

    #[test]
    fn every_shell_is_told_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in ["stats", "invalidate", "completions", "transport"] {
                assert!(script.contains(word), "{shell} {word}");
            }
        }
    }
}
