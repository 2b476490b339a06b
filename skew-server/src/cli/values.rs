//! Values of arguments.

use std::time::Duration;

use skew_server::IpNet;

/// The entries of a list that say something: an empty variable and a comma at the end leave empty ones.
pub(super) fn filled(list: &[String]) -> Vec<String> {
    list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// `100ms`, `5s`, `2m` or `24h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number = number.parse::<u32>().ok().filter(|number| *number > 0);
    let unit = match unit {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_secs(60)),
        "h" => Some(Duration::from_secs(3600)),
        _ => None,
    };
    number
        .zip(unit)
        .map(|(number, unit)| unit * number)
        .ok_or_else(|| "write a time such as 100ms, 5s, 2m or 24h".to_owned())
}

/// [`duration`], or none at all.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    if text == "0s" { Ok(Duration::ZERO) } else { duration(text) }
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
    text.parse().or(address).map_err(|_| "write a network such as 10.0.0.0/8, or an address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!((time("0s"), time("5s")), (Ok(Duration::ZERO), Ok(Duration::from_secs(5))));
        assert_eq!(duration("168h"), Ok(Duration::from_secs(7 * 24 * 3600)));
        for text in ["100", "0s", "-1s", "1d", "s", "", "99999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_may_be_one_address() {
        assert_eq!(network("127.0.0.1").unwrap().to_string(), "127.0.0.1/32");
        assert_eq!(network("2001:db8::/32").unwrap().to_string(), "2001:db8::/32");
        assert!(network("localhost").is_err());
    }
}
