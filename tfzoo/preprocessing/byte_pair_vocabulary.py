"""The two tables of byte-level BPE, tokens and merges, checked.

Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2),
section 2.2: BPE over bytes, each byte written as one printable character.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import tokenizers

MAX_SPECIAL_TOKENS = 4095


def _byte_alphabet() -> dict[str, int]:
    # GPT-2 writes a printable Latin-1 byte as itself and the others, in order, from U+0100 on.
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("ÿ") + 1)} - {ord("\xad")}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in sorted(printable)} | {
        chr(0x100 + index): byte for index, byte in enumerate(others)
    }


BYTE_OF_CHARACTER = _byte_alphabet()


@dataclasses.dataclass(frozen=True)
class BytePairVocabulary:
    """Tokens, merges and special tokens that fit together.

    Args:
        tokens: V different strings over GPT-2's byte alphabet, in the order of their ids; or a
            mapping from token to id.
        merges: pairs of tokens, or strings `"left right"`, in the order in which they apply.
        special_tokens: names among `tokens` that stand for no bytes.

    Raises:
        ValueError: if ids repeat or have gaps, a byte or a special token is missing, a token
            cannot be reached by any merge, or a merge has parts or a result outside the tokens.
    """

    tokens: Sequence[str] | Mapping[str, int]
    merges: Sequence[str | Sequence[str]]
    special_tokens: Sequence[str]

    def __post_init__(self):
        object.__setattr__(self, "tokens", _in_order_of_ids(self.tokens))
        object.__setattr__(self, "merges", tuple(map(_as_pair, self.merges)))
        object.__setattr__(self, "special_tokens", tuple(self.special_tokens))
        self._check_special_tokens()
        self._check_bytes()
        self._check_merges()

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: token_id for token_id, token in enumerate(self.tokens)}

    @functools.cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """The bytes each id stands for, `b""` for special tokens."""
        specials = set(self.special_tokens)
        return tuple(
            b"" if token in specials else bytes(map(BYTE_OF_CHARACTER.__getitem__, token))
            for token in self.tokens
        )

    def ranks(self) -> dict[int, int]:
        """Returns when each token comes about, by id: 0 for a byte, then the merges from 1 on.

        Tokens that their own bytes do not lead to are left out: no text leads to them either.
        """
        model = tokenizers.models.BPE(self.ids, list(self.merges))
        ranks = {self.ids[character]: 0 for character in BYTE_OF_CHARACTER}
        for rank, (left, right) in enumerate(self.merges, start=1):
            if len(model.tokenize(left + right)) == 1:
                ranks[self.ids[left + right]] = rank
        return ranks

    def _check_special_tokens(self):
        specials = self.special_tokens
        if len(set(specials)) != len(specials) or len(specials) > MAX_SPECIAL_TOKENS:
            raise ValueError(
                f"`special_tokens` must be at most {MAX_SPECIAL_TOKENS} different strings; "
                f"received {specials!r:.200}."
            )
        for token in specials:
            if token in BYTE_OF_CHARACTER:
                raise ValueError(
                    f"`special_tokens` must be longer than one byte, but {token!r} is how the "
                    f"vocabulary writes byte 0x{BYTE_OF_CHARACTER[token]:02X}."
                )
            if not token or token not in self.ids:
                raise ValueError(
                    f"`special_tokens` must be tokens of the vocabulary, but {token!r} is not one; "
                    "pass special_tokens=() if there are none."
                )

    def _check_bytes(self):
        for character, byte in BYTE_OF_CHARACTER.items():
            if character not in self.ids:
                raise ValueError(
                    f"`vocabulary` must hold all 256 bytes, but byte 0x{byte:02X}, written "
                    f"{character!r}, is missing: this is not a byte-level BPE vocabulary."
                )

    def _check_merges(self):
        plain = self.ids.keys() - set(self.special_tokens)
        made = set(BYTE_OF_CHARACTER)
        for left, right in self.merges:
            if not {left, right, left + right} <= plain:
                raise ValueError(
                    f"`merges` must join two tokens of the vocabulary into a third, but {left!r} + "
                    f"{right!r} does not: vocabulary and merges do not belong together."
                )
            if left + right in made:
                raise ValueError(f"`merges` must make each token once; two make {left + right!r}.")
            made.add(left + right)
        if missing := plain - made:
            raise ValueError(
                f"`merges` must make every token of two bytes or more, but {len(missing)} come "
                f"from none, such as {min(missing)!r}: merges are cut off, or special_tokens lacks "
                "them."
            )


def _in_order_of_ids(vocabulary: Sequence[str] | Mapping[str, int]) -> tuple[str, ...]:
    if not isinstance(vocabulary, Mapping):
        if len(set(vocabulary)) != len(vocabulary):
            raise ValueError("`vocabulary` must not hold a token twice.")
        return tuple(vocabulary)
    by_id = {token_id: token for token, token_id in vocabulary.items()}
    if len(by_id) != len(vocabulary):
        repeated = next(t for t, token_id in vocabulary.items() if by_id[token_id] != t)
        raise ValueError(
            "`vocabulary` must give each token an id of its own, but "
            f"{repeated!r} and {by_id[vocabulary[repeated]]!r} share id {vocabulary[repeated]}."
        )
    if gaps := set(range(len(by_id))) - by_id.keys():
        raise ValueError(
            f"`vocabulary` must use the ids 0 to {len(by_id) - 1}, but id {min(gaps)} is missing."
        )
    return tuple(by_id[token_id] for token_id in range(len(by_id)))


def _as_pair(merge: str | Sequence[str]) -> tuple[str, str]:
    parts = merge.split(" ") if isinstance(merge, str) else tuple(merge)
    if len(parts) != 2:
        raise ValueError(f"`merges` must be pairs of two tokens; received {merge!r}.")
    return parts[0], parts[1]
