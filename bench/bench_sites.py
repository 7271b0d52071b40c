"""Detail pages of many sites: title, date, source, text and files, read by us and by others.

The rivals are public extractors: trafilatura, gne and readability-lxml. They want other versions of
some libraries than constraints.txt has, so they are measured from an environment of their own:
whatever of them can be imported takes part. ``tests/sites/floors.json`` keeps what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from typing import Any

from tests.sites import FIELDS, SETS, Reading, Site, measure, read_by_us, sites


def by_trafilatura(module: Any) -> Callable[[Site], Reading]:
    """The reader of trafilatura; it names no source."""

    def read(site: Site) -> Reading:
        found = module.bare_extraction(site.html, url=site.url, with_metadata=True)
        if found is None:
            return Reading()
        text = found.text or ""
        return Reading(found.title or "", found.date or "", "", tuple(text.split("\n")))

    return read


def by_gne(module: Any) -> Callable[[Site], Reading]:
    """The reader of gne (GeneralNewsExtractor), which is made for Chinese news."""

    def read(site: Site) -> Reading:
        found = module.GeneralNewsExtractor().extract(site.html)
        day = found["publish_time"][:10].replace("/", "-").replace("年", "-").replace("月", "-")
        return Reading(found["title"], day, "", tuple(found["content"].split("\n")))

    return read


def by_readability(module: Any) -> Callable[[Site], Reading]:
    """The reader of readability-lxml, which has title and text only."""
    html = import_module("lxml.html")

    def read(site: Site) -> Reading:
        document = module.Document(site.html)
        text = html.fromstring(document.summary()).text_content()
        return Reading(document.short_title(), "", "", tuple(text.split("\n")))

    return read


RIVALS: dict[str, tuple[str, Callable[[Any], Callable[[Site], Reading]]]] = {
    "trafilatura": ("trafilatura", by_trafilatura),
    "gne": ("gne", by_gne),
    "readability-lxml": ("readability", by_readability),
}


def readers() -> Iterator[tuple[str, Callable[[Site], Reading]]]:
    """Ours, and every rival that is installed, by name and version."""
    yield "archive.parse", read_by_us
    for name, (module, reader) in RIVALS.items():
        try:
            yield f"{name} {metadata.version(name)}", reader(import_module(module))
        except (ImportError, metadata.PackageNotFoundError):
            print(f"{name} is not installed")


def run() -> None:
    """Print, for each set of pages and each reader, how many pages have each field right."""
    for folder in SETS:
        print(f"{folder}: {len(sites(folder))} pages")
        for name, read in readers():
            found = measure(folder, read)
            print(f"  {name:<24}" + "".join(f"{field} {found[field]:>3}  " for field in FIELDS))


if __name__ == "__main__":
    run()
