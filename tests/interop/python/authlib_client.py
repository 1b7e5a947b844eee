"""Authlib, with requests and with httpx, as a web app, a command-line program, a service and an API would use it."""

import os
from urllib.parse import parse_qs, urlsplit

# Authlib speaks plain HTTP, even on loopback, only when this says so
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from checks import Checks, expect, expect_refusal, setting
from person import Loopback, Person

ISSUER = setting("ISSUER")
SCOPE = "notes:read offline_access"
INACTIVE = {"active": False}
checks = Checks()


class App:
    """One way of being a client: an id, a secret or none, a library."""

    def __init__(self, label, library, prefix, method):
        self.label = label
        self.library = library
        self.id = setting(f"{prefix}_ID")
        self.redirect = setting(f"{prefix}_REDIRECT")
        self.secret = None if method == "none" else setting(f"{prefix}_SECRET")
        self.method = method

    def connect(self, redirect_uri=None):
        """A fresh object of the library."""
        return self.library(
            self.id,
            self.secret,
            scope=SCOPE,
            redirect_uri=redirect_uri or self.redirect,
            token_endpoint_auth_method=self.method,
            revocation_endpoint_auth_method=self.method,
            code_challenge_method="S256",
        )


def load_metadata():
    """Reads and validates the metadata as RFC 8414 has it."""
    answer = httpx.get(get_well_known_url(ISSUER, external=True))
    answer.raise_for_status()
    metadata = AuthorizationServerMetadata(answer.json())
    metadata.validate()
    expect(metadata["issuer"] == ISSUER, metadata["issuer"])
    return metadata


def introspect(metadata, token, prefix="API"):
    """Asks as an API whether a token is good."""
    api = OAuth2Session(setting(f"{prefix}_ID"), setting(f"{prefix}_SECRET"), token_endpoint_auth_method="client_secret_basic")
    answer = api.introspect_token(metadata["introspection_endpoint"], token=token)
    answer.raise_for_status()
    return answer.json()


def authorize(metadata, app, person, decision="allow", pkce=True):
    """Sends the person through an authorization request; returns the library's object, its verifier and the address that the app got."""
    loopback = Loopback(app.redirect) if app.method == "none" else None
    try:
        client = app.connect(loopback.redirect_uri if loopback else None)
        verifier = generate_token(48)
        url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier if pkce else None)
        callback = person.answer(url, client.redirect_uri, decision)
        if loopback:
            httpx.get(callback)
            callback = loopback.wait()
        query = parse_qs(urlsplit(callback).query)
        expect(query["state"] == [state], "another state came back")
        expect(query["iss"] == [ISSUER], f"iss is {query.get('iss')}")
        if "error" in query:
            # what Authlib's web frameworks do with an answer that carries an error
            raise OAuthError(error=query["error"][0], description=query.get("error_description", [None])[0])
        return client, verifier, callback
    finally:
        if loopback:
            loopback.close()


def exchange(metadata, client, verifier, callback):
    """Trades the code for tokens."""
    return client.fetch_token(metadata["token_endpoint"], authorization_response=callback, code_verifier=verifier)


def log_in(metadata, app, person):
    """A whole log-in; returns the library's object and the tokens."""
    client, verifier, callback = authorize(metadata, app, person)
    return client, exchange(metadata, client, verifier, callback)


def refresh(metadata, client, token):
    """Trades a refresh token for new tokens."""
    return dict(client.refresh_token(metadata["token_endpoint"], refresh_token=token))


def check_refusals(metadata, app, person):
    """What must not work; before consent is remembered."""
    checks.run(f'{app.label}: "Don\'t allow" comes back as access_denied', lambda: expect_refusal(lambda: authorize(metadata, app, person, "deny"), OAuthError, "access_denied"))
    checks.run(f"{app.label}: a request without PKCE is refused", lambda: expect_refusal(lambda: authorize(metadata, app, person, pkce=False), OAuthError, "invalid_request"))

    def wrong_redirect():
        client = app.connect("https://evil.example/callback")
        page = person.open(client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=generate_token(48))[0])
        expect(page.status_code == 400, f"status {page.status_code}")
        expect(page.headers["content-type"].startswith("text/html"), page.headers["content-type"])
        expect("location" not in page.headers, "it redirects")

    checks.run(f"{app.label}: a wrong redirect address gets an error page and no redirect", wrong_redirect)


def check_life_of_tokens(metadata, app, person):
    """From log-in to the end of a family of tokens."""

    def first():
        client, tokens = log_in(metadata, app, person)
        expect(tokens["token_type"].lower() == "bearer", tokens["token_type"])
        expect(tokens["refresh_token"], "no refresh token")
        expect(tokens["expires_in"] > 0, "no expiry")
        found = introspect(metadata, tokens["access_token"])
        expect(found["active"] is True, found)
        expect(found["client_id"] == app.id, found)
        expect("notes:read" in found["scope"].split(), found)
        expect(introspect(metadata, tokens["access_token"], "OTHER_API") == INACTIVE, "another API learns about it")
        return client, dict(tokens)

    client, tokens = checks.run(f"{app.label}: log in with code and PKCE, and introspect", first) or (None, {})

    def rotate():
        renewed = refresh(metadata, client, tokens["refresh_token"])
        expect(renewed["refresh_token"] != tokens["refresh_token"], "the refresh token stayed the same")
        expect(introspect(metadata, renewed["access_token"])["active"] is True, "the new token is not active")
        return renewed

    renewed = checks.run(f"{app.label}: refresh gives a new pair", rotate) or {}

    def reuse():
        expect_refusal(lambda: refresh(metadata, client, tokens["refresh_token"]), OAuthError, "invalid_grant")
        expect(introspect(metadata, renewed["access_token"]) == INACTIVE, "tokens of the family live on")

    checks.run(f"{app.label}: a refresh token that comes twice is refused and ends its family", reuse)

    def revoke():
        client, tokens = log_in(metadata, app, person)
        tokens = dict(tokens)
        answer = client.revoke_token(metadata["revocation_endpoint"], token=tokens["refresh_token"], token_type_hint="refresh_token")
        expect(answer.status_code == 200, f"status {answer.status_code}")
        expect(introspect(metadata, tokens["access_token"]) == INACTIVE, "the access token lives on")
        expect_refusal(lambda: refresh(metadata, client, tokens["refresh_token"]), OAuthError, "invalid_grant")

    checks.run(f"{app.label}: revocation ends both tokens", revoke)

    def replay():
        client, verifier, callback = authorize(metadata, app, person)
        tokens = dict(exchange(metadata, client, verifier, callback))
        expect_refusal(lambda: exchange(metadata, client, verifier, callback), OAuthError, "invalid_grant")
        expect(introspect(metadata, tokens["access_token"]) == INACTIVE, "the first tokens live on")

    checks.run(f"{app.label}: a code works once, and its second use ends its tokens", replay)


def check_service(metadata):
    """A service without people."""

    def credentials():
        for library in (OAuth2Session, OAuth2Client):
            service = library(setting("SERVICE_ID"), setting("SERVICE_SECRET"), token_endpoint_auth_method="client_secret_basic")
            tokens = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="notes:read")
            expect("refresh_token" not in tokens, "a service got a refresh token")
            found = introspect(metadata, tokens["access_token"])
            expect(found["active"] is True and found["client_id"] == setting("SERVICE_ID"), found)

    checks.run("service: client credentials", credentials)

    def wrong_secret():
        service = OAuth2Session(setting("SERVICE_ID"), "x" * 43, token_endpoint_auth_method="client_secret_basic")
        expect_refusal(lambda: service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials"), OAuthError, "invalid_client")

    checks.run("service: a wrong secret is invalid_client", wrong_secret)


def main():
    """All checks."""
    metadata = checks.run("discovery by RFC 8414", load_metadata)
    if metadata is None:
        checks.finish()
    apps = [
        App("native (httpx)", OAuth2Client, "NATIVE", "none"),
        App("native (requests)", OAuth2Session, "NATIVE", "none"),
        App("basic (requests)", OAuth2Session, "BASIC", "client_secret_basic"),
        App("post (httpx)", OAuth2Client, "POST", "client_secret_post"),
    ]
    for app in apps:
        # consent is remembered for some apps, so what needs the question comes first
        person = Person(setting("USER_EMAIL"), setting("USER_PASSWORD"))
        check_refusals(metadata, app, person)
        check_life_of_tokens(metadata, app, person)
    check_service(metadata)
    checks.finish()


main()
