# Where the lab is, and what its configuration file says. Sourced by tests/lab.

export LAB=/run/lab                      # LAB_DIR as everything inside of the lab sees it
LAB_NAME=${LAB_NAME:-lab}
LAB_DIR=${LAB_DIR:-${XDG_STATE_HOME:-${HOME:-/root}/.local/state}/krb-lab/$LAB_NAME}
LAB_CACHE=${LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/krb-lab}
SYSTEM_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CALLER_PATH=$PATH
PATH=$SYSTEM_PATH                        # the servers' own python, not the caller's

unset KRB5_CONFIG KRB5CCNAME KRB5_KTNAME KRB5_CLIENT_KTNAME LD_LIBRARY_PATH

inside() { [[ -e $LAB/booted ]]; }

if inside; then export TMPDIR=$LAB/tmp; fi

# LAB_CONF is a path, or the name of a file of lab.d.
given_conf() {
  local conf=${LAB_CONF:-lab.conf}
  [[ $conf == */* ]] && echo "$conf" || echo "$LAB_D/$conf"
}

# A lab keeps the file it was made from, so later commands need no LAB_CONF.
conf_file() {
  if inside; then echo $LAB/lab.conf
  elif [[ -e $LAB_DIR/lab.conf ]]; then echo "$LAB_DIR/lab.conf"
  else given_conf; fi
}

# Exports what the file says, DOMAIN and, for each role of HOSTS, ROLE_IP and ROLE_HOST.
load_conf() {
  local role address host
  set -a
  # shellcheck source=/dev/null
  . "$1"
  DOMAIN=${REALM,,}
  while read -r role address host; do
    [[ $role ]] || continue
    printf -v "${role^^}_IP" %s "$address"
    printf -v "${role^^}_HOST" %s "$host.$DOMAIN"
  done <<<"$HOSTS"
  MIT_HOST=${MIT_HOST%%.*}.${MIT_REALM,,}
  SVC_ACCOUNT=svc-mcp-server
  SVC_PASSWORD='Passw0rd!mcp'
  ADMIN_PASSWORD='Passw0rd!Admin'
  MIT_ACCOUNT=svc-mcp-mit
  HERE_REALM=SREALM.TEST
  THERE_REALM=UREALM.TEST
  KEYCLOAK_ISSUER=https://${KEYCLOAK_HOST-}:8443/realms/mcp_security
  OIDC_ISSUER=https://${KEYCLOAK_HOST-}:8444
  set +a
}

# What a program in the lab is told, one KEY=VALUE a line. Paths are valid inside of the lab.
lab_env() {
  local name
  local -A value=(
    # The lab itself
    [LAB]=$LAB                                       # its directory; whoever has this is inside
    [LAB_NAME]=$LAB_NAME [LAB_DIR]=$LAB_DIR          # its name; the same directory from outside
    [LAB_CONTROL]=$LAB_SCRIPT                        # this command: "$LAB_CONTROL" stop kdc
    [TMPDIR]=$LAB/tmp                                # goes when the lab goes
    # The domain
    [REALM]=$REALM [DOMAIN]=$DOMAIN [NETBIOS]=$NETBIOS   # Kerberos realm, DNS domain, NetBIOS name
    [UPN_SUFFIX]=$UPN_SUFFIX                         # second UPN suffix, erin's
    [CA_FILE]=$LAB/tls/ca.crt                        # signed the DC's, the web server's and Keycloak's
    [ADMIN_PASSWORD]=$ADMIN_PASSWORD                 # of Administrator
    [RECREATE_USER]=$LAB_D/dc/recreate-user          # "$RECREATE_USER" phoenix
    [SET_PASSWORD]=$LAB_D/dc/set-password            # "$SET_PASSWORD" krbtgt 'some password'
    # Hosts, fully qualified, and their addresses
    [DC_HOST]=$DC_HOST [DC_IP]=$DC_IP                # domain controller, DNS (53), KDC (88)
    [FILESERVER_HOST]=$FILESERVER_HOST [FILESERVER_IP]=$FILESERVER_IP   # member, SMB (445)
    [WEB_HOST]=$WEB_HOST [WEB_IP]=$WEB_IP            # Apache: 443 TLS, 80, 8081 small headers
    [POSTGRES_HOST]=$POSTGRES_HOST [POSTGRES_IP]=$POSTGRES_IP   # PostgreSQL (5432), database app
    [POSTGRES_SUPERUSER]="host=$LAB/postgres/run user=postgres dbname=app"   # for psql: whoever may do all
    [SQL_HOST]=$SQL_HOST [SQL_IP]=$SQL_IP            # nothing listens: tests start tests/harness/tds there (1433)
    [MCP_HOST]=$MCP_HOST [MCP_IP]=$MCP_IP            # the service account's host; nothing listens
    # The service account
    [SVC_ACCOUNT]=$SVC_ACCOUNT [SVC_PASSWORD]=$SVC_PASSWORD
    [KEYTABS]=$LAB/keytabs                           # {mcp,ko,narrow,reports,web,postgres,sql,keycloak,other,rb,dc,krbtgt,mit,heimdal,samba422,kldap,rodc,realms}.keytab
    # The MIT realm
    [MIT_REALM]=$MIT_REALM [MIT_KDC]=$MIT_IP:88 [MIT_ACCOUNT]=$MIT_ACCOUNT
    [MIT_PKI]=$LAB/mit/pki                           # {ca,kdc,alice,stranger}.{pem,key}
    # Heimdal's realm
    [HEIMDAL_REALM]=$HEIMDAL_REALM [HEIMDAL_KDC]=$HEIMDAL_IP:88
    # Samba 4.22's, and MIT's with its accounts in LDAP (components samba422 and kldap, started by name only)
    [SAMBA422_REALM]=$SAMBA422_REALM [SAMBA422_KDC]=$SAMBA422_IP:88
    [KLDAP_REALM]=$KLDAP_REALM [KLDAP_KDC]=$KLDAP_IP:88
    # A read-only domain controller of the domain (component rodc, started by name only)
    [RODC_HOST]=$RODC_HOST [RODC_IP]=$RODC_IP
    # Two MIT realms that trust one another (component realms, started by name only)
    [HERE_REALM]=$HERE_REALM [HERE_KDC]=$HERE_IP:88
    [THERE_REALM]=$THERE_REALM [THERE_KDC]=$THERE_IP:88
    # The identity provider; it answers some seconds after `up`
    [KEYCLOAK_ISSUER]=$KEYCLOAK_ISSUER [KEYCLOAK_LOG]=$LAB/log/keycloak.out
    # Another one (component oidc, started by name only), and its client's key
    [OIDC_ISSUER]=$OIDC_ISSUER [OIDC_CLIENT_KEY]=$LAB/oidc/client-key.pem [OIDC_LOG]=$LAB/log/oidc.out
    # MIT tools
    [KRB5_CONFIG]=/etc/krb5.conf [KRB5CCNAME]=FILE:$LAB/tmp/krb5cc
    # Logs: who came, in the servers' own words
    [KDC_LOG]=$LAB/log/kdc.log                       # a line or more for each request
    [DC_LOG]=$LAB/log/dc.log
    [FILESERVER_AUDIT]=$LAB/log/fileserver.log       # full_audit: user|address|share|call|ok or fail|path
    [WEB_ACCESS_LOG]=$LAB/log/web-access.log [WEB_ERROR_LOG]=$LAB/log/web-error.log
    [MIT_KDC_LOG]=$LAB/log/mit.log
    [POSTGRES_LOG]=$LAB/log/postgres.out              # a line for each login, in its own words
  )
  for name in "${!value[@]}"; do echo "$name=${value[$name]}"; done | sort
}

# Fills a template's @NAME@ from the environment and from NAME=VALUE arguments.
render() {
  env "${@:2}" perl -pe 's/@([A-Z_0-9]+)@/$ENV{$1} \/\/ die "no $1 for $ARGV\n"/ge' "$1"
}

# smbd says "no network interfaces found" of a /32.
mask() { [[ $1 == 127.* ]] && echo 8 || echo 24; }
short() { echo "${1%%.*}"; }
