"""The Pulumi CLI against the local cloud: how it is found or built, what it is given, and its `aws` plugin."""
