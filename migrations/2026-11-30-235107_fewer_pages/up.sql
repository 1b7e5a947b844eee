-- SQLite; up.postgres.sql does the same on PostgreSQL.
--
-- Tokens no longer refer to their grant by a foreign key, so that they need no index of it: two B-trees less for each token
-- that is issued. Nothing looks for the tokens of a grant. Where the grant is gone its tokens are dead, because every look at a
-- token joins its grant, and they are swept when their time has come, which is never after that of the grant.
--
-- WITHOUT ROWID: a token is found by its hash alone, in one B-tree instead of two.
CREATE TABLE new_access_tokens (
    token_hash TEXT PRIMARY KEY NOT NULL,
    grant_id TEXT,
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    audience TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
) WITHOUT ROWID;
INSERT INTO new_access_tokens
SELECT token_hash, grant_id, client_id, scopes, audience, issued_at, expires_at, revoked_at
FROM access_tokens ORDER BY token_hash;
DROP TABLE access_tokens;
ALTER TABLE new_access_tokens RENAME TO access_tokens;
CREATE INDEX access_tokens_expires_at ON access_tokens (expires_at);

CREATE TABLE new_refresh_tokens (
    token_hash TEXT PRIMARY KEY NOT NULL,
    grant_id TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    replay TEXT
) WITHOUT ROWID;
INSERT INTO new_refresh_tokens
SELECT token_hash, grant_id, issued_at, expires_at, used_at, replay
FROM refresh_tokens ORDER BY token_hash;
DROP TABLE refresh_tokens;
ALTER TABLE new_refresh_tokens RENAME TO refresh_tokens;
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
