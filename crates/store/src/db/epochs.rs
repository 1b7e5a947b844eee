//! Exact invalidation: a change moves the epoch of what it touches, and a cached answer is good only while every epoch
//! it was read under stands still.
//!
//! Every change has a number. A reader notes the newest number *before* it asks the database ([`Epochs::now`]); a writer
//! numbers its topics *after* its commit and before it answers. So an answer that was read before a commit can never be
//! kept beyond it, whatever the order in which threads run.
//! Topics share 4,096 slots by hash: two that meet in one only cost each other a look-up.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SLOTS: usize = 4096;

/// What a change was about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// a family of tokens, by grant id
    Grant(String),
    /// one access token, by hash
    Token(String),
    /// a person
    User(String),
    /// a client and all it was issued
    Client(String),
    /// a resource server
    ResourceServer(String),
    /// unknown: everything
    Everything,
}

impl Topic {
    /// The form that travels between nodes: one letter and the id.
    pub(crate) fn to_payload(&self) -> String {
        match self {
            Self::Grant(id) => format!("g{id}"),
            Self::Token(id) => format!("t{id}"),
            Self::User(id) => format!("u{id}"),
            Self::Client(id) => format!("c{id}"),
            Self::ResourceServer(id) => format!("r{id}"),
            Self::Everything => "*".into(),
        }
    }

    /// What another node said; something unknown is taken as everything.
    pub(crate) fn from_payload(payload: &str) -> Self {
        let mut letters = payload.chars();
        let kind = letters.next();
        let id = letters.as_str().to_owned();
        match kind {
            Some('g') => Self::Grant(id),
            Some('t') => Self::Token(id),
            Some('u') => Self::User(id),
            Some('c') => Self::Client(id),
            Some('r') => Self::ResourceServer(id),
            _ => Self::Everything,
        }
    }

    fn slot(&self) -> u16 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        (hasher.finish() % SLOTS as u64) as u16
    }
}

/// What a kept answer depends on, and the newest change that it knows of.
#[derive(Clone, Debug)]
pub struct Stamp {
    as_of: u64,
    slots: Vec<u16>,
}

impl Stamp {
    /// A stamp for an answer that depends on these topics and was read after [`Epochs::now`] gave `as_of`.
    pub fn new(as_of: u64, topics: &[Topic]) -> Self {
        Self { as_of, slots: topics.iter().map(Topic::slot).collect() }
    }
}

/// Numbers the changes of every topic in this process.
#[derive(Debug)]
pub struct Epochs {
    newest: AtomicU64,
    everything: AtomicU64,
    slots: Vec<AtomicU64>,
    base: Instant,
    heard_until_ms: AtomicU64,
}

impl Default for Epochs {
    fn default() -> Self {
        Self {
            newest: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            base: Instant::now(),
            heard_until_ms: AtomicU64::new(0),
        }
    }
}

impl Epochs {
    /// The number of the newest change; take it before the read whose answer is to be kept.
    pub fn now(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// Whether nothing that the stamp covers has changed since, as far as this node can hear of it (R-7).
    pub fn is_current(&self, stamp: &Stamp) -> bool {
        self.can_hear()
            && self.everything.load(Ordering::Acquire) <= stamp.as_of
            && stamp.slots.iter().all(|slot| self.slots[usize::from(*slot)].load(Ordering::Acquire) <= stamp.as_of)
    }

    /// Numbers a change of the topics.
    pub(crate) fn advance(&self, topics: &[Topic]) {
        for topic in topics {
            let number = self.newest.fetch_add(1, Ordering::AcqRel) + 1;
            match topic {
                Topic::Everything => self.everything.fetch_max(number, Ordering::AcqRel),
                topic => self.slots[usize::from(topic.slot())].fetch_max(number, Ordering::AcqRel),
            };
        }
    }

    /// Whether changes made elsewhere would reach this process now; where not, caches must be bypassed.
    pub fn can_hear(&self) -> bool {
        let until = self.heard_until_ms.load(Ordering::Acquire);
        until == u64::MAX || self.elapsed_ms() <= until
    }

    /// Notes that everything committed elsewhere up to now has been heard; good for `span`.
    pub(crate) fn mark_heard(&self, span: Duration) {
        let until = self.elapsed_ms() + span.as_millis() as u64;
        self.heard_until_ms.store(until, Ordering::Release);
    }

    /// Hears forever: for a database that nobody else can open.
    pub(crate) fn mark_alone(&self) {
        self.heard_until_ms.store(u64::MAX, Ordering::Release);
    }

    /// Stops trusting caches at once: the connection that listens is gone.
    pub(crate) fn mark_deaf(&self) {
        self.heard_until_ms.store(0, Ordering::Release);
    }

    fn elapsed_ms(&self) -> u64 {
        // from 1, so that deaf (0) is never "until now"
        self.base.elapsed().as_millis() as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_07_a_change_drops_what_was_read_before_it_and_nothing_else() {
        let epochs = Epochs::default();
        epochs.mark_alone();
        let before = epochs.now();
        let stamp = Stamp::new(before, &[Topic::Grant("a".into()), Topic::User("u".into())]);
        let other = Stamp::new(before, &[Topic::Grant("b".into())]);
        assert!(epochs.is_current(&stamp));
        epochs.advance(&[Topic::User("u".into())]);
        assert!(!epochs.is_current(&stamp));
        assert!(epochs.is_current(&other));
        assert!(epochs.is_current(&Stamp::new(epochs.now(), &[Topic::User("u".into())])));
        epochs.advance(&[Topic::Everything]);
        assert!(!epochs.is_current(&other));
    }

    #[test]
    fn r_07_a_node_that_cannot_hear_trusts_nothing() {
        let epochs = Epochs::default();
        let stamp = Stamp::new(epochs.now(), &[]);
        assert!(!epochs.is_current(&stamp));
        epochs.mark_heard(Duration::from_secs(60));
        assert!(epochs.is_current(&stamp));
        epochs.mark_deaf();
        assert!(!epochs.is_current(&stamp));
    }

    #[test]
    fn topics_survive_the_way_between_nodes() {
        for topic in
            [Topic::Grant("x".into()), Topic::Token("x".into()), Topic::ResourceServer("r".into()), Topic::Everything]
        {
            assert_eq!(Topic::from_payload(&topic.to_payload()), topic);
        }
        assert_eq!(Topic::from_payload("?new"), Topic::Everything);
    }
}
