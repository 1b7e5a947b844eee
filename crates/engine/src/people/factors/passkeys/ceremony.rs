//! What a ceremony remembers between its two halves. It is sealed and goes through the browser, so that nothing is stored for whoever
//! only asks (AZ13), and it is used up in the transaction that acts on it (PK1).

use gatepost_store::Tx;
use gatepost_store::people::tickets;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::relying_party::RelyingParty;
use crate::people::sessions::SignedIn;

/// How long a challenge is good, in seconds.
const TTL: i64 = 300;

/// What a challenge is for; one of one kind is refused at every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// sign in, whoever it is
    SignIn,
    /// add a passkey to the account of the session
    Enrol,
    /// the second step of a sign-in
    Second,
    /// confirm that it is still the owner of the session
    Confirm,
    /// a new account
    SignUp,
}

impl Ceremony {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Enrol => "enrol",
            Self::Second => "second",
            Self::Confirm => "confirm",
            Self::SignUp => "sign-up",
        }
    }

    /// The ceremony of such a word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::SignIn, Self::Enrol, Self::Second, Self::Confirm, Self::SignUp];
        all.into_iter().find(|ceremony| ceremony.as_str() == word)
    }
}

/// What the browser gets: options for the authenticator, and the sealed state that it brings back.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`
    #[serde(rename = "publicKey")]
    pub public_key: Value,
    /// sealed
    pub state: String,
}

/// What the browser brought back.
#[derive(Clone)]
pub struct Presented {
    /// the credential as JSON
    pub credential: String,
    /// the sealed state
    pub state: String,
    /// the hash of the browser's cookie
    pub browser: String,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented(…)")
    }
}

/// The library's half of the state.
#[derive(Serialize, Deserialize)]
pub(super) enum Challenge {
    Create(PasskeyRegistration),
    Get(DiscoverableAuthentication),
}

/// A ceremony that was begun.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) ticket: Ticket,
    /// whose passkey is made; empty for an assertion
    pub(super) user_id: String,
    /// the address that a new account was begun with
    pub(super) email_key: String,
    pub(super) challenge: Challenge,
}

/// What is used up by the first who acts on the ceremony.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Ticket {
    id: String,
    made_at: i64,
}

impl Ticket {
    pub(super) fn make(call: &Call) -> Result<Self> {
        Ok(Self { id: call.engine.make_id()?, made_at: call.now })
    }

    fn is_live(&self, call: &Call) -> bool {
        (0..TTL).contains(&(call.now - self.made_at))
    }

    /// `true` for the first, while the challenge is good.
    pub(super) fn consume(&self, call: &Call, tx: &mut Tx<'_>) -> Result<bool> {
        // kept a little longer than anybody accepts it: nodes agree on the time only about
        Ok(self.is_live(call) && tickets::consume_ticket(tx, &self.id, self.made_at + 2 * TTL)?)
    }
}

/// What the seal is bound to: another kind, browser or session does not open it.
fn name_place(ceremony: Ceremony, browser: &str, session: Option<&SignedIn>) -> String {
    let session_id = session.map(|session| session.session_id.as_str()).unwrap_or_default();
    format!("passkey/{}/{browser}/{session_id}", ceremony.as_str())
}

impl Begun {
    pub(super) fn seal(&self, call: &Call, place: (Ceremony, &str, Option<&SignedIn>)) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(call.engine.requests.seal(call.engine.random(), &name_place(place.0, place.1, place.2), &plain))
    }

    /// `None` where it is not ours, too old, or of another ceremony, browser or session (PK1).
    pub(super) fn open(
        call: &Call,
        ceremony: Ceremony,
        presented: &Presented,
        session: Option<&SignedIn>,
    ) -> Option<Self> {
        let place = name_place(ceremony, &presented.browser, session);
        let plain = call.engine.requests.open(&place, &presented.state)?;
        let begun: Self = serde_json::from_slice(&plain).ok()?;
        begun.ticket.is_live(call).then_some(begun)
    }
}

/// The options of a library's answer as a browser wants them.
pub(super) fn take_public_key(response: impl Serialize) -> Result<Value> {
    let mut value = serde_json::to_value(response).map_err(|error| Error::Internal(error.to_string()))?;
    match value.get_mut("publicKey") {
        Some(options) => Ok(options.take()),
        None => Err(Error::Internal("the options of a passkey have no publicKey".into())),
    }
}

/// Credentials as a browser wants them listed.
pub(super) fn describe_credentials<'a>(ids: impl Iterator<Item = &'a str>) -> Value {
    ids.map(|id| json!({"type": "public-key", "id": id})).collect()
}

/// The library refused for a reason that no input can cause.
pub(super) fn broken(error: webauthn_rs::prelude::WebauthnError) -> Error {
    Error::Internal(format!("passkeys: {error}"))
}

/// Who we are towards authenticators, if anybody.
pub(super) fn find_party(call: &Call) -> Option<&RelyingParty> {
    call.engine.passkeys.as_ref()
}
