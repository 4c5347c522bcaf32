//! Whether a file's first bytes are of the type that it was declared as (CONTRACT section 1.6).

/// How many of a file's first bytes [`sniff`] wants to see.
pub const SNIFF_BYTES: u64 = 8192;

/// What a file's first bytes say about a declared type: `Ok` when they are of it, else what they
/// look like.
///
/// # Errors
/// The name of the type that was found, for the client.
pub fn sniff(declared: &str, head: &[u8]) -> Result<(), String> {
    let found = infer::get(head).map(|kind| kind.mime_type());
    let is_declared = match declared {
        "image/heic" | "image/heif" => is_heif(head),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => {
            head.starts_with(b"PK\x03\x04")
        }
        "application/vnd.ms-excel" => {
            head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") || head.starts_with(b"PK\x03\x04")
        }
        "application/pdf" | "image/jpeg" | "image/png" | "image/webp" => found == Some(declared),
        "application/json" | "text/json" => {
            is_text(head)
                && first_visible(head).is_some_and(|byte| b"{[\"-0123456789tfn".contains(&byte))
        }
        "application/xml" | "text/xml" => is_text(head) && first_visible(head) == Some(b'<'),
        _ => is_text(head),
    };
    if is_declared {
        Ok(())
    } else {
        Err(match found {
            Some(found) => found.to_owned(),
            None if is_text(head) => "plain text".to_owned(),
            None => "of no known type".to_owned(),
        })
    }
}

/// An ISO base media file whose major or compatible brands are HEIF's (ISO/IEC 23008-12).
fn is_heif(head: &[u8]) -> bool {
    const BRANDS: [&[u8]; 8] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
    ];
    let Some((length, rest)) = head.split_first_chunk::<4>() else {
        return false;
    };
    let box_len = (u32::from_be_bytes(*length) as usize).min(head.len());
    rest.starts_with(b"ftyp")
        && head
            .get(8..box_len)
            .unwrap_or_default()
            .chunks_exact(4)
            .enumerate()
            .any(|(index, brand)| index != 1 && BRANDS.contains(&brand))
}

/// Text in UTF-8 or an 8-bit encoding, or UTF-16 with its mark: no control bytes but white space,
/// and no known binary type.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return true;
    }
    !head
        .iter()
        .any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
        && infer::get(head).is_none_or(|kind| {
            matches!(
                kind.matcher_type(),
                infer::MatcherType::Text | infer::MatcherType::Custom
            )
        })
}

/// The first byte that is neither white space nor a byte order mark. UTF-16 counts by its ASCII
/// bytes.
fn first_visible(head: &[u8]) -> Option<u8> {
    head.iter().copied().find(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_decide() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        let heif = b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf";
        let mp4 = b"\0\0\0\x18ftypisom\0\0\0\0isomavc1";
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x10JFIF";
        let png = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR";
        let webp = b"RIFF\x24\0\0\0WEBPVP8 ";
        let zip = b"PK\x03\x04\x14\0\x06\0";
        let right: [(&str, &[u8]); 12] = [
            ("application/pdf", b"%PDF-1.7\n"),
            ("image/jpeg", jpeg),
            ("image/png", png),
            ("image/webp", webp),
            ("image/heic", heic),
            ("image/heif", heif),
            ("text/csv", "part,qty\n3001,4\né,1".as_bytes()),
            ("text/plain", b"3001 4"),
            ("application/json", b"\xEF\xBB\xBF {\"a\":1}"),
            ("text/xml", b"<?xml version=\"1.0\"?><a/>"),
            (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                zip,
            ),
            (
                "application/vnd.ms-excel",
                b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            ),
        ];
        for (declared, head) in right {
            assert_eq!(sniff(declared, head), Ok(()), "{declared}");
        }
        let wrong: [(&str, &[u8], &str); 9] = [
            ("application/pdf", jpeg, "image/jpeg"),
            ("application/pdf", b"hello", "plain text"),
            ("image/jpeg", png, "image/png"),
            ("image/heic", mp4, "video/mp4"),
            ("text/csv", png, "image/png"),
            ("text/csv", b"%PDF-1.7\n", "application/pdf"),
            ("application/json", b"part,qty", "plain text"),
            ("application/xml", b"{}", "plain text"),
            ("image/png", b"\0\0\0\0", "of no known type"),
        ];
        for (declared, head, found) in wrong {
            assert_eq!(sniff(declared, head), Err(found.to_owned()), "{declared}");
        }
    }
}
