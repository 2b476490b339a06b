//! What holds for whatever bytes somebody sends: one function for each way in. Each panics where something does not hold.
//!
//! `fuzz/` calls them with bytes that a fuzzer makes up, and the tests here with everything in `fuzz/corpus`.

mod connection;
mod headers;
mod messages;
mod tokens;

pub use connection::{requests, websocket};
pub use headers::{addresses, cookies, origins};
pub use messages::{bodies, client_messages, events, seals, server_messages};
pub use tokens::tokens;

/// A way in, by the name that it has in `fuzz/`.
pub type Target = (&'static str, fn(&[u8]));

/// Every way in.
pub const TARGETS: &[Target] = &[
    ("addresses", addresses),
    ("bodies", bodies),
    ("client_messages", client_messages),
    ("cookies", cookies),
    ("events", events),
    ("origins", origins),
    ("requests", requests),
    ("seals", seals),
    ("server_messages", server_messages),
    ("tokens", tokens),
    ("websocket", websocket),
];

fn path(route: &str) -> Result<&str, crate::visitor::Unfit> {
    crate::visitor::path(route, skew_proto::wire::MAX_ROUTE_BYTES)
}

/// What is kept of a visitor's page.
fn assert_route(route: &str) {
    use skew_proto::wire;
    assert!(route == wire::OTHER || path(route) == Ok(route), "{route:?} is kept");
}

/// What is kept of a visitor's build.
fn assert_version(version: &str) {
    use skew_proto::wire;
    assert!(!version.is_empty() && version.len() <= wire::MAX_VERSION_BYTES, "{version:?} is kept");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
    }

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn everything_in_the_corpus_holds() {
        let (mut files, mut bytes) = (0, 0);
        for &(target, run) in TARGETS {
            let corpus = folder().join("corpus").join(target);
            for name in names(&corpus) {
                let input = fs::read(corpus.join(&name)).unwrap();
                let held = std::panic::catch_unwind(|| run(&input));
                assert!(held.is_ok(), "fuzz/corpus/{target}/{name} does not hold");
                (files, bytes) = (files + 1, bytes + input.len());
            }
        }
        assert!((50..300).contains(&files) && bytes < 500_000, "{files} files of {bytes} bytes");
    }

    /// Another input of the same kind. A fuzzer does this better; this needs no other compiler.
    fn mutated(input: &[u8], other: &[u8], rng: &mut StdRng) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..=bytes.len());
            let end = (at + rng.random_range(0..24)).min(bytes.len());
            let from = rng.random_range(0..=other.len());
            let piece = &other[from..(from + rng.random_range(0..24)).min(other.len())];
            match rng.random_range(0..5) {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                2 => drop(bytes.splice(at..end, piece.iter().copied())),
                3 => bytes.insert(at, rng.random()),
                _ => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << rng.random_range(0..8)),
            }
        }
        bytes
    }

    /// `SKEW_FUZZ_ROUNDS` and `SKEW_FUZZ_SEED` make it another and a longer run.
    #[test]
    fn what_is_like_the_corpus_holds_too() {
        let set = |name, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
        let (rounds, seed) = (set("SKEW_FUZZ_ROUNDS", 5), set("SKEW_FUZZ_SEED", 1));
        for &(target, run) in TARGETS {
            let corpus = folder().join("corpus").join(target);
            let inputs: Vec<_> = names(&corpus).iter().map(|name| fs::read(corpus.join(name)).unwrap()).collect();
            let mut rng = StdRng::seed_from_u64(seed);
            for _ in 0..rounds {
                for input in &inputs {
                    let other = &inputs[rng.random_range(0..inputs.len())];
                    let input = mutated(input, other, &mut rng);
                    let held = std::panic::catch_unwind(|| run(&input));
                    assert!(held.is_ok(), "{target}: b\"{}\" does not hold", input.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn every_target_has_its_program_and_its_corpus() {
        let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names(&folder().join("corpus")), targets);
        let programs: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
        assert_eq!(names(&folder().join("fuzz_targets")), programs);
        let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
        for target in targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is no program of fuzz/Cargo.toml");
            let program = fs::read_to_string(folder().join(format!("fuzz_targets/{target}.rs"))).unwrap();
            assert!(program.contains(&format!("skew_server::fuzz::{target}(data)")), "{program}");
        }
    }
}
