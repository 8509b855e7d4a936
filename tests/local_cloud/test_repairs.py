"""Each repair of MiniStack is still needed: where a test fails, a new release has made one unnecessary."""

from __future__ import annotations

import importlib.metadata
import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from local_cloud.emulator.repairs import RepairDoesNotFit, replace
from tests.local_cloud.lab import Lab

SAYS_OK = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"
RAISES = "class CrmRejected(Exception): pass\ndef handler(event, context):\n    raise CrmRejected('hunter2')\n"


def test_the_pinned_release_is_installed() -> None:
    assert importlib.metadata.version("ministack") == "1.5.33"


def test_unrepaired_functions_see_the_emulators_packages_and_the_persons_variables(unrepaired: Lab) -> None:
    name = unrepaired.function(
        "import importlib.util as u, os\n"
        "def handler(event, context):\n"
        "    return [bool(u.find_spec('ministack')), os.environ.get('SECRET_OF_THE_PERSON')]\n"
    )
    assert unrepaired.call(name) == [True, "seen"]


def test_unrepaired_functions_lose_the_name_of_an_exception(unrepaired: Lab) -> None:
    assert unrepaired.error_of(unrepaired.function(RAISES))["errorType"] == "Runtime.HandlerError"


def test_unrepaired_bursts_start_a_process_for_every_call(unrepaired: Lab) -> None:
    name = unrepaired.function("import time\ndef handler(e, c):\n    time.sleep(2)\n")
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(unrepaired.call, name) for _ in range(8)]
        time.sleep(1.5)
        assert unrepaired.workers_of(name) == 8
        for call in calls:
            call.result()


def test_unrepaired_calls_of_a_silent_function_wait_for_its_log(unrepaired: Lab) -> None:
    name = unrepaired.function(SAYS_OK)
    unrepaired.call(name)
    times = []
    for _ in range(5):
        began = time.monotonic()
        unrepaired.call(name)
        times.append(time.monotonic() - began)
    assert min(times) >= 0.05


def test_unrepaired_log_lines_are_cut_at_unicode_separators(unrepaired: Lab) -> None:
    name = unrepaired.function("def handler(event, context):\n    print('a\\u2028b')\n")
    unrepaired.call(name)
    assert "a\u2028b" not in unrepaired.log_of(name)


def test_unrepaired_executions_start_late(unrepaired: Lab) -> None:
    machine = unrepaired.state_machine({"Only": {"Type": "Pass", "End": True}}, start="Only")
    began = time.monotonic()
    unrepaired.run(machine, {})
    assert time.monotonic() - began >= 0.15


def test_unrepaired_gateways_tell_the_caller_the_functions_error(unrepaired: Lab) -> None:
    status, _, body = unrepaired.rest_api(unrepaired.function(RAISES)).post()
    assert status == 502
    assert b"hunter2" in body


def test_unrepaired_gateways_take_malformed_proxy_responses(unrepaired: Lab) -> None:
    name = unrepaired.function("def handler(event, context):\n    return {'no': 'status'}\n")
    assert unrepaired.rest_api(name).post()[0] == 200


def test_unrepaired_gateways_take_bodies_of_any_size(unrepaired: Lab) -> None:
    assert unrepaired.rest_api(unrepaired.function(SAYS_OK)).post(b"x" * 11_000_000)[0] == 200


def test_a_repair_refuses_a_function_of_another_shape() -> None:
    module = ModuleType("some_release")
    module.invoke = lambda event: event  # type: ignore[attr-defined]
    assert replace(module, "invoke", print, parameters="event")("x") == "x"
    with pytest.raises(RepairDoesNotFit, match=r"some_release\.invoke takes \(.*\), not \(event, context\)"):
        replace(module, "invoke", json.dumps, parameters="event, context")
    with pytest.raises(RepairDoesNotFit, match="nothing"):
        replace(module, "absent", json.dumps, parameters="event")
