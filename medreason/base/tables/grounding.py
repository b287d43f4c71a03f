"""Tables of grounding: mentions, links, paths, what became of each question, and what was reached of the graph.

Belongs: what a grounding shard returns, and the one table over all of them.
Does not belong: chains.
Rule: every question that enters grounding has exactly one row in `grounding_outcomes`.
"""

from __future__ import annotations

import pyarrow as pa

from medreason.base.tables.registry import BOOL, INT32, INT64, STRING, Column, Table, list_of

NODE_STRUCT = list_of(node_type=STRING, node_id=STRING, node_name=STRING)
HOPS = pa.list_(
    pa.field(
        "element",
        list_of(edge_id=STRING, relation=STRING, display_relation=STRING, is_reversed=BOOL, is_direction_known=BOOL),
    )
)
"""For each hop of a path all parallel edges, cheapest first."""

MENTIONS = Table(
    name="mentions",
    meaning="Spans of question text that may name an entity",
    columns=(
        Column(name="item_id", type=STRING, meaning="question"),
        Column(name="mention_no", type=INT32, meaning="0.. in order of field, option, start"),
        Column(name="field", type=STRING, meaning="stem, context, option, answer or rationale"),
        Column(name="option_letter", type=STRING, meaning="letter where the field is option, else empty"),
        Column(name="start", type=INT32, meaning="first character", unit="code points"),
        Column(name="stop", type=INT32, meaning="behind the last character", unit="code points"),
        Column(name="text", type=STRING, meaning="the span as written"),
        Column(name="is_negated", type=BOOL, meaning="the text says that it is absent"),
        Column(name="status", type=STRING, meaning="finding, family_history, medication, history or in_passing"),
    ),
    key=("item_id", "mention_no"),
)

LINKS = Table(
    name="links",
    meaning="Candidates of each mention; the chosen ones are its links",
    columns=(
        Column(name="item_id", type=STRING, meaning="question"),
        Column(name="mention_no", type=INT32, meaning="mention"),
        Column(name="candidate_no", type=INT32, meaning="0.. best first"),
        Column(name="side", type=STRING, meaning="question, answer or option"),
        Column(name="node_type", type=STRING, meaning="node"),
        Column(name="node_id", type=STRING, meaning="node"),
        Column(name="node_name", type=STRING, meaning="node"),
        Column(
            name="stage", type=STRING, meaning="exact, normalised, sorted_tokens, partial, fuzzy, embedding, choice"
        ),
        Column(name="score", type=INT32, meaning="1000 = the same name", unit="thousandths"),
        Column(name="is_chosen", type=BOOL, meaning="this candidate is a link"),
    ),
    key=("item_id", "mention_no", "candidate_no"),
)

PATHS = Table(
    name="paths",
    meaning="Kept shortest paths between the question's side and an answer or option",
    columns=(
        Column(name="item_id", type=STRING, meaning="question"),
        Column(name="path_no", type=INT32, meaning="0.. in rank order, supporting the gold answer first"),
        Column(name="path_id", type=STRING, meaning="16 hex over the node sequence"),
        Column(name="target", type=STRING, meaning="answer, or option:<letter> for a wrong option"),
        Column(name="view", type=STRING, meaning="view of the graph it was found in"),
        Column(name="n_hops", type=INT32, meaning="edges in the path"),
        Column(name="cost", type=INT64, meaning="sum of the cheapest edge costs", unit="milli-nats"),
        Column(name="n_shortest", type=INT64, meaning="all shortest paths between these two ends in this view"),
        Column(name="nodes", type=NODE_STRUCT, meaning="node sequence from the question's side"),
        Column(name="hops", type=HOPS, meaning="for each hop all parallel edges, cheapest first"),
        Column(name="verdict", type=STRING, meaning="supports, against or neutral, by clinical logic"),
        Column(name="verdict_reason", type=STRING, meaning="the rule that decided; empty for supports"),
    ),
    key=("item_id", "path_no"),
)

PRUNED_PATHS = Table(
    name="pruned_paths",
    meaning="The paths that are shown to the writer, in the order shown",
    columns=(
        Column(name="item_id", type=STRING, meaning="question"),
        Column(name="shown_no", type=INT32, meaning="0.. in the order shown"),
        Column(name="path_no", type=INT32, meaning="row of `paths`"),
        Column(name="path_id", type=STRING, meaning="path"),
        Column(name="chosen_by", type=STRING, meaning="engine kind that pruned"),
    ),
    key=("item_id", "shown_no"),
)

OUTCOMES = Table(
    name="grounding_outcomes",
    meaning="What grounding came to for each question",
    columns=(
        Column(name="item_id", type=STRING, meaning="question"),
        Column(name="outcome", type=STRING, meaning="ok, quarantined or deferred"),
        Column(name="reason", type=STRING, meaning="reason code; empty where ok"),
        Column(name="detail", type=STRING, meaning="what was met; empty where the reason says all"),
        Column(name="answer_side", type=STRING, meaning="answer or rationale: where the answer's entities come from"),
        Column(name="n_question_nodes", type=INT32, meaning="distinct nodes on the question's side"),
        Column(name="n_answer_nodes", type=INT32, meaning="distinct nodes on the answer's side"),
        Column(name="n_paths", type=INT32, meaning="kept paths to the gold answer"),
    ),
    key=("item_id",),
)

COVERAGE = Table(
    name="graph_coverage",
    meaning="What of the graph the questions reach by a link or a kept path, and what they never do",
    columns=(
        Column(name="kind", type=STRING, meaning="node_type, relation or entity"),
        Column(name="node_type", type=STRING, meaning="type of nodes; empty for a relation"),
        Column(name="code", type=STRING, meaning="relation, or id of an entity; empty for a type"),
        Column(name="name", type=STRING, meaning="display relation, or name of an entity; empty for a type"),
        Column(name="n_in_graph", type=INT64, meaning="nodes of the type, edges of the relation, edges at the entity"),
        Column(name="n_linked", type=INT64, meaning="of a type: nodes linked; of an entity: questions linked to it"),
        Column(
            name="n_on_paths",
            type=INT64,
            meaning="of a type or relation: nodes or edges on kept paths; of an entity: questions with it on one",
        ),
        Column(name="n_reached", type=INT64, meaning="nodes or edges linked or on a kept path; 0 = never reached"),
        Column(name="n_questions", type=INT64, meaning="questions that reach it", unit="questions"),
    ),
    key=("kind", "node_type", "code", "name"),
)
"""Every type and relation of the graph, every entity that is reached, and the best connected of those that are not."""

TABLES = (MENTIONS, LINKS, PATHS, PRUNED_PATHS, OUTCOMES, COVERAGE)
