"""Mirror rules as files give them: ``registries.conf``, OpenShift's image mirror sets, and a ConfigMap that holds the former.

containers-registries.conf(5), version 2; ``config.openshift.io/v1`` ImageDigestMirrorSet and ImageTagMirrorSet; their predecessor
``operator.openshift.io/v1alpha1`` ImageContentSourcePolicy, digests only; a ConfigMap with the key ``registries.conf`` (how the
assisted installer gets its mirrors).  Search lists for short names are left out: a reference always names its registry.

``NeverContactSource`` is taken at its word: once said, the source is asked neither for digests nor for tags, which is also what a
cluster's nodes do.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence

from penstock.formats.yamltext import parse_yaml_all
from penstock.model.errors import InputError
from penstock.model.mirrors import Mirror, MirrorRule, MirrorRules, PullFrom

_NEVER = "NeverContactSource"
_POLICIES = ("", _NEVER, "AllowContactingSource")
_SETS = {
    "ImageDigestMirrorSet": ("imageDigestMirrors", PullFrom.DIGEST_ONLY),
    "ImageTagMirrorSet": ("imageTagMirrors", PullFrom.TAG_ONLY),
    "ImageContentSourcePolicy": ("repositoryDigestMirrors", PullFrom.DIGEST_ONLY),
}
_CONFIG_KEY = "registries.conf"

Table = Mapping[str, object]


def parse_mirrors(content: bytes, *, subject: str) -> MirrorRules:
    """Read a file of any of these forms; the content tells which.

    Raises:
        InputError: the file is of no such form, or an entry is wrong.
    """
    if _looks_like_yaml(content):
        return parse_mirror_sets(content, subject=subject)
    return parse_registries_conf(content, subject=subject)


def parse_registries_conf(content: bytes, *, subject: str) -> MirrorRules:
    """Read ``registries.conf``, version 2.

    Raises:
        InputError: it is no TOML, of version 1, or an entry is wrong.
    """
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not TOML: {error}", subject=subject) from error
    except RecursionError:
        raise InputError("nested too deeply", subject=subject) from None
    if "registries" in document:
        raise InputError("version 1 of registries.conf knows no mirrors", subject=subject, hint="write [[registry]] tables")
    rules = MirrorRules()
    for number, table in enumerate(_tables(document.get("registry", []), "registry", subject), start=1):
        rule = _registry_rule(table, f"registry {number}", subject)
        if any(known.prefix == rule.prefix for known in rules.rules):
            raise InputError(f"two [[registry]] tables have the prefix {rule.prefix!r}", subject=subject)
        rules = MirrorRules((*rules.rules, rule))
    return rules


def parse_mirror_sets(content: bytes, *, subject: str) -> MirrorRules:
    """Read one or more YAML documents (JSON too): mirror sets, lists of them, or a ConfigMap.

    Raises:
        InputError: a document is of another kind, or an entry is wrong.
    """
    rules = MirrorRules()
    for tree in parse_yaml_all(content, subject=subject):
        if tree is not None:
            for item in _objects(tree, subject):
                rules = rules.joined(_object_rules(item, subject))
    return rules


def _looks_like_yaml(content: bytes) -> bool:
    for line in content.splitlines():
        text = line.strip()
        if text and not text.startswith(b"#"):
            return text.startswith((b"{", b"---", b"%", b"-")) or b":" in text.partition(b"=")[0].partition(b"[")[0]
    return False


def _registry_rule(table: Table, where: str, subject: str) -> MirrorRule:
    location = _text(table, "location", where, subject).rstrip("/")
    prefix = _text(table, "prefix", where, subject).rstrip("/") or location
    if not prefix:
        raise InputError(f"{where} has neither prefix nor location", subject=subject)
    if "*" in prefix and (not prefix.startswith("*.") or "*" in prefix[1:] or "/" in prefix or ":" in prefix):
        raise InputError(f"the prefix {prefix!r} is not of the form *.domain", subject=subject)
    if not location and not prefix.startswith("*."):
        raise InputError(f"{where} has no location", subject=subject, hint="only a prefix *.domain may do without one")
    by_digest = _flag(table, "mirror-by-digest-only", where, subject)
    mirrors = tuple(
        _registry_mirror(entry, by_digest=by_digest, where=f"{where}, mirror {number}", subject=subject)
        for number, entry in enumerate(_tables(table.get("mirror", []), f"{where}, mirror", subject), start=1)
    )
    return MirrorRule(
        prefix, location, mirrors, insecure=_flag(table, "insecure", where, subject), blocked=_flag(table, "blocked", where, subject)
    )


def _registry_mirror(table: Table, *, by_digest: bool, where: str, subject: str) -> Mirror:
    location = _text(table, "location", where, subject).rstrip("/")
    pull = _text(table, "pull-from-mirror", where, subject)
    if not location:
        raise InputError(f"{where} has no location", subject=subject)
    if by_digest and pull:
        raise InputError(f"{where}: pull-from-mirror and mirror-by-digest-only exclude each other", subject=subject)
    if pull and pull not in set(PullFrom):
        raise InputError(f"{where}: pull-from-mirror is {pull!r}", subject=subject, hint="all, digest-only or tag-only")
    pull_from = PullFrom.DIGEST_ONLY if by_digest else PullFrom(pull or PullFrom.ALL)
    return Mirror(location, _flag(table, "insecure", where, subject), pull_from)


def _objects(tree: object, subject: str) -> Iterator[Table]:
    """The Kubernetes objects of a document; a ``List`` of any kind is taken apart."""
    document = _table(tree, "the document", subject)
    if str(document.get("kind", "")).endswith("List"):
        for item in _tables(document.get("items"), "items", subject):
            # Items of a typed list may go without a kind of their own.
            yield item if "kind" in item else {**item, "kind": str(document["kind"]).removesuffix("List")}
    else:
        yield document


def _object_rules(item: Table, subject: str) -> MirrorRules:
    kind = str(item.get("kind", ""))
    if kind == "ConfigMap":
        return _config_map_rules(item, subject)
    if kind not in _SETS:
        hint = "ImageDigestMirrorSet, ImageTagMirrorSet, ImageContentSourcePolicy, or a ConfigMap with registries.conf"
        raise InputError(f"{kind or 'a document without kind'} holds no mirrors", subject=subject, hint=hint)
    key, pull_from = _SETS[kind]
    metadata = _table(item.get("metadata"), f"metadata of a {kind}", subject)
    where = f"{kind} {metadata.get('name', '')}".rstrip()
    spec = _table(item.get("spec"), f"spec of {where}", subject)
    rules = MirrorRules()
    for number, entry in enumerate(_tables(spec.get(key), f"{key} of {where}", subject), start=1):
        rules = rules.joined(MirrorRules((_set_rule(entry, pull_from, f"{where}, {key} {number}", subject),)))
    return rules


def _set_rule(entry: Table, pull_from: PullFrom, where: str, subject: str) -> MirrorRule:
    source = _text(entry, "source", where, subject).rstrip("/")
    if not source:
        raise InputError(f"{where} has no source", subject=subject)
    policy = _text(entry, "mirrorSourcePolicy", where, subject)
    if policy not in _POLICIES:
        raise InputError(f"{where}: mirrorSourcePolicy is {policy!r}", subject=subject, hint=" or ".join(_POLICIES[1:]))
    mirrors = entry.get("mirrors")
    mirrors = [] if mirrors is None else mirrors
    if not isinstance(mirrors, Sequence) or isinstance(mirrors, str) or not all(isinstance(place, str) and place for place in mirrors):
        raise InputError(f"{where}: mirrors is not a list of names", subject=subject)
    places = tuple(Mirror(str(place).rstrip("/"), pull_from=pull_from) for place in mirrors)
    return MirrorRule(source, mirrors=places, blocked=policy == _NEVER)


def _config_map_rules(item: Table, subject: str) -> MirrorRules:
    data = _table(item.get("data"), "data of a ConfigMap", subject)
    text = data.get(_CONFIG_KEY)
    if not isinstance(text, str):
        raise InputError(f"the ConfigMap has no key {_CONFIG_KEY}", subject=subject)
    return parse_registries_conf(text.encode(), subject=f"{subject} ({_CONFIG_KEY})")


def _table(value: object, what: str, subject: str) -> Table:
    """An object of the document; one that is absent or null is empty."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{what} is not a table", subject=subject)
    return value


def _tables(value: object, what: str, subject: str) -> list[Table]:
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{what} is not a list", subject=subject)
    return [_table(entry, what, subject) for entry in value]


def _text(table: Table, key: str, where: str, subject: str) -> str:
    value = table.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{where}: {key} is not text", subject=subject)
    return value


def _flag(table: Table, key: str, where: str, subject: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key} is neither true nor false", subject=subject)
    return value
