//! How somebody proved who they are, and what that is worth.

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// a password
    Password,
    /// a mailed link or its code
    Mail,
    /// a passkey that verified its user: what one has and what one is or knows
    Passkey,
    /// another provider
    Provider,
    /// a code of an authenticator app
    Otp,
    /// a recovery code
    Recovery,
}

impl Method {
    /// The word that is stored with a session.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Mail => "email",
            Self::Passkey => "passkey",
            Self::Provider => "fed",
            Self::Otp => "otp",
            Self::Recovery => "recovery",
        }
    }

    /// The method of such a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let all = [Self::Password, Self::Mail, Self::Passkey, Self::Provider, Self::Otp, Self::Recovery];
        all.into_iter().find(|method| method.as_str() == word)
    }
}

/// How strong these methods are together: 2 for two factors.
pub(crate) fn measure_strength(methods: &[Method]) -> i64 {
    let second = [Method::Passkey, Method::Otp, Method::Recovery];
    if methods.iter().any(|method| second.contains(method)) { 2 } else { 1 }
}
