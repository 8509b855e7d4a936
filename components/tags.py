"""Tags that every resource bears which can bear any: whose it is, for bills and for searches."""

import inspect
from collections.abc import Mapping
from typing import Any

import pulumi


def tag_everything(tags: Mapping[str, str]) -> None:
    """From here on. A resource's own tags stay, beside these."""

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not _takes_tags(type(args.resource)):
            return None
        props: dict[str, Any] = dict(args.props)
        props["tags"] = {**tags, **(props.get("tags") or {})}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(add)


def _takes_tags(resource: type[pulumi.Resource]) -> bool:
    arguments = getattr(resource, "_internal_init", None)
    return arguments is not None and "tags" in inspect.signature(arguments).parameters
