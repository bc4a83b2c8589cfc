"""That the last lines of a log are found without reading the rest."""

from pathlib import Path

import pytest

from devcluster.operator.exporter.logs import CHUNK_BYTES, tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.mark.parametrize(
    ("content", "lines", "last"),
    [
        (b"", 5, b""),
        (b"one\ntwo\nthree\n", 2, b"two\nthree\n"),
        (b"one\ntwo\nthree", 2, b"two\nthree"),
        (b"one\n", 5, b"one\n"),
        (b"one\n\n\n", 2, b"\n\n"),
        (b"one\ntwo\n", 0, b""),
        (b"one\ntwo\n", None, b"one\ntwo\n"),
    ],
)
def test_that_the_last_lines_are_given(log: Path, content: bytes, lines: int | None, last: bytes) -> None:
    log.write_bytes(content)

    assert tail(log, lines=lines, limit_bytes=None) == last


@pytest.mark.parametrize("length", [1, 7, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_that_lines_may_lie_anywhere_in_the_pieces_that_are_read(log: Path, length: int) -> None:
    whole = [b"%d" % number * length + b"\n" for number in range(9)]
    log.write_bytes(b"".join(whole))

    for count in (1, 4, 9, 10):
        assert tail(log, lines=count, limit_bytes=None) == b"".join(whole[-count:])


def test_that_a_limit_cuts_the_end_as_the_kubelet_does(log: Path) -> None:
    log.write_bytes(b"one\ntwo\nthree\n")

    assert tail(log, lines=2, limit_bytes=5) == b"two\nt"


def test_that_a_log_that_is_not_there_is_told(log: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tail(log, lines=1, limit_bytes=None)
