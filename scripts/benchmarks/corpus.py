"""What the contestants read: functions and docstrings of Python, and vocabularies of them."""

import ast
import json
import pathlib
import random
import re
import statistics
import warnings

import tfzoo


def write(turns, folder, vocabulary_size, num_documents, length, prompt_length, num_prompts):
    """Writes a folder: vocab.json, merges.txt, documents.json, prompts.json.

    A document is a function or method, from `def` to its last line: pieces of natural, uneven
    length. Which ones: a sample without repetition, drawn with a fixed seed.
    """
    sources = tfzoo.data.python_stdlib(validation=0.0, test=0.0).train
    tokenizer = tfzoo.preprocessing.BytePairTokenizer.train(sources, vocabulary_size)
    folder = pathlib.Path(folder)
    tokenizer.save(folder)
    everything = sorted({text for source in sources for text in functions(source)})
    random.Random(0).shuffle(everything)
    documents = everything[:num_documents]
    dump(folder / "documents.json", documents)
    dump(folder / "prompts.json", prompts(tokenizer, everything, prompt_length - 1, num_prompts))
    turns.ready(lengths=describe(tokenizer, documents, length))


def write_docstrings(turns, folder, vocabulary_size, num_documents, length, paragraphs):
    """Writes a folder: vocab.txt, documents.json with docstrings, or their paragraphs, for BERT."""
    texts = tfzoo.data.python_docstrings().train
    tokenizer = tfzoo.preprocessing.WordPieceTokenizer.train(texts, vocabulary_size)
    folder = pathlib.Path(folder)
    tokenizer.save(folder)
    if paragraphs:
        texts = sorted({part for text in texts for part in text.split("\n\n") if part.strip()})
    documents = random.Random(0).sample(texts, num_documents)
    dump(folder / "documents.json", documents)
    turns.ready(lengths=describe(tokenizer, documents, length))


def functions(source):
    """Yields the source of each function, the inner ones apart from the outer ones too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library has old escapes in its strings
        tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield "".join(lines[node.lineno - 1 : node.end_lineno])


def describe(tokenizer, documents, length):
    lengths = [len(ids) + 1 for ids in tokenizer.tokenize(documents).to_list()]
    kept = statistics.mean(min(n, length) for n in lengths)
    longer = sum(n > length for n in lengths) / len(lengths)
    return (
        f"{len(lengths)} documents of {statistics.median(lengths):.0f} tokens in the median, "
        f"{statistics.mean(lengths):.0f} in the mean; {longer:.0%} are longer than a row of "
        f"{length}; in a row each, {1 - kept / length:.0%} of the rows is padding"
    )


def prompts(tokenizer, documents, length, num_prompts):
    """Words of documents, `length` tokens each by every tokenizer of this vocabulary.

    Only words with a space between: not all tokenizers cut runs of spaces and signs alike.
    """
    found = []
    for document in documents:
        ids = tokenizer.tokenize(" ".join(re.findall("[A-Za-z]+", document))).numpy()[:length]
        text = tokenizer.detokenize(ids).numpy().decode(errors="replace")
        if len(ids) == length and tokenizer.tokenize(text).numpy().tolist() == ids.tolist():
            found.append(text)
        if len(found) == num_prompts:
            return found
    raise ValueError(f"Fewer than {num_prompts} documents have {length} tokens.")


def dump(path, value):
    path.write_text(json.dumps(value))
