"""The CRM database: one connection for each execution environment, kept between calls."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import pymysql
from pymysql.constants import CR, ER

from handlers.shared import aws, log, settings
from handlers.shared.errors import DatabaseUnavailable
from handlers.shared.secrets import Credentials, ManagedSecret, SecretSource, parse_credentials

T = TypeVar("T")
Cursor = pymysql.cursors.Cursor

# Seconds. Together they stay below the backends' function time-out, which is below the gateway's.
CONNECT_TIMEOUT = 3
STATEMENT_TIMEOUT = 5
LOCK_WAIT_TIMEOUT = 3
# A first try that took longer leaves no time for a second: the server hangs, or the network does.
RETRY_WITHIN = 1

_GONE = {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_SERVER_LOST_EXTENDED, 0}
_WORTH_ANOTHER_TRY = _GONE | {ER.LOCK_DEADLOCK}
# The client library's own errors have these numbers: nobody has looked at the account.
_CLIENT_ERRORS = range(2000, 3000)
# The server says no to anybody at the moment.
_BUSY = {
    ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN,
    ER.HOST_IS_BLOCKED,
    ER.TOO_MANY_USER_CONNECTIONS,
    ER.USER_LIMIT_REACHED,
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the database listens. `ca_file`: the authority that the server's certificate is verified by."""

    host: str
    port: int
    name: str
    tls: bool
    ca_file: str | None = None

    @classmethod
    def from_environment(cls) -> "Address":
        return cls(
            host=settings.required("DATABASE_HOST"),
            port=int(settings.required("DATABASE_PORT")),
            name=settings.required("DATABASE_NAME"),
            tls=settings.required("DATABASE_TLS") != "off",
            ca_file=settings.optional("DATABASE_CA_FILE"),
        )


def connect(address: Address, user: str, password: str, *, statement_timeout: int = STATEMENT_TIMEOUT) -> Any:
    """A new connection; pymysql's errors come through.

    The server holds passwords as UTF-8, which is what our statements set them in; pymysql would send Latin-1.
    """
    tls = {"ssl": _tls_context(address.ca_file)} if address.tls else {"ssl_disabled": True}
    return pymysql.connect(
        host=address.host,
        port=address.port,
        database=address.name,
        user=user,
        password=password.encode(),
        charset="utf8mb4",
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=statement_timeout,
        write_timeout=statement_timeout,
        init_command=(
            "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO',"
            f" SESSION innodb_lock_wait_timeout={LOCK_WAIT_TIMEOUT}, SESSION tx_isolation='READ-COMMITTED'"
        ),
        **tls,
    )


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Without an authority the connection is encrypted, but the server's identity is taken on trust."""
    context = ssl.create_default_context(cafile=ca_file)
    # Python 3.13 wants a key usage and critical basic constraints of an authority; many companies' have neither
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_file is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Database:
    """Runs pieces of work in transactions of their own.

    A connection that has gone away, a deadlock and a password that was rotated are each answered by one more
    try if there is time for it, so the work must be safe to repeat. What still fails raises DatabaseUnavailable.
    """

    def __init__(self, address: Address, credentials: SecretSource[Credentials]) -> None:
        self._address = address
        self._credentials = credentials
        self._connection: Any = None

    def transaction(self, work: Callable[[Cursor], T]) -> T:
        started = time.monotonic()
        try:
            return self._attempt(work)
        except pymysql.MySQLError as error:
            if _code(error) not in _WORTH_ANOTHER_TRY or time.monotonic() - started > RETRY_WITHIN:
                raise _unavailable(error) from error
            log.warning("database: trying once more", errorCode=_code(error))
            try:
                return self._attempt(work)
            except pymysql.MySQLError as again:
                raise _unavailable(again) from again

    def _attempt(self, work: Callable[[Cursor], T]) -> T:
        try:
            connection = self._connect()
            with connection.cursor() as cursor:
                connection.begin()
                result = work(cursor)
                connection.commit()
                return result
        except pymysql.MySQLError:
            self._drop()
            raise
        except BaseException:
            self._rollback()
            raise

    def _connect(self) -> Any:
        if self._connection is None:
            try:
                self._connection = self._log_in()
            except pymysql.MySQLError as error:
                if not _is_about_the_account(error):
                    raise
                log.warning("database: reading the password again", errorCode=_code(error))
                self._connection = self._log_in(fresh=True)
        return self._connection

    def _log_in(self, *, fresh: bool = False) -> Any:
        account = self._credentials.get(fresh=fresh)
        return connect(self._address, account.username, account.password)

    def _rollback(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rollback()
        except pymysql.MySQLError:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection._force_close()


@cache
def from_environment() -> Database:
    arn = settings.required("DATABASE_SECRET_ARN")
    secret = ManagedSecret(aws.client("secretsmanager"), arn, parse_credentials)
    return Database(Address.from_environment(), secret)


def _code(error: pymysql.MySQLError) -> int:
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def _is_about_the_account(error: pymysql.MySQLError) -> bool:
    """Whether another value of the secret may help. A wrong one is refused in many ways, each the server's."""
    code = _code(error)
    return code not in _CLIENT_ERRORS and code not in _GONE | _BUSY


def _unavailable(error: pymysql.MySQLError) -> Exception:
    """Busy and unreachable are the caller's to retry; a statement that is wrong is our own fault."""
    if isinstance(error, pymysql.err.OperationalError | pymysql.err.InterfaceError):
        log.error("database unavailable", errorCode=_code(error))
        return DatabaseUnavailable("the customer database can't be reached or is busy; try again later")
    return error
