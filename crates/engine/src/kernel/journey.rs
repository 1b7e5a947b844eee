//! What must survive from the first page to the last: the app's request, an invitation, an account that is to be linked.
//!
//! It travels sealed through the browser as `tx`, from page to page, through mailed links and trips to other providers, so
//! that no path of signing in can lose a part of it. Nothing is stored for it, and nobody can read, make or change it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};

/// An account at another provider that waits for its person to prove the account here first (SO2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOffer {
    /// the setting's id of the provider
    pub provider: String,
    /// who vouches for it
    pub issuer: String,
    /// whom it is, in the words of that issuer
    pub subject: String,
    /// the address there, for people to read
    pub email: String,
}

/// What somebody is about to do when asked to confirm that it is them; texts are `confirm.act.*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// change the email address
    ChangeEmail,
    /// set a first password
    SetPassword,
    /// add or remove a passkey
    ChangePasskeys,
    /// add or remove the authenticator app, or see new recovery codes
    ChangeSecondStep,
    /// link or unlink an account at another provider
    ChangeProviders,
    /// download everything that is stored
    DownloadData,
    /// delete the account
    DeleteAccount,
    /// administer this installation
    Administer,
    /// use what demands two factors
    UseSecondFactor,
}

/// An app's request on its way. What is in it is known only to the module that checked it, wrote it here and reads it again, so that
/// nobody else can make or change one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarriedRequest(serde_json::Value);

impl CarriedRequest {
    pub(crate) fn write(request: &impl Serialize) -> Result<Self> {
        serde_json::to_value(request).map(Self).map_err(|error| Error::Internal(error.to_string()))
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.0.clone()).ok()
    }
}

/// What proves that whoever goes on with a journey is the one who began it. A type has it that only such a check makes.
pub(crate) trait ProvesOwner {}

/// What somebody came for, sealed between the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Journey {
    /// the app's request, which goes on after sign-in
    pub request: Option<CarriedRequest>,
    /// the code of an invitation
    pub invite: Option<String>,
    /// what is linked to the account that the person proves next
    pub link: Option<LinkOffer>,
    /// a page of ours to go on with, as a path below the issuer
    pub back: Option<String>,
    /// what the person is about to do there
    pub act: Option<Act>,
    created_at: i64,
    browser: String,
}

impl Journey {
    const AAD: &'static str = "journey";

    /// A journey that begins now in this browser, for nothing yet.
    pub fn begin(call: &Call, browser: String) -> Self {
        Self { request: None, invite: None, link: None, back: None, act: None, created_at: call.now, browser }
    }

    /// The journey of an app's request.
    pub(crate) fn for_request(request: CarriedRequest, created_at: i64, browser: String) -> Self {
        Self { request: Some(request), invite: None, link: None, back: None, act: None, created_at, browser }
    }

    /// Whether there is nothing in it that could be lost.
    pub fn is_empty(&self) -> bool {
        self.request.is_none() && self.invite.is_none() && self.link.is_none() && self.back.is_none()
    }

    /// The form in which it travels.
    pub fn seal(&self, call: &Call) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(call.engine.requests.seal(call.engine.random(), Self::AAD, &plain))
    }

    /// What the browser brings back; `None` where it is not ours, too old, or another browser's.
    pub fn open(call: &Call, sealed: &str, browser: &str) -> Option<Self> {
        let plain = call.engine.requests.open(Self::AAD, sealed)?;
        let journey: Self = serde_json::from_slice(&plain).ok()?;
        let fresh = call.now - journey.created_at <= call.policy().request_ttl;
        (fresh && journey.browser == browser).then_some(journey)
    }

    /// The same journey from now on in another browser, or later.
    pub(crate) fn carry_over(mut self, call: &Call, _proof: &impl ProvesOwner, browser: String) -> Self {
        self.created_at = call.now;
        self.browser = browser;
        self
    }
}
