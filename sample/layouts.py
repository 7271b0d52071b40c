"""Lists and detail pages of the sample ministry site, in the layouts of three eras.

Only the shape follows www.mohurd.gov.cn; all markup and words are written for this sample.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from sample.body import body
from sample.page import (
    COLUMNS,
    DOWNLOAD_PATH,
    Column,
    Era,
    File,
    Page,
    Style,
    address,
    file_address,
    list_address,
    stored_file,
)

__all__ = [
    "COLUMNS",
    "DOWNLOAD_PATH",
    "LIST_TAG",
    "NOTE",
    "ROWS",
    "TPL_SET_ID",
    "UNIT_PATH",
    "WEB_ID",
    "Column",
    "Era",
    "File",
    "Page",
    "Style",
    "address",
    "column_page",
    "detail",
    "encode",
    "file_address",
    "home_page",
    "list_address",
    "list_page",
    "page_count",
    "stored_file",
    "unit_answer",
    "unit_failure",
]

ROWS = 20
UNIT_PATH = "/api-gateway/jpaas-publish-server/front/page/build/unit"
LIST_TAG = "栏目-list"
WEB_ID = "86ca573ec4df405db627fdc2493677f3"
TPL_SET_ID = "fc259c381af3496d85e61997ea7771cb"
NOTE = "样例页面：为演示而写，文中人物、事情和数字均属虚构。"
_SITE = "中华人民共和国住房和城乡建设部"


def encode(html: str, encoding: str) -> bytes:
    """A page's bytes: GB18030 under every label of the GB family, as ministries serve them."""
    return html.encode("gb18030" if encoding.lower().startswith("gb") else encoding)


def page_count(total: int, rows: int = ROWS) -> int:
    """How many list pages hold ``total`` rows; an empty list still has one."""
    return max(1, -(-total // rows))


# Detail pages


def detail(page: Page, era: Era, made: str = "") -> str:
    """A whole detail page; ``made`` is era C's MakeTime, which is new with every build."""
    if era == "A":
        return _detail_a(page)
    return _detail_b(page) if era == "B" else _detail_c(page, made)


def _detail_a(page: Page) -> str:
    return _shell_a(
        page.name,
        page.encoding,
        f"""<table width="900" align="center" bgcolor="#ffffff">
<tr><td class="place">您现在的位置：<a href="/">首页</a> &gt;
 <a href="../index.html">{COLUMNS[page.column].label}</a> &gt; 正文</td></tr>
<tr><td class="tit" align="center">{_broken(page.title)}</td></tr>
<tr><td class="small" align="center">发布日期：{page.published:%Y-%m-%d}　　字体：
 <a href="javascript:doZoom(16)">大</a> <a href="javascript:doZoom(14)">中</a>
 <a href="javascript:doZoom(12)">小</a>　<a href="javascript:window.print()">打印</a></td></tr>
<tr><td><div class="{page.box}">
{body(page, "A")}
</div></td></tr>
<tr><td align="right"><a href="javascript:window.close()">关闭窗口</a></td></tr>
</table>""",
    )


def _detail_b(page: Page) -> str:
    metas = _metas(page, f"{page.published:%Y-%m-%d}")
    label = COLUMNS[page.column].label
    return _shell_b(
        page.name,
        page.encoding,
        f"""<div class="breadcrumb">当前位置：<a href="/">首页</a>&gt;
<a href="/xinwen/{page.column}/index.html">{label}</a></div>
<div class="detail-wrapper">
<h3 class="detail-title">{_broken(page.title)}</h3>
<div class="detail-info"><span>发布时间：{page.published:%Y-%m-%d}</span>
<span class="tools">字体：<a>大</a><a>中</a><a>小</a> <a>打印</a> <a>分享</a></span></div>
<div class="editor-content">
{body(page, "B")}
</div>
</div>""",
        metas,
    )


def _detail_c(page: Page, made: str) -> str:
    files = "".join(
        f'<li>\n<a href="{escape(file_address(page, file, "C"))}">{escape(file.label)}</a>\n</li>'
        for file in page.attachments
    )
    box = (
        f"""<div class="editorContent-download">
<h3 class="title"><span class="imgIcon img-download md"></span>附件下载</h3>
<ul>{files}</ul></div>"""
        if files
        else ""
    )
    metas = _metas(page, f"{page.published:%Y-%m-%d} {page.time}") + _build_metas(page, made)
    source = f"<span>来源：{escape(page.source)}</span>" if page.source else ""
    return _shell_b(
        page.name,
        page.encoding,
        f"""<div class="location">当前位置：<a href="/">首页</a> &gt; <a href="/xinwen/">新闻</a>
 &gt; <a href="/xinwen/{page.column}/index.html">{COLUMNS[page.column].label}</a></div>
<div class="editorContent-box">
<h3>{_broken(page.title)}</h3>
<div class="editorContent-top"><span>发布时间：{page.published:%Y-%m-%d} {page.time}</span>{source}
<div class="fr">字体：<a href="javascript:;">大</a> <a href="javascript:;">中</a>
<a href="javascript:;">小</a> <a href="javascript:;">打印</a> <a href="javascript:;">分享</a></div>
</div>
<div class="editor-content">
{body(page, "C")}
</div>
{box}
<div class="editorContent-bottom"><a href="javascript:;">返回顶部</a></div>
</div>""",
        metas,
    )


def _broken(title: str) -> str:
    return "<br>".join(escape(part, quote=False) for part in title.split("\n"))


def _metas(page: Page, published: str) -> str:
    """The head's metas after the government site standard (国办发〔2017〕47号)."""
    label = COLUMNS[page.column].label
    values = {
        "SiteName": _SITE,
        "SiteDomain": "https://www.mohurd.gov.cn",
        "SiteIDCode": "bm18000002",
        "ColumnName": label,
        "ColumnType": label,
        "ArticleTitle": page.title.replace("\n", " "),
        "PubDate": published,
        "ContentSource": page.source or "",
    }
    return "\n".join(f'<meta name="{name}" content="{escape(v)}">' for name, v in values.items())


def _build_metas(page: Page, made: str) -> str:
    column = COLUMNS[page.column]
    return (
        f'\n<meta name="ColId" content="{column.page_id}">'
        f'\n<meta name="MakeTime" content="{made}">\n<meta id="pagetype" content="1">\n'
        "</meta></meta></meta></meta></meta>"
    )


# Lists


def list_page(column: str, pages: Sequence[Page], number: int, era: Era, rows: int = ROWS) -> str:
    """The n-th list page (from 1) of a column in era A or B; past the end it has no rows."""
    shown = pages[(number - 1) * rows : number * rows]
    count = page_count(len(pages), rows)
    if era == "A":
        return _list_a(column, shown, number, count)
    links = _pager_b(number, count)
    return _shell_b(
        COLUMNS[column].label,
        "utf-8",
        f"""<div class="breadcrumb">当前位置：<a href="/">首页</a></div>
<div class="linkList-section-wrapper"><h2>{COLUMNS[column].label}</h2>
<ul>
{"".join(_row(page, "B", "") for page in shown)}</ul>
<div class="page-wrapper"><ul>
{links}</ul></div>
</div>""",
    )


def _list_a(column: str, shown: Sequence[Page], number: int, count: int) -> str:
    spacer = '<tr><td colspan="3" height="9"></td></tr>\n'
    lines = "".join(
        f'<tr><td width="20">·</td><td><a href="{_relative(page, column)}" target="_blank">'
        f'{escape(page.name)}</a></td><td width="90">[{page.published:%Y.%m.%d}]</td></tr>\n'
        + (spacer if place % 5 == 0 else "")
        for place, page in enumerate(shown, start=1)
    )
    pager = " ".join(
        f'<a href="{list_address(column, n, "A").rpartition("/")[2]}">{n}</a>'
        for n in range(1, count + 1)
    )
    return _shell_a(
        COLUMNS[column].label,
        "utf-8",
        f"""<table width="1000" align="center">
<tr><td class="place">您现在的位置：<a href="/">首页</a> &gt; {COLUMNS[column].label}</td></tr>
<tr><td><table width="100%">
<tr><td class="bt">{COLUMNS[column].label}</td></tr>
<tr><td><table width="100%" cellpadding="3">
{lines}</table></td></tr>
<tr><td align="center">第{number}页/共{count}页 {pager}</td></tr>
</table></td></tr>
</table>""",
    )


def _relative(page: Page, column: str) -> str:
    """A page's address as a list writes it; the list may be another column's."""
    folder = "." if page.column == column else f"../{page.column}"
    return "/".join((folder, *address(page, "A").split("/")[2:]))


def _row(page: Page, era: Era, link_class: str) -> str:
    name = escape(page.name)
    return (
        f'<li class="date">\n<a class="{link_class}" href="{address(page, era)}" target="_blank"'
        f' title="{name}">\n  {name}\n</a>\n'
        f'<span class="date-info">{page.published:%Y-%m-%d} </span>\n</li>\n'
    )


def _pager_b(number: int, count: int) -> str:
    """Fourteen links, however long the list is."""

    def link(label: str, target: int) -> str:
        inside = 1 <= target <= count
        name = "index.html" if target == 1 else f"index_{target}.html"
        return f'<li><a href="{name if inside else "javascript:;"}">{label}</a></li>\n'

    numbers = "".join(link(str(n), n) for n in range(1, 11))
    ends = link("首页", 1) + link("上一页", number - 1)
    return ends + numbers + link("下一页", number + 1) + link("末页", count)


def column_page(column: str) -> str:
    """Era C's column page: a shell whose list arrives by the unit call that it describes."""

    def unit(tag: str, spelling: str) -> str:
        query = {
            "parseType": "bulidstatic",
            "webId": WEB_ID,
            "tplSetId": TPL_SET_ID,
            "pageType": "column",
            "tagId": tag,
            "editType": "null",
            "pageId": COLUMNS[column].page_id,
        }
        pseudo = json.dumps(query, ensure_ascii=False, separators=(",", ":")).replace('"', "'")
        return (
            '<script src="/cms_files/default/script/AuthorizedRead/unitbuild.js"'
            f' url="{UNIT_PATH}" {spelling}="{pseudo}"></script>\n'
        )

    return _shell_b(
        COLUMNS[column].label,
        "utf-8",
        unit("当前位置", "querydata") + unit(LIST_TAG, "querydata") + unit("右侧推荐", "queryData"),
    )


def unit_answer(column: str, pages: Sequence[Page], number: int, rows: int = ROWS) -> str:
    """Era C's answer to the unit call for the n-th list page; without rows past the end."""
    shown = pages[(number - 1) * rows : number * rows]
    lines = "".join(_row(page, "C", "fl") for page in shown)
    html = (
        f'<div class="linkList-section-wrapper">\n<ul>\n{lines}</ul>\n'
        f'<div id="page_{column}"></div>\n'
        f'<script>oLayPageRender("page_{column}", '
        f'{{rows:"{rows}", count:"{len(pages)}", pageNo:"{number}"}})</script>\n</div>'
    )
    answer = {"code": "200", "success": True, "data": {"html": html}}
    return json.dumps(answer, ensure_ascii=False)


def unit_failure() -> str:
    """Era C's answer, with HTTP 200, when a tag or page id is not known."""
    return json.dumps({"code": "200", "success": False, "data": {}})


def home_page(lists: Sequence[tuple[str, Sequence[Page]]], era: Era) -> str:
    """The home page: the eight newest rows of each column."""
    if era == "A":
        links = "".join(
            f'<p><a href="/{c}/index.html">{COLUMNS[c].label}</a></p>' for c, _ in lists
        )
        return _shell_a(_SITE, "utf-8", links)
    tabs = "".join(
        f'<div><h2><a href="/xinwen/{column}/index.html">{COLUMNS[column].label}</a></h2>\n<ul>\n'
        + "".join(_row(page, era, " ") for page in pages[:8])
        + "</ul></div>\n"
        for column, pages in lists
    )
    return _shell_b(_SITE, "utf-8", f'<div class="tabNews-content sliderTab-list">\n{tabs}</div>')


# The frames of whole pages


def _shell_a(title: str, encoding: str, content: str) -> str:
    return f"""<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset={encoding}">
<title>{escape(title)}</title>
<link rel="stylesheet" href="/images/css.css" type="text/css">
<script src="/images/zoom.js"></script>
</head>
<body>
<div class="top"><a href="/">首页</a> | <a href="/jsbfld/">部领导</a>
 | <a href="/xwfb/index.html">新闻</a> | <a href="/wjfb/">文件</a>
 | <a href="/zxbs/">办事</a> | <a href="/gzcy/">公众参与</a></div>
{content}
<div class="foot">主办：{_SITE}　版权所有，转载须注明来源<br>
地址：北京市三里河路　网站标识码：bm18000002<br>
{NOTE}</div>
</body>
</html>
"""


def _shell_b(title: str, encoding: str, content: str, metas: str = "") -> str:
    return f"""<!DOCTYPE html>
<html>
<head>
<meta charset="{encoding}">
<meta name="renderer" content="webkit">
<title>{escape(title)}</title>
{metas}
<link rel="stylesheet" href="/cms_files/default/css/iconfont.css">
<script src="/cms_files/default/script/jslib/jquery.js"></script>
</head>
<body><div id="barrierfree_container">
<div class="header"><form action="/so/s"><input name="qt" placeholder="请输入关键字"></form>
<ul class="nav"><li><a href="/">首页</a></li><li><a href="/jigou/">机构</a></li>
<li><a href="/xinwen/gzdt/index.html">新闻</a></li><li><a href="/gongkai/">公开</a></li>
<li><a href="/fuwu/">服务</a></li><li><a href="/hudong/">互动</a></li></ul></div>
<div class="layout-box">
{content}
</div>
<div class="footer"><p>{_SITE}版权所有，转载须注明来源</p>
<p>联系我们 | 网站地图 | 使用帮助　网站标识码 bm18000002</p>
<p class="notice">{NOTE}</p></div>
</div></body>
</html>
"""
