"""Tokenizers over real text that every machine has, and the texts that are hard to tokenize."""

import sysconfig
from pathlib import Path

import pytest

from tfzoo.preprocessing import BytePairTokenizer

HARD_TEXTS = {
    "empty": "",
    "one space": " ",
    "spaces at both ends": "  two before, three after   ",
    "runs of spaces": "a  b   c    d" + " " * 37 + "e",
    "new lines and tabs": "a\n\nb\n\n\nc\t\td \n e\t \nf\r\n\r\ng\n",
    "only white space": " \n\t \r\n  \v\f ",
    "Unicode spaces": "a\u00a0b\u00a0\u00a0c\u2003d\u2003 e \u3000f\u2028\u2029g\x85\x85h\u1680",
    "not quite spaces": "a\u200bb\u180ec\ufeffd\x1ce\x1d\x1e\x1ff\u2060g",
    "contractions": "I'm you're he's we'd they'll I've don't 's's 'S 'LL it''s x's'y \n's  's",
    "digits": "3.14159 1,000,000 ²³ ½ Ⅷ ٣٤٥ १२३ a1b2 99bottles",
    "punctuation": '!!! ... (a+b)=[c]{d}; "q" <tag/> -- — … ¿¡ #hash @at $5 5€ ~`^_|\\',
    "accents": "Ünïcödé naïve Äpfel façade Ångström",
    "combining marks": "e\u0301 a\u0308\u0323 Z\u0351\u036b\u0343\u036a\u0302 \u0301start",
    "emoji": "👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ❤️‍🔥 1️⃣ 😀😀",
    "CJK": "日本語のテキスト 中文，没有空格。 한국어 문장 ｆｕｌｌｗｉｄｔｈ",
    "scripts": "Ελληνικά русский עברית العربية हिन्दी ไทย ქართული አማርኛ ᏣᎳᎩ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈",
    "control characters": "\x00a\x00\x00 b\x01\x02\x1b[0m\x7f\x80\x9f",
    "zero": "\x00",
    "replacement and private": "\ufffd \ue000\ue001 \U000f0000 \uffff\U0010ffff",
    "byte alphabet": "Ġthe Ċ ĀāĂ Ł ­ ¡ÿ",
    "sentencepiece": "▁the ▁▁ <unk> <s> <0x41>",
    "code": "def f(x):\n    if x:\n        return {'a': x[0]}  # done\n\n\nclass A:\n\tpass\n",
    "new letters": "\u1c89\u1c8aa \U000105c0x \U0002ebf0一 1\U00010d40 \U0001e5f1\U0001e5f0",
}


@pytest.fixture(scope="session")
def stdlib_texts():
    """Some 60 files of the standard library's source."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    return [path.read_text("utf-8", "replace") for path in sorted(folder.glob("[a-f]*.py"))]


@pytest.fixture(scope="session")
def tokenizer(stdlib_texts):
    """1,009 tokens learned from the standard library."""
    return BytePairTokenizer.train(stdlib_texts, vocabulary_size=1009)


@pytest.fixture(scope="session")
def hard_texts():
    """Texts on which tokenizers differ, by the reason why."""
    return HARD_TEXTS
