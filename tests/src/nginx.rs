//! A real nginx in front of a site, with whatever configuration a test wants.

use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Process, free_port};

/// A running nginx; it ends when it is dropped.
#[derive(Debug)]
pub struct Nginx {
    /// Where it listens.
    pub addr: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx on a free loopback port, passing everything on to `sites`, to each in its turn, with `location` as
    /// further directives.
    pub async fn start(sites: &[SocketAddr], location: &str) -> Self {
        // It knows no port 0. Between our look and its bind another process can take the port: then once more.
        for _ in 0..5 {
            if let Some(nginx) = Self::start_on(free_port(), sites, location).await {
                return nginx;
            }
        }
        panic!("five free ports were all taken before nginx could bind them");
    }

    /// A URL of the site as nginx shows it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// None where the port is taken.
    async fn start_on(port: u16, sites: &[SocketAddr], location: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let at = folder.path().display();
        let servers: String = sites.iter().map(|site| format!("server {site}; ")).collect();
        // One process, so that nothing is left when it is killed.
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\n\
             access_log off;\nclient_body_temp_path {at}/body;\nproxy_temp_path {at}/proxy;\n\
             fastcgi_temp_path {at}/fastcgi;\nuwsgi_temp_path {at}/uwsgi;\nscgi_temp_path {at}/scgi;\n\
             upstream site {{ {servers} }}\nserver {{ listen {addr};\nlocation / {{\nproxy_pass http://site;\n\
             proxy_set_header Host $http_host;\n{location}\n}} }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("a temporary file can be written");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let mut process = Process::spawn("nginx", command);
        let started = |line: &str| match line {
            _ if line.contains("notice") && line.contains("nginx/") => Some(true),
            _ if line.contains("Address already in use") => Some(false),
            _ => None,
        };
        let listens = process.stderr.until("word that nginx listens", started).await;
        listens.then_some(Self { addr, _process: process, _folder: folder })
    }
}
