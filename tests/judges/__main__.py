"""Holds what the program would deploy to AWS's own rules, offline: `make judges`."""

import sys

from tests.components.graph import VPN, Graph, record
from tests.judges import cloudformation, service_models

JUDGES = {"cfn-lint": cloudformation.problems, "service models": service_models.problems}


def graphs() -> dict[str, Graph]:
    linked = record("prod", {**VPN, "backendConcurrency": "20"})
    return {**{stack: record(stack) for stack in ("local", "dev", "prod")}, "prod with a VPN": linked}


def main() -> int:
    found = [
        f"{stack}: {judge}: {problem}"
        for stack, graph in graphs().items()
        for judge, problems in JUDGES.items()
        for problem in problems(graph)
    ]
    print(*found, sep="\n", file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
