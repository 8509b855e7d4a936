"""`cost`: print what a stack costs in a month."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from command_line import boundary
from operations.cost.errors import CostError
from operations.cost.estimate import Estimate, Line, estimate
from operations.cost.graph import Graph
from operations.cost.prices import FILE, Prices
from operations.stack import ROOT, check_stack_name


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--leads-per-day", type=boundary.between(1, 1e9), default=1000, metavar="N", help="default: 1000"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--deployment",
        metavar="FILE",
        default="-",
        help="what `pulumi stack export` prints; - reads standard input",
    )
    source.add_argument(
        "--stack",
        dest="deployment",
        type=_state_of,
        help="one that is deployed on the local cloud of this checkout",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(options: argparse.Namespace) -> int:
    """Raise CostError for what can't be estimated."""
    prices = Prices.read()
    deployment = _deployment(options.deployment)
    try:
        result = estimate(Graph.of_deployment(deployment), options.leads_per_day, prices)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise CostError(
            f"{options.deployment} is not a deployment as Pulumi writes it ({type(error).__name__}); give what"
            " `pulumi stack export` prints"
        ) from error
    sys.stdout.write(_as_json(result, prices) if options.json else _as_table(result, prices))
    return 0


def _state_of(stack: str) -> str:
    """Where the local cloud keeps the stack's state."""
    check_stack_name(stack)
    return str(ROOT / ".leadbridge" / stack / "state" / "stack.json")


def _deployment(name: str) -> Any:
    try:
        return json.loads(boundary.standard_input() if name == "-" else Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CostError(
            f"there is no {name}. Deploy the stack on the local cloud first (make up STACK=dev), or give what"
            " `pulumi stack export` prints"
        ) from None
    except OSError as error:
        raise CostError(f"{name} can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise CostError(f"{name} is not JSON ({error}); give what `pulumi stack export` prints") from None


def _as_json(result: Estimate, prices: Prices) -> str:
    def lines(part: tuple[Line, ...]) -> list[dict[str, Any]]:
        return [vars(line) for line in part]

    document = {
        "usd_per_month": round(result.total, 2),
        "usd_per_million_leads": round(result.per_million, 2),
        "leads_per_month": result.leads,
        "transitions_per_lead": result.transitions,
        "express_usd_per_month": round(result.express_usd, 2),
        "worst_usd_per_day": round(result.worst_total, 2),
        "worst_day": [vars(door) for door in result.worst],
        "fixed": lines(result.fixed),
        "used": lines(result.used),
        "prices_as_of": prices.as_of,
        "region": prices.region,
    }
    return json.dumps(document, indent=2) + "\n"


def _as_table(result: Estimate, prices: Prices) -> str:
    rows = [f"{result.leads:,.0f} leads a month, {result.transitions} transitions each; US dollars a month"]
    for title, part in (("fixed", result.fixed), ("used by leads", result.used)):
        rows.append(f"{title}")
        rows += [
            f"  {line.what:<26}{line.quantity:>16,.1f} {line.unit:<12}{line.usd:>10,.2f}"
            for line in sorted(part, key=lambda line: -line.usd)
        ]
    rows += [
        f"{'total':<57}{result.total:>10,.2f}",
        f"{'a million leads more':<57}{result.per_million:>10,.2f}",
        f"{'the executions, were they Express':<57}{result.express_usd:>10,.2f}",
        "the worst day: strangers at every public limit, all day; US dollars a day",
        *(f"  {door.what:<26}{door.requests:>16,.0f} {'requests':<12}{door.usd:>10,.2f}" for door in result.worst),
        f"{'the worst day in all':<57}{result.worst_total:>10,.2f}",
        f"prices of {prices.as_of}, {prices.region}, with its assumptions in {FILE.name}; without free tiers",
    ]
    return "\n".join(rows) + "\n"
