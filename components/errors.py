"""What the program raises for a configuration that can't work."""

import pulumi


class ConfigurationError(pulumi.RunError):
    """Names the key, the value and the remedy. Pulumi shows the message alone, without a traceback."""
