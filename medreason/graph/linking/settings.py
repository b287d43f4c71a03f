"""Settings of linking.

Belongs: every number and switch of mention detection and candidates, and the named presets.
Does not belong: word lists (words.py).
Rule: shares and scores are thousandths, so that no comparison depends on a float.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from medreason.base.config import StrictModel

Scope = Literal["name", "exact", "related", "split", "plural", "variant", "agent", "class"]


class LinkingSettings(StrictModel):
    """How mentions are found and linked; the part `grounding.linking` of the configuration."""

    scopes: tuple[Scope, ...] = ("name", "exact", "split", "plural", "variant", "class")
    """Kinds of names that may be matched. Two are asked for by hand: `related` turns organs into their cancers, `agent`
    an organism into the disease it causes (Giardia lamblia into giardiasis)."""
    symbol_types: tuple[str, ...] = ("gene/protein",)
    """Node types whose names are symbols: matched in their own case only."""
    min_symbol_length: int = Field(default=3, ge=1, le=10)
    """Shortest symbol that counts, in letters and digits: C6, HR and T are vertebrae, heart rate and temperature."""
    whole_only_types: tuple[str, ...] = ("anatomy",)
    """Node types that count only as a whole option or answer: blood and heart stand in every vignette."""
    one_word_whole_only_types: tuple[str, ...] = ("pathway", "biological_process", "cellular_component")
    """Node types whose names of one word (Apoptosis, Disease) count only as a whole option or answer."""
    min_coverage: int = Field(default=500, ge=0, le=1000)
    """Least share of an option's words that a disease or finding inside it covers, to be linked; thousandths."""
    min_coverage_head: int = Field(default=330, ge=0, le=1000)
    """The same where it is the head of a plain noun phrase (femoral artery pseudoaneurysm is a pseudoaneurysm)."""
    min_coverage_first: int = Field(default=250, ge=0, le=1000)
    """The same where it is what the phrase begins with, before a preposition (tuberculosis of the right upper lobe)."""
    min_coverage_drug: int = Field(default=250, ge=0, le=1000)
    """The same for drugs, thousandths: "Administration of intravenous ceftriaxone" is an answer about ceftriaxone."""
    max_option_words: int = Field(default=12, ge=1)
    """Longest option that is linked by a name inside it; a longer one is a sentence about several things."""
    min_class_nodes: int = Field(default=3, ge=1)
    """A class with fewer members is known too incompletely: "urea" is no name of hydroxyurea."""
    max_class_nodes: int = Field(default=40, ge=1)
    """A class with more members says too little to be linked."""
    n_candidates: int = Field(default=10, ge=1, le=100)
    """Candidates kept per mention (MedReason: k = 10)."""
    offer_score: int = Field(default=700, ge=0, le=1000)
    """Least score of a candidate that is offered for a choice (MedReason: 0.7)."""
    accept_score: int = Field(default=850, ge=0, le=1000)
    """Least score of a candidate that is linked without a choice (MedReason: 0.85)."""
    lead_score: int = Field(default=30, ge=0, le=1000)
    """By how much the best concept must lead the next to be linked without a choice."""
    fuzzy: bool = True
    """Ask character n-grams where no name agrees."""
    min_fuzzy_letters: int = Field(default=6, ge=1)
    """Shorter texts are not compared by characters: one letter changes the meaning."""
    embedding_model: str | None = None
    """Folder of a sentence-transformers model (extra `embed`); None leaves the stage out."""
    preset: Literal["platform", "medreason"] = "platform"
    """`medreason`: exact names, then the nearest by embedding, thresholds 0.7 and 0.85, k = 10, nothing else."""


def medreason_preset(embedding_model: str | None = None) -> LinkingSettings:
    """MedReason's own linking: whole names, then embeddings, k = 10, offered from 0.7, accepted from 0.85."""
    return LinkingSettings(
        preset="medreason",
        scopes=("name",),
        n_candidates=10,
        offer_score=700,
        accept_score=850,
        lead_score=0,
        fuzzy=embedding_model is None,
        embedding_model=embedding_model,
    )
