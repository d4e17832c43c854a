"""Rows of words with a bar each, as long as their share."""

import html

STYLE = """
.bars { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr 3.5rem;
        gap: .4rem .8rem; align-items: center; max-width: 60rem; margin-bottom: 1rem; }
.bars.wide { grid-template-columns: 1fr 6rem 3.5rem; }
.bars .bar { background: var(--primary-500); height: .6rem; border-radius: .3rem; }
.bars .share { text-align: right; font-variant-numeric: tabular-nums; }
.bars .word { overflow-wrap: anywhere; white-space: pre-wrap; }
"""


def bars(rows: list[tuple[str, float]], title: str = "", wide: bool = False) -> str:
    """HTML of words, each with its share in [0, 1]; a share below 0 has no bar.

    Args:
        rows: words and shares, in the order in which they are shown.
        title: above them.
        wide: whether the words are sentences.
    """
    lines = [
        f'<span class="word">{html.escape(word)}</span>'
        f'<span><div class="bar" style="width: {100 * min(max(share, 0), 1):.1f}%"></div></span>'
        f'<span class="share">{share:.3f}</span>'
        for word, share in rows
    ]
    head = f"<p>{html.escape(title)}</p>" if title else ""
    return f'{head}<div class="bars{" wide" if wide else ""}">{"".join(lines)}</div>'
