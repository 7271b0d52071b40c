"""Writes docs/tables.md from what Datasette shows: ``python docs/make_tables.py``."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAD = """# Tables

Made by `docs/make_tables.py` from `datasette_metadata.json`; the schema is
`archive/storage/schema.sql`. Dates are civil dates in China, YYYY-MM-DD; instants are UTC with Z.
Everything but `crawls`, and incidents that left no response, is derived from the captures.
"""


def page() -> str:
    """The whole page: a section for each table and view, a line for each column."""
    metadata = json.loads((ROOT / "datasette_metadata.json").read_text(encoding="utf-8"))
    database = metadata["databases"]["bulletins"]
    parts = [HEAD]
    for name, table in database["tables"].items():
        if table.get("hidden"):
            continue
        lines = [f"## {name}", "", table["description"], "", "| column | holds |", "|---|---|"]
        lines += [f"| `{column}` | {text} |" for column, text in table["columns"].items()]
        parts.append("\n".join(lines) + "\n")
    for name, query in database["queries"].items():
        parts.append(f"## {name} (query)\n\n{query['description']}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / "docs" / "tables.md").write_text(page(), encoding="utf-8")
