"""The authors, the licence, and the papers that the work builds on, as CITATION.cff names them."""

from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from simaudit.vocabulary.errors import SimauditError

SPDX = "https://spdx.org/licenses/"


def about(crate: ROCrate, citation: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that the crate and its workflow share. Raises SimauditError when no licence is named."""
    if "license" not in citation:
        raise SimauditError(
            "CITATION.cff: license: missing; a crate must name one (SPDX, such as Apache-2.0)"
        )
    properties: dict[str, Any] = {
        "license": crate.add(
            ContextEntity(
                crate,
                f"{SPDX}{citation['license']}",
                {
                    "@type": "CreativeWork",
                    "name": citation["license"],
                    "description": f"The code is under {citation['license']}; a dataset keeps its own licence.",
                },
            )
        ),
        "author": [_author(crate, place, author) for place, author in enumerate(citation.get("authors", []))],
        "citation": [_work(crate, work) for work in citation.get("references", []) if "url" in work],
    }
    if "repository-code" in citation:
        properties["codeRepository"] = citation["repository-code"]
    return {name: value for name, value in properties.items() if value}


def _author(crate: ROCrate, place: int, author: dict[str, str]) -> Any:
    identifier = author.get("orcid") or author.get("website") or f"#author-{place + 1}"
    return crate.add(
        ContextEntity(
            crate,
            identifier,
            {"@type": "Organization" if "name" in author else "Person", "name": _name(author)},
        )
    )


def _work(crate: ROCrate, work: dict[str, Any]) -> Any:
    properties = {
        "@type": "ScholarlyArticle" if work.get("type") == "article" else "CreativeWork",
        "name": work["title"],
        "description": ", ".join(
            [*(_name(author) for author in work.get("authors", [])), str(work.get("year", ""))]
        ),
    }
    return crate.add(ContextEntity(crate, work["url"], properties))


def _name(author: dict[str, str]) -> str:
    return author.get("name") or " ".join(
        author[part] for part in ("given-names", "family-names") if part in author
    )
