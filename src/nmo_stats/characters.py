"""Characters that a reader, an encoding or a font may lack, written so that they can still be read."""

from __future__ import annotations

import codecs
import unicodedata
from typing import Final

PLAIN_ERRORS: Final = "nmo_stats.plain"
_PLAIN: Final = {
    "≤": "<=", "≥": ">=", "–": "-", "—": "-", "−": "-", "×": "x", "±": "+/-", "…": "...", "·": ".",
    "∞": "inf", "←": "<-", "→": "->", "‘": "'", "’": "'", "“": '"', "”": '"',
    "\u00a0": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip
_KEPT: Final = frozenset("\n\t")
_DIRECTIONS: Final = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufffe\uffff"
)


def visible(text: str) -> str:
    r"""Return text with control characters, halves of surrogate pairs and changes of direction written out.

    Such characters can make a name look like another one, command a terminal, or make a file invalid.

    Examples
    --------
    >>> visible("P1\u202e2")
    'P1\\u202e2'
    """
    if text.isprintable():
        return text
    return "".join(_escaped(sign) if _is_hidden(sign) else sign for sign in text)


def plain(text: str, encoding: str) -> str:
    r"""Return text that the encoding can hold: simpler signs, and escapes, for what it lacks.

    Examples
    --------
    >>> plain("≤ 5 × 10, Özil", "ascii")
    '<= 5 x 10, \\xd6zil'
    """
    return text.encode(encoding, PLAIN_ERRORS).decode(encoding)


def escaped(text: str, missing: frozenset[str]) -> str:
    r"""Return text with the missing characters as escapes such as ``\u5f20``."""
    return "".join(_escaped(character) if character in missing else character for character in text)


def _is_hidden(character: str) -> bool:
    kind = unicodedata.category(character)
    return (kind in ("Cc", "Cs") and character not in _KEPT) or character in _DIRECTIONS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character) or _escaped(character) for character in lacking), error.end


codecs.register_error(PLAIN_ERRORS, _replacement)
