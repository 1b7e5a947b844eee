//! Second factors: passkeys, authenticator apps, recovery codes, and the step that asks for one.

pub mod attempt;
pub mod passkeys;
pub mod recovery_codes;
pub mod reset;
pub mod second_step;
pub mod totp;
mod tries;
