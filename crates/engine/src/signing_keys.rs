//! Signing keys: made at first start, kept sealed, published before they sign and after.

use std::sync::Arc;

use gatepost_store::signing_keys::{self, KeyRow};
use gatepost_store::sweep::take_global_lock;
use gatepost_store::{Db, Outcome, Topic, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::key_ring::{HeldKey, KeyRing};
use crate::kernel::signing::{NewKey, SigningAlg, SigningKey, generate_key, jwks_document};

/// The state of a key, for people.
#[derive(Clone, Debug, serde::Serialize)]
pub struct KeyState {
    /// its id
    pub kid: String,
    /// its algorithm
    pub alg: String,
    /// `next`, `current` or `retired`
    pub state: &'static str,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub active_from: i64,
    /// unix seconds
    pub retired_at: Option<i64>,
}

const ALGS: [SigningAlg; 2] = [SigningAlg::Es256, SigningAlg::Rs256];

fn aad(kid: &str) -> String {
    format!("signing_keys/sealed_private/{kid}")
}

/// The algorithms without a key that signs now or will.
pub fn find_missing_algs(db: &mut Db) -> Result<Vec<SigningAlg>> {
    let rows = signing_keys::list_keys(db)?;
    let missing = |alg: &SigningAlg| !rows.iter().any(|row| row.alg == alg.as_str() && row.retired_at.is_none());
    Ok(ALGS.into_iter().filter(missing).collect())
}

/// Makes a key. An RSA key takes a while to find, so do it outside any transaction.
pub fn make_key(call: &Call, alg: SigningAlg) -> Result<NewKey> {
    generate_key(call.engine.random(), alg).map_err(|error| Error::Internal(error.to_string()))
}

/// Keeps those of the keys whose algorithm still has none; which were kept.
pub fn insert_missing_keys(call: &Call, tx: &mut Tx<'_>, fresh: &[Arc<NewKey>]) -> Result<Outcome<Vec<&'static str>>> {
    take_global_lock(tx)?;
    let missing = find_missing_algs(tx)?;
    let mut made = Vec::new();
    for key in fresh.iter().filter(|key| missing.contains(&key.alg)) {
        insert_new_key(call, tx, key, call.now)?;
        made.push(key.alg.as_str());
    }
    Ok(Outcome::Commit(made))
}

fn insert_new_key(call: &Call, tx: &mut Tx<'_>, key: &NewKey, active_from: i64) -> Result<()> {
    let sealed = call.engine.private_keys.seal(call.engine.random(), &aad(&key.kid), &key.private_pkcs8);
    let row = KeyRow {
        kid: key.kid.clone(),
        alg: key.alg.as_str().to_owned(),
        public_jwk: key.public_jwk.to_string(),
        sealed_private: sealed,
        created_at: call.now,
        active_from,
        retired_at: None,
    };
    signing_keys::insert_key(tx, &row)?;
    record_event(call, tx, Event::done(Actor::Operator, "key.made", &key.kid), &json!({"alg": key.alg.as_str()}))
}

/// The algorithms whose newest key is old enough to be followed by another.
pub fn find_due_algs(call: &Call, db: &mut Db) -> Result<Vec<SigningAlg>> {
    let rows = signing_keys::list_keys(db)?;
    let newest = |alg: SigningAlg| rows.iter().filter(|row| row.alg == alg.as_str()).map(|row| row.active_from).max();
    let due = |alg: &SigningAlg| newest(*alg).is_some_and(|from| call.now - from >= call.policy().key_life);
    Ok(ALGS.into_iter().filter(due).collect())
}

/// The same for a key that was made meanwhile, if it is still due; and removes keys that nobody can need any more.
pub fn rotate_if_due(call: &Call, tx: &mut Tx<'_>, key: &NewKey) -> Result<Outcome<bool>> {
    take_global_lock(tx)?;
    if !find_due_algs(call, tx)?.contains(&key.alg) {
        return Ok(Outcome::Rollback(false));
    }
    for row in signing_keys::list_keys(tx)? {
        if is_forgotten(call, &row) {
            signing_keys::delete_key(tx, &row.kid)?;
        }
    }
    rotate_key(call, tx, key)?;
    Ok(Outcome::Commit(true))
}

/// Puts a new key in the place of the one of its algorithm; it signs when every cache of the JWKS has it, and the old
/// one ends then.
pub fn rotate_key(call: &Call, tx: &mut Tx<'_>, key: &NewKey) -> Result<Outcome<String>> {
    let active_from = call.now + call.policy().key_publish_ahead;
    insert_new_key(call, tx, key, active_from)?;
    signing_keys::update_keys_retired(tx, key.alg.as_str(), &key.kid, active_from)?;
    tx.touch(Topic::Everything);
    Ok(Outcome::Commit(key.kid.clone()))
}

/// Opens the stored keys and puts them to use. A master key that does not fit is an error: nothing could be signed.
pub fn load_keys(call: &Call, db: &mut Db) -> Result<()> {
    let mut opened = Vec::new();
    let mut published = Vec::new();
    for row in signing_keys::list_keys(db)? {
        if is_forgotten(call, &row) {
            continue;
        }
        published.push(parse_jwk(&row)?);
        let private = call.engine.private_keys.open(&aad(&row.kid), &row.sealed_private).ok_or_else(|| {
            Error::Internal(format!(
                "the master key does not open signing key {}: is it the one this database was made with?",
                row.kid
            ))
        })?;
        let alg = SigningAlg::parse(&row.alg)
            .ok_or_else(|| Error::Internal(format!("key {}: unknown algorithm", row.kid)))?;
        let key = SigningKey::new(alg, &row.kid, &private).map_err(|error| Error::Internal(error.to_string()))?;
        opened.push(HeldKey { key, active_from: row.active_from, retired_at: row.retired_at });
    }
    let ring = KeyRing::new(opened, jwks_document(&published).into());
    *call.engine.keys.write().map_err(|_| Error::Internal("the key ring is poisoned".into()))? = ring;
    Ok(())
}

fn parse_jwk(row: &KeyRow) -> Result<serde_json::Value> {
    serde_json::from_str(&row.public_jwk).map_err(|_| Error::Internal(format!("key {}: unusable JWK", row.kid)))
}

/// A retired key is published until the last thing it signed has expired, and a day more.
fn is_forgotten(call: &Call, row: &KeyRow) -> bool {
    let longest = call.policy().access_ttl.max(3600) + 86_400;
    row.retired_at.is_some_and(|retired_at| retired_at + longest < call.now)
}

/// The public keys (RFC 7517).
pub fn read_jwks(call: &Call) -> Result<Arc<str>> {
    let ring = call.engine.keys.read().map_err(|_| Error::Internal("the key ring is poisoned".into()))?;
    Ok(ring.jwks())
}

/// All keys and what they do now.
pub fn list_key_states(call: &Call, db: &mut Db) -> Result<Vec<KeyState>> {
    let state = |row: &KeyRow| match row.retired_at {
        Some(at) if at <= call.now => "retired",
        _ if row.active_from > call.now => "next",
        _ => "current",
    };
    let rows = signing_keys::list_keys(db)?;
    Ok(rows
        .iter()
        .map(|row| KeyState {
            kid: row.kid.clone(),
            alg: row.alg.clone(),
            state: state(row),
            created_at: row.created_at,
            active_from: row.active_from,
            retired_at: row.retired_at,
        })
        .collect())
}
