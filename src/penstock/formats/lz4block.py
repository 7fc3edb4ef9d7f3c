"""The LZ4 block format (lz4: ``doc/lz4_Block_format.md``), in plain Python: some file systems are compressed with it, none of CoreOS's.

A sequence is a token (how many literals, how long a match), the literals, and the distance of the match as 16 bits; 15 in the token says
that more of the number follows, byte by byte, as long as these are 255.  The last sequence has no match.
"""

_MORE = 15
_MIN_MATCH_BYTES = 4


def expand_lz4(data: bytes, limit: int) -> bytes:
    """Expand a block, or its first ``limit`` bytes.

    Raises:
        ValueError: a match reaches before the start.
        IndexError: the block ends within a sequence.
    """
    out = bytearray()
    at = 0
    while len(out) < limit and at < len(data):
        token = data[at]
        count, at = _number(data, at + 1, token >> 4)
        if at + count > len(data) and len(out) + count <= limit:
            raise IndexError("the literals end early")
        out += data[at : at + count]
        at += count
        if len(out) >= limit or at >= len(data):
            break
        distance = data[at] | data[at + 1] << 8
        count, at = _number(data, at + 2, token & _MORE)
        _repeat(out, distance, min(count + _MIN_MATCH_BYTES, limit - len(out)))
    return bytes(out[:limit])


def _number(data: bytes, at: int, start: int) -> tuple[int, int]:
    """A length that starts in the token, and where what follows it stands."""
    number = start
    if start == _MORE:
        while True:
            number += data[at]
            at += 1
            if data[at - 1] != 255:
                break
    return number, at


def _repeat(out: bytearray, distance: int, count: int) -> None:
    """Append ``count`` bytes from ``distance`` bytes before the end, which may overlap what is appended."""
    if not 0 < distance <= len(out):
        raise ValueError("a match before the start")
    repeated = out[len(out) - distance :]
    if distance < count:
        repeated *= -(-count // distance)
    out += repeated[:count]
