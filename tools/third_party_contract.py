"""An import-linter contract: which layer may import which third-party package.

import-linter's own ``forbidden`` contract lists what is *not* allowed and fails on packages that do not exist yet; here the list says
what *is* allowed, so a dependency that nobody placed, or a layer that nobody thought of, breaks the contract.
"""

import sys
from collections.abc import Iterable
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ThirdPartyContract(Contract):
    """Each entry of ``allowed`` reads ``top_name: layer layer …``, the layers named below the root package."""

    type_name = "third_party"

    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  # import-linter's signature
        """Compare every import that leaves the root package with the list."""
        # A field is declared as itself and read as its parsed value.
        places = dict(_parse_entry(entry) for entry in cast("Iterable[str]", self.allowed))
        (root,) = self.session_options["root_packages"]
        violations = []
        for module in sorted(graph.modules):
            if not module.startswith(f"{root}."):
                continue
            layer = module.split(".")[1]
            for imported in sorted(graph.find_modules_directly_imported_by(module)):
                top_name = imported.split(".")[0]
                if top_name in {root, *sys.stdlib_module_names} or layer in places.get(top_name, ()):
                    continue
                line = graph.get_import_details(importer=module, imported=imported)[0]["line_number"]
                reason = f"allowed in {', '.join(places[top_name])}" if top_name in places else "not listed"
                violations.append(f"{module} (l.{line}) imports {top_name}: {reason}")
        return ContractCheck(kept=not violations, metadata={"violations": violations})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per import."""
        for violation in check.metadata["violations"]:
            output.print_error(f"- {violation}", bold=False)
        output.new_line()


def _parse_entry(entry: str) -> tuple[str, tuple[str, ...]]:
    top_name, _, layers = entry.partition(":")
    return top_name.strip(), tuple(layers.split())
