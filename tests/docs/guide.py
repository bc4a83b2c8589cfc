"""The guide's pages in the order in which they are read."""

from tests.docs.pages import links_of

INDEX = "docs/guide/README.md"


def guide_pages() -> list[str]:
    """Return the index and the pages that it lists, in its order."""
    linked = [link for link in links_of(INDEX) if "/" not in link and link.endswith(".md")]
    return [INDEX, *(f"docs/guide/{link}" for link in linked)]
