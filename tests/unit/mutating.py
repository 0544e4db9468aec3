"""Files of parameters that are wrong in many ways, drawn from the JSON schema, for hypothesis."""

import json
from copy import deepcopy

import yaml
from hypothesis import strategies as st
from planning import DEFAULT, ROOT, SMALL

from simaudit.storage.yaml import parse_yaml, read_yaml

SCHEMA = json.loads((ROOT / "workflow/schemas/params.schema.json").read_text(encoding="utf-8"))
EXTREMES = (
    *(0, 1, -1, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**29, 10**30, 10**12, 255, 32767),
    *(0.0, -0.0, 1e-9, 0.5, 0.999999, 1.0, 1e30, 5e-324, 1.7e308, float("nan"), float("inf"), -float("inf")),
)
TEXTS = (
    *("", "x", "10", "1e-3", "true", "null", "é", "a b", "../..", "/", ".", "~", "\0", "a\nb", "run", "inf"),
    *(
        "digits",
        "sima",
        "small",
        "net",
        "results/targets",
        "results/targets/net/unet",
        "results/targets/../x",
    ),
    *("x" * 250, "-", "[", "cuda:0", "cuda:99999999999", "linear", "targets.net"),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from(EXTREMES), st.sampled_from(TEXTS), st.integers()
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(TEXTS), inner, max_size=2)
    ),
    max_leaves=6,
)


SMALL_VALUES = parse_yaml(SMALL, "small")
LATENT = {
    **{key: read_yaml(DEFAULT)["targets"]["digits-ldm"][key] for key in ("unet", "training", "autoencoder")},
    **{"kind": "latent", "split": "small"},
}
FILES = {
    "arrays": {"source": "array", "path": "a.npz", "images": "x", "layout": "NHWC", "range": [0, 1]},
    "batches": {"source": "cifar", "path": "batches", "dataset": "cifar-100", "labels": "coarse"},
    "grey": {"source": "idx", "path": "images", "labels": "labels"},
    "large": {"source": "stl10", "path": "stl10_binary", "part": "all"},
}
BASES = (
    SMALL_VALUES,
    SMALL_VALUES | {"datasets": {"digits": {"source": "concatenated", "of": FILES}}},
    SMALL_VALUES | {"targets": SMALL_VALUES["targets"] | {"ldm": LATENT}},
    {**read_yaml(DEFAULT), "targets": {"exact": {"kind": "optimal", "split": "digits-300"}}, "audits": {}},
    read_yaml(DEFAULT),
)
"""Small ones, also of several sources, one with every section and little else, and the whole default."""


def variants(schema):
    """Every alternative of a schema, references followed."""
    if "$ref" in schema:
        return variants(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
    alternatives = schema.get("anyOf")
    return [part for other in alternatives for part in variants(other)] if alternatives else [schema]


def below(schemas, key):
    """The schemas of what stands at a key, or at an index, under any of these schemas."""
    found = []
    for schema in schemas:
        part = schema.get("items") if isinstance(key, int) else schema.get("properties", {}).get(key)
        part = part if part is not None else schema.get("additionalProperties")
        if isinstance(part, dict):
            found += variants(part)
    return found


def places(values, schemas=None, path=()):
    """Every place in values: its path, and the schemas of what may stand there."""
    schemas = variants(SCHEMA) if schemas is None else schemas
    yield path, schemas
    inner = (
        values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    )
    for key, value in inner:
        yield from places(value, below(schemas, key), (*path, key))


@st.composite
def of_schema(draw, schemas, depth=0):
    """A value that one of these schemas describes, often at or beside a limit, sometimes none of theirs."""
    if not schemas or depth > 4:
        return draw(SCALARS)
    schema = draw(st.sampled_from(schemas))
    kind = schema.get("type")
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from(schema.get("enum", [schema.get("const")])))
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", 1))
        near = [low - 1, low, low + 1, high - 1, high, high + 1, 2, 10]
        return draw(st.one_of(st.sampled_from(near), st.integers(1, 60)))
    if kind == "array":
        items = of_schema(variants(schema.get("items", {})), depth + 1)
        return draw(st.lists(items, max_size=3)) * draw(st.sampled_from((1, 1, 1, 2)))
    if kind == "object":
        known = schema.get("properties", {})
        chosen = draw(st.sets(st.sampled_from(sorted(known)))) if known else ()
        entries = {key: draw(of_schema(variants(known[key]), depth + 1)) for key in sorted(chosen)}
        if isinstance(schema.get("additionalProperties"), dict):
            other = of_schema(variants(schema["additionalProperties"]), depth + 1)
            entries |= draw(
                st.dictionaries(st.sampled_from(("net", "raw", "sima", "training.seed")), other, max_size=2)
            )
        return entries
    return draw(st.sampled_from(TEXTS)) if kind == "string" else draw(SCALARS)


@st.composite
def beside(draw, old, values):
    """A value that may well be right where `old` is: another number, a part of a list, a name of another entry."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        return draw(
            st.sampled_from(
                (old + 1, max(old - 1, 0), old * 2, old / 2 if isinstance(old, float) else old // 2)
            )
        )
    if isinstance(old, list) and old:
        part = draw(st.lists(st.sampled_from(old), unique_by=repr, max_size=len(old)))
        return sorted(part, key=old.index)
    names = [name for section in values.values() if isinstance(section, dict) for name in section]
    return draw(st.sampled_from(names)) if isinstance(old, str) and names else old


def _at(values, path):
    for key in path:
        values = values[key]
    return values


HOW = ("beside",) * 6 + ("schema",) * 3 + ("junk", "gone", "more", "renamed", "again")


@st.composite
def mutated_values(draw):
    """Parameters with one to three places changed: another value, a key gone, more, or renamed, a list repeated."""
    values = deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.sampled_from((1, 1, 2, 3)))):
        known = [place for place in places(values) if place[0]]
        if not known:
            return values
        path, schemas = draw(st.sampled_from(known))
        parent, key = _at(values, path[:-1]), path[-1]
        old = parent[key]
        how = draw(st.sampled_from(HOW))
        if how == "beside":
            parent[key] = draw(beside(old, values))
        elif how == "junk":
            parent[key] = draw(JUNK)
        elif how == "schema":
            parent[key] = draw(of_schema(schemas))
        elif how == "gone":
            del parent[key]
        elif how == "again":
            parent[key] = old * 2 if isinstance(old, list) else [old, old]
        elif isinstance(parent, dict):
            new = draw(
                st.sampled_from(
                    (*TEXTS, *sorted(SCHEMA["properties"]), "like", "over", "seeds", "adversarial")
                )
            )
            parent[new] = deepcopy(old) if how == "more" else parent.pop(key)
    return values


BYTES = (
    *(
        b"\xff",
        b"\xe9",
        b"\0",
        b"\t",
        b"\xef\xbb\xbf",
        b"\n- x",
        b"{",
        b"]",
        b": ",
        b"*a ",
        b"&a ",
        b"<<: *a\n",
    ),
    *(
        b"!!python/object:os.system ",
        b"!x ",
        b"---\n",
        b"? ",
        b"9" * 5000,
        b"[" * 500,
        b"{a: " * 500,
        b"'",
        b"%",
    ),
    *(b"&a [*a]", b"\n=: =\n", b"0x_", b"1:2:3", b"2001-99-99", b".inf", b"\xe2\x80\xa8", b"# \xff\n"),
)
BOMB = "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9) if level else 'x'}]\n" for level in range(12)
)


@st.composite
def mutated_files(draw):
    """The bytes of a file of parameters: mutated values, and sometimes bytes or lines that are changed as well."""
    text = yaml.safe_dump(draw(mutated_values()), sort_keys=False, allow_unicode=True)
    how = draw(st.sampled_from(("",) * 8 + ("bytes", "cut", "twice", "encoded", "bomb")))
    data, lines = text.encode("utf-8", "surrogatepass"), text.splitlines(keepends=True)
    if how == "bytes":
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.sampled_from(BYTES)) + data[at:]
    elif how == "cut":
        data = data[: draw(st.integers(0, len(data)))]
    elif how == "twice":
        line = draw(st.integers(0, len(lines) - 1))
        data = "".join([*lines[: line + 1], *lines[line:]]).encode()
    elif how == "encoded":
        data = (text + "# é\n").encode(
            draw(st.sampled_from(("utf-16", "utf-32", "latin-1", "utf-8-sig"))), "replace"
        )
    elif how == "bomb":
        data += BOMB.encode()
    return data
