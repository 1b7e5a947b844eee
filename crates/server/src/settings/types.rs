//! The types of single values. Each reads itself from text or a number and says in words what it wants.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use gatepost_store::DatabaseUrl;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::mail::MailServer;

/// A value that is written as text (or as a number), with a name for it that people and [`super::schema`] know.
pub(crate) trait FromSetting: Sized {
    /// What this kind of value is called in messages and in `docs/configuration.md`.
    const KIND: &'static str;
    /// A text that is accepted: tracing the shape of the settings needs one.
    const SAMPLE: &'static str;
    /// Reads the text; the error is a sentence without the value.
    fn from_text(text: &str) -> Result<Self, String>;
    /// Reads a bare number, for kinds that have one.
    fn from_number(_number: u64) -> Result<Self, String> {
        Err("needs quotation marks around it".into())
    }
}

struct SettingVisitor<T>(PhantomData<T>);

impl<'de, T: FromSetting> Visitor<'de> for SettingVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::KIND)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_number(number).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let number = u64::try_from(number).map_err(|_| E::custom("must not be negative"))?;
        T::from_number(number).map_err(E::custom)
    }
}

macro_rules! read_as_setting {
    ($($name:ty),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_newtype_struct(<$name as FromSetting>::KIND, SettingVisitor(PhantomData))
            }
        }
    )+};
}

macro_rules! write_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    )+};
}

read_as_setting!(Seconds, ByteSize, SecretText, Address, Network, Database, MailServer);
write_as_text!(Seconds, ByteSize, SecretText, Address, Network, Database, MailServer);

/// Splits `10m` or `16 KiB` into number and unit.
fn split_unit(text: &str) -> Result<(u64, &str), String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.parse().map_err(|_| "does not begin with a whole number".to_owned())?;
    Ok((number, unit.trim()))
}

fn largest_unit(total: u64, units: &[(u64, &str)]) -> String {
    let found = units.iter().find(|(size, _)| total != 0 && total.is_multiple_of(*size));
    found.map_or_else(|| total.to_string(), |(size, unit)| format!("{}{unit}", total / size))
}

/// A length of time in whole seconds, at most 100 years, so that sums with unix times cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seconds(u64);

const TIME_UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

impl Seconds {
    /// A fixed length, for limits.
    pub(crate) const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds to add to a unix time.
    pub(crate) const fn as_secs(self) -> i64 {
        self.0.cast_signed()
    }

    /// For timers.
    pub(crate) const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromSetting for Seconds {
    const KIND: &'static str = "duration";
    const SAMPLE: &'static str = "1s";

    fn from_text(text: &str) -> Result<Self, String> {
        let wanted =
            || "is not a duration; write seconds, or for example \"90s\", \"10m\", \"12h\", \"30d\"".to_owned();
        let (number, unit) = split_unit(text).map_err(|_| wanted())?;
        let unit = if unit.is_empty() { "s" } else { unit };
        let (size, _) = TIME_UNITS.into_iter().find(|(_, name)| *name == unit).ok_or_else(wanted)?;
        Self::from_number(number.saturating_mul(size))
    }

    fn from_number(number: u64) -> Result<Self, String> {
        if number > 100 * 366 * 86_400 { Err("is longer than 100 years".into()) } else { Ok(Self(number)) }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0s") } else { f.write_str(&largest_unit(self.0, &TIME_UNITS)) }
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteSize(u64);

impl ByteSize {
    /// A fixed size, for limits.
    pub(crate) const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// For buffers and limits.
    pub(crate) fn as_bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromSetting for ByteSize {
    const KIND: &'static str = "size";
    const SAMPLE: &'static str = "1";

    fn from_text(text: &str) -> Result<Self, String> {
        let wanted = || "is not a size; write bytes, or for example \"16KiB\", \"1MiB\"".to_owned();
        let (number, unit) = split_unit(text).map_err(|_| wanted())?;
        let size: u64 = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return Err(wanted()),
        };
        number.checked_mul(size).map(Self).ok_or_else(|| "is too large".into())
    }

    fn from_number(number: u64) -> Result<Self, String> {
        Ok(Self(number))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&largest_unit(self.0, &[(1 << 20, "MiB"), (1 << 10, "KiB")]))
    }
}

/// A secret from the settings; every way of printing it says only whether it is set.
#[derive(Clone, Default)]
pub(crate) struct SecretText(String);

impl SecretText {
    /// The secret itself; `None` when it is not set.
    pub(crate) fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(self.0.as_str())
    }

    /// Whether there is one.
    pub(crate) fn is_set(&self) -> bool {
        !self.0.is_empty()
    }
}

impl FromSetting for SecretText {
    const KIND: &'static str = "secret";
    const SAMPLE: &'static str = "";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() { "(set)" } else { "(not set)" })
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) SocketAddr);

impl FromSetting for Address {
    const KIND: &'static str = "address and port";
    const SAMPLE: &'static str = "127.0.0.1:1";

    fn from_text(text: &str) -> Result<Self, String> {
        // "localhost" may mean two addresses, so it is read as the one that every machine has
        let text = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        let wanted = "is not an address and port, for example \"127.0.0.1:8480\" or \"[::1]:8480\"";
        text.parse().map(Self).map_err(|_| wanted.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A network in CIDR notation; a single address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    first: IpAddr,
    prefix: u8,
}

/// The address as 128 bits, with IPv4 inside `::ffff:0:0/96`, so that both spellings of one host compare equal.
fn widen_address(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl Network {
    /// How many of the 128 widened bits must be equal.
    fn mask(self) -> u128 {
        let prefix = u32::from(self.prefix) + if self.first.is_ipv4() { 96 } else { 0 };
        u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
    }

    /// Whether the address lies inside; `::ffff:10.0.0.7` is the same as `10.0.0.7`.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        (widen_address(address) ^ widen_address(self.first)) & self.mask() == 0
    }

    /// Whether it holds every IPv4 address or every IPv6 address.
    pub(crate) fn is_everything(self) -> bool {
        let all_v4 = u128::MAX << 32;
        self.prefix == 0 || (self.mask() <= all_v4 && self.contains(IpAddr::from([0, 0, 0, 0])))
    }
}

impl FromSetting for Network {
    const KIND: &'static str = "network";
    const SAMPLE: &'static str = "10.0.0.0/8";

    fn from_text(text: &str) -> Result<Self, String> {
        let wanted = || "is not an address or network, for example \"10.0.0.7\" or \"10.0.0.0/8\"".to_owned();
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let first: IpAddr = address.parse().map_err(|_| wanted())?;
        let widest = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => widest,
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= widest).ok_or_else(wanted)?,
        };
        let network = Self { first, prefix };
        // 10.0.0.7/8 is more likely a slip than a wish to trust 16 million hosts
        if widen_address(first) & !network.mask() != 0 {
            return Err("has bits set after its prefix; write the first address of the network".into());
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The database, shown without user name and password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Database(DatabaseUrl);

impl Database {
    /// What the store opens.
    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.0
    }
}

impl FromSetting for Database {
    const KIND: &'static str = "database address";
    const SAMPLE: &'static str = "sqlite:x";

    fn from_text(text: &str) -> Result<Self, String> {
        // the store's own sentence is not repeated: it might quote the text, which may hold a password
        let wanted = "is not a database address; write \"sqlite:PATH\" or \"postgres://USER:PASSWORD@HOST/NAME\"";
        DatabaseUrl::parse(text).map(Self).map_err(|_| wanted.into())
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.redacted())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_again() {
        for text in ["0s", "90s", "10m", "12h", "30d", "61m"] {
            assert_eq!(Seconds::from_text(text).map(|read| read.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Seconds::from_text("600").map(|read| read.to_string()).as_deref(), Ok("10m"));
        for text in ["0", "1000", "16KiB", "3MiB"] {
            assert_eq!(ByteSize::from_text(text).map(|read| read.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "m", "1.5h", "-1", "1w", "99999999999999999999", "9999999999999d", "１０m"] {
            assert!(Seconds::from_text(text).is_err() && ByteSize::from_text(&format!("{text}iB")).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_hold_what_lies_inside() {
        let network = |text: &str| Network::from_text(text).expect(text);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(network("10.0.0.0/8").contains(address("10.255.0.1")));
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")), "the same host in IPv6 spelling");
        assert!(!network("10.0.0.0/8").contains(address("11.0.0.1")));
        assert!(
            network("2001:db8::/32").contains(address("2001:db8:1::1"))
                && !network("2001:db8::/32").contains(address("::1"))
        );
        assert!(
            network("10.0.0.7").contains(address("10.0.0.7")) && !network("10.0.0.7").contains(address("10.0.0.6"))
        );
        for everything in ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"] {
            assert!(network(everything).is_everything(), "{everything}");
        }
        assert!(!network("0.0.0.0/1").is_everything() && !network("fc00::/7").is_everything());
        for bad in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "10.0.0.0/", "/8", "localhost"] {
            assert!(Network::from_text(bad).is_err(), "{bad}");
        }
    }
}
