//! Recovery codes: ten of eighty random bits, kept as hashes, each good once.

use gatepost_protocol::secret::TokenHash;
use gatepost_store::people::recovery_codes;
use gatepost_store::{Outcome, Tx};
use serde_json::json;
use zeroize::Zeroizing;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::factors::tries::CountedTry;
use crate::people::sign_in::fresh::FreshSession;

/// How many there are in a set.
const SET: usize = 10;
/// Crockford's letters: none is mistaken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LETTERS: usize = 16;

/// New codes in groups of four, for the one page that shows them.
pub struct RecoveryCodes(Zeroizing<Vec<String>>);

impl RecoveryCodes {
    /// The codes, for their owner.
    pub fn expose(&self) -> &[String] {
        &self.0
    }

    /// The codes that a form brought back, as they were shown; `None` where that is not what it brought.
    pub fn read(text: &str) -> Option<Self> {
        let codes: Vec<String> = text.split_whitespace().map(read_code).collect::<Option<Vec<_>>>()?;
        (codes.len() == SET).then(|| Self(Zeroizing::new(codes.iter().map(|code| group(code)).collect())))
    }
}

impl std::fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCodes(…)")
    }
}

fn group(code: &str) -> String {
    code.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join("-")
}

/// The letters of a code as somebody typed it: case, spaces and dashes mean nothing, and look-alikes are told apart.
fn read_code(text: &str) -> Option<String> {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let ignored = |letter: &char| letter.is_whitespace() || matches!(letter, '-' | '‐' | '–');
    let code: String = text.chars().take(64).filter(|letter| !ignored(letter)).map(letter).collect();
    (code.len() == LETTERS && code.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(code)
}

/// Bound to the account, so that equal codes of two people differ in the database.
fn hash_code(user_id: &str, code: &str) -> TokenHash {
    TokenHash::of_text(&format!("recovery:{user_id}:{code}"))
}

fn make_code(call: &Call) -> Result<String> {
    let bytes: [u8; 10] = call.engine.random_bytes()?;
    let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letter = |place: usize| char::from(ALPHABET[(bits >> (5 * place)) as usize & 31]);
    Ok((0..LETTERS).map(letter).collect())
}

/// Makes a new set in the place of the old one.
pub(crate) fn make_recovery_codes(call: &Call, tx: &mut Tx<'_>, user_id: &str) -> Result<RecoveryCodes> {
    let codes = (0..SET).map(|_| make_code(call)).collect::<Result<Vec<_>>>()?;
    let hashes: Vec<_> = codes.iter().map(|code| hash_code(user_id, code)).collect();
    recovery_codes::insert_recovery_codes(tx, user_id, &hashes, call.now)?;
    record_event(call, tx, Event::done(Actor::User(user_id), "recovery_codes.made", user_id), &json!(null))?;
    Ok(RecoveryCodes(Zeroizing::new(codes.iter().map(|code| group(code)).collect())))
}

/// Uses a code up; how many are left, or `None` where it is not one of this account or was used.
pub(crate) fn consume_recovery_code(
    call: &Call,
    tx: &mut Tx<'_>,
    counted: &CountedTry<'_>,
    typed: &str,
) -> Result<Option<i64>> {
    let user_id = counted.user_id();
    let Some(code) = read_code(typed) else { return Ok(None) };
    if !recovery_codes::consume_recovery_code(tx, user_id, &hash_code(user_id, &code), call.now)? {
        return Ok(None);
    }
    Ok(Some(recovery_codes::count_recovery_codes(tx, user_id)?))
}

/// A new set for somebody who uses a second step; `None` for anybody else. Of two sets that are made at once the later one counts.
pub fn renew_recovery_codes(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &FreshSession<'_>,
) -> Result<Outcome<Option<RecoveryCodes>>> {
    if !session.user().second_step {
        return Ok(Outcome::Rollback(None));
    }
    Ok(Outcome::Commit(Some(make_recovery_codes(call, tx, &session.user_id)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_dashes_and_look_alikes_do_not_matter() {
        for typed in ["0123-4567-89ab-cdef", " O123 4567 89AB CDEF ", "oi23456789abcdef", "0l23–4567–89ab–cdef"] {
            assert_eq!(read_code(typed).as_deref(), Some("0123456789abcdef"), "{typed}");
        }
        for bad in ["", "0123", "0123-4567-89ab-cdeu", "0123-4567-89ab-cdef-0", "é123-4567-89ab-cde"] {
            assert_eq!(read_code(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_whole_set_is_read_back() {
        let set = ["0123-4567-89ab-cdef"; SET].join("\n");
        assert_eq!(RecoveryCodes::read(&set).map(|codes| codes.expose().join("\n")), Some(set.clone()));
        for bad in ["", "0123-4567-89ab-cdef", &set.replace('f', "<"), &format!("{set} 0123-4567-89ab-cdef")] {
            assert!(RecoveryCodes::read(bad).is_none(), "{bad}");
        }
    }
}
