"""Lambda functions run as on AWS: clean surroundings, true errors, whole logs, a bounded number of processes."""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local_cloud.lab import Lab, eventually, zipped

COUNTING = "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"


def test_a_function_sees_only_the_variables_that_lambda_gives_and_its_own(lab: Lab) -> None:
    name = lab.function(
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        Environment={"Variables": {"OWN": "1", "AWS_REGION": "mars-1", "AWS_SESSION_TOKEN": "forged"}},
    )
    seen = lab.call(name)
    assert set(seen) == {
        *("OWN", "AWS_ENDPOINT_URL", "_HANDLER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("LAMBDA_TASK_ROOT", "LANG", "PATH", "TZ"),
    } | ({"LC_CTYPE"} & set(seen))
    assert seen["AWS_REGION"] == "us-east-1", "a function can't replace what Lambda sets"
    assert seen["AWS_SESSION_TOKEN"] != "forged"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert seen["AWS_ENDPOINT_URL"] == lab.endpoint_url


def test_a_function_can_import_boto3_and_nothing_else_of_ours(lab: Lab) -> None:
    name = lab.function(
        "import importlib.util as u, os, sys\n"
        "def handler(event, context):\n"
        "    return {'found': [m for m in event if u.find_spec(m)], 'path': sys.path, 'root': os.getcwd()}\n"
    )
    answer = lab.call(
        name, ["boto3", "botocore", "pymysql", "pulumi", "ministack", "pytest", "local_cloud", "pip"]
    )
    assert answer["found"] == ["boto3", "botocore"]
    assert answer["path"][0] == answer["root"], "the function's own folder comes first"
    assert not any("/main/.venv/" in entry for entry in answer["path"])


@pytest.mark.parametrize("proxy", [{}, {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}])
def test_boto3_in_a_function_reaches_the_local_cloud(lab: Lab, proxy: dict[str, str]) -> None:
    lab.client("sqs").create_queue(QueueName="from-a-function")
    name = lab.function(
        "import boto3\n"
        "def handler(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        "    url = sqs.get_queue_url(QueueName='from-a-function')['QueueUrl']\n"
        "    return sqs.send_message(QueueUrl=url, MessageBody='x')['MessageId']\n",
        Environment={"Variables": proxy},
    )
    lab.allow(name, "sqs:*", "arn:aws:sqs:us-east-1:000000000000:from-a-function")
    assert lab.call(name)


def test_an_exception_keeps_its_name_message_and_trace(lab: Lab) -> None:
    name = lab.function(
        "class CrmRejected(Exception): pass\ndef handler(e, c):\n    raise CrmRejected('no client')\n"
    )
    error = lab.error_of(name)
    assert (error["errorType"], error["errorMessage"]) == ("CrmRejected", "no client")
    assert len(error["stackTrace"]) == 1, "only the function's own frames"
    assert 'app.py", line 3, in handler' in error["stackTrace"][0]
    assert error["requestId"]
    log = "\n".join(lab.log_of(name))
    assert "[ERROR] CrmRejected: no client" in log
    assert "Traceback (most recent call last):" in log


def test_the_name_of_an_exception_reaches_a_catch(lab: Lab) -> None:
    name = lab.function(
        "class CrmRejected(Exception): pass\ndef handler(e, c):\n    raise CrmRejected('because')\n"
    )
    catch = [{"ErrorEquals": ["CrmRejected"], "Next": "Caught"}]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    machine = lab.state_machine(
        {"Step": {"Type": "Task", "Resource": arn, "Catch": catch, "End": True}, "Caught": {"Type": "Succeed"}},
        start="Step",
    )
    ended = lab.run(machine, {})
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert output["Error"] == "CrmRejected"
    assert json.loads(output["Cause"])["errorMessage"] == "because"


def test_the_name_of_an_exception_decides_about_a_retry(lab: Lab) -> None:
    name = lab.function(
        "count = 0\nclass CrmUnavailable(Exception): pass\n"
        "def handler(event, context):\n    global count\n    count += 1\n"
        "    if count < 3: raise CrmUnavailable('busy')\n    return count\n"
    )
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    retry = [{"ErrorEquals": ["CrmUnavailable"], "IntervalSeconds": 1, "MaxAttempts": 5}]
    machine = lab.state_machine(
        {"Step": {"Type": "Task", "Resource": arn, "Retry": retry, "End": True}}, start="Step"
    )
    ended = lab.run(machine, {})
    assert json.loads(ended["output"]) == 3, "the same worker counted every attempt: an exception doesn't end it"


def test_a_function_that_overruns_its_timeout_is_ended_and_the_next_call_is_well(lab: Lab) -> None:
    name = lab.function(
        "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(event)\n    return 'ok'\n",
        Timeout=1,
    )
    began = time.monotonic()
    error = lab.error_of(name, 30)
    assert time.monotonic() - began < 5
    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    assert "begun" in lab.log_of(name)
    assert lab.call(name, 0) == "ok"
    assert lab.workers_of(name) == 1


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os._exit(7)", "exit status 7"),
        ("os.kill(os.getpid(), 9)", "signal: killed"),
        ("raise SystemExit(3)", "exit status 3"),
    ],
)
def test_a_process_that_ends_under_the_handler_is_an_exit_error(lab: Lab, end: str, reason: str) -> None:
    name = lab.function(
        f"import os\ndef handler(event, context):\n    if event:\n        {end}\n    return 'ok'\n"
    )
    assert lab.call(name, False) == "ok"
    error = lab.error_of(name, True)
    assert error["errorType"] == "Runtime.ExitError"
    assert reason in error["errorMessage"]
    assert lab.call(name, False) == "ok", "another worker serves the next call"


def test_a_worker_that_is_killed_before_it_took_the_call_is_replaced_without_anyone_noticing(lab: Lab) -> None:
    name = lab.function("import os\ndef handler(event, context):\n    return os.getpid()\n")
    first = lab.call(name)
    os.kill(first, signal.SIGKILL)
    second = lab.call(name)
    assert second != first
    os.kill(second, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lab.call, name)
        time.sleep(0.3)
        os.kill(second, signal.SIGKILL)
        assert call.result() not in (first, second)


@pytest.mark.parametrize(
    ("source", "handler", "error_type", "words"),
    [
        ("import absent", "app.handler", "Runtime.ImportModuleError", "No module named 'absent'"),
        ("def other(e, c): pass", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing"),
        ("def handler(", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("x", "nodot", "Runtime.MalformedHandlerName", "nodot"),
        ("{}['key']", "app.handler", "KeyError", "key"),
    ],
)
def test_a_function_that_cannot_be_loaded_says_why(
    lab: Lab, source: str, handler: str, error_type: str, words: str
) -> None:
    name = lab.function(source, Handler=handler)
    error = lab.error_of(name)
    assert error["errorType"] == error_type
    assert words in error["errorMessage"]
    assert lab.workers_of(name) == 0


def test_a_result_that_is_not_json_is_a_marshal_error(lab: Lab) -> None:
    name = lab.function("def handler(event, context):\n    return {1, 2}\n")
    error = lab.error_of(name)
    assert error["errorType"] == "Runtime.MarshalError"
    assert "set is not JSON serializable" in error["errorMessage"]


@pytest.mark.parametrize("levels", [1_100, 1_500])
def test_an_event_too_deep_to_be_read_is_an_unmarshal_error_and_the_worker_lives(lab: Lab, levels: int) -> None:
    name = lab.function(COUNTING)
    assert lab.call(name) == 1
    answer = lab.client("lambda").invoke(FunctionName=name, Payload="[" * levels + "]" * levels)
    assert answer["FunctionError"], "AWS's runtime says so, too"
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.UnmarshalError"
    assert lab.call(name) == 2


def test_a_payload_of_six_megabytes_comes_through_both_ways(lab: Lab) -> None:
    name = lab.function("def handler(event, context):\n    return event\n")
    event = "é" * 3_000_000
    assert lab.call(name, event) == event


def test_a_response_beyond_lambdas_limit_is_refused(lab: Lab) -> None:
    name = lab.function("def handler(event, context):\n    return 'x' * 6_300_000\n")
    assert lab.error_of(name)["errorType"] == "Function.ResponseSizeTooLarge"


def test_whatever_a_handler_writes_goes_to_its_log_and_nowhere_else(lab: Lab) -> None:
    name = lab.function(
        "import os, subprocess, sys\n"
        "def handler(event, context):\n"
        "    print('printed')\n"
        '    os.write(1, b\'raw {"status": "ok"}\\n\')\n'
        "    sys.__stdout__.write('past the redirection\\n')\n"
        "    subprocess.run(['echo', 'a child'], check=True)\n"
        "    sys.stderr.write('an error line')\n"
        "    return 'result'\n"
    )
    assert lab.call(name) == "result"
    log = lab.log_of(name)
    for line in ("printed", 'raw {"status": "ok"}', "past the redirection", "a child", "an error line"):
        assert line in log


def test_the_log_is_complete_when_the_call_returns(lab: Lab) -> None:
    name = lab.function(
        "def handler(event, context):\n    for i in range(event): print(f'line {i} ' + 'x' * 50)\n"
    )
    for _ in range(3):
        lab.call(name, 3000)
    lines = [line for line in lab.log_of(name) if line.startswith("line ")]
    assert len(lines) == 9000
    assert lines[2999].startswith("line 2999 ")


def test_a_json_log_line_stays_whole(lab: Lab) -> None:
    line = json.dumps({"message": "a\u2028b\x85c"}, ensure_ascii=False)
    name = lab.function("def handler(event, context):\n    print(event)\n")
    lab.call(name, line)
    assert line in lab.log_of(name)


def test_the_context_names_the_log_stream_that_has_the_lines(lab: Lab) -> None:
    name = lab.function(
        "def handler(event, context):\n    print('here ' + context.aws_request_id)\n"
        "    return [context.log_group_name, context.log_stream_name, context.aws_request_id]\n"
    )
    group, stream, request_id = lab.call(name)
    events = lab.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
    messages = [event["message"] for event in events]
    assert f"here {request_id}" in messages
    assert any(message.startswith(f"REPORT RequestId: {request_id}") for message in messages)


def test_log_records_have_lambdas_format(lab: Lab) -> None:
    source = (
        "import logging\nlogger = logging.getLogger()\nlogger.setLevel('INFO')\n"
        "def handler(event, context):\n    logger.info('stored %s', 3)\n    return context.aws_request_id\n"
    )
    name = lab.function(source)
    request_id = lab.call(name)
    line = next(line for line in lab.log_of(name) if "stored 3" in line)
    assert line.startswith("[INFO]\t20")
    assert line.endswith(f"Z\t{request_id}\tstored 3")
    name = lab.function(source, LoggingConfig={"LogFormat": "JSON"})
    request_id = lab.call(name)
    entry = json.loads(next(line for line in lab.log_of(name) if "stored 3" in line))
    assert (entry["level"], entry["message"], entry["requestId"]) == ("INFO", "stored 3", request_id)


def test_the_context_counts_down_to_the_timeout(lab: Lab) -> None:
    name = lab.function(
        "def handler(event, context):\n"
        "    return [context.get_remaining_time_in_millis(), context.memory_limit_in_mb, context.function_name]\n",
        Timeout=7,
        MemorySize=256,
    )
    remaining, memory, function = lab.call(name)
    assert 6000 < remaining <= 7000
    assert (memory, function) == ("256", name)


def test_a_burst_waits_for_few_workers_and_all_succeed(lab: Lab) -> None:
    name = lab.function(
        "import time\ndef handler(e, c):\n    time.sleep(0.01)\n    return {'statusCode': 200, 'body': 'ok'}\n"
    )
    api = lab.rest_api(name)
    most = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.05):
            most = max(most, lab.workers_of(name))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(300) as pool:
        statuses = list(pool.map(lambda _: api.post()[0], range(300)))
    ended.set()
    watcher.join()
    assert statuses == [200] * 300
    assert 2 <= most <= 4
    assert eventually(lambda: lab.workers_of(name) == 1), "surplus workers end when idle, and one stays warm"


def test_a_few_calls_at_once_share_the_worker_that_the_first_has_started(lab: Lab) -> None:
    name = lab.function("import os, time\ntime.sleep(0.3)\ndef handler(event, context):\n    return os.getpid()\n")
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: lab.call(name), range(4)))) == 1, "loading more would take longer"


def test_new_code_serves_the_next_call_and_a_call_in_flight_ends_on_the_old(lab: Lab) -> None:
    name = lab.function("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'old'\n")
    lab.call(name, 0)
    with ThreadPoolExecutor(1) as pool:
        in_flight = pool.submit(lab.call, name, 1)
        time.sleep(0.3)
        lab.client("lambda").update_function_code(
            FunctionName=name, ZipFile=zipped("def handler(event, context):\n    return 'new'\n")
        )
        assert lab.call(name, 0) == "new"
        assert in_flight.result() == "old"
    assert eventually(lambda: lab.workers_of(name) == 1)


def test_new_settings_serve_the_next_call(lab: Lab) -> None:
    name = lab.function("import os\ndef handler(event, context):\n    return os.environ.get('SETTING')\n")
    assert lab.call(name) is None
    lab.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"SETTING": "new"}}
    )
    assert lab.call(name) == "new"


def test_a_deleted_function_leaves_no_process(lab: Lab) -> None:
    name = lab.function(COUNTING)
    assert [lab.call(name), lab.call(name)] == [1, 2]
    assert lab.workers_of(name) == 1
    lab.client("lambda").delete_function(FunctionName=name)
    assert eventually(lambda: lab.workers_of(name) == 0)


def test_a_warm_call_has_no_fixed_wait(lab: Lab) -> None:
    api = lab.rest_api(lab.function("def handler(event, context):\n    return {'statusCode': 200, 'body': ''}\n"))
    api.post()
    times = []
    for _ in range(30):
        began = time.monotonic()
        api.post()
        times.append(time.monotonic() - began)
    assert statistics.median(times) < 0.04, "the unrepaired emulator waits 50 ms for the log of a silent handler"


def test_an_execution_starts_at_once(lab: Lab) -> None:
    machine = lab.state_machine({"Only": {"Type": "Pass", "End": True}}, start="Only")
    times = []
    for _ in range(5):
        began = time.monotonic()
        lab.run(machine, {})
        times.append(time.monotonic() - began)
    assert min(times) < 0.1, "the unrepaired emulator sleeps 150 ms before each execution"
