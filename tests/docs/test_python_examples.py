"""The Python examples of the documentation run, each page in a namespace and an empty folder of its own."""

from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.myst import DocTestDirectiveParser, PythonCodeBlockParser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if "```python" in page.read_text(encoding="utf-8")]


def test_there_are_examples() -> None:
    assert PAGES


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_the_python_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(page), PythonCodeBlockParser(), DocTestDirectiveParser())
    for example in document.examples():
        example.evaluate()
