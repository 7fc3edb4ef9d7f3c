"""How Sphinx builds the documentation: Markdown through MyST, every warning an error (`make docs`)."""

from penstock import __version__

project = "Penstock"
copyright = "the Penstock contributors"  # noqa: A001  # Sphinx's name
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Penstock {release}"
html_copy_source = False
