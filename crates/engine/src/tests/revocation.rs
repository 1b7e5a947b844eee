//! Revocation takes effect at once, also on answers that are kept in memory.

use crate::audit::Actor;
use crate::clients::manage::{delete_client, set_client_disabled};
use crate::oauth::connected_apps::end_app_access;
use crate::oauth::revoke::{Revoked, revoke_as_operator, revoke_token};
use crate::people::users::set_user_disabled;

use super::{World, assert_invalid_grant, refresh_token};

fn revoke(world: &World, client: &'static str, token: &str) -> Revoked {
    let (client, token) = (world.client(client), token.to_owned());
    world.write(move |call, tx| revoke_token(call, tx, &client, &token))
}

#[test]
fn r_07_a_kept_answer_is_dropped_by_the_revocation_itself() {
    let world = World::new(|_| {});
    let tokens = world.first_tokens("web");
    assert!(world.is_active(&tokens.access_token), "now it is kept");
    assert_eq!(revoke(&world, "web", &tokens.access_token), Revoked::AccessToken);
    assert!(!world.is_active(&tokens.access_token));
    assert!(world.refresh("web", refresh_token(&tokens)).is_ok(), "one token, not the family");
    assert_eq!(revoke(&world, "web", &tokens.access_token), Revoked::Nothing);
}

#[test]
fn rv_09_a_rotated_refresh_token_still_ends_its_family() {
    let world = World::new(|_| {});
    let first = world.first_tokens("web");
    let second = world.refresh("web", refresh_token(&first)).expect("a rotation");
    assert!(world.is_active(&second.access_token));
    assert_eq!(revoke(&world, "web", refresh_token(&first)), Revoked::Family);
    assert!(!world.is_active(&first.access_token));
    assert!(!world.is_active(&second.access_token));
    assert_invalid_grant(&world.refresh("web", refresh_token(&second)), "revoked");
}

#[test]
fn rv_04_another_client_revokes_nothing() {
    let world = World::new(|_| {});
    world.add_client("other", crate::clients::registry::ClientKind::Web, "https://other.example/cb", |_| {});
    let tokens = world.first_tokens("web");
    assert_eq!(revoke(&world, "other", &tokens.access_token), Revoked::Nothing);
    assert_eq!(revoke(&world, "other", refresh_token(&tokens)), Revoked::Nothing);
    assert!(world.is_active(&tokens.access_token));
}

#[test]
fn r_07_an_operator_revokes_whatever_it_is() {
    let world = World::new(|_| {});
    let tokens = world.first_tokens("web");
    assert!(world.is_active(&tokens.access_token));
    let presented = refresh_token(&tokens).to_owned();
    assert_eq!(world.write(move |call, tx| revoke_as_operator(call, tx, &presented)), Revoked::Family);
    assert!(!world.is_active(&tokens.access_token));
}

#[test]
fn r_09_whatever_ends_access_reaches_kept_answers() {
    type End = fn(&World, crate::people::sessions::SignedIn);
    let ends: [(&str, End); 4] = [
        ("the person ends the app", |world, session| {
            world.write(move |call, tx| end_app_access(call, tx, &session, "web"));
        }),
        ("the account is disabled", |world, _| {
            world
                .write(|call, tx| set_user_disabled(call, tx, Actor::Operator, "ada@example.com", true))
                .expect("disabled");
        }),
        ("the client is disabled", |world, _| {
            world.write(|call, tx| set_client_disabled(call, tx, "web", true)).expect("disabled");
        }),
        ("the client is deleted", |world, _| {
            world.write(|call, tx| delete_client(call, tx, "web")).expect("deleted");
        }),
    ];
    for (what, end) in ends {
        let world = World::new(|_| {});
        let (_, session) = world.add_person("ada@example.com");
        let tokens = world.redeem("web", &world.code("web", &session)).expect("tokens");
        assert!(world.is_active(&tokens.access_token));
        end(&world, session);
        assert!(!world.is_active(&tokens.access_token), "{what}");
    }
}
