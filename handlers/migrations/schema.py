"""Versioned migrations: numbered SQL files, applied in order, once, under a lock, and never edited afterwards."""

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import ER

from handlers.shared import log
from handlers.shared.errors import MigrationFailed

VERSIONS = Path(__file__).parent / "versions"
LOCK_SECONDS = 30
LOCK_TRIES = 5
LOCK_PAUSE_SECONDS = 2.0

_FILE = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")
_HISTORY = """
CREATE TABLE IF NOT EXISTS SCHEMA_VERSION (
    version    INT          NOT NULL PRIMARY KEY,
    name       VARCHAR(100) NOT NULL,
    checksum   CHAR(64)     NOT NULL,
    applied_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
) ENGINE = InnoDB
"""


@dataclass(frozen=True, kw_only=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """Split at semicolons that end a line but for a comment; the files hold no procedures."""
        without_comments = re.sub(r"^\s*--.*$", "", self.sql, flags=re.MULTILINE)
        return [
            part.strip()
            for part in re.split(r";\s*(?:--.*)?$", without_comments, flags=re.MULTILINE)
            if part.strip()
        ]


def load(folder: Path = VERSIONS) -> list[Migration]:
    """The folder's migrations in order. Raise MigrationFailed for a bad name, a gap or a number used twice."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if not match:
            raise MigrationFailed(f"{path.name}: a migration is named NNNN_what_it_does.sql")
        migrations.append(Migration(version=int(match[1]), name=match[2], sql=path.read_text(encoding="utf-8")))
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationFailed("the migrations are not numbered 1, 2, 3, … without gaps")
    return migrations


def lock(connection: Any) -> None:
    """One deployment at a time: a second one waits. The lock ends with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('leadbridge_migrations', %s)", (LOCK_SECONDS,))
        if cursor.fetchone()[0] != 1:
            raise MigrationFailed(f"another migration has held the lock for {LOCK_SECONDS} s; look at PROCESSLIST")


def apply(connection: Any, migrations: list[Migration]) -> list[int]:
    """The versions that were applied now. The connection must hold the lock."""
    with connection.cursor() as cursor:
        return _apply(connection, cursor, migrations)


def _execute(cursor: Any, statement: str, what: str) -> None:
    """A statement that waits for a table's lock in vain is tried again: between tries the leads get their turn."""
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            cursor.execute(statement)
            return
        except pymysql.MySQLError as error:
            if error.args[0] != ER.LOCK_WAIT_TIMEOUT or attempt == LOCK_TRIES:
                raise MigrationFailed(f"{what}: {error.args[-1]}; correct it and deploy again") from error
        time.sleep(LOCK_PAUSE_SECONDS)


def _apply(connection: Any, cursor: Any, migrations: list[Migration]) -> list[int]:
    cursor.execute(_HISTORY)
    cursor.execute("SELECT version, checksum FROM SCHEMA_VERSION ORDER BY version")
    done = dict(cursor.fetchall())
    ahead = [version for version in done if version > len(migrations)]
    if ahead:
        raise MigrationFailed(
            f"the database is at version {max(ahead)}, this release knows {len(migrations)}: deploy newer"
        )
    applied = []
    for migration in migrations:
        if migration.version in done:
            if done[migration.version] != migration.checksum:
                raise MigrationFailed(
                    f"migration {migration.version} was edited after it had been applied: add a new one"
                )
            continue
        for number, statement in enumerate(migration.statements, start=1):
            _execute(cursor, statement, f"migration {migration.version} ({migration.name}), statement {number}")
        cursor.execute(
            "INSERT INTO SCHEMA_VERSION (version, name, checksum) VALUES (%s, %s, %s)",
            (migration.version, migration.name, migration.checksum),
        )
        connection.commit()
        log.info("migration applied", version=migration.version, name=migration.name)
        applied.append(migration.version)
    return applied
