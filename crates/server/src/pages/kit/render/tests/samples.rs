//! One view of every page in every state, with the same text in all fields for the test of escaping.

mod account;
mod admin;
mod invites;
mod mailed;
mod passkeys;
mod personal;
mod providers;
mod second;

use crate::pages::consent::view::{ApiView, ConsentView, HandOverView, Trust};
use crate::pages::home::view::HomeView;
use crate::pages::kit::collected::SAMPLES;
use crate::pages::kit::errors::view::{DeveloperErrorView, ErrorKind, ErrorView, Occasion, Rule};
use crate::pages::kit::fault::{AccountFaults, Fault};
use crate::pages::kit::notice::Notice;
use crate::pages::kit::passkey::{PasskeyOffer, PasskeyTrouble};
use crate::pages::kit::render::Pages;
use crate::pages::kit::return_to::ReturnTo;
use crate::pages::kit::scopes::ScopeView;
use crate::pages::kit::view::{Moment, View};
use crate::pages::setup::view::{SetupGoneView, SetupView};
use crate::pages::sign_in::login::view::LoginView;
use crate::pages::sign_out::view::{LogoutView, SignedOutView, StillSignedIn};
use crate::pages::sign_up::view::{InvitePart, SignupView};
use gatepost_engine::SignUpMode;
use std::collections::BTreeSet;

const NOW: i64 = 1_793_228_400; // 28 October 2026, 23:00 UTC
const DAY: i64 = 86_400;

/// A page and what it is called.
pub(crate) type Sample = (String, String);

/// Makes the samples; with `replace` all texts are that text.
pub(crate) struct Samples<'a> {
    pages: &'a Pages,
    replace: Option<&'a str>,
    made: Vec<Sample>,
    /// The templates that were used.
    pub(super) shown: BTreeSet<&'static str>,
}

/// The pages of every state.
pub(super) fn make_samples(pages: &Pages, replace: Option<&str>) -> Vec<Sample> {
    let mut samples = Samples::new(pages, replace);
    samples.add_all();
    samples.made
}

fn ago(seconds: i64) -> Moment {
    Moment::new(NOW - seconds, NOW)
}

impl<'a> Samples<'a> {
    pub(super) fn new(pages: &'a Pages, replace: Option<&'a str>) -> Self {
        Self { pages, replace, made: Vec::new(), shown: BTreeSet::new() }
    }
}

impl Samples<'_> {
    /// The pages of this folder, and those that have a `samples.rs` of their own.
    pub(super) fn add_all(&mut self) {
        self.add_sign_in();
        self.add_consent();
        self.add_endings();
        self.add_errors();
        self.add_setup();
        self.add_account();
        self.add_second_steps();
        self.add_passkeys();
        self.add_providers();
        self.add_administration();
        self.add_invites();
        self.add_mailed();
        for add in SAMPLES {
            add(self);
        }
    }

    /// A page in one of its states.
    pub(crate) fn add<V: View>(&mut self, name: &str, view: &V) {
        self.shown.insert(V::TEMPLATE);
        self.made.push((name.to_owned(), self.pages.render(view)));
    }

    /// A text from outside.
    pub(crate) fn s(&self, text: &str) -> String {
        self.replace.unwrap_or(text).to_owned()
    }

    /// The same where there may be none.
    pub(crate) fn o(&self, text: &str) -> Option<String> {
        Some(self.s(text))
    }

    fn scope(&self, name: &str, sentence: &str, sensitive: bool) -> ScopeView {
        let sentence = (!sentence.is_empty()).then(|| self.s(sentence));
        ScopeView { name: self.s(name), sentence, api: self.o("Acme Notes API"), sensitive, already: false }
    }

    fn add_sign_in(&mut self) {
        let login = LoginView {
            csrf: self.s("c5rf"),
            tx: self.o("sealed.request"),
            app: self.o("Acme Notes"),
            email: String::new(),
            failed: false,
            signup: SignUpMode::Open,
            notice: None,
            passkeys: PasskeyOffer::new(true),
            providers: Vec::new(),
            offer: None,
            mail: true,
            email_fault: None,
        };
        self.add("login", &login);
        let fault = Some(Fault::EmailMissing);
        self.add("login-link-fault", &LoginView { email_fault: fault, ..login.clone() });
        self.add("login-failed-no-mail", &LoginView { failed: true, mail: false, ..login.clone() });
        let email = self.s("ada@example.com");
        self.add("login-failed", &LoginView { failed: true, email: email.clone(), ..login.clone() });
        self.add("login-failed-empty", &LoginView { failed: true, ..login.clone() });
        let plain = LoginView { app: None, tx: None, signup: SignUpMode::Closed, ..login.clone() };
        self.add("login-plain", &plain);
        self.add("login-invite", &LoginView { signup: SignUpMode::Invite, ..login.clone() });
        self.add("login-notice", &LoginView { notice: Some(Notice::SignInAgain), email, ..plain });
        let passkeys = self.passkey_offer(PasskeyTrouble::Unknown);
        self.add("login-passkey-unknown", &LoginView { passkeys, ..login.clone() });
        let passkeys = self.passkey_offer(PasskeyTrouble::Failed);
        self.add("login-passkey-failed", &LoginView { passkeys, ..login.clone() });
        self.add("login-long", &LoginView { app: Some("W".repeat(60)), ..login.clone() });
        let (providers, offer) = (self.provider_buttons(), Some(self.offer()));
        self.add("login-providers", &LoginView { providers: providers.clone(), ..login.clone() });
        self.add("login-cancelled", &LoginView { notice: Some(Notice::ProviderCancelled), ..login.clone() });
        self.add("login-offer", &LoginView { providers: providers.clone(), offer, ..login });

        let signup = SignupView {
            csrf: self.s("c5rf"),
            tx: self.o("sealed.request"),
            app: self.o("Acme Notes"),
            email: self.s("ada@example"),
            name: self.s("Ada"),
            min_password: 15,
            invite: InvitePart::default(),
            faults: AccountFaults::default(),
            passkeys: PasskeyOffer::new(true),
            providers: Vec::new(),
        };
        self.add("signup", &SignupView { email: String::new(), name: String::new(), ..signup.clone() });
        let one = AccountFaults { password: Some(Fault::PasswordCommon), ..AccountFaults::default() };
        self.add("signup-fault", &SignupView { faults: one, ..signup.clone() });
        let faults = AccountFaults {
            email: Some(Fault::EmailInvalid),
            name: Some(Fault::NameLong { max: 100 }),
            password: Some(Fault::PasswordShort { min: 15, n: 8 }),
        };
        let passkeys = self.passkey_offer(PasskeyTrouble::Failed);
        self.add("signup-passkey-failed", &SignupView { passkeys, ..signup.clone() });
        self.add("signup-faults", &SignupView { faults, ..signup.clone() });
        self.add("signup-providers", &SignupView { providers, ..signup });
    }

    fn add_consent(&mut self) {
        let offline =
            ScopeView { name: "offline_access".into(), sentence: None, api: None, sensitive: false, already: false };
        let openid = ScopeView { name: "openid".into(), ..offline.clone() };
        let view = ConsentView {
            csrf: self.s("c5rf"),
            tx: self.s("sealed.request"),
            app: self.s("Field Agent"),
            email: self.s("ada@example.com"),
            trust: Trust::Unverified { host: self.o("agents.example") },
            scopes: vec![
                self.scope("notes:write", "Change and delete your notes", true),
                self.scope("notes:read", "Read your notes and notebooks", false),
                offline.clone(),
            ],
            away_days: 30,
            returns_to: ReturnTo::new(&self.s("http://127.0.0.1:53211/callback")),
            apis: vec![ApiView { name: self.s("Acme Notes API"), uri: self.s("https://notes.acme.example/mcp") }],
        };
        self.add("consent", &view);
        let web = ConsentView {
            app: self.s("Acme Notes"),
            trust: Trust::Verified { publisher: self.o("Acme") },
            returns_to: ReturnTo::new(&self.s("https://notes.acme.example/callback")),
            ..view.clone()
        };
        self.add("consent-web", &web);
        let scheme = ConsentView {
            trust: Trust::Unverified { host: None },
            returns_to: ReturnTo::new(&self.s("com.example.agent:/callback")),
            scopes: vec![self.scope("notes:export", "", false), openid.clone()],
            ..view.clone()
        };
        self.add("consent-scheme", &scheme);
        let mut more = web.clone();
        more.scopes[1].already = true;
        more.scopes.push(ScopeView { already: true, ..openid.clone() });
        self.add("consent-more", &more);
        let mut apis = web.clone();
        apis.apis.push(ApiView { name: self.s("Acme Files API"), uri: self.s("https://files.acme.example/") });
        apis.scopes.push(ScopeView {
            api: self.o("Acme Files API"),
            ..self.scope("files:admin", "See and delete the files of everybody", true)
        });
        apis.scopes.push(openid);
        self.add("consent-apis", &apis);
        let mut long = view;
        long.app = "W".repeat(60);
        long.returns_to =
            ReturnTo::new(&format!("https://a-rather-long-host-name.example.com/{}", "callback/".repeat(20)));
        self.add("consent-long", &long);
        self.add("consent-nothing", &ConsentView { scopes: Vec::new(), apis: Vec::new(), ..web });
    }

    fn add_endings(&mut self) {
        let web = self.s("https://notes.acme.example/callback?code=gp_ac_x&state=a%20b&iss=https%3A%2F%2Fa");
        self.add("hand-over", &HandOverView::new(self.o("Acme Notes"), web));
        let scheme = self.s("com.example.agent:/callback?code=gp_ac_x");
        self.add("hand-over-scheme", &HandOverView::new(self.o("Field Agent"), scheme));
        self.add("hand-over-loopback", &HandOverView::new(None, self.s("http://127.0.0.1:5000/cb?code=x")));
        let logout = LogoutView {
            csrf: self.s("c5rf"),
            tx: self.o("tx"),
            app: self.o("Acme Notes"),
            email: self.s("ada@example.com"),
        };
        self.add("logout", &logout);
        self.add("signed-out", &SignedOutView { app: None, return_to: None, still: Vec::new() });
        let still = vec![StillSignedIn { app: self.s("Acme Files"), until: ago(-3 * 3600) }];
        let back = SignedOutView { app: self.o("Acme Notes"), return_to: self.o("https://notes.acme.example/"), still };
        self.add("signed-out-back", &back);
        self.add("home", &HomeView { email: None, csrf: self.s("c5rf"), signup: SignUpMode::Open });
        self.add(
            "home-signed-in",
            &HomeView { email: self.o("ada@example.com"), csrf: self.s("c5rf"), signup: SignUpMode::Open },
        );
    }

    fn add_errors(&mut self) {
        use ErrorKind::*;
        for kind in [
            NotFound,
            SignupClosed,
            FormExpired,
            CookiesOff,
            RequestTooOld,
            RequestUsed,
            BadRequest,
            TooManyTries,
            Broken,
            Unavailable,
        ] {
            let view = ErrorView::new(kind, self.s("req_7HQ2K9"));
            self.add(&format!("error-{kind:?}"), &view);
            let detailed = ErrorView { wait_seconds: Some(130), app: self.o("Acme Notes"), ..view };
            self.add(&format!("error-{kind:?}-detailed"), &detailed);
        }
        let occasion = || Occasion { reference: self.s("req_7HQ2K9"), at: ago(0) };
        let registered = [self.s("https://notes.acme.example/callback"), "com.acme.notes:/callback".to_owned()];
        let sent = self.s("https://notes.acme.example/callback/");
        let (id, app) = (self.s("acme-notes"), self.s("Acme Notes"));
        let redirect = |show| {
            DeveloperErrorView::for_redirect(Some(&sent), &registered, show, occasion()).about_client(
                &id,
                Some(&app),
                show,
            )
        };
        let (shown, hidden) = (redirect(true), redirect(false));
        let long = format!("https://evil.example/{}", "x/".repeat(400));
        let long = DeveloperErrorView::for_redirect(Some(&long), &registered, true, occasion());
        let missing = DeveloperErrorView::for_redirect(None, &[], true, occasion()).about_client(&id, None, true);
        let unknown = self.s("acme-nots");
        let unknown =
            DeveloperErrorView::new("invalid_client", "client_id", Some(&unknown), Rule::ClientUnknown, occasion());
        let code = self.s("invalid_request");
        let other = DeveloperErrorView::new(&code, &code, Some(&code), Rule::Repeated, occasion());
        self.add("developer", &shown);
        self.add("developer-hidden", &hidden);
        self.add("developer-long", &long);
        self.add("developer-missing", &missing);
        self.add("developer-client", &unknown);
        self.add("developer-other", &other);
    }

    fn add_setup(&mut self) {
        let view = SetupView {
            csrf: self.s("c5rf"),
            token: self.s("gp_setup_3Yb9"),
            email: String::new(),
            name: String::new(),
            min_password: 15,
            faults: AccountFaults::default(),
        };
        self.add("setup", &view);
        let faults = AccountFaults { email: Some(Fault::EmailMissing), ..AccountFaults::default() };
        self.add("setup-fault", &SetupView { faults, name: self.s("Ada"), email: self.s("ada"), ..view });
        self.add("setup-gone", &SetupGoneView { has_administrator: false });
        self.add("setup-gone-administrator", &SetupGoneView { has_administrator: true });
    }
}
