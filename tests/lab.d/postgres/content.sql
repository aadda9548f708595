-- Who is there. Kerberos, SCRAM or a certificate says who may log in as whom (pg_hba.conf).
CREATE ROLE "ALICE_ADMIN" LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE "DOMAIN\ALICE_ADMIN" LOGIN;
CREATE ROLE "DOMAIN\bob" LOGIN;
CREATE ROLE many LOGIN;
CREATE ROLE huge LOGIN;
CREATE ROLE giant LOGIN;
CREATE ROLE "rené" LOGIN;
CREATE ROLE let_in LOGIN;
CREATE ROLE asked LOGIN PASSWORD 'Passw0rd!asked';
CREATE ROLE by_certificate;
CREATE ROLE carol LOGIN IN ROLE by_certificate;
CREATE ROLE erin LOGIN IN ROLE by_certificate;
SELECT format('CREATE ROLE crowd%s LOGIN', lpad(n::text, 2, '0')) FROM generate_series(0, 99) n \gexec

-- Roles that the service logs in for: it may become each, and is nothing itself.
CREATE ROLE mcp_login LOGIN NOINHERIT PASSWORD 'Passw0rd!mcp_login';
CREATE ROLE "@SVC_ACCOUNT@" LOGIN NOINHERIT;
GRANT "ALICE_ADMIN", bob, "DOMAIN\ALICE_ADMIN", "DOMAIN\bob" TO mcp_login, "@SVC_ACCOUNT@";
-- And how it should not be.
CREATE ROLE mcp_strong LOGIN NOINHERIT SUPERUSER PASSWORD 'Passw0rd!mcp_strong';
CREATE ROLE mcp_inherits LOGIN INHERIT PASSWORD 'Passw0rd!mcp_inherits';
GRANT bob TO mcp_inherits;

CREATE DATABASE app;
\connect app
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Everybody sees their own rows, in 200 of each.
CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT current_user,
    body text NOT NULL
);
COMMENT ON TABLE notes IS 'What somebody wrote down';
INSERT INTO notes (owner, body)
    SELECT rolname, 'note ' || n || ' of ' || rolname FROM pg_roles, generate_series(1, 200) n
    WHERE rolcanlogin AND rolname NOT LIKE 'mcp%' AND rolname <> 'postgres';
CREATE INDEX ON notes (owner);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = current_user) WITH CHECK (owner = current_user);
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO PUBLIC;

-- A table of alice's, and a unique value that bob cannot see and can run into.
CREATE TABLE secrets (word text PRIMARY KEY, owner text NOT NULL DEFAULT current_user);
INSERT INTO secrets VALUES ('swordfish', 'ALICE_ADMIN');
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON secrets TO PUBLIC;
CREATE TABLE salaries (name text, amount numeric(12, 2));
INSERT INTO salaries VALUES ('bob', 1234.50);
GRANT SELECT ON salaries TO "ALICE_ADMIN", "DOMAIN\ALICE_ADMIN";

-- Functions as somebody else, and one of alice's own that tries to become somebody else.
CREATE FUNCTION whoami_as_owner() RETURNS text LANGUAGE sql SECURITY DEFINER
    AS 'SELECT current_user || '' for '' || session_user';
CREATE SCHEMA alice AUTHORIZATION "ALICE_ADMIN";
CREATE FUNCTION alice.become(who text) RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN PERFORM set_config('role', who, false); RETURN current_user; END $$;
ALTER FUNCTION alice.become OWNER TO "ALICE_ADMIN";
GRANT USAGE ON SCHEMA alice TO PUBLIC;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (value > 0);
