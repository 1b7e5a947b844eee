//! What the pages show.

use crate::pages::kit::errors::compare::{Marked, find_closest, judge_redirect};
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// Why a person sees an error page; texts are `error.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ErrorKind {
    /// 404.
    NotFound,
    /// 403, for administrators only.
    Forbidden,
    /// 403, sign-up is closed.
    SignupClosed,
    /// 400, the form's token is missing, wrong or too old.
    FormExpired,
    /// 400, the browser sent no cookie back.
    CookiesOff,
    /// 400, the authorization request is too old or was changed.
    RequestTooOld,
    /// 400, the authorization request was answered already.
    RequestUsed,
    /// 400, anything else in what was sent.
    BadRequest,
    /// 429.
    TooManyTries,
    /// 500.
    Broken,
    /// 503, the database does not answer.
    Unavailable,
}

impl ErrorKind {
    /// HTTP status of the page.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Forbidden | Self::SignupClosed => 403,
            Self::FormExpired | Self::CookiesOff | Self::RequestTooOld | Self::RequestUsed | Self::BadRequest => 400,
            Self::TooManyTries => 429,
            Self::Broken => 500,
            Self::Unavailable => 503,
        }
    }
}

/// An error in plain words.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ErrorView {
    /// Which words.
    pub(crate) kind: ErrorKind,
    /// `req_…`, the same id as in the log and the response header.
    pub(crate) reference: String,
    /// Seconds to wait, for [`ErrorKind::TooManyTries`].
    pub(crate) wait_seconds: Option<u64>,
    /// Name of the app that the person came from.
    pub(crate) app: Option<String>,
}

impl ErrorView {
    /// An error page without wait and app.
    pub(crate) fn new(kind: ErrorKind, reference: impl Into<String>) -> Self {
        Self { kind, reference: reference.into(), wait_seconds: None, app: None }
    }
}

/// The rule that an authorization request broke, where no redirect is allowed; texts are `rule.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// `client_id` is missing.
    ClientMissing,
    /// No client has this id.
    ClientUnknown,
    /// The parameter was sent twice (RFC 6749 §3.1).
    Repeated,
    /// `redirect_uri` is missing.
    RedirectMissing,
    /// `redirect_uri` is no absolute URI.
    RedirectMalformed,
    /// `redirect_uri` has a fragment (RFC 6749 §3.1.2).
    Fragment,
    /// `http` to another computer.
    HttpLoopbackOnly,
    /// Differs in a slash at the end.
    SlashAtEnd,
    /// Differs in capital letters.
    LetterCase,
    /// Differs in the port, where that is not allowed.
    Port,
    /// `localhost` against `127.0.0.1` and the like.
    LoopbackName,
    /// Differs in the scheme.
    Scheme,
    /// Differs in the host.
    Host,
    /// Differs in the path.
    Path,
    /// Differs in the query.
    Query,
    /// Nothing like it is registered.
    NotRegistered,
}

/// Which request went wrong, and when.
#[derive(Clone, Debug)]
pub(crate) struct Occasion {
    /// `req_…`, the same id as in the log and the response header.
    pub(crate) reference: String,
    /// When.
    pub(crate) at: Moment,
}

/// "This sign-in request is not set up correctly": the 400 page of an authorization request that must not redirect.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct DeveloperErrorView {
    /// Name of the app, if the client is known.
    pub(crate) app: Option<String>,
    /// `client_id` as sent.
    pub(crate) client_id: Option<String>,
    /// Error code, `invalid_redirect_uri`.
    pub(crate) code: String,
    /// Parameter that is wrong.
    pub(crate) parameter: String,
    /// What was sent in it.
    pub(crate) sent: Option<Marked>,
    /// Closest registered value; only where showing it is allowed.
    pub(crate) registered: Option<Marked>,
    /// The rule.
    pub(crate) rule: Rule,
    /// Command that would register what was sent; only where showing it is allowed.
    pub(crate) command: Option<String>,
    /// `req_…`, the same id as in the log and the response header.
    pub(crate) reference: String,
    /// When.
    pub(crate) at: Moment,
}

impl DeveloperErrorView {
    /// An error of one parameter, with what was sent in it.
    pub(crate) fn new(code: &str, parameter: &str, sent: Option<&str>, rule: Rule, occasion: Occasion) -> Self {
        Self {
            app: None,
            client_id: None,
            code: code.to_owned(),
            parameter: parameter.to_owned(),
            sent: sent.map(Marked::plain),
            registered: None,
            rule,
            command: None,
            reference: occasion.reference,
            at: occasion.at,
        }
    }

    /// A redirect URI that is not registered; registered values and the command are shown only if `show`.
    pub(crate) fn for_redirect(sent: Option<&str>, registered: &[String], show: bool, occasion: Occasion) -> Self {
        let text = sent.unwrap_or_default();
        let closest = find_closest(text, registered);
        let mut view = Self::new("invalid_redirect_uri", "redirect_uri", sent, judge_redirect(text, closest), occasion);
        if let (true, Some(closest), false) = (show, closest, text.is_empty()) {
            let (sent, registered) = Marked::compare(text, closest);
            (view.sent, view.registered) = (Some(sent), Some(registered));
        }
        view
    }

    /// Names the client; with `show` also the command that registers the redirect URI, if it can be registered at all.
    pub(crate) fn about_client(mut self, client_id: &str, app: Option<&str>, show: bool) -> Self {
        self.client_id = Some(client_id.to_owned());
        self.app = app.map(str::to_owned);
        let sent = self.sent.as_ref().map(|sent| format!("{}{}{}", sent.before, sent.middle, sent.after));
        if let (true, "redirect_uri", Some(sent)) = (show, self.parameter.as_str(), sent) {
            self.command = write_command(client_id, &sent, self.rule);
        }
        self
    }
}

/// The command that adds a redirect URI; none for values that would be refused or that cannot be pasted safely.
fn write_command(client_id: &str, sent: &str, rule: Rule) -> Option<String> {
    let refused = matches!(
        rule,
        Rule::RedirectMissing | Rule::RedirectMalformed | Rule::Fragment | Rule::HttpLoopbackOnly | Rule::Repeated
    );
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic() && c != '\'');
    if refused || sent.len() > 200 || client_id.starts_with('-') || !is_plain(sent) || !is_plain(client_id) {
        return None;
    }
    let is_word = client_id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let client = if is_word { client_id.to_owned() } else { format!("'{client_id}'") };
    Some(format!("gatepost client edit {client} --add-redirect-uri '{sent}'"))
}

impl View for ErrorView {
    const TEMPLATE: &'static str = "error.html";
}

impl View for DeveloperErrorView {
    const TEMPLATE: &'static str = "developer_error.html";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_safe_to_paste_or_absent() {
        let occasion = || Occasion { reference: "req_1".into(), at: Moment::new(0, 0) };
        let registered = ["https://n.example/cb".to_owned()];
        let command = |sent: &str, show| {
            DeveloperErrorView::for_redirect(Some(sent), &registered, show, occasion())
                .about_client("notes", None, show)
                .command
        };
        assert_eq!(
            command("https://n.example/cb/", true).as_deref(),
            Some("gatepost client edit notes --add-redirect-uri 'https://n.example/cb/'")
        );
        assert_eq!(command("https://n.example/cb/", false), None);
        assert_eq!(command("https://n.example/'; rm -rf ~; '", true), None);
        assert_eq!(command("http://n.example/cb", true), None);
        let hidden = DeveloperErrorView::for_redirect(Some("https://n.example/x"), &registered, false, occasion());
        assert_eq!(hidden.registered, None);
        assert_eq!(hidden.sent, Some(Marked::plain("https://n.example/x")));
    }
}
