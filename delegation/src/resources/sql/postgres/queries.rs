//! What is asked of the server about a session, in SQL.

/// Who it is, asked in the session itself.
pub(super) const WHO: &str = "SELECT session_user::pg_catalog.text, current_user::pg_catalog.text";
/// What a login that becomes users must not be: anything by itself.
pub(super) const POWERS: &str = "SELECT CASE \
    WHEN rolsuper THEN 'is a superuser' \
    WHEN rolbypassrls THEN 'passes row security by (BYPASSRLS)' \
    WHEN rolcreaterole THEN 'creates roles (CREATEROLE)' \
    WHEN rolreplication THEN 'replicates (REPLICATION)' \
    WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members WHERE member = login.oid \
        AND pg_catalog.pg_has_role(login.oid, roleid, 'USAGE')) \
        THEN 'has the rights of its users without taking on their roles (INHERIT)' END \
    FROM pg_catalog.pg_roles AS login WHERE rolname = session_user";
/// Whether anything of it is left that another call would see, and where it would have temporary tables, if
/// it ever made some. It is asked after each call, so it asks no more than it must: functions, since views
/// over them are taken apart each time, and nothing of the catalogue; nor of advisory locks, since that takes
/// the server's whole table of locks, and DISCARD ALL that was done has given them up.
pub(super) const LEFT: &str = "SELECT session_user::pg_catalog.text, current_user::pg_catalog.text, \
    EXISTS (SELECT FROM ROWS FROM (pg_catalog.pg_cursor(), pg_catalog.pg_prepared_statement(), \
        pg_catalog.pg_listening_channels()))::pg_catalog.text, \
    pg_catalog.pg_my_temp_schema()::pg_catalog.text";
/// Whether it has temporary tables.
pub(super) const TEMPORARY: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace \
    OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())::pg_catalog.text";
/// The temporary schema of who has none.
pub(super) const NOWHERE: &str = "0";

/// Settings that a role's own do not replace, in small letters.
pub(super) const NOT_OF_ROLES: &str = "'role', 'session_authorization', 'search_path', 'client_encoding', \
    'standard_conforming_strings', 'backslash_quote', 'transform_null_equals', 'row_security', \
    'datestyle', 'intervalstyle', 'timezone', 'bytea_output', 'xmlbinary', 'extra_float_digits', \
    'application_name'";
