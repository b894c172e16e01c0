"""Places in an ordered list as text: a node moves by one write, its neighbours stay as they are.

A key is a fraction in base 62, written without its zero and point; keys are compared byte by
byte. Between any two keys there is another one; it gets longer where many are put in one place.
"""

from __future__ import annotations

LENGTH_MAX = 120
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE = len(_DIGITS)
_NUMBER_WIDTH = 4


def between(low: str | None, high: str | None) -> str:
    """Return a key above *low* and below *high*; None stands for the end of the list.

    Raises:
        ValueError: *low* is not below *high*.
    """
    if low is not None and high is not None and low >= high:
        raise ValueError(f"no key between {low!r} and {high!r}")
    if high is None:
        return _above(low)
    return _middle(low or "", high)


def spread(count: int) -> list[str]:
    """Return *count* keys in rising order with room between them, for a list numbered anew."""
    width = _NUMBER_WIDTH
    step = _BASE**width // (count + 1)
    return [_written(step * (index + 1), width) for index in range(count)]


def _above(low: str | None) -> str:
    """Return a key above *low*: the next number, so that appending does not make keys longer."""
    value = 0
    for digit in (low or "")[:_NUMBER_WIDTH].ljust(_NUMBER_WIDTH, _DIGITS[0]):
        value = value * _BASE + _DIGITS.index(digit)
    value += 1 + ((value + 1) % _BASE == 0)  # a key that ends in zero has little room below it
    if value < _BASE**_NUMBER_WIDTH:
        return _written(value, _NUMBER_WIDTH)
    return f"{low}{_DIGITS[_BASE // 2]}"


def _middle(low: str, high: str) -> str:
    prefix = ""
    while True:
        low_digit = _DIGITS.index(low[0]) if low else 0
        high_digit = _DIGITS.index(high[0]) if high else _BASE
        if high_digit - low_digit > 1:
            return prefix + _DIGITS[(low_digit + high_digit) // 2]
        prefix += _DIGITS[low_digit]
        # Where the digit in front is below the limit's, anything may follow.
        high = "" if high_digit > low_digit else high[1:]
        low = low[1:]


def _written(value: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        value, digit = divmod(value, _BASE)
        digits = _DIGITS[digit] + digits
    # A key that ends in zero has nothing directly below it.
    return digits if digits[-1] != _DIGITS[0] else f"{digits}{_DIGITS[_BASE // 2]}"
