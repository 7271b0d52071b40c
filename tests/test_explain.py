"""Explain: what a person sees who traces a wrong answer (all text 样例)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from archive.cli import main
from archive.normalise.bulletins import read_bulletin
from archive.normalise.explain import COLUMNS, explain
from archive.parse.lines import width
from tests.annotated import corpus, page_of

PAGE = """<html><head><meta name="ArticleTitle" content="水利工作简报（第3期）">
<meta name="PubDate" content="2020-05-28"></head><body><div class="TRS_Editor">
<p>一、浙江：</p><p>5月8日，省水利厅副厅长周文远到<b>嘉善县</b>西塘镇调研，要求6月底前完工。</p>
<p>二、江苏：</p><p>近日，鼓楼区启动排查。</p></div></body></html>"""

EXPLAINED = """\
水利工作简报（第3期）
    address    not given
    series     水利工作简报 no. 3
    published  2020-05-28
    origin     none
    issuer     none
    reference  2020-05-28, the day of publication; dates without a year count from it
    body       known:.TRS_Editor

--- 1 section  一、浙江：
    provinces  330000 浙江省 (from the heading)
    happened   2020-05-08 to 2020-05-08
[1 5月8日]，省水利厅副厅长[2 周文远]到[3 嘉善县][4 西塘镇]调研，要求[5 6月底前]完工。
  1 5月8日                  event: 2020-05-08 (day)  <- month and day
  2 周文远                  official: 省水利厅副厅长  <- name beside a title
  3 嘉善县                  county: 330421 浙江省嘉兴市嘉善县  <- section-province
  4 西塘镇                  town: no code  <- suffix
  5 6月底前                 deadline: up to 2020-06-30 (day)  <- 月底 + before

--- 2 section  二、江苏：
    provinces  320000 江苏省 (from the heading)
[1 近日]，[2 鼓楼区]启动排查。
  1 近日                    event: no day (vague)  <- vague
  2 鼓楼区                  county: no code, not decided  <- unresolved
"""


def test_every_mention_is_marked_with_its_reading_and_its_rule() -> None:
    assert explain(read_bulletin(PAGE, None)) == EXPLAINED


def test_no_line_is_wider_than_the_terminal_and_no_text_is_lost() -> None:
    for annotated in corpus():
        bulletin = read_bulletin(page_of(annotated), None)
        lines = explain(bulletin).split("\n")
        assert max(map(width, lines)) <= COLUMNS
        for entry in bulletin.entries:
            count = len(entry.dates) + len(entry.places) + len(entry.officials)
            assert any(line.startswith(f"{count:>3} ") for line in lines) or not count


def test_what_is_not_known_is_said() -> None:
    bulletin = replace(read_bulletin(PAGE, None), published=None, anchor=None, body_rule="generic")
    head = explain(bulletin).split("\n\n")[0]
    assert "published  not given" in head
    assert "reference  none: no date is read" in head
    assert "body       generic, a fallback: check that it is the text" in head


def test_control_characters_are_not_printed() -> None:
    bulletin = replace(read_bulletin(PAGE, None), title="通报\x1b[2J\r\u202e")
    assert explain(bulletin).split("\n")[0] == "通报 [2J"


def test_the_command_prints_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    found = CliRunner().invoke(main, ["parse", str(path), "--explain"])
    assert (found.exit_code, found.output) == (0, EXPLAINED)
