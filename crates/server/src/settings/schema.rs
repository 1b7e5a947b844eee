//! The shape of the settings, traced out of the structs themselves, so that no second list of keys can drift.
//!
//! A deserializer that owns no data walks [`Settings`](super::Settings), answers every question with a sample and writes down what was
//! asked. From the result come the checks of names and types, the reading of variables, and `docs/configuration.md`.

use serde::de::value::{Error, StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::mail::MailServer;
use super::types::{Address, ByteSize, Database, FromSetting, Network, Seconds, SecretText};

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`
    Bool,
    /// a whole number up to this
    Integer(u64),
    /// any text
    Text,
    /// one of the types of [`super::types`], by its `KIND`
    Named(&'static str),
    /// one of these words
    Choice(&'static [&'static str]),
    /// any number of these
    List(Box<Kind>),
    /// keys in the order of the struct
    Table(Vec<(&'static str, Kind)>),
    /// may be absent or `""`
    Optional(Box<Kind>),
}

impl Kind {
    /// The kind behind an optional one.
    pub(crate) fn required(&self) -> &Self {
        if let Self::Optional(inner) = self { inner.required() } else { self }
    }

    /// The fields of a table; none for anything else.
    pub(crate) fn fields(&self) -> &[(&'static str, Kind)] {
        if let Self::Table(fields) = self.required() { fields } else { &[] }
    }

    /// The kind of one field of a table.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(field, _)| *field == name).map(|(_, kind)| kind)
    }

    /// The kind of the elements, when they are tables.
    pub(crate) fn element_table(&self) -> Option<&Self> {
        if let Self::List(element) = self.required() {
            Some(&**element).filter(|kind| matches!(kind, Self::Table(_)))
        } else {
            None
        }
    }

    /// Whether values must never be shown.
    pub(crate) fn is_secret(&self) -> bool {
        *self.required() == Self::Named(SecretText::KIND)
    }

    /// In words, for messages and documents.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Integer(_) => "whole number".into(),
            Self::Text => "text".into(),
            Self::Named(name) => (*name).into(),
            Self::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "),
            Self::List(element) => match **element {
                Self::Named(name) => format!("list of {name}s"),
                _ => format!("list of {}", element.describe()),
            },
            Self::Table(fields) => {
                format!("tables with {}", fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
            }
            Self::Optional(inner) => inner.describe(),
        }
    }
}

/// Traces the shape of a type; an error means that a type in it is of a kind that settings cannot have.
pub(crate) fn trace_kind<T: DeserializeOwned>() -> Result<Kind, Error> {
    let mut kind = Kind::Text;
    T::deserialize(Tracer(&mut kind))?;
    Ok(kind)
}

struct Tracer<'a>(&'a mut Kind);

macro_rules! trace_integers {
    ($($method:ident $max:expr),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            *self.0 = Kind::Integer($max);
            visitor.visit_u8(1)
        }
    )+};
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("a setting must have one type"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        *self.0 = Kind::Bool;
        visitor.visit_bool(false)
    }

    trace_integers!(
        deserialize_u8 u64::from(u8::MAX), deserialize_u16 u64::from(u16::MAX), deserialize_u32 u64::from(u32::MAX),
        deserialize_u64 i64::MAX.cast_unsigned(), deserialize_i32 i32::MAX.cast_unsigned().into(), deserialize_i64 i64::MAX.cast_unsigned(),
    );

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        *self.0 = Kind::Text;
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut inner = Kind::Text;
        let value = visitor.visit_some(Tracer(&mut inner));
        *self.0 = Kind::Optional(Box::new(inner));
        value
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        let Some(sample) = find_sample(name) else { return visitor.visit_newtype_struct(self) };
        *self.0 = Kind::Named(name);
        visitor.visit_newtype_struct::<StrDeserializer<'_, Error>>(sample.into_deserializer())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut element = None;
        let value = visitor.visit_seq(OneElement(&mut element));
        *self.0 = Kind::List(Box::new(element.unwrap_or(Kind::Text)));
        value
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut traced = Vec::new();
        let value = visitor.visit_map(EveryField { names: fields.iter(), traced: &mut traced });
        *self.0 = Kind::Table(traced);
        value
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Kind::Choice(variants);
        // the index, because a variant may have aliases
        visitor.visit_enum::<U32Deserializer<Error>>(0u32.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct map identifier ignored_any
    }
}

/// Yields one element and keeps what it was.
struct OneElement<'a>(&'a mut Option<Kind>);

impl<'de> SeqAccess<'de> for OneElement<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.0.is_some() {
            return Ok(None);
        }
        seed.deserialize(Tracer(self.0.insert(Kind::Text))).map(Some)
    }
}

/// Yields every field once and keeps what each was.
struct EveryField<'a> {
    names: std::slice::Iter<'static, &'static str>,
    traced: &'a mut Vec<(&'static str, Kind)>,
}

impl<'de> MapAccess<'de> for EveryField<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(name) = self.names.next() else { return Ok(None) };
        self.traced.push((name, Kind::Text));
        seed.deserialize::<StrDeserializer<'_, Error>>((*name).into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (_, kind) = self.traced.last_mut().ok_or_else(|| Error::custom("a value without a key"))?;
        seed.deserialize(Tracer(kind))
    }
}

fn find_sample(name: &str) -> Option<&'static str> {
    macro_rules! samples {
        ($($named:ty),+) => { [$((<$named as FromSetting>::KIND, <$named as FromSetting>::SAMPLE)),+] };
    }
    let samples = samples!(Seconds, ByteSize, SecretText, Address, Network, Database, MailServer);
    samples.into_iter().find(|(kind, _)| *kind == name).map(|(_, sample)| sample)
}

/// Whether the value is of this kind; the error is a sentence, and quotes the value only when it is no secret.
///
/// Lists of tables are walked by the caller, who knows the names on the way.
pub(crate) fn check_value(kind: &Kind, value: &toml::Value) -> Result<(), String> {
    use toml::Value;
    match (kind, value) {
        (Kind::Optional(_), Value::String(text)) if text.is_empty() => Ok(()),
        (Kind::Optional(inner), value) => check_value(inner, value),
        (Kind::Bool, Value::Boolean(_)) | (Kind::Text, Value::String(_)) => Ok(()),
        (Kind::Integer(max), Value::Integer(number)) => match u64::try_from(*number) {
            Ok(number) if number <= *max => Ok(()),
            _ => Err(format!("{number} is not between 0 and {max}")),
        },
        (Kind::Choice(words), Value::String(text)) if words.contains(&text.as_str()) => Ok(()),
        (Kind::Choice(words), Value::String(text)) => Err(format!(
            "{} is not {}{}",
            quote_text(text),
            kind.describe(),
            super::faults::did_you_mean(text, words.iter().copied())
        )),
        (Kind::List(element), Value::Array(values)) => values.iter().try_for_each(|value| check_value(element, value)),
        (Kind::Named(name), value @ (Value::String(_) | Value::Integer(_))) => check_named(name, value.clone())
            .map_err(|problem| {
                let shown = if matches!(*name, SecretText::KIND | Database::KIND | MailServer::KIND) {
                    "the value".to_owned()
                } else {
                    show_value(value)
                };
                format!("{shown} {problem}")
            }),
        (kind, value) => Err(format!("needs {}, not {}", with_article(kind), value_type(value))),
    }
}

fn check_named(name: &str, value: toml::Value) -> Result<(), String> {
    macro_rules! check {
        ($($named:ty),+) => {
            match name {
                $(<$named as FromSetting>::KIND => value.try_into::<$named>().map(drop),)+
                _ => Ok(()),
            }
        };
    }
    check!(Seconds, ByteSize, SecretText, Address, Network, Database, MailServer)
        .map_err(|error: toml::de::Error| error.message().to_owned())
}

fn with_article(kind: &Kind) -> String {
    match kind {
        Kind::Bool | Kind::Text | Kind::Choice(_) => kind.describe(),
        Kind::Named(name) if name.starts_with('a') => format!("an {name}"),
        _ => format!("a {}", kind.describe()),
    }
}

fn value_type(value: &toml::Value) -> &'static str {
    match value {
        toml::Value::String(_) => "text",
        toml::Value::Integer(_) => "a number",
        toml::Value::Float(_) => "a fraction",
        toml::Value::Boolean(_) => "true or false",
        toml::Value::Datetime(_) => "a date",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
    }
}

fn show_value(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), quote_text)
}

/// The text in quotation marks, on one line and cut: it goes to a terminal.
pub(crate) fn quote_text(text: &str) -> String {
    let cut: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    format!("\"{cut}{}\"", if text.chars().count() > 60 { "…" } else { "" })
}
