"""The README's own lines, for tests that run them.

A block is named by a comment on the line before its fence, invisible to readers:

    <!-- runs: registration -->
    ```python
    ...
    ```
"""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = r"<!-- runs: {name} -->\s*\n```[\w-]*\n(?P<code>.*?)^```\s*$"


def block(name: str, text: str | None = None) -> str:
    """The code of the block with this name in the README (or in the text given).

    Raises LookupError if there is none, or more than one: a test must know which lines it runs.
    """
    source = README.read_text(encoding="utf-8") if text is None else text
    found = [m["code"] for m in re.finditer(BLOCK.format(name=re.escape(name)), source, re.DOTALL | re.MULTILINE)]
    if len(found) != 1:
        raise LookupError(f"README.md has {len(found)} blocks marked `<!-- runs: {name} -->`; one is needed.")
    return found[0]


def names(text: str | None = None) -> list[str]:
    """The names of all marked blocks, in order."""
    source = README.read_text(encoding="utf-8") if text is None else text
    return re.findall(r"<!-- runs: ([\w-]+) -->", source)
