"""Raw tables: one per adapter, in the source's own columns, plus the provenance that every record carries.

Belongs: what `questions/sources` writes and dbt's staging models read.
Does not belong: canonical columns (questions.py); an adapter decodes, dbt normalises.
Rule: a record that could not be decoded is a row too: `fault_reason` set, source columns NULL; nothing is dropped.
"""

from __future__ import annotations

from medreason.base.tables.registry import BOOL, INT32, INT64, STRING, STRINGS, Column, Table, list_of

OPTIONS = list_of(letter=STRING, text=STRING)

PROVENANCE: tuple[Column, ...] = (
    Column(name="item_id", type=STRING, meaning="<source>:<16 hex>; also of faulty records"),
    Column(name="source", type=STRING, meaning="adapter name"),
    Column(name="dataset_name", type=STRING, meaning="MedReason's spelling of the set"),
    Column(name="split", type=STRING, meaning="split as configured"),
    Column(name="role", type=STRING, meaning="train or benchmark"),
    Column(name="layout", type=STRING, meaning="which of the adapter's layouts the file has"),
    Column(name="raw_record_id", type=STRING, meaning="the source's own id, else the first 16 hex of record_sha256"),
    Column(name="raw_file_sha256", type=STRING, meaning="hash of the file as fetched"),
    Column(name="raw_locator", type=STRING, meaning="place in the file: line:12, row:5, key:10808977, case:3"),
    Column(
        name="record_sha256", type=STRING, meaning="hash of the record's RFC 8785 form (of its bytes where it has none)"
    ),
    Column(name="entry_no", type=INT32, meaning="position of the source in the configuration"),
    Column(name="record_no", type=INT64, meaning="position of the record in its file, for first-come rules only"),
    Column(name="fault_reason", type=STRING, meaning="why the record could not be decoded", nullable=True),
    Column(name="fault_detail", type=STRING, meaning="field and expectation, never the text", nullable=True),
)


def _text(name: str, meaning: str) -> Column:
    return Column(name=name, type=STRING, meaning=meaning, nullable=True)


def _raw(adapter: str, meaning: str, *columns: Column) -> Table:
    return Table(name=f"raw_{adapter}", meaning=meaning, columns=PROVENANCE + columns, key=("entry_no", "record_no"))


_OPTIONS = Column(name="options", type=OPTIONS, meaning="letter and text, in the file's order", nullable=True)
_CHOICES = Column(name="choices", type=STRINGS, meaning="option texts in order", nullable=True)
_MMLU_LAYOUT = (
    _text("problem_id", "the file's number for the problem, not stable between files"),
    _text("problem_text", "question"),
    _CHOICES,
    Column(name="answer", type=STRINGS, meaning="lower-case letters", nullable=True),
)

RAW_TABLES: dict[str, Table] = {
    "medqa": _raw(
        "medqa",
        "MedQA-USMLE; layouts options5 and options4 (re-lettered)",
        _text("question", "vignette and question"),
        _text("answer", "gold option text"),
        _OPTIONS,
        _text("meta_info", "step1 or step2&3"),
        _text("answer_idx", "gold letter"),
    ),
    "medmcqa": _raw(
        "medmcqa",
        "MedMCQA; layouts original (cop 1..4) and hub (cop 0..3, -1 where unlabelled)",
        _text("id", "the source's id"),
        _text("question", "question"),
        _text("exp", "explanation"),
        Column(
            name="cop", type=INT32, meaning="gold option number as published; base depends on layout", nullable=True
        ),
        _text("opa", "option 1"),
        _text("opb", "option 2"),
        _text("opc", "option 3"),
        _text("opd", "option 4"),
        _text("subject_name", "subject"),
        _text("topic_name", "topic"),
        _text("choice_type", "single or multi, as published"),
    ),
    "pubmedqa": _raw(
        "pubmedqa",
        "PubMedQA; layouts original (object by PMID) and hub; labelled, artificial, unlabelled",
        _text("pubid", "PubMed id"),
        _text("question", "question"),
        Column(name="contexts", type=STRINGS, meaning="abstract sections", nullable=True),
        Column(name="labels", type=STRINGS, meaning="section labels", nullable=True),
        Column(name="meshes", type=STRINGS, meaning="MeSH terms", nullable=True),
        _text("year", "year of the article"),
        _text("long_answer", "conclusion of the abstract"),
        _text("final_decision", "yes, no or maybe; absent where unlabelled"),
    ),
    "mmlu_medical": _raw("mmlu_medical", "MMLU, six medical test subjects", *_MMLU_LAYOUT),
    "medxpertqa": _raw(
        "medxpertqa",
        "MedXpertQA Text; layouts hub, medreason_eval (the same columns, choices cut from the question) and realidx",
        _text("id", "Text-n"),
        _text("question", "question, in hub and realidx layout ending with the choices"),
        _OPTIONS,
        _text("label", "gold letter"),
        _text("answer", "gold option text where given"),
        _text("medical_task", "Diagnosis, Treatment or Basic Science"),
        _text("body_system", "body system"),
        _text("question_type", "Reasoning or Understanding"),
    ),
    "huatuo_o1": _raw(
        "huatuo_o1",
        "HuatuoGPT medical-o1; layouts sft (Question, Complex_CoT, Response), demo, verifiable (no chain)",
        _text("question", "open question"),
        _text("complex_cot", "gold chain; never given to a writer"),
        _text("response", "free-text answer"),
        _text("ground_true_answer", "short gold answer (demo and verifiable layouts)"),
        _text("source_question", "multiple-choice question it was made from (demo layout)"),
        _text("source_answer_idx", "gold letter of that question (demo layout)"),
    ),
    "hle_biomed": _raw(
        "hle_biomed",
        "Humanity's Last Exam, biomedical; layouts generation and evaluation",
        _text("id", "id or idx where the layout has one"),
        _text("question", "question"),
        _text("answer", "answer, in the evaluation layout 'C. text'"),
        _text("rationale", "gold rationale (generation layout)"),
        _OPTIONS,
        _text("answer_idx", "gold letter (evaluation layout)"),
    ),
    "medbullets": _raw(
        "medbullets",
        "MedBullets; layouts jsonl (options object) and csv (opa..ope)",
        _text("question", "question"),
        _OPTIONS,
        _text("answer", "gold option text"),
        _text("answer_idx", "gold letter"),
        _text("explanation", "explanation (csv layout)"),
    ),
    "mmlu_pro_health": _raw(
        "mmlu_pro_health",
        "MMLU-Pro, health; up to ten options; layouts realidx and hub (options as a list, no gold text)",
        _text("realidx", "id of the original set"),
        _text("question", "question"),
        _OPTIONS,
        _text("answer_idx", "gold letter"),
        _text("answer", "gold option text"),
        _text("category", "category"),
        _text("src", "origin of the question"),
    ),
    "medcalc_bench": _raw(
        "medcalc_bench",
        "MedCalc-Bench; numbers and dates with limits",
        _text("row_number", "row number as published"),
        _text("calculator_id", "calculator"),
        _text("calculator_name", "name of the calculator"),
        _text("category", "category"),
        _text("output_type", "decimal, integer or date"),
        _text("note_id", "note"),
        _text("note_type", "how the note was made"),
        _text("patient_note", "note"),
        _text("question", "question"),
        _text("relevant_entities", "Python literal text, kept as text"),
        _text("ground_truth_answer", "gold number or date"),
        _text("lower_limit", "smallest accepted answer"),
        _text("upper_limit", "largest accepted answer"),
        _text("ground_truth_explanation", "gold steps"),
    ),
    "cmexam": _raw("cmexam", "CMExam (Chinese) in the MMLU layout", *_MMLU_LAYOUT),
    "medqa_zh": _raw("medqa_zh", "MedQA mainland China (Chinese) in the MMLU layout", *_MMLU_LAYOUT),
    "casimedicos": _raw(
        "casimedicos",
        "CasiMedicos-Arg; one record per case, put together from token and BIO lines",
        _text("language", "en, es, fr or it, from the file's folder or the configuration"),
        _text("question_type", "specialty"),
        _text("clinical_case", "case"),
        Column(
            name="options",
            type=OPTIONS,
            meaning="number and text, in order; text 'nan' where the exam had four options",
            nullable=True,
        ),
        _text("correct_option", "number of the gold option"),
        _text("explanation", "doctors' explanation"),
        Column(
            name="arguments",
            type=list_of(kind=STRING, text=STRING),
            meaning="annotated Claim and Premise spans in order",
            nullable=True,
        ),
    ),
}

RAW_GRAPH = Table(
    name="raw_graph",
    meaning="Edge rows of the graph file, in PrimeKG's columns whatever its layout; every row in file order",
    columns=(
        Column(name="row_no", type=INT64, meaning="position in the file"),
        *(
            Column(name=name, type=STRING, meaning=f"{name} as in the file, or as its layout maps it")
            for name in (
                *("relation", "display_relation"),
                *("x_id", "x_type", "x_name", "x_source"),
                *("y_id", "y_type", "y_name", "y_source"),
            )
        ),
    ),
    key=("row_no",),
)

RELATION_REGISTRY = Table(
    name="relation_registry",
    meaning="What each relation says: its subject and object types, phrases both ways, what it may support",
    columns=(
        Column(name="relation", type=STRING, meaning="relation as in the graph file"),
        Column(name="display_relation", type=STRING, meaning="display relation as in the graph file"),
        Column(name="subject_type", type=STRING, meaning="node type the phrase starts from"),
        Column(name="object_type", type=STRING, meaning="node type it goes to"),
        Column(name="is_symmetric", type=BOOL, meaning="no direction is meant"),
        Column(name="phrase", type=STRING, meaning="subject PHRASE object"),
        Column(name="inverse_phrase", type=STRING, meaning="object PHRASE subject"),
        Column(name="polarity", type=STRING, meaning="positive, negative or associative: what a claim may rest on it"),
    ),
    key=("relation", "display_relation", "subject_type", "object_type"),
)
