//! The operator's choices, as the engine needs them.

/// Who may create an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUpMode {
    /// everybody
    Open,
    /// whoever has an invitation
    Invite,
    /// nobody; an administrator adds people
    Closed,
}

impl SignUpMode {
    /// The word of settings and database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }

    /// The mode of such a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Invite, Self::Closed].into_iter().find(|mode| mode.as_str() == word)
    }
}

/// What the operator chose: the shortest new password and the cost of argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest code points of a new password; old ones stay valid.
    pub min_length: usize,
    /// Memory in KiB.
    pub m_cost: u32,
    /// Passes over the memory.
    pub t_cost: u32,
    /// Lanes.
    pub p_cost: u32,
}

impl PasswordPolicy {
    /// Whether the cost is at least m=19,456 t=2, or m=47,104 t=1; settings below that are for tests only.
    pub fn meets_floor(&self) -> bool {
        self.p_cost >= 1 && ((self.m_cost >= 19_456 && self.t_cost >= 2) || (self.m_cost >= 47_104 && self.t_cost >= 1))
    }
}

/// How long rows stay after they ended, in seconds.
#[derive(Clone, Debug)]
pub struct Retention {
    /// codes
    pub codes: i64,
    /// access tokens
    pub access_tokens: i64,
    /// refresh tokens and grants
    pub refresh_tokens: i64,
    /// sessions and set-up links
    pub sessions: i64,
    /// mailed links, so that an old one is told from a wrong one
    pub mail_links: i64,
    /// invites, with the ledger of who used them
    pub invites: i64,
    /// audit events
    pub audit: i64,
    /// rows that one transaction removes at most, so that nobody waits long behind it
    pub batch: i64,
}

/// Lifetimes and limits; all times in seconds.
#[derive(Clone, Debug)]
pub struct Policy {
    /// access tokens
    pub access_ttl: i64,
    /// authorization codes
    pub code_ttl: i64,
    /// refresh tokens that are not used
    pub refresh_idle_ttl: i64,
    /// a family, however often it is refreshed
    pub refresh_absolute_ttl: i64,
    /// a rotated token that comes again within this time is a lost answer, not a theft
    pub refresh_reuse_grace: i64,
    /// an authorization request that waits for its person
    pub request_ttl: i64,
    /// browser sessions that are not used
    pub session_idle_ttl: i64,
    /// browser sessions, however much they are used
    pub session_absolute_ttl: i64,
    /// the old secret after a rotation
    pub secret_overlap: i64,
    /// the link for the first administrator
    pub setup_link_ttl: i64,
    /// a signing key is followed by another after this time
    pub key_life: i64,
    /// a new signing key is published this long before it signs
    pub key_publish_ahead: i64,
    /// wrong passwords of one address within ten minutes before it is refused
    pub ip_failure_limit: i64,
    /// wrong passwords of one account that cost nothing
    pub free_failures: i64,
    /// longest wait between tries of one account
    pub max_delay: i64,
    /// wrong passwords in a row after which only time or another way in helps
    pub hard_stop: i64,
    /// whether answers about tokens may be kept in memory
    pub cache_introspection: bool,
    /// who may create an account, unless an administrator chose otherwise while running
    pub sign_up: SignUpMode,
    /// the address, case-folded, whose proven owner becomes the first administrator
    pub admin_email: Option<String>,
    /// administrators must have signed in with two factors
    pub admin_second_factor: bool,
    /// how old a sign-in may be for what changes an account
    pub sudo_age: i64,
    /// the issuers of the providers in the settings, whose accounts let people in
    pub issuers: Vec<String>,
    /// letters can be sent
    pub mail: bool,
    /// rules for passwords
    pub password: PasswordPolicy,
    /// how long ended rows stay
    pub retention: Retention,
}
