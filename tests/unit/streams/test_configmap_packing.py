"""Packing streams into the ConfigMap, in its three generations."""

import json
from pathlib import Path

import pytest
import yaml

from penstock.formats.bootimages import SNAPSHOT, parse_boot_images
from penstock.formats.stream import parse_marketplace, parse_stream
from penstock.model.errors import InputError
from penstock.model.lineage import Kind
from penstock.streams.configmaps import Compat, PackedStream, pack_config_map
from penstock.streams.document_lineage import Source
from penstock.streams.plan_booleans import PurchasePlanField

MARKETPLACE = (
    b'{"x86_64": {"azure": {"ocp": {"hyperVGen2": {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "s", "version": "1.2.3"}}}}}'
)


def packed(name: str, *, marketplace: bytes | None = None, content: bytes | None = None) -> PackedStream:
    content = content or b'{\n  "stream": "%s",\n  "metadata": {},\n  "architectures": {"x86_64": {"images": {}}}\n}\n' % name.encode()
    document = parse_stream(content, subject=name)
    entries = parse_marketplace(marketplace, subject="m") if marketplace else {}
    sold = (Source(marketplace, "m.json", marketplace=entries), entries) if marketplace else None
    return PackedStream(name, Source(content, f"{name}.json", document), document, sold)


TWO = [packed("rhel-9", marketplace=MARKETPLACE), packed("rhel-10")]


def data_of(content: bytes) -> dict[str, str]:
    tree: dict[str, dict[str, str]] = yaml.safe_load(content)
    return tree["data"]


def test_5_0_holds_every_stream_by_name_sorted_and_the_default_one() -> None:
    made = pack_config_map(TWO)
    data = data_of(made.content)
    streams = json.loads(data["streams"])
    assert list(data) == ["releaseVersion", "stream", "streams"]
    assert list(streams) == ["rhel-10", "rhel-9"]
    assert json.loads(data["stream"]) == streams["rhel-9"]
    assert "marketplace" in streams["rhel-9"]["architectures"]["x86_64"]["rhel-coreos-extensions"]
    assert (made.default, made.left_out) == ("rhel-9", ())


def test_5_0_indents_by_two_and_ends_without_a_newline() -> None:
    text = pack_config_map(TWO).content.decode()
    assert '  stream: |-\n    {\n      "stream": "rhel-9",\n' in text
    assert '  streams: |-\n    {\n      "rhel-10": {\n        "stream": "rhel-10",\n' in text


def test_4_20_holds_the_merged_default_stream_on_one_line() -> None:
    made = pack_config_map(TWO, Compat.V4_20)
    data = data_of(made.content)
    assert list(data) == ["releaseVersion", "stream"]
    assert data["stream"].startswith('{"stream":"rhel-9","metadata":{},"architectures":{"x86_64":{"images":{},"rhel-coreos-extensions":{')
    assert made.left_out == ("rhel-10",)


def test_4_8_holds_the_file_byte_for_byte() -> None:
    odd = b'{"stream":   "rhcos-4.8",\t"architectures": {}}\n'
    assert data_of(pack_config_map([packed("", content=odd)], Compat.V4_8).content)["stream"].encode() == odd


def test_4_8_has_the_metadata_of_its_time() -> None:
    """As published: the null is what Go's writer made of an object that was never created."""
    metadata = {compat: yaml.safe_load(pack_config_map([packed("")], compat).content)["metadata"] for compat in Compat}
    assert metadata[Compat.V4_8] == {**metadata[Compat.V5_0], "creationTimestamp": None}


@pytest.mark.parametrize(("field", "stream"), [(None, TWO[0]), (PurchasePlanField.PURCHASE_PLAN, TWO[1])])
def test_4_8_refuses_what_would_change_the_file(field: PurchasePlanField | None, stream: PackedStream) -> None:
    with pytest.raises(InputError, match="as it is"):
        pack_config_map([stream], Compat.V4_8, field=field)


def test_the_boolean_is_written_on_demand() -> None:
    data = data_of(pack_config_map(TWO, field=PurchasePlanField.THIRD_PARTY).content)
    assert data["stream"].count('"thirdParty": true') == 1
    assert "thirdParty" not in data_of(pack_config_map(TWO).content)["stream"]


def test_one_stream_of_okd_has_the_empty_name_and_is_the_default() -> None:
    made = pack_config_map([packed("", content=b'{"stream": "c10s", "architectures": {}}')])
    data = data_of(made.content)
    assert list(json.loads(data["streams"])) == [""]
    assert parse_boot_images(made.content, subject="c").stream().stream == "c10s"


def test_no_stream_is_refused() -> None:
    with pytest.raises(InputError, match="no OS image streams found"):
        pack_config_map([])


def test_several_streams_without_the_frozen_default_are_refused() -> None:
    with pytest.raises(InputError, match=r"no rhel-9 image streams found\. rhel-9 is considered the default stream"):
        pack_config_map([packed("rhel-10"), packed("rhel-11")])


def test_the_error_lists_a_stream_without_a_name_too() -> None:
    with pytest.raises(InputError) as caught:
        pack_config_map([packed(""), packed("rhel-10")])
    assert caught.value.hint == "there are: one without a name, rhel-10"


def test_the_frozen_default_ends_when_the_caller_says_so() -> None:
    made = pack_config_map(TWO, default="rhel-10")
    assert json.loads(data_of(made.content)["stream"])["stream"] == "rhel-10"


def test_two_streams_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="same name"):
        pack_config_map([packed("rhel-9"), packed("rhel-9")])


def test_the_version_is_stamped_and_nothing_else_changes() -> None:
    assert pack_config_map(TWO, version="5.0.0-ec.2").content == pack_config_map(TWO).content.replace(SNAPSHOT.encode(), b"5.0.0-ec.2")


def test_the_ledger_learns_which_files_led_to_it() -> None:
    artifacts, edges = pack_config_map(TWO).lineage
    kind = {artifact.id: artifact.kind for artifact in artifacts}
    drawn = sorted((kind[edge.source].value, kind[edge.made].value, edge.why) for edge in edges)
    assert drawn == [
        ("marketplace", "stream", "marketplace images"),
        ("stream", "configmap", "stream rhel-10"),
        ("stream", "configmap", "stream rhel-9"),
        ("stream", "stream", "merged"),
    ]
    assert next(artifact for artifact in artifacts if artifact.kind is Kind.CONFIG_MAP).facts["release_version"] == SNAPSHOT


@pytest.mark.real_data
def test_the_published_4_10_config_map_is_written_again_byte_for_byte(real_data: Path) -> None:
    published = (real_data / "streams/configmap/4.10-installer-coreos-bootimages.yaml").read_bytes()
    stream = data_of(published)["stream"].encode()
    made = pack_config_map([packed("", content=stream)], Compat.V4_8).content
    assert made == published
