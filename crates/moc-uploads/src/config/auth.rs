//! Who may call: the rules of CONTRACT section 3.

use moc_uploads_api::auth::{AuthConfig, AuthKeys, is_subject};
use moc_uploads_core::principal::{Principal, UserId};
use url::Url;

use super::Purpose;
use super::reader::{MASK, Reader};
use super::values::{Host, parse_url};

const DEV_USER_SUB: &str = "dev-user-00000000-0000-0000-0000-000000000001";
const ADMIN: &str = "admin";

/// The length of a SHA-256: the least that RFC 7518 section 3.2 allows for HS256.
const MIN_SECRET_BYTES: usize = 32;

/// The auth settings, and `AUTH_JWT_SECRET` by itself for minting.
pub(super) fn read(
    reader: &mut Reader<'_>,
    host: &Host,
    is_production: bool,
    purpose: Purpose,
    warnings: &mut Vec<String>,
) -> (AuthConfig, Option<String>) {
    let bypass = reader.boolean("AUTH_BYPASS");
    let dev_user_sub = reader
        .parsed("DEV_USER_SUB", DEV_USER_SUB, parse_sub)
        .unwrap_or_else(|| DEV_USER_SUB.to_owned());
    let dev_user_roles = reader
        .text("DEV_USER_ROLES", ADMIN)
        .unwrap_or_else(|| ADMIN.to_owned());
    let jwks_url = jwks_url(reader, warnings);
    let secret = secret(reader, is_production || !host.is_loopback(), warnings);
    let issuer = reader.text("AUTH_ISSUER", "");
    let audience = reader.text("AUTH_AUDIENCE", "");
    let admin_group = reader.text("ADMIN_GROUP", ADMIN);

    let key_count = ["AUTH_JWKS_URL", "AUTH_JWT_SECRET"]
        .iter()
        .filter(|name| reader.get(name).is_some())
        .count();
    if key_count > 1 {
        reader.problem_showing(
            "AUTH_JWT_SECRET",
            Some(MASK.to_owned()),
            "can't be used together with AUTH_JWKS_URL; unset one of them",
        );
    }
    let has_key = key_count > 0;
    if bypass == Some(true) {
        if purpose == Purpose::Serve {
            check_bypass(reader, host, is_production);
        }
        if has_key {
            warnings.push(
                "AUTH_BYPASS=true: tokens are not looked at, although a key is configured"
                    .to_owned(),
            );
        }
    } else if !has_key && purpose == Purpose::Serve {
        check_keyless(reader, host, is_production, bypass.is_some());
    }
    let admin_group = admin_group.unwrap_or_else(|| ADMIN.to_owned());
    let keys = match (bypass, jwks_url, secret.clone()) {
        (None | Some(false), Some(url), _) => AuthKeys::Jwks(url),
        (None | Some(false), None, Some(secret)) => AuthKeys::Secret(secret),
        (Some(true), ..) | (_, None, None) => {
            let reason = if bypass == Some(true) {
                "AUTH_BYPASS=true"
            } else {
                "no AUTH_JWKS_URL or AUTH_JWT_SECRET is set"
            };
            reader.in_force("AUTH_BYPASS", "true");
            warnings.push(format!(
                "{reason}: every request is made as {dev_user_sub}, without a token"
            ));
            AuthKeys::Bypass(Principal {
                user_id: UserId::new(dev_user_sub),
                is_admin: dev_user_roles
                    .split(',')
                    .any(|role| role.trim() == admin_group),
            })
        }
    };
    let config = AuthConfig {
        keys,
        issuer,
        audience,
        admin_group,
    };
    (config, secret)
}

/// As the `sub` of a token.
fn parse_sub(text: &str) -> Result<String, String> {
    if is_subject(text) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 255 characters, none of them a control character".to_owned())
    }
}

fn jwks_url(reader: &mut Reader<'_>, warnings: &mut Vec<String>) -> Option<Url> {
    let url = reader.parsed("AUTH_JWKS_URL", "", parse_url)?;
    let is_local = url
        .host_str()
        .is_some_and(|host| Host::parse(host).is_ok_and(|host| host.is_loopback()));
    if url.scheme() == "http" && !is_local {
        warnings.push(
            "AUTH_JWKS_URL is not https: whoever can alter that traffic can sign tokens".to_owned(),
        );
    }
    Some(url)
}

fn secret(
    reader: &mut Reader<'_>,
    is_reachable: bool,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let secret = reader.secret("AUTH_JWT_SECRET")?;
    if secret.len() < MIN_SECRET_BYTES {
        let advice = format!(
            "has {} bytes, HS256 needs at least {MIN_SECRET_BYTES} (try: openssl rand -base64 48)",
            secret.len()
        );
        // What can be guessed is no better than AUTH_BYPASS.
        if is_reachable {
            reader.problem_showing("AUTH_JWT_SECRET", Some(MASK.to_owned()), advice);
        } else {
            warnings.push(format!("AUTH_JWT_SECRET {advice}"));
        }
    }
    Some(secret)
}

fn check_bypass(reader: &mut Reader<'_>, host: &Host, is_production: bool) {
    if is_production {
        reader.problem(
            "AUTH_BYPASS",
            "is refused in production (STAGE); set AUTH_JWKS_URL or AUTH_JWT_SECRET instead",
        );
    }
    if !host.is_loopback() {
        reader.problem(
            "AUTH_BYPASS",
            format!("is refused when HOST is not loopback ({host}); use HOST=127.0.0.1 or set AUTH_JWKS_URL or AUTH_JWT_SECRET"),
        );
    }
}

fn check_keyless(
    reader: &mut Reader<'_>,
    host: &Host,
    is_production: bool,
    is_bypass_declined: bool,
) {
    let reason = if is_production {
        "in production (STAGE)".to_owned()
    } else if !host.is_loopback() {
        format!("when HOST is not loopback ({host})")
    } else if is_bypass_declined {
        "when AUTH_BYPASS=false".to_owned()
    } else if let Some(name) = ["AUTH_ISSUER", "AUTH_AUDIENCE"]
        .into_iter()
        .find(|name| reader.get(name).is_some())
    {
        format!("when {name} is set")
    } else {
        return;
    };
    reader.problem(
        "AUTH_JWKS_URL",
        format!("it or AUTH_JWT_SECRET is needed {reason}"),
    );
}
