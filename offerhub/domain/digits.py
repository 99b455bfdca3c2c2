"""Regular expressions for decimal digits within bounds, so that a bound can be said in a pattern.

The expressions mean the same to every reader of JSON Schema: character classes and counts only.
"""


def up_to(bound: int) -> str:
    """The whole numbers from 1 to `bound`, without leading zeros."""
    length = len(str(bound))
    shorter = [f"[1-9]{_any(0, length - 2)}"] if length > 1 else []
    return "|".join([*shorter, *_between("1" + "0" * (length - 1), str(bound))])


def between(low: str, high: str) -> str:
    """The digits from `low` to `high`, which are of one length; leading zeros count."""
    if len(low) != len(high) or low > high:
        raise ValueError(f"no digits from {low} to {high}")
    return "|".join(_between(low, high))


def _between(low: str, high: str) -> list[str]:
    rest = len(low) - 1
    if rest < 0:
        return [""]
    first, last = int(low[0]), int(high[0])
    if first == last:
        return [f"{first}{tail}" for tail in _between(low[1:], high[1:])]
    found = []
    if low[1:] != "0" * rest:
        found += [f"{first}{tail}" for tail in _between(low[1:], "9" * rest)]
        first += 1
    above = []
    if high[1:] != "9" * rest:
        above = [f"{last}{tail}" for tail in _between("0" * rest, high[1:])]
        last -= 1
    if first <= last:
        found.append(_digit(first, last) + _any(rest, rest))
    return found + above


def _digit(first: int, last: int) -> str:
    return str(first) if first == last else f"[{first}-{last}]"


def _any(least: int, most: int) -> str:
    """So many digits of any kind."""
    if most == 0:
        return ""
    return "[0-9]" if (least, most) == (1, 1) else f"[0-9]{{{_count(least, most)}}}"


def _count(least: int, most: int) -> str:
    return str(least) if least == most else f"{least},{most}"
