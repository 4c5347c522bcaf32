//! Kinds of values, and how they are read.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use http::HeaderValue;
use moc_uploads_api::CorsOrigins;
use url::Url;

/// Where to listen: an address or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    /// Where to listen unless told otherwise.
    pub(super) const LOCALHOST: Self = Self::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        let is_name = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
            && !text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_name {
            Ok(Self::Name(text.to_ascii_lowercase()))
        } else {
            Err("must be an IP address or a host name, without scheme or port".to_owned())
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }

    /// A URL that leads here. An address that means every address becomes loopback.
    pub(crate) fn base_url(&self, port: u16) -> String {
        match self {
            Self::Address(address) if address.is_unspecified() => {
                format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
            }
            Self::Address(IpAddr::V6(address)) => format!("http://[{address}]:{port}"),
            other => format!("http://{other}:{port}"),
        }
    }

    pub(crate) fn is_unspecified(&self) -> bool {
        matches!(self, Self::Address(address) if address.is_unspecified())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// An http or https URL without a user or password.
pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| "must be an http:// or https:// URL without a user or password".to_owned())
}

/// The URL that clients reach this server under; without a slash at its end.
pub(super) fn parse_base_url(text: &str) -> Result<String, String> {
    let url = parse_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have no query and no fragment".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// `CORS_ALLOWED_ORIGINS`: `*`, or origins as browsers write them.
pub(super) fn parse_origins(text: &str) -> Result<CorsOrigins, String> {
    if text == "*" {
        return Ok(CorsOrigins::Any);
    }
    let origins = text
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(parse_origin)
        .collect::<Result<Vec<_>, _>>()?;
    if origins.is_empty() {
        return Err("must name an origin, or be left out".to_owned());
    }
    Ok(CorsOrigins::List(origins))
}

fn parse_origin(text: &str) -> Result<HeaderValue, String> {
    parse_url(text)
        .ok()
        .map(|url| url.origin().ascii_serialization())
        .filter(|origin| origin.eq_ignore_ascii_case(text.trim_end_matches('/')))
        .and_then(|origin| origin.parse().ok())
        .ok_or_else(|| {
            format!(
                "{text} is no origin as browsers write them; must be * or origins like \
                 https://app.example.com, separated by commas"
            )
        })
}

/// The file of a `sqlite:` URL; `None` for another scheme.
pub(super) fn parse_sqlite_url(text: &str) -> Option<Result<PathBuf, String>> {
    let rest = text.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    // What other clients of the same URL write; it says what is done here anyway.
    let path = path.strip_suffix("?mode=rwc").unwrap_or(path);
    Some(if path.is_empty() || path.starts_with(':') {
        Err("must name a file: sqlite:PATH".to_owned())
    } else if path.contains('?') {
        Err("must have no parameters: sqlite:PATH".to_owned())
    } else {
        Ok(PathBuf::from(path))
    })
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Pretty,
    Json,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("must be pretty or json".to_owned()),
        }
    }
}

/// The first segment of object keys: kept as it is by every object store.
pub(super) fn parse_stage(text: &str) -> Result<String, String> {
    const MAX_LEN: usize = 16;
    let is_safe = text.len() <= MAX_LEN
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_safe {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be at most {MAX_LEN} letters, digits, \"-\" and \"_\""
        ))
    }
}
