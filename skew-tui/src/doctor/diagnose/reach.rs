//! Whether the site answers at all.

use crate::doctor::evidence::Evidence;
use crate::doctor::failure::{Failure, TlsFault};
use crate::doctor::finding::{Finding, Id};

pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let page = match &evidence.page {
        Ok(page) => page,
        Err(failure) => return vec![failed(failure, evidence)],
    };
    let seen = format!("{} answered {}", evidence.asked.path, page.status);
    if let Some(elsewhere) = &page.elsewhere {
        let finding = Finding::problem(Id::Redirected, "the site sends its visitors elsewhere", seen);
        return vec![finding.remedy(format!(
            "use {elsewhere} as the URL if that is the site you mean; credentials are never sent along to another one"
        ))];
    }
    vec![match page.status {
        401 | 403 => Finding::warning(Id::PageFailing, "the page itself is refused", seen)
            .remedy("what guards the site wants credentials of its own: put them into --header-file"),
        400.. => Finding::warning(Id::PageFailing, "the page itself is an error", seen)
            .remedy("check the URL; what a page tells of the site may be missing below"),
        _ => Finding::ok(Id::Reachable, "the site answers", seen),
    }]
}

fn failed(failure: &Failure, evidence: &Evidence) -> Finding {
    let problem = |id, title, seen: &str| Finding::problem(id, title, seen);
    match failure {
        Failure::NoSuchName => problem(Id::NameNotFound, "the host's name leads nowhere", "the name was not found")
            .remedy("check the host in the URL, this machine's DNS, and the VPN that the name may need"),
        Failure::NoConnection(cause) => problem(Id::Unreachable, "no connection comes about", cause)
            .remedy("check the port, that the site is running, firewalls, and HTTPS_PROXY where one is needed"),
        Failure::TimedOut if evidence.bases.iter().any(|base| base.healthy) => {
            Finding::warning(Id::PageFailing, "the page is not answered in time", "the endpoints are")
                .remedy("what a page tells of the site is missing below; --timeout gives it more time")
        }
        Failure::TimedOut => problem(Id::Unreachable, "the site does not answer", "no answer in time")
            .remedy("see whether it is overloaded or still starting; --timeout gives it more time"),
        Failure::Tls(fault) => tls(fault),
        Failure::Setup(cause) => problem(Id::TlsFailed, "connections can't be set up on this machine", cause)
            .remedy("check the files of --ca-file and --client-cert"),
        Failure::Other(cause) => problem(Id::Unreachable, "what answers there speaks no HTTP", cause)
            .remedy("check scheme and port of the URL: a port that speaks TLS needs https://"),
    }
}

fn tls(fault: &TlsFault) -> Finding {
    let problem = |id, title, seen: &str| Finding::problem(id, title, seen);
    match fault {
        TlsFault::Expired => problem(Id::TlsExpired, "the site's certificate has expired", "by this machine's clock")
            .remedy("renew the certificate; if it is good in a browser, set this machine's clock"),
        TlsFault::NotYetValid => {
            problem(Id::TlsExpired, "the site's certificate is not valid yet", "by this machine's clock")
                .remedy("set this machine's clock, or that of the machine that made the certificate")
        }
        TlsFault::UnknownAuthority => problem(
            Id::TlsUnknownAuthority,
            "nobody known vouches for the site's certificate",
            "its issuer is not among the trusted authorities",
        )
        .remedy(
            "with an authority of your own, pass its certificate by --ca-file; else have the server send the \
             certificates between its own and the authority's, too",
        ),
        TlsFault::OtherHost(cause) => problem(Id::TlsWrongHost, "the certificate is another host's", cause)
            .remedy("use the name that the certificate is for, or have one issued for this name"),
        TlsFault::ClientCertificate(cause) => {
            problem(Id::TlsClientCertificate, "the site wants a certificate of its client", cause)
                .remedy("pass one that it accepts, with its key, by --client-cert")
        }
        TlsFault::NotSpoken => {
            problem(Id::TlsNotSpoken, "the port speaks no TLS", "the answer to https is not encrypted")
                .remedy("use http:// for this port (it takes no credentials to another machine), or the port of https")
        }
        TlsFault::Other(cause) => problem(Id::TlsFailed, "no encrypted connection comes about", cause).remedy(
            "see the server's log of TLS (it needs TLS 1.2 or 1.3), and whether this port is one of https at all",
        ),
    }
}
