"""The embedded deployment engine: previews, deploys and destroys a Pulumi program without the Pulumi CLI."""

from __future__ import annotations

from .engine import Engine
from .errors import (
    ConfigError,
    DeploymentFailed,
    DeploymentInterrupted,
    EngineError,
    NeedsPulumiCli,
    StateCorrupt,
    StateLocked,
)
from .model import Reporter, Stack, Step, Summary
from .project import load_stack
from .provider import UNKNOWN, CheckFailed, Diff, Properties, Provider, ProviderError, Unknown
from .statefile import interrupted_creates, read_outputs

__all__ = [
    "UNKNOWN",
    "CheckFailed",
    "ConfigError",
    "DeploymentFailed",
    "DeploymentInterrupted",
    "Diff",
    "Engine",
    "EngineError",
    "NeedsPulumiCli",
    "Properties",
    "Provider",
    "ProviderError",
    "Reporter",
    "Stack",
    "StateCorrupt",
    "StateLocked",
    "Step",
    "Summary",
    "Unknown",
    "interrupted_creates",
    "load_stack",
    "read_outputs",
]
