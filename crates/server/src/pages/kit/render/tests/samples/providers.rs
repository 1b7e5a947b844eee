//! Pages around sign-in through other providers.

use crate::pages::account::providers::view::{LinkedRow, ProvidersView};
use crate::pages::kit::providers::{OfferView, ProviderButton};
use crate::pages::kit::render::tests::samples::{Samples, ago};
use crate::pages::sign_in::provider::view::{ProviderGoView, ProviderTrouble, ProviderTroubleView};

impl Samples<'_> {
    pub(super) fn provider_buttons(&self) -> Vec<ProviderButton> {
        ["Google", "Acme Staff"].map(|name| ProviderButton { id: self.s("google"), name: self.s(name) }).into()
    }

    pub(super) fn offer(&self) -> OfferView {
        OfferView { provider: self.s("Google"), email: self.s("ada@example.com") }
    }

    pub(super) fn add_providers(&mut self) {
        let go = ProviderGoView {
            provider: self.s("Google"),
            uri: "https://accounts.google.com/o/oauth2/v2/auth?state=a&nonce=b".into(),
        };
        self.add("hand-over-provider", &go);
        for kind in [
            ProviderTrouble::Unreachable,
            ProviderTrouble::Refused,
            ProviderTrouble::Gone,
            ProviderTrouble::Unverified,
            ProviderTrouble::OtherDomain,
            ProviderTrouble::AccountOff,
            ProviderTrouble::Closed,
            ProviderTrouble::InviteNeeded,
            ProviderTrouble::Taken,
        ] {
            let view = ProviderTroubleView {
                kind,
                provider: self.s("Google"),
                tx: self.o("sealed.request"),
                linking: kind == ProviderTrouble::Taken,
                reference: self.s("req_ABCD2345"),
            };
            self.add(&format!("provider-trouble-{kind:?}"), &view);
        }
        let row = LinkedRow {
            issuer: self.s("https://accounts.google.com"),
            subject: self.s("1234"),
            provider: self.s("Google"),
            email: self.s("ada@example.com"),
            since: ago(86_400 * 30),
            last_used: ago(600),
            last_way: false,
        };
        let view = ProvidersView {
            frame: self.frame(None),
            linked: vec![row.clone(), LinkedRow { email: String::new(), ..row.clone() }],
            others: self.provider_buttons(),
            connected: None,
            disconnected: false,
            refused: false,
        };
        self.add("providers", &view);
        self.add(
            "providers-connected",
            &ProvidersView { connected: self.o("Google"), others: Vec::new(), ..view.clone() },
        );
        self.add("providers-disconnected", &ProvidersView { disconnected: true, linked: Vec::new(), ..view.clone() });
        let last = vec![LinkedRow { last_way: true, ..row }];
        self.add("providers-last-way", &ProvidersView { refused: true, linked: last, ..view.clone() });
        self.add("providers-none", &ProvidersView { linked: Vec::new(), others: Vec::new(), ..view });
    }
}
