# PostgreSQL with Kerberos logins, encrypted by GSS or TLS and not otherwise: who may come in as whom
# is in pg_hba.conf and pg_ident.conf, what there is to see in content.sql.
needs=()

PROGRAMS=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }

at() { echo "$POSTGRES_HOST ($POSTGRES_IP)"; }
ready() { answers "$POSTGRES_IP" 5432; }
start() {
  # A backend is in a session of its own: when the lab stops the first process, SIGINT lets go of them.
  # shellcheck disable=SC2016  # expands in there
  daemon postgres setpriv --reuid postgres --regid postgres --init-groups bash -c '
    "$1/postgres" -D "$2" & trap "kill -INT $!" TERM; wait; wait' _ \
    "$PROGRAMS" "$LAB/postgres/data"
}

build() {
  local file
  mkdir -p "$LAB/postgres/run" && chown -R postgres: "$LAB/postgres" && certificate &&
    install -o postgres -m 600 "$LAB/keytabs/postgres.keytab" "$LAB/postgres/" &&
    initdb || return
  for file in postgresql.conf pg_hba.conf pg_ident.conf; do
    render "$LAB_D/postgres/$file" >"$LAB/postgres/data/$file" || return
  done
  content
}

initdb() {
  as_postgres "$PROGRAMS/initdb" -D "$LAB/postgres/data" -U postgres -A trust -E UTF8 \
    --locale=C.UTF-8 --no-sync --no-instructions >"$LAB/log/initdb.log" 2>&1
}

# Written while it listens nowhere but in a directory.
content() {
  local control=(as_postgres "$PROGRAMS/pg_ctl" -D "$LAB/postgres/data" -s -w)
  "${control[@]}" -o "-c listen_addresses=" -l "$LAB/postgres/build.log" start &&
    { render "$LAB_D/postgres/content.sql" |
      psql -X -q -v ON_ERROR_STOP=1 -h "$LAB/postgres/run" -U postgres postgres \
        >"$LAB/log/postgres-content.log" 2>&1
      local written=$?
      "${control[@]}" -m fast stop && return $written; }
}

# Of the lab's CA; and one for the service account's own logins.
certificate() {
  cd "$LAB/tls" || return
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  local sign=(-CA ca.crt -CAkey ca.key -CAcreateserial -days 3650)
  { openssl req "${key[@]}" -subj "/CN=$POSTGRES_HOST" -keyout postgres.key -out postgres.csr &&
      openssl x509 -req -in postgres.csr "${sign[@]}" -out postgres.crt \
        -extfile <(echo "subjectAltName=DNS:$POSTGRES_HOST,IP:$POSTGRES_IP") &&
      openssl req "${key[@]}" -subj "/CN=$SVC_ACCOUNT" -keyout svc.key -out svc.csr &&
      openssl x509 -req -in svc.csr "${sign[@]}" -out svc.crt \
        -extfile <(echo extendedKeyUsage=clientAuth) &&
      install -o postgres -m 600 postgres.key "$LAB/postgres/server.key"
  } >"$LAB/log/postgres-certificate.log" 2>&1
}
