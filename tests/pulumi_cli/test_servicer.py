"""The plugin's answers, over gRPC as the Pulumi CLI asks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local_cloud.engine import UNKNOWN, CheckFailed, ProviderError
from local_cloud.engine.signatures import ARCHIVE, SECRET, SIGNATURE, UNKNOWN_TEXT
from local_cloud.engine.wire import properties_from, struct_from
from local_cloud.pulumi_cli.servicer import Servicer
from tests.engine.fakes import FakeCloud

URN = "urn:pulumi:local::leadbridge::leadbridge:api:RestApi$fake:index:Thing::thing"
NO_DIFF, DIFF = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


class Plugin:
    """A running plugin in front of `cloud`, and what it was configured with."""

    def __init__(self, cloud: FakeCloud, stub: provider_pb2_grpc.ResourceProviderStub) -> None:
        self.cloud, self.stub = cloud, stub
        self.settings: dict[str, Any] = {}

    def connect(self, settings: Any) -> FakeCloud:
        if settings.get("region") == "nowhere":
            raise ProviderError("the local cloud is not running: start it")
        self.settings = dict(settings)
        return self.cloud

    def create(self, **inputs: Any) -> tuple[str, struct_pb2.Struct]:
        answer = self.stub.Create(provider_pb2.CreateRequest(urn=URN, properties=struct_from(inputs)))
        return answer.id, answer.properties


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        port = server.add_insecure_port("127.0.0.1:0")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            plugin = Plugin(FakeCloud(), provider_pb2_grpc.ResourceProviderStub(channel))
            servicer = Servicer(plugin.connect, "7.0.0", tmp_path)
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
            server.start()
            plugin.stub.Configure(provider_pb2.ConfigureRequest(args=struct_from({"region": "eu-west-1"})))
            yield plugin
        server.stop(None)


def test_it_is_configured_by_the_stack_and_asks_for_plain_values(plugin: Plugin) -> None:
    answer = plugin.stub.Configure(provider_pb2.ConfigureRequest(args=struct_from({"region": "eu-west-2"})))
    assert plugin.settings == {"region": "eu-west-2"}
    assert answer.supportsPreview
    assert (answer.acceptSecrets, answer.acceptResources, answer.acceptOutputs) == (False, False, False)
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == "7.0.0"


def test_a_cloud_that_does_not_run_is_told_in_its_own_words(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.stub.Configure(provider_pb2.ConfigureRequest(args=struct_from({"region": "nowhere"})))
    assert caught.value.details() == "the local cloud is not running: start it"


def test_a_check_keeps_automatic_names_and_unknown_values(plugin: Plugin) -> None:
    news = struct_from({"target": UNKNOWN, "nested": {"list": [UNKNOWN, 1]}})
    olds = struct_from({"name": "thing-1"})
    answer = plugin.stub.Check(provider_pb2.CheckRequest(urn=URN, olds=olds, news=news))
    assert properties_from(answer.inputs, Path()) == {
        "name": "thing-1",
        "target": UNKNOWN,
        "nested": {"list": [UNKNOWN, 1]},
    }
    assert answer.inputs.fields["target"].string_value == UNKNOWN_TEXT
    first = plugin.stub.Check(provider_pb2.CheckRequest(urn=URN, news=news))
    assert first.inputs.fields["name"].string_value.startswith("thing-"), "no old inputs: a new name"


def test_bad_inputs_are_failures_of_the_check(plugin: Plugin) -> None:
    request = provider_pb2.CheckRequest(urn=URN, news=struct_from({"size": -1}))
    assert [failure.reason for failure in plugin.stub.Check(request).failures] == [
        "size is -1; it must not be negative"
    ]


@pytest.mark.parametrize(
    ("new", "changes", "diffs", "replaces"),
    [
        ({"name": "a", "size": 1}, NO_DIFF, [], []),
        ({"name": "a", "size": 2}, DIFF, ["size"], []),
        ({"name": "b", "size": 1}, DIFF, ["name"], ["name"]),
        ({"name": "a", "size": UNKNOWN}, DIFF, ["size"], []),
    ],
)
def test_a_diff_compares_the_old_inputs_with_the_new(
    plugin: Plugin, new: dict[str, Any], changes: int, diffs: list[str], replaces: list[str]
) -> None:
    request = provider_pb2.DiffRequest(
        id="id-1",
        urn=URN,
        old_inputs=struct_from({"name": "a", "size": 1}),
        olds=struct_from({"name": "an output", "size": 7}),
        news=struct_from(new),
    )
    answer = plugin.stub.Diff(request)
    assert (answer.changes, list(answer.diffs), list(answer.replaces)) == (changes, diffs, replaces)


def test_archives_that_come_as_a_hash_alone_are_compared_by_it(plugin: Plugin) -> None:
    def hashed(digit: str) -> struct_pb2.Struct:
        struct = struct_pb2.Struct()
        struct.update({"code": {SIGNATURE: ARCHIVE, "hash": digit * 64}})
        return struct

    same, other = (
        plugin.stub.Diff(
            provider_pb2.DiffRequest(
                id="id-1", urn=URN, old_inputs=hashed("0"), olds=hashed("0"), news=hashed(new)
            )
        )
        for new in "01"
    )
    assert (same.changes, other.changes, list(other.diffs)) == (NO_DIFF, DIFF, ["code"])


def test_an_update_is_given_the_hash_of_the_old_archive_and_the_contents_of_the_new(
    plugin: Plugin, tmp_path: Path
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("x = 1")
    id_, outputs = plugin.create(name="a")
    old, new = struct_from({"name": "a"}), struct_from({"name": "a"})
    old.update({"code": {SIGNATURE: ARCHIVE, "hash": "0" * 64}})
    new.update({"code": {SIGNATURE: ARCHIVE, "path": "code"}})
    outputs.update({"code": {SIGNATURE: ARCHIVE, "hash": "0" * 64}})
    plugin.stub.Update(provider_pb2.UpdateRequest(id=id_, urn=URN, old_inputs=old, olds=outputs, news=new))
    code = plugin.cloud.arguments["update", "thing"]["code"]
    assert isinstance(code, pulumi.FileArchive)
    assert code.path == str(tmp_path / "code")


def test_what_is_created_has_its_secret_outputs_marked(plugin: Plugin) -> None:
    id_, properties = plugin.create(name="a", size=1)
    assert id_ == "id-1"
    marked = properties.fields["secretToken"].struct_value.fields
    assert marked[SIGNATURE].string_value == SECRET
    assert marked["value"].string_value == "token-of-thing"
    assert properties.fields["arn"].string_value == "arn:id-1"


def test_a_preview_creates_and_updates_nothing(plugin: Plugin) -> None:
    created = plugin.stub.Create(
        provider_pb2.CreateRequest(urn=URN, properties=struct_from({"name": "a"}), preview=True)
    )
    assert (created.id, properties_from(created.properties, Path())) == ("", {"name": "a"})
    updated = plugin.stub.Update(
        provider_pb2.UpdateRequest(
            id="id-1",
            urn=URN,
            old_inputs=struct_from({"name": "a", "size": 1}),
            olds=struct_from({"name": "a", "size": 1, "arn": "arn:id-1"}),
            news=struct_from({"name": "a", "size": UNKNOWN}),
            preview=True,
        )
    )
    after = properties_from(updated.properties, Path())
    assert after == {"name": "a", "size": UNKNOWN, "arn": "arn:id-1"}, "what is made of the ARN doesn't change"
    assert plugin.cloud.operations() == []


def test_what_the_cloud_refuses_is_told_in_its_own_words(plugin: Plugin) -> None:
    plugin.create(name="a")
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(name="a")
    assert caught.value.details() == "CreateThing: a already exists"


def test_a_read_finds_what_is_there_and_says_what_is_gone(plugin: Plugin) -> None:
    id_, properties = plugin.create(name="a")
    request = provider_pb2.ReadRequest(id=id_, urn=URN, properties=properties, inputs=struct_from({"name": "a"}))
    found = plugin.stub.Read(request)
    assert found.id == id_
    assert not found.HasField("inputs"), "the CLI keeps its own"
    assert found.properties.fields["arn"].string_value == "arn:id-1"
    plugin.stub.Delete(
        provider_pb2.DeleteRequest(id=id_, urn=URN, properties=properties, old_inputs=request.inputs)
    )
    assert plugin.cloud.names() == set()
    assert plugin.stub.Read(request).id == ""


def test_a_function_answers_or_says_why_not(plugin: Plugin) -> None:
    plugin.cloud.answers["fake:index:zones"] = {"names": ["a", "b"]}
    answer = plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="fake:index:zones"))
    assert properties_from(getattr(answer, "return"), Path()) == {"names": ["a", "b"]}
    plugin.cloud.faults["invoke", "fake:index:zones"] = CheckFailed("there are no zones")
    refused = plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="fake:index:zones"))
    assert [failure.reason for failure in refused.failures] == ["there are no zones"]
