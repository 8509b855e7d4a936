-- A RUT of nine digits takes 11 characters. MariaDB changes no column that a foreign key names, so the two keys go and
-- come back under a lock that keeps everybody else out. That takes milliseconds however many rows there are, since
-- nothing is copied. Each statement can be run again. Where a run was cut off while a key was away, the first one
-- looks for rows that came without a client meanwhile. (Its inner semicolons begin lines: one that ends a line ends
-- the statement.)
BEGIN NOT ATOMIC
    IF EXISTS (
        SELECT 1 FROM information_schema.REFERENTIAL_CONSTRAINTS
        WHERE UNIQUE_CONSTRAINT_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = 'CLIENTS'
            AND TABLE_NAME NOT IN ('PARTNER', 'BENEFIT')
    ) THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
            'another table than PARTNER and BENEFIT refers to CLIENTS: drop its foreign key for this deployment'
    ; END IF
    ; IF (
        SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS
        WHERE CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_NAME IN ('partner_client', 'benefit_client')
    ) < 2 AND EXISTS (
        SELECT 1 FROM PARTNER LEFT JOIN CLIENTS USING (rut) WHERE CLIENTS.rut IS NULL
        UNION ALL SELECT 1 FROM BENEFIT LEFT JOIN CLIENTS USING (rut) WHERE CLIENTS.rut IS NULL
    ) THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
            'PARTNER or BENEFIT holds rows whose RUT is not in CLIENTS: add the client, or remove the row'
    ; END IF
    ; END;

LOCK TABLES CLIENTS WRITE, PARTNER WRITE, BENEFIT WRITE WAIT 3;
SET SESSION foreign_key_checks = OFF;
ALTER TABLE PARTNER
    DROP FOREIGN KEY IF EXISTS partner_client,
    MODIFY rut VARCHAR(11) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ALGORITHM = NOCOPY;
ALTER TABLE BENEFIT
    DROP FOREIGN KEY IF EXISTS benefit_client,
    MODIFY rut VARCHAR(11) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ALGORITHM = NOCOPY;
ALTER TABLE CLIENTS
    MODIFY rut VARCHAR(11) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ALGORITHM = NOCOPY;
ALTER TABLE PARTNER
    ADD CONSTRAINT partner_client FOREIGN KEY IF NOT EXISTS (rut) REFERENCES CLIENTS (rut),
    ALGORITHM = NOCOPY;
ALTER TABLE BENEFIT
    ADD CONSTRAINT benefit_client FOREIGN KEY IF NOT EXISTS (rut) REFERENCES CLIENTS (rut),
    ALGORITHM = NOCOPY;
SET SESSION foreign_key_checks = ON;
UNLOCK TABLES;

-- What canonical_ruts.py leaves alone: clients that stand under several spellings of one RUT, or under none that is one.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW RUT_CONFLICTS AS
SELECT TRIM(LEADING '0' FROM rut) AS canonical, rut AS spelling, lead_id, created_at FROM CLIENTS WHERE rut < '1'
UNION
SELECT client.rut, client.rut, client.lead_id, client.created_at
FROM CLIENTS AS padded JOIN CLIENTS AS client ON client.rut = TRIM(LEADING '0' FROM padded.rut)
WHERE padded.rut < '1';
