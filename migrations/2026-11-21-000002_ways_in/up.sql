-- Every way in: invites, mailed links, sign-in through other providers, passkeys, second steps; and the seals of the audit log.

-- What an administrator changed while running; stronger than the settings file.
CREATE TABLE instance_settings (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);

ALTER TABLE users ADD COLUMN second_step BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN password_changed_at BIGINT;
ALTER TABLE users ADD COLUMN last_sign_in_at BIGINT;
ALTER TABLE users ADD COLUMN passkey_offered_at BIGINT;

-- methods: how the person proved who they are (RFC 8176 words and ours); strength: 1 one factor, 2 two; pending: the second step is
-- still to come, and the session is good for nothing else (R-27).
ALTER TABLE sessions ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE sessions ADD COLUMN strength BIGINT NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN pending BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;

ALTER TABLE clients ADD COLUMN require_second_factor BOOLEAN NOT NULL DEFAULT FALSE;

-- by_operator: made by a command, so that no person's leaving ends it; created_by is empty as well once its maker is deleted.
-- mailed_only: nobody but the mailbox of email was given the code, so that whoever has it has proven to read that mailbox.
CREATE TABLE invites (
    id TEXT PRIMARY KEY NOT NULL,
    code_hash TEXT NOT NULL UNIQUE,
    code_start TEXT NOT NULL,
    note TEXT NOT NULL,
    created_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    by_operator BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    max_uses BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    email TEXT,
    email_key TEXT,
    mailed_only BOOLEAN NOT NULL,
    role TEXT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX invites_created_at ON invites (created_at, id);
CREATE INDEX invites_created_by ON invites (created_by);
CREATE INDEX invites_expires_at ON invites (expires_at);

-- Who took which use when; the number is unique, so that no use is taken twice.
CREATE TABLE invite_uses (
    invite_id TEXT NOT NULL REFERENCES invites (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    method TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (invite_id, number)
);
CREATE INDEX invite_uses_user_id ON invite_uses (user_id);

-- Accounts at other providers. Linked by issuer and subject alone, never by address (SO2).
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    provider TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user_id ON identities (user_id);

CREATE TABLE passkeys (
    id TEXT PRIMARY KEY NOT NULL,
    credential_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    flagged_at BIGINT
);
CREATE INDEX passkeys_user_id ON passkeys (user_id);

CREATE TABLE authenticators (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed_secret TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    code_hash TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX recovery_codes_user_id ON recovery_codes (user_id);

-- A mailed link and the code beside it. user_id is empty where nobody has the address: the row is made all the same (R-28).
CREATE TABLE mail_links (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    code_mac TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    browser TEXT NOT NULL,
    sealed_data TEXT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX mail_links_email_key ON mail_links (email_key);
CREATE INDEX mail_links_user_id ON mail_links (user_id);
CREATE INDEX mail_links_expires_at ON mail_links (expires_at);

-- Letters that wait to be sent; sealed, because they carry links.
CREATE TABLE mails (
    id TEXT PRIMARY KEY NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX mails_next_try_at ON mails (next_try_at);
CREATE INDEX mails_expires_at ON mails (expires_at);

-- What travels sealed through the browser and works once: whoever writes its id here first has used it.
CREATE TABLE spent_tickets (
    id TEXT PRIMARY KEY NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_tickets_expires_at ON spent_tickets (expires_at);

-- mac: over the row, written with it. seal: the batch of the chain that the row is in.
ALTER TABLE audit_events ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD COLUMN seal BIGINT;
CREATE INDEX audit_events_seal ON audit_events (seal);
CREATE INDEX audit_events_actor_id ON audit_events (actor_id, at);
CREATE INDEX audit_events_subject_id ON audit_events (subject_id, at);

CREATE TABLE audit_seals (
    number BIGINT PRIMARY KEY NOT NULL,
    events BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    previous TEXT NOT NULL,
    mac TEXT NOT NULL,
    sealed_at BIGINT NOT NULL
);
