//! Digests that a client sends with a part (CONTRACT section 1.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use moc_uploads_core::ErrorCode;
use moc_uploads_core::ports::Checksum;

use crate::problem::Problem;

/// All that are there. One that can't be read is refused: ignoring it would say that the part was
/// verified.
pub(super) fn checksums(headers: &HeaderMap) -> Result<Vec<Checksum>, Problem> {
    let mut checksums = Vec::new();
    for (name, make) in [
        ("content-md5", md5 as fn(&str) -> Option<Checksum>),
        ("x-amz-checksum-sha256", sha256),
    ] {
        for value in headers.get_all(name) {
            let checksum = value.to_str().ok().and_then(|text| make(text.trim()));
            checksums.push(checksum.ok_or_else(|| unreadable(name, "its digest in base64"))?);
        }
    }
    for value in headers.get_all("content-digest") {
        let members = value.to_str().ok().and_then(content_digest);
        let wanted = "members such as sha-256=:<base64>:";
        checksums.extend(members.ok_or_else(|| unreadable("content-digest", wanted))?);
    }
    Ok(checksums)
}

/// RFC 9530: a dictionary of byte sequences. Algorithms that we don't verify are ignored.
fn content_digest(text: &str) -> Option<Vec<Checksum>> {
    let mut checksums = Vec::new();
    for member in text.split(',') {
        let (algorithm, value) = member.trim().split_once('=')?;
        let is_key = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !algorithm.bytes().all(is_key) {
            return None;
        }
        let digest = value
            .split(';')
            .next()?
            .trim()
            .strip_prefix(':')?
            .strip_suffix(':')?;
        match algorithm {
            "sha-256" => checksums.push(sha256(digest)?),
            "sha-512" => checksums.push(sha512(digest)?),
            _ => {}
        }
    }
    Some(checksums)
}

fn md5(text: &str) -> Option<Checksum> {
    bytes(text).map(Checksum::Md5)
}

fn sha256(text: &str) -> Option<Checksum> {
    bytes(text).map(Checksum::Sha256)
}

fn sha512(text: &str) -> Option<Checksum> {
    bytes(text).map(Checksum::Sha512)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn unreadable(name: &str, wanted: &str) -> Problem {
    Problem::new(
        ErrorCode::BadRequest,
        format!("The header {name} can't be read; it holds {wanted}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn of(name: &'static str, value: &str) -> Option<Vec<Checksum>> {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
        checksums(&headers).ok()
    }

    #[test]
    fn the_three_headers_are_read() {
        let md5 = STANDARD.encode([1; 16]);
        let sha256 = STANDARD.encode([2; 32]);
        let sha512 = STANDARD.encode([3; 64]);
        assert_eq!(of("content-md5", &md5), Some(vec![Checksum::Md5([1; 16])]));
        assert_eq!(
            of("x-amz-checksum-sha256", &sha256),
            Some(vec![Checksum::Sha256([2; 32])])
        );
        assert_eq!(
            of(
                "content-digest",
                &format!("unixsum=:AA==:, sha-512=:{sha512}:,sha-256=:{sha256}:;q=1")
            ),
            Some(vec![Checksum::Sha512([3; 64]), Checksum::Sha256([2; 32])])
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        let sha256 = STANDARD.encode([2; 32]);
        for (name, value) in [
            ("content-md5", ""),
            ("content-md5", "d41d8cd98f00b204e9800998ecf8427e"),
            ("content-md5", sha256.as_str()),
            ("x-amz-checksum-sha256", "AAAA"),
            ("content-digest", ""),
            ("content-digest", "sha-256"),
            ("content-digest", "sha-256=AAAA"),
            ("content-digest", "sha-256=:AAAA:"),
            ("content-digest", "sha-256=:***:"),
            ("content-digest", "SHA-256=:AAAA:"),
            ("content-digest", "sha-256 = :AAAA:"),
        ] {
            assert_eq!(of(name, value), None, "{name}: {value}");
        }
    }
}
