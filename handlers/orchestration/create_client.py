"""The state CreateClient: `POST /create_client`."""

from typing import Any

from handlers.orchestration import step


def handler(task: dict[str, Any], _context: Any) -> dict[str, str]:
    return step.handle(task, "/create_client")
