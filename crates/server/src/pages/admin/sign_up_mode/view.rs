//! What the page shows.

use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::{Moment, View};
use gatepost_engine::SignUpMode;
use serde::Serialize;

/// Who may create an account, `/admin/signup-mode`; posts `csrf`, `mode`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SignupModeView {
    /// Around the page.
    pub(crate) frame: AdminFrame,
    /// What holds now.
    pub(crate) mode: SignUpMode,
    /// What the settings file says.
    pub(crate) settings: SignUpMode,
    /// When an administrator chose; `None`: the settings file decides.
    pub(crate) chosen: Option<Moment>,
    /// Letters can be sent, so that addresses are proven.
    pub(crate) mail: bool,
}

impl View for SignupModeView {
    const TEMPLATE: &'static str = "admin_signup_mode.html";
}
