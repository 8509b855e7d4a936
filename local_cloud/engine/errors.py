"""What a deployment can end with."""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error the engine raises; its text is meant for the person who deploys.

    `exit_code`: what the command that ran the engine ends with; docs/operations.md lists them.
    """

    exit_code = 1


class ConfigError(EngineError):
    """A stack's configuration is wrong: names key, file, value and remedy."""

    exit_code = 2


class StateLocked(EngineError):
    """Another process is deploying this stack."""


class StateCorrupt(EngineError):
    """The state file can't be read."""


class DeploymentInterrupted(EngineError):
    """Stopped by a signal or by `Engine.stop`; what was in flight is recorded."""

    exit_code = 130


class DeploymentFailed(EngineError):
    """Some resource, or the program itself, failed."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class NeedsPulumiCli(EngineError):
    """The program uses what only the Pulumi CLI's engine serves."""

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature} needs the Pulumi CLI: the local cloud's engine does not serve it")
