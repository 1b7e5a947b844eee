//! An OpenID provider that is found by discovery. The `openidconnect` crate reads its metadata, makes the request, exchanges the code and
//! verifies the ID token; what it is asked to be strict about stands here.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use gatepost_engine::people::providers::trip::Trip;
use gatepost_protocol::params::Params;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthType, AuthorizationCode,
    ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, IssuerUrl, JsonWebKeySet, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError,
    Scope, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
    UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::fetch::{FetchFault, TOTAL_LIMIT};
use crate::providers::{Door, Person, TripFault, read_code};
use crate::settings::providers::ProviderDecl;

/// How long metadata and keys are used before they are read again.
const FRESH: Duration = Duration::from_secs(3600);
/// How long they are used while the provider cannot be asked for new ones.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// After a failure the provider is left alone for this time, whoever asks.
const PAUSE: Duration = Duration::from_secs(10);
/// Keys are read again for an unknown key at most this often.
const KEY_PAUSE: Duration = Duration::from_secs(60);
/// Longest subject (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// Algorithms of signatures that only the provider can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 10] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EcdsaP521Sha512,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// RFC 9207 §3.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct MoreMetadata {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// What Google says beyond the standard claims.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct MoreClaims {
    #[serde(default)]
    hd: Option<String>,
}

impl AdditionalClaims for MoreClaims {}

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type IdFields = IdTokenFields<
    MoreClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<IdFields, CoreTokenType>;
type Claims = IdTokenClaims<MoreClaims, CoreGenderClaim>;
type TokenFault = RequestTokenError<FetchFault, StandardErrorResponse<CoreErrorResponseType>>;
type OpenIdClient = Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What was read of a provider, and when.
#[derive(Default)]
struct Known {
    metadata: Option<(Metadata, Instant)>,
    failed_at: Option<Instant>,
    keys_read_at: Option<Instant>,
}

/// An OpenID provider.
pub(super) struct OpenIdProvider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    scopes: Vec<Scope>,
    redirect_uri: RedirectUrl,
    door: Door,
    /// held while it is read: all who come meanwhile wait for the one answer
    known: Mutex<Known>,
}

impl OpenIdProvider {
    pub(super) fn new(decl: &ProviderDecl, door: Door) -> Result<Self, String> {
        let wrong = |error| format!("providers.{}: {error}", decl.id);
        Ok(Self {
            issuer: IssuerUrl::new(decl.issuer_url().to_owned()).map_err(wrong)?,
            client_id: ClientId::new(decl.client_id.clone()),
            client_secret: ClientSecret::new(decl.client_secret.expose().unwrap_or_default().to_owned()),
            scopes: decl.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new).collect(),
            redirect_uri: RedirectUrl::new(door.redirect_uri.clone()).map_err(wrong)?,
            door,
            known: Mutex::default(),
        })
    }

    /// The address of its sign-in page, with PKCE and nonce (SO4).
    pub(super) async fn start(&self, trip: &Trip) -> Result<String, TripFault> {
        let metadata = self.find_metadata().await?;
        let client = self.make_client(metadata);
        let (state, nonce) = (CsrfToken::new(trip.state.clone()), Nonce::new(trip.nonce.clone()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(trip.verifier.clone()));
        let (url, _, _) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_redirect_uri(Cow::Borrowed(&self.redirect_uri))
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge)
            .url();
        self.door.check_page(&url)?;
        Ok(url.into())
    }

    /// Exchanges the code and verifies what the ID token says.
    pub(super) async fn finish(&self, trip: &Trip, answer: &Params, now: i64) -> Result<Person, TripFault> {
        let metadata = self.find_metadata().await?;
        self.check_sender(&metadata, answer)?;
        let code = AuthorizationCode::new(read_code(answer)?);
        let mut client = self.make_client(metadata.clone());
        let tokens: Tokens = client
            .exchange_code(code)
            .map_err(|_| TripFault::unreachable("it names no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(trip.verifier.clone()))
            .set_redirect_uri(Cow::Borrowed(&self.redirect_uri))
            .request_async(&self.door.fetcher)
            .await
            .map_err(|error| judge_token_fault(&error))?;
        let claims = match verify(&client, &metadata, &tokens, (trip, now)) {
            Err(Doubt::UnknownKey) => {
                client = self.make_client(self.read_keys_again(metadata.clone()).await?);
                verify(&client, &metadata, &tokens, (trip, now))
            }
            other => other,
        };
        let claims = claims.map_err(|doubt| TripFault::refused(doubt.describe()))?;
        let person = read_person(&claims)?;
        match person.email {
            Some(_) => Ok(person),
            None => self.ask_userinfo(&client, tokens.access_token().clone(), (&claims, person)).await,
        }
    }

    /// RFC 9207 §2.4: an answer that says who sent it must come from this provider, and one that promised to say so must say it.
    fn check_sender(&self, metadata: &Metadata, answer: &Params) -> Result<(), TripFault> {
        let promised = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match answer.one("iss") {
            Some(sender) if sender == self.issuer.as_str() => Ok(()),
            None if !promised => Ok(()),
            _ => Err(TripFault::refused("the answer is from another issuer")),
        }
    }

    fn make_client(&self, metadata: Metadata) -> OpenIdClient {
        let methods = metadata.token_endpoint_auth_methods_supported();
        // client_secret_basic is what counts where nothing is said (OpenID Connect Discovery §3)
        let basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth_type = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        let client =
            OpenIdClient::from_provider_metadata(metadata, self.client_id.clone(), Some(self.client_secret.clone()));
        client.set_auth_type(auth_type)
    }

    /// The metadata and keys, read once an hour.
    async fn find_metadata(&self) -> Result<Metadata, TripFault> {
        let mut known = self.known.lock().await;
        if let Some((metadata, read_at)) = &known.metadata
            && read_at.elapsed() < FRESH
        {
            return Ok(metadata.clone());
        }
        let resting = known.failed_at.is_some_and(|at| at.elapsed() < PAUSE);
        let read = match resting {
            true => Err(TripFault::unreachable("it did not answer a moment ago")),
            false => self.discover().await,
        };
        match read {
            Ok(metadata) => {
                known.metadata = Some((metadata.clone(), Instant::now()));
                known.failed_at = None;
                Ok(metadata)
            }
            Err(fault) => {
                if !resting {
                    known.failed_at = Some(Instant::now());
                }
                let old = known.metadata.as_ref().filter(|(_, read_at)| read_at.elapsed() < STALE);
                old.map(|(metadata, _)| metadata.clone()).ok_or(fault)
            }
        }
    }

    /// Reads metadata and keys, both within the time that one of them may take: whoever waits longer goes away, and nobody would
    /// know afterwards that it did not answer.
    async fn discover(&self) -> Result<Metadata, TripFault> {
        let reading = Metadata::discover_async(self.issuer.clone(), &self.door.fetcher);
        let read = tokio::time::timeout(TOTAL_LIMIT, reading).await;
        read.map_err(|_| TripFault::unreachable("its metadata and keys took too long"))?.map_err(judge_discovery)
    }

    /// The metadata with new keys, for an ID token that none of the known ones signed: the provider may have changed them.
    async fn read_keys_again(&self, metadata: Metadata) -> Result<Metadata, TripFault> {
        let mut known = self.known.lock().await;
        if known.keys_read_at.is_some_and(|at| at.elapsed() < KEY_PAUSE) {
            // somebody else has just read them
            return Ok(known.metadata.as_ref().map_or(metadata, |(metadata, _)| metadata.clone()));
        }
        known.keys_read_at = Some(Instant::now());
        let keys =
            JsonWebKeySet::fetch_async(metadata.jwks_uri(), &self.door.fetcher).await.map_err(judge_discovery)?;
        let metadata = metadata.set_jwks(keys);
        if let Some((known, _)) = &mut known.metadata {
            *known = metadata.clone();
        }
        Ok(metadata)
    }

    /// Asks for the address that is not in the ID token; the subject must be the same (OpenID Connect Core §5.3.2).
    async fn ask_userinfo(
        &self,
        client: &OpenIdClient,
        access_token: AccessToken,
        (claims, person): (&Claims, Person),
    ) -> Result<Person, TripFault> {
        let Ok(request) = client.user_info(access_token, Some(claims.subject().clone())) else { return Ok(person) };
        let info: UserInfoClaims<MoreClaims, CoreGenderClaim> = request
            .request_async(&self.door.fetcher)
            .await
            .map_err(|_| TripFault::unreachable("it does not tell who somebody is"))?;
        let name = info.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        Ok(Person {
            email: info.email().map(|email| email.to_string()),
            email_verified: info.email_verified(),
            name: if person.name.is_empty() { name.unwrap_or_default() } else { person.name },
            workspace: person.workspace.or_else(|| info.additional_claims().hd.clone()),
            subject: person.subject,
        })
    }
}

/// Why an ID token is not believed.
enum Doubt {
    UnknownKey,
    Missing,
    Claims(ClaimsVerificationError),
    AuthorizedParty,
    AccessToken,
}

impl Doubt {
    /// For the log: which rule, and nothing of the token.
    fn describe(&self) -> String {
        let why = match self {
            Self::AuthorizedParty => "its azp is another client",
            Self::UnknownKey => "its key is not known",
            Self::Missing => "there is none",
            Self::AccessToken => "it belongs to another access token",
            Self::Claims(ClaimsVerificationError::Expired(_)) => "it has expired",
            Self::Claims(ClaimsVerificationError::InvalidAudience(_)) => "its aud is not this client",
            Self::Claims(ClaimsVerificationError::InvalidIssuer(_)) => "its iss is another",
            Self::Claims(ClaimsVerificationError::InvalidNonce(_)) => "its nonce is another",
            Self::Claims(ClaimsVerificationError::SignatureVerification(_)) => "its signature is not right",
            Self::Claims(_) => "it is malformed",
        };
        format!("the ID token is not believed: {why}")
    }
}

/// Verifies the ID token: signature by the provider's keys, algorithm, `iss`, `aud`, `azp`, `exp`, `nonce`, `at_hash` (SO4).
fn verify(
    client: &OpenIdClient,
    metadata: &Metadata,
    tokens: &Tokens,
    (trip, now): (&Trip, i64),
) -> Result<Claims, Doubt> {
    let announced = metadata.id_token_signing_alg_values_supported();
    let algorithms = ALGORITHMS.into_iter().filter(|one| announced.contains(one));
    let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
    let verifier = client.id_token_verifier().set_allowed_algs(algorithms).set_time_fn(move || time);
    let token = tokens.id_token().ok_or(Doubt::Missing)?;
    let claims = token.claims(&verifier, &Nonce::new(trip.nonce.clone())).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => Doubt::UnknownKey,
        other => Doubt::Claims(other),
    })?;
    // the library leaves this to us; several audiences it refuses itself (OpenID Connect Core §3.1.3.7 4 and 5)
    if claims.authorized_party().is_some_and(|party| party != client.client_id()) {
        return Err(Doubt::AuthorizedParty);
    }
    if let Some(expected) = claims.access_token_hash() {
        let (Ok(alg), Ok(key)) = (token.signing_alg(), token.signing_key(&verifier)) else {
            return Err(Doubt::AccessToken);
        };
        let real = AccessTokenHash::from_token(tokens.access_token(), alg, key).map_err(|_| Doubt::AccessToken)?;
        if real != *expected {
            return Err(Doubt::AccessToken);
        }
    }
    Ok(claims.clone())
}

fn read_person(claims: &Claims) -> Result<Person, TripFault> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > MAX_SUBJECT {
        return Err(TripFault::refused("the subject is empty or too long"));
    }
    Ok(Person {
        subject: subject.to_owned(),
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified(),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()).unwrap_or_default(),
        workspace: claims.additional_claims().hd.clone(),
    })
}

/// An error of the token endpoint is about the code; anything else is about the provider.
fn judge_token_fault(fault: &TokenFault) -> TripFault {
    match fault {
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::InvalidGrant => TripFault::refused("it does not take the code"),
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                TripFault::unreachable("it does not accept client_id and client_secret")
            }
            _ => TripFault::unreachable("the token endpoint refuses the request"),
        },
        RequestTokenError::Request(fault) => TripFault::unreachable(fault),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            TripFault::unreachable("the token endpoint does not answer as one")
        }
    }
}

fn judge_discovery(fault: DiscoveryError<FetchFault>) -> TripFault {
    match fault {
        DiscoveryError::Request(fault) => TripFault::unreachable(fault),
        DiscoveryError::Validation(_) => TripFault::unreachable("its metadata name another issuer than the settings"),
        DiscoveryError::Response(status, ..) => {
            TripFault::unreachable(format_args!("its metadata cannot be read: {status}"))
        }
        _ => TripFault::unreachable("its metadata or keys are malformed"),
    }
}
