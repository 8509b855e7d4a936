"""Many leads at once cost time and not memory, and none is lost or doubled."""

import pytest

from benchmarks.burst import Burst
from tests.stack import LocalCloud, Stack

LEADS = 300
MAX_BYTES = 3 * 2**30


@pytest.mark.timeout(200)
def test_a_burst_of_300_leads_all_complete_in_bounded_memory(cloud: LocalCloud, stack: Stack) -> None:
    result = Burst(stack.outputs, cloud.home).run(LEADS)
    assert result.completed == LEADS
    assert result.peak_bytes < MAX_BYTES
    assert result.peak_processes > 4, "the emulator, the database and workers were watched"
    for table in ("CLIENTS", "PARTNER", "BENEFIT"):
        statement = f"SELECT COUNT(*) FROM {table} WHERE rut IN %s"
        assert stack.rows(statement, result.ruts) == ((LEADS,),), f"one row each in {table}"
