//! Which database: decided by the scheme alone, because SQLite would open a file of any name.

use std::path::{Path, PathBuf};

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:path/to/file.db`
    SqliteFile(PathBuf),
    /// `sqlite::memory:`: gone when the process ends; for tests of decisions
    SqliteMemory,
    /// `postgres://…` or `postgresql://…`, passed to libpq as it is
    Postgres(String),
}

/// The URL has a scheme that is neither `sqlite:` nor `postgres:`, or no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlFault(String);

impl std::fmt::Display for UrlFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UrlFault {}

impl DatabaseUrl {
    /// Reads `sqlite:PATH`, `sqlite::memory:` or `postgres://…`; anything else is refused.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return match path {
                "" => Err(UrlFault("sqlite: needs a path, for example sqlite:data/gatepost.db".into())),
                ":memory:" => Ok(Self::SqliteMemory),
                path => Ok(Self::SqliteFile(Path::new(path).to_owned())),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(UrlFault("a database URL starts with sqlite: or postgres://".into()))
    }

    /// What libpq is given: a server that hangs, or a network that swallows everything, must not hold a connection for
    /// minutes. What the operator wrote stays.
    pub(crate) fn with_deadlines(url: &str) -> String {
        const DEADLINES: [(&str, &str); 5] = [
            ("connect_timeout", "2"),
            ("tcp_user_timeout", "3000"),
            ("keepalives_idle", "5"),
            ("keepalives_interval", "2"),
            ("keepalives_count", "2"),
        ];
        let mut whole = url.to_owned();
        for (name, value) in DEADLINES {
            let query = url.split_once('?').map_or("", |(_, query)| query);
            if query.split('&').any(|pair| pair.split('=').next() == Some(name)) {
                continue;
            }
            match whole.find('?') {
                None => whole.push('?'),
                Some(_) if whole.ends_with(['?', '&']) => {}
                Some(_) => whole.push('&'),
            }
            whole.push_str(name);
            whole.push('=');
            whole.push_str(value);
        }
        whole
    }

    /// The URL without user name and password, for people and logs.
    pub fn redacted(&self) -> String {
        match self {
            Self::SqliteFile(path) => format!("sqlite:{}", path.display()),
            Self::SqliteMemory => "sqlite::memory:".into(),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
                let authority_end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(authority_end);
                format!("{scheme}://{}{path}", authority.rsplit_once('@').map_or(authority, |(_, host)| host))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_schemes_are_known() {
        assert_eq!(DatabaseUrl::parse("sqlite:a.db"), Ok(DatabaseUrl::SqliteFile("a.db".into())));
        assert_eq!(DatabaseUrl::parse("sqlite:///var/a.db"), Ok(DatabaseUrl::SqliteFile("/var/a.db".into())));
        assert!(matches!(DatabaseUrl::parse("postgresql://h/d"), Ok(DatabaseUrl::Postgres(_))));
        for bad in ["host=localhost dbname=x", "mysql://h/d", "a.db", "", "sqlite:"] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn r_52_a_connection_has_deadlines_unless_the_operator_chose_others() {
        assert_eq!(
            DatabaseUrl::with_deadlines("postgres://h/d?connect_timeout=9&sslmode=require"),
            "postgres://h/d?connect_timeout=9&sslmode=require&tcp_user_timeout=3000&keepalives_idle=5\
             &keepalives_interval=2&keepalives_count=2"
        );
        for url in ["postgres://h/d", "postgres://h/d?"] {
            assert!(DatabaseUrl::with_deadlines(url).starts_with("postgres://h/d?connect_timeout=2&"), "{url}");
        }
    }

    #[test]
    fn r_62_a_password_in_the_url_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://ada:se@cret@db.example:5432/gp?password=x").expect("a URL");
        assert_eq!(url.redacted(), "postgres://db.example:5432/gp");
    }
}
