//! Where the server listens, and from whom.

use std::time::Duration;

use clap::{Args, ValueEnum};
use skew_server::{AddressHeader, Config, Edge, IpNet};

use super::values::{network, time};

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct ListenArgs {
    /// Address to listen on
    #[arg(long, env = "SKEW_LISTEN", hide_env_values = true, default_value = "127.0.0.1:4400", value_name = "ADDRESS")]
    pub(crate) listen: String,

    /// Address for /livez, /readyz and /metrics, which ask for no credentials: one that only your own systems reach [default: none]
    #[arg(long, env = "SKEW_ADMIN_LISTEN", hide_env_values = true, value_name = "ADDRESS")]
    pub(crate) admin_listen: Option<String>,

    /// Once asked to end, streams are ended at random over this time, so that their tabs do not come back all at once, and /readyz
    /// says 503; a second request ends them at once
    #[arg(long, env = "SKEW_DRAIN", hide_env_values = true, default_value = "10s", value_parser = time, value_name = "TIME")]
    drain: Duration,

    /// Proxy whose forwarded headers are believed; repeatable [default: none]
    #[arg(long = "trusted-proxy", env = "SKEW_TRUSTED_PROXY", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "CIDR", value_parser = network)]
    trusted_proxies: Vec<IpNet>,

    /// Header by which a trusted proxy says who the client is: the first of them that is there counts. Name none that your
    /// proxy passes on as a client has sent it
    #[arg(long = "address-header", env = "SKEW_ADDRESS_HEADER", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "HEADER", default_value = "x-forwarded-for,x-real-ip")]
    address_headers: Vec<Header>,

    /// Origin of the site, such as https://shop.example.com, where a proxy rewrites Host so that the server can't know it;
    /// repeatable. There is no CORS: pages of another origin can't use it [default: none]
    #[arg(long = "allow-origin", env = "SKEW_ALLOW_ORIGIN", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
}

/// [`AddressHeader`] by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Header {
    /// Of Cloudflare, and only behind it
    CfConnectingIp,
    /// Walked from the right through trusted proxies
    XForwardedFor,
    XRealIp,
}

impl From<Header> for AddressHeader {
    fn from(header: Header) -> Self {
        match header {
            Header::CfConnectingIp => Self::CfConnectingIp,
            Header::XForwardedFor => Self::XForwardedFor,
            Header::XRealIp => Self::XRealIp,
        }
    }
}

impl ListenArgs {
    pub(super) fn apply(&self, config: &mut Config) {
        config.trusted_proxies.clone_from(&self.trusted_proxies);
        config.address_headers = self.address_headers.iter().map(|header| (*header).into()).collect();
        config.allowed_origins.clone_from(&self.allowed_origins);
    }

    pub(crate) fn edge(&self) -> Edge {
        Edge { drain: self.drain, ..Edge::default() }
    }

    pub(super) fn fixed(&self) -> Vec<(&'static str, String)> {
        let admin_listen = self.admin_listen.clone().unwrap_or_default();
        vec![("listen", self.listen.clone()), ("admin-listen", admin_listen), ("drain", format!("{:?}", self.drain))]
    }
}
