"""The lexicon: every name that may lead to a node, with where it is from.

Belongs: names derived from a node's own name (numbers, brackets, inversions, plurals, salts), synonym files.
Does not belong: search in text (linking/), the graph's arrays.
Rule: a derived name never replaces another node's own name, and a name that cannot be read safely is left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import pyarrow as pa

from medreason.base.config import StrictModel
from medreason.base.errors import BadInput
from medreason.base.tables.graph import LEXICON
from medreason.graph.linking.normalise import letters_and_digits, name_key, singular
from medreason.graph.linking.words import SALT_BASES_KEPT, SALT_WORDS, WRONG_NAMES
from medreason.questions.sources.fetch import fetch

Layout = Literal["obo", "tsv", "sider_meddra"]


class SynonymSource(StrictModel):
    """One element of `graph.synonyms`: a file that gives further names to nodes."""

    layout: Layout
    url: str
    origin: str = ""
    """Short name written beside each name; the file's name where empty."""
    scopes: tuple[Literal["EXACT", "RELATED", "NARROW", "BROAD"], ...] = ("EXACT",)
    """obo: scopes that are read. RELATED names organs after their cancers and the reverse: not by default."""
    references: str | None = None
    """obo: PrimeKG's mondo_references file, where nodes carry MONDO numbers and terms carry other ids."""
    name_column: str = "name"
    """tsv: column that holds the further name."""
    node_column: str = "node"
    """tsv: column that holds the node's id, or its name."""
    node_by: Literal["id", "name"] = "id"
    """tsv: what `node_column` holds."""
    scope: Literal["exact", "related", "class"] = "exact"
    """tsv: `class` where the name is that of a class and the node one of its members."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name of one node."""

    node_index: int
    name: str
    origin: str
    scope: str


@dataclass(frozen=True, slots=True)
class Node:
    """What the lexicon needs to know of a node."""

    index: int
    type: str
    id: str
    name: str
    source: str


def build_lexicon(nodes: pa.Table, synonyms: Sequence[SynonymSource] = (), *, everyday: bool = True) -> pa.Table:
    """Names of all nodes in the form of `graph_lexicon`.

    Args: nodes in the form of `graph_nodes`; synonym files in the order of the configuration; whether the bundled
        everyday names (heart attack, adrenaline, TNF-alpha) are added.
    Raises: BadInput where a synonym file is missing, not of its layout, or gives no name to any node.
    """
    known = list(_nodes_of(nodes))
    names = [own for node in known for own in own_names(node)]
    for source in synonyms:
        names += _read_source(source, known)
    if everyday:
        names += _everyday(names, known)
    names += [plural for name in names for plural in _numbers(name, known[name.node_index].type)]
    return _as_table(name for name in names if not is_wrong(name, known[name.node_index].name))


def is_wrong(name: Name, node: str) -> bool:
    """The name is on the list of those that vocabularies give to this node and that mean another thing."""
    key, meant = name_key(name.name), name_key(node)
    return (key, meant) in WRONG_NAMES or (_other_number(key), meant) in WRONG_NAMES


def _nodes_of(nodes: pa.Table) -> Iterator[Node]:
    columns = ("node_index", "node_type", "node_id", "node_name", "node_source")
    ordered = nodes.sort_by("node_index")
    yield from map(Node, *(ordered.column(name).to_pylist() for name in columns))


def _as_table(names: Iterable[Name]) -> pa.Table:
    """One row per (key, node, name); the first of equal ones stays, and a derived name yields to a node's own."""
    keyed = [(name_key(name.name), name) for name in names]
    owned = {key for key, name in keyed if name.scope == "name"}
    best: dict[tuple[str, int], Name] = {}
    for key, name in sorted(keyed, key=lambda pair: _RANKS[pair[1].scope]):
        is_taken = key in owned and name.scope not in ("name", "exact")
        if key and not is_taken:
            best.setdefault((key, name.node_index), name)
    rows = [(key, index, name.name, name.origin, name.scope) for (key, index), name in best.items()]
    columns = zip(*rows, strict=True) if rows else ((),) * 5
    return LEXICON.conform(pa.table(dict(zip(LEXICON.column_names, map(list, columns), strict=True))))


_RANKS = {
    scope: n for n, scope in enumerate(("name", "exact", "split", "plural", "variant", "agent", "class", "related"))
}
"""Where one name leads to a node in several ways, the first of these is written down."""


# --- names from a node's own name -------------------------------------------------------------------------------

_OMIM_NUMBER = re.compile(r"^[*+#%^]?\d{6}\s+")
_ABBREVIATION = re.compile(r"^[A-Z][A-Za-z0-9-]*[A-Z0-9][A-Za-z0-9-]*$")
_BRACKET = re.compile(r"\s*\(([^()]*)\)\s*")
# A bracket that says with what or whence makes something narrower: "Headache (with pheochromocytoma)" is no headache.
_QUALIFIES = re.compile(
    r"(?:with|without|caused by|due to|after|during|associated|induced|in|from|of)\b", re.IGNORECASE
)
# OMIM lists genes among the diseases (RENIN, ALPHA-FETOPROTEIN): they end like a gene product.
_GENE_PRODUCT = re.compile(
    r"(ASE|PROTEIN|RECEPTOR|FACTOR|ANTIGEN|SUBUNIT|CHANNEL|HORMONE|GLOBULIN|CHAIN|INHIBITOR|ENZYME|LIGAND|KININ|RENIN"
    r"|ALBUMIN|COLLAGEN|PEPTIDE|TRANSPORTER|HOMOLOG|ONCOGENE|KERATIN|INTEGRIN|LECTIN|POLYPEPTIDE|FERRITIN|TRANSFERRIN"
    r"|PRECURSOR|HISTONE|LOCUS|MEMBER|DOMAIN)(S?)"
    r"([ ,-]+(ALPHA|BETA|GAMMA|DELTA|TYPE|FAMILY|[A-Z]?\d*[A-Z]?|OF .*|-?LIKE))*$"
)
_DISEASE_WORD = re.compile(
    r"DISEASE|SYNDROME|DEFICIENCY|DEFECT|ANEMIA|DISORDER|ABSENCE|RESISTANCE|EXCESS|MYOPATH|EMIA\b|URIA\b"
)
_PLURAL_TYPES = frozenset(["disease", "effect/phenotype", "drug", "anatomy"])


def own_names(node: Node) -> Iterator[Name]:
    """The node's name and what follows from it.

    >>> node = Node(0, "disease", "OMIM:100650", "+100650 ALDEHYDE FLUSH; ALDF;;FLUSHING, ALCOHOL", "OMIM")
    >>> [(name.name, name.scope) for name in own_names(node)][:3]
    [('+100650 ALDEHYDE FLUSH; ALDF;;FLUSHING, ALCOHOL', 'name'), ('ALDEHYDE FLUSH', 'split'), ('ALDF', 'split')]
    """
    if node.source == "OMIM" and is_gene_product(node.name):
        yield Name(node.index, node.name, "graph", "related")
        return
    yield Name(node.index, node.name, "graph", "name")
    for part in _parts(node):
        if part != node.name:
            yield Name(node.index, part, "graph", "split")
        for variant in _VARIANTS.get(node.type, _no_variants)(part):
            yield Name(node.index, variant, "graph", "variant")


def is_gene_product(name: str) -> bool:
    """True for OMIM entries that name a gene or its product and not a disease.

    >>> is_gene_product("ASPARAGINE SYNTHETASE"), is_gene_product("FUMARASE DEFICIENCY")
    (True, False)
    """
    title = _OMIM_NUMBER.sub("", name).split(";")[0]
    return bool(_GENE_PRODUCT.search(title)) and not _DISEASE_WORD.search(title)


def _parts(node: Node) -> Iterator[str]:
    if node.type not in ("disease", "effect/phenotype", "drug"):
        yield node.name
        return
    for piece in _OMIM_NUMBER.sub("", node.name).split(";"):
        title = piece.strip()
        # "..., INCLUDED" names another entity that OMIM treats under the same number.
        if title and not title.endswith("INCLUDED"):
            yield title
            yield from _turned(title)
            yield from _unbracketed(title)


def _turned(title: str) -> Iterator[str]:
    """Inverted headings the right way round: "Neoplasms, Mesothelial", "Carotid Artery, Internal, Dissection"."""
    parts = [part.strip() for part in title.split(",")]
    if not 2 <= len(parts) <= 3 or not all(parts) or any(part[0].isdigit() for part in parts):
        return
    if parts[-1].split()[0].lower() in ("type", "and", "or", "with", "due", "in", "susceptibility", "included"):
        return
    yield " ".join(reversed(parts))
    if len(parts) == 3:
        yield f"{parts[1]} {parts[0]} {parts[2]}"


def _unbracketed(title: str) -> Iterator[str]:
    """A name without its bracket, and the bracket where it is an abbreviation or a name of two words and more."""
    for inner in _BRACKET.findall(title):
        outer = _BRACKET.sub(" ", title).strip()
        if is_safe_rest(outer) and not _QUALIFIES.match(inner):
            yield outer
        if _ABBREVIATION.match(inner) and len(inner) >= 3:
            yield inner


def is_safe_rest(rest: str) -> bool:
    """True where what is left of a name is still one: not "or", not "fever or".

    >>> is_safe_rest("fever or"), is_safe_rest("Chagas cardiomyopathy")
    (False, True)
    """
    words = name_key(rest).split()
    letters = sum(len(word) for word in words if not word.isdigit())
    return letters >= 5 and words[0] not in _JOINING_WORDS and words[-1] not in _JOINING_WORDS


_JOINING_WORDS = frozenset(
    (
        "and", "or", "of", "the", "with", "without", "in", "due", "to", "by", "for", "from", "nos", "other",
        "unspecified"
    )
)  # fmt: skip


def _no_variants(name: str) -> Iterator[str]:
    return iter(())


_LEVEL = re.compile(r"^(?P<what>.+?) (?P<how>increased|decreased|abnormal|high|low|elevated)$", re.IGNORECASE)
_LEVEL_FIRST = re.compile(r"^(?P<how>increased|decreased|elevated|reduced) (?P<what>.+)$", re.IGNORECASE)
_UP, _DOWN = ("increased", "elevated", "high", "raised"), ("decreased", "reduced", "low")
_ABNORMALITY = re.compile(r"^abnormality of (?:the )?(?P<what>.+)$", re.IGNORECASE)


def _finding_variants(name: str) -> Iterator[str]:
    """Levels in both word orders and in equal words; other findings as they are."""
    if match := _LEVEL.match(name) or _LEVEL_FIRST.match(name):
        what, how = match["what"], match["how"].lower()
        for same in _UP if how in _UP else _DOWN if how in _DOWN else (how,):
            yield f"{same} {what}"
            yield f"{what} {same}"
    if match := _ABNORMALITY.match(name):
        yield f"{match['what']} abnormality"
    yield from _turned_round(name)
    yield from _misprints(name)


_ADJECTIVE = re.compile(r"(?:al|ic|ous|ary|ed|ive|oid|ile|ial|ular)$")


def _turned_round(name: str) -> Iterator[str]:
    """MedDRA's noun before its adjective as one writes it: "Pharyngitis streptococcal", "Rash maculo-papular"."""
    words = name.split()
    if (
        2 <= len(words) <= 3
        and words[-1] != "normal"
        and _ADJECTIVE.search(words[-1])
        and not _ADJECTIVE.search(words[0])
    ):
        yield f"{words[-1]} {' '.join(words[:-1])}"


_OF_ORGAN = re.compile(
    r"^(?P<organ>.+) (?P<kind>cancer|carcinoma|adenocarcinoma|neoplasm|tumou?r|lymphoma)$", re.IGNORECASE
)


def _disease_variants(name: str) -> Iterator[str]:
    """ "breast cancer" is also "cancer of the breast" and "breast carcinoma"."""
    if match := _OF_ORGAN.match(name):
        organ, kind = match["organ"], match["kind"].lower()
        for same in ("cancer", "carcinoma") if kind in ("cancer", "carcinoma") else (kind,):
            yield f"{organ} {same}"
            yield f"{same} of {organ}"
            yield f"{same} of the {organ}"
    yield from _misprints(name)


def _misprints(name: str) -> Iterator[str]:
    """MedMCQA's text has lost every "rt" ("hea failure", "hypeension"): names of two words or of length follow it."""
    words = name.split()
    if "rt" in name and 1 <= len(words) <= 4 and len(name) >= 10:
        yield name.replace("rt", "")


def _drug_variants(name: str) -> Iterator[str]:
    """A drug without its salt, where what is left is still a drug's name."""
    words = name.split()
    base = [word for word in words if name_key(word) not in SALT_WORDS]
    if 1 <= len(base) < len(words) and name_key(words[0]) not in SALT_BASES_KEPT | SALT_WORDS and len(base[0]) >= 5:
        yield " ".join(base)


_VARIANTS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "disease": _disease_variants,
    "effect/phenotype": _finding_variants,
    "drug": _drug_variants,
}


def _numbers(name: Name, node_type: str) -> Iterator[Name]:
    """The other grammatical number of a name's last word, in types whose names are nouns."""
    is_noun = node_type in _PLURAL_TYPES or name.origin == "everyday"
    if not is_noun or name.scope in ("related", "agent"):
        return
    other = _other_number(name_key(name.name))
    if other and not _ABBREVIATION.match(name.name):
        yield Name(name.node_index, other, name.origin, "class" if name.scope == "class" else "plural")


def _other_number(key: str) -> str:
    """A normalised name with its last word's other number; empty where that word has none."""
    head, blank, last = key.rpartition(" ")
    if len(last) < 4 or not last.isalpha():
        return ""
    one = singular(last)
    return head + blank + (one if one != last else plural(last))


def plural(word: str) -> str:
    """A folded noun's plural, by rule.

    >>> [plural(word) for word in ("seizure", "biopsy", "metastasis", "abscess")]
    ['seizures', 'biopsies', 'metastases', 'abscesses']
    """
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith("itis"):
        return word[:-1] + "des"
    if word.endswith("sis"):
        return word[:-2] + "es"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


# --- synonym files ------------------------------------------------------------------------------------------------


def _read_source(source: SynonymSource, known: Sequence[Node]) -> list[Name]:
    names = list(_READERS[source.layout](source, known))
    if not names:
        raise BadInput(f"a synonym file of layout {source.layout} gives no name to any node", where=source.url)
    return names


def read_text(url: str) -> str:
    """A text file, unpacked where it is gzip.

    Raises: BadInput where it is missing, broken or not UTF-8.
    """
    file = fetch(url)
    try:
        return str(file.data, "utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("the synonym file is not UTF-8", where=file.url) from error


def _origin(source: SynonymSource) -> str:
    return source.origin or source.url.rsplit("/", 1)[-1]


def _by_id(known: Sequence[Node]) -> dict[str, list[int]]:
    """Nodes by id; a MONDO number also without its zeros, a grouped node also by each of its members."""
    found: dict[str, list[int]] = defaultdict(list)
    for node in known:
        found[node.id].append(node.index)
        if node.source.startswith("MONDO"):
            for member in node.id.split("_"):
                found[f"MONDO:{member.lstrip('0')}"].append(node.index)
    return found


_SYNONYM = re.compile(r'^synonym: "((?:[^"\\]|\\.)*)" (EXACT|RELATED|NARROW|BROAD)\b')
_QUALIFIER = re.compile(
    r"\s*\((?:disorder|finding|morphologic abnormality|qualifier value|situation|body structure|clinical|event"
    r"|function|navigational concept|observable entity|procedure|organism|substance|context-dependent category)\)$"
)
_NOS = re.compile(r",?\s+(?:NOS|unspecified)\b.*$", re.IGNORECASE)


def read_obo(text: str) -> Iterator[tuple[str, str, str]]:
    """(term id, name, scope) of every name and synonym of an OBO file; obsolete terms are left out."""
    for stanza in re.split(r"\n(?=\[)", text):
        if stanza.startswith("[Term]"):
            yield from _term_names(stanza)


def _term_names(stanza: str) -> Iterator[tuple[str, str, str]]:
    lines = stanza.splitlines()
    term_id = next((line[4:].strip() for line in lines if line.startswith("id: ")), "")
    if not term_id or "is_obsolete: true" in lines:
        return
    for line in lines:
        if line.startswith("name: "):
            yield term_id, line[6:].strip(), "EXACT"
        elif match := _SYNONYM.match(line):
            yield term_id, match[1].replace('\\"', '"'), match[2]


def _obo(source: SynonymSource, known: Sequence[Node]) -> Iterator[Name]:
    by_id = _by_id(known)
    also = _references(source.references) if source.references else {}
    for term_id, raw, scope in read_obo(read_text(source.url)):
        name = clean_synonym(raw)
        if scope in source.scopes and name:
            for index in by_id.get(term_id) or [i for mondo in also.get(term_id, ()) for i in by_id.get(mondo, ())]:
                yield Name(index, name, _origin(source), scope.lower() if scope == "EXACT" else "related")


def clean_synonym(raw: str) -> str | None:
    """A synonym without what vocabularies add to it; None where taking that away leaves no safe name.

    >>> [clean_synonym(raw) for raw in ("Seal finger (disorder)", "Neonatal anemia, NOS", "(fever) or (NOS)")]
    ['Seal finger', 'Neonatal anemia', None]
    """
    name = _NOS.sub("", _QUALIFIER.sub("", raw.strip())).strip()
    if "(" in name or "[" in name or " AND/OR " in name or name.lower().startswith(("other ", "unspecified ")):
        return None
    is_symbol = bool(_ABBREVIATION.match(name)) and len(letters_and_digits(name)) >= 3
    return name if is_symbol or is_safe_rest(name) else None


def _references(url: str) -> dict[str, list[str]]:
    """Term ids of other vocabularies to MONDO numbers, from PrimeKG's `ontology_id, ontology, mondo_id`."""
    rows = csv.DictReader(io.StringIO(read_text(url)))
    _need_columns(rows.fieldnames, ("ontology_id", "ontology", "mondo_id"), url)
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[f"{row['ontology']}:{row['ontology_id']}"].append(f"MONDO:{row['mondo_id'].lstrip('0')}")
    return found


def _need_columns(present: Sequence[str] | None, needed: Sequence[str], url: str) -> None:
    if missing := [name for name in needed if name not in (present or ())]:
        raise BadInput(f"columns {missing} are missing; there are {list(present or ())}", where=url)


def _tsv(source: SynonymSource, known: Sequence[Node]) -> Iterator[Name]:
    rows = csv.DictReader(io.StringIO(read_text(source.url)), delimiter="\t", quoting=csv.QUOTE_NONE)
    _need_columns(rows.fieldnames, (source.name_column, source.node_column), source.url)
    nodes_by = _by_id(known) if source.node_by == "id" else _by_name(known)
    for row in rows:
        name, node = row[source.name_column] or "", row[source.node_column] or ""
        for index in nodes_by.get(node if source.node_by == "id" else name_key(node), ()):
            yield Name(index, name, _origin(source), source.scope)


def _by_name(known: Sequence[Node]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for node in known:
        found[name_key(node.name)].append(node.index)
    return found


def _sider_meddra(source: SynonymSource, known: Sequence[Node]) -> Iterator[Name]:
    """Lowest-level MedDRA terms as names of the preferred term that SIDER gives beside them; no header, six columns."""
    lowest: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    preferred: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in csv.reader(io.StringIO(read_text(source.url)), delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(row) != 6:
            raise BadInput(f"a row has {len(row)} columns where meddra_all_se has 6", where=source.url)
        side = lowest if row[3] == "LLT" else preferred
        side[row[0], row[1], row[2]].add(row[5])
    by_name = _by_name(known)
    # A label with several preferred terms does not say which of them a lowest-level term means.
    clear = {
        key: next(iter(terms))
        for key, terms in preferred.items()
        if len(terms) == 1 or len(set(map(name_key, terms))) == 1
    }
    pairs = {(low, clear[key]) for key, lows in lowest.items() if key in clear for low in lows}
    for low, high in sorted(pairs):
        for index in by_name.get(name_key(high), ()):
            yield Name(index, low, _origin(source), "related" if name_key(low) in by_name else "exact")


_READERS: Mapping[str, Callable[[SynonymSource, Sequence[Node]], Iterator[Name]]] = {
    "obo": _obo,
    "tsv": _tsv,
    "sider_meddra": _sider_meddra,
}


# --- everyday names -------------------------------------------------------------------------------------------------


def _everyday(names: Sequence[Name], known: Sequence[Node]) -> list[Name]:
    """The bundled table, for the nodes that are there: everyday words, drug and protein names, agents of infection."""
    # A gene's symbol in the table means the gene: PLAT is no adenoma that a vocabulary abbreviates so.
    symbols = {name_key(node.name) for node in known if node.type == "gene/protein"}
    nodes_by_key: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for name in names:
        key = name_key(name.name)
        if name.scope == "name" or (name.scope != "related" and key not in symbols):
            nodes_by_key[key].add((name.node_index, name.scope))
    text = resources.files("medreason.graph.knowledge").joinpath("everyday_names.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        Name(index, row["name"], "everyday", "class" if scope == "class" else row["scope"])
        for row in rows
        for index, scope in sorted(_in_either_number(nodes_by_key, name_key(row["node"])))
    ]


def _in_either_number(nodes_by_key: Mapping[str, set[tuple[int, str]]], key: str) -> set[tuple[int, str]]:
    return nodes_by_key.get(key) or nodes_by_key.get(_other_number(key), set())
