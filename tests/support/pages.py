# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""The manual pages' sources, read for what they promise: options, and blocks of text to be typed or put into a file."""

import pathlib
import re

MAN = pathlib.Path(__file__).parents[2] / "man"
BLOCK = re.compile(r"^(\t*)```\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def names():
    return sorted(path.name.removesuffix(".scd") for path in MAN.glob("*.scd"))


def source(page):
    return (MAN / f"{page}.scd").read_text(encoding="utf-8")


def plain(text):
    """Without scdoc's marks of bold and underlined words."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\*|(?<![\\\w])_|(?<!\\)_(?!\w)", "", text))


def section(page, name):
    return re.search(rf"^# {name}\n(.*?)(?=^# [A-Z]|\Z)", BLOCK.sub("", source(page)), re.MULTILINE | re.DOTALL)[1]


def blocks(page):
    """(heading, text) in order. What begins with # within a block is no heading."""
    text, found, heading, position = source(page), [], "", 0
    for match in BLOCK.finditer(text):
        headings = HEADING.findall(text, position, match.start())
        heading, position = (headings or [heading])[-1], match.end()
        found.append((heading, re.sub(r"\\(.)", r"\1", match[2])))
    return found
