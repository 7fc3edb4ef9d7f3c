"""Rules about marketplace images: the table of who publishes what under which name, and versions that Azure can have."""

import re
from collections.abc import Mapping
from typing import Final

from penstock.formats.stream_schema import THREE_NUMBERS, UUID
from penstock.formats.text import Path
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import AwsMarketplace, AzureMarketplaceImage, GcpMarketplace, Generation, Marketplace, PurchasePlan
from penstock.model.record import given
from penstock.model.versions.azure import AzureImageVersion
from penstock.model.versions.parts import MajorMinor
from penstock.streams.lint.findings import Findings, Level, LintRule, found
from penstock.streams.lint.images import GCP_ARCHITECTURES, lint_amis
from penstock.streams.plan_booleans import disagreements
from penstock.streams.populate.azure_skus import UNPAID_NAMINGS, UNPAID_OFFER, UNPAID_PUBLISHER, Machine, paid_sku

_GCP_PROJECT: Final = "redhat-marketplace-public"
_GCP_NAME: Final = re.compile(
    r"(?:redhat-coreos-)?(?P<plan>ocp|opp|oke)-(?P<release>[0-9]+(?:-[0-9]+)?)-(?P<arch>[a-z0-9-]+?)-(?P<stamp>[0-9]{8,12})"
)
_PATTERN_FIELD: Final = re.compile(r"\\\{(line|major|minor)\\\}")
_FIELDS: Final = {"line": "(?P<line>[45][0-9]{1,2})", "major": "(?P<major>[0-9]+)", "minor": "(?P<minor>[0-9]+)"}
_SERIES: Final[tuple[tuple[Machine, re.Pattern[str]], ...]] = tuple(
    (machine, re.compile(_PATTERN_FIELD.sub(lambda name: _FIELDS[name[1]], re.escape(pattern))))
    for naming in UNPAID_NAMINGS
    for machine, pattern in naming.patterns.items()
)
"""The spellings of ARO's series, turned into what reads them."""


def lint_marketplaces(entries: Mapping[str, tuple[Marketplace, Path]]) -> Findings:
    """Look at the marketplace of every architecture; each comes with its place in the document."""
    for arch, (entry, path) in entries.items():
        if arch not in (Arch.X86_64, Arch.AARCH64):
            yield found(LintRule.MARKETPLACE_ARCH, path, f"nobody publishes marketplace images for {arch}")
        for where, message in disagreements(entry):
            yield found(LintRule.PLAN_BOOLEAN, (*path, "azure", *where), message)
        azure = given(entry.azure)
        for plan, generation, image in azure.images() if azure else ():
            yield from _azure(arch, plan, generation, image, (*path, "azure", plan.value, generation.value))
        yield from _aws(given(entry.aws), (*path, "aws"))
        yield from _gcp(given(entry.gcp), arch, (*path, "gcp"))


def _azure(arch: str, plan: PurchasePlan, generation: Generation, image: AzureMarketplaceImage, path: Path) -> Findings:
    yield from _azure_version(image, path)
    if arch == Arch.AARCH64 and plan.paid:
        yield found(LintRule.MARKETPLACE_ARCH, path, "the paid images are for x86_64 alone", Level.ERROR)
    elif arch == Arch.AARCH64 and generation is Generation.GEN1:
        yield found(LintRule.MARKETPLACE_ARCH, path, "Azure's Arm machines are of generation 2 alone", Level.ERROR)
    elif plan.paid:
        wanted = paid_sku(plan, generation)
        yield from _names(image, plan, (wanted.publisher, wanted.offer), path)
        if image.sku != wanted.sku:
            message = f"the SKU of {plan} {generation} is {wanted.sku}, not {image.sku}"
            yield found(LintRule.AZURE_SKU, (*path, "sku"), message)
    else:
        yield from _names(image, plan, (UNPAID_PUBLISHER, UNPAID_OFFER), path)
        yield from _series(arch, generation, image, path)


def _names(image: AzureMarketplaceImage, plan: PurchasePlan, wanted: tuple[str, str], path: Path) -> Findings:
    publisher, offer = wanted
    if image.publisher.casefold() != publisher:
        message = f"the publisher of {plan} is {publisher}, not {image.publisher}"
        yield found(LintRule.AZURE_PUBLISHER, (*path, "publisher"), message)
    if image.offer != offer:
        yield found(LintRule.AZURE_OFFER, (*path, "offer"), f"the offer of {plan} is {offer}, not {image.offer}")


def _series(arch: str, generation: Generation, image: AzureMarketplaceImage, path: Path) -> Findings:
    read = [(machine, names) for machine, pattern in _SERIES if (names := pattern.fullmatch(image.sku))]
    machines = {machine for machine, _ in read}
    if not machines:
        message = f"the SKU {image.sku!r} is in none of ARO's spellings, like aro_422-v2 or aro_5-0_x64_gen2"
        yield found(LintRule.AZURE_SKU, (*path, "sku"), message, Level.WARNING)
    elif arch in (Arch.X86_64, Arch.AARCH64) and (Arch(arch), generation) not in machines:
        told = " or ".join(sorted(f"{of_arch} {of_generation}" for of_arch, of_generation in machines))
        message = f"the entry is {arch} {generation}, and the SKU {image.sku} is of {told}"
        yield found(LintRule.AZURE_SKU, (*path, "sku"), message)
    else:
        yield from _release_of_series(_release(read[0][1].groupdict()), image, path)


def _release(names: Mapping[str, str]) -> MajorMinor:
    if "line" in names:
        return MajorMinor(int(names["line"][0]), int(names["line"][1:]))
    return MajorMinor(int(names["major"]), int(names["minor"]))


def _release_of_series(release: MajorMinor, image: AzureMarketplaceImage, path: Path) -> Findings:
    try:
        version = AzureImageVersion(image.version)
    except InputError:
        return
    if version.ocp is not None and version.ocp > release:
        message = f"the version {version} is of OpenShift {version.ocp}, and the SKU {image.sku} of {release}"
        yield found(LintRule.AZURE_VERSION, (*path, "version"), message, Level.WARNING)


def _azure_version(image: AzureMarketplaceImage, path: Path) -> Findings:
    where = (*path, "version")
    if not re.match(THREE_NUMBERS, image.version):
        message = f"{image.version!r} is no version of Azure, which is three dotted numbers"
        yield found(LintRule.AZURE_VERSION, where, message)
        return
    try:
        AzureImageVersion(image.version)
    except InputError as error:
        yield found(LintRule.AZURE_VERSION, where, error.message, Level.WARNING)


def _aws(marketplace: AwsMarketplace | None, path: Path) -> Findings:
    for plan in PurchasePlan:
        images = marketplace.plan(plan) if marketplace else None
        if images is None:
            continue
        if not re.match(UUID, images.product):
            yield found(
                LintRule.AWS_PRODUCT, (*path, plan.value, "product"), f"{images.product!r} is no product of the AWS Marketplace, a UUID"
            )
        regions = given(images.regions) or {}
        yield from lint_amis({region: image.image for region, image in regions.items()}, (*path, plan.value, "regions"))


def _gcp(marketplace: GcpMarketplace | None, arch: str, path: Path) -> Findings:
    rule = LintRule.GCP_MARKETPLACE
    for plan in PurchasePlan:
        image = marketplace.plan(plan) if marketplace else None
        if image is None:
            continue
        where = (*path, plan.value)
        if image.project != _GCP_PROJECT:
            yield found(rule, (*where, "project"), f"the marketplace images are in the project {_GCP_PROJECT}, not {image.project}")
        read = _GCP_NAME.fullmatch(image.name)
        if read is None:
            message = f"the name {image.name!r} is not like redhat-coreos-{plan}-413-x86-64-202305021736"
            yield found(rule, (*where, "name"), message, Level.WARNING)
            continue
        if read["plan"] != plan:
            yield found(rule, (*where, "name"), f"the plan is {plan}, and the name says {read['plan']}: {image.name}")
        if read["arch"] != GCP_ARCHITECTURES.get(arch, arch):
            yield found(rule, (*where, "name"), f"the image stands under {arch}, and its name says {read['arch']}: {image.name}")
