//! The tables, and how older ones become newer ones.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// The file's name in the data folder.
const FILE: &str = "records.db";

/// How long to wait for another process's transaction.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// How long to wait before asking again for what the busy timeout does not cover: a few writes to disk.
const RETRY: Duration = Duration::from_millis(10);

/// What makes each version of the tables out of the one before it.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE user (
        id TEXT PRIMARY KEY,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        email TEXT NOT NULL,
        last_sign_in INTEGER NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (issuer, subject)
    ) WITHOUT ROWID;
    CREATE INDEX user_email ON user (email);
    CREATE TABLE token (
        id TEXT PRIMARY KEY,
        user TEXT NOT NULL,
        expiry INTEGER NOT NULL,
        last_used INTEGER,
        version INTEGER NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX token_user ON token (user, id);
    CREATE INDEX token_expiry ON token (expiry);
    CREATE TABLE audit (
        id TEXT PRIMARY KEY,
        actor TEXT NOT NULL,
        target TEXT NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX audit_actor ON audit (actor, id);
    CREATE INDEX audit_target ON audit (target, id);
    CREATE TABLE usage (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
        position INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        UNIQUE (kind, id)
    );
",
    "
    CREATE TABLE spent (
        period TEXT NOT NULL,
        counter TEXT NOT NULL,
        amount INTEGER NOT NULL,
        ends INTEGER,
        PRIMARY KEY (period, counter)
    ) WITHOUT ROWID;
    CREATE INDEX spent_ends ON spent (ends);
    CREATE TABLE roll_up (
        day TEXT NOT NULL,
        user TEXT NOT NULL,
        token TEXT NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,
        requests INTEGER NOT NULL,
        input INTEGER NOT NULL,
        cache_write_5m INTEGER NOT NULL,
        cache_write_1h INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        unpriced INTEGER NOT NULL,
        PRIMARY KEY (day, user, token, model, provider)
    ) WITHOUT ROWID;
    CREATE TABLE beats (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL);
",
    "
    CREATE TABLE token_term (term TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (term, token)) WITHOUT ROWID;
    CREATE INDEX token_term_token ON token_term (token);
    INSERT INTO token_term SELECT lower(json_extract(body, '$.name')), id FROM token;
",
    "
    CREATE TABLE user_name (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        user TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE INDEX user_name_user ON user_name (user);
    INSERT INTO user_name SELECT 'account', json_array(issuer, subject), id FROM user;
    CREATE TABLE user_list (
        list TEXT NOT NULL,
        place TEXT NOT NULL,
        user TEXT NOT NULL,
        PRIMARY KEY (list, place)
    ) WITHOUT ROWID;
    CREATE INDEX user_list_user ON user_list (user);
    CREATE TABLE user_list_size (list TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER user_list_grows AFTER INSERT ON user_list BEGIN
        INSERT INTO user_list_size VALUES (new.list, 1) ON CONFLICT (list) DO UPDATE SET size = size + 1;
    END;
    CREATE TRIGGER user_list_shrinks AFTER DELETE ON user_list BEGIN
        UPDATE user_list_size SET size = size - 1 WHERE list = old.list;
    END;
    INSERT INTO user_list
        SELECT 'everybody', printf('%020d', 9223372036854775807 - last_sign_in) || id, id FROM user;
    INSERT INTO user_list SELECT 'address', email || char(10) || id, id FROM user;
    INSERT INTO user_list
        SELECT json_extract(body, '$.status.status'), id, id FROM user
        WHERE json_extract(body, '$.status.status') IN ('suspended', 'removed');
    CREATE TABLE user_next (
        id TEXT PRIMARY KEY,
        email TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO user_next SELECT id, email, version, body FROM user;
    DROP TABLE user;
    ALTER TABLE user_next RENAME TO user;
    CREATE INDEX user_email ON user (email);
    UPDATE usage SET body = json_remove(json_set(body, '$.call.address', ''), '$.email');
",
    "
    CREATE TABLE budget_book (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE TABLE alert (
        id TEXT PRIMARY KEY,
        ends INTEGER,
        waiting INTEGER,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX alert_waiting ON alert (waiting) WHERE waiting IS NOT NULL;
    CREATE INDEX alert_ends ON alert (ends);
",
    // `total` does not fail where integers overflow, and is exact up to nine million dollars a day.
    "
    CREATE INDEX roll_up_user ON roll_up (user, day, token, model, provider);
    CREATE TABLE day_sum (
        dimension TEXT NOT NULL,
        day TEXT NOT NULL,
        name TEXT NOT NULL,
        first_byte TEXT NOT NULL,
        duration TEXT NOT NULL,
        requests INTEGER NOT NULL,
        input INTEGER NOT NULL,
        cache_write_5m INTEGER NOT NULL,
        cache_write_1h INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        unpriced INTEGER NOT NULL,
        PRIMARY KEY (dimension, day, name)
    ) WITHOUT ROWID;
    INSERT INTO day_sum
        SELECT dimension, day, name, '{}', '{}', CAST(total(requests) AS INTEGER), CAST(total(input) AS INTEGER),
            CAST(total(cache_write_5m) AS INTEGER), CAST(total(cache_write_1h) AS INTEGER),
            CAST(total(cache_read) AS INTEGER), CAST(total(output) AS INTEGER), CAST(total(cost) AS INTEGER),
            CAST(total(errors) AS INTEGER), CAST(total(estimated) AS INTEGER), CAST(total(unpriced) AS INTEGER)
        FROM (
            SELECT 'all' AS dimension, '' AS name, * FROM roll_up
            UNION ALL SELECT 'user', user, * FROM roll_up
            UNION ALL SELECT 'model', model, * FROM roll_up
        )
        GROUP BY dimension, day, name;
",
    // Places are never used twice. An event that is replaced arrives anew, and one that is deleted has never arrived.
    "
    CREATE TABLE arrival (place INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL UNIQUE);
    INSERT INTO arrival (event) SELECT id FROM usage ORDER BY id;
    CREATE TRIGGER usage_is_forgotten AFTER DELETE ON usage BEGIN
        DELETE FROM arrival WHERE event = old.id;
    END;
    CREATE TABLE export (exporter TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
",
    // A week is named by its first day, a Monday.
    "
    CREATE TABLE roll_up_week (
        day TEXT NOT NULL,
        user TEXT NOT NULL,
        token TEXT NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,
        requests INTEGER NOT NULL,
        input INTEGER NOT NULL,
        cache_write_5m INTEGER NOT NULL,
        cache_write_1h INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        unpriced INTEGER NOT NULL,
        PRIMARY KEY (day, user, token, model, provider)
    ) WITHOUT ROWID;
    INSERT INTO roll_up_week
        SELECT date(day, '-6 days', 'weekday 1') AS week, user, token, model, provider,
            CAST(total(requests) AS INTEGER), CAST(total(input) AS INTEGER),
            CAST(total(cache_write_5m) AS INTEGER), CAST(total(cache_write_1h) AS INTEGER),
            CAST(total(cache_read) AS INTEGER), CAST(total(output) AS INTEGER), CAST(total(cost) AS INTEGER),
            CAST(total(errors) AS INTEGER), CAST(total(estimated) AS INTEGER), CAST(total(unpriced) AS INTEGER)
        FROM roll_up GROUP BY week, user, token, model, provider;
    INSERT INTO day_sum
        SELECT 'week_' || dimension, date(day, '-6 days', 'weekday 1') AS week, name, '{}', '{}',
            CAST(total(requests) AS INTEGER), CAST(total(input) AS INTEGER),
            CAST(total(cache_write_5m) AS INTEGER), CAST(total(cache_write_1h) AS INTEGER),
            CAST(total(cache_read) AS INTEGER), CAST(total(output) AS INTEGER), CAST(total(cost) AS INTEGER),
            CAST(total(errors) AS INTEGER), CAST(total(estimated) AS INTEGER), CAST(total(unpriced) AS INTEGER)
        FROM day_sum WHERE dimension IN ('user', 'group') GROUP BY dimension, week, name;
",
];

/// Why the records cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// A newer binary wrote them.
    #[error("records.db was written by a newer llm-gateway (schema {found}, this one knows {known})")]
    Newer { found: i64, known: i64 },
    /// The file cannot be kept to its owner.
    #[error("records.db cannot be made private")]
    File(#[source] std::io::Error),
    /// SQLite failed.
    #[error("records.db cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    /// No thread can be started.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

/// Opens a connection. The file is readable by its owner only.
///
/// The file is never opened but through SQLite: closing any other handle would drop the locks that this process has on it
/// (fcntl, POSIX), and the next program that looks at the file would take the write-ahead log away.
pub(super) fn connect(data: &Path) -> Result<Connection, OpenError> {
    let path = data.join(FILE);
    let connection = Connection::open(&path)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(OpenError::File)?;
    write_ahead(&connection)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Has the file written ahead in a log.
///
/// Whoever makes this of a new file needs it alone. Two that wait for each other would wait for ever, so SQLite turns one
/// away at once, whatever the busy timeout says; that one comes again.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let mut waited = Duration::ZERO;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < BUSY => {
                std::thread::sleep(RETRY);
                waited += RETRY;
            }
            done => return done,
        }
    }
}

/// Brings the tables up to date, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > known {
            return Err(OpenError::Newer { found, known });
        }
        let Some(step) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found)) else { return Ok(()) };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
    }
}
