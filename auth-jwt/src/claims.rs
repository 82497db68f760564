//! Checks the claims of a token, and converts them to a principal.

use std::time::{Duration, SystemTime};

use distributed_scope_core::{PeerId, Principal, Proof};
use serde_json::{Map, Value};

use super::error::TokenError;

/// The claims that have their own field in a principal, or describe the token instead of its
/// subject.
const NOT_OF_THE_SUBJECT: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", PEER];

/// The peer id that the token is bound to, if any: a client with this token must have this id.
const PEER: &str = "peer_id";

/// Checks the claims of a verified token, at the current time: who issued it, for whom, and when
/// it is valid.
pub(super) fn check(
    claims: &Map<String, Value>,
    issuer: &str,
    audience: &str,
    leeway: Duration,
) -> Result<(), TokenError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    check_at(now, claims, issuer, audience, leeway)
}

fn check_at(
    now: Duration,
    claims: &Map<String, Value>,
    issuer: &str,
    audience: &str,
    leeway: Duration,
) -> Result<(), TokenError> {
    let claim = |name| claims.get(name).ok_or(TokenError::Claim(name));
    let time = |name, value| seconds(value).ok_or(TokenError::Claim(name));
    if now >= time("exp", claim("exp")?)?.saturating_add(leeway) {
        return Err(TokenError::Expired);
    }
    if let Some(value) = claims.get("nbf")
        && now.saturating_add(leeway) < time("nbf", value)?
    {
        return Err(TokenError::NotYet);
    }
    if claim("iss")? != issuer {
        return Err(TokenError::Issuer);
    }
    let is_for_us = match claim("aud")? {
        Value::String(one) => one == audience,
        Value::Array(several) => several.iter().any(|one| one == audience),
        _ => return Err(TokenError::Claim("aud")),
    };
    if is_for_us { Ok(()) } else { Err(TokenError::Audience) }
}

/// The subject of a verified token.
///
/// Strings, numbers and booleans become claims. A list becomes several values of one claim.
/// Members of an object are named with dots (`realm_access.roles`). The words of `scope` are one
/// value each (RFC 8693).
pub(super) fn principal(
    issuer: &str,
    claims: Map<String, Value>,
    leeway: Duration,
) -> Result<Principal, TokenError> {
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
    let subject = subject.ok_or(TokenError::Claim("sub"))?;
    let expires = claims
        .get("exp")
        .and_then(seconds)
        .and_then(|exp| SystemTime::UNIX_EPOCH.checked_add(exp)?.checked_add(leeway));
    let expires = expires.ok_or(TokenError::Claim("exp"))?;
    let mut principal = Principal::new(subject, Proof::Token).issued_by(issuer).expires_at(expires);
    match claims.get(PEER) {
        None => {}
        Some(Value::String(text)) => {
            let peer: PeerId = text.parse().map_err(|_| TokenError::Claim(PEER))?;
            principal = principal.bound_to(peer);
        }
        Some(_) => return Err(TokenError::Claim(PEER)),
    }
    for (name, value) in claims {
        if !NOT_OF_THE_SUBJECT.contains(&name.as_str()) {
            principal = add(principal, name, value);
        }
    }
    Ok(principal)
}

fn seconds(exp: &Value) -> Option<Duration> {
    // NumericDate may have a fraction.
    exp.as_u64()
        .map(Duration::from_secs)
        .or_else(|| exp.as_f64().and_then(|exp| Duration::try_from_secs_f64(exp).ok()))
}

fn add(principal: Principal, name: String, value: Value) -> Principal {
    match value {
        Value::String(text) if name == "scope" => {
            text.split_whitespace().fold(principal, |principal, word| principal.claim("scope", word))
        }
        Value::String(text) => principal.claim(name, text),
        Value::Number(number) => principal.claim(name, number.to_string()),
        Value::Bool(truth) => principal.claim(name, truth.to_string()),
        Value::Array(values) => {
            values.into_iter().fold(principal, |principal, value| add(principal, name.clone(), value))
        }
        Value::Object(members) => members
            .into_iter()
            .fold(principal, |principal, (member, value)| add(principal, format!("{name}.{member}"), value)),
        Value::Null => principal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Result<Principal, TokenError> {
        let Value::Object(claims) = value else { unreachable!("an object was written") };
        principal("issuer", claims, Duration::ZERO)
    }

    #[test]
    fn claims_of_all_kinds_are_found_by_name_and_value() {
        let alice = of(json!({
            "sub": "alice", "exp": 100.5, "role": ["admin", "editor"], "level": 3, "paid": true,
            "scope": "read write", "realm_access": { "roles": ["owner"] }, "nothing": null, "jti": "x",
        }))
        .unwrap();
        for (name, value) in [
            ("role", "admin"),
            ("role", "editor"),
            ("level", "3"),
            ("paid", "true"),
            ("scope", "write"),
            ("realm_access.roles", "owner"),
        ] {
            assert!(alice.has(name, value), "{name}");
        }
        assert!(alice.values("nothing").is_empty() && alice.values("jti").is_empty());
        let expires = alice.expires().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(expires, Duration::from_millis(100_500));
    }

    #[test]
    fn a_token_may_be_bound_to_a_peer_id() {
        let peer = PeerId::named("alice");
        let bound = of(json!({ "sub": "alice", "exp": 1, "peer_id": peer.to_string() })).unwrap();
        assert_eq!(bound.peer(), Some(peer));
        for wrong in [json!("nonsense"), json!(7)] {
            let claims = json!({ "sub": "alice", "exp": 1, "peer_id": wrong });
            assert_eq!(of(claims).unwrap_err(), TokenError::Claim("peer_id"));
        }
    }

    fn checked(now: u64, claims: Value) -> Result<(), TokenError> {
        let Value::Object(claims) = claims else { unreachable!("an object was written") };
        check_at(Duration::from_secs(now), &claims, "issuer", "shop", Duration::from_secs(5))
    }

    #[test]
    fn token_is_valid_from_nbf_to_exp() {
        let token = json!({ "iss": "issuer", "aud": "shop", "nbf": 100, "exp": 200 });
        assert_eq!(checked(94, token.clone()), Err(TokenError::NotYet));
        assert_eq!(checked(95, token.clone()), Ok(()));
        assert_eq!(checked(204, token.clone()), Ok(()));
        assert_eq!(checked(205, token), Err(TokenError::Expired));
        let forever = json!({ "iss": "issuer", "aud": "shop" });
        assert_eq!(checked(0, forever), Err(TokenError::Claim("exp")));
        for (name, wrong) in [("exp", json!("200")), ("nbf", json!("100")), ("nbf", Value::Null)] {
            let mut token = json!({ "iss": "issuer", "aud": "shop", "exp": 200 });
            token[name] = wrong;
            assert_eq!(checked(150, token), Err(TokenError::Claim(name)));
        }
    }

    #[test]
    fn token_names_issuer_and_audience() {
        let with = |iss: Value, aud: Value| checked(0, json!({ "iss": iss, "aud": aud, "exp": 9 }));
        assert_eq!(with(json!("issuer"), json!(["other", "shop"])), Ok(()));
        assert_eq!(with(json!("issuer"), json!(["other"])), Err(TokenError::Audience));
        assert_eq!(with(json!("issuer"), json!([])), Err(TokenError::Audience));
        assert_eq!(with(json!("issuer"), json!({ "shop": true })), Err(TokenError::Claim("aud")));
        assert_eq!(with(json!("other"), json!("shop")), Err(TokenError::Issuer));
        assert_eq!(with(json!(["issuer"]), json!("shop")), Err(TokenError::Issuer));
        assert_eq!(checked(0, json!({ "aud": "shop", "exp": 9 })), Err(TokenError::Claim("iss")));
        assert_eq!(checked(0, json!({ "iss": "issuer", "exp": 9 })), Err(TokenError::Claim("aud")));
    }

    #[test]
    fn without_a_subject_or_a_sensible_end_it_is_nobodys() {
        assert_eq!(of(json!({ "sub": "", "exp": 1 })).unwrap_err(), TokenError::Claim("sub"));
        for exp in [json!(u64::MAX), json!(-1), json!("1"), json!(1e300)] {
            let claims = json!({ "sub": "alice", "exp": exp });
            assert_eq!(of(claims).unwrap_err(), TokenError::Claim("exp"));
        }
    }
}
