"""What a command will write, told as a diff before it is written."""

from penstock.streams.change import FileChange


def test_a_file_that_stays_has_no_diff() -> None:
    assert not FileChange("a", b"1\n", b"1\n").changes
    assert FileChange("a", b"1\n", b"1\n").diff() == ""


def test_a_changed_file_has_a_diff_with_its_name() -> None:
    assert FileChange("a", b"1\n", b"2\n").diff() == "--- a\n+++ a\n@@ -1 +1 @@\n-1\n+2\n"
    assert FileChange("a", b"1\n", b"2\n").diff(after_name="a (new)").startswith("--- a\n+++ a (new)\n")


def test_a_new_file_is_told_from_an_empty_one() -> None:
    assert FileChange("a", None, b"2\n").diff().startswith("--- /dev/null\n+++ a\n")
    assert FileChange("a", b"", b"2\n").diff().startswith("--- a\n+++ a\n")


def test_a_newline_that_comes_or_goes_at_the_end_is_seen() -> None:
    assert FileChange("a", b"1", b"1\n").diff() == "--- a\n+++ a\n@@ -1 +1 @@\n-1  (no newline at the end)\n+1\n"


def test_a_character_that_only_python_takes_for_a_line_s_end_cuts_no_line() -> None:
    assert FileChange("a", b"", "x\u2028y\n".encode()).diff().endswith("+x\u2028y\n")


def test_a_long_diff_is_cut_and_says_by_how_much() -> None:
    change = FileChange("a", b"", b"1\n" * 50)
    assert len(change.diff(max_lines=10).splitlines()) == 11
    assert change.diff(max_lines=10).endswith("\n… 43 more lines\n")
    assert change.diff(max_lines=53) == change.diff()


def test_around_a_change_only_so_many_lines_are_shown() -> None:
    before = b"".join(b"%d\n" % number for number in range(20))
    assert "@@ -9,3 +9,3 @@" in FileChange("a", before, before.replace(b"9\n", b"x\n", 1)).diff(context_lines=1)
