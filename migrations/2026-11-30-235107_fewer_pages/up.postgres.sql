-- PostgreSQL; the reasons are in up.sql. Here the foreign key also locked and marked the grant's row for every token.
ALTER TABLE access_tokens DROP CONSTRAINT access_tokens_grant_id_fkey;
DROP INDEX access_tokens_grant_id;
ALTER TABLE refresh_tokens DROP CONSTRAINT refresh_tokens_grant_id_fkey;
DROP INDEX refresh_tokens_grant_id;
