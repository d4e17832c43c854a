import time

import pytest

from tfzoo.data import MaskPersonalData

PHONES = """
+49 30 123456
+49 (0)30 1234567
+4930123456
+1 415 555 2671
+1 (415) 555-2671
+1-415-555-2671
+44 20 7946 0958
+442079460958
+33 1 23 45 67 89
+91 98765 43210
+55 (11) 91234-5678
+47\u00a022\u00a034\u00a056\u00a078
0049 30 1234567
(415) 555-2671
415-555-2671
415\u2011555\u20112671
415.555.2671
1-800-555-0199
415-555-2671 x123
+1 415 555 2671 ext. 55
(030) 123456
(02) 9374 4000
0171/1234567
020 7946 0958
07700 900123
01 23 45 67 89
01.23.45.67.89
""".strip().split("\n")

NOT_PHONES = """
2024-01-15
15.01.2024
2024-01-15T10:30:00+01:00
192.168.100.1
1.2.3.4
3.14159265358979
+3.14159265
-1234567890
1234567890
978-3-16-148410-0
4111 1111 1111 1111
123-45-6789
550e8400-e29b-41d4-a716-446655440000
0x1234567890
1,234,567,890
x = 5 +1234567890
a[2] +1234567890
10 000 000 000
version 2.0.1-20240115
0001 0002 0003
016 032 064 128
01 02 03 04 05 06
1e+1234567
http://example.com/415-555-2671/a
10.1000/182-123-4567
+12 3456
telescope 1234567
7,415-555-2671
415-555-2671-8
415.555.2671.3
""".strip().split("\n")

EMAILS = """
ada@example.org
Ada.Lovelace+test@mail.example.co.uk
jos\u00e9@b\u00fccher.de
a_b%c@x-y.museum
user1@sub.domain.travel
""".strip().split("\n")

NOT_EMAILS = """
git@github.com:ada/engine.git
icon@2x.png
q@k.transpose(0, 1)
w@x.shape[0]
lodash@4.17.21
@property
user@localhost
a@b.T
sd_IN@devanagari.UTF-8
""".strip().split("\n")


def mask(text, **arguments):
    return MaskPersonalData(**arguments)([text])[0]


@pytest.mark.parametrize("number", PHONES)
def test_phone_numbers_are_masked(number):
    assert mask(f"Ring {number}, please.") == "Ring <PHONE>, please."
    assert mask(f"{number}\n{number}.") == "<PHONE>\n<PHONE>."


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("tel. ", "1234567"),
        ("Phone: ", "555-1234"),
        ("FAX ", "98 76 54 32"),
        ("phone number: ", "415 555 2671"),
    ],
)
def test_a_word_before_it_makes_a_phone_number(word, number):
    assert mask(word + number) == word + "<PHONE>"
    assert mask(number) == number


@pytest.mark.parametrize("text", NOT_PHONES)
def test_other_numbers_stay(text):
    assert mask(f"See {text}, please.") == f"See {text}, please."
    assert mask(text) == text


@pytest.mark.parametrize("address", EMAILS)
def test_emails_are_masked(address):
    assert mask(f"'{address}', <{address}>; mailto:{address}.") == (
        "'<EMAIL>', <<EMAIL>>; mailto:<EMAIL>."
    )
    assert mask(f"\u8054\u7cfb{address}\u8c22\u8c22") == "\u8054\u7cfb<EMAIL>\u8c22\u8c22"


@pytest.mark.parametrize("text", [*NOT_EMAILS, "a" * 65 + "@example.org"])
def test_what_only_looks_like_an_email_stays(text):
    assert mask(f"see {text}") == f"see {text}"


def test_each_kind_is_switched():
    text = "ada@example.org, +49 30 123456"
    assert mask(text, emails=False) == "ada@example.org, <PHONE>"
    assert mask(text, phone_numbers=False) == "<EMAIL>, +49 30 123456"


@pytest.mark.parametrize(
    "unit", ["a", "1", "1 ", "+1", "a@", "a.", "tel ", "(0", "0 1-", "+1 2", "x@a."]
)
def test_takes_linear_time(unit):
    start = time.process_time()
    mask(unit * (100_000 // len(unit)))
    # Quadratic time would be minutes.
    assert time.process_time() - start < 2
