"""What CatchErrors is told of a failure."""

import json
from typing import Any

from handlers.orchestration import catch_errors


def failure(state: str, error: str, text: str = "", cause: str | None = None) -> dict[str, str]:
    """As the state machine's Catch remembers it; Lambda words the cause."""
    worded = json.dumps({"errorMessage": text, "errorType": error, "stackTrace": ["alice"]})
    return {"state": state, "error": error, "cause": worded if cause is None else cause}


def catch(event: dict[str, Any], failed: dict[str, str], execution: str = "one") -> dict[str, str]:
    return catch_errors.handler({"event": event, "execution": execution, "failure": failed}, None)


def interrupted(execution: str, text: str | None, status: str = "ABORTED") -> dict[str, Any]:
    """As EventBridge reports an execution that ended without CatchErrors."""
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "id": "status-change",
        "detail": {"status": status, "executionArn": execution, "input": text},
    }
