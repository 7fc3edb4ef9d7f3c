"""Mirror rules from all their files, and the order of places that follows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.mirrors import parse_mirror_sets, parse_mirrors, parse_registries_conf
from penstock.model.errors import InputError
from penstock.model.imageref import ImageRef
from penstock.model.mirrors import Mirror, MirrorRule, MirrorRules, PullFrom, candidates

DIGEST = "sha256:" + "a" * 64


def _places(rules: MirrorRules, ref: str) -> list[str]:
    return [str(endpoint.ref) + (" (insecure)" if endpoint.insecure else "") for endpoint in candidates(ImageRef.parse(ref), rules)]


def _conf(text: str) -> MirrorRules:
    return parse_registries_conf(text.encode(), subject="registries.conf")


CONF = """
unqualified-search-registries = ["docker.io"]

[[registry]]
location = "quay.io/release"
[[registry.mirror]]
location = "one.example:5000/copy"
insecure = true
[[registry.mirror]]
location = "two.example/copy"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "three.example/copy"
pull-from-mirror = "tag-only"
"""


def test_all_mirrors_in_order_then_the_source() -> None:
    rules = _conf(CONF)

    assert _places(rules, f"quay.io/release/app@{DIGEST}") == [
        f"one.example:5000/copy/app@{DIGEST} (insecure)",
        f"two.example/copy/app@{DIGEST}",
        f"quay.io/release/app@{DIGEST}",
    ]
    assert _places(rules, "quay.io/release/app:v1") == [
        "one.example:5000/copy/app:v1 (insecure)",
        "three.example/copy/app:v1",
        "quay.io/release/app:v1",
    ]


@pytest.mark.parametrize(
    ("ref", "mirrored"),
    [
        ("quay.io/release:v1", True),
        ("quay.io/release/a/b:v1", True),
        ("quay.io/releases:v1", False),
        ("quay.io/other:v1", False),
        ("quay.io:443/release:v1", False),
        ("my.quay.io/release:v1", False),
    ],
)
def test_a_prefix_ends_at_a_path_element(ref: str, mirrored: bool) -> None:
    assert (len(_places(_conf(CONF), ref)) > 1) is mirrored


def test_the_longest_prefix_wins_wherever_it_stands() -> None:
    rules = MirrorRules(
        tuple(
            MirrorRule(prefix, mirrors=(Mirror(f"{name}.example"),))
            for prefix, name in (("quay.io/a", "a"), ("quay.io/a/b", "ab"), ("quay.io", "all"), ("quay.io/a/b:v9", "tag"))
        )
    )

    assert _places(rules, "quay.io/a/b/c:v1")[0] == "ab.example/c:v1"
    assert _places(rules, "quay.io/a/x:v1")[0] == "a.example/x:v1"
    assert _places(rules, "quay.io/x:v1")[0] == "all.example/x:v1"


def test_a_whole_registry_does_not_catch_its_other_ports() -> None:
    rules = MirrorRules((MirrorRule("quay.io", mirrors=(Mirror("m.example"),)),))

    assert _places(rules, "quay.io:5000/a:v1") == ["quay.io:5000/a:v1"]


@pytest.mark.parametrize(
    ("ref", "first"),
    [
        ("a.apps.example/x:v1", "m.example/x:v1"),
        ("a.b.apps.example:5000/x:v1", "m.example:5000/x:v1"),
        ("apps.example/x:v1", "apps.example/x:v1"),
        ("evilapps.example/x:v1", "evilapps.example/x:v1"),
        ("other.example/a.apps.example/x:v1", "other.example/a.apps.example/x:v1"),
    ],
)
def test_a_wildcard_stands_for_hosts_below_a_domain(ref: str, first: str) -> None:
    rules = _conf('[[registry]]\nprefix = "*.apps.example"\n[[registry.mirror]]\nlocation = "m.example"\n')

    assert _places(rules, ref)[0] == first


def test_a_location_is_put_in_the_place_of_the_prefix_and_blocked_forbids_it() -> None:
    assert _places(_conf('[[registry]]\nprefix = "old.example"\nlocation = "new.example/sub"\n'), "old.example/a:v1") == [
        "new.example/sub/a:v1"
    ]
    assert _places(_conf('[[registry]]\nlocation = "old.example"\nblocked = true\n'), "old.example/a:v1") == []


def test_mirror_by_digest_only_holds_for_all_mirrors() -> None:
    rules = _conf('[[registry]]\nlocation = "q.example"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.example"\n')

    assert _places(rules, "q.example/a:v1") == ["q.example/a:v1"]
    assert _places(rules, f"q.example/a@{DIGEST}")[0] == f"m.example/a@{DIGEST}"


@pytest.mark.parametrize(
    "text",
    [
        "[[registry",
        "[registry]\nlocation = 'a'",
        "registry = 5",
        "registry = [5]",
        "[[registry]]",
        "[[registry]]\nlocation = 5",
        "[[registry]]\nprefix = 'a.example'",
        "[[registry]]\nprefix = 'a.*.example'\nlocation = 'b'",
        "[[registry]]\nlocation = 'a'\nblocked = 'yes'",
        "[[registry]]\nlocation = 'a'\n[[registry]]\nlocation = 'a'",
        "[[registry]]\nlocation = 'a'\n[[registry.mirror]]",
        "[[registry]]\nlocation = 'a'\n[[registry.mirror]]\nlocation = 'b'\npull-from-mirror = 'never'",
        "[[registry]]\nlocation = 'a'\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = 'b'\npull-from-mirror = 'all'",
        "[registries.search]\nregistries = ['a']",
    ],
)
def test_a_wrong_registries_conf_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        _conf(text)
    assert "registries.conf" in str(caught.value)


def _set(kind: str, key: str, entries: list[object]) -> str:
    return json.dumps({"apiVersion": "config.openshift.io/v1", "kind": kind, "metadata": {"name": "m"}, "spec": {key: entries}})


IDMS = """
apiVersion: config.openshift.io/v1
kind: ImageDigestMirrorSet
metadata: {name: release}
spec:
  imageDigestMirrors:
  - source: quay.io/release
    mirrors: [one.example/a, two.example/b]
  - source: quay.io/closed
    mirrorSourcePolicy: NeverContactSource
    mirrors: [one.example/c]
---
apiVersion: config.openshift.io/v1
kind: ImageTagMirrorSet
metadata: {name: tags}
spec:
  imageTagMirrors:
  - source: quay.io/release
    mirrors: [three.example/t]
---
---
apiVersion: operator.openshift.io/v1alpha1
kind: ImageContentSourcePolicy
metadata: {name: old}
spec:
  repositoryDigestMirrors:
  - source: quay.io/release
    mirrors: [four.example/o, one.example/a]
"""


def test_mirror_sets_of_all_kinds_are_joined() -> None:
    rules = parse_mirrors(IDMS.encode(), subject="f")

    assert _places(rules, f"quay.io/release/x@{DIGEST}") == [
        f"{place}/x@{DIGEST}" for place in ("one.example/a", "two.example/b", "four.example/o", "quay.io/release")
    ]
    assert _places(rules, "quay.io/release/x:v1") == ["three.example/t/x:v1", "quay.io/release/x:v1"]


def test_never_means_never() -> None:
    rules = parse_mirrors(IDMS.encode(), subject="f")

    assert _places(rules, f"quay.io/closed/x@{DIGEST}") == [f"one.example/c/x@{DIGEST}"]
    assert _places(rules, "quay.io/closed/x:v1") == []


@pytest.mark.parametrize("named", [True, False], ids=["items with a kind", "items without"])
def test_lists_are_taken_apart(named: bool) -> None:
    item = json.loads(_set("ImageDigestMirrorSet", "imageDigestMirrors", [{"source": "quay.io", "mirrors": ["m.example"]}]))
    if not named:
        del item["kind"]
    document = {"apiVersion": "v1", "kind": "List" if named else "ImageDigestMirrorSetList", "items": [item]}

    assert _places(parse_mirrors(json.dumps(document).encode(), subject="f"), f"quay.io/x@{DIGEST}")[0] == f"m.example/x@{DIGEST}"


def test_a_config_map_holds_a_registries_conf() -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ca-bundle.crt": "", "registries.conf": CONF}}

    assert parse_mirrors(json.dumps(document).encode(), subject="f") == _conf(CONF)


@pytest.mark.parametrize(
    "content",
    ["# a comment: with a colon\n" + CONF, CONF, "", "unqualified-search-registries = ['a:5000']", "[[registry]]\nlocation = 'a:5'"],
)
def test_toml_is_told_from_yaml(content: str) -> None:
    parse_mirrors(content.encode(), subject="f")


@pytest.mark.parametrize(
    "content",
    [
        "kind: Pod",
        "{}",
        "kind: ConfigMap",
        "kind: ImageDigestMirrorSet\nspec: []",
        _set("ImageDigestMirrorSet", "imageDigestMirrors", [{}]),
        _set("ImageDigestMirrorSet", "imageDigestMirrors", [{"source": "a", "mirrors": "b"}]),
        _set("ImageDigestMirrorSet", "imageDigestMirrors", [{"source": "a", "mirrors": [5]}]),
        _set("ImageDigestMirrorSet", "imageDigestMirrors", [{"source": "a", "mirrorSourcePolicy": "Maybe"}]),
        "kind: ImageDigestMirrorSet\nkind: ImageTagMirrorSet",
    ],
)
def test_a_wrong_document_is_refused(content: str) -> None:
    with pytest.raises(InputError):
        parse_mirror_sets(content.encode(), subject="f")


def test_a_location_that_makes_no_reference_is_the_callers_mistake() -> None:
    rules = MirrorRules((MirrorRule("quay.io/a", mirrors=(Mirror("Not A Place"),)),))

    with pytest.raises(InputError, match="Not A Place"):
        candidates(ImageRef.parse("quay.io/a:v1"), rules)


NAMES = st.sampled_from(["quay.io", "quay.io/a", "quay.io/a/b", "quay.io/ab", "*.io", "quay.io:5000"])
RULES = st.lists(
    st.builds(
        MirrorRule,
        prefix=NAMES,
        mirrors=st.lists(
            st.builds(Mirror, st.sampled_from(["m.example/y", "n.example/x"]), st.booleans(), st.sampled_from(PullFrom)), max_size=3
        ).map(tuple),
        blocked=st.booleans(),
    ),
    max_size=5,
)
REFS = st.builds(
    lambda name, rest: ImageRef.parse(name + rest),
    st.sampled_from(["quay.io/a", "quay.io/a/b", "quay.io:5000/ab"]),
    st.sampled_from([":v1", f"@{DIGEST}", f":v1@{DIGEST}"]),
)


@given(REFS, RULES)
def test_every_place_asks_for_the_same_image_and_the_source_comes_last(ref: ImageRef, rules: list[MirrorRule]) -> None:
    joined = MirrorRules()
    for rule in rules:
        joined = joined.joined(MirrorRules((rule,)))
    places = candidates(ref, joined)

    assert all((place.ref.tag, place.ref.digest) == (ref.tag, ref.digest) for place in places)
    assert [place.is_mirror for place in places] == sorted((place.is_mirror for place in places), reverse=True)
    assert sum(not place.is_mirror for place in places) <= 1


@given(RULES, RULES)
def test_joining_forgets_no_mirror_and_no_prohibition(first: list[MirrorRule], second: list[MirrorRule]) -> None:
    joined = MirrorRules().joined(MirrorRules(tuple(first))).joined(MirrorRules(tuple(second)))
    by_prefix = {rule.prefix: rule for rule in joined.rules}

    assert len(by_prefix) == len(joined.rules)
    for rule in (*first, *second):
        assert set(rule.mirrors) <= set(by_prefix[rule.prefix].mirrors)
        assert by_prefix[rule.prefix].blocked or not rule.blocked
