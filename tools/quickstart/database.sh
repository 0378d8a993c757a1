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

# database_sql STATEMENTS: runs them as the database's root. They may hold a password, and so are no argument.
database_sql() { mariadb --no-defaults --socket="$(database_socket)" --user=root --batch --skip-column-names <<<"$1"; }

# Where aegird looks for its account.
database_options() { printf '%s' "$state/etc/aegir/database/$server_name.cnf"; }

# database_let_aegird_in PORT: gives aegird an account. By the socket it can't come in, since its uid has no name in
# passwd. The rights are those of admin_grant() in sidecar/database/server.hpp.
database_let_aegird_in() {
  local password
  password=$(random_word)
  database_sql "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES,
    LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER, CREATE USER, PROCESS,
    CONNECTION ADMIN ON *.* TO aegird@127.0.0.1 IDENTIFIED BY '$password' WITH GRANT OPTION"
  mkdir -p "$(dirname "$(database_options)")"
  install -m 0600 -o "$uid_aegir" -g "$uid_aegir" /dev/stdin "$(database_options)" <<EOF
[client]
user=aegird
password=$password
host=127.0.0.1
port=$1
EOF
}

database_stop() { stop mariadb TERM; }
