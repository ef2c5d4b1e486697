//! The address of a viewer of CloudFront (email-self-service.md, "Sign-in limits").

use std::net::IpAddr;

use lambda_http::http::HeaderMap;

const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";

/// The IP address in the header that CloudFront writes; it replaces any that a viewer sends. The value
/// is address and port, an IPv6 address with or without brackets.
pub(crate) fn address(headers: &HeaderMap) -> Option<IpAddr> {
    let mut values = headers.get_all(VIEWER_ADDRESS).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (address, port) = value.to_str().ok()?.rsplit_once(':')?;
    let has_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let bracketed = address
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'));
    let address = match bracketed {
        Some(address) => IpAddr::V6(address.parse().ok()?),
        None => address.parse().ok()?,
    };
    has_port.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(VIEWER_ADDRESS, value.parse().unwrap());
        }
        address(&headers).map(|address| address.to_string())
    }

    #[test]
    fn a_viewers_address_comes_with_its_port_which_is_left_out() {
        for (value, address) in [
            ("203.0.113.9:443", "203.0.113.9"),
            ("2001:db8::1:443", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:0DB8:0:0:0:0:0:1:46532", "2001:db8::1"),
        ] {
            assert_eq!(of(&[value]).as_deref(), Some(address));
        }
    }

    #[test]
    fn a_value_that_is_no_address_with_a_port_and_two_values_give_no_address() {
        for bad in [
            "",
            ":",
            "203.0.113.9",
            "203.0.113.9:",
            "203.0.113.9:x",
            "203.0.113.9:+1",
            "203.0.113.9:65536",
            "203.0.113.9, 203.0.113.8:443",
            "[203.0.113.9]:443",
            "[2001:db8::1]",
            "2001:db8:0:0:0:0:0:1",
            "2001:db8::1%eth0:443",
            "unknown:443",
        ] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&["203.0.113.9:443", "203.0.113.8:443"]), None);
        assert_eq!(of(&[]), None);
    }
}
