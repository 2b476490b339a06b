//! Other servers that can hold a stream open: what ours is measured beside.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Process, free_port};

/// Where Debian's package `libnginx-mod-nchan` puts it.
const NCHAN_MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// nginx with nchan: `/sub` is an event stream of one channel, and what is posted to `/pub` goes to all who listen.
#[derive(Debug)]
pub struct Nchan {
    /// Where it listens.
    pub addr: SocketAddr,
    /// The one process, which is also its worker.
    pub process: Process,
    _folder: TempDir,
}

impl Nchan {
    /// Starts it on a free loopback port; nothing where nginx or its module is not installed.
    pub async fn start() -> Option<Self> {
        if !Path::new(NCHAN_MODULE).exists() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let at = folder.path().display();
        // One process, so that there is one figure for its memory.
        let config = format!(
            "load_module {NCHAN_MODULE};\ndaemon off;\nmaster_process off;\npid {at}/pid;\nerror_log stderr notice;\n\
             events {{ worker_connections 19000; }}\nhttp {{\naccess_log off;\nclient_body_temp_path {at}/body;\n\
             proxy_temp_path {at}/proxy;\nfastcgi_temp_path {at}/fastcgi;\nuwsgi_temp_path {at}/uwsgi;\n\
             scgi_temp_path {at}/scgi;\nserver {{ listen {addr} backlog=4096;\n\
             location = /sub {{ nchan_subscriber eventsource; nchan_channel_id all; nchan_eventsource_ping_interval 30; }}\n\
             location = /pub {{ nchan_publisher; nchan_channel_id all; }}\n}} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("a temporary file can be written");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let mut process = Process::spawn("nginx with nchan", command);
        let started = |line: &str| (line.contains("notice") && line.contains("nginx/")).then_some(());
        process.stderr.until("word that nginx listens", started).await;
        Some(Self { addr, process, _folder: folder })
    }
}
