//! The tables, as `migrations/` makes them; the drift guard in `tests/storage.rs` holds the two together.

diesel::table! {
    meta (key) {
        key -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        email_key -> Text,
        email_verified -> Bool,
        name -> Text,
        password_hash -> Nullable<Text>,
        role -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        second_step -> Bool,
        password_changed_at -> Nullable<BigInt>,
        last_sign_in_at -> Nullable<BigInt>,
        passkey_offered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        token_hash -> Text,
        user_id -> Text,
        auth_time -> BigInt,
        created_at -> BigInt,
        last_used_at -> BigInt,
        idle_expires_at -> BigInt,
        expires_at -> BigInt,
        ip -> Text,
        user_agent -> Text,
        revoked_at -> Nullable<BigInt>,
        methods -> Text,
        strength -> BigInt,
        pending -> Bool,
        attempts -> BigInt,
    }
}

diesel::table! {
    setup_links (token_hash) {
        token_hash -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    throttles (bucket) {
        bucket -> Text,
        failures -> BigInt,
        window_started_at -> BigInt,
        blocked_until -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    clients (client_id) {
        client_id -> Text,
        name -> Text,
        kind -> Text,
        auth_method -> Text,
        secret_hash -> Nullable<Text>,
        previous_secret_hash -> Nullable<Text>,
        previous_secret_expires_at -> Nullable<BigInt>,
        redirect_uris -> Text,
        scopes -> Text,
        resources -> Text,
        grant_types -> Text,
        first_party -> Bool,
        verified -> Bool,
        show_setup_errors -> Bool,
        access_ttl -> Nullable<BigInt>,
        refresh_idle_ttl -> Nullable<BigInt>,
        refresh_absolute_ttl -> Nullable<BigInt>,
        refresh_rotation -> Text,
        refresh_replay -> Bool,
        declared -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        require_second_factor -> Bool,
    }
}

diesel::table! {
    resource_servers (id) {
        id -> Text,
        name -> Text,
        resource -> Text,
        secret_hash -> Text,
        previous_secret_hash -> Nullable<Text>,
        previous_secret_expires_at -> Nullable<BigInt>,
        access_token_format -> Text,
        declared -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    scopes (name) {
        name -> Text,
        resource_server_id -> Text,
        description -> Text,
        sensitive -> Bool,
    }
}

diesel::table! {
    consents (user_id, client_id) {
        user_id -> Text,
        client_id -> Text,
        scopes -> Text,
        resources -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        client_id -> Text,
        user_id -> Text,
        session_id -> Text,
        scopes -> Text,
        resources -> Text,
        auth_time -> BigInt,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        revoked_reason -> Nullable<Text>,
    }
}

diesel::table! {
    authorization_codes (code_hash) {
        code_hash -> Text,
        request_id -> Text,
        grant_id -> Text,
        client_id -> Text,
        user_id -> Text,
        session_id -> Text,
        redirect_uri -> Text,
        scopes -> Text,
        extensions -> Text,
        auth_time -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        attempts -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    access_tokens (token_hash) {
        token_hash -> Text,
        grant_id -> Nullable<Text>,
        client_id -> Text,
        scopes -> Text,
        audience -> Text,
        issued_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Text,
        grant_id -> Text,
        issued_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        replay -> Nullable<Text>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        alg -> Text,
        public_jwk -> Text,
        sealed_private -> Text,
        created_at -> BigInt,
        active_from -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Text,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Text,
        action -> Text,
        subject_id -> Text,
        result -> Text,
        ip -> Text,
        user_agent -> Text,
        request_id -> Text,
        detail -> Text,
        mac -> Text,
        seal -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_seals (number) {
        number -> BigInt,
        events -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        previous -> Text,
        mac -> Text,
        sealed_at -> BigInt,
    }
}

diesel::table! {
    instance_settings (key) {
        key -> Text,
        value -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    invites (id) {
        id -> Text,
        code_hash -> Text,
        code_start -> Text,
        note -> Text,
        created_by -> Nullable<Text>,
        by_operator -> Bool,
        created_at -> BigInt,
        expires_at -> BigInt,
        max_uses -> BigInt,
        uses -> BigInt,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        mailed_only -> Bool,
        role -> Text,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    invite_uses (invite_id, number) {
        invite_id -> Text,
        number -> BigInt,
        user_id -> Nullable<Text>,
        method -> Text,
        used_at -> BigInt,
    }
}

diesel::table! {
    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        provider -> Text,
        user_id -> Text,
        email -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Text,
        credential_id -> Text,
        user_id -> Text,
        name -> Text,
        credential -> Text,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        flagged_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    authenticators (user_id) {
        user_id -> Text,
        sealed_secret -> Text,
        last_step -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    recovery_codes (code_hash) {
        code_hash -> Text,
        user_id -> Text,
        created_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    mail_links (id) {
        id -> Text,
        kind -> Text,
        token_hash -> Text,
        code_mac -> Text,
        email -> Text,
        email_key -> Text,
        user_id -> Nullable<Text>,
        browser -> Text,
        sealed_data -> Text,
        ip -> Text,
        user_agent -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        attempts -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    mails (id) {
        id -> Text,
        sealed -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        next_try_at -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    spent_tickets (id) {
        id -> Text,
        expires_at -> BigInt,
    }
}

// What the first half of a joined statement gave back (`db::native::WithTaken`); not in the database.
diesel::table! {
    taken (grant_id) {
        grant_id -> Text,
    }
}
diesel::allow_tables_to_appear_in_same_query!(taken, grants);
diesel::allow_tables_to_appear_in_same_query!(taken, users);

diesel::joinable!(access_tokens -> grants (grant_id));
diesel::joinable!(refresh_tokens -> grants (grant_id));
diesel::joinable!(grants -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(invites -> users (created_by));
diesel::joinable!(invite_uses -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    meta,
    users,
    sessions,
    setup_links,
    throttles,
    clients,
    resource_servers,
    scopes,
    consents,
    grants,
    authorization_codes,
    access_tokens,
    refresh_tokens,
    signing_keys,
    audit_events,
    audit_seals,
    instance_settings,
    invites,
    invite_uses,
    identities,
    passkeys,
    authenticators,
    recovery_codes,
    mail_links,
    mails,
    spent_tickets
);
