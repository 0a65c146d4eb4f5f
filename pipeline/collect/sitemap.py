"""Read news sitemaps (https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap) and plain
ones.
"""

from __future__ import annotations

from lxml import etree

from pipeline.collect.entries import Item, Outline


def read(text: str) -> Outline:
    """The entries of a `<urlset>` made safe by `markup.prepare`; `published` is the news date, `updated` the last
    modification.

    Elements are told by their local names: prefixes and namespaces vary between outlets, and some declare none.
    """
    root = _parse(text)
    items = tuple(_item(url) for url in root if _name(url) == "url") if root is not None else ()
    names = [found for url in (root if root is not None else ()) if (found := _texts(url).get("name"))]
    return Outline(title=names[0] if names else "", format="sitemap", items=items)


def children(text: str) -> tuple[str, ...]:
    """The sitemaps that a `<sitemapindex>` lists."""
    root = _parse(text)
    return tuple(found for child in (root if root is not None else ()) if (found := _texts(child).get("loc")))


def _parse(text: str) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, encoding="utf-8")
    root: etree._Element | None = etree.fromstring(text.encode(), parser)
    return root


def _item(url: etree._Element) -> Item:
    texts = _texts(url)
    return Item(
        guid=texts.get("loc", ""),
        link=texts.get("loc", ""),
        title=texts.get("title", ""),
        published=texts.get("publication_date", ""),
        updated=texts.get("lastmod", ""),
        language=texts.get("language", ""),
    )


def _texts(element: etree._Element) -> dict[str, str]:
    """Text by local name, outside image and video extensions, which have titles and dates of their own."""
    texts: dict[str, str] = {}
    for child in element:
        name = _name(child)
        if name in ("news", "publication"):
            texts |= _texts(child)
        elif name and child.text and name not in texts:
            texts[name] = child.text.strip()
    return texts


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(element.tag, str) else ""
