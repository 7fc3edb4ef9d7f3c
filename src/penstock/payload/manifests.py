"""The manifests of a payload: how they are named, and what is put in for the placeholders in them.

An operator image carries ``/manifests``; an ``image-references`` beside them says which names they use for images.  When a payload is
made each such name becomes the component's pullspec, ``0.0.1-snapshot`` the version, ``0.0.1-snapshot-KEY`` the version of a component
(openshift/oc ``pkg/cli/admin/release/image_mapper.go``).  Unlike there a name counts only where it stands alone:
``mirror.example/quay.io/a/b`` does not hold ``quay.io/a/b``, and two names side by side are both found.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.formats.bootimages import stamp
from penstock.formats.release import IMAGE_REFERENCES, RELEASE_METADATA, decode_image_references
from penstock.formats.yamltext import parse_yaml_all
from penstock.model.errors import InputError
from penstock.model.release import Label, TagReference
from penstock.payload.release import MANIFEST_FOLDER, boot_images_span
from penstock.payload.versions import agreed_versions

_LOCATOR = rb"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{2,})?"
_ALONE_BEFORE = rb"(?<![\w.@%-])(?:(?<=//)|(?<!/))"
_ALONE_AFTER = rb"(?![\w/:@%-]|\.\w)"
_SNAPSHOT = re.compile(rb"(?<!\w)0\.0\.1-snapshot([a-z0-9-]*)")
_YAML_SUFFIXES = (".json", ".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """Files that go into a payload's manifests.

    Attributes:
        origin: where they come from, for people: ``component cli``, ``folder ./manifests``.
        tag: the component that they belong to, or None for files that keep their names.
        files: content by file name.
    """

    origin: str
    tag: str | None
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The manifests of a payload as they will stand.

    Attributes:
        files: content by name.
        origins: where each comes from.
        warnings: what the maker should know.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, name: str, content: bytes, origin: str) -> None:
        """Add a file; of two with one name the second is numbered, as ``oc`` does."""
        stem, dot, suffix = name.rpartition(".")
        free, number = name, 1
        while free in self.files:
            number += 1
            free = f"{stem}_{number}{dot}{suffix}" if dot else f"{name}_{number}"
        self.files[free] = content
        self.origins[free] = origin

    def replace(self, name: str, content: bytes, origin: str) -> None:
        """Add a file that takes the place of another of its name."""
        if name in self.files:
            self.warnings.append(f"{name} of {origin} takes the place of the one of {self.origins[name]}")
        self.files[name] = content
        self.origins[name] = origin


def manifest_name(tag: str | None, file_name: str) -> str:
    """The name in the payload: a place in the global order is kept, everything else is put behind its component's name."""
    return file_name if tag is None or file_name.startswith("0000_") else f"0000_50_{tag}_{file_name}"


def render(source: ManifestSource, tags: Sequence[TagReference], version: str) -> dict[str, bytes]:
    """The manifests of one source, by their names in the payload, with every placeholder replaced.

    Raises:
        InputError: a manifest names an image or a version that the payload does not have, or the boot images have another version.
    """
    files = dict(source.files)
    found = files.pop(IMAGE_REFERENCES, None)
    referenced = None if found is None else _referenced(found, source, tags)
    names = {} if referenced is None else {placeholder: pullspec for placeholder, (_, pullspec) in referenced.items()}
    asked = None if referenced is None else {tag for tag, _ in referenced.values()}
    versions = agreed_versions(tag for tag in tags if asked is None or tag.name in asked)
    rendered = {}
    for name, content in sorted(files.items()):
        subject = f"{source.origin}: {name}"
        stamped = stamp_boot_images(content, version, subject=subject)
        rendered[manifest_name(source.tag, name)] = replace_versions(replace_images(stamped, names), version, versions, subject=subject)
    return rendered


def _referenced(content: bytes, source: ManifestSource, tags: Sequence[TagReference]) -> dict[str, tuple[str, str]]:
    """Tag and pullspec by the name that stands for the image in the manifests."""
    subject = f"{source.origin}: {IMAGE_REFERENCES}"
    pullspecs: dict[str, str] = {}
    for tag in tags:
        if tag.pullspec:
            pullspecs.setdefault(tag.name, tag.pullspec)
    found: dict[str, tuple[str, str]] = {}
    for tag in decode_image_references(content, subject=subject).tags:
        placeholder = tag.pullspec
        if placeholder is None:
            continue
        if tag.name not in pullspecs:
            raise InputError(f'no component "{tag.name}" is in the payload', subject=subject, hint=f"add {tag.name}=REF")
        if found.get(placeholder, (tag.name,))[0] != tag.name:
            raise InputError(f"{placeholder} stands for {found[placeholder][0]} and for {tag.name}", subject=subject)
        found[placeholder] = (tag.name, pullspecs[tag.name])
    return found


def replace_images(content: bytes, names: Mapping[str, str]) -> bytes:
    """Put in pullspecs for the names of images, each with whatever tag or digest follows it.

    Args:
        content: a manifest.
        names: the pullspec by the name that stands for it.
    """
    if not names:
        return content
    any_name = b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(_ALONE_BEFORE + b"(" + any_name + b")" + _LOCATOR + _ALONE_AFTER)
    return pattern.sub(lambda found: names[found[1].decode()].encode(), content)


def repoint(content: bytes, pullspecs: Mapping[str, str]) -> bytes:
    """Put in new pullspecs for old ones, which must stand there exactly."""
    if not pullspecs:
        return content
    any_name = b"|".join(re.escape(name.encode()) for name in sorted(pullspecs, key=len, reverse=True))
    return re.sub(_ALONE_BEFORE + b"(" + any_name + b")" + _ALONE_AFTER, lambda found: pullspecs[found[1].decode()].encode(), content)


def replace_versions(content: bytes, version: str, versions: Mapping[str, str | None], *, subject: str) -> bytes:
    """Put in the version of the payload for ``0.0.1-snapshot`` and those of components for ``0.0.1-snapshot-KEY``.

    Args:
        content: a manifest.
        version: of the payload.
        versions: of the components by key; None where the images that are asked do not agree.
        subject: names the manifest in errors.

    Raises:
        InputError: a key is not known, or not agreed on.
    """

    def put(found: re.Match[bytes]) -> bytes:
        key = found[1].decode()
        if not key:
            return version.encode()
        if not key.startswith("-"):
            return found[0]
        if key[1:] not in versions:
            hint = f"a component's label {Label.VERSIONS} sets it"
            raise InputError(f'unknown version reference "{key[1:]}"', subject=subject, hint=hint)
        known = versions[key[1:]]
        if known is None:
            raise InputError(f'the images do not agree on the version of "{key[1:]}"', subject=subject)
        return known.encode()

    return _SNAPSHOT.sub(put, content)


def restamp(content: bytes, old: str, new: str) -> bytes:
    """A manifest of another payload under a new version: the old one is replaced wherever it stands alone.

    In a payload that was assembled the placeholder is gone; the version itself is what is left to recognise it by.
    """
    if old == new or not old:
        return content
    return re.sub(rb"(?<![\w.+-])" + re.escape(old.encode()) + rb"(?![\w+-]|\.\w)", new.encode(), content)


def stamp_boot_images(content: bytes, version: str, *, subject: str) -> bytes:
    """The file with its ``coreos-bootimages`` ConfigMap stamped; a file without one as it is.

    Raises:
        InputError: the ConfigMap has another version already, or none.
    """
    span = boot_images_span(content, subject=subject)
    if span is None:
        return content
    start, end = span
    return content[:start] + stamp(content[start:end], version, subject=subject) + content[end:]


def check_manifest(name: str, content: bytes, *, subject: str) -> None:
    """Refuse what the cluster-version operator could not apply.

    Raises:
        InputError: a file that is called YAML or JSON is none, or holds something else than Kubernetes objects.
    """
    if not name.endswith(_YAML_SUFFIXES):
        return
    for tree in parse_yaml_all(content, subject=subject):
        if not isinstance(tree, Mapping) or not all(isinstance(tree.get(key), str) and tree[key] for key in ("kind", "apiVersion")):
            problem = "a manifest must be a Kubernetes object with kind and apiVersion"
            raise InputError(problem, subject=subject, hint="leave other files out")


def names_in_payload(sources: Iterable[ManifestSource]) -> set[str]:
    """What the files of these sources are called in a payload."""
    return {manifest_name(source.tag, name) for source in sources for name in source.files if name != IMAGE_REFERENCES}


def path_of(name: str) -> str:
    """A manifest's path inside the release image."""
    return f"{MANIFEST_FOLDER}/{name}"


def folder_sources(origin: str, files: Mapping[str, Mapping[str, bytes]]) -> list[ManifestSource]:
    """The sources that a local folder is: its own files, which keep their names, then those of the folder of each component.

    A folder into which a payload was extracted may be given as it is: its ``release-metadata`` is left out, because a new one is written.

    Args:
        origin: the folder, for people.
        files: content by file name, by folder; ``""`` is the top.
    """
    sources = []
    for folder, contents in sorted(files.items()):
        kept = {name: content for name, content in contents.items() if folder or name != RELEASE_METADATA}
        sources.append(ManifestSource(f"{origin}/{folder}" if folder else origin, folder or None, kept))
    return sources
