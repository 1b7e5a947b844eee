//! Passkeys: adding one, signing in with one, a second step or a step-up with one, a new account with one.
//!
//! What a ceremony has to remember travels sealed through the browser, bound to its kind, the browser and, where somebody is signed
//! in, the session; it is good for five minutes and once ([`ceremony`]). What the browser brings back is bounded and read strictly
//! before the library sees it ([`read`]).

mod assert;
mod ceremony;
mod enrol;
mod manage;
mod names;
mod read;

pub use assert::{
    Checked, Entered, begin_sign_in, begin_with_own, check_assertion, finish_second_step_with_passkey, finish_sign_in,
    finish_step_up_with_passkey,
};
pub use ceremony::{Ceremony, Options, Presented};
pub use enrol::{EnrolRefusal, PasskeySignUp, begin_enrolment, begin_sign_up, finish_enrolment, finish_sign_up};
pub use manage::{describe_own_passkeys, find_own_passkey, may_rename, offer_passkey, remove_passkey, rename_passkey};
