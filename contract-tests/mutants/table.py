"""Every mutant."""

from mutants import (
    rows_backend,
    rows_contract,
    rows_database,
    rows_gateway,
    rows_intake,
    rows_orchestration,
    rows_shared,
)
from mutants.mutant import Mutant

ALL: tuple[Mutant, ...] = (
    *rows_shared.ROWS,
    *rows_intake.ROWS,
    *rows_backend.ROWS,
    *rows_orchestration.ROWS,
    *rows_contract.ROWS,
    *rows_gateway.ROWS,
    *rows_database.ROWS,
)
