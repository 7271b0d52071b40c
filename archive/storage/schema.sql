-- Tables of bulletins.db. Everything but `crawls` (and incidents without a response) is derived
-- from the captures. Dates are civil dates in China, YYYY-MM-DD; instants are UTC with Z.

-- One row: which version of the program's rules made the others (DERIVATION in database.py).
CREATE TABLE derivation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE sources (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    home TEXT NOT NULL,
    rhythm_days INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'ministry' CHECK (kind IN ('ministry', 'agency', 'provincial')),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    digest TEXT NOT NULL
) STRICT;

CREATE TABLE channels (
    source TEXT NOT NULL REFERENCES sources(slug),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    platform TEXT NOT NULL,
    retired INTEGER NOT NULL CHECK (retired IN (0, 1)),
    PRIMARY KEY (source, slug)
) STRICT;

CREATE TABLE captures (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    address TEXT NOT NULL,
    source TEXT NOT NULL REFERENCES sources(slug),
    channel TEXT,
    role TEXT NOT NULL CHECK (role IN ('robots', 'column', 'list', 'more', 'page')),
    fetched_at TEXT NOT NULL,
    status INTEGER NOT NULL,
    content_type TEXT,
    etag TEXT,
    last_modified TEXT,
    file TEXT NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    digest TEXT NOT NULL,
    -- The profile of a WARC revisit record, whose payload lies in an earlier record.
    revisit TEXT CHECK (revisit IN ('identical-payload-digest', 'server-not-modified')),
    -- JSON: the file and the record of another archive; NULL for what was crawled here.
    origin TEXT,
    UNIQUE (file, offset)
) STRICT;
CREATE INDEX captures_by_address ON captures (address, id);
CREATE INDEX captures_by_time ON captures (fetched_at);
CREATE INDEX captures_by_origin ON captures (file) WHERE origin IS NOT NULL;

CREATE TABLE provinces (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    short TEXT NOT NULL
) STRICT;

CREATE TABLE divisions (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    level TEXT NOT NULL,
    parent TEXT,
    valid_from TEXT,
    valid_to TEXT,
    successor TEXT
) STRICT;
CREATE INDEX divisions_by_code ON divisions (code);

CREATE TABLE bulletins (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL REFERENCES sources(slug),
    channel TEXT NOT NULL,
    url TEXT NOT NULL,
    title TEXT NOT NULL,
    series TEXT,
    issue INTEGER,
    published TEXT NOT NULL,
    published_at TEXT,
    issuer TEXT,
    origin TEXT,
    origin_publication TEXT,
    origin_date TEXT,
    anchor TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('live', 'gone')),
    revision INTEGER NOT NULL,
    body_rule TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    -- The bulletin of another source that this one repeats.
    same_as INTEGER REFERENCES bulletins(id),
    FOREIGN KEY (source, channel) REFERENCES channels(source, slug)
) STRICT;
CREATE INDEX bulletins_by_published ON bulletins (published);
CREATE INDEX bulletins_by_source ON bulletins (source, published);
CREATE INDEX bulletins_repeating ON bulletins (same_as) WHERE same_as IS NOT NULL;

CREATE TABLE addresses (
    url TEXT PRIMARY KEY,
    source TEXT NOT NULL REFERENCES sources(slug),
    channel TEXT NOT NULL,
    bulletin INTEGER REFERENCES bulletins(id),
    title TEXT,
    listed TEXT,
    first_listed TEXT,
    last_listed TEXT,
    first_asked TEXT,
    last_asked TEXT,
    first_captured TEXT,
    last_good TEXT,
    moved_to TEXT,
    etag TEXT,
    last_modified TEXT,
    digest TEXT,
    checks INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0,
    files TEXT,
    nights_missed INTEGER NOT NULL DEFAULT 0,
    first_missed TEXT,
    last_missed TEXT,
    missed_with_many INTEGER NOT NULL DEFAULT 0 CHECK (missed_with_many IN (0, 1)),
    FOREIGN KEY (source, channel) REFERENCES channels(source, slug)
) STRICT;
CREATE INDEX addresses_by_channel ON addresses (source, channel, first_captured);
CREATE INDEX addresses_by_bulletin ON addresses (bulletin);
CREATE INDEX addresses_missing ON addresses (source, first_missed) WHERE nights_missed > 0;
CREATE INDEX addresses_by_target ON addresses (moved_to) WHERE moved_to IS NOT NULL;

CREATE TABLE revisions (
    id INTEGER PRIMARY KEY,
    bulletin INTEGER NOT NULL REFERENCES bulletins(id),
    number INTEGER NOT NULL,
    capture INTEGER NOT NULL REFERENCES captures(id),
    captured_at TEXT NOT NULL,
    title TEXT NOT NULL,
    digest TEXT NOT NULL,
    text_digest TEXT NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (bulletin, number)
) STRICT;
-- Other pages with the same text are looked for with every new text.
CREATE INDEX revisions_by_text ON revisions (text_digest);
-- For the feed; with all that it reads, so that the large rows of the table stay unread.
CREATE INDEX revisions_by_time ON revisions (captured_at, bulletin, number);

CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    bulletin INTEGER NOT NULL REFERENCES bulletins(id),
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('lead', 'section', 'item', 'article')),
    heading TEXT,
    province TEXT REFERENCES provinces(code),
    date TEXT NOT NULL,
    event_start TEXT,
    event_end TEXT,
    open_end INTEGER NOT NULL CHECK (open_end IN (0, 1)),
    text TEXT NOT NULL,
    title TEXT NOT NULL,
    source TEXT NOT NULL REFERENCES sources(slug),
    url TEXT NOT NULL,
    published TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('live', 'gone')),
    -- The entry of the bulletin that this one's bulletin repeats.
    same_as INTEGER REFERENCES entries(id) ON DELETE SET NULL
) STRICT;
CREATE INDEX entries_repeating ON entries (same_as) WHERE same_as IS NOT NULL;
CREATE INDEX entries_by_bulletin ON entries (bulletin, seq);
CREATE INDEX entries_by_date ON entries (date);
CREATE INDEX entries_by_province ON entries (province, date);

CREATE TABLE entry_provinces (
    entry INTEGER NOT NULL REFERENCES entries(id),
    seq INTEGER NOT NULL,
    province TEXT NOT NULL REFERENCES provinces(code),
    basis TEXT NOT NULL CHECK (basis IN ('heading', 'title', 'issuer', 'place')),
    PRIMARY KEY (entry, seq)
) STRICT;
CREATE INDEX entry_provinces_by_province ON entry_provinces (province);

CREATE TABLE entry_dates (
    entry INTEGER NOT NULL REFERENCES entries(id),
    seq INTEGER NOT NULL,
    text TEXT NOT NULL,
    offset INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('event', 'since', 'deadline', 'as_of', 'reference')),
    start TEXT,
    "end" TEXT,
    precision TEXT NOT NULL,
    PRIMARY KEY (entry, seq)
) STRICT;

CREATE TABLE entry_places (
    entry INTEGER NOT NULL REFERENCES entries(id),
    seq INTEGER NOT NULL,
    text TEXT NOT NULL,
    offset INTEGER NOT NULL,
    level TEXT NOT NULL,
    code TEXT,
    PRIMARY KEY (entry, seq)
) STRICT;
CREATE INDEX entry_places_by_code ON entry_places (code);

CREATE TABLE entry_officials (
    entry INTEGER NOT NULL REFERENCES entries(id),
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (entry, seq)
) STRICT;
CREATE INDEX entry_officials_by_name ON entry_officials (name);

CREATE TABLE attachments (
    bulletin INTEGER NOT NULL REFERENCES bulletins(id),
    seq INTEGER NOT NULL,
    url TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (bulletin, seq)
) STRICT;

-- Where a bulletin's longest passages stand, so that its other versions are found. Written for
-- every page, so without references, which would be looked up for each row.
CREATE TABLE passages (
    passage INTEGER NOT NULL,
    published TEXT NOT NULL,
    source TEXT NOT NULL,
    bulletin INTEGER NOT NULL,
    PRIMARY KEY (passage, published, source, bulletin)
) STRICT, WITHOUT ROWID;

-- Bulletins of two sources that are one text, in both directions.
CREATE TABLE versions (
    bulletin INTEGER NOT NULL REFERENCES bulletins(id),
    other INTEGER NOT NULL REFERENCES bulletins(id),
    share INTEGER NOT NULL,
    PRIMARY KEY (bulletin, other)
) STRICT, WITHOUT ROWID;

CREATE TABLE crawls (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL REFERENCES sources(slug),
    channel TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('running', 'good', 'failed', 'stopped')),
    walked INTEGER NOT NULL DEFAULT 0 CHECK (walked IN (0, 1)),
    lists INTEGER NOT NULL DEFAULT 0,
    listed INTEGER NOT NULL DEFAULT 0,
    expected INTEGER,
    expected_low INTEGER,
    expected_high INTEGER,
    asked INTEGER NOT NULL DEFAULT 0,
    not_modified INTEGER NOT NULL DEFAULT 0,
    same INTEGER NOT NULL DEFAULT 0,
    new INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,
    message TEXT
) STRICT;
CREATE INDEX crawls_by_channel ON crawls (source, channel, id);

CREATE TABLE incidents (
    slug TEXT PRIMARY KEY,
    source TEXT NOT NULL REFERENCES sources(slug),
    channel TEXT,
    url TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    count INTEGER NOT NULL,
    capture INTEGER REFERENCES captures(id),
    last_capture INTEGER REFERENCES captures(id),
    resolved_at TEXT
) STRICT;
CREATE INDEX incidents_by_url ON incidents (url);
CREATE INDEX incidents_open ON incidents (source, kind) WHERE resolved_at IS NULL;

-- Answers that are not believed yet: what they say becomes a revision when it is met again on
-- another night, or when a person accepts it.
CREATE TABLE holds (
    capture INTEGER PRIMARY KEY REFERENCES captures(id),
    address TEXT NOT NULL,
    source TEXT NOT NULL REFERENCES sources(slug),
    channel TEXT,
    bulletin INTEGER REFERENCES bulletins(id),
    title TEXT NOT NULL,
    digest TEXT NOT NULL,
    text_digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    held_at TEXT NOT NULL,
    last_held_at TEXT NOT NULL,
    last_capture INTEGER NOT NULL REFERENCES captures(id),
    nights INTEGER NOT NULL,
    settled_at TEXT,
    verdict TEXT CHECK (verdict IN ('confirmed', 'accepted', 'rejected', 'withdrawn'))
) STRICT;
CREATE INDEX holds_by_address ON holds (address);
CREATE INDEX holds_by_text ON holds (text_digest);
CREATE INDEX holds_open ON holds (source) WHERE verdict IS NULL;

-- One row per entry, province and event date or range; a `since` counts on its first day. An
-- entry that names no event stands on its own date.
CREATE VIEW timeline AS
WITH days AS (
    SELECT entry, start AS date, CASE kind WHEN 'since' THEN start ELSE "end" END AS end_date
    FROM entry_dates WHERE kind IN ('event', 'since') AND start IS NOT NULL
    UNION
    SELECT id, date, date FROM entries WHERE event_start IS NULL
)
SELECT entry_provinces.province, days.date, days.end_date,
       entries.title, entries.text, entries.url, entries.id AS entry
FROM days
JOIN entries ON entries.id = days.entry
JOIN entry_provinces ON entry_provinces.entry = entries.id;

-- How many entries are about a province on each day.
CREATE VIEW province_days AS
WITH RECURSIVE spread(province, date, end_date, entry) AS (
    SELECT province, date, end_date, entry FROM timeline
    UNION ALL
    SELECT province, date(date, '+1 day'), end_date, entry FROM spread WHERE date < end_date
)
SELECT province, date, count(DISTINCT entry) AS entries FROM spread GROUP BY province, date;
