# shellcheck shell=bash
# The private MariaDB: one instance with a uid of its own, a port of 127.0.0.1 for the sites and a socket for root.

database_socket() { printf '%s' "$state/mysql/socket"; }

as_database() { setpriv --reuid "$uid_database" --regid "$uid_database" --clear-groups "$@"; }

# database_start PORT: makes the data directory when there is none and starts the server.
database_start() {
  local data=$state/mysql/data
  if [[ ! -d $data ]]; then
    install -d -m 0700 -o "$uid_database" -g "$uid_database" "$state/mysql" "$state/mysql/tmp"
    # root comes in by the socket alone, without a password; nobody else can.
    as_database mariadb-install-db --no-defaults --datadir="$data" --tmpdir="$state/mysql/tmp" --skip-test-db \
      --auth-root-authentication-method=socket --auth-root-socket-user=root >"$state/log/mariadb-install.out" 2>&1 ||
      die "mariadb-install-db failed; see $state/log/mariadb-install.out"
  fi
  start mariadb setpriv --reuid "$uid_database" --regid "$uid_database" --clear-groups \
    mariadbd --no-defaults --datadir="$data" --tmpdir="$state/mysql/tmp" --socket="$(database_socket)" \
    --pid-file="$state/mysql/pid" --bind-address=127.0.0.1 --port="$1" --skip-name-resolve \
    --innodb-buffer-pool-size=32M --innodb-log-file-size=16M --performance-schema=OFF
  await mariadb database_sql "SELECT 1"
}

# database_sql STATEMENTS: runs them as the database's root.
database_sql() { mariadb --no-defaults --socket="$(database_socket)" --user=root --batch --execute="$1"; }

# database_for_site NAME PASSWORD: a schema, and a user of the same name that may use it alone.
database_for_site() {
  database_sql "CREATE DATABASE \`$1\`;
    CREATE USER \`$1\`@\`127.0.0.1\` IDENTIFIED BY '$2';
    GRANT ALL ON \`$1\`.* TO \`$1\`@\`127.0.0.1\`;"
}

database_drop() { database_sql "DROP DATABASE IF EXISTS \`$1\`; DROP USER IF EXISTS \`$1\`@\`127.0.0.1\`;"; }

database_stop() { stop mariadb TERM; }
