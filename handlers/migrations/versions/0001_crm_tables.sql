-- Each statement can be run again: MariaDB commits DDL one by one.
CREATE TABLE IF NOT EXISTS CLIENTS (
    rut        VARCHAR(10)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name       VARCHAR(100) NOT NULL,
    lastname   VARCHAR(100) NOT NULL,
    phone      VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    mail       VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    lead_id    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (rut),
    KEY by_lead (lead_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS PARTNER (
    rut        VARCHAR(10)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    store      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    lead_id    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (rut),
    CONSTRAINT partner_client FOREIGN KEY (rut) REFERENCES CLIENTS (rut)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS BENEFIT (
    rut           VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wants_benefit BOOLEAN     NOT NULL,
    lead_id       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at    TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (rut),
    CONSTRAINT benefit_client FOREIGN KEY (rut) REFERENCES CLIENTS (rut)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
