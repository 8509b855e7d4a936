"""Breakages of the customer database's limits. Each is deployed by migrations to a database without tables."""

from mutants import killers
from mutants.mutant import Mutant, rows

_TABLES = rows("database", "handlers/migrations/versions/0001_crm_tables.sql", killers.LIMITS)

_WIDER = rows("database", "handlers/migrations/versions/0002_canonical_ruts.sql", killers.COLUMN)

_CLIENTS, _PARTNER, _BENEFIT = (
    f"CREATE TABLE IF NOT EXISTS {table} (" for table in ("CLIENTS", "PARTNER", "BENEFIT")
)

ROWS: tuple[Mutant, ...] = (
    _WIDER("CLIENTS.rut is one shorter", "VARCHAR(11)", "VARCHAR(10)", after="ALTER TABLE CLIENTS"),
    _WIDER(
        "PARTNER.rut is one shorter",
        "VARCHAR(11)",
        "VARCHAR(10)",
        after="DROP FOREIGN KEY IF EXISTS partner_client",
    ),
    _TABLES("CLIENTS.name is one shorter", "name       VARCHAR(100)", "name       VARCHAR(99)", after=_CLIENTS),
    _TABLES("CLIENTS.lastname is half as long", "lastname   VARCHAR(100)", "lastname   VARCHAR(50)"),
    _TABLES("CLIENTS.phone is one shorter", "phone      VARCHAR(16)", "phone      VARCHAR(15)"),
    _TABLES("CLIENTS.mail is one shorter", "mail       VARCHAR(254)", "mail       VARCHAR(253)"),
    _TABLES(
        "CLIENTS.lead_id holds a UUID only", "lead_id    VARCHAR(64)", "lead_id    VARCHAR(36)", after=_CLIENTS
    ),
    _TABLES("PARTNER.store is half as long", "store      VARCHAR(64)", "store      VARCHAR(32)"),
    _TABLES(
        "PARTNER.lead_id holds a UUID only", "lead_id    VARCHAR(64)", "lead_id    VARCHAR(36)", after=_PARTNER
    ),
    _TABLES("BENEFIT.lead_id holds a UUID only", "VARCHAR(64)", "VARCHAR(36)", after=_BENEFIT),
    _TABLES("BENEFIT.wants_benefit is text", "BOOLEAN     NOT NULL", "VARCHAR(5)  NOT NULL"),
    _TABLES(
        "CLIENTS.phone is a number",
        "phone      VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin",
        "phone      BIGINT",
    ),
    _TABLES(
        "names are of ASCII letters",
        "name       VARCHAR(100) NOT NULL",
        "name       VARCHAR(100) CHARACTER SET ascii NOT NULL",
        after=_CLIENTS,
    ),
    _TABLES(
        "names are of Latin letters",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        "CHARACTER SET latin1",
        after=_CLIENTS,
    ),
    _TABLES(
        "names hold no emoji",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        "CHARACTER SET utf8mb3",
        after=_CLIENTS,
    ),
    _TABLES(
        "CLIENTS has no primary key",
        "    PRIMARY KEY (rut),\n",
        "    KEY by_rut (rut),\n",
        after=_CLIENTS,
        killers=killers.PRIMARY_KEY,
    ),
    _TABLES(
        "PARTNER has no primary key",
        "    PRIMARY KEY (rut),\n",
        "    KEY by_rut (rut),\n",
        after=_PARTNER,
        killers=killers.PRIMARY_KEY,
    ),
    _TABLES(
        "BENEFIT has no primary key",
        "    PRIMARY KEY (rut),\n",
        "    KEY by_rut (rut),\n",
        after=_BENEFIT,
        killers=killers.PRIMARY_KEY,
    ),
    _TABLES(
        "a client is a person's name",
        "PRIMARY KEY (rut)",
        "UNIQUE (name, lastname), PRIMARY KEY (rut)",
        after=_CLIENTS,
    ),
    _TABLES(
        "a store has one partner only",
        "    PRIMARY KEY (rut),\n",
        "    UNIQUE (store), PRIMARY KEY (rut),\n",
        after=_PARTNER,
    ),
    _WIDER(
        "PARTNER needs no client",
        "    ADD CONSTRAINT partner_client FOREIGN KEY IF NOT EXISTS (rut) REFERENCES CLIENTS (rut),\n",
        "",
        killers=killers.FOREIGN_KEY,
    ),
    _WIDER(
        "BENEFIT needs no client",
        "    ADD CONSTRAINT benefit_client FOREIGN KEY IF NOT EXISTS (rut) REFERENCES CLIENTS (rut),\n",
        "",
        killers=killers.FOREIGN_KEY,
    ),
    _WIDER(
        "BENEFIT needs a partner",
        "REFERENCES CLIENTS (rut)",
        "REFERENCES PARTNER (rut)",
        after="CONSTRAINT benefit_client",
        killers=killers.LIMITS,
    ),
    _TABLES(
        "CLIENTS.phone may be missing",
        "ascii_bin NOT NULL",
        "ascii_bin NULL",
        after="phone      VARCHAR(16)",
        killers=killers.COLUMN,
    ),
    _TABLES(
        "PARTNER.store may be missing",
        "ascii_bin NOT NULL",
        "ascii_bin NULL",
        after="store      VARCHAR(64)",
        killers=killers.COLUMN,
    ),
    _TABLES(
        "BENEFIT.wants_benefit may be missing", "BOOLEAN     NOT NULL", "BOOLEAN     NULL", killers=killers.COLUMN
    ),
    _TABLES("a row needs a lead", "ascii_bin NULL", "ascii_bin NOT NULL", after=_CLIENTS),
)
