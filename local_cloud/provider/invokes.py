"""Functions of the `aws` package that read from the cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local_cloud.engine.provider import CheckFailed, Properties
from local_cloud.provider.cloud import Cloud


def caller_identity(cloud: Cloud, args: Properties) -> Properties:
    accept(args, "aws:index/getCallerIdentity:getCallerIdentity", set())
    answer = cloud.call("sts", "get_caller_identity")
    account = answer["Account"]
    return {"id": account, "accountId": account, "arn": answer["Arn"], "userId": answer["UserId"]}


def region(cloud: Cloud, args: Properties) -> Properties:
    accept(args, "aws:index/getRegion:getRegion", {"name", "region"})
    asked = args.get("name") or args.get("region") or cloud.region
    if asked != cloud.region:
        raise CheckFailed(f"getRegion: the local cloud is {cloud.region!r}, and {asked!r} was asked for")
    return {
        "id": asked,
        "name": asked,
        "region": asked,
        "description": asked,
        "endpoint": f"ec2.{asked}.amazonaws.com",
    }


def partition(cloud: Cloud, args: Properties) -> Properties:
    accept(args, "aws:index/getPartition:getPartition", set())
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


# filter of DescribeAvailabilityZones -> what of a zone it looks at
ZONE_FILTERS = {
    "opt-in-status": "OptInStatus",
    "zone-id": "ZoneId",
    "zone-name": "ZoneName",
    "zone-type": "ZoneType",
}


def availability_zones(cloud: Cloud, args: Properties) -> Properties:
    known = {"state", "excludeNames", "excludeZoneIds", "filters", "region"}
    accept(args, "aws:index/getAvailabilityZones:getAvailabilityZones", known)
    excluded = {*(args.get("excludeNames") or []), *(args.get("excludeZoneIds") or [])}
    filters = {one["name"]: one["values"] for one in args.get("filters") or []}
    for name in filters.keys() - ZONE_FILTERS.keys():
        raise CheckFailed(
            f"getAvailabilityZones: the local cloud filters by {', '.join(ZONE_FILTERS)}, not by {name!r}"
        )
    zones = [
        zone
        for zone in cloud.call("ec2", "describe_availability_zones")["AvailabilityZones"]
        if not excluded & {zone["ZoneName"], zone["ZoneId"]}
        and args.get("state") in (None, zone["State"])
        and all(zone[ZONE_FILTERS[name]] in values for name, values in filters.items())
    ]
    return {
        **args,
        "id": cloud.region,
        "region": cloud.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone["GroupName"] for zone in zones}),
    }


def accept(args: Properties, token: str, known: set[str]) -> None:
    for name, value in args.items():
        if value is not None and name not in known:
            raise CheckFailed(
                f"{token}: the local cloud doesn't know the argument {name!r}: "
                "leave it out, or add it to local_cloud/provider/invokes.py"
            )


INVOKES: Mapping[str, Callable[[Cloud, Properties], Properties]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getRegion:getRegion": region,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
}
