//! `skew-server` as a process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::binaries;
use crate::nuxt::{ADMIN_SECRET, SESSION_PASSWORD};
use crate::process::Process;

/// A running `skew-server`.
#[derive(Debug)]
pub struct SkewServer {
    /// The process; its log is its standard error.
    pub process: Process,
    /// Where it listens.
    pub addr: SocketAddr,
    program: PathBuf,
    args: Vec<String>,
    environment: Vec<(String, String)>,
}

impl SkewServer {
    /// Starts it on a free loopback port, with the secrets of the Nuxt app ([`ADMIN_SECRET`], [`SESSION_PASSWORD`]) and
    /// the given arguments.
    pub async fn start(build_id: &str, args: &[&str]) -> Self {
        Self::start_program(&binaries::binary("skew-server"), build_id, args).await
    }

    /// Starts the program at that path in the same way.
    pub async fn start_program(program: &Path, build_id: &str, args: &[&str]) -> Self {
        let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), program.to_owned(), build_id, args, Vec::new()).await
    }

    /// Starts the program at that path with further variables in its environment.
    pub async fn start_in(program: &Path, build_id: &str, args: &[String], environment: &[(String, String)]) -> Self {
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        Self::start_at(addr, program.to_owned(), build_id, args.to_vec(), environment.to_vec()).await
    }

    /// Kills it and starts it again at the same address, with another current build.
    pub async fn restart(&mut self, build_id: &str) {
        self.process.kill();
        let environment = self.environment.clone();
        *self = Self::start_at(self.addr, self.program.clone(), build_id, self.args.clone(), environment).await;
    }

    /// Starts another one on the same port of another loopback address, as replicas behind one host name are.
    pub async fn replica(&self, ip: Ipv4Addr, build_id: &str) -> Self {
        let addr = (ip, self.addr.port()).into();
        Self::start_at(addr, self.program.clone(), build_id, self.args.clone(), self.environment.clone()).await
    }

    async fn start_at(
        addr: SocketAddr,
        program: PathBuf,
        build_id: &str,
        args: Vec<String>,
        environment: Vec<(String, String)>,
    ) -> Self {
        let mut command = binaries::command_of(&program);
        command.env("SKEW_ADMIN_SECRET", ADMIN_SECRET).env("NUXT_SESSION_PASSWORD", SESSION_PASSWORD);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.args(["--listen", &addr.to_string(), "--build-id", build_id]).args(&args);
        let mut process = Process::spawn("skew-server", command);
        let address =
            |line: &str| line.split_once("listening on http")?.1.split_once("://")?.1.split('/').next()?.parse().ok();
        let addr = process.stderr.until("the address that skew-server listens on", address).await;
        Self { process, addr, program, args, environment }
    }
}
