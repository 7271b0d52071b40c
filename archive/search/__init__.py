"""Chinese full-text search in plain SQLite FTS5, exact for words of any length.

It needs only the standard library and knows nothing of bulletins: any table with text can have an
:class:`Index`, and any SQLite from 3.37 on with FTS5 can read it.

>>> import sqlite3
>>> db = sqlite3.connect(":memory:")
>>> _ = db.execute("create table notes (id integer primary key, body text)")
>>> _ = db.execute("insert into notes values (1, '脱贫攻坚与危房改造')")
>>> notes = Index("notes", columns=("body",))
>>> notes.rebuild(db)
1
>>> sql, values = parse("脫貧攻堅").sql(db, notes)
>>> db.execute(sql, values).fetchall()
[(1,)]
"""

from archive.search.checks import Difference, differences
from archive.search.fold import fold, fold_with_map, units
from archive.search.index import Index
from archive.search.indexed_table import IndexMismatch
from archive.search.query import MAX_LENGTH, InvalidQuery, Query, parse
from archive.search.snippet import plain, snippet
from archive.search.terms import Column, Field, Filter
from archive.search.tokens import VERSION

__all__ = [
    "MAX_LENGTH",
    "VERSION",
    "Column",
    "Difference",
    "Field",
    "Filter",
    "Index",
    "IndexMismatch",
    "InvalidQuery",
    "Query",
    "differences",
    "fold",
    "fold_with_map",
    "parse",
    "plain",
    "snippet",
    "units",
]
