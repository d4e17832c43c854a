"""Masking e-mail addresses and telephone numbers."""

import re
from dataclasses import dataclass

EMAIL = "<EMAIL>"
PHONE = "<PHONE>"

# Latin letters, also accented: in Chinese or Japanese an address touches the words around it.
_LETTER = "A-Za-z\u00c0-\u024f"

# "git@" addresses a repository, "icon@2x.png" is a picture, "a@b.transpose(" is code.
_EMAIL = re.compile(
    rf"""
    (?<![A-Za-z0-9_.%+-])(?!git@) [{_LETTER}0-9][{_LETTER}0-9_.%+-]{{0,63}}
    @ (?!\d+x\.) (?:[{_LETTER}0-9](?:[{_LETTER}0-9-]{{0,61}}[{_LETTER}0-9])?\.){{1,8}}
    [{_LETTER}]{{2,24}} (?![{_LETTER}0-9_(\[]|-\w)
    """,
    re.VERBOSE,
)

# What stands before and behind: no part of a longer number, name, version, path, sum or price.
_START = r"(?<![\w.+*/#$%-])(?<!\d[,:])"
_END = r"(?![\w*%]|[.,:/-]\d|-\w)"
_SPACE = "[ \u00a0\u202f]"
_DASH = "[-\u2010-\u2013]"
_GAP = rf"(?:{_SPACE}?(?:{_DASH}|/){_SPACE}?|{_SPACE}|\.)"

_PHONE = re.compile(
    rf"""
    # how every alternative begins: most places are passed over at once
    (?=[+(\dPTMFWptmfw])
    (?P<keyword>\b(?i:phone|telephone|tel|mobile|fax|telefon|t\u00e9l|tel\u00e9fono|whatsapp)
        (?:{_SPACE}(?i:number|no|at))? [.:]{{0,2}} {_SPACE}? (?=[+(\d]))?
    (?P<number>
        # +49 30 123456, +1 (415) 555-2671, +442079460958; not 7 +1234567890
        (?<![\w.+*/#$%)\]-])(?<![\d)\]][ ]) \+[1-9](?:{_GAP}?\(?\d\)?){{8,14}}
        # 0049 30 123456, only with gaps
        | {_START} 00[1-9]\d{{0,2}} {_GAP}\(?[1-9]\d{{0,4}}\)? (?:{_GAP}\d{{2,8}}){{1,4}}
        # (415) 555-2671, 415-555-2671, 415.555.2671, 1-800-555-0199
        | {_START} (?:1[-.\ ])? (?:\([2-9]\d\d\){_SPACE}?|[2-9]\d\d{_DASH})
            [2-9]\d\d(?:{_DASH}|{_SPACE})\d{{4}}
        | {_START} (?:1\.)? [2-9]\d\d\.[2-9]\d\d\.\d{{4}}
        # (030) 123456, 020 7946 0958, 0171/1234567
        | {_START} \(0\d{{1,4}}\)(?:{_GAP}?\d{{2,8}}){{1,4}}
        | {_START} 0[1-9]\d{{1,3}} (?:/|{_DASH}|{_SPACE})[1-9]\d{{1,7}} (?:{_GAP}\d{{2,8}}){{0,2}}
        # 01 23 45 67 89, 01.23.45.67.89
        | {_START}(?<!\d[-.\ ]) 0[1-9](?P<gap>[-.\ ])\d\d(?:(?P=gap)\d\d){{3}} (?!(?P=gap)\d)
        # anything that looks like one, where the word before says so
        | (?(keyword)\(?\d(?:{_GAP}?\(?\d\)?){{6,14}}|(?!))
    )
    (?:{_SPACE}?(?i:x|ext\.?){_SPACE}?\d{{1,6}})? {_END}
    """,
    re.VERBOSE,
)
_MIN_DIGITS, _MIN_DIGITS_AFTER_KEYWORD = 9, 7
_MAX_DIGITS = 15  # E.164, without the prefix 00


@dataclass(frozen=True)
class MaskPersonalData:
    """Puts `<EMAIL>` and `<PHONE>` in the place of e-mail addresses and telephone numbers.

    Recognized are international numbers (`+49 30 123456`, `0049 30 123456`), North American ones
    (`(415) 555-2671`, `415-555-2671`), national ones with a leading zero (`020 7946 0958`,
    `01 23 45 67 89`), and any behind a word such as "tel." or "phone:". Numbers that are more
    likely a date, a version, an IP address, a decimal or an identifier stay. It is a filter for
    training data and no guarantee: other personal data stay, and so does a bare row of digits.

    Args:
        emails: Whether to mask e-mail addresses.
        phone_numbers: Whether to mask telephone numbers.

    Example:
        >>> step = MaskPersonalData()
        >>> step(["Write to ada@example.org or call +44 20 7946 0958, not 192.168.100.1."])
        ['Write to <EMAIL> or call <PHONE>, not 192.168.100.1.']
    """

    emails: bool = True
    phone_numbers: bool = True

    def __call__(self, documents: list[str]) -> list[str]:
        """Returns each document masked."""
        return [self._mask(document) for document in documents]

    def _mask(self, text):
        if self.emails:
            text = _EMAIL.sub(EMAIL, text)
        return _PHONE.sub(_masked_phone, text) if self.phone_numbers else text


def _masked_phone(match):
    keyword, number = match["keyword"] or "", match["number"]
    digits = len(re.sub(r"\D", "", number).removeprefix("00"))
    fewest = _MIN_DIGITS_AFTER_KEYWORD if keyword else _MIN_DIGITS
    # With one point and no other gap it is a decimal.
    is_decimal = not keyword and re.fullmatch(r"[+]?\d+\.\d+", number)
    if not fewest <= digits <= _MAX_DIGITS or is_decimal:
        return match[0]
    return keyword + PHONE
