//! Which host a request is for (RFC 9112, 3.2).

use std::net::IpAddr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri, Version};
use moc_uploads_core::ErrorCode;

use crate::problem::Problem;

/// HTTP/1.1 has one `Host`, and it is one.
pub(crate) fn check(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let detail = match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => "The header Host is missing.",
        (Some(_), Some(_)) => "The header Host is there twice; send it once.",
        (Some(host), None) if !is_host(host.as_bytes()) => "The header Host is no host.",
        _ => return Ok(()),
    };
    Err(Problem::new(ErrorCode::BadRequest, detail))
}

fn is_host(value: &[u8]) -> bool {
    value.is_empty() || (Authority::try_from(value).is_ok() && !value.contains(&b'@'))
}

/// Name or address and perhaps a port, as the client has them; `None` when it does not say.
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    uri.authority().cloned().or_else(|| {
        let host = headers.get(HOST)?.as_bytes();
        Authority::try_from(host).ok()
    })
}

/// Whether only this machine is called so.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    // RFC 6761, 6.3.
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
